"""An account belongs to the office that made it until its person holds a position."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

people = sa.table("people", sa.column("username", sa.String), sa.column("office_id", sa.String))
created = sa.table(
    "admin_records",
    sa.column("kind", sa.String),
    sa.column("subject", sa.String),
    sa.column("office_id", sa.String),
)


def upgrade() -> None:
    """The office in which the making of the account was recorded; accounts made for all offices have none."""
    # A plain column: SQLite can add a foreign key only by copying the table, which older code may be reading.
    op.add_column("people", sa.Column("office_id", sa.String(16), nullable=True))
    made_in = (
        sa.select(sa.func.min(created.c.office_id))
        .where(created.c.kind == "person.created", created.c.subject == people.c.username)
        .scalar_subquery()
    )
    op.execute(sa.update(people).values(office_id=made_in))


def downgrade() -> None:
    op.drop_column("people", "office_id")
