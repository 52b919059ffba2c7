"""Files as people gave them, each kept once under the SHA-256 of its bytes, and the records that name one."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from osm_flow.store.database import Model


class KeptFile(Model):
    """A file that some row names: its size, the media type that it was first given as, and where its bytes lie.

    `place` is `folder` (beside the SQLite database), `database` (the table `file_contents`) or `gone`: nothing names it any
    more, and the next sweep deletes it.
    """

    __tablename__ = "files"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int] = mapped_column()
    type: Mapped[str] = mapped_column(String(128))
    place: Mapped[str] = mapped_column(String(16), index=True)


class FileContent(Model):
    """The bytes of a file that lies in the database itself: on PostgreSQL, which several machines share."""

    __tablename__ = "file_contents"

    sha256: Mapped[str] = mapped_column(ForeignKey("files.sha256"), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class RecordFile(Model):
    """That some version of a record names a file; made of the versions, so that nobody has to read them all to know."""

    __tablename__ = "record_files"

    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    record_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    sha256: Mapped[str] = mapped_column(ForeignKey("files.sha256"), primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id"))

    __table_args__ = (Index(None, "sha256"), Index(None, "book_id"))
