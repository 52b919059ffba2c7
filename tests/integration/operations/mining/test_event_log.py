"""Logs for process mining say what the journal says: counted by SQL on one side and in the files on the other."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import delete, func, select, text

from osm_flow.documents.event_logs import LOG_FORMS
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.errors import NotFound
from osm_flow.operations.audit.log import make_checkpoint
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.background.delivery import deliver_pending
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.ledger.access_log import ExportReasonMissing
from osm_flow.operations.mining import event_log
from osm_flow.operations.privacy.pseudonyms import pseudonyms
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Access, Case, JournalPayload, JournalRecord, Project, WorkItem
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, items_of, later, make_acting, make_case, make_office, make_person
from tests.schemas import ocel as ocel_rules
from tests.schemas import xes as xes_rules

X = {"x": "http://www.xes-standard.org/"}
NAMING = pseudonyms(bytes(32))


@pytest.fixture
def worked(store: Store) -> Store:
    """Three cases in two offices: one worked through by two people, one that calls a child, one only begun."""
    with store.transaction() as session:
        make_office(session)
        make_office(session, "NE-U2", {})
        deploy_tests(session, "review", "caller", "callee")
        anan, boss = make_person(session, "anan", "osm_strategy"), make_person(session, "boss")
        boss = make_acting(session, boss, make_person(session, "governor", "osm_director"), "osm_director")
        session.add(
            Project(
                code="P-71-001",
                office_id="NE-U1",
                fiscal_year=2571,
                name_th="ถนน",
                agency_th="แขวงทางหลวง",
                budget_type="central",
                requested=Decimal(1),
            )
        )
        case = make_case(session, data={"project": {"code": "P-71-001"}, "other": {"code": "P-71-999"}})
        draft = items_of(session, case)[0]
        work_items.claim(session, draft.id, anan, NOW)
        complete(session, draft.id, anan, NOW, Completion.of({"text": "ความลับ"}, "k1"))
        check = items_of(session, case)[0]
        comment(session, case.id, boss, later(), body="ความเห็นลับ", key="c1")
        complete(
            session,
            check.id,
            boss,
            NOW,
            Completion.of({"approved": True, "reason": "1"}, "k2"),
        )
        make_case(session, "caller", title="แม่")
        make_case(session, office_id="NE-U2", title="อีกสำนักงาน")
    return store


def xes_of(store: Store, **scope: Any) -> Any:
    with store.reading() as session:
        found = event_log.scope_for(session, SYSTEM, **scope)
        with TemporaryDirectory() as folder:
            path = Path(folder) / "log"
            counts = event_log.write(session, found, path, format_="xes", naming=NAMING)
            written = path.read_bytes()
    tree = etree.fromstring(written)
    assert xes_rules.problems_of(written) == []
    assert counts == event_log.Counts(len(tree.findall("x:trace", X)), len(tree.findall("x:trace/x:event", X)))
    return tree


def ocel_of(store: Store, naming: Any = NAMING, **scope: Any) -> dict[str, Any]:
    with store.reading() as session, TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        event_log.write(session, event_log.scope_for(session, SYSTEM, **scope), path, format_="json", naming=naming)
        log: dict[str, Any] = json.loads(path.read_bytes())
    assert ocel_rules.problems_of(log) == []
    return log


def count(store: Store, *what: Any) -> int:
    with store.reading() as session:
        return session.scalar(select(func.count()).select_from(*what)) or 0


def of_type(log: dict[str, Any], type_: str) -> list[dict[str, Any]]:
    return [one for one in log["objects"] if one["type"] == type_]


def test_every_record_is_an_event_and_every_case_a_trace(worked: Store) -> None:
    tree = xes_of(worked)

    assert len(tree.findall("x:trace", X)) == count(worked, Case)
    assert len(tree.findall("x:trace/x:event", X)) == count(worked, JournalRecord)
    times = [[at.get("value") for at in trace.findall("x:event/x:date", X)] for trace in tree.findall("x:trace", X)]
    assert all(of_case == sorted(of_case) for of_case in times)


def test_objects_are_what_the_tables_hold(worked: Store) -> None:
    log = ocel_of(worked)

    assert len(log["events"]) == count(worked, JournalRecord)
    assert len(of_type(log, "case")) == count(worked, Case)
    touched = select(JournalRecord.task_id).join(WorkItem, WorkItem.id == JournalRecord.task_id).distinct().subquery()
    assert len(of_type(log, "work_item")) == count(worked, touched)
    assert [one["id"] for one in of_type(log, "project")] == ["project:P-71-001"]


def test_an_event_says_what_it_has_to_do_with_each_object(worked: Store) -> None:
    log = ocel_of(worked)
    done = [event for event in log["events"] if event["type"] in ("ร่างแผน", "ตรวจร่าง")]

    said = [
        {link["objectId"].partition(":")[0]: link["qualifier"] for link in event["relationships"]} for event in done
    ]

    assert said[0] == {"case": "belongs to", "work_item": "completes", "person": "performed by", "document": "writes"}
    assert said[1] | {"person": ""} == {
        "case": "belongs to",
        "work_item": "completes",
        "person": "",
        "document": "decides on",
    }
    people = [link["qualifier"] for link in done[1]["relationships"] if link["objectId"].startswith("person:")]
    assert people == ["performed by", "performed for"]


def test_a_child_is_linked_to_the_case_that_called_it_when_both_are_in_the_log(worked: Store) -> None:
    with worked.reading() as session:
        caller = session.scalars(select(Case.id).where(Case.title == "แม่")).one()
    deliver_pending(worked, NOW, caller)

    child = next(one for one in of_type(ocel_of(worked), "case") if one["relationships"])
    alone = ocel_of(worked, definition_key="callee")

    assert child["relationships"] == [{"objectId": f"case:{caller}", "qualifier": "called by"}]
    assert [one["relationships"] for one in of_type(alone, "case")] == [[]]


def test_people_are_pseudonyms_unless_names_are_asked_for(worked: Store) -> None:
    hidden, named = json.dumps(ocel_of(worked)), json.dumps(ocel_of(worked, naming=None))

    assert not any(name in hidden for name in ("anan", "boss", "governor"))
    assert all(name in named for name in ("anan", "boss", "governor"))
    assert NAMING("anan") in hidden
    assert '"system"' in hidden


def test_what_was_typed_is_in_no_log(worked: Store) -> None:
    everything = json.dumps(ocel_of(worked, naming=None), ensure_ascii=False) + etree.tostring(
        xes_of(worked), encoding="unicode"
    )

    assert "ลับ" not in everything


def test_a_log_may_be_of_one_office_one_process_or_a_period(worked: Store) -> None:
    assert len(xes_of(worked, office_id="NE-U2").findall("x:trace", X)) == 1
    assert len(xes_of(worked, definition_key="caller").findall("x:trace", X)) == 1
    assert len(xes_of(worked, last=date(2026, 11, 19)).findall("x:trace", X)) == 0
    assert len(xes_of(worked, first=date(2026, 11, 20), last=date(2026, 11, 20)).findall("x:trace", X)) == 3


def test_days_are_those_of_bangkok(worked: Store) -> None:
    with worked.reading() as session:
        scope = event_log.scope_for(session, SYSTEM, first=date(2026, 11, 20), last=date(2026, 11, 20))

    assert (str(scope.start), str(scope.end)) == ("2026-11-20 00:00:00+07:00", "2026-11-21 00:00:00+07:00")


def test_an_erased_payload_leaves_the_event(worked: Store) -> None:
    with worked.transaction() as session:
        erasing = "DROP TRIGGER IF EXISTS refuse_delete_of_journal_payloads"
        session.execute(text(erasing if worked.dialect == "sqlite" else f"{erasing} ON journal_payloads"))
        session.execute(delete(JournalPayload))

    log = ocel_of(worked)

    assert len(log["events"]) == count(worked, JournalRecord)
    assert of_type(log, "project") == []


def test_memory_does_not_depend_on_pages(worked: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same log, however few cases and records are read at once."""
    whole = ocel_of(worked)
    monkeypatch.setattr(event_log, "_CASES_AT_ONCE", 1)
    monkeypatch.setattr(event_log, "_PAYLOADS_AT_ONCE", 1)

    assert ocel_of(worked) == whole


