"""Tables of the interaction database: the twelve of outbound reporting, the time codes, and what ICON keeps for itself.

Columns that are publicly known stand under their public names and types; each column says by its mark how well it is known:
`V` seen in public descriptions, `M` known to exist, `A` assumed, `ours` an extension. Names are not quoted, so they may be
written in any case. Every time X stands in three columns: X (UTC, milliseconds), X_ts (seconds since 1970, cut) and X_tcode
(key into G_TIMECODE). docs/icon.md shows the same.
Source: the public description of the outbound tables.
"""
from __future__ import annotations

from typing import Any, Iterable

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    literal_column,
)
from sqlalchemy.types import TypeEngine

__all__ = ["CURRENT", "HISTORY", "KEYS", "STICKY", "TABLES", "audit", "metadata", "open_campaign", "open_chain", "sources",
           "time_codes"]

metadata = MetaData()
_ID = BigInteger().with_variant(Integer(), "sqlite")


def _column(name: str, kind: TypeEngine[Any], mark: str) -> Column[Any]:
    return Column(name, kind, quote=False, info={"mark": mark})


def _texts(mark: str, **lengths: int) -> list[Column[Any]]:
    return [_column(name, String(length), mark) for name, length in lengths.items()]


def _numbers(mark: str, *names: str) -> list[Column[Any]]:
    return [_column(name, BigInteger(), mark) for name in names]


def _times(mark: str, *names: str) -> list[Column[Any]]:
    return [column for name in names for column in (
        _column(name, DateTime(), mark), _column(f"{name}_ts", BigInteger(), mark),
        _column(f"{name}_tcode", Integer(), mark))]


def _system() -> list[Column[Any]]:
    """The columns that every table of an interaction database ends with."""
    return [*_numbers("V", "GSYS_DOMAIN", "GSYS_PARTITION", "GSYS_SYS_ID", "GSYS_SEQ", "GSYS_USEQ", "GSYS_TS", "GSYS_TC"),
            *_texts("V", GSYS_EXT_VCH1=255, GSYS_EXT_VCH2=255), *_numbers("V", "GSYS_EXT_INT1", "GSYS_EXT_INT2")]


def _table(name: str, *groups: Iterable[Column[Any]], key: tuple[str, ...] = (),
           indexes: Iterable[tuple[str, ...]] = ()) -> Table:
    """A table of the interaction database. `key` is unique, where rows are changed; history has none."""
    columns = [column for group in groups for column in group]
    identity = Column("ID", _ID, Identity(), primary_key=True, quote=False, info={"mark": "V"})
    unique = [UniqueConstraint(*key, name=f"uq_{name}".lower())] if key else []
    table = Table(name, metadata, identity, *columns, *_system(), *unique, quote=False)
    for number, names in enumerate(indexes, 1):
        Index(f"ix_{name}_{number}".lower(), *(table.c[one] for one in names))
    return table


_chain_key = ("ChainGUID", "RecordHandle")

campaigns = _table(
    "GO_Campaign", _texts("V", SessID=64), _numbers("V", "CampaignID", "GroupID", "State", "OCSID", "DialMode"),
    _numbers("A", "OptimMode", "OptimValue", "TenantID"),
    _times("A", "Created", "Loaded", "Started", "Stopped", "Unloaded", "LastChanged"),
    _numbers("ours", "CampGroupID"), _texts("ours", CampaignName=255, GroupName=255), key=("SessID",))
open_campaign = campaigns.c.State != literal_column("0")
Index("ix_go_campaign_open", campaigns.c.OCSID, sqlite_where=open_campaign, postgresql_where=open_campaign)

campaign_history = _table(
    "GO_CampaignHistory", _texts("V", SessID=64), _numbers("V", "State", "PrevState", "Cause"),
    _times("A", "PrevSEnter"), _numbers("A", "Seq"), _times("A", "Added"), _numbers("A", "DialMode"),
    indexes=[("SessID", "Seq")])

campaign_properties = _table(
    "GO_CampProp_Hist", _texts("V", SessID=64), _numbers("V", "Seq", "DialMode", "PrevDialMode"), _times("V", "PrevDMEnter"),
    _numbers("V", "OptimMode", "OptimValue", "PrevOptimMode", "PrevOptimValue"), _times("A", "PrevOMEnter", "Added"),
    indexes=[("SessID", "Seq")])

chains = _table(
    "GO_Chain", _texts("V", ChainGUID=64, ParentGUID=64, SessID=64), _numbers("V", "CampaignID", "GroupID", "CallingListID"),
    _numbers("A", "ChainID", "State"), _times("A", "Loaded", "LastChanged", "Terminated"), _numbers("A", "LastChainUpdSeq"),
    _numbers("ours", "RecordHandle"), key=("ChainGUID",), indexes=[("SessID",), ("CallingListID", "ChainID")])
open_chain = chains.c.State != literal_column("0")
Index("ix_go_chain_open", chains.c.SessID, sqlite_where=open_chain, postgresql_where=open_chain)

