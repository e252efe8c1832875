"""The configuration of the outbound contact server: every option, with its default, unit and range.

`etc/ocs.toml` is what `ocs config sample` prints of these tables, `docs/configuration.md` what `ocs config reference`
prints.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Protocol

from ocs.app.agents import StatServerLinkOptions
from ocs.app.calling_rules import ComplianceOptions, rule_problems
from ocs.app.campaigns import (
    AgentGroupOptions,
    CallingListOptions,
    CampaignGroupOptions,
    CampaignOptions,
    DialingFilterOptions,
    HolidayCalendarOptions,
    TreatmentOptions,
    campaign_groups,
    reference_problems,
)
from ocs.app.desktops import AgentOptions, DesktopPortOptions, desktop_problems
from ocs.app.dialers import CPDServerLinkOptions, InteractionLinkOptions
from ocs.app.peers import PeerOptions, PeerServerOptions, peer_problems
from ocs.app.rereads import time_of_day
from ocs.app.switches import SwitchLinkOptions, SwitchOptions, switch_problems
from ocs.app.third_parties import CommunicationOptions, ThirdPartyOptions, third_party_problems
from ocs.app.web.routes import HttpServerOptions
from ocs.configuration.options import ConfigurationOptions, Source
from ocs.database.backend import url_problems
from ocs.dialing.campaign import CampaignGroup
from ocs.dialing.results import DialingMode
from ocs.links.http_options import (
    CampaignGroupStateOptions,
    ContactProcessedOptions,
    HttpOptions,
    HttpRequestOptions,
    NotificationSpoolOptions,
    PreDialValidationOptions,
    RecordHistoryOptions,
    outgoing_problems,
)
from ocs.links.icon import IconLinkOptions
from ocs.links.obn import ObnLinkOptions
from ocs.log import LogOptions
from ocs.options import AT_ONCE, AT_RESTART, load_file, one_secret, option, read_secret, table
from ocs.passwords import is_hash
from ocs.runtime import ClockOptions, ServiceOptions
from ocs.store.call_audit import CallAuditOptions
from ocs.store.change_spool import ChangeSpoolOptions
from ocs.store.named_statements import SqlStatementOptions
from ocs.store.record_history import DialLogOptions

__all__ = ["ApplicationOptions", "DatabaseOptions", "DialingOptions", "ManholeOptions", "OCSOptions", "TServerOptions",
           "do_not_call_checks", "effect_problems", "load_configuration", "to_campaign_groups"]


@dataclass(frozen=True)
class ApplicationOptions:
    """Who this server is."""

    name: str = option("ocs", text="Name of the application, as agents' desktops and logs show it.")
    dbid: int = option(
        1, low=1,
        text="Number of the application (GSW_APPLICATION_ID); retrieved records carry it, so two servers on one "
             "database need two.")


@dataclass(frozen=True)
class DatabaseOptions:
    """Where calling lists, attempts and the do-not-call list lie."""

    url: str = option(
        "sqlite:///ocs.db",
        text="sqlite:///FILE, where a relative path counts from the working directory; or postgresql://USER@HOST/NAME, its "
             "password best in a password file (~/.pgpass).")
    pool_size: int = option(4, low=1, high=64, unit="connections", text="Connections, and threads that use them.")
    statement_timeout_s: float = option(
        10.0, low=0.1, high=600, unit="seconds",
        text="A statement takes this long at most: waiting for a lock on SQLite, in all on PostgreSQL.")
    do_not_call_snapshot: Path | None = option(
        None, text="File that the server keeps so that the do-not-call list is there sooner at the next start; nobody else's. "
                   "Empty = URL's file with .dnc behind it on SQLite, none on PostgreSQL.")

    def problems(self) -> list[str]:
        return url_problems(self.url)


@dataclass(frozen=True)
class TServerOptions(SwitchLinkOptions):
    """The T-Server in front of the switch; of several, the one whose DNs are written without a name."""

    port: int = option(7000, low=1, high=65_535, text="Port of the server.")


@dataclass(frozen=True)
class ManholeOptions:
    """The operator's console over SSH."""

    enabled: bool = option(False, text="Whether to listen for operators; needs a password or keys.")
    host: str = option("127.0.0.1", text="Address to listen on; leave it on loopback and tunnel to it.")
    port: int = option(7022, low=0, high=65_535, text="SSH port; 0 = any free one, told in the ready file.")
    user: str = option("admin", text="Name of the operator.")
    password_hash: str = option(
        "", secret=True, text="Argon2 hash of the password, as `ocs config password` prints it.")
    password_hash_file: Path | None = option(None, text="File whose first line is that hash.")
    authorized_keys: Path | None = option(None, text="File of public keys that may log in, as OpenSSH writes it.")
    host_key: Path = option(Path("ocs-host-key"), text="File of the server's own key; made where there is none.")
    sessions: int = option(8, low=1, high=100, unit="connections", text="Operators at the same time at most.")

    def problems(self) -> list[str]:
        found = one_secret("password_hash", self.password_hash, self.password_hash_file)
        if self.password_hash and not is_hash(self.password_hash):
            found.append("password_hash: not an Argon2 hash; `ocs config password` makes one")
        if self.authorized_keys is not None and not self.authorized_keys.is_file():
            found.append(f"authorized_keys: cannot read {self.authorized_keys}")
        if self.enabled and not (self.password_hash or self.password_hash_file or self.authorized_keys):
            found.append("enabled: give password_hash, password_hash_file or authorized_keys, or nobody can log in")
        return found

    @property
    def secret_hash(self) -> str:
        """The password's hash, wherever it is given; "" where only keys open."""
        if self.password_hash_file:
            return read_secret(self.password_hash_file, "manhole.password_hash_file")
        return self.password_hash


