"""Photos and papers of a project: each an act on its book, kept without what names a person, taken back, erased."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.books.schema import RecordSchema
from osm_flow.errors import Forbidden, NotFound
from osm_flow.operations.books.checks import check_books
from osm_flow.operations.books.versions import values_of, versions_of
from osm_flow.operations.cases.attachments import ContentMismatch, FileTooLarge, GivenFile, OfficeFull, attach
from osm_flow.operations.comparing.checks import compare
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.projects import project_files
from osm_flow.operations.projects.project_files import (
    DetailsUnfit,
    FileKnown,
    NewPaper,
    NewPhoto,
    NotOfTheAgency,
    ProjectFileNotFound,
    ProjectFull,
)
from osm_flow.operations.projects.record_type import project_type
from osm_flow.operations.reasons import ReasonMissing
from osm_flow.store import file_store
from osm_flow.store.models import BookEntry, KeptFile, RecordFile
from osm_flow.store.quotas import Quotas
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, make_agency, make_case, make_office, make_person, make_project
from tests.pictures import SECRET, photo
from tests.together import at_once

PDF = b"%PDF-1.7\n1 0 obj\n" + bytes(range(200))
BEFORE = NewPhoto("before", date(2026, 11, 2), "ก่อนปรับปรุงภูมิทัศน์")
CONTRACT = NewPaper("contract", "สัญญาจ้าง")


@pytest.fixture
def begun(store: Store) -> Store:
    with store.transaction() as session:
        make_office(session)
        make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
        make_person(session, "anan", "osm_strategy")
        make_person(session, "seer", "auditor")
        make_person(session, "udon", "province_governor", province_id="TH-41")
        make_person(session, "other", "osm_director", office_id="NE-U2")
        make_agency(session, "works", "แขวงทางหลวง")
        make_agency(session, "water", "ชลประทาน")
        make_project(session, "P1")
        make_project(session, "P2")
    return store


def who(session: object, name: str) -> Actor:
    return actor_named(session, name, NOW.date())  # type: ignore[arg-type]


def add(store: Store, name: str = "anan", content: bytes = b"", code: str = "P1", key: str | None = None) -> str:
    with store.transaction() as session:
        given = GivenFile("IMG_0001.jpg", content or photo("JPEG"))
        row = project_files.add_photo(session, code, who(session, name), NOW, given, BEFORE, key=key)
        return row["sha256"] if row else ""


def add_paper(store: Store, name: str = "anan", code: str = "P1") -> str:
    with store.transaction() as session:
        given = GivenFile("สัญญา.pdf", PDF)
        row = project_files.add_paper(session, code, who(session, name), NOW, given, CONTRACT, key=None)
        return row["sha256"] if row else ""


def differences(store: Store) -> list[str]:
    with store.reading() as session:
        return [one.en for one in compare(session)] + [str(one) for one in check_books(session).faults]


def test_a_photo_is_an_act_on_the_book_and_says_what_was_taken_off(begun: Store) -> None:
    digest = add(begun)

    with begun.reading() as session:
        values = values_of(session, "projects", "P1") or {}
        (row,) = values["photos"]
        kept = project_files.read_file(session, "P1", digest, who(session, "works"))
        small = project_files.read_file(session, "P1", row["preview"], who(session, "udon"))
        entry = session.scalars(select(BookEntry).order_by(BookEntry.seq.desc())).first()
        assert entry is not None
        assert (entry.act, entry.actor, entry.actor_role) == ("file_added", "anan", "osm_strategy")
        assert {*session.scalars(select(RecordFile.sha256))} == {digest, row["preview"]}
    assert (row["milestone"], row["taken_on"], row["caption"]) == ("before", "2026-11-02", BEFORE.caption)
    assert row["taken_off"] == "position camera words"
    assert SECRET not in kept.content
    assert (kept.media_type, kept.name, small.media_type) == ("image/jpeg", f"P1-{digest[:8]}.jpg", "image/jpeg")
    assert differences(begun) == []


def test_a_paper_is_kept_as_it_was_given(begun: Store) -> None:
    digest = add_paper(begun, "works")

    with begun.reading() as session:
        kept = project_files.read_file(session, "P1", digest, who(session, "anan"))
    assert (kept.content, kept.name, kept.media_type) == (PDF, "สัญญา.pdf", "application/pdf")
    assert differences(begun) == []


def test_who_may_not_adds_nothing_and_what_is_not_theirs_is_not_there(begun: Store) -> None:
    digest = add(begun)
    for name, error in (("seer", Forbidden), ("udon", Forbidden), ("water", NotFound), ("other", NotFound)):
        with pytest.raises(error):
            add(begun, name, photo("PNG"))
    with begun.reading() as session:
        for name in ("water", "other"):
            with pytest.raises(NotFound):
                project_files.read_file(session, "P1", digest, who(session, name))
        with pytest.raises(ProjectFileNotFound):  # of another project
            project_files.read_file(session, "P2", digest, who(session, "anan"))


def test_sent_twice_it_is_added_once_and_the_same_file_again_is_said(begun: Store) -> None:
    assert add(begun, key="k1")
    assert add(begun, key="k1") == ""
    with pytest.raises(FileKnown):
        add(begun, key="k2")
    assert add(begun, code="P2")


def test_two_who_add_at_once_lose_nothing(begun: Store) -> None:
    kinds = [photo(kind, orientation) for kind in ("JPEG", "PNG") for orientation in (1, 6)]

    at_once(*[lambda content=content: add(begun, content=content) for content in kinds])

    with begun.reading() as session:
        assert len((values_of(session, "projects", "P1") or {})["photos"]) == 4
    assert differences(begun) == []


def test_bad_files_and_details_keep_nothing(begun: Store) -> None:
    def of(about: NewPhoto | NewPaper, given: GivenFile) -> None:
        with begun.transaction() as session:
            anan = who(session, "anan")
            if isinstance(about, NewPhoto):
                project_files.add_photo(session, "P1", anan, NOW, given, about, key=None)
            else:
                project_files.add_paper(session, "P1", anan, NOW, given, about, key=None)

    good, small = GivenFile("a.jpg", photo()), Quotas(file=100)
    for about, given, error in (
        (NewPhoto("later"), good, DetailsUnfit),
        (NewPhoto("before", None, "ก" * 501), good, DetailsUnfit),
        (NewPaper("secret"), GivenFile("a.pdf", PDF), DetailsUnfit),
        (NewPaper("other", "ก" * 256), GivenFile("a.pdf", PDF), DetailsUnfit),
        (CONTRACT, GivenFile("a.pdf", b"MZ"), ContentMismatch),
        (BEFORE, GivenFile("a.jpg", photo(), small), FileTooLarge),
        (BEFORE, GivenFile("a.jpg", photo(), Quotas(case_files=100)), ProjectFull),
        (BEFORE, GivenFile("a.jpg", photo(), Quotas(office_files=100)), OfficeFull),
    ):
        with pytest.raises(error):
            of(about, given)
    with begun.reading() as session:
        assert len(versions_of(session, "projects", "P1")) == 1
        assert session.scalars(select(KeptFile)).all() == []


def test_what_is_taken_back_says_why_and_stays_in_the_versions_for_the_office(begun: Store) -> None:
    digest = add(begun)
    with pytest.raises(ReasonMissing), begun.transaction() as session:
        project_files.take_back(session, "P1", digest, who(session, "anan"), NOW, reason=" ")
    with pytest.raises(NotOfTheAgency), begun.transaction() as session:
        project_files.take_back(session, "P1", digest, who(session, "works"), NOW, reason="ผิดรูป")

    with begun.transaction() as session:
        project_files.take_back(session, "P1", digest, who(session, "anan"), NOW, reason="ผิดโครงการ")

    with begun.reading() as session:
        versions = versions_of(session, "projects", "P1")
        assert [len(version.values.get("photos") or []) for version in versions] == [0, 1, 0]
        assert (versions[-1].act, versions[-1].reason) == ("file_taken_back", "ผิดโครงการ")
        assert project_files.read_file(session, "P1", digest, who(session, "anan")).content
        with pytest.raises(ProjectFileNotFound):
            project_files.read_file(session, "P1", digest, who(session, "works"))
    assert differences(begun) == []


def test_an_agency_takes_back_its_own(begun: Store) -> None:
    digest = add(begun, "works")

    with begun.transaction() as session:
        project_files.take_back(session, "P1", digest, who(session, "works"), NOW, reason="ภาพไม่ชัด")

    with begun.reading() as session:
        assert "photos" not in (values_of(session, "projects", "P1") or {})


def test_a_missing_file_is_named_with_its_project(begun: Store) -> None:
    digest = add_paper(begun)
    folder = file_store.folder_beside(begun.url)
    if folder is None:
        pytest.skip("files lie in the database")
    folder.delete(digest)

    assert differences(begun) == [f"files projects P1: content was recorded as “{digest}” and is “-”."]


def test_files_of_projects_count_for_the_room_of_the_office(begun: Store) -> None:
    add_paper(begun)
    with begun.transaction() as session:
        deploy_tests(session, "review")
        case, anan = make_case(session), who(session, "anan")
        with pytest.raises(OfficeFull):
            attach(session, case.id, anan, NOW, GivenFile("a.txt", b"x", Quotas(office_files=len(PDF))), key=None)


def test_versions_written_before_there_were_files_say_what_they_said(begun: Store) -> None:
    schema = project_type().schema
    assert isinstance(schema, RecordSchema)
    assert schema.join(1, {"name": "โครงการ", "requested": "1000.00"}, {}) == {"name": "โครงการ", "requested": 1000}
