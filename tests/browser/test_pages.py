"""The main pages in a real browser: nothing for axe to find, keys that work, drafts that save themselves, live diagrams."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.forms.values import random_values
from osm_flow.operations.definitions.deployments import deploy, shipped_files
from osm_flow.operations.definitions.library import compiled, latest
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Case, Draft, WaitingMessage, WorkItem
from tests.browser.conftest import Desk
from tests.factories import NOW, deploy_tests, later, make_case, make_office, make_person
from tests.integration.web.visits import Site

SitDown = Callable[..., Desk]
PATHS = {
    "home": ("wichai", "/"),
    "inbox": ("malee", "/inbox?view=groups"),
    "work item": ("malee", "/work-items/{mine}"),
    "approval": ("wichai", "/work-items/{check}"),
    "cases": ("malee", "/cases"),
    "start": ("malee", "/cases/start/review"),
    "case": ("wichai", "/cases/{case}"),
    "answer": ("malee", "/cases/{asking}/answers/{answer}"),
    "team": ("wichai", "/team"),
    "definition": ("malee", "/definitions/hearing"),
    "proposals": ("root", "/definitions/proposals"),
    "propose": ("root", "/definitions/proposals/new"),
    "incidents": ("root", "/incidents"),
    "chain": ("root", "/audit/cases/{case}/chain"),
    "player": ("root", "/audit/cases/{case}/at/2"),
    "history": ("root", "/audit/search"),
    "administration": ("root", "/audit/administration"),
}


@pytest.fixture
def ids(site: Site) -> dict[str, str]:
    """People and cases in every state a page can show, with the ids of what the tests open."""

    def prepare(session: Session) -> dict[str, str]:
        make_office(session)
        deploy_tests(session, "review", "asking")
        deploy(session, shipped_files(), SYSTEM, NOW)
        somsri = make_person(session, "somsri", "osm_strategy")
        malee = make_person(session, "malee", "osm_strategy")
        make_person(session, "wichai", "osm_director")
        make_person(session, "root", "admin", office_id=None)
        checked, mine = (make_case(session, actor=somsri, title=title) for title in ("แผนปี 2571", "แผนฉบับทบทวน"))
        for number in range(3):
            make_case(session, actor=somsri, title=f"แผนย่อย {number}")
        draft = _item(session, checked)
        complete(session, draft.id, somsri, NOW, Completion.of({"text": "ร่างแรก"}))
        check = work_items.claim(session, _item(session, checked).id, actor_named(session, "wichai", NOW.date()), NOW)
        held = work_items.claim(session, _item(session, mine).id, malee, NOW)
        held.due_at = later(-60 * 24 * 3)
        asking = make_case(session, "asking", somsri, title="ขอข้อมูลจากสำนักงบประมาณ")
        return {"case": checked.id, "mine": held.id, "check": check.id, "asking": asking.id}

    found: dict[str, str] = site.arrange(prepare)
    return found | {"answer": site.read(_awaited)}


def _item(session: Session, case: Case) -> WorkItem:
    query = select(WorkItem).where(WorkItem.case_id == case.id, WorkItem.state == "READY")
    return session.scalars(query).one()


def _awaited(session: Session) -> str:
    return session.scalars(select(WaitingMessage.task_id)).one()


@pytest.mark.parametrize("locale", ["th", "en"])
@pytest.mark.parametrize("name", PATHS)
def test_axe_finds_nothing_and_nothing_overflows_a_phone(
    ids: dict[str, str], sit_down: SitDown, name: str, locale: str
) -> None:
    username, path = PATHS[name]
    desk = sit_down(username, locale=locale)
    page = desk.open(path.format(**ids))
    page.wait_for_load_state("networkidle")
    page.eval_on_selector_all("details", "all => all.forEach(one => one.open = !one.closest('.topbar, .phonenav'))")

    assert desk.violations() == []
    assert desk.complaints == []
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_the_inbox_obeys_the_keyboard(ids: dict[str, str], sit_down: SitDown) -> None:
    desk = sit_down("malee")
    page = desk.open("/inbox?view=groups")
    titles = page.locator("[data-open]").all_inner_texts()
    assert len(titles) == 3

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("x")
    assert page.locator("[data-row].is-current input").is_checked()
    assert "1" in page.locator("[data-bulk-count]").inner_text()
    page.keyboard.press("?")
    assert page.locator("dialog[open]").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("jkx")
    assert page.locator("#f-text").input_value() == "jkx"
    page.locator("#f-text").blur()
    page.keyboard.press("c")
    page.wait_for_selector("#bulk-result")
    assert page.locator("[data-row]").count() == 2
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/work-items/"))


@pytest.mark.parametrize("path", ["/inbox?view=groups", "/cases"])
def test_on_a_phone_the_list_comes_before_the_choices(ids: dict[str, str], sit_down: SitDown, path: str) -> None:
    desk = sit_down("malee")
    page = desk.open(path)
    assert page.locator("#f-stage").is_visible()
    assert not page.locator("[data-filter-fold]").is_visible()

    page.set_viewport_size({"width": 390, "height": 800})
    assert not page.locator("#f-stage").is_visible()
    page.click("[data-filter-fold]")
    assert page.locator("#f-stage").is_visible()
    assert page.get_attribute("[data-filter-fold]", "aria-expanded") == "true"
    assert desk.violations() == []

    desk.open(f"{path}{'&' if '?' in path else '?'}stage=drafting")
    assert page.locator("#f-stage").is_visible()


def test_a_draft_saves_itself_and_says_so(site: Site, ids: dict[str, str], sit_down: SitDown) -> None:
    desk = sit_down("malee")
    page = desk.open(f"/work-items/{ids['mine']}")

    page.fill("[name=text]", "พิมพ์ไปได้ครึ่งหนึ่ง")
    page.locator("[name=text]").blur()
    page.wait_for_selector("[data-draft-state]:has-text('บันทึกร่างแล้ว')")

    assert site.read(lambda session: "พิมพ์ไปได้ครึ่งหนึ่ง" in session.scalars(select(Draft.body)).one())
    page.reload()
    assert page.input_value("[name=text]") == "พิมพ์ไปได้ครึ่งหนึ่ง"


def test_losing_the_connection_is_said_and_what_was_typed_stays(ids: dict[str, str], sit_down: SitDown) -> None:
    desk = sit_down("malee")
    page = desk.open(f"/work-items/{ids['mine']}")

    page.context.set_offline(True)
    page.fill("[name=text]", "ยังอยู่")
    page.locator("[name=text]").blur()
    page.wait_for_selector(".draft-state.is-bad")

    assert page.input_value("[name=text]") == "ยังอยู่"
    page.context.set_offline(False)


def test_sending_without_a_connection_stays_on_the_page(ids: dict[str, str], sit_down: SitDown) -> None:
    desk = sit_down("malee")
    page = desk.open(f"/work-items/{ids['mine']}")

    page.context.set_offline(True)
    page.fill("[name=text]", "ยังไม่ได้ส่ง")
    page.click("[data-primary]")
    page.wait_for_selector("[data-draft-state]:has-text('ยังส่งไม่ได้')")
    assert page.input_value("[name=text]") == "ยังไม่ได้ส่ง"

    page.context.set_offline(False)
    page.click("[data-primary]")
    page.wait_for_selector(".flash-success")


@pytest.mark.parametrize("path", ["/work-items/{mine}", "/cases/start/review", "/cases/{asking}/answers/{answer}"])
def test_a_session_that_ended_loses_nothing_that_was_typed(ids: dict[str, str], sit_down: SitDown, path: str) -> None:
    desk = sit_down("malee")
    page = desk.open(path.format(**ids))
    field = page.locator(".work-form").locator("textarea, input[type=text], input:not([type])").first
    cookies = [one for one in page.context.cookies() if one["name"] == "osm_session"]
    page.context.clear_cookies()

    field.fill("ห้ามหาย")
    page.click("[data-primary]")
    page.wait_for_selector("[data-draft-state] a[target=_blank]")
    assert field.input_value() == "ห้ามหาย"
    assert path.format(**ids) == page.evaluate("location.pathname")

    # Signed in again in another window, with another token: the page takes it over and can send.
    page.context.add_cookies([{**cookies[0], "value": _with_other_token(desk, cookies[0]["value"])}])
    # The whole page is waited for: a window that is closed while it still goes to one may never close.
    with page.expect_navigation() as answer:
        page.click("[data-primary]")
    assert answer.value.status in (200, 302, 422)


def _with_other_token(desk: Desk, value: str) -> str:
    """The same person's session with another token of its own."""
    serializer = desk.site.app.session_interface.get_signing_serializer(desk.site.app)
    return str(serializer.dumps({**serializer.loads(value), "csrf_token": "0" * 40}))


