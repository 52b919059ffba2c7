"""The auditor's page of administration, fed by the administrator's own pages and commands."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from lxml import html
from sqlalchemy import select

from osm_flow.catalogues import catalogue
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.people import NewPerson, NewPosition
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.ledger.admin_journal import AdminFilter, AdminKind, check_chain, records
from osm_flow.operations.ledger.refusals import RefusalCounter
from osm_flow.operations.ledger.security_events import Counted, EventKind, Happening, record_event
from osm_flow.operations.people import accounts, positions
from osm_flow.store.models import Access, Person
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, deploy_tests, files, later
from tests.integration.web.conftest import PASSWORD, Visitor

As = Callable[[str], Visitor]


def words(page: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


def administer(admin: Visitor) -> None:
    """One of everything that the administrator's pages can do."""
    somsri = {"username": "somsri", "display_name": "สมศรี ใจงาม", "password": PASSWORD, "employee_number": "4102"}
    admin.post("/people/new", somsri)
    given = {
        "role": "osm_director",
        "office_id": OFFICE,
        "kind": "acting",
        "for_username": "director",
        "letter": "คำสั่ง 7/2569",
        "valid_from": "20/11/2569",
        "valid_to": "30/11/2569",
    }
    admin.post("/people/somsri/positions", given)
    admin.post("/people/somsri/password", {"password": PASSWORD + "!"})
    admin.post("/people/somsri/lock")
    admin.post("/people/somsri/unlock")


def test_every_act_of_the_pages_is_shown_to_the_auditor(as_person: As, store: Store, staff: dict[str, Person]) -> None:
    administer(as_person("admin"))
    with store.reading() as session:
        made = [one.kind for one in reversed(records(session, SYSTEM, AdminFilter(about="somsri")).items)]
        assert check_chain(session).faults == []
    assert made == [
        AdminKind.person_created,
        AdminKind.position_given,
        AdminKind.password_set,
        AdminKind.person_locked,
        AdminKind.person_unlocked,
    ]

    page = as_person("auditor").get("/audit/administration?about=somsri")
    shown = words(page.text)

    assert page.status_code == 200
    assert "5 รายการ" in shown
    for part in (
        "คุณ admin (admin) ผู้ดูแลระบบ",
        "ให้ตำแหน่ง",
        "ลักษณะ: รักษาราชการแทน",
        "แทนใคร: คุณ director (director)",
        "คำสั่งหรือหนังสือ: คำสั่ง 7/2569",
        "ถึงวันที่: 30 พ.ย. 2569",
        "ถูกระงับ: ไม่ใช่ → ใช่",
        "รหัสผ่าน: มีแล้ว → ตั้งใหม่ (ไม่เก็บรหัส)",
        "สมศรี ใจงาม somsri",
    ):
        assert part in shown, part
    assert PASSWORD not in page.text


def test_the_page_speaks_english(as_person: As) -> None:
    administer(as_person("admin"))
    auditor = as_person("auditor")
    auditor.post("/language", {"locale": "en", "next": "/"})

    shown = words(auditor.get("/audit/administration?kind=people").text)

    assert "Record of administration" in shown
    assert "Locked: No → Yes" in shown
    assert "Held as: Acting" in shown


def test_filters_and_pages(as_person: As, store: Store) -> None:
    with store.transaction() as session:
        for number in range(60):
            accounts.create_person(session, SYSTEM, NOW, NewPerson(f"p{number:02}", "x"))
            positions.give_position(session, f"p{number:02}", SYSTEM, NOW, NewPosition("osm_me", OFFICE, NOW.date()))
    auditor = as_person("auditor")

    first = auditor.get("/audit/administration?kind=position.given&who=system")
    following = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert following
    second = auditor.get(unescape(following[1]))

    assert first.text.count("p59") > 0
    assert "p59" not in second.text
    assert "65 รายการ" in words(second.text)
    assert "ไม่พบการดูแลระบบ" in auditor.get("/audit/administration?kind=others").text
    assert "ไม่พบการดูแลระบบ" in auditor.get("/audit/administration?until=19/11/2569").text
    assert auditor.get("/audit/administration?kind=x&since=never&after=x").status_code == 422
    assert auditor.get("/audit/administration?kind=x&since=never").status_code == 200


def test_only_who_audits_may_look(as_person: As, visitor: Visitor) -> None:
    assert as_person("strategy").get("/audit/administration").status_code == 403
    assert as_person("planner").get("/audit/administration").status_code == 403
    assert visitor.get("/audit/administration").status_code == 302
    assert 'href="/audit/administration"' in as_person("auditor").get("/audit/administration").text


def test_every_kind_has_words_in_both_languages(as_person: As) -> None:
    page = as_person("auditor").get("/audit/administration")
    options = dict(re.findall(r'<option value="([a-z._]+)">([^<]+)</option>', page.text))

    assert {str(kind) for kind in AdminKind} <= options.keys()
    assert all(label in catalogue("en").single for label in options.values())


# ---- security events -------------------------------------------------------------------------------------------


def happened(store: Store, minutes: float, kind: str, actor: str = "", **more: Any) -> None:
    with store.transaction() as session:
        record_event(session, later(minutes), Happening(kind, actor, **more))


def lines(page: str) -> list[list[str]]:
    """The cells of the table, row by row."""
    rows = html.fromstring(page).xpath("//main//tbody/tr")
    return [[" ".join(" ".join(cell.itertext()).split()) for cell in row.xpath("./td")] for row in rows]