@dataclass(frozen=True)
class DialingOptions:
    """How every campaign group dials."""

    pacing_tick_s: float = option(
        1.0, low=0.05, high=60, unit="seconds",
        text="How often each session decides what to dial," " beside every change of an agent or a call.")
    stop_deadline_s: float = option(
        30.0, low=0, high=3_600, unit="seconds",
        text="On stop, how long calls may take to finish before their records are left behind.")
    stale_clean_timeout_min: float = option(
        30.0, low=1, high=1_440, unit="minutes", text="A record that an agent holds this long becomes Stale.")
    agent_logout_preview_call_result: int = option(
        -1, low=-1, high=53, text="Call result of a preview that was not dialed when its agent logs out, and its treatment is"
                                  " applied; -1 = it goes back as it was.")
    record_processed: bool = option(
        False, text="Whether a record waits for the desktop's RecordProcessed even when its agent is ready again; campaign "
                    "groups and lists may say so for themselves, too.")
    treatment_sched_threshold_min: float = option(
        20.0, low=0, high=60, unit="minutes",
        text="A retry that is further away is written to the list; a nearer one waits in memory.")
    personal_callback_wait_min: float = option(
        10.0, low=0, high=1_440, unit="minutes",
        text="A personal callback waits this long for its agent to log in; then it is an Agent CallBack Error.")
    callback_missed_tolerance_min: float = option(
        60.0, low=0, high=10_080, unit="minutes",
        text="A callback is missed if from its time on nothing could be dialed for this long, or its agent did not react.")
    callback_answer_min: float = option(
        5.0, low=0.1, high=120, unit="minutes",
        text="An agent who gets a callback and does not react to it for this long loses it again.")
    callback_again_min: float = option(
        2.0, low=0.1, high=1_440, unit="minutes",
        text="A callback that its agent rejected, or did not react to, is delivered again after this.")
    check_dnc_list: bool = option(
        True, text="Whether numbers are checked against the do-not-call list before each dial, callbacks apart. To switch it off "
                   "is audited.")
    check_dnc_callback: bool = option(
        True, text="Whether callbacks that were agreed on are checked, too. To switch it off is audited.")
    dnc_reread_timeout_min: float = option(
        0.0, low=0, high=10_080, unit="minutes",
        text="How often the do-not-call list is read again as a whole, for rows that are edited by hand; 0 = never. What comes "
             "by requests and commands is seen without that.")
    dnc_reread_daily: str = option(
        "", text="Time of the day, like 03:30, in the machine's own zone, at which it is read again; empty = never.")
    request_log: bool = option(
        False, effect=AT_RESTART,
        text="Whether requests of agents are kept in the table gsw_request_log: which, when, by whom, about which record, with "
             "what outcome.")
    cancel_on_desktop: bool = option(
        True, text="Whether a request to cancel records by phone or customer id takes those from agents who have them.")
    customer_id_field: str = option(
        "", text="User-defined field that holds the customer id, of lists that name none of their own; checked against the "
                 "do-not-call list after the phone.")

    def problems(self) -> list[str]:
        if self.dnc_reread_daily and time_of_day(self.dnc_reread_daily) is None:
            return [f"dnc_reread_daily: a time of the day like 03:30 is expected, not {self.dnc_reread_daily!r}"]
        return []


