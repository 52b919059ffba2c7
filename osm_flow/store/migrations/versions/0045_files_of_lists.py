"""Uploaded lists lie in the store of files. What `imports.content` holds already stays there until a sweep has moved it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the column by which an import names its file; no row is written anew."""
    op.add_column("imports", sa.Column("file", sa.String(64), nullable=True))
    op.create_index("ix_imports_file", "imports", ["file"])


def downgrade() -> None:
    """Only where no list lies in the store of files: an earlier version would not find it."""
    if op.get_bind().execute(sa.text("SELECT 1 FROM imports WHERE file IS NOT NULL")).first():
        raise RuntimeError("uploaded lists lie in the store of files; an earlier version cannot read them")
    op.drop_index("ix_imports_file", "imports")
    op.drop_column("imports", "file")
