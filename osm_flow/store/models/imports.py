"""Lists that are being imported: the uploaded file with what was chosen for it, words of heads that are remembered, rows left aside."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from osm_flow.store.database import Instant, Model


class ImportFile(Model):
    """A list that somebody uploaded, and what they chose for it. What was imported stands in the entries of books, not here.

    file          the digest of the file in the store of files; none any more once its days are over.
    content       the file itself, uploaded by an earlier version, until a sweep has moved it to the store.
    choices       JSON: sheet, rows of the head, columns, what no column says, answers to rows.
    confirmed_at  when it was carried out; the entries name it by its number and the digest of the file.
    """

    __tablename__ = "imports"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    filename: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column()
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    file: Mapped[str | None] = mapped_column(String(64), index=True)
    choices: Mapped[str] = mapped_column(Text, default="{}")
    at: Mapped[datetime] = mapped_column(Instant, index=True)
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (Index(None, "office_id", "kind", "id"),)


class ImportHead(Model):
    """Which field the words of a head meant when an office imported a list of this kind last; empty: none of them."""

    __tablename__ = "import_heads"

    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    words: Mapped[str] = mapped_column(String(255), primary_key=True)
    field: Mapped[str] = mapped_column(String(64))


class ImportLeftRow(Model):
    """A row that an import left aside, with its cells as they stood in the file, until somebody has settled it.

    cells, why   JSON: pairs of letters and text; sentences with their cells.
    settled_by   the user name of who said that it is done.
    """

    __tablename__ = "import_left_rows"

    id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id"), index=True)
    sheet: Mapped[str] = mapped_column(String(64))
    row: Mapped[int] = mapped_column()
    cells: Mapped[str] = mapped_column(Text)
    why: Mapped[str] = mapped_column(Text)
    settled_at: Mapped[datetime | None] = mapped_column(Instant)
    settled_by: Mapped[str | None] = mapped_column(String(64))
