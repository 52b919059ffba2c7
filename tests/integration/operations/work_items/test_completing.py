"""Completing a work item: the form is read and judged once, under the lock, whoever completes it."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import pytest
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.party_answers import AnswerUnsupported
from osm_flow.domain.access.policy import DutiesAreSeparate, NotYourRole
from osm_flow.domain.forms.schema import Message
from osm_flow.domain.forms.values import Filled
from osm_flow.domain.json import JSON
from osm_flow.errors import NotFound, OsmFlowError
from osm_flow.operations.cases.acts import record_message, suspend_case
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.replay.verify import verify_case
from osm_flow.operations.stepping.step import CaseSuspended
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items import plans
from osm_flow.operations.work_items.access import AlreadyCompleted, AlreadyHeld
from osm_flow.operations.work_items.completing import Completion, FormInvalid, complete, record_answer
from osm_flow.store.models import Case, Draft, WaitingMessage, WorkItem
from osm_flow.store.session import Overtaken, Store
from tests.factories import (
    ANSWER,
    NOW,
    SAID,
    complete_first,
    deploy_tests,
    files,
    items_of,
    later,
    make_case,
    make_office,
    make_person,
)
from tests.together import at_once


class Pen:
    """Fills a form in, and remembers what it was shown."""

    def __init__(self, values: JSON, faults: dict[str, Message] | None = None) -> None:
        self.filled = Filled(values, faults or {})
        self.shown: list[tuple[JSON | None, JSON]] = []

    def __call__(self, form: JSON | None, context: JSON) -> Filled:
        self.shown.append((form, context))
        return self.filled


@pytest.fixture
def office(session: Session) -> None:
    make_office(session)
    deploy_tests(session, "review")


@pytest.fixture
def anan(session: Session, office: None) -> Actor:
    return make_person(session, "anan", "osm_strategy")


@pytest.fixture
def draft(session: Session, anan: Actor) -> WorkItem:
    return items_of(session, make_case(session))[0]


def test_what_is_filled_in_is_read_once_by_the_form_and_the_context_of_the_locked_item(
    session: Session, anan: Actor, draft: WorkItem, now: datetime
) -> None:
    boss = make_person(session, "boss", "osm_director")
    complete_first(session, draft.case, anan, text="ร่างแรก")
    (check,) = items_of(session, draft.case)
    pen = Pen({"approved": True})

    complete(session, check.id, boss, now, Completion(pen, "k1"))

    ((form, context),) = pen.shown
    assert form is not None
    assert list(form["properties"]) == ["approved", "reason"]
    assert context["plan"] == {"text": "ร่างแรก"}
    assert work_items.variables_of(session, check) == {"approved": True}


def test_the_repeat_of_an_act_is_answered_before_anything_is_read_or_refused(
    session: Session, anan: Actor, draft: WorkItem, now: datetime
) -> None:
    complete(session, draft.id, anan, now, Completion.of({"text": "ร่าง"}, "k1"))
    suspend_case(session, draft.case_id, make_person(session, "boss", "osm_director"), now, reason="รอ", key=None)
    pen = Pen({"text": 5})

    again = complete(session, draft.id, anan, later(), Completion(pen, "k1", version=1))

    assert (again, pen.shown) == (draft, [])


@pytest.mark.parametrize("refusal", [AlreadyHeld, NotYourRole, Overtaken, CaseSuspended, AlreadyCompleted])
def test_a_refusal_is_told_before_the_form_is_read(
    session: Session, anan: Actor, draft: WorkItem, now: datetime, refusal: type[OsmFlowError]
) -> None:
    boss, busaba = make_person(session, "boss", "osm_director"), make_person(session, "busaba", "osm_strategy")
    actor, version = busaba, None
    match refusal.__name__:
        case "AlreadyHeld":
            work_items.claim(session, draft.id, anan, now)
        case "NotYourRole":
            actor = boss
        case "Overtaken":
            version = draft.version
            plans.set_priority(session, draft.id, boss, now, priority=90)
        case "CaseSuspended":
            suspend_case(session, draft.case_id, boss, now, reason="รอ", key=None)
        case "AlreadyCompleted":
            complete_first(session, draft.case, anan, text="ร่าง")
    pen = Pen({"text": 5})

    with pytest.raises(refusal):
        complete(session, draft.id, actor, now, Completion(pen, "k2", version=version))

    assert pen.shown == []


def test_what_could_not_be_read_and_what_is_wrong_are_told_together(
    session: Session, anan: Actor, draft: WorkItem, now: datetime
) -> None:
    unread = {"text": Message("A number is expected here."), "colour": Message("This is not a field of the form.")}

    with pytest.raises(FormInvalid) as caught:
        complete(session, draft.id, anan, now, Completion(Pen({"size": 3}, unread)))

    # The field that could not be read is not said to be missing as well.
    assert caught.value.fields["text"] == "A number is expected here."
    assert set(caught.value.fields) == {"text", "colour", "size"}
    assert draft.state == "READY"


def test_values_that_are_fine_are_not_taken_while_something_could_not_be_read(
    session: Session, anan: Actor, draft: WorkItem, now: datetime
) -> None:
    with pytest.raises(FormInvalid):
        complete(session, draft.id, anan, now, Completion(Pen({"text": "ร่าง"}, {"colour": Message("Strange.")})))

    assert draft.case.seq == 1


def test_the_drafts_of_everybody_are_forgotten(session: Session, anan: Actor, draft: WorkItem, now: datetime) -> None:
    for actor in (anan, make_person(session, "busaba", "osm_strategy")):
        plans.save_draft(session, draft.id, actor, now, {"text": ["ร่าง"]})

    complete(session, draft.id, anan, now, Completion.of({"text": "ร่าง"}))

    assert session.query(Draft).count() == 0


@pytest.mark.usefixtures("office")
class TestCompleting:
    def test_the_case_moves_on_and_the_document_is_kept(self, session: Session, now: datetime) -> None:
        anan = make_person(session, "anan", "osm_strategy")
        case = make_case(session)
        item = items_of(session, case)[0]

        complete(session, item.id, anan, now, Completion.of({"text": "ร่างแรก"}, "k1"))

        assert (item.state, item.completed_by_id) == ("COMPLETED", anan.person_id)
        (following,) = items_of(session, case)
        assert (following.element, following.stage, case.stage) == ("check", "approval", "approval")
        assert work_items.variables_of(session, following)["plan"] == {"text": "ร่างแรก"}
        assert work_items.variables_of(session, item) == {"text": "ร่างแรก"}
        assert verify_case(session, case.id) == []

    def test_the_same_key_twice_is_one_act(self, session: Session, now: datetime) -> None:
        anan = make_person(session, "anan", "osm_strategy")
        case = make_case(session)
        item = items_of(session, case)[0]
        first = complete(session, item.id, anan, now, Completion.of({"text": "ร่าง"}, "k1"))

        again = complete(session, item.id, anan, later(), Completion.of({"text": "อื่น"}, "k1"))

        assert again is first
        assert case.seq == 2

    def test_bad_values_name_the_field(self, session: Session, now: datetime) -> None:
        anan = make_person(session, "anan", "osm_strategy")
        item = items_of(session, make_case(session))[0]

        with pytest.raises(FormInvalid) as caught:
            complete(session, item.id, anan, now, Completion.of({"text": 5, "typename": "x"}, "k1"))

        assert {"text", "typename"} <= caught.value.fields.keys()
        assert item.state == "READY"

    @pytest.mark.parametrize("text", ["a\0b", "\ud800"])
    def test_what_cannot_be_kept_is_refused(self, session: Session, now: datetime, text: str) -> None:
        anan = make_person(session, "anan", "osm_strategy")
        item = items_of(session, make_case(session))[0]

        with pytest.raises(OsmFlowError) as caught:
            complete(session, item.id, anan, now, Completion.of({"text": text}, "k1"))

        assert caught.value.status == 422

    def test_whoever_drafted_may_not_check(self, session: Session, now: datetime) -> None:
        anan, busaba = make_person(session, "anan", "osm_strategy"), make_person(session, "busaba", "osm_strategy")
        case = make_case(session)
        complete(session, items_of(session, case)[0].id, anan, now, Completion.of({"text": "ร่าง"}, "k1"))
        (check,) = items_of(session, case)

        with pytest.raises(DutiesAreSeparate):
            work_items.claim(session, check.id, anan, now)
        with pytest.raises(DutiesAreSeparate):
            complete(session, check.id, anan, now, Completion.of({"approved": True}, "k2"))
        work_items.claim(session, check.id, busaba, now)
        with pytest.raises(DutiesAreSeparate):
            work_items.delegate(session, check.id, busaba, now, to_username="anan", reason="ลา")

        complete(session, check.id, busaba, now, Completion.of({"approved": True}, "k3"))
        assert (case.state, case.outcome) == ("COMPLETED", "end")

    def test_a_return_opens_the_draft_again(self, session: Session, now: datetime) -> None:
        anan, boss = make_person(session, "anan", "osm_strategy"), make_person(session, "boss", "osm_director")
        case = make_case(session)
        complete(session, items_of(session, case)[0].id, anan, now, Completion.of({"text": "ร่าง"}, "k1"))

        check = items_of(session, case)[0]
        values = {"approved": False, "reason": "ขาดตัวชี้วัด"}
        complete(session, check.id, boss, now, Completion.of(values, "k2"))

        (draft,) = items_of(session, case)
        assert draft.element == "draft"
        assert work_items.variables_of(session, draft)["reason"] == "ขาดตัวชี้วัด"

    def test_a_stale_page_is_refused(self, session: Session, now: datetime) -> None:
        anan, boss = make_person(session, "anan", "osm_strategy"), make_person(session, "boss", "osm_director")
        item = items_of(session, make_case(session))[0]
        shown = item.version
        plans.set_priority(session, item.id, boss, now, priority=90)

        with pytest.raises(Overtaken):
            complete(session, item.id, anan, now, Completion.of({"text": "ร่าง"}, "k1", version=shown))

    def test_a_completed_item_says_who_did_it(self, session: Session, now: datetime) -> None:
        anan, busaba = make_person(session, "anan", "osm_strategy"), make_person(session, "busaba", "osm_strategy")
        item = items_of(session, make_case(session))[0]
        complete(session, item.id, anan, now, Completion.of({"text": "ร่าง"}, "k1"))

        with pytest.raises(AlreadyCompleted, match="คุณanan already completed"):
            complete(session, item.id, busaba, now, Completion.of({"text": "ร่าง"}, "k2"))


def asked(session: Session) -> tuple[Actor, Actor, Case]:
    """A province drafts, and the office checks what it did not write down itself."""
    drawn = files("review")
    drawn["review.bpmn"] = drawn["review.bpmn"].replace(b'"osm_strategy" ', b'"province_planner" ')
    deploy(session, drawn, SYSTEM, NOW)
    first, second = (make_person(session, name, "osm_strategy") for name in ("nuchanat", "prasert"))
    return first, second, make_case(session)


def test_two_who_write_one_answer_down_at_once_are_one(store: Store, now: datetime) -> None:
    with store.transaction() as session:
        make_office(session)
        nuchanat, prasert, case = asked(session)
        item_id = items_of(session, case)[0].id
    outcomes: list[str] = []

    def write_down(actor: Actor) -> None:
        try:
            with store.transaction() as session:
                record_answer(session, item_id, actor, now, Completion.of({"text": actor.username}), SAID)
            outcomes.append("done")
        except AlreadyCompleted:
            outcomes.append("late")

    at_once(partial(write_down, nuchanat), partial(write_down, prasert))

    assert sorted(outcomes) == ["done", "late"]


@pytest.mark.usefixtures("office")
class TestRecordingAnswers:
    """Whoever writes an answer down did it, in every later separation."""

    def test_the_recorder_may_not_check_it(self, session: Session, now: datetime) -> None:
        nuchanat, prasert, case = asked(session)
        (draft,) = items_of(session, case)

        record_answer(session, draft.id, nuchanat, now, Completion.of({"text": "ตอบ"}), SAID)

        (check,) = items_of(session, case)
        verdict = Completion.of({"approved": True, "reason": "ดี"})
        with pytest.raises(DutiesAreSeparate):
            complete(session, check.id, nuchanat, now, verdict)
        complete(session, check.id, prasert, now, verdict)
        assert verify_case(session, case.id) == []

    def test_a_recorder_of_a_message_may_not_check_it_either(self, session: Session, now: datetime) -> None:
        drawn = files("asking")
        task = b'<bpmn:userTask id="check" name="x" camunda:candidateGroups="osm_strategy" camunda:formKey="note"/>'
        drawn["asking.bpmn"] = (
            drawn["asking.bpmn"]
            .replace(b'targetRef="end"', b'targetRef="check"')
            .replace(
                b"</bpmn:process>",
                task + b'<bpmn:sequenceFlow id="f3" sourceRef="check" targetRef="end"/></bpmn:process>',
            )
        )
        deploy(session, drawn, SYSTEM, NOW)
        nuchanat, prasert = (make_person(session, name, "osm_strategy") for name in ("nuchanat", "prasert"))
        case = make_case(session, "asking")
        task_id = session.query(WaitingMessage).one().task_id
        record_message(session, task_id, nuchanat, now, data={"text": "ตอบ"}, answer=ANSWER)
        (check,) = items_of(session, case)
        check.separate_from = "answer"
        session.flush()

        with pytest.raises(DutiesAreSeparate):
            complete(session, check.id, nuchanat, now, Completion.of({"text": "ดี"}))
        complete(session, check.id, prasert, now, Completion.of({"text": "ดี"}))
        assert check.state == "COMPLETED"

    def test_nobody_else_may_and_nothing_is_written(self, session: Session, now: datetime) -> None:
        nuchanat, _, case = asked(session)
        (draft,) = items_of(session, case)
        planner = make_person(session, "planner", "province_planner", province_id="TH-41")
        make_office(session, "NE-U2", {})
        far = make_person(session, "far", "osm_strategy", office_id="NE-U2")

        for who in (planner, far, make_person(session, "root", "admin"), make_person(session, "gov", "cluster_head")):
            with pytest.raises((NotYourRole, NotFound)):
                record_answer(session, draft.id, who, now, Completion.of({"text": "x"}), SAID)
        for said in ({}, {**SAID, "party_channel": "phone"}, {**SAID, "party_answerer": "planner"}):
            with pytest.raises(AnswerUnsupported):
                record_answer(session, draft.id, nuchanat, now, Completion.of({"text": "x"}), said)
        assert (draft.state, case.seq) == ("READY", 1)
