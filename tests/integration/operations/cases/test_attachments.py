"""Which files may be attached, how they are kept, and who may see them."""

from __future__ import annotations

import io
import zipfile
from time import sleep

import pytest
from sqlalchemy import inspect
from sqlalchemy.orm import Session

from osm_flow.errors import NotFound
from osm_flow.operations.cases.attachments import (
    MOST_PARTS,
    MOST_UNPACKED,
    AttachmentNotFound,
    CaseFull,
    ContentMismatch,
    FileEmpty,
    FileTooLarge,
    GivenFile,
    KindNotAllowed,
    OfficeFull,
    TextUnreadable,
    attach,
    attachment_with_case,
    attachments_of,
    clean_name,
    get_attachment,
    judge,
)
from osm_flow.store.models import Case
from osm_flow.store.quotas import USUAL, Quotas
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, items_of, make_case, make_office, make_person
from tests.together import at_once


def container(*parts: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for part in parts:
            archive.writestr(part, "<x/>")
    return buffer.getvalue()


def swelling(*parts: str) -> bytes:
    """A container that says of its last part that it is larger than everything a machine has room for."""
    content = bytearray(container(*parts))
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (MOST_UNPACKED + 1).to_bytes(4, "little")
    return bytes(content)


TYPES = "[Content_Types].xml"
PDF = b"%PDF-1.7\n1 0 obj\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
JPG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(32)


@pytest.mark.parametrize(
    ("name", "content", "subtype"),
    [
        ("a.pdf", PDF, "pdf"),
        ("a.PNG", PNG, "png"),
        ("a.jpeg", JPG, "jpeg"),
        ("a.docx", container(TYPES, "word/document.xml"), "wordprocessingml.document"),
        ("a.xlsx", container(TYPES, "xl/workbook.xml"), "spreadsheetml.sheet"),
        ("a.pptx", container(TYPES, "ppt/presentation.xml"), "presentationml.presentation"),
        ("a.csv", "\ufeffจังหวัด,จำนวน\n".encode(), "csv"),
        ("a.txt", "บันทึก".encode(), "plain"),
        ("a.csv", "จังหวัด,จำนวน\r\nน่าน,๑๒\r\n".encode("cp874"), "csv"),
    ],
)
def test_what_is_taken(name: str, content: bytes, subtype: str) -> None:
    assert judge(name, content).endswith(subtype)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("a.zip", container("x"), KindNotAllowed),
        ("a.exe", b"MZ", KindNotAllowed),
        ("a.html", b"<script>", KindNotAllowed),
        ("a.svg", b"<svg/>", KindNotAllowed),
        ("a", PDF, KindNotAllowed),
        ("a.pdf.exe", PDF, KindNotAllowed),
        ("a.pdf", b"MZ\x90\x00", ContentMismatch),
        ("a.pdf", PNG, ContentMismatch),
        ("a.png", PDF, ContentMismatch),
        ("a.docx", container("x"), ContentMismatch),
        ("a.docx", container(TYPES, "xl/workbook.xml"), ContentMismatch),
        ("a.docx", container(TYPES, "word/document.xml", "word/vbaProject.bin"), ContentMismatch),
        ("a.docx", swelling(TYPES, "word/document.xml"), ContentMismatch),
        ("a.docx", container(TYPES, "word/document.xml", *map(str, range(MOST_PARTS))), ContentMismatch),
        ("a.docx", b"PK\x03\x04broken", ContentMismatch),
        ("a.txt", b"a\0b", ContentMismatch),
        ("a.csv", b"\xff\xfea\0", TextUnreadable),  # "Unicode text" of Excel
        ("a.csv", b"\x81\x9f\xfd", TextUnreadable),
        ("a.txt", b"", FileEmpty),
        ("a.txt", b"x" * (USUAL.file + 1), FileTooLarge),
    ],
)
def test_what_is_refused(name: str, content: bytes, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        judge(name, content)

    assert "file" in caught.value.fields  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("รายงาน ไตรมาส 1.pdf", "รายงาน ไตรมาส 1.pdf"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\งาน\\แผน.docx", "แผน.docx"),
        ('a<b>:"c|?*.pdf', "a_b___c___.pdf"),
        ("a\r\nb\u202ec.pdf", "a b c.pdf"),
        ("\ud800.pdf", "file.pdf"),
        (".pdf", "file.pdf"),
        ("", "file"),
        ("ก" * 300 + ".pdf", "ก" * 196 + ".pdf"),
    ],
)
def test_names_are_cleaned(given: str, kept: str) -> None:
    assert clean_name(given) == kept


