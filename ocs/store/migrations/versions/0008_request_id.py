"""Rows of the log of requests have an id, by which each is written once."""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("gsw_request_log", sa.Column("request_id", sa.BigInteger))
    op.create_index("uq_gsw_request_log_request", "gsw_request_log", ["request_id"], unique=True)


def downgrade() -> None:
    op.drop_index("uq_gsw_request_log_request", "gsw_request_log")
    op.drop_column("gsw_request_log", "request_id")
