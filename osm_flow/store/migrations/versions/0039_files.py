"""Files lie in a store of their own, each once. What attachments hold already stays there until a sweep has moved it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and the column by which an attachment names its file; no row is written anew."""
    op.create_table(
        "files",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(128), nullable=False),
        sa.Column("place", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_files"),
    )
    op.create_index("ix_files_place", "files", ["place"])
    op.create_table(
        "file_contents",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["sha256"], ["files.sha256"], name="fk_file_contents_sha256"),
        sa.PrimaryKeyConstraint("sha256", name="pk_file_contents"),
    )
    op.create_table(
        "record_files",
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("record_id", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("book_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["sha256"], ["files.sha256"], name="fk_record_files_sha256"),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name="fk_record_files_book_id"),
        sa.PrimaryKeyConstraint("kind", "record_id", "sha256", name="pk_record_files"),
    )
    op.create_index("ix_record_files_sha256", "record_files", ["sha256"])
    op.create_index("ix_record_files_book_id", "record_files", ["book_id"])
    # No foreign key: on SQLite it would take a copy of the whole table with all its files. Who keeps and who releases a file
    # lock its row.
    op.add_column("attachments", sa.Column("file", sa.String(64), nullable=True))
    op.create_index("ix_attachments_file", "attachments", ["file"])


def downgrade() -> None:
    """Only where no file has been kept yet: their bytes are in no row."""
    if op.get_bind().execute(sa.text("SELECT count(*) FROM files")).scalar():
        raise RuntimeError("files are kept outside of attachments; an older version cannot read them")
    op.drop_index("ix_attachments_file", "attachments")
    op.drop_column("attachments", "file")
    for table in ("record_files", "file_contents", "files"):
        op.drop_table(table)
