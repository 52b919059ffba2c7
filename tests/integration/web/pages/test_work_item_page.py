"""What the page of a work item gathers for each who looks at it; nothing here asks for a page over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.errors import NotFound
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items import plans
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Case, WorkItem
from osm_flow.store.session import Store
from osm_flow.web.pages.work_item_page import Tried, Visit, WorkItemPage, blank_form, look_at, page_of
from osm_flow.web.parts.refusals import Mistake
from tests.factories import NOW, deploy_tests, items_of, later, make_case, make_office, make_person
from tests.integration.web.visits import open_site

ALWAYS = {"comment", "attach"}


@pytest.fixture
def session(store: Store) -> Iterator[Session]:
    """The review of a plan and a question to every province; two who draft, a head, and others who look."""
    site = open_site(store)
    with site.app.app_context(), store.transaction() as session:
        make_office(session)
        make_office(session, "NE-U2", {})
        deploy_tests(session, "review", "provinces")
        make_person(session, "anan", "osm_strategy")
        make_person(session, "busaba", "osm_strategy")
        make_person(session, "boss", "osm_director")
        make_person(session, "auditor", "auditor")
        make_person(session, "udon", "province_planner", province_id="TH-41")
        make_person(session, "nongbua", "province_planner", province_id="TH-39")
        make_person(session, "foreigner", "osm_strategy", office_id="NE-U2")
        make_case(session, title="แผนปี 2571")
        yield session


def visit(session: Session, username: str) -> Visit:
    return Visit(session, actor_named(session, username, NOW.date()), later(10))


def seen(session: Session, username: str, item: WorkItem) -> WorkItemPage:
    who = visit(session, username)
    view = look_at(who, item.id)
    return page_of(who, view, blank_form(who, view))


def offers(page: WorkItemPage) -> set[str]:
    return {name for name, may in page.may.items() if may}


def waiting(session: Session) -> WorkItem:
    (item,) = items_of(session, session.scalars(select(Case).where(Case.title == "แผนปี 2571")).one())
    return item


def do(session: Session, username: str, item: WorkItem, **values: object) -> None:
    complete(session, item.id, visit(session, username).actor, later(), Completion.of(values))


# ---- who is offered what -----------------------------------------------------------------------------------------


def test_a_candidate_is_offered_to_claim_it_and_nothing_else(session: Session) -> None:
    page = seen(session, "anan", waiting(session))

    assert offers(page) == ALWAYS | {"claim"}
    assert page.view.obstacle == ""
    assert (page.view.documentation, page.view.is_open) == ("ทำงานนี้ให้เสร็จ", True)
    assert page.choices == []


def test_the_holder_completes_releases_and_hands_it_on_to_others(session: Session) -> None:
    work_items.claim(session, waiting(session).id, visit(session, "anan").actor, NOW)

    page = seen(session, "anan", waiting(session))

    assert offers(page) == ALWAYS | {"complete", "follow_up", "release", "delegate", "any_quiet"}
    assert {choice.username for choice in page.choices} == {"busaba"}


def test_a_candidate_who_comes_second_reads_who_has_it(session: Session) -> None:
    work_items.claim(session, waiting(session).id, visit(session, "anan").actor, NOW)

    page = seen(session, "busaba", waiting(session))

    assert offers(page) == ALWAYS
    assert page.view.obstacle == "คุณanan รับงานนี้ไว้แล้ว คุณอ่านได้แต่แก้ไม่ได้"


def test_a_head_plans_and_reassigns_among_the_candidates(session: Session) -> None:
    work_items.claim(session, waiting(session).id, visit(session, "anan").actor, NOW)

    page = seen(session, "boss", waiting(session))

    assert offers(page) == ALWAYS | {"reassign", "move_due", "set_priority", "any_quiet"}
    assert {choice.username for choice in page.choices} == {"anan", "busaba"}


def test_a_head_who_could_do_it_takes_over_what_another_holds(session: Session) -> None:
    do(session, "anan", waiting(session), text="ร่าง")
    work_items.claim(session, waiting(session).id, visit(session, "busaba").actor, NOW)

    assert "take_over" in offers(seen(session, "boss", waiting(session)))
    assert "take_over" not in offers(seen(session, "anan", waiting(session)))


def test_an_auditor_is_offered_nothing(session: Session) -> None:
    page = seen(session, "auditor", waiting(session))

    assert offers(page) == set()
    assert page.view.obstacle == "งานนี้เป็นของหน้าที่อื่น คุณอ่านได้แต่แก้ไม่ได้"


def test_a_province_sees_its_own_question_only(session: Session) -> None:
    case = make_case(session, "provinces")
    mine = next(item for item in items_of(session, case) if item.province_id == "TH-41")

    assert "claim" in offers(seen(session, "udon", mine))
    with pytest.raises(NotFound):
        look_at(visit(session, "nongbua"), mine.id)
    with pytest.raises(NotFound):
        look_at(visit(session, "udon"), waiting(session).id)


def test_staff_are_told_which_party_outside_is_asked_and_the_party_is_not(session: Session) -> None:
    case = make_case(session, "provinces")
    asked = next(item for item in items_of(session, case) if item.province_id == "TH-41")

    assert seen(session, "boss", asked).view.asked == [("province_planner@TH-41", "จังหวัดอุดรธานี")]
    assert seen(session, "udon", asked).view.asked == []


def test_another_office_finds_nothing(session: Session) -> None:
    with pytest.raises(NotFound):
        look_at(visit(session, "foreigner"), waiting(session).id)


# ---- what stands in the form, and around it ----------------------------------------------------------------------


def test_the_form_opens_with_the_draft_of_whoever_looks(session: Session) -> None:
    item = waiting(session)
    plans.save_draft(session, item.id, visit(session, "anan").actor, later(2), {"text": ["ค้างไว้"]})

    mine, other = seen(session, "anan", item), seen(session, "busaba", item)

    assert mine.form is not None
    assert other.form is not None
    assert (mine.form.form_fields["text"].text, mine.draft_at) == ("ค้างไว้", later(2))
    assert (other.form.form_fields["text"].text, other.draft_at) == ("", None)


def test_the_approver_reads_the_document_and_the_steps_before(session: Session) -> None:
    do(session, "anan", waiting(session), text="ร่างแรก")

    page = seen(session, "boss", waiting(session))

    assert page.under_approval is not None
    assert (page.under_approval.title, page.under_approval.values) == ("บันทึก", {"text": "ร่างแรก"})
    assert page.sender == "คุณanan"
    assert [(told.who, told.what) for told in page.earlier if told.who != "ระบบ"] == [("คุณanan", "ร่างแผน")]
    assert [document.values for document in page.documents] == [{"text": "ร่างแรก"}]


def test_what_was_sent_back_says_why_and_what_changed_is_marked_later(session: Session) -> None:
    do(session, "anan", waiting(session), text="ร่างแรก")
    do(session, "boss", waiting(session), approved=False, reason="สั้นไป")

    back = seen(session, "anan", waiting(session))
    do(session, "anan", waiting(session), text="ร่างที่สอง")
    again = seen(session, "boss", waiting(session))

    assert back.returned is not None
    assert (back.returned.by, back.returned.words) == ("คุณboss", "สั้นไป")
    assert back.form is not None
    assert back.form.form_fields["text"].text == "ร่างแรก"
    assert again.under_approval is not None
    assert [(change.field, change.old, change.new) for change in again.under_approval.changed] == [
        ("text", "ร่างแรก", "ร่างที่สอง")
    ]


def test_a_completed_work_item_shows_what_was_typed_and_who_did_it(session: Session) -> None:
    item = waiting(session)
    do(session, "anan", item, text="ร่างแรก")

    page = seen(session, "busaba", item)

    assert (page.view.is_open, page.view.variables) == (False, {"text": "ร่างแรก"})
    assert page.closed_words == "คุณanan ทำงานนี้เสร็จแล้วเมื่อ 20 พ.ย. 2569"
    assert offers(page) & {"claim", "complete", "any_quiet"} == set()


def test_faults_of_the_form_and_problems_of_small_forms_are_both_said_in_the_title(session: Session) -> None:
    item, who = waiting(session), visit(session, "anan")
    view = look_at(who, item.id)
    form = blank_form(who, view)
    assert form is not None
    assert not page_of(who, view, form).has_faults

    form.judge()

    assert page_of(who, view, form).has_faults
    assert page_of(who, view, blank_form(who, view), Tried(problem=Mistake("due", "เขียนวันที่ใหม่", {}))).has_faults
