"""Lists that are imported, the words of their heads, and the rows that they left aside."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from osm_flow.store.database import Instant

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; nothing was imported yet."""
    op.create_table(
        "imports",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("office_id", sa.String(16), sa.ForeignKey("offices.id"), nullable=False),
        sa.Column("person_id", sa.Integer(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("filename", sa.String(255), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("choices", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("confirmed_at", Instant(), nullable=True),
    )
    op.create_index("ix_imports_at", "imports", ["at"])
    op.create_index("ix_imports_office_id_kind_id", "imports", ["office_id", "kind", "id"])
    op.create_table(
        "import_heads",
        sa.Column("office_id", sa.String(16), sa.ForeignKey("offices.id"), primary_key=True),
        sa.Column("kind", sa.String(32), primary_key=True),
        sa.Column("words", sa.String(255), primary_key=True),
        sa.Column("field", sa.String(64), nullable=False),
    )
    op.create_table(
        "import_left_rows",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("import_id", sa.Integer(), sa.ForeignKey("imports.id"), nullable=False),
        sa.Column("sheet", sa.String(64), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("cells", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.Column("settled_by", sa.String(64), nullable=True),
    )
    op.create_index("ix_import_left_rows_import_id", "import_left_rows", ["import_id"])


def downgrade() -> None:
    """Files, choices and rows left aside are lost; the books keep what was imported."""
    op.drop_table("import_left_rows")
    op.drop_table("import_heads")
    op.drop_table("imports")
