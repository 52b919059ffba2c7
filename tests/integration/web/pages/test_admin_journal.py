"""The auditor's page of administration, fed by the administrator's own pages and commands."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

from osm_flow.catalogues import catalogue
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.people import NewPerson, NewPosition
from osm_flow.operations.ledger.admin_journal import AdminFilter, AdminKind, check_chain, records
from osm_flow.operations.people import accounts, positions
from osm_flow.store.models import Person
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE
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
        "คุณ admin ผู้ดูแลระบบ",
        "ให้ตำแหน่ง",
        "ลักษณะ: รักษาราชการแทน",
        "แทนใคร: director",
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
