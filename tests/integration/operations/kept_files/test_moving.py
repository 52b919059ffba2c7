"""What attachments of earlier versions hold is moved into the store, a few at a time, and can be read all along."""

from __future__ import annotations

from hashlib import sha256

import pytest
from sqlalchemy import select, update

from osm_flow.operations.cases.attachments import GivenFile, attach, get_attachment
from osm_flow.operations.comparing.checks import compare
from osm_flow.operations.kept_files.moving import move_files
from osm_flow.operations.people.hats import actor_named
from osm_flow.store import file_store
from osm_flow.store.file_store import Place
from osm_flow.store.models import Attachment, FileContent, KeptFile
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, make_case, make_office, make_person

TEXTS = [f"รายงานฉบับที่ {number}".encode() for number in range(5)]


@pytest.fixture
def old(store: Store) -> Store:
    """As an earlier version left it: the bytes lie in the rows of attachments."""
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        anan = make_person(session, "anan", "osm_strategy")
        case = make_case(session)
        for text in TEXTS:
            kept = attach(session, case.id, anan, NOW, GivenFile("a.txt", text), key=None)
            assert kept is not None
            kept.file, kept.content = None, text
    folder = file_store.folder_beside(store.url)
    with store.transaction() as session:
        for row in session.scalars(select(KeptFile)).all():
            session.execute(FileContent.__table__.delete())  # type: ignore[attr-defined]
            session.delete(row)
            if folder is not None:
                folder.delete(row.sha256)
    return store


def all_read(store: Store) -> list[bytes]:
    with store.reading() as session:
        anan = actor_named(session, "anan", NOW.date())
        numbers = session.scalars(select(Attachment.id).order_by(Attachment.id)).all()
        return [get_attachment(session, number, anan).content for number in numbers]


def test_files_are_moved_in_small_rounds_and_can_be_read_all_along(old: Store) -> None:
    assert all_read(old) == TEXTS
    rounds = []
    while done := move_files(old, NOW, "a", limit=2).done:
        rounds.append(done)
        assert all_read(old) == TEXTS

    assert rounds == [2, 2, 1]
    with old.reading() as session:
        assert list(compare(session, ["attachments"])) == []
        assert {*session.scalars(select(Attachment.file))} == {sha256(text).hexdigest() for text in TEXTS}
        assert {*session.scalars(select(Attachment.content))} == {b""}


def test_what_was_changed_in_a_row_stays_there_and_stops_nobody(old: Store) -> None:
    with old.transaction() as session:
        session.execute(update(Attachment).where(Attachment.id == 1).values(content=b"changed"))

    assert move_files(old, NOW, "a").done == len(TEXTS) - 1
    assert move_files(old, NOW, "a").done == 0
    with old.reading() as session:
        assert [one.column for one in compare(session, ["attachments"])] == ["content"]


def test_files_of_a_copied_database_move_into_the_folder(sqlite_store: Store) -> None:
    content = b"from PostgreSQL"
    digest = sha256(content).hexdigest()
    with sqlite_store.transaction() as session:
        session.add(KeptFile(sha256=digest, size=len(content), type="text/plain", place=Place.database))
        session.flush()
        session.add(FileContent(sha256=digest, content=content))
    with sqlite_store.reading() as session:
        assert file_store.read(session, digest) == content

    assert move_files(sqlite_store, NOW, "a").done == 1

    with sqlite_store.reading() as session:
        assert file_store.read(session, digest) == content
        assert session.get_one(KeptFile, digest).place == Place.folder
        assert session.scalars(select(FileContent.sha256)).all() == []
