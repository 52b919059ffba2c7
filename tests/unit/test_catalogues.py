"""The words of the product in other languages: every file of a language's folder, merged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from osm_flow import catalogues
from osm_flow.catalogues import catalogue


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An own folder of translations; nothing of it is remembered afterwards."""
    monkeypatch.setattr(catalogues, "FOLDER", tmp_path)
    catalogue.cache_clear()
    yield tmp_path
    catalogue.cache_clear()


def write(folder: Path, name: str, *messages: str) -> None:
    path = folder / "en" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n\n".join(messages), encoding="utf-8")


def message(key: str, text: str) -> str:
    return f'msgid "{key}"\nmsgstr "{text}"'


HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\nPlural-Forms: nplurals=2; plural=(n != 1);\\n"'
DAYS = 'msgid "%(n)s วัน"\nmsgid_plural "%(n)s วัน ทั้งหมด"\nmsgstr[0] "%(n)s day"\nmsgstr[1] "%(n)s days"'


def test_every_file_of_a_language_is_read(folder: Path) -> None:
    write(folder, "a.po", HEADER, message("งาน", "Work item"))
    write(folder, "b.po", HEADER, message("เรื่อง", "Case"))

    assert catalogue("en").single == {"งาน": "Work item", "เรื่อง": "Case"}


def test_what_differs_by_number_has_a_text_for_each(folder: Path) -> None:
    write(folder, "a.po", HEADER, DAYS)

    assert catalogue("en").plural == {"%(n)s วัน": ("%(n)s day", "%(n)s days")}
    assert catalogue("en").single == {}


def test_a_message_that_nobody_translated_is_not_there(folder: Path) -> None:
    write(folder, "a.po", HEADER, message("งาน", ""), message("เรื่อง", "Case"))

    assert catalogue("en").single == {"เรื่อง": "Case"}


def test_of_two_files_with_one_message_the_first_counts(folder: Path) -> None:
    write(folder, "b.po", HEADER, message("งาน", "second"))
    write(folder, "a.po", HEADER, message("งาน", "first"))

    assert catalogue("en").single == {"งาน": "first"}


def test_a_language_without_a_folder_has_no_words_of_its_own(folder: Path) -> None:
    write(folder, "a.po", HEADER, message("งาน", "Work item"))

    assert (catalogue("th").single, catalogue("th").plural) == ({}, {})


def test_a_language_is_read_once(folder: Path) -> None:
    write(folder, "a.po", HEADER, message("งาน", "Work item"))
    first = catalogue("en")
    write(folder, "a.po", HEADER, message("งาน", "Task"))

    assert catalogue("en") is first


def test_what_ships_translates_pages_into_english_and_errors_into_thai() -> None:
    assert catalogue("en").single["กล่องงาน"] == "Inbox"
    assert catalogue("th").single["There is no such thing here."]
    assert all(len(texts) == 2 for texts in catalogue("en").plural.values())
