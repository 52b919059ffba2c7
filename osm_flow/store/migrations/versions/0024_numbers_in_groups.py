"""Numbers that people write in groups are found by their digits alone: what is kept for the search is normalised anew."""

from __future__ import annotations

from importlib import import_module

import sqlalchemy as sa
from alembic import op

from osm_flow.domain.search import searchable

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

BATCH = 500


def upgrade() -> None:
    """Normalise anew what people typed, and the names and titles of work items and cases."""
    import_module("osm_flow.store.migrations.versions.0019_search")._payloads()
    for name in ("cases", "work_items"):
        _rows(sa.table(name, sa.column("id", sa.String), sa.column("search", sa.Text)))


def downgrade() -> None:
    """The older normal form finds nearly all of the newer one; nothing is changed."""


def _rows(table: sa.TableClause) -> None:
    """The first line is the text itself in its normal form; the others are made from it."""
    connection = op.get_bind()
    writing = sa.update(table).where(table.c.id == sa.bindparam("of_row")).values(search=sa.bindparam("text"))
    rows = connection.execute(sa.select(table.c.id, table.c.search)).all()
    changed = [{"of_row": id_, "text": new} for id_, old in rows if (new := searchable(old.partition("\n")[0])) != old]
    for start in range(0, len(changed), BATCH):
        connection.execute(writing, changed[start : start + BATCH])
