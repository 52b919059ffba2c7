"""Files are kept once, before the row that names them, checked when they are read, and go when nothing names them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.engine import make_url

from osm_flow.operations.cases.attachments import GivenFile, attach, get_attachment
from osm_flow.operations.comparing.checks import compare
from osm_flow.operations.kept_files.tidying import delete_left_behind, delete_released
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.privacy.erasing import Erasure, erase_in
from osm_flow.store import file_store
from osm_flow.store.file_store import FileDamaged, FilesUnwritable, Place, folder_beside
from osm_flow.store.models import Attachment, Case, FileContent, KeptFile
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, later, make_case, make_office, make_person
from tests.together import at_once

CONTENT = b"%PDF-1.7\n1 0 obj\n" + bytes(range(256)) * 8
DIGEST = sha256(CONTENT).hexdigest()


@pytest.fixture
def begun(store: Store) -> Store:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        make_person(session, "anan", "osm_strategy")
    return store


def new_case(store: Store) -> str:
    with store.transaction() as session:
        return make_case(session).id


def give(store: Store, case_id: str, content: bytes = CONTENT) -> int:
    with store.transaction() as session:
        anan = actor_named(session, "anan", NOW.date())
        kept = attach(session, case_id, anan, NOW, GivenFile("a.pdf", content), key=None)
        assert kept is not None
        return kept.id


def kept_bytes(store: Store) -> int:
    """How often the bytes lie in whichever place the database has."""
    folder = folder_beside(store.url)
    if folder is not None:
        return len(list(folder.digests()))
    with store.reading() as session:
        return session.scalar(select(func.count()).select_from(FileContent)) or 0


def damage(store: Store, *, missing: bool) -> None:
    folder = folder_beside(store.url)
    if folder is not None and missing:
        folder.delete(DIGEST)
    elif folder is not None:
        folder.path(DIGEST).chmod(0o600)
        folder.path(DIGEST).write_bytes(b"!" + CONTENT[1:])
    else:
        with store.transaction() as session:
            changed = update(FileContent).values(content=b"!")
            session.execute(FileContent.__table__.delete() if missing else changed)  # type: ignore[attr-defined]


def erase(store: Store, case_id: str) -> None:
    with store.transaction() as session:
        case = session.get_one(Case, case_id)
        erase_in(session, case, actor_named(session, "anan", NOW.date()), later(9), Erasure([2], "ตามคำขอ"))


def test_the_same_bytes_lie_there_once_and_are_read_as_they_were_given(begun: Store) -> None:
    numbers = [give(begun, new_case(begun)) for _ in range(2)]

    with begun.reading() as session:
        anan = actor_named(session, "anan", NOW.date())
        assert [get_attachment(session, number, anan).content for number in numbers] == [CONTENT] * 2
        row = session.scalars(select(KeptFile)).one()
        assert (row.sha256, row.size, row.type) == (DIGEST, len(CONTENT), "application/pdf")
        assert row.place == (Place.folder if begun.dialect == "sqlite" else Place.database)
        assert session.scalars(select(func.length(Attachment.content))).all() == [0, 0]
    assert kept_bytes(begun) == 1


def test_several_who_give_the_same_at_once_keep_it_once(begun: Store) -> None:
    cases = [new_case(begun) for _ in range(4)]

    at_once(*[lambda case_id=case_id: give(begun, case_id) for case_id in cases])

    assert kept_bytes(begun) == 1
    with begun.reading() as session:
        assert session.scalars(select(Attachment.file)).all() == [DIGEST] * 4


@pytest.mark.parametrize("missing", [True, False])
def test_a_missing_or_changed_file_is_a_sentence_and_a_difference(begun: Store, missing: bool) -> None:
    case_id = new_case(begun)
    number = give(begun, case_id)
    damage(begun, missing=missing)

    with begun.reading() as session, pytest.raises(FileDamaged):
        get_attachment(session, number, actor_named(session, "anan", NOW.date()))
    with begun.reading() as session:
        found = [(one.table, one.row, one.column) for one in compare(session, ["attachments"])]
    assert found == [("attachments", f"{case_id}/{number}", "content")]

    if begun.dialect == "sqlite":  # whoever gives it again mends it
        give(begun, new_case(begun))
        with begun.reading() as session:
            assert list(compare(session, ["attachments"])) == []


def test_an_act_that_is_undone_leaves_no_row_and_its_bytes_go_when_they_are_old(begun: Store) -> None:
    with suppress(ZeroDivisionError), begun.transaction() as session:
        file_store.keep(session, CONTENT, "application/pdf")
        raise ZeroDivisionError

    with begun.reading() as session:
        assert session.scalars(select(KeptFile)).all() == []
    assert delete_left_behind(begun, NOW, "a").done == 0
    folder = folder_beside(begun.url)
    if folder is not None:
        assert kept_bytes(begun) == 1
        os.utime(folder.path(DIGEST), (0, 0))
        assert delete_left_behind(begun, NOW, "a").done == 1
    assert kept_bytes(begun) == 0


def test_what_is_erased_goes_unless_another_names_it(begun: Store) -> None:
    cases = [new_case(begun) for _ in range(2)]
    numbers = [give(begun, case_id) for case_id in cases]

    erase(begun, cases[0])
    assert delete_released(begun, NOW, "a").done == 0
    with begun.reading() as session:
        assert get_attachment(session, numbers[1], actor_named(session, "anan", NOW.date())).content == CONTENT

    erase(begun, cases[1])
    delete_released(begun, NOW, "a")
    assert kept_bytes(begun) == 0
    with begun.reading() as session:
        assert session.scalars(select(KeptFile)).all() == []
        assert list(compare(session, ["attachments"])) == []


def test_what_was_released_is_kept_again_by_whoever_gives_it_before_it_goes(begun: Store) -> None:
    first, second = new_case(begun), new_case(begun)
    give(begun, first)
    erase(begun, first)

    number = give(begun, second)
    delete_released(begun, NOW, "a")

    with begun.reading() as session:
        assert get_attachment(session, number, actor_named(session, "anan", NOW.date())).content == CONTENT


def test_giving_and_erasing_at_once_never_loses_what_is_named(begun: Store) -> None:
    for _ in range(4):
        old, new = new_case(begun), new_case(begun)
        give(begun, old)
        at_once(
            lambda old=old: erase(begun, old),
            lambda new=new: give(begun, new),
            lambda: delete_released(begun, NOW, "a"),
        )
        delete_released(begun, NOW, "a")
        with begun.reading() as session:
            assert list(compare(session, ["attachments"])) == []
        erase(begun, new)
        delete_released(begun, NOW, "a")
    assert kept_bytes(begun) == 0


def test_a_full_disk_keeps_nothing_and_says_so(begun: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    if begun.dialect != "sqlite":
        pytest.skip("PostgreSQL says it by itself")
    case_id = new_case(begun)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("osm_flow.store.file_folder._write", full)
    with pytest.raises(FilesUnwritable):
        give(begun, case_id)

    with begun.reading() as session:
        assert session.scalars(select(Attachment)).all() == session.scalars(select(KeptFile)).all() == []


def test_who_is_killed_between_file_and_row_leaves_a_file_that_nobody_names(sqlite_store: Store) -> None:
    """The very process dies: once the file is on the disk and before anything is committed."""
    with sqlite_store.transaction() as session:
        make_office(session)
    code = (
        "import os, signal, sys\n"
        "from osm_flow.store import file_store\n"
        "from osm_flow.store.session import Store\n"
        "with Store(sys.argv[1]).transaction() as session:\n"
        "    file_store.keep(session, b'between', 'text/plain')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    url = sqlite_store.url.render_as_string(hide_password=False)
    died = subprocess.run([sys.executable, "-c", code, url], check=False, timeout=60)
    folder = folder_beside(make_url(url))

    assert died.returncode == -signal.SIGKILL
    assert folder is not None
    (digest,) = folder.digests()
    assert digest == sha256(b"between").hexdigest()
    with sqlite_store.reading() as session:
        assert session.scalars(select(KeptFile)).all() == []
        assert file_store.found(session, digest) is None
    os.utime(folder.path(digest), (0, 0))
    assert delete_left_behind(sqlite_store, NOW, "a").done == 1
    assert list(folder.digests()) == []
    with sqlite_store.transaction() as session:
        assert file_store.keep(session, b"between", "text/plain") == digest


def test_a_database_without_a_file_of_its_own_keeps_files_itself() -> None:
    assert folder_beside(make_url("sqlite:///:memory:")) is None
    assert folder_beside(make_url("postgresql://host/osm")) is None
    found = folder_beside(make_url("sqlite:////data/osm-flow.db"))
    assert found is not None
    assert found.root == Path("/data/osm-flow.db-files")
