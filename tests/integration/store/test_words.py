"""A name is found and erased however it was typed: with signs nobody sees, marks in another order, out of a PDF."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.operations.audit.search import Wanted, search
from osm_flow.operations.cases.acts import CaseFilter, case_named, list_cases
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.ledger.access_log import Read, record_access
from osm_flow.operations.people.accounts import list_people
from osm_flow.operations.privacy import erasure_requests, erasure_search
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Notification, Person
from osm_flow.store.words import has_words, keys_with
from tests.factories import NOW, OFFICE, deploy_tests, items_of, later, make_case, make_office, make_person
from tests.traces import remains

pytestmark = pytest.mark.sampled

NAME = "สมชาย น้ำใจดี"
SPELLED = (
    "สม\u200bชาย น้ำใจดี",
    "\u202aสมชาย\u202c น\u0e33\u0e49ใจดี",
    "สมชาย น\u0e4d\u0e49าใจดี",
    "สมชาย น ้าใจด ี",
    "สมชาย น\uf70b\u0e4dาใจด\uf702",
    "สมชาย\u00a0น้้ำใจดีี",
    "สมชาย\nน้ำใจดี",
)
WHY = "คำขอของเจ้าของข้อมูล เลขที่ 12"


@pytest.fixture
def people(session: Session) -> dict[str, Actor]:
    make_office(session)
    deploy_tests(session, "review")
    roles = {
        "anan": "osm_strategy",
        "boss": "osm_director",
        "root": "admin",
        "chief": "osm_admin_head",
        "seer": "auditor",
    }
    return {username: make_person(session, username, role) for username, role in roles.items()}


def a_case(session: Session, people: dict[str, Actor]) -> str:
    """Every spelling in a comment; one in the form, in a notice and in what an auditor asked for."""
    case = make_case(session, title=f"คำร้องของ {SPELLED[0]}")
    draft = items_of(session, case)[0]
    complete(session, draft.id, people["anan"], NOW, Completion.of({"text": f"พบ {SPELLED[2]} ที่งาน"}))
    for minute, spelled in enumerate(SPELLED):
        comment(session, case.id, people["boss"], later(minute), body=f"ถาม {spelled} แล้ว", key=None)
    check = items_of(session, case)[0]
    work_items.claim(session, check.id, people["boss"], later(20))
    complete(session, check.id, people["boss"], later(21), Completion.of({"approved": True, "reason": "เห็นชอบ"}))
    person_id = session.scalars(select(Person.id)).first()
    session.add(Notification(person_id=person_id, kind="x", text_th=SPELLED[3], text_en="x", url="/", at=NOW))
    record_access(session, people["seer"], NOW, Read("audit.searched", "/audit", details=f"text={SPELLED[4]}"))
    session.flush()
    return case.id


def test_every_spelling_is_erased_by_the_plain_name(session: Session, people: dict[str, Actor]) -> None:
    case_id = a_case(session, people)
    found = erasure_search.find(session, people["root"], NAME)
    assert len(found) == len(SPELLED) + 2  # the title of the start, and what the form held
    records = [(one.case.id, one.record.seq) for one in found]

    request = erasure_requests.ask(session, people["root"], later(30), words=NAME, records=records, reason=WHY)
    erasure_requests.approve(session, request.id, people["chief"], later(31))

    session.expire_all()
    assert case_id
    assert remains(session, NAME) == {}


@pytest.mark.parametrize("spelled", [NAME, *SPELLED])
def test_whoever_asks_may_spell_it_so_too(session: Session, people: dict[str, Actor], spelled: str) -> None:
    a_case(session, people)

    assert len(erasure_search.find(session, people["root"], spelled)) == len(SPELLED) + 2
    assert list_cases(session, people["anan"], CaseFilter(text=spelled)).total == 1
    assert len(search(session, people["seer"], Wanted(text=spelled)).items) >= len(SPELLED)


@pytest.mark.parametrize(
    "typed", ["\u200b\u200b\u200b", "ก\u200b\u200b", "...", "7", "12/3", "1 2 3 4", "ก..", "-----", "฿฿฿฿฿฿"]
)
def test_what_stands_nearly_everywhere_is_no_name(session: Session, people: dict[str, Actor], typed: str) -> None:
    with pytest.raises(erasure_search.SubjectTooShort):
        erasure_search.find(session, people["root"], typed)


@pytest.mark.parametrize("written", ["0812345678", "081-234-5678", "๐๘๑-๒๓๔๕๖๗๘", "โทร. (081) 234 5678"])
@pytest.mark.parametrize("asked_for", ["๐๘๑-๒๓๔๕๖๗๘", "0812345678", "081 2345678"])
def test_a_number_is_found_however_it_is_grouped(
    session: Session, people: dict[str, Actor], written: str, asked_for: str
) -> None:
    case = make_case(session)
    comment(session, case.id, people["boss"], later(1), body=f"ติดต่อ {written} ได้", key=None)
    session.flush()

    assert len(erasure_search.find(session, people["root"], asked_for)) == 1
    assert len(search(session, people["seer"], Wanted(text=asked_for)).items) == 1
    assert has_words(f'{{"body": "ติดต่อ {written} ได้"}}', asked_for)


def test_cases_and_people_are_looked_up_however_they_are_typed(session: Session, people: dict[str, Actor]) -> None:
    case = make_case(session)
    session.add(Person(username="noi", display_name="น้อย น้ำใส", office_id=OFFICE, created_at=NOW))
    session.flush()
    thai = case.business_key.translate(str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙"))

    for typed in (case.business_key, f" {case.business_key}\u200b", thai, case.business_key.lower()):
        assert case_named(session, typed) is case
    for typed in ("น\u0e33\u0e49ใส", "น้ำ\u200bใส", "NOI"):
        assert [one.username for one in list_people(session, people["root"], text=typed).items] == ["noi"]


@pytest.mark.parametrize("words", ["20/11/2569", "๑,๒๕๐,๐๐๐", "ญาณี", "50%_x"])
def test_the_database_leaves_out_nothing_that_has_the_words(
    session: Session, people: dict[str, Actor], words: str
) -> None:
    person_id = session.scalars(select(Person.id)).first()
    texts = ["ประชุม 20 พ.ย. 2569", "งบ 1250000 บาท", "ญาณี", "\uf70fาณี", "50%_x", "50%25_x", "อื่น"]
    for text in texts:
        session.add(Notification(person_id=person_id, kind="x", text_th=text, text_en="x", url="/", at=NOW))
    session.flush()

    keys = [key for some in keys_with(session, Notification, (Notification.text_th,), words) for key in some]
    found = session.scalars(select(Notification.text_th).where(Notification.id.in_(keys))).all()

    assert sorted(found) == sorted(text for text in texts if has_words(text, words))
    assert found