@dataclass(frozen=True)
class OCSOptions:
    """The whole file."""

    application: ApplicationOptions = table(ApplicationOptions)
    service: ServiceOptions = table(ServiceOptions)
    clock: ClockOptions = table(ClockOptions)
    log: LogOptions = table(LogOptions)
    database: DatabaseOptions = table(DatabaseOptions)
    configuration: ConfigurationOptions = table(ConfigurationOptions)
    change_spool: ChangeSpoolOptions = table(ChangeSpoolOptions)
    tserver: TServerOptions = table(TServerOptions)
    switch: tuple[SwitchOptions, ...] = table()
    statserver: StatServerLinkOptions = table(StatServerLinkOptions)
    icon: IconLinkOptions = table(IconLinkOptions)
    cpdserver: CPDServerLinkOptions = table(CPDServerLinkOptions)
    interaction: InteractionLinkOptions = table(InteractionLinkOptions)
    obn: ObnLinkOptions = table(ObnLinkOptions)
    http_server: HttpServerOptions = table(HttpServerOptions)
    communication_dn: CommunicationOptions = table(CommunicationOptions)
    third_party: tuple[ThirdPartyOptions, ...] = table()
    desktop_port: DesktopPortOptions = table(DesktopPortOptions)
    peer: PeerOptions = table(PeerOptions)
    peer_server: tuple[PeerServerOptions, ...] = table()
    manhole: ManholeOptions = table(ManholeOptions)
    dialing: DialingOptions = table(DialingOptions, effect=AT_ONCE)
    treatment: tuple[TreatmentOptions, ...] = table(effect=AT_ONCE)
    holiday_calendar: tuple[HolidayCalendarOptions, ...] = table(effect=AT_ONCE)
    dialing_filter: tuple[DialingFilterOptions, ...] = table(effect=AT_ONCE)
    calling_list: tuple[CallingListOptions, ...] = table(effect=AT_ONCE)
    agent: tuple[AgentOptions, ...] = table(effect=AT_ONCE)
    agent_group: tuple[AgentGroupOptions, ...] = table(effect=AT_ONCE)
    campaign: tuple[CampaignOptions, ...] = table(effect=AT_ONCE)
    campaign_group: tuple[CampaignGroupOptions, ...] = table(effect=AT_ONCE)
    compliance: ComplianceOptions = table(ComplianceOptions, effect=AT_ONCE)
    http: HttpOptions = table(HttpOptions)
    pre_dial_validation: tuple[PreDialValidationOptions, ...] = table()
    contact_processed_notification: tuple[ContactProcessedOptions, ...] = table()
    record_history_notification: tuple[RecordHistoryOptions, ...] = table()
    campaign_group_state_notification: tuple[CampaignGroupStateOptions, ...] = table()
    notification_spool: NotificationSpoolOptions = table(NotificationSpoolOptions)
    call_audit: CallAuditOptions = table(CallAuditOptions)
    dial_log: DialLogOptions = table(DialLogOptions)
    http_request: tuple[HttpRequestOptions, ...] = table(effect=AT_ONCE)
    sql_statement: tuple[SqlStatementOptions, ...] = table(effect=AT_ONCE)

    def problems(self) -> list[str]:
        if self.configuration.source is Source.DATABASE and not (self.campaign_group or self.campaign or self.calling_list):
            return []           # the file alone; what the database has comes to it (`ocs.app.sources`)
        groups = [f"{one.campaign}@{one.group}" for one in self.campaign_group]
        undialed = [f"campaign_group[{number}].cpd: there is no CPD Server ([cpdserver] enabled)"
                    for number, one in enumerate(self.campaign_group, 1) if one.cpd and not self.cpdserver.enabled]
        undialed += [f"campaign_group[{number}].mode: there is no Interaction Server ([interaction] enabled)"
                     for number, one in enumerate(self.campaign_group, 1)
                     if one.mode is DialingMode.PUSH_PREVIEW and not self.interaction.enabled]
        undialed += [f"campaign_group[{number}].obn: there is no Outbound Notification Manager ([obn] enabled)"
                     for number, one in enumerate(self.campaign_group, 1) if one.obn and not self.obn.enabled]
        if self.obn.enabled and not self.http_server.enabled:
            undialed.append("obn.enabled: its results need a port ([http_server] enabled)")
        return [*undialed, *switch_problems(self), *desktop_problems(self), *peer_problems(self.peer, self.peer_server),
                *third_party_problems(self), *reference_problems(self), *rule_problems(self),
                *effect_problems(self), *outgoing_problems(
            self.pre_dial_validation, self.contact_processed_notification, self.http_request, groups,
            [one.name for one in self.calling_list], self.record_history_notification,
            self.campaign_group_state_notification)]


