"""Posts with authority wait for a second person: who gave a position, and whether it still waits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Positions that were given before count as they did."""
    op.add_column("positions", sa.Column("waits", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("positions", sa.Column("given_by", sa.String(64), nullable=True))


def downgrade() -> None:
    op.drop_column("positions", "given_by")
    op.drop_column("positions", "waits")
