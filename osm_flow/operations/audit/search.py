"""Searching the records of all cases in the offices that somebody audits: who did what, when, on whose behalf."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, String, and_, exists, func, or_, select, tuple_, type_coerce
from sqlalchemy.orm import Session, joinedload

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.party_answers import answer_in
from osm_flow.domain.access.policy import NotYourRole, Verb, offices_where
from osm_flow.domain.journal import is_as_stated
from osm_flow.domain.json import JSON
from osm_flow.domain.pages import Page
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.search import asked, holds_words, searchable
from osm_flow.errors import Refused
from osm_flow.operations.audit.questions import Question, condition
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.ledger.access_log import AccessKind, Read, record_access
from osm_flow.operations.paging import MOST, Keyset
from osm_flow.operations.people.hats import names_of
from osm_flow.operations.work_items import queries as work_item_queries
from osm_flow.store.database import instant_text
from osm_flow.store.models import Case, JournalPayload, JournalRecord, Person, ProcessDefinition
from osm_flow.store.sensitive_cases import is_open

MOST_EXPORTED = 100_000
_BATCH = 500
# The kinds of act by which a party's answer is written down, and what the payload of such an act holds.
_ANSWERING = (RecordKind.work_item_completed, RecordKind.message_received)
_MARK = '"about":{"answer":{'
_SYSTEM_NAMES = {SYSTEM.username, searchable(SYSTEM.name)}
_NEWEST_FIRST = Keyset(
    (type_coerce(JournalRecord.at, String), True, False),
    (JournalRecord.case_id, True, False),
    (JournalRecord.seq, True, False),
)


class TooMuchToExport(Refused):
    """This finds more than {most} records. Narrow the search before you export it."""


@dataclass(frozen=True)
class Wanted:
    """What is searched for; None does not narrow. `element` is one of `definition_key`; `until` is excluded."""

    who: str | None = None
    on_behalf_of: str | None = None
    kind: str | None = None
    definition_key: str | None = None
    element: str | None = None
    office_id: str | None = None
    fiscal_year: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    question: Question | None = None


@dataclass(frozen=True)
class FoundRecord:
    """A record that was found, with its case and the names that people read."""

    record: JournalRecord
    case: Case
    actor_name: str
    on_behalf_name: str | None
    element_name: str
    subject: str
    answer: JSON | None = None

    @property
    def is_as_stated(self) -> bool:
        """Whether on whose behalf it was done is only what somebody stated then."""
        return is_as_stated(self.record)


def search(
    session: Session, actor: Actor, wanted: Wanted, *, after: str | None = None, limit: int = 50
) -> Page[FoundRecord]:
    """A page of the records found, newest first, with the exact count. Raises NotYourRole, PageKeyUnreadable."""
    conditions = _conditions(session, actor, wanted)
    total = session.scalar(select(func.count()).select_from(JournalRecord).where(*conditions)) or 0
    rows, following = _page(session, conditions, after, max(1, min(limit, MOST))) if total else ([], None)
    return Page(_told(session, rows), following, total)


def export(session: Session, actor: Actor, now: datetime, wanted: Wanted, *, reason: str, details: str) -> int:
    """Record that the actor exports what a search finds, and why; the number of records.

    Raises ExportReasonMissing, TooMuchToExport, NotYourRole.
    """
    conditions = _conditions(session, actor, wanted)
    total = session.scalar(select(func.count()).select_from(JournalRecord).where(*conditions)) or 0
    if total > MOST_EXPORTED:
        raise TooMuchToExport(most=MOST_EXPORTED)
    record_access(session, actor, now, Read(AccessKind.search_exported, f"{total} records", reason, details=details))
    within = select(JournalRecord.case_id).where(*conditions)
    for case in session.scalars(select(Case).where(Case.is_sensitive, Case.id.in_(within)).order_by(Case.id)):
        record_access(session, actor, now, Read(AccessKind.search_exported, case, reason, details=details))
    return total


def everything(session: Session, actor: Actor, wanted: Wanted) -> Iterator[FoundRecord]:
    """All records that a search finds, newest first, a few hundred at a time in memory."""
    conditions = _conditions(session, actor, wanted)
    after: str | None = None
    while True:
        rows, after = _page(session, conditions, after, _BATCH)
        yield from _told(session, rows)
        session.expunge_all()
        if after is None:
            return


def audited_offices(actor: Actor) -> tuple[str, ...]:
    """The offices whose history the actor may search. Raises NotYourRole when there is none."""
    offices = offices_where(actor, Verb.see_audit)
    if not offices:
        raise NotYourRole
    return offices


def audited_years(session: Session, actor: Actor) -> list[int]:
    """The fiscal years that have cases, newest first."""
    years = select(Case.fiscal_year).where(Case.office_id.in_(audited_offices(actor)), is_open(actor)).distinct()
    return sorted(session.scalars(years), reverse=True)


def searched_elements(session: Session) -> list[tuple[ProcessDefinition, list[tuple[str, str]]]]:
    """The user tasks that can be searched for, by process: element and name, of the newest version."""
    newest: dict[str, ProcessDefinition] = {}
    for definition in session.scalars(
        select(ProcessDefinition).order_by(ProcessDefinition.key, ProcessDefinition.version)
    ):
        newest[definition.key] = definition
    tasks = []
    for definition in newest.values():
        elements = compiled(session, definition).elements.values()
        tasks.append(
            (
                definition,
                [(element.id, element.name) for element in elements if element.name and element.type.endswith("Task")],
            )
        )
    return [(definition, elements) for definition, elements in tasks if elements]


def _page(
    session: Session, conditions: Sequence[ColumnElement[bool]], after: str | None, limit: int
) -> tuple[list[JournalRecord], str | None]:
    query = select(JournalRecord).where(*conditions)
    if after:
        query = query.where(_NEWEST_FIRST.after(after))
    rows = list(session.scalars(query.order_by(*_NEWEST_FIRST.order()).limit(limit + 1)))
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], _NEWEST_FIRST.key_of([instant_text(last.at), last.case_id, last.seq])


def _told(session: Session, rows: Sequence[JournalRecord]) -> list[FoundRecord]:
    ids = {row.case_id for row in rows}
    query = select(Case).where(Case.id.in_(ids)).options(joinedload(Case.definition, innerjoin=True))
    cases = {case.id: case for case in session.scalars(query)} if ids else {}
    names = names_of(session, {name for row in rows for name in (row.actor, row.on_behalf_of) if name})
    answers = _answers(session, rows)
    subjects = work_item_queries.subjects_of(session, [row.task_id for row in rows if row.task_id])
    results = []
    for row in rows:
        case = cases[row.case_id]
        element = compiled(session, case.definition).elements.get(row.element or "")
        behalf = names.get(row.on_behalf_of, row.on_behalf_of) if row.on_behalf_of else None
        name = element.name if element else ""
        subject = subjects.get(row.task_id or "", "")
        who, answer = names.get(row.actor, row.actor), answers.get((row.case_id, row.seq))
        results.append(FoundRecord(row, case, who, behalf, name, subject, answer))
    return results


def _answers(session: Session, rows: Sequence[JournalRecord]) -> dict[tuple[str, int], JSON]:
    """The answers of parties outside that these records wrote down, by case and number."""
    may_be = [(row.case_id, row.seq) for row in rows if row.kind in _ANSWERING]
    query = select(JournalPayload.case_id, JournalPayload.seq, JournalPayload.body)
    query = query.where(
        tuple_(JournalPayload.case_id, JournalPayload.seq).in_(may_be), JournalPayload.body.contains(_MARK)
    )
    found = session.execute(query).all() if may_be else []
    return {(case_id, seq): answer for case_id, seq, body in found if (answer := answer_in(json.loads(body)))}


# ---- conditions ------------------------------------------------------------------------------------------------


def _conditions(session: Session, actor: Actor, wanted: Wanted) -> list[ColumnElement[bool]]:
    """Each as a test of one record, so that the index that gives the order can also end the reading early."""
    offices = audited_offices(actor)
    if wanted.office_id is not None:
        offices = tuple(office for office in offices if office == wanted.office_id)
    of_case = [Case.id == JournalRecord.case_id, Case.office_id.in_(offices), is_open(actor)]
    if wanted.fiscal_year is not None:
        of_case.append(Case.fiscal_year == wanted.fiscal_year)
    conditions: list[ColumnElement[bool]] = [exists().where(*of_case)]
    for column, value in (
        (JournalRecord.kind, wanted.kind),
        (JournalRecord.definition_key, wanted.definition_key),
        (JournalRecord.element, wanted.element),
    ):
        if value is not None:
            conditions.append(column == value)
    if wanted.since is not None:
        conditions.append(JournalRecord.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(JournalRecord.at < wanted.until)
    if wanted.who:
        conditions.append(JournalRecord.actor.in_(_usernames(session, wanted.who)))
    if wanted.on_behalf_of:
        conditions.append(_for_whom(session, wanted.on_behalf_of))
    conditions += _holds_text(session, wanted.text)
    if wanted.question is not None:
        conditions.append(condition(session, wanted.question))
    return conditions


def _usernames(session: Session, typed: str) -> list[str]:
    """Whoever is meant: a user name, or everybody whose name has this in it."""
    people = session.execute(select(Person.username, Person.display_name)).all()
    usernames = {username for username, name in people if username == typed.strip() or holds_words(name, typed)}
    if searchable(typed) in _SYSTEM_NAMES:
        usernames.add(SYSTEM.username)
    return sorted(usernames)


def _for_whom(session: Session, typed: str) -> ColumnElement[bool]:
    named = session.scalars(
        select(JournalRecord.on_behalf_of).where(JournalRecord.on_behalf_of.is_not(None)).distinct()
    )
    parties = [name for name in named if name and holds_words(name, typed)]
    # A party's answer lies in the payload of the recorder's own act, and among its searched words.
    answered = and_(JournalRecord.kind.in_(_ANSWERING), JournalRecord.payload.has(JournalPayload.body.contains(_MARK)))
    answers = and_(answered, *_holds_text(session, typed))
    return or_(JournalRecord.on_behalf_of.in_([*_usernames(session, typed), *parties]), answers)


def _holds_text(session: Session, typed: str | None) -> list[ColumnElement[bool]]:
    """Every word, as a part of what was typed: Thai has no spaces, so any shorter or longer match would be a guess."""
    spellings = asked(typed)
    if not spellings:
        return []
    # Both databases find a part of a text faster so than by a pattern.
    place = func.strpos if session.get_bind().dialect.name == "postgresql" else func.instr
    found = (and_(*(place(JournalPayload.search, word) > 0 for word in words.split())) for words in spellings)
    return [JournalRecord.payload.has(or_(*found))]
