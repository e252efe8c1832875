"""User-defined fields: which are secure, which need a value, and their defaults."""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ocs_custom_field", sa.Column("secure", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.add_column("ocs_custom_field", sa.Column("nullable", sa.Integer, nullable=False, server_default=sa.text("1")))
    op.add_column("ocs_custom_field", sa.Column("default_value", sa.String(4_000)))


def downgrade() -> None:
    for name in ("default_value", "nullable", "secure"):
        op.drop_column("ocs_custom_field", name)
