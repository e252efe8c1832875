"""Tokens of the HTTP API, hashed; and what it has added by whose idempotency key, so that a repetition adds nothing."""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ocs_api_token",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("agent_id", sa.String(255)),
        sa.Column("made_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double),
        sa.UniqueConstraint("hash", name="uq_ocs_api_token_hash"),
    )
    op.create_table(
        "ocs_api_addition",
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("idempotency_key", sa.String(255), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("made_at", sa.Double, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("client", "idempotency_key"),
    )
    op.create_index("ix_ocs_api_addition_made", "ocs_api_addition", ["made_at"])


def downgrade() -> None:
    op.drop_index("ix_ocs_api_addition_made", "ocs_api_addition")
    op.drop_table("ocs_api_addition")
    op.drop_table("ocs_api_token")
