"""Tables of the store, as SQLAlchemy Core values.

Fixed tables: the registry of calling lists with their custom fields, time zones, campaigns, attempts, the
do-not-call list. Each calling list has a table of its own, made by `calling_list_table`: the public columns under
their public names with their public defaults, then its custom columns. Ids and epoch times are BIGINT. Migrations make
the fixed tables; the table of a list is made with the list.

Source: the public calling-list format (23 mandatory fields) and do-not-call format of the outbound products.
"""
from __future__ import annotations

import re
from typing import Any, Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    literal_column,
    text,
)
from sqlalchemy.sql.expression import ColumnElement

from ocs.dialing.custom_fields import FIELD_TYPES, LONGEST
from ocs.dialing.results import CallResult, ContactInfoType, RecordStatus, RecordType
from ocs.dialing.values import AttemptState, CustomField
from ocs.store.formats import column

__all__ = ["DEFAULT_DAILY_FROM", "DEFAULT_DAILY_TILL", "DEFAULT_TZ_DBID", "DEFAULT_TZ_NAME", "FIELD_TYPES",
           "PUBLIC_COLUMNS", "api_additions", "api_tokens", "attempts", "calling_list_table", "calling_lists", "campaigns",
           "custom_fields", "dnc_audit", "do_not_call", "due", "is_identifier", "metadata", "refusals", "request_log",
           "rule_periods", "spools", "status_is", "time_zones"]

DEFAULT_DAILY_FROM, DEFAULT_DAILY_TILL = 28_800, 64_800
DEFAULT_TZ_DBID, DEFAULT_TZ_NAME = 122, "America/Los_Angeles"
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,47}", re.ASCII)      # leaves room for an index's suffix within 63

metadata = MetaData()

time_zones = Table(
    "ocs_time_zone", metadata,
    Column("tz_dbid", BigInteger, primary_key=True, autoincrement=False),
    Column("iana_name", String(64), nullable=False),
    Column("alias", String(16)),
    UniqueConstraint("iana_name", name="uq_ocs_time_zone_iana_name"),
)

calling_lists = Table(
    "ocs_calling_list", metadata,                               # the tables; the lists of a configuration read them by name
    Column("list_dbid", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(255), nullable=False),
    Column("table_name", String(63), nullable=False),
    Column("daily_from", Integer, nullable=False),              # defaults of records that bring none
    Column("daily_till", Integer, nullable=False),
    Column("tz_dbid", BigInteger, ForeignKey("ocs_time_zone.tz_dbid", name="fk_ocs_calling_list_tz"), nullable=False),
    Column("revision", Integer, nullable=False),                # counts changes of the custom fields
    UniqueConstraint("name", name="uq_ocs_calling_list_name"),
    UniqueConstraint("table_name", name="uq_ocs_calling_list_table_name"),
)

