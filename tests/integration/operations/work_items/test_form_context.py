"""Forms against what lies outside of them: names of other projects, the last report, contracts, attached files."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor, Hat
from osm_flow.domain.access.party_answers import LETTER, PartyAnswer
from osm_flow.domain.forms import schema as form_schema
from osm_flow.domain.forms import values as form_values
from osm_flow.domain.forms.schema import offered_value
from osm_flow.domain.json import JSON
from osm_flow.operations.books.versions import newest_of
from osm_flow.operations.cases.acts import AnswerInvalid, record_message
from osm_flow.operations.cases.attachments import GivenFile, attach
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.projects.acts import values_by_code
from osm_flow.operations.projects.register import as_json
from osm_flow.operations.replay.verify import verify_all
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, FormInvalid, complete
from osm_flow.operations.work_items.form_context import RecordForeign, RecordMoved, form_context, refuse_foreign
from osm_flow.resources import resource_dir
from osm_flow.store.models import Case, FiscalDate, HolidayOverride, JournalPayload, Project, WaitingMessage, WorkItem
from osm_flow.store.session import Store
from tests.factories import BPMN, NOW, OFFICE, items_of, later, make_case, make_office, make_person, make_project
from tests.integration.operations.background.test_topics import work

pytestmark = pytest.mark.sampled

NAME = "โครงการพัฒนาท่าเรือ ริมโขง"
REPORTED = {
    "as_of": "2027-03-31",
    "budget_act": 1000,
    "allocated": 1000,
    "after_change": 1000,
    "committed": 200,
    "disbursed": 300,
    "stage": "signed",
    "physical_plan": 40,
    "physical_actual": 35,
    "reporter": "คุณก",
    "target_percent": 50,
}


def shipped(key: str) -> bytes:
    return (resource_dir("forms") / f"{key}.yaml").read_bytes()


def schema_of(key: str) -> JSON:
    return form_schema.load_form(yaml.safe_load(shipped(key)))


def filled(key: str, context: JSON, **said: Any) -> JSON:
    """Valid values of a shipped form, but for what is said."""
    drawn = form_values.random_values(schema_of(key), random.Random(5), context)  # noqa: S311 - dice for a test
    return {name: value for name, value in {**drawn, **said}.items() if value is not None}


@pytest.fixture
def kanya(session: Session) -> Actor:
    """Somebody of the office; every province and every project is asked with the shipped forms."""
    make_office(session)
    proposing = (BPMN / "provinces.bpmn").read_bytes().replace(b'formKey="note"', b'formKey="project_concept"')
    proposing = proposing.replace(b"${role('province_planner', province)}", b"osm_strategy")
    reporting = (BPMN / "reports.bpmn").read_bytes().replace(b'formKey="report"', b'formKey="quarterly_report"')
    files = {
        "provinces.bpmn": proposing,
        "reports.bpmn": reporting,
        "decision.yaml": (BPMN / "decision.yaml").read_bytes(),
    }
    files |= {f"{key}.yaml": shipped(key) for key in ("project_concept", "quarterly_report")}
    deploy(session, files, SYSTEM, NOW)
    return make_person(session, "kanya", "osm_strategy", "osm_me")


@pytest.fixture
def session(store: Store) -> Any:
    with store.transaction() as opened:
        yield opened


def propose(session: Session, item: WorkItem, actor: Actor, **said: Any) -> None:
    context = work_items.context_of(session, item)
    values = filled("project_concept", context, **{"priority": None, **said})
    complete(session, item.id, actor, later(), Completion.of(values))


class TestNamesOfProjects:
    def test_two_provinces_cannot_propose_one_name(self, session: Session, kanya: Actor) -> None:
        first, second = items_of(session, make_case(session, "provinces"))
        propose(session, first, kanya, name=NAME)

        with pytest.raises(FormInvalid) as refusal:
            propose(session, second, kanya, name=NAME.replace(" ", "   "))

        message = refusal.value.fields["name"]
        assert "already there in this fiscal year" in message
        assert "มีโครงการชื่อนี้ในปีงบประมาณนี้แล้ว" in getattr(message, "th", "")
        propose(session, second, kanya, name=f"{NAME} ระยะที่ 2")

    def test_nor_in_another_case_of_the_year_while_it_is_open(self, session: Session, kanya: Actor) -> None:
        first, _ = items_of(session, make_case(session, "provinces"))
        propose(session, first, kanya, name=NAME)
        other, _ = items_of(session, make_case(session, "provinces"))
        next_year, _ = items_of(session, make_case(session, "provinces", fiscal_year=2572))

        with pytest.raises(FormInvalid):
            propose(session, other, kanya, name=NAME)
        propose(session, next_year, kanya, name=NAME)

    def test_the_register_is_asked_too(self, session: Session, kanya: Actor) -> None:
        make_project(session, "P1", name=NAME, state="supported", agency="แขวงทางหลวง")
        make_project(session, "P2", name="โครงการของปีก่อน", fiscal_year=2570)
        item, other = items_of(session, make_case(session, "provinces"))

        with pytest.raises(FormInvalid) as refusal:
            propose(session, item, kanya, name=NAME, agency="แขวงทางหลวง")
        assert set(refusal.value.fields) == {"name"}
        propose(session, other, kanya, name="โครงการของปีก่อน")

    def test_an_earlier_concept_may_come_again_from_its_own_agency(self, session: Session, kanya: Actor) -> None:
        make_project(session, "P1", name=NAME, state="concept", agency="แขวงทางหลวง")
        item, _ = items_of(session, make_case(session, "provinces"))

        with pytest.raises(FormInvalid) as refusal:
            propose(session, item, kanya, name=NAME, agency="กรมเจ้าท่า")
        assert "Another agency" in refusal.value.fields["name"]
        propose(session, item, kanya, name=NAME, agency="แขวงทางหลวง")

    def test_a_rank_stands_once_within_an_issue(self, session: Session, kanya: Actor) -> None:
        first, second = items_of(session, make_case(session, "provinces"))
        propose(session, first, kanya, name=NAME, issue="D1", priority=1)

        with pytest.raises(FormInvalid) as refusal:
            propose(session, second, kanya, name=f"{NAME} 2", issue="D1", priority=1)
        assert set(refusal.value.fields) == {"priority"}
        propose(session, second, kanya, name=f"{NAME} 2", issue="D2", priority=1)


class TestTheNextReport:
    @pytest.fixture
    def item(self, session: Session, kanya: Actor) -> WorkItem:
        """A report that is asked for after one was recorded."""
        make_case(session, "provinces")
        make_project(session, "P1", approved=Decimal(1000))
        rows = [{"project": "P1", "quarterly_report": REPORTED}]
        work(session, "record_quarter", {"quarter": 2, "reports": rows})
        projects = work(session, "live_projects", {})["projects"]
        case = make_case(session, "reports", data={"projects": projects, "quarter": 3})
        session.add(FiscalDate(office_id="NE-U1", fiscal_year=2571, key="q3_cut", date=_day("2027-06-30")))
        session.flush()
        return items_of(session, case)[0]

    def test_it_begins_with_the_last_one(self, session: Session, item: WorkItem) -> None:
        schema = work_items.form_of(session, item)
        assert schema is not None

        context = work_items.context_of(session, item)

        known = form_values.prefill(schema, context)

        again = ("committed", "disbursed", "physical_plan", "physical_actual", "after_change")
        assert {name: known[name] for name in again} == {name: REPORTED[name] for name in again}
        # What has to be answered is offered, and answered by nobody in advance.
        assert not {"stage", "as_of"} & known.keys()
        offered = {name: offered_value(schema["properties"][name], context) for name in ("stage", "as_of")}
        assert offered == {"stage": REPORTED["stage"], "as_of": "2027-06-30"}
        assert "problem" not in known
        assert "reporter" not in known

    @pytest.mark.parametrize(
        ("said", "wrong"),
        [
            ({}, set()),
            ({"stage": "working", "disbursed": 500, "physical_actual": 60, "physical_plan": 60}, set()),
            ({"stage": "evaluation"}, {"stage"}),
            ({"stage": "evaluation", "stage_reason": "ผู้ชนะการเสนอราคาไม่มาลงนาม ประกาศใหม่"}, set()),
            ({"disbursed": 299.99, "committed": 200.01}, {"disbursed"}),
            ({"physical_actual": 34}, {"physical_actual"}),
            ({"physical_plan": 39}, {"physical_plan"}),
            ({"as_of": "2027-07-01"}, {"as_of"}),
            # 500 of 1000 spent reaches a target of 50 per cent, not one of 51
            (
                {"target_percent": 51, "physical_plan": 40, "physical_actual": 40, "problem": None, "cause_code": None},
                {"problem", "cause_code"},
            ),
        ],
    )
    def test_it_does_not_fall_behind_it(self, session: Session, item: WorkItem, said: JSON, wrong: set[str]) -> None:
        context = work_items.context_of(session, item)
        base = {
            **REPORTED,
            "as_of": "2027-06-30",
            "problem": "ฝนตกหนักต่อเนื่องจนเข้าพื้นที่ก่อสร้างไม่ได้หลายสัปดาห์",
            "cause_code": ["disaster"],
        }
        base |= {"project_name": context["project"]["name"], "project_agency": context["project"]["agency"]}
        values = {name: value for name, value in {**base, **said}.items() if value is not None}

        errors = form_values.validate(schema_of("quarterly_report"), values, context)

        assert set(errors) == wrong


class TestContracts:
    def contract(self, session: Session, case: Case, **said: Any) -> JSON:
        context = form_context(session, case, schema_of("contract"), {})
        return filled(
            "contract",
            context,
            project="P1",
            contract_no="12/2570",
            budget=900,
            value=800,
            sign_date="2026-12-01",
            start_date="2026-12-02",
            end_date="2027-06-30",
            warranty_end=None,
            instalments=[{"no": 1, "amount": 800, "due": "2027-06-30"}],
            **said,
        )

    def test_a_contract_is_entered_once_and_renewed(self, session: Session, kanya: Actor) -> None:
        case = make_case(session, "provinces")
        project = make_project(session, "P1", approved=Decimal(1000))

        for value in (800, 750):
            said = {"contract": {**self.contract(session, case), "value": value}}
            assert work(session, "record_contract", said) == {"contracts_recorded": 1}
        second = {"contract": {**self.contract(session, case), "contract_no": "13/2570", "value": 100}}
        work(session, "record_contract", second)

        rows = values_by_code(session, ["P1"])["P1"]["contracts"]
        assert [(row["contract_no"], row["value"]) for row in rows] == [("12/2570", 750), ("13/2570", 100)]
        assert as_json(project)["contract_value"] == 850
        assert work(session, "record_contract", {"contract": {"project": "P9"}}) == {"contracts_recorded": 0}

    @pytest.mark.parametrize(
        ("said", "wrong"),
        [
            ({}, set()),
            ({"budget": 1000.5}, {"budget"}),
            ({"value": 900.5}, {"value"}),
            ({"project": "P9"}, {"project"}),
            # the 7th is a holiday by rule, the 9th one by override: five working days after the 1st is the 10th
            (
                {
                    "instalments": [
                        {
                            "no": 1,
                            "amount": 800,
                            "due": "2027-06-30",
                            "accepted_on": "2026-12-01",
                            "paid_on": "2026-12-10",
                        }
                    ]
                },
                set(),
            ),
            (
                {
                    "instalments": [
                        {
                            "no": 1,
                            "amount": 800,
                            "due": "2027-06-30",
                            "accepted_on": "2026-12-01",
                            "paid_on": "2026-12-14",
                        }
                    ]
                },
                {"instalments.0.paid_on"},
            ),
            (
                {
                    "instalments": [
                        {
                            "no": 1,
                            "amount": 800,
                            "due": "2027-06-30",
                            "accepted_on": "2026-12-01",
                            "paid_on": "2026-12-14",
                            "late_reason": "รอหนังสือค้ำประกัน",
                        }
                    ]
                },
                set(),
            ),
            (
                {"instalments": [{"no": 1, "amount": 800, "due": "2027-06-30", "paid_on": "2026-12-14"}]},
                {"instalments.0.accepted_on"},
            ),
        ],
    )
    def test_its_rules_know_register_and_calendar(
        self, session: Session, kanya: Actor, said: JSON, wrong: set[str]
    ) -> None:
        case = make_case(session, "provinces")
        make_project(session, "P1", approved=Decimal(1000))
        session.add(HolidayOverride(day=_day("2026-12-09"), is_working=False, name_th="วันหยุดพิเศษ", source="มติ ครม."))
        session.flush()
        values = {**self.contract(session, case), **said}

        errors = form_values.validate(
            schema_of("contract"), values, form_context(session, case, schema_of("contract"), {})
        )

        assert {path for path in errors if path != "value" or "value" in wrong} == wrong


BRIEF = {
    "activities": [{"name": "เขื่อน", "budget": 600, "q1": 600}, {"name": "ทางเดิน", "budget": 400, "q2": 400}],
    "kpis": [{"kpi": "ความยาว", "level": "output", "target": 2, "unit": "กม."}],
    "start_date": "2027-10-01",
    "end_date": "2028-06-30",
}
ASKED: JSON = {
    "change_type": "T1",
    "reason": "น้ำป่า",
    "effect": "ไม่กระทบ",
    "past_cutoff": False,
    "bb_agreement_required": False,
    "commit_ready": True,
}


def test_two_projects_of_one_name_have_each_their_own_baseline(session: Session, kanya: Actor) -> None:
    case = make_case(session, "provinces")
    known = {"name": NAME, "agency": "แขวงทางหลวง"}
    other = make_project(session, "P0", approved=Decimal(9000), disbursed=Decimal(9000), **known)
    project = make_project(session, "P1", approved=Decimal(1000), disbursed=Decimal(300), **known, **BRIEF)
    schema = schema_of("project_baseline")
    request = {"change_request": {"project": "P1", "project_name": NAME, "budget_after": 700}}
    context = form_context(session, case, schema, request)

    opened = form_values.prefill(schema, context)

    assert (opened["project_name"], opened["code"], opened["agency"]) == (NAME, "P1", "แขวงทางหลวง")
    assert (opened["budget_before"], opened["budget_after"]) == (1000, 700)
    assert {name: opened[name] for name in BRIEF} == BRIEF
    values = {**opened, "cancelled": False, "effective_on": "2026-11-20", "budget_after": 200}
    assert set(form_values.validate(schema, values, context)) == {"budget_after"}
    values |= {"budget_after": 850, "end_date": "2028-09-30"}
    kept = form_values.settled(schema, values, context)
    assert form_values.validate(schema, kept, context) == {}
    assert not {"activities", "kpis", "start_date", "agency"} & kept.keys()
    assert work(session, "renew_project", {"project_baseline": kept}) == {"projects_renewed": 1}
    assert (float(project.approved or 0), project.state, float(other.approved or 0)) == (850, "signed", 9000)
    now = values_by_code(session, ["P1"])["P1"]
    assert {name: now[name] for name in BRIEF} == {**BRIEF, "end_date": "2028-09-30"}
    work(session, "renew_project", {"project_baseline": {**kept, "cancelled": True}})
    assert project.state == "cancelled"
    assert work(session, "renew_project", {}) == {"projects_renewed": 0}


def test_a_case_begun_with_the_forms_of_before_finishes_as_it_began(session: Session, kanya: Actor) -> None:
    """Its documents name the project, as those forms did, and give agency and budget whole."""
    make_case(session, "provinces")
    project = make_project(session, "P1", name=NAME, approved=Decimal(1000), **BRIEF)
    before = {"project_name": NAME, "agency": "เทศบาล", "items": [{"item": "พื้นที่", "before": "ก", "after": "ข"}]}

    assert work(session, "renew_project", {"project_baseline": {**before, "budget_after": 900}}) == {
        "projects_renewed": 1
    }

    assert (project.agency_th, float(project.approved or 0)) == ("เทศบาล", 900)
    assert values_by_code(session, ["P1"])["P1"]["activities"] == BRIEF["activities"]


class TestFormsAboutARecord:
    def changing(self, session: Session) -> Case:
        """A case that waits for a request to change a project."""
        names = ("change_request", "project_baseline")
        content = {
            "changing.bpmn": (BPMN / "changing.bpmn").read_bytes(),
            **{f"{key}.yaml": shipped(key) for key in names},
        }
        deploy(session, content, SYSTEM, NOW)
        return make_case(session, "changing")

    def ask(self, session: Session, case: Case, actor: Actor, **said: Any) -> WorkItem:
        task_id = session.scalars(select(WaitingMessage.task_id).where(WaitingMessage.case_id == case.id)).one()
        answer = PartyAnswer("จังหวัดอุดรธานี", LETTER, "อด 1", NOW.date())
        record_message(session, task_id, actor, later(), data={**ASKED, **said}, answer=answer)
        return items_of(session, case)[0]

    def test_a_request_keeps_what_is_to_change_and_says_what_it_was(self, session: Session, kanya: Actor) -> None:
        make_project(session, "P1", name=NAME, approved=Decimal(1000), **BRIEF)
        case = self.changing(session)
        moved = [{**BRIEF["activities"][0], "q1": None, "q2": 600}, BRIEF["activities"][1]]
        moved[0] = {name: value for name, value in moved[0].items() if value is not None}
        own = {"item": "สัญญา", "before": "ต.ค.", "after": "พ.ย."}

        item = self.ask(
            session, case, kanya, project="P1", **{**BRIEF, "activities": moved}, budget_after=900, items=[own]
        )

        asked = work_items.variables_of(session, item)["change_request"]
        assert asked["project_name"] == NAME
        assert asked["activities"] == moved
        assert not {"kpis", "start_date", "end_date"} & asked.keys()
        assert asked["items"][0] == own
        told = {row["item"]: (row["before"], row["after"], row["amount_before"]) for row in asked["items"][1:]}
        assert told == {
            "วงเงินหลังเปลี่ยนแปลง": ("1,000.00", "900.00", 1000),
            "กิจกรรมหลัก แถวที่ 1 ไตรมาส 1": ("600.00", "-", 600),
            "กิจกรรมหลัก แถวที่ 1 ไตรมาส 2": ("-", "600.00", 0),
        }
        (kept,) = _records_named(session, case)
        version = newest_of(session, "projects", ["P1"])["P1"]
        assert kept == [{"kind": "projects", "id": "P1", "version": version.version, "hash": version.hash}]

    def test_a_request_that_changes_nothing_or_names_no_project_is_asked_back(
        self, session: Session, kanya: Actor
    ) -> None:
        make_project(session, "P1", name=NAME, approved=Decimal(1000), **BRIEF)
        case = self.changing(session)

        with pytest.raises(AnswerInvalid) as same:
            self.ask(session, case, kanya, project="P1", budget_after=1000, **BRIEF)
        with pytest.raises(AnswerInvalid) as named:
            self.ask(session, case, kanya, project=NAME, budget_after=900)

        assert set(same.value.fields) == {"items"}
        assert "project" in named.value.fields

    def test_who_sends_after_somebody_else_changed_the_record_is_told_and_chooses(
        self, session: Session, kanya: Actor
    ) -> None:
        make_project(session, "P1", name=NAME, approved=Decimal(1000), **BRIEF)
        case = self.changing(session)
        item = self.ask(session, case, kanya, project="P1", end_date="2028-08-31")
        read = Completion.of({"project_name": NAME, "effective_on": "2026-11-20", "cancelled": False})
        values = {**read.read(None, {}).values, "end_date": "2028-08-31", "start_date": BRIEF["start_date"]}
        make_project(session, "P1", name=NAME, approved=Decimal(1000), **{**BRIEF, "end_date": "2028-07-31"})

        with pytest.raises(RecordMoved) as refusal:
            complete(session, item.id, kanya, later(2), replace(Completion.of(values), record="P1@1"))
        assert set(refusal.value.fields) == {"end_date"}
        assert items_of(session, case) == [item]
        complete(session, item.id, kanya, later(3), replace(Completion.of(values), record="P1@2"))

        assert [one["version"] for kept in _records_named(session, case) for one in kept] == [1, 2]
        assert [faults for _, faults in verify_all(session) if faults] == []

    def test_what_moved_elsewhere_in_the_record_stops_nobody(self, session: Session, kanya: Actor) -> None:
        make_project(session, "P1", name=NAME, approved=Decimal(1000), **BRIEF)
        case = self.changing(session)
        item = self.ask(session, case, kanya, project="P1", end_date="2028-08-31")
        make_project(session, "P1", name=NAME, approved=Decimal(1000), outcome="ดี", **BRIEF)

        said = {"project_name": NAME, "effective_on": "2026-11-20", "cancelled": False, "end_date": "2028-08-31"}
        complete(session, item.id, kanya, later(2), replace(Completion.of(said), record="P1@1"))

        assert items_of(session, case) == []

    def test_a_concept_goes_on_from_an_earlier_project_of_its_own_agency(self, session: Session, kanya: Actor) -> None:
        known = {"name": NAME, "rationale": "ก" * 200, "contact_name": "นายก"}
        make_project(session, "P1", agency="แขวงทางหลวง", fiscal_year=2570, **known, **BRIEF)
        make_project(session, "P2", agency="ชลประทาน", fiscal_year=2570, **known)
        item, _ = items_of(session, make_case(session, "provinces"))
        hat = Hat("agency_owner", OFFICE, "TH-41", title="แขวงทางหลวง")
        agency = replace(kanya, hats=(hat,))
        schema = schema_of("project_concept")

        chosen = work_items.context_for(session, item, agency, {"continues": "P1"})
        foreign = work_items.context_for(session, item, agency, {"continues": "P2"})

        opened = form_values.prefill(schema, chosen)
        assert (opened["name"], opened["activities"], opened["budget_total"]) == (NAME, BRIEF["activities"], 1000)
        assert not {"start_date", "end_date", "contact_name"} & opened.keys()
        assert [row["code"] for row in chosen["around"]["earlier"]] == ["P1"]
        assert "record" not in foreign["around"]
        with pytest.raises(RecordForeign) as refusal:
            refuse_foreign(schema, work_items.context_of(session, item, {"continues": "P2"}), foreign)
        assert set(refusal.value.fields) == {"continues"}

    def test_a_report_opens_with_what_the_register_says_by_now(self, session: Session, kanya: Actor) -> None:
        contracts = [{"contract_no": "1", "value": 500}, {"contract_no": "2", "value": 250}]
        project = make_project(session, "P1", name=NAME, approved=Decimal(1000), contracts=contracts, **BRIEF)
        case = make_case(session, "reports", data={"projects": [as_json(project)], "quarter": 1})
        item = items_of(session, case)[0]

        opened = form_values.prefill(schema_of("quarterly_report"), work_items.context_of(session, item))

        assert (opened["project_code"], opened["contract_value"], opened["physical_plan"]) == ("P1", 750, 60)
        assert opened["kpi_results"] == [{"kpi": "ความยาว", "target": 2, "unit": "กม."}]


def _records_named(session: Session, case: Case) -> list[list[JSON]]:
    """The records of the office that payloads of the case name, payload by payload."""
    query = select(JournalPayload.body).where(JournalPayload.case_id == case.id).order_by(JournalPayload.seq)
    told = [json.loads(body).get("about", {}) for body in session.scalars(query)]
    return [about["records"] for about in told if "records" in about]


def test_files_of_the_whole_family_of_cases_may_be_named(session: Session, kanya: Actor) -> None:
    case = make_case(session, "reports", data={"projects": [as_json(_unsaved())]})
    item = items_of(session, case)[0]
    attach(session, case.id, kanya, NOW, GivenFile("ภาพ.txt", "ภาพถ่าย".encode()), work_item_id=item.id, key=None)
    other = make_case(session, "provinces")
    attach(session, other.id, kanya, NOW, GivenFile("อื่น.txt", b"other"), key=None)

    context = work_items.context_of(session, item)

    assert context["around"]["files"] == ["ภาพ.txt"]
    schema = schema_of("quarterly_report")
    assert "evidence" not in form_values.validate(schema, {"evidence": "ภาพ.txt"}, context)
    assert "evidence" in form_values.validate(schema, {"evidence": "อื่น.txt"}, context)


def test_only_what_a_form_names_is_looked_up(session: Session, kanya: Actor) -> None:
    case = make_case(session, "provinces")

    assert form_context(session, case, schema_of("quorum"), {"fy": 2571}) == {"fy": 2571}
    assert set(form_context(session, case, schema_of("project_concept"), {})["around"]) == {
        "concepts",
        "earlier",
        "files",
        "projects",
    }


def _unsaved() -> Project:
    return Project(
        code="P1",
        name_th=NAME,
        agency_th="ก",
        budget_type="other",
        requested=Decimal(1),
        committed=Decimal(0),
        disbursed=Decimal(0),
    )


def _day(text: str) -> date:
    return date.fromisoformat(text)