def test_both_forms_of_ocel_and_the_file_of_xes_are_written(worked: Store, tmp_path: Path) -> None:
    with worked.reading() as session:
        scope = event_log.scope_for(session, SYSTEM)
        counts = {
            name: event_log.write(session, scope, tmp_path / f"log.{form.ending}", format_=name, naming=NAMING)
            for name, form in LOG_FORMS.items()
        }

    assert ocel_rules.problems_of_database(tmp_path / "log.sqlite") == []
    assert counts["json"] == counts["sqlite"]
    assert {one.events for one in counts.values()} == {count(worked, JournalRecord)}


def test_what_is_wrong_with_a_scope_is_said(worked: Store) -> None:
    with worked.reading() as session:
        for wrong in ({"office_id": "XX"}, {"definition_key": "nothing"}):
            with pytest.raises(event_log.NothingToMine):
                event_log.scope_for(session, SYSTEM, **wrong)  # type: ignore[arg-type]
        with pytest.raises(event_log.PeriodBackwards):
            event_log.scope_for(session, SYSTEM, first=date(2026, 11, 20), last=date(2026, 11, 19))


def test_only_who_oversees_an_office_takes_its_log_out(worked: Store) -> None:
    with worked.transaction() as session:
        staff, head = make_person(session, "staff", "osm_strategy"), make_person(session, "head", "osm_director")
        with pytest.raises(NotYourRole):
            event_log.scope_for(session, staff, office_id="NE-U1")
        with pytest.raises(NotFound):
            event_log.scope_for(session, head, office_id="NE-U2")
        assert event_log.scope_for(session, head).offices == ("NE-U1",)
        assert event_log.scope_for(session, staff).offices == ()


def test_who_took_what_out_and_why_is_recorded(worked: Store) -> None:
    with worked.transaction() as session:
        scope = event_log.scope_for(session, SYSTEM, office_id="NE-U1", last=date(2026, 11, 19))
        with pytest.raises(ExportReasonMissing):
            event_log.prepare(session, scope, SYSTEM, NOW, format_="xes", reason="  ", names=False)
        event_log.prepare(session, scope, SYSTEM, NOW, format_="xes", reason="ทบทวน", names=False)
        read = session.scalars(select(Access)).one()

    assert (read.actor, read.kind, read.reason) == ("system", "mining.exported", "ทบทวน")
    assert read.subject == (
        "format: xes, people: pseudonyms, offices: NE-U1, process: *, from: *, until: 2026-11-19T17:00:00.000000Z"
    )


def test_a_file_names_the_newest_checkpoint(worked: Store, tmp_path: Path) -> None:
    with worked.transaction() as session:
        keyring = Keyring(tmp_path, "osm-flow.example/tests")
        made = make_checkpoint(session, NOW, SYSTEM, keyring=keyring)
    with worked.reading() as session:
        event_log.write(session, event_log.scope_for(session, SYSTEM), tmp_path / "log", format_="json", naming=NAMING)

    assert json.loads((tmp_path / "log").read_bytes())["log"]["checkpoint"] == made.note