custom_fields = Table(
    "ocs_custom_field", metadata,
    Column("list_dbid", BigInteger, ForeignKey("ocs_calling_list.list_dbid", name="fk_ocs_custom_field_list"),
           nullable=False),
    Column("position", Integer, nullable=False),
    Column("name", String(63), nullable=False),
    Column("type", String(16), nullable=False),
    Column("length", Integer, nullable=False),
    Column("send_attribute", String(255), nullable=False),
    Column("secure", Integer, nullable=False, server_default=text("0")),
    Column("nullable", Integer, nullable=False, server_default=text("1")),
    Column("default_value", String(LONGEST)),                   # as text; null: none
    Column("icon_attribute", Integer, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("list_dbid", "position", name="pk_ocs_custom_field"),
    UniqueConstraint("list_dbid", "name", name="uq_ocs_custom_field_name"),
)

campaigns = Table(                                              # name <-> dbid, for the do-not-call list's scope
    "ocs_campaign", metadata,
    Column("campaign_dbid", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(255), nullable=False),
    UniqueConstraint("name", name="uq_ocs_campaign_name"),
)

attempts = Table(
    "ocs_attempt", metadata,
    Column("guid", String(64), primary_key=True),
    Column("calling_list", String(255), nullable=False),
    Column("record_id", BigInteger, nullable=False),
    Column("chain_id", BigInteger, nullable=False),
    Column("chain_n", BigInteger, nullable=False),
    Column("phone", String(128), nullable=False),
    Column("number", Integer, nullable=False),
    Column("campaign", String(255), nullable=False),
    Column("group_name", String(255), nullable=False),
    Column("session_guid", String(64), nullable=False),
    Column("opened_at", Double, nullable=False),
    Column("state", String(16), nullable=False),
    Column("conn_id", String(64)),
    Column("dialed_at", Double),
    Column("answered_at", Double),
    Column("ended_at", Double),
    Column("call_state", Integer),
    Column("call_result", Integer),
    Column("agent_id", String(255)),
    Column("agent_dn", String(255)),
    Column("treatment", String(255)),
    Column("cpd_completed_at", Double),
    Column("transferred_at", Double),
    Column("agent_connected_at", Double),
    Column("table_access", String(255), nullable=False, server_default=text("''")),     # the table that has the record
    Column("earlier_conn_ids", String(LONGEST)),                # of the calls of a dial request before the last one
)
_open = text(f"state = '{AttemptState.OPEN.value}'")
Index("ix_ocs_attempt_open", attempts.c.table_access, attempts.c.chain_id, sqlite_where=_open, postgresql_where=_open)
Index("ix_ocs_attempt_record", attempts.c.table_access, attempts.c.record_id)
Index("ix_ocs_attempt_phone", attempts.c.phone, attempts.c.opened_at)
_answered = attempts.c.answered_at.is_not(None)
Index("ix_ocs_attempt_answered", attempts.c.campaign, attempts.c.answered_at, sqlite_where=_answered, postgresql_where=_answered)

do_not_call = Table(
    "gsw_donotcall_list", metadata,
    Column("phone", String(64)),
    Column("customer_id", String(64)),
    Column("dnc_message", String(255)),
    Column("tenant_dbid", Numeric(18, 0)),
    Column("campaign_dbid", Numeric(18, 0)),                    # null or 0: every campaign
    Column("list_dbid", Numeric(18, 0)),
    Column("is_internal", Integer),
    Column("time_stamp", Integer),
    Column("ocs_import_id", BigInteger),                        # of the import that brought the row; not a public column
)
# The public columns may all be null; an entry is known by what it blocks and where.
Index("uq_gsw_donotcall_list_entry", func.coalesce(do_not_call.c.phone, literal_column("''")),
      func.coalesce(do_not_call.c.customer_id, literal_column("''")),
      func.coalesce(do_not_call.c.tenant_dbid, literal_column("0")),
      func.coalesce(do_not_call.c.campaign_dbid, literal_column("0")), unique=True)
for _name, _column in (("customer", do_not_call.c.customer_id), ("import", do_not_call.c.ocs_import_id)):
    Index(f"ix_gsw_donotcall_list_{_name}", _column, sqlite_where=_column.is_not(None), postgresql_where=_column.is_not(None))

# What happened to the do-not-call list, in order: the audit trail, and what other servers read to follow.
dnc_audit = Table(
    "dnc_audit", metadata,
    Column("sequence", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("at", Double, nullable=False),                       # epoch seconds
    Column("action", String(16), nullable=False),               # begin, add, remove, import, check-off, check-on
    Column("who", String(255), nullable=False),
    Column("why", String(255), nullable=False),
    Column("origin", String(255), nullable=False),              # desktop, command, file ...
    Column("phone", String(64)),
    Column("customer_id", String(64)),
    Column("tenant_dbid", BigInteger, nullable=False),
    Column("campaign_dbid", BigInteger),                        # 0: every campaign; null, of a removal: every scope
    Column("import_id", BigInteger),
    Column("request_id", BigInteger),                           # by which a server knows its own request
    Column("entries", BigInteger, nullable=False),              # rows that came, negative: that went
    sqlite_autoincrement=True,                                  # a number is never used again
)
for _name in ("phone", "customer_id", "import_id"):
    Index(f"ix_dnc_audit_{_name}", dnc_audit.c[_name], sqlite_where=dnc_audit.c[_name].is_not(None),
          postgresql_where=dnc_audit.c[_name].is_not(None))

# The optional log of requests. Its request types are public, the other columns are not.
request_log = Table(
    "gsw_request_log", metadata,
    Column("sequence", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("request_type", Integer, nullable=False),
    Column("time_stamp", Double, nullable=False),               # epoch seconds
    Column("agent_id", String(255)),
    Column("dn", String(255)),
    Column("record_handle", BigInteger),
    Column("campaign_dbid", BigInteger),
    Column("group_dbid", BigInteger),
    Column("list_dbid", BigInteger),
    Column("phone", String(128)),
    Column("error_code", Integer, nullable=False),              # 0: it was done
    Column("request_id", BigInteger),                           # by which a row is written once
    sqlite_autoincrement=True,
)
Index("uq_gsw_request_log_request", request_log.c.request_id, unique=True)

# How often records were not dialed, by session, list and reason.
refusals = Table(
    "ocs_refusal", metadata,
    Column("calling_list", String(255), nullable=False),
    Column("session_guid", String(64), nullable=False),
    Column("reason", String(255), nullable=False),
    Column("campaign_group", String(255), nullable=False),      # Campaign@Group
    Column("began_at", Double, nullable=False),                 # when the session was started, epoch seconds
    Column("records", BigInteger, nullable=False),
    Column("table_access", String(255), nullable=False, server_default=text("''")),
    PrimaryKeyConstraint("calling_list", "session_guid", "reason", name="pk_ocs_refusal"),
)
Index("ix_ocs_refusal_table_access", refusals.c.table_access)

# Which calling rules were in force for a campaign group, and when its dialing was held back by one.
rule_periods = Table(
    "ocs_rule_period", metadata,
    Column("guid", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),                 # in-force, hard-stop
    Column("campaign", String(255), nullable=False),
    Column("campaign_group", String(255), nullable=False),      # Campaign@Group
    Column("app_dbid", BigInteger, nullable=False),
    Column("rule", String(255), nullable=False),
    Column("version", String(255), nullable=False),
    Column("source", String(1_000), nullable=False),
    Column("reason", String(1_000), nullable=False),
    Column("began_at", Double, nullable=False),                 # epoch seconds
    Column("seen_at", Double, nullable=False),                  # it was so until then at least
    Column("ended_at", Double),                                 # null: it is so still, or its server died
)
Index("ix_ocs_rule_period_campaign", rule_periods.c.campaign, rule_periods.c.began_at)

# What waits on a server's disk while the database is away: whose word counts, and how much of it has been written here.
api_tokens = Table(                                             # of the HTTP API; only their hashes are kept
    "ocs_api_token", metadata,
    Column("name", String(64), primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("agent_id", String(255)),
    Column("made_at", Double, nullable=False),
    Column("expires_at", Double),
    UniqueConstraint("hash", name="uq_ocs_api_token_hash"),
)

api_additions = Table(                                          # what was added by which idempotency key, and its answer
    "ocs_api_addition", metadata,
    Column("client", String(64), nullable=False),
    Column("idempotency_key", String(255), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("made_at", Double, nullable=False),
    Column("answer", Text, nullable=False),
    PrimaryKeyConstraint("client", "idempotency_key"),
    Index("ix_ocs_api_addition_made", "made_at"),
)

spools = Table(
    "ocs_spool", metadata,
    Column("app_dbid", BigInteger, primary_key=True, autoincrement=False),
    Column("spool", String(64), nullable=False),                # the spool that speaks for the application
    Column("sequence", BigInteger, nullable=False),             # of its changes, the last that was written
)


def _public_columns() -> list[Column[Any]]:
    """The mandatory columns of a calling list; Column objects belong to one table, so each list gets fresh ones."""
    return [
        Column("record_id", BigInteger, nullable=False),
        Column("contact_info", String(128), nullable=False),
        Column("contact_info_type", Integer, nullable=False, server_default=text(str(int(ContactInfoType.HOME_PHONE)))),
        Column("record_type", Integer, nullable=False, server_default=text(str(int(RecordType.GENERAL)))),
        Column("record_status", Integer, nullable=False, server_default=text(str(int(RecordStatus.READY)))),
        Column("call_result", Integer, server_default=text(str(int(CallResult.UNKNOWN)))),
        Column("attempt", Integer, nullable=False, server_default=text("0")),
        Column("dial_sched_time", BigInteger),
        Column("call_time", BigInteger),
        Column("daily_from", Integer, nullable=False, server_default=text(str(DEFAULT_DAILY_FROM))),
        Column("daily_till", Integer, nullable=False, server_default=text(str(DEFAULT_DAILY_TILL))),
        Column("tz_dbid", BigInteger, nullable=False, server_default=text(str(DEFAULT_TZ_DBID))),
        Column("campaign_id", BigInteger),
        Column("agent_id", String(32)),
        Column("chain_id", BigInteger, nullable=False),
        Column("chain_n", BigInteger, nullable=False),
        Column("group_id", BigInteger),
        Column("app_id", BigInteger),
        Column("treatments", String(255)),
        Column("media_ref", BigInteger),
        Column("email_subject", String(255)),
        Column("email_template_id", BigInteger),
        Column("switch_id", BigInteger),
    ]


PUBLIC_COLUMNS = tuple(column.name for column in _public_columns())


def is_identifier(name: str) -> bool:
    """Whether `name` may be the name of a table or a column: ASCII letters, digits and underscores, no digit first."""
    return _IDENTIFIER.fullmatch(name) is not None


def due(table: Table) -> ColumnElement[Any]:
    """When a record of the list is due, epoch seconds, 0 = at any time. Spelled as in the index that serves it."""
    return func.coalesce(table.c.dial_sched_time, literal_column("0"))


def status_is(table: Table, status: RecordStatus) -> ColumnElement[bool]:
    """A condition on the status, written out so that a partial index can be seen to serve it."""
    return table.c.record_status == literal_column(str(int(status)))


def calling_list_table(table_name: str, fields: Sequence[CustomField]) -> Table:
    """The table of one calling list. Raises ValueError for a name that is no plain identifier, one that is taken by a
    public column or used twice, and for a field that cannot be."""
    if not is_identifier(table_name):
        raise ValueError(f"{table_name!r} is not a table name (letters, digits, underscores)")
    seen = set(PUBLIC_COLUMNS)
    for field in fields:
        if not is_identifier(field.name):
            raise ValueError(f"{field.name!r} is not a column name (letters, digits, underscores)")
        if field.name.lower() in seen:
            raise ValueError(f"column name {field.name!r} is taken")
        seen.add(field.name.lower())
    table = Table(table_name, MetaData(), *_public_columns(), *(column(field) for field in fields),
                  PrimaryKeyConstraint("chain_id", "chain_n", name=f"pk_{table_name}"),
                  UniqueConstraint("record_id", name=f"uq_{table_name}_record"))
    columns = table.c
    # A claim walks this index in the order of its result, zone by zone, without touching the rows that it passes.
    Index(f"ix_{table_name}_claim", columns.tz_dbid, columns.record_status, columns.record_type, due(table),
          columns.chain_id, columns.daily_from, columns.daily_till)
    held = status_is(table, RecordStatus.RETRIEVED)
    Index(f"ix_{table_name}_held", columns.app_id, columns.group_id, columns.campaign_id, columns.chain_id,
          sqlite_where=held, postgresql_where=held)
    return table
