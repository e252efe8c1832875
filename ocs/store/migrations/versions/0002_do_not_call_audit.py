"""Do-not-call list: audit trail, which is also what other servers follow; imports are told apart."""
from __future__ import annotations

import time
import uuid

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("gsw_donotcall_list", sa.Column("ocs_import_id", sa.BigInteger))
    for name, column in (("customer", "customer_id"), ("import", "ocs_import_id")):
        given = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_gsw_donotcall_list_{name}", "gsw_donotcall_list", [column], sqlite_where=given,
                        postgresql_where=given)
    audit = op.create_table(
        "dnc_audit",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("who", sa.String(255), nullable=False),
        sa.Column("why", sa.String(255), nullable=False),
        sa.Column("origin", sa.String(255), nullable=False),
        sa.Column("phone", sa.String(64)),
        sa.Column("customer_id", sa.String(64)),
        sa.Column("tenant_dbid", sa.BigInteger, nullable=False),
        sa.Column("campaign_dbid", sa.BigInteger),
        sa.Column("import_id", sa.BigInteger),
        sa.Column("request_id", sa.BigInteger),
        sa.Column("entries", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    for column in ("phone", "customer_id", "import_id"):
        given = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_dnc_audit_{column}", "dnc_audit", [column], sqlite_where=given, postgresql_where=given)
    # The first row names this database: a snapshot of another one is told by it.
    op.bulk_insert(audit, [{"at": time.time(), "action": "begin", "who": "ocs db upgrade", "why": uuid.uuid4().hex,
                            "origin": "database", "tenant_dbid": 0, "entries": 0}])


def downgrade() -> None:
    op.drop_table("dnc_audit")
    for name in ("import", "customer"):
        op.drop_index(f"ix_gsw_donotcall_list_{name}", "gsw_donotcall_list")
    op.drop_column("gsw_donotcall_list", "ocs_import_id")
