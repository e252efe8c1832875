"""The twelve tables of outbound reporting, the time codes, and what ICON keeps for itself."""
from __future__ import annotations

from typing import Any, Iterable

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _texts(**lengths: int) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.String(length), quote=False) for name, length in lengths.items()]


def _numbers(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.BigInteger(), quote=False) for name in names]


def _times(*names: str) -> list[sa.Column[Any]]:
    return [column for name in names for column in (
        sa.Column(name, sa.DateTime(), quote=False), sa.Column(f"{name}_ts", sa.BigInteger(), quote=False),
        sa.Column(f"{name}_tcode", sa.Integer(), quote=False))]


def _system() -> list[sa.Column[Any]]:
    return [*_numbers("GSYS_DOMAIN", "GSYS_PARTITION", "GSYS_SYS_ID", "GSYS_SEQ", "GSYS_USEQ", "GSYS_TS", "GSYS_TC"),
            *_texts(GSYS_EXT_VCH1=255, GSYS_EXT_VCH2=255), *_numbers("GSYS_EXT_INT1", "GSYS_EXT_INT2")]


def _table(name: str, *groups: Iterable[sa.Column[Any]], key: tuple[str, ...] = (),
           indexes: Iterable[tuple[str, ...]] = ()) -> sa.Table:
    identity = sa.Column("ID", _ID, sa.Identity(), primary_key=True, quote=False)
    unique = [sa.UniqueConstraint(*key, name=f"uq_{name}".lower())] if key else []
    table = op.create_table(name, identity, *(column for group in groups for column in group), *_system(), *unique, quote=False)
    for number, names in enumerate(indexes, 1):
        sa.Index(f"ix_{name}_{number}".lower(), *(table.c[one] for one in names)).create(op.get_bind())
    return table


def _open_index(table: sa.Table, column: str) -> None:
    where = table.c.State != sa.literal_column("0")
    sa.Index(f"ix_{table.name}_open".lower(), table.c[column], sqlite_where=where, postgresql_where=where).create(op.get_bind())


def _fields(name: str, length: int) -> None:
    _table(name, _texts(ChainGUID=64), _numbers("RecordHandle", "FieldID"), _texts(Value=length), _numbers("LastChainUpdSeq"),
           _times("LastChanged", "Loaded"), _texts(FieldName=63), key=("ChainGUID", "RecordHandle", "FieldID"))


def _field_history(name: str, length: int) -> None:
    _table(name, _texts(ChainGUID=64), _numbers("RecordHandle", "FieldID"), _texts(OldValue=length, NewValue=length),
           _times("PrevEnter"), _numbers("Seq", "ChainHistSeq"), _texts(CallAttID=50), _times("Added"), _texts(FieldName=63),
           indexes=[("ChainGUID", "RecordHandle", "Seq")])


