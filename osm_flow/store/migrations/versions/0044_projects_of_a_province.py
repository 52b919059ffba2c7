"""An index by which a register knows of which provinces it has projects, and finds those of one."""

from __future__ import annotations

from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_projects_province_id_office_id", "projects", ["province_id", "office_id"])


def downgrade() -> None:
    """Drop the index."""
    op.drop_index("ix_projects_province_id_office_id", "projects")
