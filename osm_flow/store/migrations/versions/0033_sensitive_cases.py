"""Sensitive cases close: the fact in one column, who is named on them, auditors' reasons, two people for taking it off."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from lxml import etree

from osm_flow.store.database import Instant

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_NAMESPACES = {
    "bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "camunda": "http://camunda.org/schema/1.0/bpmn",
}
_SAID = "//bpmn:process[@id=$key]/bpmn:extensionElements/camunda:properties/camunda:property[@name='sensitive']/@value"

definitions = sa.table(
    "process_definitions", sa.column("id", sa.Integer), sa.column("key", sa.String), sa.column("xml", sa.LargeBinary)
)
cases = sa.table(
    "cases",
    sa.column("id", sa.String),
    sa.column("definition_id", sa.Integer),
    sa.column("parent_case_id", sa.String),
    sa.column("is_sensitive", sa.Boolean),
)
items = sa.table("work_items", sa.column("id", sa.String), sa.column("case_id", sa.String))
notices = sa.table("notifications", sa.column("url", sa.String), sa.column("case_id", sa.String))


def upgrade() -> None:
    """What processes say of their cases is written at the cases, and at their children; notices name their case."""
    _make_tables()
    op.add_column("notifications", sa.Column("case_id", sa.String(36), nullable=True))
    op.create_index(
        "ix_cases_sensitive",
        "cases",
        ["office_id"],
        sqlite_where=sa.text("is_sensitive"),
        postgresql_where=sa.text("is_sensitive"),
    )
    _mark()
    _name_cases_of_notices()


def _make_tables() -> None:
    op.create_table(
        "case_readers",
        sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), primary_key=True),
        sa.Column("person_id", sa.Integer(), sa.ForeignKey("people.id"), primary_key=True),
        sa.Column("named_by", sa.String(64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
    )
    op.create_index("ix_case_readers_person_id", "case_readers", ["person_id"])
    op.create_table(
        "sensitive_openings",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("person_id", sa.Integer(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("at", Instant(), nullable=False),
    )
    op.create_index("ix_sensitive_openings_case_id", "sensitive_openings", ["case_id"])
    op.create_index("ix_sensitive_openings_person_id_at", "sensitive_openings", ["person_id", "at"])
    op.create_table(
        "unmark_proposals",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("proposed_by_id", sa.Integer(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("for_person_id", sa.Integer(), sa.ForeignKey("people.id"), nullable=True),
        sa.Column("proposed_at", Instant(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("decided_by", sa.String(64), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True),
    )
    op.create_index("ix_unmark_proposals_case_id", "unmark_proposals", ["case_id"])
    is_open = sa.text("state = 'PROPOSED'")
    op.create_index(
        "ix_unmark_proposals_open",
        "unmark_proposals",
        ["case_id"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )


def _mark() -> None:
    connection = op.get_bind()
    for id_, key, xml in connection.execute(sa.select(definitions.c.id, definitions.c.key, definitions.c.xml)).all():
        if b"sensitive" in xml and _says_so(key, xml):
            connection.execute(sa.update(cases).where(cases.c.definition_id == id_).values(is_sensitive=True))
    parents = cases.alias("parents")
    of_sensitive = sa.select(parents.c.id).where(parents.c.is_sensitive)
    children = sa.update(cases).where(~cases.c.is_sensitive, cases.c.parent_case_id.in_(of_sensitive))
    while connection.execute(children.values(is_sensitive=True)).rowcount:
        pass


def _says_so(key: str, xml: bytes) -> bool:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    said = etree.fromstring(xml, parser).xpath(_SAID, namespaces=_NAMESPACES, key=key)
    return [value.strip() for value in said][-1:] == ["true"]


def _name_cases_of_notices() -> None:
    of_case = sa.select(cases.c.id).where("/cases/" + cases.c.id == notices.c.url).scalar_subquery()
    op.execute(sa.update(notices).where(notices.c.url.like("/cases/%")).values(case_id=of_case))
    of_item = sa.select(items.c.case_id).where("/work-items/" + items.c.id == notices.c.url).scalar_subquery()
    op.execute(sa.update(notices).where(notices.c.url.like("/work-items/%")).values(case_id=of_item))


def downgrade() -> None:
    """Only the marks stay."""
    op.drop_column("notifications", "case_id")
    op.drop_index("ix_cases_sensitive", "cases")
    for table in ("unmark_proposals", "sensitive_openings", "case_readers"):
        op.drop_table(table)
