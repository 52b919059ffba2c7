"""Indexes in the two orders of the register of projects: a page of it is read from one, not sorted out of all projects."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the indexes; those by rising years are of no use beside them."""
    op.create_index("ix_projects_of_office_in_order", "projects", ["office_id", sa.text("fiscal_year DESC"), "code"])
    op.create_index("ix_projects_in_order", "projects", [sa.text("fiscal_year DESC"), "code"])
    op.create_index("ix_projects_name_th_code", "projects", ["name_th", "code"])
    op.drop_index("ix_projects_fiscal_year_code", "projects")
    op.drop_index("ix_projects_office_id_fiscal_year_id", "projects")


def downgrade() -> None:
    """The indexes of before; no row changes."""
    op.create_index("ix_projects_office_id_fiscal_year_id", "projects", ["office_id", "fiscal_year", "id"])
    op.create_index("ix_projects_fiscal_year_code", "projects", ["fiscal_year", "code"])
    op.drop_index("ix_projects_name_th_code", "projects")
    op.drop_index("ix_projects_in_order", "projects")
    op.drop_index("ix_projects_of_office_in_order", "projects")
