"""Which spool of changes on a server's disk speaks for an application, and how far it has been replayed."""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ocs_spool",
        sa.Column("app_dbid", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("spool", sa.String(64), nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("ocs_spool")
