"""Cases, work items and journals by the thousand, written straight into a database that is thrown away.

Only what the measured reading looks at is true: hashes are sealed where a chain is verified, and made up elsewhere.
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from osm_flow.cli.benchmarks.bench import OFFICE, USERNAME, BenchOffice
from osm_flow.domain import journal
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.states import CaseStatus, WorkItemStatus
from osm_flow.engine import ENGINE_VERSION
from osm_flow.operations.definitions.library import latest
from osm_flow.store.database import instant_text
from osm_flow.store.models import (
    Candidate,
    Case,
    CaseState,
    JournalPayload,
    JournalRecord,
    ProcessDefinition,
    Project,
    WorkItem,
)

_SECOND = timedelta(seconds=1)
_PROJECT = "P-71-0001"
_IN_TURN = (RecordKind.work_item_completed, RecordKind.work_item_claimed)


def lengthen(session: Session, case_id: str, records: int) -> None:
    """Append so many sealed records to the journal of a case: comments, which leave its state as it is."""
    case = session.get_one(Case, case_id)
    digest = session.scalars(select(CaseState.digest).where(CaseState.case_id == case_id)).one()
    rows, payloads = [], []
    for _ in range(records):
        row, payload = _next_record(case, digest)
        case.seq, case.head, case.head_at = row["seq"], row["hash"], row["at"]
        rows.append(row)
        payloads.append(payload)
    session.execute(insert(JournalRecord), rows)
    session.execute(insert(JournalPayload), payloads)
    session.execute(update(CaseState).where(CaseState.case_id == case_id).values(seq=case.seq))


def _next_record(case: Case, digest: str) -> tuple[dict[str, Any], dict[str, Any]]:
    at, salt = case.head_at + _SECOND, secrets.token_hex(16)
    comment = {"body": f"ความเห็นที่ {case.seq + 1} ของเรื่องนี้"}
    body = journal.canonical({"command": None, "lookups": {}, "data": comment}).decode()
    record = journal.Record(
        case_id=case.id,
        seq=case.seq + 1,
        at=instant_text(at),
        kind=RecordKind.case_commented,
        actor=USERNAME,
        actor_role="osm_strategy",
        on_behalf_of=None,
        element=None,
        task_id=None,
        payload_digest=journal.digest_payload(salt, body),
        definition_key=case.definition.key,
        definition_version=case.definition.version,
        definition_sha256=case.definition.sha256,
        engine_version=ENGINE_VERSION,
        state_digest=digest,
        prev_hash=case.head,
    )
    row = {**vars(record), "at": at, "hash": journal.seal(record)}
    return row, {"case_id": case.id, "seq": record.seq, "salt": salt, "body": body}


def fill(office: BenchOffice, now: datetime, *, cases: int, per_case: int) -> None:
    """So many cases of the rework loop with journals of so many records each, all of them about one project."""
    with office.store.transaction() as session:
        session.add(
            Project(
                code=_PROJECT,
                office_id=OFFICE,
                fiscal_year=2571,
                name_th="โครงการที่วัด",
                agency_th="แขวงทางหลวง",
                budget_type="central",
                requested=Decimal(1),
            )
        )
    for first in range(0, cases, 500):
        with office.store.transaction() as session:
            definition = latest(session, "rework")
            numbers = range(first, min(cases, first + 500))
            rows = [_case(definition, number, now) for number in numbers]
            session.execute(insert(Case), rows)
            session.execute(insert(WorkItem), [row for case in rows for row in _items(case, per_case // 2)])
            session.execute(
                insert(JournalRecord), [row for case in rows for row in _records(case, definition, per_case)]
            )
            session.execute(insert(JournalPayload), [_start_payload(case) for case in rows])


def open_items(office: BenchOffice, now: datetime, *, items: int) -> None:
    """So many work items that anybody in the office's strategy group may claim, in cases of twenty each."""
    with office.store.transaction() as session:
        definition = latest(session, "rework")
        for number in range(-(-items // 20)):
            case = _case(definition, number, now)
            rows = list(_items(case, min(20, items - number * 20), state=WorkItemStatus.READY))
            session.execute(insert(Case), [case])
            session.execute(insert(WorkItem), rows)
            candidates = [{"work_item_id": row["id"], "role": "osm_strategy"} for row in rows]
            session.execute(insert(Candidate), candidates)


def _case(definition: ProcessDefinition, number: int, now: datetime) -> dict[str, Any]:
    id_ = str(uuid.uuid5(uuid.NAMESPACE_OID, f"case {number}"))
    at = now - timedelta(days=number % 300, seconds=number)
    return {
        "id": id_,
        "definition_id": definition.id,
        "business_key": f"BEN-{OFFICE}-2571-{number + 1:06}",
        "title": f"เรื่องที่ {number + 1}",
        "office_id": OFFICE,
        "fiscal_year": 2571,
        "state": CaseStatus.ACTIVE,
        "stage": "drafting",
        "root_case_id": id_,
        "depth": 0,
        "started_by": USERNAME,
        "started_at": at,
        "seq": 1,
        "head": "0" * 64,
        "head_at": at,
        "search": f"เรื่องที่ {number + 1}",
    }


def _items(case: dict[str, Any], count: int, *, state: str = WorkItemStatus.COMPLETED) -> Iterator[dict[str, Any]]:
    for number in range(count):
        at = case["started_at"] + timedelta(minutes=number)
        yield {
            "id": _task(case, number),
            "case_id": case["id"],
            "element": "draft",
            "name_th": "งาน draft",
            "form_key": "progress",
            "state": state,
            "office_id": OFFICE,
            "fiscal_year": 2571,
            "stage": "drafting",
            "priority": 50,
            "due_at": at + timedelta(days=number % 30),
            "search": case["search"],
            "opened_at": at,
            "version": 1,
        }


def _records(case: dict[str, Any], definition: ProcessDefinition, count: int) -> Iterator[dict[str, Any]]:
    """A start, then claim and completion in turn."""
    for number in range(count):
        kind = _IN_TURN[number % 2] if number else RecordKind.case_started
        yield {
            "case_id": case["id"],
            "seq": number + 1,
            "at": case["started_at"] + timedelta(seconds=30 * number),
            "kind": kind,
            "actor": f"person{number % 7}",
            "actor_role": "osm_strategy",
            "on_behalf_of": None,
            "element": "draft" if number else None,
            "task_id": _task(case, (number - 1) // 2) if number else None,
            "payload_digest": "0" * 64,
            "definition_key": definition.key,
            "definition_version": definition.version,
            "definition_sha256": definition.sha256,
            "engine_version": ENGINE_VERSION,
            "state_digest": "0" * 64,
            "prev_hash": "0" * 64,
            "hash": "0" * 64,
        }


def _start_payload(case: dict[str, Any]) -> dict[str, Any]:
    data = {"fy": 2571, "office": OFFICE, "project": {"code": _PROJECT, "name": "โครงการที่วัด"}}
    body = json.dumps({"command": {"type": "start"}, "lookups": {}, "data": data, "about": {}}, ensure_ascii=False)
    return {"case_id": case["id"], "seq": 1, "salt": "0" * 32, "body": body}


def _task(case: dict[str, Any], number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{case['id']} {number}"))