def test_what_was_refused_is_already_kept_as_a_draft(site: Site, ids: dict[str, str], sit_down: SitDown) -> None:
    desk = sit_down("wichai")
    page = desk.open(f"/work-items/{ids['check']}")

    page.fill("[name=reason]", "พิมพ์แล้วกดส่งทันที")
    page.click("[data-primary]")
    page.wait_for_selector(".error-summary")

    page.goto(f"{desk.address}/work-items/{ids['check']}")
    assert page.input_value("[name=reason]") == "พิมพ์แล้วกดส่งทันที"


def test_what_is_typed_last_survives_a_window_that_is_closed(
    site: Site, ids: dict[str, str], sit_down: SitDown
) -> None:
    desk = sit_down("malee")
    page = desk.open(f"/work-items/{ids['mine']}")

    page.fill("[name=text]", "ปิดหน้าต่างทันที")
    page.close(run_before_unload=True)

    again = sit_down("malee")
    for _ in range(20):
        if again.open(f"/work-items/{ids['mine']}").input_value("[name=text]"):
            break
    assert again.page.input_value("[name=text]") == "ปิดหน้าต่างทันที"


def test_an_error_takes_the_reader_to_the_list_of_what_is_wrong(ids: dict[str, str], sit_down: SitDown) -> None:
    desk = sit_down("wichai")
    page = desk.open(f"/work-items/{ids['check']}")

    page.fill("[name=reason]", "เหตุผลที่พิมพ์ไว้")
    page.click("[data-primary]")
    # The page's script moves the focus; it comes after the page itself.
    page.wait_for_selector(".error-summary:focus, .error-summary :focus")

    assert page.input_value("[name=reason]") == "เหตุผลที่พิมพ์ไว้"
    page.click(".error-summary a")
    assert page.evaluate("document.activeElement.name || location.hash") not in ("", None)


