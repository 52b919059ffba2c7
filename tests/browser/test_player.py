"""The player in a real browser: at every record it shows what the whole replay gives, forward, back and dragged."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.differences import differences
from osm_flow.operations.cases.attachments import GivenFile, attach
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.cases.queries import definition_with_forms
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.replay.verify import replay
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Case
from tests.browser.conftest import Desk
from tests.factories import deploy_tests, files, items_of, later, make_case, make_office, make_person
from tests.integration.web.visits import Site

SitDown = Callable[..., Desk]
ROUNDS = 9
SPELLED_AS_THEY_ARE = ("started_by", "plan.text", "reason")  # the screen tells the others by their names

# Draws what the test diagram leaves out: a shape for each element, a line for each flow.
SHAPES = {
    "start": (100, 100, 36, 36),
    "draft": (200, 78, 100, 80),
    "check": (360, 78, 100, 80),
    "good": (520, 93, 50, 50),
    "end": (640, 100, 36, 36),
}
FLOWS = {
    "f1": (136, 118, 200, 118),
    "f2": (300, 118, 360, 118),
    "f3": (460, 118, 520, 118),
    "f_ok": (570, 118, 640, 118),
    "f_back": (545, 143, 250, 158),
}


def drawn(xml: bytes) -> bytes:
    shapes = "".join(
        f'<bpmndi:BPMNShape id="{key}_di" bpmnElement="{key}"><dc:Bounds x="{x}" y="{y}" width="{w}" height="{h}"/></bpmndi:BPMNShape>'
        for key, (x, y, w, h) in SHAPES.items()
    )
    edges = "".join(
        f'<bpmndi:BPMNEdge id="{key}_di" bpmnElement="{key}"><di:waypoint x="{a}" y="{b}"/><di:waypoint x="{c}" y="{d}"/></bpmndi:BPMNEdge>'
        for key, (a, b, c, d) in FLOWS.items()
    )
    plane = f'<bpmndi:BPMNDiagram id="dg"><bpmndi:BPMNPlane id="pl" bpmnElement="review">{shapes}{edges}</bpmndi:BPMNPlane></bpmndi:BPMNDiagram>'
    spaces = (
        'xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" '
        'xmlns:di="http://www.omg.org/spec/DD/20100524/DI" '
    )
    text = xml.decode().replace("<bpmn:definitions ", f"<bpmn:definitions {spaces}", 1)
    return text.replace("</bpmn:definitions>", f"{plane}</bpmn:definitions>").encode()


@pytest.fixture
def case_id(site: Site) -> str:
    """A whole case with returns, claims, a comment and a file: forty records."""

    def prepare(session: Session) -> str:
        make_office(session)
        deploy_tests(session, "review")
        drawing = files("review")
        drawing["review.bpmn"] = drawn(drawing["review.bpmn"])
        deploy(session, drawing, SYSTEM, later(-1))
        anan, boss = make_person(session, "anan", "osm_strategy"), make_person(session, "boss", "osm_director")
        make_person(session, "malee", "auditor")
        case = make_case(session, actor=anan)
        for number in range(ROUNDS):
            at = later(60 * number)
            complete(session, items_of(session, case)[0].id, anan, at, Completion.of({"text": f"ร่างที่ {number}"}))
            check = items_of(session, case)[0]
            work_items.claim(session, check.id, boss, at)
            comment(session, case.id, boss, at, body=f"ดูแล้ว {number}", key=None)
            if number == 1:
                attach(session, case.id, boss, at, GivenFile("มติ.txt", b"yes"), key=None)
            verdict = {"approved": number == ROUNDS - 1, "reason": f"รอบ {number}"}
            complete(session, check.id, boss, at, Completion.of(verdict))
        assert definition_with_forms(session, case).xml.count(b"BPMNShape") > 5
        return case.id

    found: str = site.arrange(prepare)
    return found


def recorded(session: Session, case_id: str) -> list[dict[str, Any]]:
    """What operations compute for each record, in the words of the screen."""
    passed: Counter[str] = Counter()
    course = []
    for one in replay(session, case_id):
        passed.update(each.element for each in one.passed if each.kind == "completed")
        waiting = Counter(each.element for each in one.waiting)
        variables = {".".join(map(str, leaf.path)): leaf.new for leaf in differences({}, one.data)}
        course.append(
            {
                "seq": str(one.seq),
                "tokens": sorted(waiting),
                "done": sorted(set(passed) - set(waiting)),
                "visits": {
                    key: f"×{count}" for key, count in passed.items() if key in ("draft", "check") and count > 1
                },
                "data": {path: told(path, value) for path, value in variables.items() if path in SPELLED_AS_THEY_ARE},
                "names": sorted(variables),
                "open": sorted(each.name for each in one.waiting if each.kind == "user"),
            }
        )
    return course


def told(path: str, value: str) -> str:
    """The value on the screen: who began the case stands there by name, too."""
    return f"คุณ{value} ({value})" if path == "started_by" else value


SHOWN = """() => {
  const badges = (kind) => [...document.querySelectorAll('.djs-overlays')].filter(o => o.querySelector('.diagram-badge.' + kind));
  const rows = [...document.querySelectorAll('[data-moment] tr[data-variable]')];
  return {
    seq: document.querySelector('[data-moment] .moment-number').textContent,
    tokens: badges('is-now').concat(badges('is-late')).map(o => o.dataset.containerId).sort(),
    done: [...document.querySelectorAll('.djs-shape.is-done')].map(s => s.dataset.elementId).sort(),
    visits: Object.fromEntries(badges('is-done').map(o => [o.dataset.containerId, o.querySelector('.is-done').textContent.replace('✓ ', '')])),
    data: Object.fromEntries(rows.map(r => [r.dataset.variable, r.querySelector('td').textContent])),
    names: rows.map(r => r.dataset.variable).sort(),
    open: [...document.querySelectorAll('[data-moment] [data-open-item] strong')].map(s => s.textContent).sort(),
  };
}"""


def shown(page: Any, expected: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(SHOWN)
    found["data"] = {path: text for path, text in found["data"].items() if path in expected["data"]}
    return found


def opened(sit_down: SitDown, path: str, **options: Any) -> tuple[Desk, Any]:
    desk = sit_down("malee", **options)
    page = desk.open(path)
    page.wait_for_selector("[data-diagram][data-ready]")
    page.wait_for_selector("[data-player][data-ready]")
    return desk, page


def wait_for(page: Any, seq: int) -> None:
    page.wait_for_function("seq => document.querySelector('[data-moment]').dataset.shown === String(seq)", arg=seq)


def test_a_full_case_plays_both_ways_as_it_was_recorded(site: Site, case_id: str, sit_down: SitDown) -> None:
    course = site.read(lambda session: recorded(session, case_id))
    desk, page = opened(sit_down, f"/audit/cases/{case_id}")
    total = 4 * ROUNDS + 2
    assert len(course) == total
    page.locator("details[data-fold=data] > summary").click()
    page.locator("body").click(position={"x": 5, "y": 400})

    for seq in range(1, total + 1):
        wait_for(page, seq)
        assert shown(page, course[seq - 1]) == course[seq - 1]
        assert page.url.endswith(f"/at/{seq}") or seq == 1
        page.keyboard.press("ArrowRight")
    assert page.locator("[data-step=forward]").get_attribute("aria-disabled") == "true"
    for seq in range(total, 0, -1):
        wait_for(page, seq)
        assert shown(page, course[seq - 1]) == course[seq - 1]
        page.keyboard.press("ArrowLeft")
    assert desk.complaints == []


def test_the_diagram_shows_what_the_record_was_about(case_id: str, sit_down: SitDown) -> None:
    _, page = opened(sit_down, f"/audit/cases/{case_id}/at/2")
    marked = "() => [...document.querySelectorAll('.djs-element.is-acted')].map(shape => shape.dataset.elementId)"
    first = page.evaluate(marked)
    assert first == ["draft"]
    page.keyboard.press("End")
    wait_for(page, 4 * ROUNDS + 2)
    assert page.evaluate(marked) == ["check"]
    assert page.locator(".diagram-badge.is-acted", has_text="เหตุการณ์นี้").count() == 1


SEEN = """() => {
  const frame = document.querySelector('[data-diagram-frame]').getBoundingClientRect();
  const shapes = [...document.querySelectorAll('.djs-shape .djs-visual')].map(shape => shape.getBoundingClientRect());
  const inside = box => box.left >= frame.left - 1 && box.right <= frame.right + 1 && box.top >= frame.top - 1 && box.bottom <= frame.bottom + 1;
  const acted = document.querySelector('.djs-element.is-acted .djs-visual');
  const drawn = Math.max(...shapes.map(box => box.bottom)) - Math.min(...shapes.map(box => box.top));
  return {
    shapes: shapes.length, outside: shapes.filter(box => !inside(box)).length, empty: frame.height - drawn,
    isBelow: frame.height > window.innerHeight, acted: acted ? inside(acted.getBoundingClientRect()) : null,
  };
}"""


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("path", ["/audit/cases/{}/at/3", "/cases/{}"])
def test_the_whole_process_is_seen_first_in_a_frame_of_its_height(
    case_id: str, sit_down: SitDown, path: str, width: int
) -> None:
    """And the rest of the page is not pushed away by an empty frame."""
    page = sit_down("malee", width=width).open(path.format(case_id))
    page.wait_for_selector("[data-diagram][data-ready]")
    seen = page.evaluate(SEEN)

    assert seen["shapes"] >= len(SHAPES)
    assert seen["outside"] == 0
    assert seen["empty"] < 120
    assert not seen["isBelow"]


def test_what_the_record_was_about_stays_in_view_whatever_is_enlarged(case_id: str, sit_down: SitDown) -> None:
    _, page = opened(sit_down, f"/audit/cases/{case_id}/at/2", width=390)
    assert page.evaluate(SEEN)["acted"]
    page.locator("[data-zoom=near]").click()
    for _ in range(3):
        page.locator("[data-zoom=in]").click()
    page.locator("[data-zoom=near]").click()
    assert page.evaluate(SEEN)["outside"] > 0, "the part that is read is enlarged"
    for seq in (3, 4, 5, 6):
        page.locator("[data-step=forward]").click()
        wait_for(page, seq)
        assert page.evaluate(SEEN)["acted"] in (True, None), seq
    page.locator("[data-zoom=fit]").click()
    assert page.evaluate(SEEN)["outside"] == 0
    before = page.evaluate("document.querySelector('.viewport').getCTM().a")
    page.locator("[data-zoom=out]").click()
    assert page.evaluate("document.querySelector('.viewport').getCTM().a") <= before


def test_entries_of_the_history_lead_auditors_to_their_moment(case_id: str, sit_down: SitDown) -> None:
    page = sit_down("malee").open(f"/cases/{case_id}")
    entries = page.locator(".story-entry")
    links = page.locator(".story-entry a.story-moment")
    assert links.count() == entries.count() > 5
    links.first.click()
    page.wait_for_selector("[data-player][data-ready]")
    assert page.locator(".moment-number").inner_text() == str(4 * ROUNDS + 2)

    other = sit_down("anan").open(f"/cases/{case_id}")
    assert other.locator(".story-entry").count() > 5
    assert other.locator("a.story-moment").count() == 0


def test_paper_has_the_evidence_and_the_document_and_no_controls(case_id: str, sit_down: SitDown) -> None:
    _, page = opened(sit_down, f"/audit/cases/{case_id}/at/5")
    page.emulate_media(media="print")
    visible = "(wanted) => [...document.querySelectorAll(wanted)].map(one => one.checkVisibility({contentVisibilityAuto: true}))"

    for control in (".player-bar", "[data-range]", "[data-keys]", ".player-goto", "[data-zoom]", "main form"):
        shown_ones = page.evaluate(visible, control)
        assert set(shown_ones) == {False}, control
    for evidence in (".chain-facts .digest", ".chain-facts .pill", "[data-judged] .document-text", "[data-position]"):
        shown_ones = page.evaluate(visible, evidence)
        assert set(shown_ones) == {True}, evidence
    page.goto(page.url.partition("/at/")[0] + "/chain")
    page.emulate_media(media="print")
    assert all(page.evaluate(visible, "td .in-print") + page.evaluate(visible, "[data-covers]"))
    assert not any(page.evaluate(visible, "td .on-screen"))


def test_it_plays_pauses_jumps_and_is_dragged(site: Site, case_id: str, sit_down: SitDown) -> None:
    course = site.read(lambda session: recorded(session, case_id))
    desk, page = opened(sit_down, f"/audit/cases/{case_id}/at/36")
    page.locator("[data-speed]").select_option("400")
    page.locator("h1").click()
    page.keyboard.press(" ")
    assert page.locator("[data-play]").get_attribute("aria-pressed") == "true"
    wait_for(page, 38)
    page.wait_for_function("() => document.querySelector('[data-play]').getAttribute('aria-pressed') === 'false'")
    page.keyboard.press("Home")
    wait_for(page, 1)
    page.keyboard.press("End")
    wait_for(page, 38)
    page.locator("[data-range]").fill("20")
    wait_for(page, 20)
    assert page.evaluate(SHOWN)["tokens"] == course[19]["tokens"]
    assert "เหตุการณ์ที่ 20 จาก 38" in page.locator("[data-position]").inner_text()
    page.locator("[data-step=back]").click()
    wait_for(page, 19)
    assert page.url.endswith("/at/19")
    page.reload()
    page.wait_for_selector("[data-diagram][data-ready]")
    assert page.evaluate(SHOWN)["tokens"] == course[18]["tokens"]
    assert desk.complaints == []


def test_arrows_in_the_diagram_move_the_diagram_and_typing_moves_nothing(case_id: str, sit_down: SitDown) -> None:
    _, page = opened(sit_down, f"/audit/cases/{case_id}/at/10")
    page.locator("[data-diagram-frame]").focus()
    page.keyboard.press("ArrowRight")
    page.locator(".player-goto summary").click()
    page.locator("#goto-record").fill("12")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    assert page.locator("[data-moment]").get_attribute("data-shown") == "10"

    page.keyboard.press("Enter")
    page.wait_for_url("**/at/12")


def test_a_lost_connection_is_told_and_nothing_else_breaks(case_id: str, sit_down: SitDown) -> None:
    _, page = opened(sit_down, f"/audit/cases/{case_id}")
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    page.keyboard.press("End")
    page.wait_for_function("() => document.querySelector('[data-position]').textContent.includes('โหลดเหตุการณ์นี้ไม่ได้')")
    page.context.set_offline(False)
    page.keyboard.press("End")
    wait_for(page, 38)


@pytest.mark.parametrize("locale", ["th", "en"])
@pytest.mark.parametrize("path", ["at/1", "at/9", "at/38", "at/9/data", "chain"])
def test_axe_finds_nothing_and_a_phone_needs_no_sideways_scrolling(
    case_id: str, sit_down: SitDown, path: str, locale: str
) -> None:
    desk = sit_down("malee", locale=locale)
    page = desk.open(f"/audit/cases/{case_id}/{path}")
    page.wait_for_load_state("networkidle")
    page.eval_on_selector_all("main details", "all => all.forEach(one => one.open = true)")

    assert desk.violations() == []
    assert desk.complaints == []
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


@pytest.mark.parametrize("query", ["", "?text=ร่าง", "?q=returned", "?from=x"])
def test_axe_finds_nothing_in_the_search(case_id: str, sit_down: SitDown, query: str) -> None:
    desk = sit_down("malee")
    page = desk.open(f"/audit/search{query}")
    page.eval_on_selector_all("main details", "all => all.forEach(one => one.open = true)")

    assert desk.violations() == []
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_the_first_view_of_a_case_is_light(site: Site, case_id: str, sit_down: SitDown) -> None:
    """Everything but the diagram's library, as it travels; and the next records come in one small answer."""
    desk = sit_down("malee")
    sizes: dict[str, int] = {}
    desk.page.on("requestfinished", lambda one: sizes.update({one.url: one.sizes()["responseBodySize"]}))
    desk.open(f"/audit/cases/{case_id}").wait_for_load_state("networkidle")

    assert sum(size for url, size in sizes.items() if "/bpmn-js/" not in url) < 200_000
    assert sum(size for url, size in sizes.items() if "/moments?" in url) < 40_000
    assert json.dumps(sorted(sizes)).count("/moments?") >= 1
    assert site.read(lambda session: session.get_one(Case, case_id).seq) == 38
