"""Whom a diagram alone names for a work item is its candidate: only candidates complete work items from now on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

items = sa.table(
    "work_items", sa.column("id", sa.String), sa.column("state", sa.String), sa.column("assignee_id", sa.Integer)
)
candidates = sa.table("candidates", sa.column("work_item_id", sa.String), sa.column("person_id", sa.Integer))


def upgrade() -> None:
    """Open work items without any candidate were given to their assignee by the diagram: they are their candidate."""
    known = sa.exists().where(candidates.c.work_item_id == items.c.id)
    held = sa.select(items.c.id, items.c.assignee_id).where(
        items.c.state == "CLAIMED", items.c.assignee_id.is_not(None), ~known
    )
    op.execute(sa.insert(candidates).from_select(["work_item_id", "person_id"], held))


def downgrade() -> None:
    """A candidate more harms nothing."""
