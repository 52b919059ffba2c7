"""Comparing the rows of cases with their journals, one case after another: memory stays that of one family of cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.states import CaseStatus, WorkItemStatus
from osm_flow.operations.comparing.course import Course
from osm_flow.operations.comparing.differences import (
    NotRecorded,
    OneOf,
    Row,
    RowDifference,
    compare_keyed,
    compare_listed,
    compare_row,
    fits,
    missing,
    plain_rows,
    shown,
    unrecorded,
)
from osm_flow.operations.comparing.known import Asked, Known, read_known
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.ledger.access_log import AccessKind
from osm_flow.operations.ledger.case_journal import payload_of
from osm_flow.operations.replay.history import history_of
from osm_flow.store import file_store
from osm_flow.store.database import db
from osm_flow.store.models import Case, JournalRecord

_PEOPLE = ("assignee_id", "owner_id", "completed_by_id", "person_id", "proposed_by_id", "for_person_id")


def compare_cases(
    session: Session, not_recorded: Callable[[NotRecorded], object] = lambda _: None
) -> Iterator[RowDifference]:
    """The differences between every case's rows and its journal; parents come before their children.

    not_recorded  is told of what an earlier version did not write into a journal: it is taken as it is found.
    """
    for _, differences in compare_each(session, not_recorded):
        yield from differences


def compare_each(
    session: Session, not_recorded: Callable[[NotRecorded], object] = lambda _: None
) -> Iterator[tuple[str, list[RowDifference]]]:
    """As `compare_cases`, for each case by itself."""
    known = read_known(session)
    asked: dict[str, Asked] = {}
    root = ""
    order = select(Case.id, Case.root_case_id).order_by(Case.root_case_id, Case.depth, Case.started_at, Case.id)
    for case_id, root_id in session.execute(order).all():
        if root_id != root:
            root, asked = root_id, {}
        yield case_id, _differences(session, known, case_id, asked, not_recorded)
        session.expunge_all()
    orphans = select(JournalRecord.case_id).where(JournalRecord.case_id.not_in(select(Case.id))).distinct()
    for case_id in session.scalars(orphans):
        yield case_id, [RowDifference("cases", case_id, "", "1", "")]


def compare_case(session: Session, known: Known, case_id: str) -> list[RowDifference]:
    """The differences of one case as the database has it now; the session forgets what it had loaded."""
    session.expunge_all()
    return _differences(session, known, case_id, {})


def _differences(
    session: Session,
    known: Known,
    case_id: str,
    asked: dict[str, Asked],
    not_recorded: Callable[[NotRecorded], object] = lambda _: None,
) -> list[RowDifference]:
    try:
        return list(_compare_case(session, known, case_id, asked, not_recorded))
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        # SQLite keeps whatever a forger writes into a column, numbers that are texts included.
        return [RowDifference("cases", case_id, "(row)", "?", f"unreadable: {error}")]


def _compare_case(
    session: Session,
    known: Known,
    case_id: str,
    asked: dict[str, Asked],
    not_recorded: Callable[[NotRecorded], object],
) -> Iterator[RowDifference]:
    found = _rows(session, "cases", "id", case_id)[0]
    if found["definition_id"] not in known.definitions:
        named = select(JournalRecord.definition_key, JournalRecord.definition_version, JournalRecord.definition_sha256)
        recorded = session.execute(named.where(JournalRecord.case_id == case_id).limit(1)).first() or ()
        recorded_as = " ".join(map(str, recorded))
        yield RowDifference("cases", case_id, "definition_id", recorded_as, shown(found["definition_id"]))
        return
    course = _followed(session, known, case_id, asked)
    if not course.history.chain:
        yield RowDifference("cases", case_id, "", "", "1")
        return
    for table, row_id, column in course.not_recorded:
        not_recorded(NotRecorded(table, row_id, None, column))
    if course.stopped is not None and course.stopped.details.get("code"):
        place = f"{case_id}/{course.stopped.seq}"
        yield RowDifference("journal_records", place, "state_digest", "?", course.stopped.reason)
    if course.stopped is not None and not course.stopped.details.get("code"):
        left = f"(what followed record {course.stopped.seq})"
        not_recorded(NotRecorded("cases", case_id, None, left, "not proven since an erasure"))
    definition = known.definitions.get(found["definition_id"])
    row = {**found, "definition_id": " ".join(map(str, definition or ()))}
    yield from compare_row("cases", case_id, _known_columns(course), row)
    yield from _compare_words(session, known, course, case_id)
    yield from _compare_sensitive(session, known, course, case_id)
    yield from _compare_waiting(session, known, course, case_id)


def _followed(session: Session, known: Known, case_id: str, asked: dict[str, Asked]) -> Course:
    """The case followed through its journal; its parent before it, whatever its row says of that."""
    case = session.get_one(Case, case_id)
    history = history_of(session, case)
    first = history.payloads.get(1)
    about = payload_of(first.body).get("about") if first is not None else {"parent_case_id": case.parent_case_id}
    parent_id = about.get("parent_case_id") if isinstance(about, dict) else None
    if parent_id and parent_id not in asked and parent_id != case_id:
        parent = session.get(Case, parent_id)
        if parent is not None and parent.definition_id in known.definitions:
            _followed(session, known, parent_id, asked)
    course = Course(known, history, compiled(session, case.definition), asked.get(parent_id or ""), case.province_id)
    course.follow()
    asked[case_id] = course.asked()
    return course


def _known_columns(course: Course) -> Row:
    """What the case must say; where the replay stops at an erasure, what its records say by themselves of how it ended.

    Only cases that have ended lose what was typed: it was cancelled by a record, or ended with one of them.
    """
    if course.stopped is None:
        return course.case
    unknown = ("state", "outcome", "stage", "ended_at")
    case = {name: value for name, value in course.case.items() if name not in unknown}
    if course.stopped.details.get("code"):
        return case
    cancelled = [record.at for record, _ in course.history.chain if record.kind == RecordKind.case_cancelled]
    if cancelled:
        return {**case, "state": CaseStatus.CANCELLED.value, "ended_at": cancelled[-1]}
    instants = tuple(record.at for record, _ in course.history.chain)
    return {**case, "state": CaseStatus.COMPLETED.value, "ended_at": OneOf(instants)}


def _compare_words(session: Session, known: Known, course: Course, case_id: str) -> Iterator[RowDifference]:
    yield from compare_listed(
        "comments", case_id, course.comments, _named(known, _rows(session, "comments", "case_id", case_id))
    )
    files = _named(known, _rows(session, "attachments", "case_id", case_id, "content"))
    yield from compare_listed(
        "attachments", case_id, course.attachments, [{**row, "content": _content(session, row)} for row in files]
    )
    payloads = db.metadata.tables["journal_payloads"]
    query = select(payloads.c.seq, payloads.c.search).where(payloads.c.case_id == case_id)
    found = {(case_id, seq): _searched(case_id, seq, search) for seq, search in session.execute(query)}
    wanted = {(case_id, seq): _searched(case_id, seq, search) for seq, search in course.searched.items()}
    yield from compare_keyed("journal_payloads", wanted, found)


def _compare_sensitive(session: Session, known: Known, course: Course, case_id: str) -> Iterator[RowDifference]:
    """Who is named on the case, proposals to take its mark off, holds on it, and auditors who said why they open it."""
    if course.readers is not None:
        named = _named(known, _rows(session, "case_readers", "case_id", case_id))
        yield from compare_keyed("case_readers", course.readers, {(case_id, row["person_id"]): row for row in named})
    proposals = _named(known, _rows(session, "unmark_proposals", "case_id", case_id))
    yield from compare_keyed(
        "unmark_proposals", course.proposals, _once_each(((case_id, row["seq"]), row) for row in proposals)
    )
    holds = _named(known, _rows(session, "legal_holds", "case_id", case_id))
    named_holds = ((str(row["id"]) if row["lifts_id"] is None else f"lift of {row['lifts_id']}", row) for row in holds)
    yield from compare_keyed("legal_holds", course.holds, _once_each(named_holds))
    yield from _compare_openings(session, known, case_id)


def _compare_openings(session: Session, known: Known, case_id: str) -> Iterator[RowDifference]:
    """Each opening by an auditor stands in the chain of reads with its reason, for as long as reads are kept."""
    reads = _rows(session, "accesses", "case_id", case_id)
    why = [row for row in reads if row["kind"] == AccessKind.case_explained and row["at"] >= known.reads_since]
    wanted = [{"case_id": case_id, "person_id": row["actor"], "at": row["at"]} for row in why]
    openings = _named(known, _rows(session, "sensitive_openings", "case_id", case_id))
    yield from compare_listed(
        "sensitive_openings", case_id, wanted, [row for row in openings if row["at"] >= known.reads_since]
    )


def _once_each(rows: Iterable[tuple[Any, Row]]) -> dict[Any, Row]:
    """The rows by what names them; a second one of the same name has a name of its own, which nothing records."""
    found: dict[Any, Row] = {}
    for name, row in rows:
        found[name if name not in found else f"{name} (2, {row['id']})"] = row
    return found


def _compare_waiting(session: Session, known: Known, course: Course, case_id: str) -> Iterator[RowDifference]:
    items = {row["id"]: row for row in _named(known, _rows(session, "work_items", "case_id", case_id))}
    if course.stopped is not None:
        yield from _compare_after_stop(course, items)
        if not course.stopped.details.get("code"):
            yield from _compare_ended(session, course, case_id, items)
        return
    yield from compare_keyed("work_items", course.work_items, items)
    candidates = db.metadata.tables["candidates"]
    query = plain_rows(candidates).where(candidates.c.work_item_id.in_([*{**items, **course.candidates}]))
    found: dict[str, list[Row]] = {}
    for row in _named(known, [dict(row) for row in session.execute(query).mappings()]):
        found.setdefault(row["work_item_id"], []).append(row)
    for task_id in {**course.candidates, **found}:
        yield from compare_listed("candidates", task_id, course.candidates.get(task_id, []), found.get(task_id, []))
    for table, wanted in (
        ("timers", course.timers),
        ("waiting_messages", course.messages),
        ("service_jobs", course.services),
    ):
        rows = {row["task_id"]: row for row in _rows(session, table, "case_id", case_id)}
        yield from compare_keyed(table, wanted, rows)
    visits = {(case_id, row["element"]): row for row in _rows(session, "element_visits", "case_id", case_id)}
    passed = {
        (case_id, element): {"case_id": case_id, "element": element, "visits": times}
        for element, times in course.visits.items()
    }
    yield from compare_keyed("element_visits", passed, visits)


def _compare_after_stop(course: Course, items: Mapping[str, Row]) -> Iterator[RowDifference]:
    """Where an erasure ends the replay, what the records themselves say of each work item still holds."""
    for task_id, item in course.work_items.items():
        if task_id not in items:
            yield missing("work_items", task_id, item)
        elif item.get("completed_by_id") is not None:
            yield from compare_row("work_items", task_id, item, items[task_id])


def _compare_ended(session: Session, course: Course, case_id: str, items: Mapping[str, Row]) -> Iterator[RowDifference]:
    """A case that has ended waits for nothing, and whatever was completed in it has its record."""
    for table in ("timers", "waiting_messages", "service_jobs"):
        yield from compare_keyed(table, {}, {row["task_id"]: row for row in _rows(session, table, "case_id", case_id)})
    ended = OneOf((WorkItemStatus.COMPLETED.value, WorkItemStatus.CANCELLED.value))
    for task_id, item in items.items():
        if task_id not in course.work_items and item["state"] == WorkItemStatus.COMPLETED:
            yield unrecorded("work_items", task_id, item)
        elif not fits(ended, item["state"]):
            yield from compare_row("work_items", task_id, {"state": ended}, item)


def _rows(session: Session, table: str, column: str, value: str, *but: str) -> list[dict[str, Any]]:
    found: Table = db.metadata.tables[table]
    query = plain_rows(found, *but).where(found.c[column] == value).order_by(*found.primary_key.columns)
    return [dict(row) for row in session.execute(query).mappings()]


def _content(session: Session, row: Row) -> str:
    """The digest of a file, from wherever it lies; one file at a time is in memory."""
    files = db.metadata.tables["attachments"]
    content = session.execute(select(files.c.content).where(files.c.id == row["id"])).scalar()
    if row["file"] is not None and content == b"":
        digest = file_store.found(session, row["file"])
        return shown(None) if digest is None else f"sha256:{digest}"
    return f"sha256:{sha256(content).hexdigest()}" if isinstance(content, bytes) else shown(content)


def _searched(case_id: str, seq: int, text: Any) -> Row:
    return {"case_id": case_id, "seq": seq, "search": _lines(text)}


def _lines(text: Any) -> Any:
    """The lines of a text that is searched, in one order: they were written in that in which a form was filled in."""
    return "\n".join(sorted(set(text.split("\n")))) if isinstance(text, str) else text


def _named(known: Known, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with user names in the place of the numbers of accounts."""
    return [{name: known.name_of(value) if name in _PEOPLE else value for name, value in row.items()} for row in rows]
