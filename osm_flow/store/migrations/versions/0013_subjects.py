"""What a work item and a case are about, beside their names."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLES = ("cases", "work_items")


def upgrade() -> None:
    """Add the columns; what is open already has no subject."""
    for table in TABLES:
        op.add_column(table, sa.Column("subject", sa.String(length=255), nullable=False, server_default=""))


def downgrade() -> None:
    """Forget the subjects."""
    for table in TABLES:
        op.drop_column(table, "subject")