def _begin_hearing(site: Site) -> str:
    def begin(session: Session) -> str:
        process = compiled(session, latest(session, "hearing"))
        form = process.forms[process.start_form or ""]
        values = random_values(form, random.Random(1), {"fy": 2571, "office": "NE-U1"})  # noqa: S311
        return make_case(session, "hearing", title="เวทีจังหวัด", data=values).id

    found: str = site.arrange(begin)
    return found


def test_the_diagram_shows_where_the_case_stands_with_thai_words_whole(
    site: Site, ids: dict[str, str], sit_down: SitDown
) -> None:
    desk = sit_down("wichai")
    page = desk.open(f"/cases/{_begin_hearing(site)}")
    page.wait_for_selector("[data-diagram][data-ready]")

    assert page.locator(".djs-element.is-now").count() == 1
    assert page.locator(".djs-element.is-done").count() >= 1
    assert page.locator(".diagram-frame .diagram-badge").first.inner_text().startswith("▶")
    assert page.locator(".bjs-powered-by").is_visible()
    assert desk.complaints == []
    lines = page.eval_on_selector_all(
        ".djs-label tspan", "all => all.map(one => one.textContent.replace(/\\uFEFF/g, ''))"
    )
    # No Thai word begins with a vowel or a mark that hangs on the letter before it.
    assert not [line for line in lines if re.match("[\u0e30-\u0e3a\u0e45\u0e47-\u0e4e]", line.strip())]


def test_everything_works_without_javascript(ids: dict[str, str], sit_down: SitDown) -> None:
    desk = sit_down("malee", java_script_enabled=False)
    page = desk.open("/inbox?view=groups")

    page.locator("[data-claim]").first.click()
    page.wait_for_selector("#bulk-result")
    page.goto(f"{desk.address}/work-items/{ids['mine']}")
    page.fill("[name=text]", "ทำโดยไม่มีจาวาสคริปต์")
    page.click("[data-primary]")
    assert "เสร็จแล้ว" in page.inner_text("main")
