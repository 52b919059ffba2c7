"""States of cases along their way, and what was typed in a form in which it can be searched.

The searched text lies in the row of its payload, so that whoever erases the payload erases it too.
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from osm_flow.domain.search import typed_text

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

INDEXES = {
    "journal_records": (
        ("actor", "at", "case_id", "seq"),
        ("kind", "at", "case_id", "seq"),
        ("element", "at", "case_id", "seq"),
        ("on_behalf_of", "at", "case_id", "seq"),
        ("actor_role", "at", "case_id", "seq"),
    ),
    "work_items": (("completed_by_id", "element"),),
}
SUPERSEDED = ("ix_journal_records_actor_at", "journal_records", ["actor", "at"])
BATCH = 500

records = sa.table("journal_records", sa.column("case_id"), sa.column("seq"), sa.column("actor"))
payloads = sa.table(
    "journal_payloads", sa.column("case_id"), sa.column("seq"), sa.column("body"), sa.column("search", sa.Text)
)


def upgrade() -> None:
    """Make the table, the column and the indexes; then bring the text of what was typed so far into its form."""
    op.create_table(
        "case_checkpoints",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("snapshot", sa.LargeBinary(), nullable=False),
        sa.Column("passed", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_checkpoints_case_id")),
        sa.PrimaryKeyConstraint("case_id", "seq", name=op.f("pk_case_checkpoints")),
    )
    op.add_column("journal_payloads", sa.Column("search", sa.Text(), server_default="", nullable=False))
    for table, indexes in INDEXES.items():
        for columns in indexes:
            op.create_index(_name(table, columns), table, list(columns))
    op.drop_index(SUPERSEDED[0], table_name=SUPERSEDED[1])
    _fill()


def downgrade() -> None:
    """Drop them again."""
    op.create_index(*SUPERSEDED)
    for table, indexes in INDEXES.items():
        for columns in indexes:
            op.drop_index(_name(table, columns), table_name=table)
    op.drop_column("journal_payloads", "search")
    op.drop_table("case_checkpoints")


def _name(table: str, columns: tuple[str, ...]) -> str:
    return op.f(f"ix_{table}_{'_'.join(columns)}")


def _fill() -> None:
    connection = op.get_bind()
    by_people = (payloads.c.case_id == records.c.case_id) & (payloads.c.seq == records.c.seq)
    query = sa.select(payloads.c.case_id, payloads.c.seq, payloads.c.body).join(records, by_people)
    keys = sa.select(records.c.case_id, records.c.seq).where(records.c.actor != "system")
    found = connection.execute(keys).all()
    if not found:
        return
    _refuse_updates(False)
    writing = (
        sa.update(payloads)
        .where(payloads.c.case_id == sa.bindparam("of_case"), payloads.c.seq == sa.bindparam("of_seq"))
        .values(search=sa.bindparam("text"))
    )
    for start in range(0, len(found), BATCH):
        some = sa.tuple_(payloads.c.case_id, payloads.c.seq).in_([tuple(row) for row in found[start : start + BATCH]])
        rows = [
            {"of_case": case_id, "of_seq": seq, "text": typed_text(json.loads(body).get("data"))}
            for case_id, seq, body in connection.execute(query.where(some))
        ]
        if rows:
            connection.execute(writing, rows)
    _refuse_updates(True)


def _refuse_updates(refused: bool) -> None:
    """The journal is append-only for everybody but this migration, which adds to the payloads and changes nothing."""
    name, table = "refuse_update_of_journal_payloads", "journal_payloads"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE {table} {'ENABLE' if refused else 'DISABLE'} TRIGGER {name}")
    elif refused:
        op.execute(
            f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, 'the journal is append-only: UPDATE of {table}'); END"
        )
    else:
        op.execute(f"DROP TRIGGER {name}")