@pytest.fixture
def events(store: Store, as_person: As) -> Store:
    """Two sign-ins, a refusal that was counted and one that still is; and acts on accounts, which the staff was made by."""
    happened(store, 1, EventKind.signed_in, "strategy", subject="POST /login", address="10.0.0.7")
    happened(store, 2, EventKind.signed_in, "elsewhere", subject="POST /login", office_id="NE-U2")
    counted = Counted(12, later(3), later(9))
    refused = Happening(EventKind.refused_role, "strategy", "osm_strategy", OFFICE, "GET /audit/search", "", "10.0.0.7")
    with store.transaction() as session:
        record_event(session, later(20), refused, counted)
    happened(store, 30, EventKind.sign_in_failed, details="strategy", subject="POST /login", address="10.0.0.9")
    RefusalCounter(store).count(Happening(EventKind.refused_token, "strategy", office_id=OFFICE), later(40))
    return store


def test_an_auditor_sees_the_events_of_the_people_of_the_office_beside_acts_on_accounts(
    events: Store, as_person: As
) -> None:
    page = as_person("auditor").get("/audit/security").text
    shown = lines(page)

    assert [row[2].split(" พิมพ์")[0] for row in shown[:4]] == [
        "ส่งแบบฟอร์มที่ไม่ได้มาจากหน้าของระบบหรือหมดอายุ กำลังนับ",
        "เข้าสู่ระบบไม่สำเร็จ",
        "ขอทำสิ่งที่ไม่ใช่หน้าที่",
        "เข้าสู่ระบบ",
    ]
    failed, counted = shown[1], shown[2]
    assert failed[1] == "ไม่ทราบว่าใคร", "that somebody typed a name is no act of whoever has it"
    assert "พิมพ์ชื่อบัญชี คุณ strategy" in failed[2]
    assert (counted[3], counted[4]) == ("GET /audit/search จาก 10.0.0.7", "12")
    assert "ถึง" in counted[0]
    assert {row[2].split(" บัญชี ")[0] for row in shown[4:]} == {"เพิ่มบัญชีผู้ใช้", "ให้ตำแหน่ง"}
    assert "elsewhere" not in page
    assert "elsewhere" in as_person("of_all").get("/audit/security").text
    assert as_person("strategy").get("/audit/security").status_code == 403


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("who=strategy&kind=sign_in", 2),
        ("who=strategy&kind=refused", 2),
        ("kind=refused.role", 1),
        ("kind=accounts&who=planner", 2),
        ("kind=sign_in.succeeded&until=19/11/2569", 0),
        ("kind=sign_in&since=20/11/2569", 2),
        ("kind=sign_out", 0),
    ],
)
def test_events_are_narrowed_by_person_kind_and_day(events: Store, as_person: As, query: str, count: int) -> None:
    assert len(lines(as_person("auditor").get(f"/audit/security?{query}").text)) == count


def test_events_are_paged_through_to_the_end_and_none_twice(store: Store, as_person: As) -> None:
    for number in range(120):
        happened(store, number, EventKind.signed_out, "strategy", subject=f"POST /logout/{number}")
    auditor, seen, address = as_person("auditor"), list[str](), "/audit/security?kind=sign_out"

    while address:
        page = html.fromstring(auditor.get(address).text)
        seen += page.xpath("//main//tbody/tr/td[1]//time/@datetime")
        address = next(iter(page.xpath('//a[@rel="next"]/@href')), "")

    assert (len(seen), len(set(seen))) == (120, 120)
    assert sorted(seen, reverse=True) == seen


def test_the_list_leaves_with_a_reason_and_looking_at_it_is_a_read(events: Store, as_person: As) -> None:
    auditor = as_person("auditor")
    auditor.get("/audit/security?kind=refused")
    assert auditor.post("/audit/security/export/csv", {"kind": "refused", "reason": " "}).status_code == 422

    file = auditor.post("/audit/security/export/csv", {"kind": "refused", "reason": "ตรวจประจำปี"})

    assert file.status_code == 200
    text = file.get_data().decode("utf-8-sig")
    file.close()
    assert len(text.strip().splitlines()) == 3
    assert "ขอทำสิ่งที่ไม่ใช่หน้าที่" in text
    with events.reading() as session:
        reads = session.execute(select(Access.kind, Access.subject, Access.reason).order_by(Access.id)).all()
    assert [tuple(row) for row in reads] == [
        ("audit.searched", "/audit/security", ""),
        ("list.exported", "/audit/security 2 lines", "ตรวจประจำปี"),
    ]


def test_a_version_that_was_published_is_told_among_the_others(store: Store, as_person: As) -> None:
    """What changed may be a version with its digest, a name, or nothing at all: each is shown, none breaks the page."""
    auditor = as_person("auditor")
    with store.transaction() as session:
        deploy_tests(session, "review")
        drawn = files("review")
        drawn["review.bpmn"] = drawn["review.bpmn"].replace(b"</bpmn:definitions>", b"<!-- 2 --></bpmn:definitions>")
        deploy(session, drawn, SYSTEM, later(1))

    page = auditor.get("/audit/administration")

    assert page.status_code == 200
    told = words(page.get_data(as_text=True))
    assert "ติดตั้งกระบวนการรุ่นใหม่" in told
    assert "รุ่น 2" in told
