"""Work items say which record of the office they are about, by its code."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; work items that are there stay without one, and are found by the name that they carry."""
    op.add_column("work_items", sa.Column("record_code", sa.String(64), nullable=True))
    op.create_index("ix_work_items_record_code", "work_items", ["record_code"])


def downgrade() -> None:
    """Work is found by names again."""
    op.drop_index("ix_work_items_record_code", "work_items")
    op.drop_column("work_items", "record_code")
