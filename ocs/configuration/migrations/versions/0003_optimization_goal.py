"""What predictive dialing aims at may be a part of a percent, or of a second: in databases that were made with a whole number.

Revision ID: 0003
Revises: 0002
"""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _become(sa.Double())


def downgrade() -> None:
    _become(sa.Integer())


def _become(kind: sa.types.TypeEngine[float] | sa.types.TypeEngine[int]) -> None:
    """SQLite takes either number in either column."""
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("cfg_campaign_group", "opt_method_value", type_=kind)
