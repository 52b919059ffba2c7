"""What people are called is recorded by a salted digest."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("people", sa.Column("name_salt", sa.String(32), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("people", "name_salt")
