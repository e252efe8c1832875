"""Attempts and refusals name the table beside the calling list: several lists may read one table."""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_OPEN = sa.text("state = 'open'")
_TABLES = ("ocs_attempt", "ocs_refusal")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("table_access", sa.String(255), nullable=False, server_default=sa.text("''")))
        op.execute(sa.text(f"UPDATE {table} SET table_access = calling_list"))
    _attempts_by("table_access")
    op.create_index("ix_ocs_refusal_table_access", "ocs_refusal", ["table_access"])


def downgrade() -> None:
    op.drop_index("ix_ocs_refusal_table_access", "ocs_refusal")
    _attempts_by("calling_list")
    for table in _TABLES:
        op.drop_column(table, "table_access")


def _attempts_by(column: str) -> None:
    op.drop_index("ix_ocs_attempt_open", "ocs_attempt")
    op.drop_index("ix_ocs_attempt_record", "ocs_attempt")
    op.create_index("ix_ocs_attempt_open", "ocs_attempt", [column, "chain_id"], sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_index("ix_ocs_attempt_record", "ocs_attempt", [column, "record_id"])
