"""Calling rules: attempts are found by number and by answer; when rules were in force, and held dialing back."""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ANSWERED = sa.text("answered_at IS NOT NULL")


def upgrade() -> None:
    op.create_index("ix_ocs_attempt_phone", "ocs_attempt", ["phone", "opened_at"])
    op.create_index("ix_ocs_attempt_answered", "ocs_attempt", ["campaign", "answered_at"], sqlite_where=_ANSWERED,
                    postgresql_where=_ANSWERED)
    op.create_table(
        "ocs_rule_period",
        sa.Column("guid", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("campaign", sa.String(255), nullable=False),
        sa.Column("campaign_group", sa.String(255), nullable=False),
        sa.Column("app_dbid", sa.BigInteger, nullable=False),
        sa.Column("rule", sa.String(255), nullable=False),
        sa.Column("version", sa.String(255), nullable=False),
        sa.Column("source", sa.String(1_000), nullable=False),
        sa.Column("reason", sa.String(1_000), nullable=False),
        sa.Column("began_at", sa.Double, nullable=False),
        sa.Column("seen_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double),
    )
    op.create_index("ix_ocs_rule_period_campaign", "ocs_rule_period", ["campaign", "began_at"])


def downgrade() -> None:
    op.drop_index("ix_ocs_rule_period_campaign", "ocs_rule_period")
    op.drop_table("ocs_rule_period")
    op.drop_index("ix_ocs_attempt_answered", "ocs_attempt")
    op.drop_index("ix_ocs_attempt_phone", "ocs_attempt")