def upgrade() -> None:
    _open_index(_table(
        "GO_Campaign", _texts(SessID=64), _numbers("CampaignID", "GroupID", "State", "OCSID", "DialMode", "OptimMode",
                                                   "OptimValue", "TenantID"),
        _times("Created", "Loaded", "Started", "Stopped", "Unloaded", "LastChanged"), _numbers("CampGroupID"),
        _texts(CampaignName=255, GroupName=255), key=("SessID",)), "OCSID")
    _table("GO_CampaignHistory", _texts(SessID=64), _numbers("State", "PrevState", "Cause"), _times("PrevSEnter"),
           _numbers("Seq"), _times("Added"), _numbers("DialMode"), indexes=[("SessID", "Seq")])
    _table("GO_CampProp_Hist", _texts(SessID=64), _numbers("Seq", "DialMode", "PrevDialMode"), _times("PrevDMEnter"),
           _numbers("OptimMode", "OptimValue", "PrevOptimMode", "PrevOptimValue"), _times("PrevOMEnter", "Added"),
           indexes=[("SessID", "Seq")])
    _open_index(_table(
        "GO_Chain", _texts(ChainGUID=64, ParentGUID=64, SessID=64), _numbers("CampaignID", "GroupID", "CallingListID", "ChainID",
                                                                             "State"),
        _times("Loaded", "LastChanged", "Terminated"), _numbers("LastChainUpdSeq", "RecordHandle"), key=("ChainGUID",),
        indexes=[("SessID",), ("CallingListID", "ChainID")]), "SessID")
    _table("GO_ChainRec_hist", _texts(ChainGUID=64), _numbers("RecordHandle", "State", "PrevState"), _times("PrevSEnter"),
           _numbers("Seq"), _texts(CallAttID=50), _times("Added"),
           _numbers("Cause", "CallResult", "RecordType", "RecordStatus", "ContactType"), _texts(ContactInfo=128),
           _numbers("Attempt"), _texts(AgentID=255), _times("DialSchedTime"), _numbers("TZ", "RecordID"),
           _texts(Treatment=255, AgentDN=255, AttemptState=16, ConnID=64), _numbers("CallState"),
           _times("Opened", "Dialed", "Answered", "Ended"), indexes=[("ChainGUID", "Seq"), ("CallAttID",)])
    _table("GO_Record", _texts(ChainGUID=64), _numbers("RecordHandle", "RecordID"), _texts(ContactInfo=128),
           _numbers("ContactType", "CallResult", "RecordType", "RecordStatus", "Attempt", "DailyFrom", "DailyTill", "TZ"),
           _times("CallTime", "SchedTime", "Loaded", "LastChanged"), _numbers("ChainN", "LastChainUpdSeq"),
           _texts(TZName=64, AgentID=255, Treatments=255), key=("ChainGUID", "RecordHandle"), indexes=[("RecordID",)])
    _fields("GO_Custom_Fields", 4_000)
    _fields("GO_Secure_Fields", 255)
    _field_history("GO_FieldHist", 4_000)
    _field_history("GO_Sec_FieldHist", 255)
    _table("GOX_Chain_Call", _texts(CallID=50, ChainGUID=64, CallAttID=50), _times("Added"), _numbers("RecordHandle"),
           _texts(ConnID=64), indexes=[("CallID",), ("ChainGUID",), ("CallAttID",)])
    _table("GO_Metrics", _texts(SessID=64, ChainGUID=64), _numbers("RecordHandle"), _texts(CallAttID=50),
           _numbers("MetricType", "Value"), _times("Added"), indexes=[("SessID",), ("ChainGUID",)])
    op.create_table(
        "G_TIMECODE", sa.Column("TCode", sa.Integer, primary_key=True, autoincrement=False, quote=False),
        *_numbers("TS", "Year", "Month", "Day", "DayOfWeek", "DayOfYear", "Week", "Hour", "Minute"), quote=False)
    op.create_table(
        "icon_source", sa.Column("id", sa.Integer, primary_key=True), sa.Column("source", sa.String(64), nullable=False),
        sa.Column("application", sa.String(255), nullable=False), sa.Column("ocsid", sa.BigInteger, nullable=False),
        sa.Column("domain", sa.Integer, nullable=False), sa.Column("last_sequence", sa.BigInteger, nullable=False),
        sa.Column("opened_at", sa.Double, nullable=False), sa.UniqueConstraint("source", name="uq_icon_source_source"))
    op.create_table(
        "icon_audit", sa.Column("id", _ID, sa.Identity(), primary_key=True), sa.Column("source_id", sa.Integer, nullable=False),
        sa.Column("at", sa.Double, nullable=False), sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("first_sequence", sa.BigInteger, nullable=False), sa.Column("last_sequence", sa.BigInteger, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False), sa.Column("text", sa.String(1_000), nullable=False))


def downgrade() -> None:
    for name in ("GO_Campaign", "GO_CampaignHistory", "GO_CampProp_Hist", "GO_Chain", "GO_ChainRec_hist", "GO_Record",
                 "GO_Custom_Fields", "GO_Secure_Fields", "GO_FieldHist", "GO_Sec_FieldHist", "GOX_Chain_Call", "GO_Metrics",
                 "G_TIMECODE"):
        op.execute(f"DROP TABLE {name}")
    op.drop_table("icon_source")
    op.drop_table("icon_audit")
