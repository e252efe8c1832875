"""User-defined fields: what ICON is told of their values."""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ocs_custom_field", sa.Column("icon_attribute", sa.Integer, nullable=False, server_default=sa.text("0")))


def downgrade() -> None:
    op.drop_column("ocs_custom_field", "icon_attribute")
