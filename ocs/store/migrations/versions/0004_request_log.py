"""The log table of requests."""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gsw_request_log",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("request_type", sa.Integer, nullable=False),
        sa.Column("time_stamp", sa.Double, nullable=False),
        sa.Column("agent_id", sa.String(255)),
        sa.Column("dn", sa.String(255)),
        sa.Column("record_handle", sa.BigInteger),
        sa.Column("campaign_dbid", sa.BigInteger),
        sa.Column("group_dbid", sa.BigInteger),
        sa.Column("list_dbid", sa.BigInteger),
        sa.Column("phone", sa.String(128)),
        sa.Column("error_code", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("gsw_request_log")
