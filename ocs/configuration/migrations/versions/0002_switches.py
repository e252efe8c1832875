"""Campaign groups on several switches: their queues and trunk groups on the others.

Revision ID: 0002
Revises: 0001
"""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLE = "cfg_campaign_group_elsewhere"


def upgrade() -> None:
    op.create_table(
        _TABLE, _reference("owner_dbid", "owner", "cfg_campaign_group", False),
        sa.Column("position", sa.Integer, nullable=False), _reference("orig_dn_dbid", "orig_dn_dbid", "cfg_dn", False),
        _reference("trunk_group_dn_dbid", "trunk_group_dn_dbid", "cfg_dn", True),
        sa.PrimaryKeyConstraint("owner_dbid", "position", name=f"pk_{_TABLE}"))


def _reference(name: str, called: str, table: str, nullable: bool) -> sa.Column[int]:
    foreign = sa.ForeignKey(f"{table}.dbid", name=f"fk_{_TABLE}_{called}", deferrable=True, initially="DEFERRED")
    return sa.Column(name, sa.BigInteger, foreign, nullable=nullable)


def downgrade() -> None:
    op.drop_table(_TABLE)
