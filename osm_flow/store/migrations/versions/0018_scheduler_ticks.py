"""Schedulers note when they last ticked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; earlier programs never look at it."""
    op.create_table(
        "scheduler_ticks",
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_scheduler_ticks")),
    )


def downgrade() -> None:
    """Forget them again."""
    op.drop_table("scheduler_ticks")