chain_history = _table(
    "GO_ChainRec_hist", _texts("V", ChainGUID=64), _numbers("V", "RecordHandle", "State", "PrevState"),
    _times("V", "PrevSEnter"), _numbers("V", "Seq"), _texts("V", CallAttID=50), _times("V", "Added"),
    _numbers("A", "Cause", "CallResult", "RecordType", "RecordStatus", "ContactType"), _texts("A", ContactInfo=128),
    _numbers("A", "Attempt"), _texts("A", AgentID=255), _times("A", "DialSchedTime"), _numbers("A", "TZ"),
    _numbers("ours", "RecordID"), _texts("ours", Treatment=255, AgentDN=255, AttemptState=16, ConnID=64),
    _numbers("ours", "CallState"), _times("ours", "Opened", "Dialed", "Answered", "Ended"),
    indexes=[("ChainGUID", "Seq"), ("CallAttID",)])

records = _table(
    "GO_Record", _texts("A", ChainGUID=64), _numbers("A", "RecordHandle", "RecordID"), _texts("A", ContactInfo=128),
    _numbers("A", "ContactType", "CallResult", "RecordType", "RecordStatus", "Attempt", "DailyFrom", "DailyTill", "TZ"),
    _times("A", "CallTime", "SchedTime", "Loaded", "LastChanged"), _numbers("ours", "ChainN", "LastChainUpdSeq"),
    _texts("ours", TZName=64, AgentID=255, Treatments=255), key=_chain_key, indexes=[("RecordID",)])


def _fields(name: str, length: int, mark: str) -> Table:
    return _table(name, _texts(mark, ChainGUID=64), _numbers(mark, "RecordHandle", "FieldID"), _texts(mark, Value=length),
                  _numbers(mark, "LastChainUpdSeq"), _times(mark, "LastChanged", "Loaded"), _texts("ours", FieldName=63),
                  key=(*_chain_key, "FieldID"))


def _field_history(name: str, length: int, mark: str) -> Table:
    return _table(name, _texts(mark, ChainGUID=64), _numbers(mark, "RecordHandle", "FieldID"),
                  _texts(mark, OldValue=length, NewValue=length), _times(mark, "PrevEnter"),
                  _numbers(mark, "Seq", "ChainHistSeq"), _texts(mark, CallAttID=50), _times(mark, "Added"),
                  _texts("ours", FieldName=63), indexes=[(*_chain_key, "Seq")])


fields = _fields("GO_Custom_Fields", 4_000, "V")
secure_fields = _fields("GO_Secure_Fields", 255, "M")
field_history = _field_history("GO_FieldHist", 4_000, "V")
secure_field_history = _field_history("GO_Sec_FieldHist", 255, "V")

chain_calls = _table(
    "GOX_Chain_Call", _texts("V", CallID=50, ChainGUID=64, CallAttID=50), _times("V", "Added"), _numbers("ours", "RecordHandle"),
    _texts("ours", ConnID=64), indexes=[("CallID",), ("ChainGUID",), ("CallAttID",)])

metrics = _table(
    "GO_Metrics", _texts("A", SessID=64, ChainGUID=64), _numbers("A", "RecordHandle"), _texts("A", CallAttID=50),
    _numbers("A", "MetricType", "Value"), _times("A", "Added"), indexes=[("SessID",), ("ChainGUID",)])

HISTORY = (campaign_history, campaign_properties, chain_history, field_history, secure_field_history, chain_calls, metrics)
CURRENT = (campaigns, chains, records, fields, secure_fields)
TABLES = (*CURRENT, *HISTORY)
# current state -> the columns by which a row is found
KEYS: dict[Table, tuple[str, ...]] = {
    campaigns: ("SessID",), chains: ("ChainGUID",), records: _chain_key, fields: (*_chain_key, "FieldID"),
    secure_fields: (*_chain_key, "FieldID")}
# current state -> the columns that keep their value where a report has none for them
STICKY: dict[Table, frozenset[str]] = {
    campaigns: frozenset(column.name for column in campaigns.columns) - {"SessID"},
    chains: frozenset({"ParentGUID", "CampaignID", "GroupID", "CallingListID", "ChainID", "SessID", "State", "Loaded",
                       "Loaded_ts", "Loaded_tcode", "RecordHandle"}),
    **dict.fromkeys((records, fields, secure_fields), frozenset({"Loaded", "Loaded_ts", "Loaded_tcode"}))}

time_codes = Table(
    "G_TIMECODE", metadata,
    Column("TCode", Integer, primary_key=True, autoincrement=False, quote=False, info={"mark": "ours"}),
    *_numbers("ours", "TS", "Year", "Month", "Day", "DayOfWeek", "DayOfYear", "Week", "Hour", "Minute"), quote=False)

# Who reports, and how far each has been written: changed in the same transaction as the tables above.
sources = Table(
    "icon_source", metadata,
    Column("id", Integer, primary_key=True),
    Column("source", String(64), nullable=False),
    Column("application", String(255), nullable=False),
    Column("ocsid", BigInteger, nullable=False),
    Column("domain", Integer, nullable=False),                  # GSYS_DOMAIN: counts starts of sources
    Column("last_sequence", BigInteger, nullable=False),
    Column("opened_at", Double, nullable=False),                # epoch seconds
    UniqueConstraint("source", name="uq_icon_source_source"),
)

# What is missing, and why: reports that nobody could understand, that a source gave up, or that never came.
audit = Table(
    "icon_audit", metadata,
    Column("id", _ID, Identity(), primary_key=True),
    Column("source_id", Integer, nullable=False),
    Column("at", Double, nullable=False),
    Column("kind", String(16), nullable=False),                 # refused, lost, missing
    Column("first_sequence", BigInteger, nullable=False),
    Column("last_sequence", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("text", String(1_000), nullable=False),
)
