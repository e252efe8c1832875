"""More times of an attempt; how often records were not dialed, and why."""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TIMES = ("cpd_completed_at", "transferred_at", "agent_connected_at")


def upgrade() -> None:
    for name in _TIMES:
        op.add_column("ocs_attempt", sa.Column(name, sa.Double))
    op.create_table(
        "ocs_refusal",
        sa.Column("calling_list", sa.String(255), nullable=False),
        sa.Column("session_guid", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(255), nullable=False),
        sa.Column("campaign_group", sa.String(255), nullable=False),
        sa.Column("began_at", sa.Double, nullable=False),
        sa.Column("records", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("calling_list", "session_guid", "reason", name="pk_ocs_refusal"),
    )


def downgrade() -> None:
    op.drop_table("ocs_refusal")
    for name in _TIMES:
        op.drop_column("ocs_attempt", name)
