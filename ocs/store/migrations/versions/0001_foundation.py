"""Registry of calling lists, time zones, campaigns, attempts, do-not-call list."""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    zones = op.create_table(
        "ocs_time_zone",
        sa.Column("tz_dbid", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("iana_name", sa.String(64), nullable=False),
        sa.Column("alias", sa.String(16)),
        sa.UniqueConstraint("iana_name", name="uq_ocs_time_zone_iana_name"),
    )
    op.bulk_insert(zones, [{"tz_dbid": 122, "iana_name": "America/Los_Angeles", "alias": "PST"}])
    op.create_table(
        "ocs_calling_list",
        sa.Column("list_dbid", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("table_name", sa.String(63), nullable=False),
        sa.Column("daily_from", sa.Integer, nullable=False),
        sa.Column("daily_till", sa.Integer, nullable=False),
        sa.Column("tz_dbid", sa.BigInteger, sa.ForeignKey("ocs_time_zone.tz_dbid", name="fk_ocs_calling_list_tz"),
                  nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.UniqueConstraint("name", name="uq_ocs_calling_list_name"),
        sa.UniqueConstraint("table_name", name="uq_ocs_calling_list_table_name"),
    )
    op.create_table(
        "ocs_custom_field",
        sa.Column("list_dbid", sa.BigInteger,
                  sa.ForeignKey("ocs_calling_list.list_dbid", name="fk_ocs_custom_field_list"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("type", sa.String(16), nullable=False),
        sa.Column("length", sa.Integer, nullable=False),
        sa.Column("send_attribute", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("list_dbid", "position", name="pk_ocs_custom_field"),
        sa.UniqueConstraint("list_dbid", "name", name="uq_ocs_custom_field_name"),
    )
    op.create_table(
        "ocs_campaign",
        sa.Column("campaign_dbid", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.UniqueConstraint("name", name="uq_ocs_campaign_name"),
    )
    op.create_table(
        "ocs_attempt",
        sa.Column("guid", sa.String(64), primary_key=True),
        sa.Column("calling_list", sa.String(255), nullable=False),
        sa.Column("record_id", sa.BigInteger, nullable=False),
        sa.Column("chain_id", sa.BigInteger, nullable=False),
        sa.Column("chain_n", sa.BigInteger, nullable=False),
        sa.Column("phone", sa.String(128), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("campaign", sa.String(255), nullable=False),
        sa.Column("group_name", sa.String(255), nullable=False),
        sa.Column("session_guid", sa.String(64), nullable=False),
        sa.Column("opened_at", sa.Double, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("conn_id", sa.String(64)),
        sa.Column("dialed_at", sa.Double),
        sa.Column("answered_at", sa.Double),
        sa.Column("ended_at", sa.Double),
        sa.Column("call_state", sa.Integer),
        sa.Column("call_result", sa.Integer),
        sa.Column("agent_id", sa.String(255)),
        sa.Column("agent_dn", sa.String(255)),
        sa.Column("treatment", sa.String(255)),
    )
    is_open = sa.text("state = 'open'")
    op.create_index("ix_ocs_attempt_open", "ocs_attempt", ["calling_list", "chain_id"], sqlite_where=is_open,
                    postgresql_where=is_open)
    op.create_index("ix_ocs_attempt_record", "ocs_attempt", ["calling_list", "record_id"])
    op.create_table(
        "gsw_donotcall_list",
        sa.Column("phone", sa.String(64)),
        sa.Column("customer_id", sa.String(64)),
        sa.Column("dnc_message", sa.String(255)),
        sa.Column("tenant_dbid", sa.Numeric(18, 0)),
        sa.Column("campaign_dbid", sa.Numeric(18, 0)),
        sa.Column("list_dbid", sa.Numeric(18, 0)),
        sa.Column("is_internal", sa.Integer),
        sa.Column("time_stamp", sa.Integer),
    )
    op.create_index("uq_gsw_donotcall_list_entry", "gsw_donotcall_list", [
        sa.text("coalesce(phone, '')"), sa.text("coalesce(customer_id, '')"), sa.text("coalesce(tenant_dbid, 0)"),
        sa.text("coalesce(campaign_dbid, 0)")], unique=True)


def downgrade() -> None:
    for table in ("gsw_donotcall_list", "ocs_attempt", "ocs_campaign", "ocs_custom_field", "ocs_calling_list",
                  "ocs_time_zone"):
        op.drop_table(table)
