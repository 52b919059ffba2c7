"""What a form held when it was sent and where its answer led, so that the same again gets the same answer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLE = "idempotency_keys"


def upgrade() -> None:
    """Add the columns; keys that are there already have neither."""
    op.add_column(TABLE, sa.Column("content", sa.String(length=64), nullable=True))
    op.add_column(TABLE, sa.Column("answer", sa.Text(), nullable=True))


def downgrade() -> None:
    """Forget the answers."""
    op.drop_column(TABLE, "answer")
    op.drop_column(TABLE, "content")
