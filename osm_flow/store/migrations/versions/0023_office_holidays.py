"""An office has free and working days of its own, apart from the nation's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "office_holidays",
        sa.Column(
            "office_id",
            sa.String(16),
            sa.ForeignKey("offices.id", name="fk_office_holidays_office_id"),
            primary_key=True,
        ),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("is_working", sa.Boolean, nullable=False),
        sa.Column("name_th", sa.String(255), nullable=False),
        sa.Column("name_en", sa.String(255), nullable=False),
        sa.Column("source", sa.String(255), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("office_holidays")