class _Effects(Protocol):
    @property
    def treatment(self) -> tuple[TreatmentOptions, ...]: ...
    @property
    def http_request(self) -> tuple[HttpRequestOptions, ...]: ...
    @property
    def sql_statement(self) -> tuple[SqlStatementOptions, ...]: ...


def effect_problems(tables: _Effects) -> Iterator[str]:
    """What treatments ask for beside the dialing must exist."""
    requests = {one.name for one in tables.http_request}
    statements = {one.name for one in tables.sql_statement}
    for number, one in enumerate(tables.treatment, 1):
        if one.send_http_request and one.send_http_request not in requests:
            yield f"treatment[{number}].send_http_request: there is no HTTP request {one.send_http_request}"
        if one.execute_sql and one.execute_sql not in statements:
            yield f"treatment[{number}].execute_sql: there is no SQL statement {one.execute_sql}"


def load_configuration(path: Path | str) -> OCSOptions:
    """The checked file; ConfigurationError with every problem of it, each naming its option. Where the Configuration Database
    has the objects of dialing they are not in it (`ocs.app.sources.load_server`)."""
    return load_file(OCSOptions, path)


def to_campaign_groups(options: OCSOptions) -> dict[str, CampaignGroup]:
    """The campaign groups that the engine runs, by their names (`Campaign@Group`)."""
    return campaign_groups(options)


def do_not_call_checks(options: OCSOptions) -> dict[str, bool]:
    """Every option that rules a do-not-call check (`section[name].option`), and whether the check is made: what is audited."""
    dialing = options.dialing
    checks = {"dialing.check_dnc_list": dialing.check_dnc_list, "dialing.check_dnc_callback": dialing.check_dnc_callback}
    for group in options.campaign_group:
        checks[f"campaign_group[{group.name}].check_dnc_list"] = group.check_dnc_list
        checks[f"campaign_group[{group.name}].check_dnc_callback"] = group.check_dnc_callback
    for one in options.calling_list:
        checks[f"calling_list[{one.name}].check_dnc_list"] = one.check_dnc_list
    return checks
