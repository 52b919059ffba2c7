"""All tables of the first version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table, referenced ones first."""
    op.create_table(
        "business_key_counters",
        sa.Column("prefix", sa.String(length=64), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("prefix", name=op.f("pk_business_key_counters")),
    )
    op.create_table(
        "deployments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployments")),
    )
    op.create_table(
        "holiday_overrides",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("is_working", sa.Boolean(), nullable=False),
        sa.Column("name_th", sa.String(length=255), nullable=False),
        sa.Column("name_en", sa.String(length=255), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_holiday_overrides")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_at"), "idempotency_keys", ["at"], unique=False)
    op.create_table(
        "login_attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_attempts")),
    )
    op.create_index(op.f("ix_login_attempts_address"), "login_attempts", ["address"], unique=False)
    op.create_index(op.f("ix_login_attempts_at"), "login_attempts", ["at"], unique=False)
    op.create_index(op.f("ix_login_attempts_username"), "login_attempts", ["username"], unique=False)
    op.create_table(
        "offices",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("name_th", sa.String(length=255), nullable=False),
        sa.Column("name_en", sa.String(length=255), nullable=False),
        sa.Column("region_th", sa.String(length=64), nullable=False),
        sa.Column("region_en", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offices")),
    )
    op.create_table(
        "people",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("display_name", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=True),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("locale", sa.String(length=8), nullable=False),
        sa.Column("session_epoch", sa.Integer(), nullable=False),
        sa.Column("locked_at", sa.String(length=27), nullable=True),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("username", name=op.f("uq_people_username")),
    )
    op.create_table(
        "calendar_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("office_id", sa.String(length=16), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("old_date", sa.Date(), nullable=True),
        sa.Column("new_date", sa.Date(), nullable=False),
        sa.Column("letter", sa.String(length=255), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["offices.id"], name=op.f("fk_calendar_changes_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_changes")),
    )
    op.create_index(op.f("ix_calendar_changes_office_id"), "calendar_changes", ["office_id"], unique=False)
    op.create_table(
        "fiscal_calendar",
        sa.Column("office_id", sa.String(length=16), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("letter", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["offices.id"], name=op.f("fk_fiscal_calendar_office_id")),
        sa.PrimaryKeyConstraint("office_id", "fiscal_year", "key", name=op.f("pk_fiscal_calendar")),
    )
    op.create_table(
        "notifications",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("text_th", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("url", sa.String(length=255), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("read_at", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_notifications_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
    )
    op.create_index(
        op.f("ix_notifications_person_id_read_at_id"), "notifications", ["person_id", "read_at", "id"], unique=False
    )
    op.create_table(
        "process_definitions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("deployment_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name_th", sa.String(length=255), nullable=False),
        sa.Column("name_en", sa.String(length=255), nullable=False),
        sa.Column("xml", sa.LargeBinary(), nullable=False),
        sa.Column("forms", sa.Text(), nullable=False),
        sa.Column("decisions", sa.Text(), nullable=False),
        sa.Column("startable", sa.Boolean(), nullable=False),
        sa.Column("start_message", sa.String(length=128), nullable=True),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployments.id"], name=op.f("fk_process_definitions_deployment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_process_definitions")),
        sa.UniqueConstraint("key", "version", name=op.f("uq_process_definitions_key_version")),
    )
    op.create_table(
        "provinces",
        sa.Column("id", sa.String(length=8), nullable=False),
        sa.Column("office_id", sa.String(length=16), nullable=False),
        sa.Column("name_th", sa.String(length=64), nullable=False),
        sa.Column("name_en", sa.String(length=64), nullable=False),
        sa.Column("abbr_th", sa.String(length=8), nullable=False),
        sa.Column("is_centre", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["offices.id"], name=op.f("fk_provinces_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provinces")),
    )
    op.create_index(op.f("ix_provinces_office_id"), "provinces", ["office_id"], unique=False)
    op.create_table(
        "cases",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("definition_id", sa.Integer(), nullable=False),
        sa.Column("business_key", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("office_id", sa.String(length=16), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), nullable=False),
        sa.Column("province_id", sa.String(length=8), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=True),
        sa.Column("stage", sa.String(length=64), nullable=True),
        sa.Column("parent_case_id", sa.String(length=36), nullable=True),
        sa.Column("parent_task_id", sa.String(length=36), nullable=True),
        sa.Column("root_case_id", sa.String(length=36), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("started_by", sa.String(length=64), nullable=False),
        sa.Column("started_at", sa.String(length=27), nullable=False),
        sa.Column("ended_at", sa.String(length=27), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("head_at", sa.String(length=27), nullable=False),
        sa.Column("search", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["definition_id"], ["process_definitions.id"], name=op.f("fk_cases_definition_id")),
        sa.ForeignKeyConstraint(["office_id"], ["offices.id"], name=op.f("fk_cases_office_id")),
        sa.ForeignKeyConstraint(["parent_case_id"], ["cases.id"], name=op.f("fk_cases_parent_case_id")),
        sa.ForeignKeyConstraint(["province_id"], ["provinces.id"], name=op.f("fk_cases_province_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("business_key", name=op.f("uq_cases_business_key")),
    )
    op.create_index(op.f("ix_cases_definition_id"), "cases", ["definition_id"], unique=False)
    op.create_index(
        op.f("ix_cases_office_id_fiscal_year_state_started_at_id"),
        "cases",
        ["office_id", "fiscal_year", "state", "started_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_cases_parent_case_id"), "cases", ["parent_case_id"], unique=False)
    op.create_index(op.f("ix_cases_root_case_id"), "cases", ["root_case_id"], unique=False)
    op.create_table(
        "positions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("office_id", sa.String(length=16), nullable=True),
        sa.Column("province_id", sa.String(length=8), nullable=True),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("title_th", sa.String(length=255), nullable=False),
        sa.Column("title_en", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("for_person_id", sa.Integer(), nullable=True),
        sa.Column("letter", sa.String(length=255), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["for_person_id"], ["people.id"], name=op.f("fk_positions_for_person_id")),
        sa.ForeignKeyConstraint(["office_id"], ["offices.id"], name=op.f("fk_positions_office_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_positions_person_id")),
        sa.ForeignKeyConstraint(["province_id"], ["provinces.id"], name=op.f("fk_positions_province_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_positions")),
    )
    op.create_index(op.f("ix_positions_office_id"), "positions", ["office_id"], unique=False)
    op.create_index(
        op.f("ix_positions_office_id_role_province_id"), "positions", ["office_id", "role", "province_id"], unique=False
    )
    op.create_index(op.f("ix_positions_person_id"), "positions", ["person_id"], unique=False)
    op.create_table(
        "projects",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("office_id", sa.String(length=16), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), nullable=False),
        sa.Column("name_th", sa.String(length=512), nullable=False),
        sa.Column("agency_th", sa.String(length=255), nullable=False),
        sa.Column("province_id", sa.String(length=8), nullable=True),
        sa.Column("budget_type", sa.String(length=32), nullable=False),
        sa.Column("requested", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("approved", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("committed", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("disbursed", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("result", sa.String(length=16), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("colour", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["office_id"], ["offices.id"], name=op.f("fk_projects_office_id")),
        sa.ForeignKeyConstraint(["province_id"], ["provinces.id"], name=op.f("fk_projects_province_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("code", name=op.f("uq_projects_code")),
    )
    op.create_index(
        op.f("ix_projects_office_id_fiscal_year_id"), "projects", ["office_id", "fiscal_year", "id"], unique=False
    )
    op.create_table(
        "case_states",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("snapshot", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_states_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_states")),
    )
    op.create_table(
        "element_visits",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("element", sa.String(length=255), nullable=False),
        sa.Column("visits", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_element_visits_case_id")),
        sa.PrimaryKeyConstraint("case_id", "element", name=op.f("pk_element_visits")),
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("element", sa.String(length=255), nullable=True),
        sa.Column("task_id", sa.String(length=36), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.String(length=27), nullable=False),
        sa.Column("resolved_at", sa.String(length=27), nullable=True),
        sa.Column("resolved_by", sa.String(length=64), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_incidents_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
    )
    op.create_index(op.f("ix_incidents_case_id"), "incidents", ["case_id"], unique=False)
    op.create_table(
        "journal_payloads",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("salt", sa.String(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_journal_payloads_case_id")),
        sa.PrimaryKeyConstraint("case_id", "seq", name=op.f("pk_journal_payloads")),
    )
    op.create_table(
        "journal_records",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("kind", sa.String(length=48), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("actor_role", sa.String(length=64), nullable=True),
        sa.Column("on_behalf_of", sa.String(length=64), nullable=True),
        sa.Column("element", sa.String(length=255), nullable=True),
        sa.Column("task_id", sa.String(length=36), nullable=True),
        sa.Column("payload_digest", sa.String(length=64), nullable=False),
        sa.Column("definition_key", sa.String(length=128), nullable=False),
        sa.Column("definition_version", sa.Integer(), nullable=False),
        sa.Column("definition_sha256", sa.String(length=64), nullable=False),
        sa.Column("engine_version", sa.String(length=64), nullable=False),
        sa.Column("state_digest", sa.String(length=64), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_journal_records_case_id")),
        sa.PrimaryKeyConstraint("case_id", "seq", name=op.f("pk_journal_records")),
    )
    op.create_index(op.f("ix_journal_records_actor_at"), "journal_records", ["actor", "at"], unique=False)
    op.create_index(
        op.f("ix_journal_records_at_case_id_seq"), "journal_records", ["at", "case_id", "seq"], unique=False
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("due_at", sa.String(length=27), nullable=True),
        sa.Column("done_at", sa.String(length=27), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_outbox_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    op.create_index(op.f("ix_outbox_case_id"), "outbox", ["case_id"], unique=False)
    op.create_index(op.f("ix_outbox_due_at"), "outbox", ["due_at"], unique=False)
    op.create_table(
        "outgoing_letters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("task_id", sa.String(length=36), nullable=False),
        sa.Column("office_id", sa.String(length=16), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_outgoing_letters_case_id")),
        sa.ForeignKeyConstraint(["office_id"], ["offices.id"], name=op.f("fk_outgoing_letters_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing_letters")),
        sa.UniqueConstraint("task_id", name=op.f("uq_outgoing_letters_task_id")),
    )
    op.create_index(op.f("ix_outgoing_letters_case_id"), "outgoing_letters", ["case_id"], unique=False)
    op.create_table(
        "service_jobs",
        sa.Column("task_id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("element", sa.String(length=255), nullable=False),
        sa.Column("topic", sa.String(length=64), nullable=False),
        sa.Column("due_at", sa.String(length=27), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_service_jobs_case_id")),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_service_jobs")),
    )
    op.create_index(op.f("ix_service_jobs_case_id"), "service_jobs", ["case_id"], unique=False)
    op.create_index(op.f("ix_service_jobs_due_at"), "service_jobs", ["due_at"], unique=False)
    op.create_table(
        "timers",
        sa.Column("task_id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("element", sa.String(length=255), nullable=False),
        sa.Column("name_th", sa.String(length=255), nullable=False),
        sa.Column("due_at", sa.String(length=27), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_timers_case_id")),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_timers")),
    )
    op.create_index(op.f("ix_timers_case_id"), "timers", ["case_id"], unique=False)
    op.create_index(op.f("ix_timers_due_at"), "timers", ["due_at"], unique=False)
    op.create_table(
        "waiting_messages",
        sa.Column("task_id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("element", sa.String(length=255), nullable=False),
        sa.Column("name_th", sa.String(length=255), nullable=False),
        sa.Column("name_en", sa.String(length=255), nullable=False),
        sa.Column("message", sa.String(length=128), nullable=False),
        sa.Column("form_key", sa.String(length=64), nullable=True),
        sa.Column("office_id", sa.String(length=16), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), nullable=False),
        sa.Column("since", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_waiting_messages_case_id")),
        sa.ForeignKeyConstraint(["office_id"], ["offices.id"], name=op.f("fk_waiting_messages_office_id")),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_waiting_messages")),
    )
    op.create_index(op.f("ix_waiting_messages_case_id"), "waiting_messages", ["case_id"], unique=False)
    op.create_index(
        op.f("ix_waiting_messages_office_id_message_fiscal_year"),
        "waiting_messages",
        ["office_id", "message", "fiscal_year"],
        unique=False,
    )
    op.create_table(
        "work_items",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("element", sa.String(length=255), nullable=False),
        sa.Column("name_th", sa.String(length=255), nullable=False),
        sa.Column("name_en", sa.String(length=255), nullable=False),
        sa.Column("form_key", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("assignee_id", sa.Integer(), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("office_id", sa.String(length=16), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), nullable=False),
        sa.Column("province_id", sa.String(length=8), nullable=True),
        sa.Column("stage", sa.String(length=64), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.String(length=27), nullable=True),
        sa.Column("planned_due_at", sa.String(length=27), nullable=True),
        sa.Column("follow_up_at", sa.String(length=27), nullable=True),
        sa.Column("separate_from", sa.String(length=255), nullable=True),
        sa.Column("escalation", sa.String(length=64), nullable=True),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.String(length=27), nullable=False),
        sa.Column("claimed_at", sa.String(length=27), nullable=True),
        sa.Column("closed_at", sa.String(length=27), nullable=True),
        sa.Column("completed_by_id", sa.Integer(), nullable=True),
        sa.Column("on_behalf_of", sa.String(length=64), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["assignee_id"], ["people.id"], name=op.f("fk_work_items_assignee_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_work_items_case_id")),
        sa.ForeignKeyConstraint(["completed_by_id"], ["people.id"], name=op.f("fk_work_items_completed_by_id")),
        sa.ForeignKeyConstraint(["office_id"], ["offices.id"], name=op.f("fk_work_items_office_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["people.id"], name=op.f("fk_work_items_owner_id")),
        sa.ForeignKeyConstraint(["province_id"], ["provinces.id"], name=op.f("fk_work_items_province_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_items")),
    )
    op.create_index(
        op.f("ix_work_items_assignee_id_state_due_at_id"),
        "work_items",
        ["assignee_id", "state", "due_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_work_items_case_id"), "work_items", ["case_id"], unique=False)
    op.create_index(
        op.f("ix_work_items_office_id_state_due_at_id"),
        "work_items",
        ["office_id", "state", "due_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_work_items_state_due_at_id"), "work_items", ["state", "due_at", "id"], unique=False)
    op.create_table(
        "attachments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("work_item_id", sa.String(length=36), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("media_type", sa.String(length=128), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_attachments_case_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_attachments_person_id")),
        sa.ForeignKeyConstraint(["work_item_id"], ["work_items.id"], name=op.f("fk_attachments_work_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
    )
    op.create_index(op.f("ix_attachments_case_id"), "attachments", ["case_id"], unique=False)
    op.create_table(
        "candidates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("work_item_id", sa.String(length=36), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=True),
        sa.Column("province_id", sa.String(length=8), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_candidates_person_id")),
        sa.ForeignKeyConstraint(["province_id"], ["provinces.id"], name=op.f("fk_candidates_province_id")),
        sa.ForeignKeyConstraint(["work_item_id"], ["work_items.id"], name=op.f("fk_candidates_work_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidates")),
    )
    op.create_index(
        op.f("ix_candidates_person_id_work_item_id"), "candidates", ["person_id", "work_item_id"], unique=False
    )
    op.create_index(
        op.f("ix_candidates_role_province_id_work_item_id"),
        "candidates",
        ["role", "province_id", "work_item_id"],
        unique=False,
    )
    op.create_index(op.f("ix_candidates_work_item_id"), "candidates", ["work_item_id"], unique=False)
    op.create_table(
        "comments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("work_item_id", sa.String(length=36), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_comments_case_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_comments_person_id")),
        sa.ForeignKeyConstraint(["work_item_id"], ["work_items.id"], name=op.f("fk_comments_work_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
    )
    op.create_index(op.f("ix_comments_case_id"), "comments", ["case_id"], unique=False)
    op.create_table(
        "drafts",
        sa.Column("work_item_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_drafts_person_id")),
        sa.ForeignKeyConstraint(["work_item_id"], ["work_items.id"], name=op.f("fk_drafts_work_item_id")),
        sa.PrimaryKeyConstraint("work_item_id", "person_id", name=op.f("pk_drafts")),
    )
    op.create_table(
        "reminders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("work_item_id", sa.String(length=36), nullable=False),
        sa.Column("rung", sa.String(length=48), nullable=False),
        sa.Column("due_at", sa.String(length=27), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(["work_item_id"], ["work_items.id"], name=op.f("fk_reminders_work_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminders")),
        sa.UniqueConstraint("work_item_id", "rung", "due_at", name=op.f("uq_reminders_work_item_id_rung_due_at")),
    )


def downgrade() -> None:
    """Drop every table with all that is in it."""
    op.drop_table("reminders")
    op.drop_table("drafts")
    op.drop_table("comments")
    op.drop_table("candidates")
    op.drop_table("attachments")
    op.drop_table("work_items")
    op.drop_table("waiting_messages")
    op.drop_table("timers")
    op.drop_table("service_jobs")
    op.drop_table("outgoing_letters")
    op.drop_table("outbox")
    op.drop_table("journal_records")
    op.drop_table("journal_payloads")
    op.drop_table("incidents")
    op.drop_table("element_visits")
    op.drop_table("case_states")
    op.drop_table("projects")
    op.drop_table("positions")
    op.drop_table("cases")
    op.drop_table("provinces")
    op.drop_table("process_definitions")
    op.drop_table("notifications")
    op.drop_table("fiscal_calendar")
    op.drop_table("calendar_changes")
    op.drop_table("people")
    op.drop_table("offices")
    op.drop_table("login_attempts")
    op.drop_table("idempotency_keys")
    op.drop_table("holiday_overrides")
    op.drop_table("deployments")
    op.drop_table("business_key_counters")
