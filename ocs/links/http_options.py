"""Options of what is asked and told over HTTP: the client, pre-dial validation, notifications, named requests.

`[http]` is the client that all of them share. `[[pre_dial_validation]]` and the notifications are rules: the first one that
names the campaign group (and list), or names none, holds. `[[http_request]]` names a request that treatments may send.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Collection, Iterable, Sequence, TypeVar

from ocs.dialing.results import CallResult
from ocs.dialing.validation import ValidationPolicy
from ocs.errors import ConfigurationError
from ocs.options import REQUIRED, option, read_secret, table
from protocols.http_messages.templates import BodyTemplate, TemplateError, UriTemplate
from protocols.http_messages.uris import check_uri

__all__ = ["CampaignGroupStateOptions", "ContactProcessedOptions", "HeaderOptions", "HttpMethod", "HttpOptions",
           "HttpRequestOptions", "NotificationSpoolOptions", "PreDialValidationOptions", "RecordHistoryOptions", "first_rule",
           "headers", "outgoing_problems"]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "content-type", "upgrade", "te", "trailer"})
_Rule = TypeVar("_Rule")


@dataclass(frozen=True)
class HeaderOptions:
    """A header of every request that is sent; its value here, or, where it is a secret, in a file."""

    name: str = option(REQUIRED, text="Name of the header, such as Authorization.", example="Authorization")
    value: str = option("", secret=True, text="Its value; better in a file where it is a secret.")
    value_file: Path | None = option(None, text="File whose first line is the value.")

    def problems(self) -> list[str]:
        found = []
        if not _TOKEN.fullmatch(self.name):
            found.append(f"name: {self.name!r} is not the name of a header")
        elif self.name.lower() in _OURS:
            found.append(f"name: {self.name} is set by the server itself")
        if self.value_file is None and not _printable(self.value):
            found.append("value: empty, or has characters that a header cannot have")
        if self.value and self.value_file is not None:
            found.append("value: given twice, here and by value_file")
        elif self.value_file is not None and not self.value_file.is_file():
            found.append(f"value_file: cannot read {self.value_file}")
        return found

    def pair(self, section: str) -> tuple[str, str]:
        """Name and value, wherever the value is given; ConfigurationError where the file has none that can be sent."""
        value = read_secret(self.value_file, f"{section}.value_file") if self.value_file else self.value
        if not _printable(value):
            raise ConfigurationError([f"{section}.value_file: has characters that a header cannot have"])
        return self.name, value


def headers(options: Iterable[HeaderOptions], section: str) -> tuple[tuple[str, str], ...]:
    """The pairs of an array of headers; `section` is its name for what goes wrong."""
    return tuple(each.pair(section) for each in options)


@dataclass(frozen=True)
class HttpOptions:
    """The client that sends requests."""

    connection_pool_size: int = option(
        10, low=1, high=1_000, unit="connections", text="Connections to each server, and so requests under way there.")
    requests_waiting: int = option(
        1_000, low=0, high=100_000, unit="requests",
        text="Requests that may wait for a connection to each server; more are refused at once.")
    response_timeout_s: float = option(
        30.0, low=0.1, high=600, unit="seconds",
        text="Time that a request may take in all: waiting, connecting, and receiving the whole answer.")
    response_limit_kb: int = option(
        64, low=1, high=10_240, unit="kibibytes", text="Answers that are longer, headers included, are cut off and do not count.")
    idle_s: float = option(
        60.0, low=1, high=3_600, unit="seconds", text="An unused connection is kept this long for the next request.")
    roots_file: Path | None = option(
        None, text="Certificates (PEM) of the authorities that servers' certificates must come from; empty = the machine's.")
    certificate_file: Path | None = option(
        None, text="Certificate (PEM) to show to servers that ask for one, its chain behind it.")
    key_file: Path | None = option(None, text="Private key (PEM, unencrypted) of that certificate.")
    header: tuple[HeaderOptions, ...] = table(text="Headers of every request.")

    def problems(self) -> list[str]:
        found = [f"{name}: cannot read {path}" for name, path in (
            ("roots_file", self.roots_file), ("certificate_file", self.certificate_file), ("key_file", self.key_file))
            if path is not None and not path.is_file()]
        if (self.certificate_file is None) != (self.key_file is None):
            found.append("certificate_file: needs key_file, and the other way round")
        return found + _twice("header", [each.name.lower() for each in self.header])


@dataclass(frozen=True)
class PreDialValidationOptions:
    """A service that is asked, just before a record is dialed, whether it may be."""

    enabled: bool = option(True, text="Whether the service is asked; without it records of this rule are dialed unasked.")
    uri: str = option(REQUIRED, text="Where each record is posted to.", example="https://validation.example/records")
    campaign_groups: tuple[str, ...] = option((), text="Campaign groups (Campaign@Group) that it holds for; none = all.")
    calling_lists: tuple[str, ...] = option((), text="Calling lists that it holds for; none = all.")
    timeout_call_result: CallResult = option(
        CallResult.GENERAL_ERROR,
        text="Call result where the service does not answer in time, cannot be reached, or answers neither 200 nor 409.")
    race_condition_call_result: CallResult = option(
        CallResult.GENERAL_ERROR, text="Call result where the record changed while the service was asked.")
    refused_call_result: CallResult = option(
        CallResult.CANCEL_RECORD, text="Call result where the service refuses the record (409) and names no result.")

    def problems(self) -> list[str]:
        return _uri_problems(self.uri)

    def policy(self) -> ValidationPolicy:
        """The part that judges answers."""
        return ValidationPolicy(self.timeout_call_result, self.race_condition_call_result, self.refused_call_result)


@dataclass(frozen=True)
class ContactProcessedOptions:
    """A service that is told of every chain that is processed."""

    enabled: bool = option(True, text="Whether the service is told.")
    uri: str = option(REQUIRED, text="Where each processed chain is posted to.", example="https://crm.example/processed")
    campaign_groups: tuple[str, ...] = option((), text="Campaign groups (Campaign@Group) that it holds for; none = all.")

    def problems(self) -> list[str]:
        return _uri_problems(self.uri)


@dataclass(frozen=True)
class RecordHistoryOptions:
    """A service that is told of every try to reach a record: when it begins, and when it is over."""

    enabled: bool = option(True, text="Whether the service is told.")
    uri: str = option(REQUIRED, text="Where each try is posted to, twice.", example="https://warehouse.example/attempts")
    campaign_groups: tuple[str, ...] = option((), text="Campaign groups (Campaign@Group) that it holds for; none = all.")

    def problems(self) -> list[str]:
        return _uri_problems(self.uri)


@dataclass(frozen=True)
class CampaignGroupStateOptions:
    """A service that is told how campaign groups stand: at every change, and now and then."""

    enabled: bool = option(True, text="Whether the service is told.")
    uri: str = option(REQUIRED, text="Where it is posted to.", example="https://board.example/campaigns")
    campaign_groups: tuple[str, ...] = option((), text="Campaign groups (Campaign@Group) that it holds for; none = all.")
    interval_s: float = option(
        10.0, low=1, high=3_600, unit="seconds", text="How often it is told of groups that are loaded, beside their changes.")

    def problems(self) -> list[str]:
        return _uri_problems(self.uri)


@dataclass(frozen=True)
class NotificationSpoolOptions:
    """What waits to be told, on disk, while the service is away."""

    file: Path = option(Path("ocs-notifications.db"), text="Where; it has telephone numbers in it and is its owner's alone.")
    limit: int = option(
        50_000, low=1, high=1_000_000, unit="notifications", text="How many may wait; what comes on top is lost (and counted).")
    retry_max_attempts: int = option(
        10, low=1, high=1_000, unit="times",
        text="How often a notification is sent that the service refuses; one that gets no answer is sent until it gets one.")
    retry_min_s: float = option(1.0, low=0.05, high=600, unit="seconds", text="Wait before the first repetition.")
    retry_max_s: float = option(60.0, low=0.1, high=3_600, unit="seconds", text="Longest wait between repetitions.")

    def problems(self) -> list[str]:
        if self.retry_max_s < self.retry_min_s:
            return [f"retry_max_s: {self.retry_max_s:g} is below retry_min_s {self.retry_min_s:g}"]
        return []


class HttpMethod(Enum):
    """Methods of named requests."""
    GET = "get"
    POST = "post"
    PUT = "put"
    PATCH = "patch"
    DELETE = "delete"


@dataclass(frozen=True)
class HttpRequestOptions:
    """A request that treatments may send, by its name. `{names}` in it are the keys of the record's data."""

    name: str = option(REQUIRED, text="Name by which treatments know it.", example="tell-crm")
    method: HttpMethod = option(HttpMethod.POST, text="HTTP method.")
    uri: str = option(REQUIRED, text="Where to; {names} may stand in its path and query.",
                      example="https://crm.example/calls/{GSW_CHAIN_ID}")
    body: str = option(
        "", text="JSON document whose strings may have {names} in them; empty = no body.", example='{"phone": "{GSW_PHONE}"}')
    header: tuple[HeaderOptions, ...] = table(text="Headers of this request, beside those of every request.")

    def problems(self) -> list[str]:
        found = [] if self.name else ["name: empty"]
        for name, kind, text in (("uri", UriTemplate, self.uri), ("body", BodyTemplate, self.body)):
            try:
                kind(text)
            except TemplateError as error:
                found.append(f"{name}: {error}")
        if self.body.strip() and self.method is HttpMethod.GET:
            found.append("body: a GET request has none")
        return found + _twice("header", [each.name.lower() for each in self.header])


