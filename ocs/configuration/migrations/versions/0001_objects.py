"""Objects, their options, their history."""
from __future__ import annotations

from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TYPES: dict[str, Any] = {"integer": sa.Integer(), "double": sa.Double(), "text": sa.Text(), "name": sa.String(255)}


def _columns(table: str, given: tuple[str, ...]) -> list[sa.Column[Any]]:
    """`name type`; a reference is `name -> table`; ? may be null."""
    columns = []
    for one in given:
        name, what, *target = one.rstrip("?").split()
        foreign = [sa.ForeignKey(f"{target[0]}.dbid", name=f"fk_{table}_{name}", deferrable=True, initially="DEFERRED")
                   ] if target else []
        kind = sa.BigInteger() if what in ("->", "bigint") else _TYPES[what]
        columns.append(sa.Column(name, kind, *foreign, nullable=one.endswith("?")))
    return columns


def _object(table: str, *columns: str) -> None:
    op.create_table(table, sa.Column("dbid", sa.BigInteger, primary_key=True, autoincrement=False),
                    *_columns(table, columns), sa.Column("object_version", sa.Integer, nullable=False))


def _rows(table: str, owner: str, *columns: str) -> None:
    foreign = sa.ForeignKey(f"{owner}.dbid", name=f"fk_{table}_owner", deferrable=True, initially="DEFERRED")
    op.create_table(table, sa.Column("owner_dbid", sa.BigInteger, foreign, nullable=False),
                    sa.Column("position", sa.Integer, nullable=False), *_columns(table, columns),
                    sa.PrimaryKeyConstraint("owner_dbid", "position", name=f"pk_{table}"))


