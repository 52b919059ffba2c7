"""Accounts are tied to persons by an employee number, and a post says when it was given and who confirmed it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# Each new column with its length.
_PEOPLE = {"employee_number": 32, "one_person": 32}
_POSTS = {"given_at": 27, "confirmed_by": 64, "confirmed_at": 27}


def upgrade() -> None:
    """Accounts of before have no number and go on as they are; posts of before were chosen by nobody we know of."""
    for table, columns in (("people", _PEOPLE), ("positions", _POSTS)):
        for name, length in columns.items():
            op.add_column(table, sa.Column(name, sa.String(length), nullable=True))
    op.create_index("ix_people_one_person", "people", ["one_person"])
    living = sa.text("locked_at IS NULL")
    op.create_index(
        "ix_people_employee_number",
        "people",
        ["employee_number"],
        unique=True,
        sqlite_where=living,
        postgresql_where=living,
    )


def downgrade() -> None:
    op.drop_index("ix_people_employee_number", "people")
    op.drop_index("ix_people_one_person", "people")
    for table, columns in (("positions", _POSTS), ("people", _PEOPLE)):
        for name in columns:
            op.drop_column(table, name)