def first_rule(rules: Iterable[_Rule], campaign_group: str, calling_list: str = "") -> _Rule | None:
    """The first rule that holds for the group and list; None where none does, or where that one is not enabled."""
    for rule in rules:
        if _names(rule, "campaign_groups", campaign_group) and _names(rule, "calling_lists", calling_list):
            return rule if getattr(rule, "enabled") else None
    return None


def outgoing_problems(validation: Sequence[PreDialValidationOptions], notification: Sequence[ContactProcessedOptions],
                      requests: Sequence[HttpRequestOptions], campaign_groups: Collection[str],
                      calling_lists: Collection[str], history: Sequence[RecordHistoryOptions] = (),
                      states: Sequence[CampaignGroupStateOptions] = ()) -> list[str]:
    """What only the whole configuration shows: names of groups and lists that do not exist, requests of one name."""
    found = []
    for section, rules in (("pre_dial_validation", validation), ("contact_processed_notification", notification),
                           ("record_history_notification", history), ("campaign_group_state_notification", states)):
        for number, rule in enumerate(rules, 1):
            for name, known in (("campaign_groups", campaign_groups), ("calling_lists", calling_lists)):
                found += [f"{section}[{number}].{name}: there is no {each}" for each in getattr(rule, name, ())
                          if each not in known]
    return found + _twice("http_request", [each.name for each in requests])


def _names(rule: object, attribute: str, name: str) -> bool:
    named = getattr(rule, attribute, ())
    return not named or name in named


def _uri_problems(uri: str) -> list[str]:
    fault = check_uri(uri)
    return [f"uri: {fault}"] if fault else []


def _twice(section: str, names: Sequence[Any]) -> list[str]:
    return [f"{section}[{number}].name: {name} is given twice" for number, name in enumerate(names, 1)
            if name and name in names[:number - 1]]


def _printable(value: str) -> bool:
    return bool(value) and value.isascii() and value.isprintable() and value == value.strip()