def upgrade() -> None:
    database = op.create_table("cfg_database", sa.Column("id", sa.String(32), primary_key=True))
    op.bulk_insert(database, [{"id": uuid4().hex}])
    op.create_table(
        "cfg_option",
        sa.Column("object_type", sa.Integer, nullable=False),
        sa.Column("object_dbid", sa.BigInteger, nullable=False),
        sa.Column("section", sa.String(255), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("object_type", "object_dbid", "section", "key", name="pk_cfg_option"),
    )
    op.create_table(
        "cfg_history",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("who", sa.String(255), nullable=False),
        sa.Column("origin", sa.String(255), nullable=False),
        sa.Column("object_type", sa.Integer, nullable=False),
        sa.Column("object_dbid", sa.BigInteger, nullable=False),
        sa.Column("object", sa.String(600), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("field", sa.String(600), nullable=False),
        sa.Column("old_value", sa.Text, nullable=False),
        sa.Column("new_value", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_cfg_history_object", "cfg_history", ["object_type", "object_dbid"])
    _objects()
    _lists()


def _objects() -> None:
    _object("cfg_tenant", "name name", "description text", "state integer")
    _object("cfg_application", "name name", "tenant_dbid -> cfg_tenant?", "type integer", "version name", "host name",
            "port integer", "backup_server_dbid -> cfg_application?", "description text", "state integer")
    _object("cfg_switch", "name name", "tenant_dbid -> cfg_tenant?", "tserver_dbid -> cfg_application?", "dn_range name",
            "description text", "state integer")
    _object("cfg_dn", "number name", "switch_dbid -> cfg_switch?", "tenant_dbid -> cfg_tenant?", "type integer",
            "association name", "login_flag integer", "dn_login_id name", "register_all integer", "trunks integer",
            "override name", "use_override integer", "switch_specific_type integer", "name name", "state integer")
    _object("cfg_time_zone", "name name", "tenant_dbid -> cfg_tenant?", "description text", "utc_offset integer",
            "is_dst_observed integer", "dst_start_date name", "dst_stop_date name", "dst_offset integer", "name_netscape name",
            "name_ms_explorer name", "state integer")
    _object("cfg_skill", "name name", "tenant_dbid -> cfg_tenant?", "state integer")
    _object("cfg_place", "name name", "tenant_dbid -> cfg_tenant?", "state integer")
    _object("cfg_agent_login", "login_code name", "switch_dbid -> cfg_switch?", "tenant_dbid -> cfg_tenant?", "password name",
            "override name", "use_override integer", "switch_specific_type integer", "state integer")
    _object("cfg_person", "employee_id name", "tenant_dbid -> cfg_tenant?", "first_name name", "last_name name",
            "user_name name", "password name", "is_agent integer", "place_dbid -> cfg_place?", "email_address name",
            "external_id name", "state integer")
    _object("cfg_agent_group", "name name", "tenant_dbid -> cfg_tenant?", "description text", "state integer")
    _object("cfg_place_group", "name name", "tenant_dbid -> cfg_tenant?", "description text", "state integer")
    _object("cfg_field", "name name", "field_type integer", "tenant_dbid -> cfg_tenant?", "type integer", "length integer",
            "default_value name", "is_primary_key integer", "is_unique integer", "is_nullable integer", "description text",
            "state integer")
    _object("cfg_format", "name name", "tenant_dbid -> cfg_tenant?", "description text", "state integer")
    _object("cfg_table_access", "name name", "tenant_dbid -> cfg_tenant?", "type integer", "db_access_dbid -> cfg_application?",
            "format_dbid -> cfg_format?", "db_table_name name", "is_cachable integer", "update_timeout integer",
            "description text", "state integer")
    _object("cfg_filter", "name name", "tenant_dbid -> cfg_tenant?", "format_dbid -> cfg_format?", "description text",
            "state integer")
    _object("cfg_treatment", "name name", "tenant_dbid -> cfg_tenant?", "call_result integer?", "rec_action_code integer",
            "attempts integer", "date_time name", "cycle_attempt integer", "interval_min double", "increment_min double",
            "call_action_code integer", "dest_dn_dbid -> cfg_dn?", "chain_range integer", "description text", "state integer")
    _object("cfg_holiday_calendar", "name name", "tenant_dbid -> cfg_tenant?", "country name", "subdivision name",
            "description text", "state integer")
    _object("cfg_calling_list", "name name", "tenant_dbid -> cfg_tenant?", "description text",
            "table_access_dbid -> cfg_table_access?", "log_table_access_dbid -> cfg_table_access?", "filter_dbid -> cfg_filter?",
            "time_from integer", "time_until integer", "max_attempts integer", "state integer")
    _object("cfg_campaign", "name name", "tenant_dbid -> cfg_tenant?", "description text", "state integer")
    _object("cfg_campaign_group", "campaign_dbid -> cfg_campaign", "group_type integer", "group_dbid bigint",
            "tenant_dbid -> cfg_tenant?", "description text", "ivr_profile name", "dial_mode integer", "orig_dn_dbid -> cfg_dn?",
            "trunk_group_dn_dbid -> cfg_dn?", "num_of_channels integer", "operation_mode integer", "min_rec_buff_size double",
            "opt_rec_buff_size double", "max_queue_size integer", "opt_method integer", "opt_method_value double",
            "interaction_queue name", "state integer")
    _object("cfg_http_request", "name name", "tenant_dbid -> cfg_tenant?", "method name", "uri text", "body text",
            "description text", "state integer")
    _object("cfg_sql_statement", "name name", "tenant_dbid -> cfg_tenant?", "statement text", "description text",
            "state integer")


def _lists() -> None:
    _rows("cfg_application_connection", "cfg_application", "application_dbid -> cfg_application")
    _rows("cfg_dn_destination", "cfg_dn", "dn_dbid -> cfg_dn")
    _rows("cfg_place_dn", "cfg_place", "dn_dbid -> cfg_dn")
    _rows("cfg_person_agent_login", "cfg_person", "agent_login_dbid -> cfg_agent_login")
    _rows("cfg_person_skill", "cfg_person", "skill_dbid -> cfg_skill", "level integer")
    _rows("cfg_agent_group_manager", "cfg_agent_group", "person_dbid -> cfg_person")
    _rows("cfg_agent_group_route_dn", "cfg_agent_group", "dn_dbid -> cfg_dn")
    _rows("cfg_agent_group_agent", "cfg_agent_group", "person_dbid -> cfg_person")
    _rows("cfg_agent_group_place", "cfg_agent_group", "place_dbid -> cfg_place")
    _rows("cfg_agent_group_dn", "cfg_agent_group", "dn_dbid -> cfg_dn")
    _rows("cfg_place_group_manager", "cfg_place_group", "person_dbid -> cfg_person")
    _rows("cfg_place_group_route_dn", "cfg_place_group", "dn_dbid -> cfg_dn")
    _rows("cfg_place_group_agent", "cfg_place_group", "person_dbid -> cfg_person")
    _rows("cfg_place_group_place", "cfg_place_group", "place_dbid -> cfg_place")
    _rows("cfg_place_group_dn", "cfg_place_group", "dn_dbid -> cfg_dn")
    _rows("cfg_format_field", "cfg_format", "field_dbid -> cfg_field")
    _rows("cfg_holiday_calendar_zone", "cfg_holiday_calendar", "zone name")
    _rows("cfg_holiday_calendar_closed_day", "cfg_holiday_calendar", "day name")
    _rows("cfg_holiday_calendar_open_day", "cfg_holiday_calendar", "day name")
    _rows("cfg_calling_list_treatment", "cfg_calling_list", "treatment_dbid -> cfg_treatment")
    _rows("cfg_calling_list_holiday_calendar", "cfg_calling_list", "holiday_calendar_dbid -> cfg_holiday_calendar")
    _rows("cfg_calling_list_hours", "cfg_calling_list", "hours name")
    _rows("cfg_campaign_calling_list", "cfg_campaign", "calling_list_dbid -> cfg_calling_list", "share integer",
          "is_active integer")
    _rows("cfg_campaign_group_server", "cfg_campaign_group", "application_dbid -> cfg_application")
    _rows("cfg_http_request_header", "cfg_http_request", "name name", "value text", "value_file name")


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)


_TABLES = (
    "cfg_database", "cfg_option", "cfg_history", "cfg_tenant", "cfg_application", "cfg_switch", "cfg_dn", "cfg_time_zone",
    "cfg_skill", "cfg_place", "cfg_agent_login", "cfg_person", "cfg_agent_group", "cfg_place_group", "cfg_field",
    "cfg_format", "cfg_table_access", "cfg_filter", "cfg_treatment", "cfg_holiday_calendar", "cfg_calling_list",
    "cfg_campaign", "cfg_campaign_group", "cfg_http_request", "cfg_sql_statement", "cfg_application_connection",
    "cfg_dn_destination", "cfg_place_dn", "cfg_person_agent_login", "cfg_person_skill", "cfg_agent_group_manager",
    "cfg_agent_group_route_dn", "cfg_agent_group_agent", "cfg_agent_group_place", "cfg_agent_group_dn",
    "cfg_place_group_manager", "cfg_place_group_route_dn", "cfg_place_group_agent", "cfg_place_group_place",
    "cfg_place_group_dn", "cfg_format_field", "cfg_holiday_calendar_zone", "cfg_holiday_calendar_closed_day",
    "cfg_holiday_calendar_open_day", "cfg_calling_list_treatment", "cfg_calling_list_holiday_calendar",
    "cfg_calling_list_hours", "cfg_campaign_calling_list", "cfg_campaign_group_server", "cfg_http_request_header",
)