@pytest.fixture
def case(session: Session) -> Case:
    make_office(session)
    deploy_tests(session, "review")
    return make_case(session)


def test_a_file_is_kept_once_and_on_record(session: Session, case: Case) -> None:
    anan = make_person(session, "anan", "osm_strategy")
    item = items_of(session, case)[0]

    kept = attach(session, case.id, anan, NOW, GivenFile("a.pdf", PDF), work_item_id=item.id, key="a1")
    again = attach(session, case.id, anan, NOW, GivenFile("a.pdf", PDF), work_item_id=item.id, key="a1")

    assert kept is not None
    assert again is None
    assert get_attachment(session, kept.id, anan).content == PDF
    assert [one.filename for one in attachments_of(session, case)] == ["a.pdf"]
    assert case.seq == 2


def test_a_file_is_found_with_its_case_but_without_its_content(session: Session, case: Case) -> None:
    anan = make_person(session, "anan", "osm_strategy")
    given = attach(session, case.id, anan, NOW, GivenFile("a.txt", b"a"), key=None)
    assert given is not None
    session.expunge_all()

    attachment, its_case = attachment_with_case(session, given.id)

    assert (attachment.filename, its_case.id) == ("a.txt", case.id)
    assert "content" in inspect(attachment).unloaded
    with pytest.raises(AttachmentNotFound):
        attachment_with_case(session, given.id + 1)


def test_others_get_nothing(session: Session, case: Case) -> None:
    anan = make_person(session, "anan", "osm_strategy")
    make_office(session, "S-GULF", {})
    stranger = make_person(session, "stranger", "osm_strategy", office_id="S-GULF")
    udon = make_person(session, "udon", "province_planner", province_id="TH-41")
    kept = attach(session, case.id, anan, NOW, GivenFile("a.pdf", PDF), key="a1")
    assert kept is not None

    with pytest.raises(NotFound):
        get_attachment(session, kept.id, stranger)
    with pytest.raises(NotFound):
        get_attachment(session, kept.id, udon)
    with pytest.raises(NotFound):
        attach(session, case.id, udon, NOW, GivenFile("a.pdf", PDF), key="a2")
    with pytest.raises(NotFound):
        get_attachment(session, 999, anan)


# ---- how much is kept ------------------------------------------------------------------------------------------


def text_of(size: int, quotas: Quotas) -> GivenFile:
    return GivenFile("a.txt", b"x" * size, quotas)


def test_a_case_and_an_office_are_full_to_the_byte_and_say_how_full(session: Session, case: Case) -> None:
    anan, other = make_person(session, "anan", "osm_strategy"), make_case(session)
    quotas = Quotas(file=100, case_files=150, office_files=200)
    attach(session, case.id, anan, NOW, text_of(100, quotas), key=None)

    with pytest.raises(FileTooLarge):
        attach(session, case.id, anan, NOW, text_of(101, quotas), key=None)
    with pytest.raises(CaseFull, match=r"0\.000143051 MB"):
        attach(session, case.id, anan, NOW, text_of(51, quotas), key=None)
    attach(session, case.id, anan, NOW, text_of(50, quotas), key=None)
    with pytest.raises(OfficeFull):
        attach(session, other.id, anan, NOW, text_of(51, quotas), key=None)
    attach(session, other.id, anan, NOW, text_of(50, quotas), key=None)
    assert [len(attachments_of(session, each)) for each in (case, other)] == [2, 1]


def test_what_was_erased_takes_no_room(session: Session, case: Case) -> None:
    anan, quotas = make_person(session, "anan", "osm_strategy"), Quotas(case_files=100)
    kept = attach(session, case.id, anan, NOW, text_of(100, quotas), key=None)
    assert kept is not None
    kept.file, kept.content = None, b""
    session.flush()

    assert attach(session, case.id, anan, NOW, text_of(100, quotas), key=None) is not None


def test_of_many_files_at_once_for_the_last_room_of_an_office_one_is_kept(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        anan = make_person(session, "anan", "osm_strategy")
        cases = [make_case(session).id for _ in range(4)]
    answers: list[str] = []

    def give(case_id: str) -> None:
        try:
            with store.transaction() as session:
                attach(session, case_id, anan, NOW, text_of(60, Quotas(office_files=100)), key=None)
                sleep(0.2)  # long enough for the others to count before this one is kept
        except OfficeFull:
            answers.append("full")
        else:
            answers.append("kept")

    at_once(*[lambda case_id=case_id: give(case_id) for case_id in cases])

    assert sorted(answers) == ["full", "full", "full", "kept"]
