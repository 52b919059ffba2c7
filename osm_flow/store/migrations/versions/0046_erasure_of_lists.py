"""Requests to erase name uploaded lists, too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from osm_flow.store.database import Instant

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table. A list goes whole when its days are over, so nothing refers to its row."""
    op.create_table(
        "erasure_lists",
        sa.Column("request_id", sa.Integer(), sa.ForeignKey("erasure_requests.id"), primary_key=True),
        sa.Column("import_id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("done_at", Instant(), nullable=True),
    )


def downgrade() -> None:
    """Only while nothing was asked of lists: the digest of a request covers them."""
    if op.get_bind().execute(sa.text("SELECT 1 FROM erasure_lists")).first():
        raise RuntimeError("there are requests to erase from uploaded lists; an earlier version cannot keep them")
    op.drop_table("erasure_lists")
