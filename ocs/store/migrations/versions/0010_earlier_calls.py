"""An attempt that the Outbound Notification Manager dials may have several calls: the ConnIDs of those before the last one."""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ocs_attempt", sa.Column("earlier_conn_ids", sa.String(4_000)))


def downgrade() -> None:
    op.drop_column("ocs_attempt", "earlier_conn_ids")
