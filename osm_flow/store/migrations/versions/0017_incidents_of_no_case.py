"""Incidents of no case, since when whoever is to take an entry of the outbox is away, and leases found by their end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

LEASED = ("timers", "service_jobs", "outbox")
_OF_CASE = sa.String(length=36)


def upgrade() -> None:
    """Let the case of an incident be empty; old code never leaves it so, and shows only those that have one."""
    with op.batch_alter_table("incidents") as incidents:
        incidents.alter_column("case_id", existing_type=_OF_CASE, nullable=True)
    op.add_column("outbox", sa.Column("away_since", sa.String(length=27), nullable=True))
    for table in LEASED:
        op.create_index(op.f(f"ix_{table}_lease_until"), table, ["lease_until"])


def downgrade() -> None:
    """Forget the incidents of no case, for they have no place any more."""
    for table in LEASED:
        op.drop_index(op.f(f"ix_{table}_lease_until"), table)
    op.drop_column("outbox", "away_since")
    op.execute("DELETE FROM incidents WHERE case_id IS NULL")
    with op.batch_alter_table("incidents") as incidents:
        incidents.alter_column("case_id", existing_type=_OF_CASE, nullable=False)
