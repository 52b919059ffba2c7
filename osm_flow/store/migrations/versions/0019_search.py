"""One normal form for the search: what is kept already is normalised as it is asked for from now on."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from osm_flow.domain.search import searchable, typed_text

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BATCH = 500

payloads = sa.table(
    "journal_payloads",
    sa.column("case_id", sa.String),
    sa.column("seq", sa.Integer),
    sa.column("body", sa.Text),
    sa.column("search", sa.Text),
)


def upgrade() -> None:
    """Normalise anew what people typed, and the names and titles of work items and cases."""
    _payloads()
    for name in ("cases", "work_items"):
        table = sa.table(name, sa.column("id", sa.String), sa.column("search", sa.Text))
        _rows(table)


def downgrade() -> None:
    """The older normal form finds nearly all of the newer one; nothing is changed."""


def _rows(table: sa.TableClause) -> None:
    connection = op.get_bind()
    writing = sa.update(table).where(table.c.id == sa.bindparam("of_row")).values(search=sa.bindparam("text"))
    rows = connection.execute(sa.select(table.c.id, table.c.search)).all()
    changed = [{"of_row": id_, "text": new} for id_, old in rows if (new := searchable(old)) != old]
    for start in range(0, len(changed), BATCH):
        connection.execute(writing, changed[start : start + BATCH])


def _payloads() -> None:
    connection = op.get_bind()
    found = connection.execute(sa.select(payloads.c.case_id, payloads.c.seq).where(payloads.c.search != "")).all()
    if not found:
        return
    _refuse_updates(False)
    writing = (
        sa.update(payloads)
        .where(payloads.c.case_id == sa.bindparam("of_case"), payloads.c.seq == sa.bindparam("of_seq"))
        .values(search=sa.bindparam("text"))
    )
    query = sa.select(payloads.c.case_id, payloads.c.seq, payloads.c.body)
    for start in range(0, len(found), BATCH):
        some = sa.tuple_(payloads.c.case_id, payloads.c.seq).in_([tuple(row) for row in found[start : start + BATCH]])
        rows = [
            {"of_case": case_id, "of_seq": seq, "text": typed_text(json.loads(body).get("data"))}
            for case_id, seq, body in connection.execute(query.where(some))
        ]
        connection.execute(writing, rows)
    _refuse_updates(True)


def _refuse_updates(refused: bool) -> None:
    """The journal is append-only for everybody but this migration, which writes how payloads are found, not what they say."""
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
