"""A book is read for its bundle line by line, in the order that every checker expects, whatever sorts in the database."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from zipfile import ZipFile

import pytest

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.books.acts import BookAct, BookActKind, NewVersion
from osm_flow.domain.books.sealing import digest_of_changes
from osm_flow.operations.books import acts as books
from osm_flow.operations.books import exporting
from osm_flow.operations.books.exporting import BookUnknown
from osm_flow.operations.bundles import writing as bundle_writing
from osm_flow.operations.bundles.writing import Unsigned
from osm_flow.store.session import Store
from tests.factories import later, make_office
from tests.integration.operations.books.test_acts import NAME
from tests.integration.operations.bundles.test_chains import without_guards

IMPORT = BookAct(BookActKind.imported, {"import": "x"}, reason="นำเข้า")
# Databases that sort by a language put these otherwise than by the numbers of their letters.
CODES = ["b", "A", "a-2", "a10", "B", "a_1", "a2", "Z", "ก1", "เก", "ขก", "é", "f", "\U0001f33e", "\uffee"]


def test_lines_come_in_the_order_of_the_letters_numbers(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        for minute in (1, 2):
            versions = [NewVersion(code, {"name": f"{code} {minute}", "contact_name": code}) for code in CODES]
            books.write(session, NAME, IMPORT, SYSTEM, later(minute), versions)
    with store.reading() as session:
        book = exporting.require_book(session, str(NAME))
        changes = list(exporting.changes(session, book, 2))
        texts = [(one["seq"], one["record"], one["part"]) for one in exporting.texts(session, book, 2)]
        entries = list(exporting.entries(session, book, 2))
        assert len(list(exporting.changes(session, book, 1))) == len(CODES)
        with pytest.raises(BookUnknown):
            exporting.require_book(session, "projects/NE-U1/2999")

    assert [(one["seq"], one["record"]) for one in changes] == [(seq, code) for seq in (1, 2) for code in sorted(CODES)]
    assert texts == sorted(texts)
    assert len(texts) == 2 * (1 + 2 * len(CODES))
    for entry in entries:
        under = [one["hash"] for one in changes if one["seq"] == entry["seq"]]
        assert digest_of_changes(under) == entry["changes_digest"]


def test_a_book_is_not_gathered_in_memory(sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One import of 12 MB; what is kept of each record is its newest version's hash."""
    monkeypatch.setattr(bundle_writing, "_IN_MEMORY", 10_000)
    many = [NewVersion(f"P{number}", {"name": f"{number}"}) for number in range(600)]
    with sqlite_store.transaction() as session:
        make_office(session)
        books.write(session, NAME, IMPORT, SYSTEM, later(1), many)
    without_guards(sqlite_store, "UPDATE change_bodies SET body = '{\"name\":\"' || hex(zeroblob(10000)) || '\"}'")
    with sqlite_store.reading() as session, (tmp_path / "book.zip").open("wb") as file:
        tracemalloc.start()
        assert bundle_writing.write_chain_bundle(session, str(NAME), file) is Unsigned.elsewhere
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    with ZipFile(tmp_path / "book.zip") as archive:
        assert archive.getinfo(f"chains/book/{NAME}/payloads.jsonl").file_size > 12_000_000
    assert most < 6_000_000
