"""How long ended cases are kept, and legal holds on cases and people."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, aliased, joinedload

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import (
    OfficeFacts,
    SystemFacts,
    Verb,
    is_everywhere,
    offices_where,
    require,
    require_somewhere,
)
from osm_flow.domain.acts import Act
from osm_flow.domain.books.sealing import BookName, read_name
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.retention import ORDINARY, Retention, RetentionUnknown, retention_of
from osm_flow.domain.states import OPEN_CASE
from osm_flow.errors import NotFound, Refused
from osm_flow.operations.books.acts import lock_book
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.imports.acts import entries_of
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind, record
from osm_flow.operations.people.accounts import offices_of, only_of, require_for_person
from osm_flow.operations.people.hats import person_by_username
from osm_flow.operations.privacy.book_texts import BookText, TextName
from osm_flow.operations.reasons import said
from osm_flow.operations.stepping import step as stepping
from osm_flow.store.models import Book, Case, ImportFile, JournalRecord, LegalHold, Person, RecordChange
from osm_flow.store.sensitive_cases import EVERYTHING, closed_among, is_open
from osm_flow.store.session import lock_case

NEVER_ERASED = (RecordKind.payloads_erased, RecordKind.case_held, RecordKind.case_hold_lifted)


class HoldNotFound(NotFound):
    """There is no such hold, or it was lifted already."""


class RecordToHoldUnknown(NotFound):
    """There is no book and no record of this name here."""


class HeldByLaw(Refused):
    """A legal hold forbids to erase this; an administrator must lift it first."""


@dataclass(frozen=True)
class Due:
    """An ended case, or records of some of its elements, whose retention is over: since when, what is to be done."""

    case: Case
    retention: Retention
    since: date
    is_held: bool
    elements: tuple[str, ...] = ()


class Held(NamedTuple):
    """A legal hold with the case or the person that it holds; of a case that is closed to the reader, its number alone.

    Of one in books, the row itself names the book and perhaps the record.
    """

    row: LegalHold
    case: Case | None
    person: Person | None
    number: str | None = None


# ---- classes ---------------------------------------------------------------------------------------------------


def retention_of_case(session: Session, case: Case) -> Retention:
    """The retention class of the case's process; ordinary when the diagram spells none that is known."""
    try:
        return retention_of(compiled(session, case.definition).properties.get("retention"))
    except RetentionUnknown:
        return ORDINARY


def kept_until(session: Session, case: Case) -> date | None:
    """The first day on which the ended case need not be kept any more; None while it runs or for ever."""
    return None if case.ended_at is None else retention_of_case(session, case).ends_on(local_day(case.ended_at))


def shorter_lived(session: Session, case: Case) -> dict[Retention, tuple[str, ...]]:
    """The elements whose records have a retention class of their own, as lists of who attended have."""
    by_class: dict[Retention, list[str]] = {}
    for element in compiled(session, case.definition).elements.values():
        with suppress(RetentionUnknown):
            if text := element.properties.get("retention"):
                by_class.setdefault(retention_of(text), []).append(element.id)
    return {retention: tuple(sorted(elements)) for retention, elements in by_class.items()}


def due_cases(session: Session, actor: Actor, now: datetime, *, limit: int = 200) -> list[Due]:
    """The ended cases that are kept longer than their class asks and still have payloads, longest overdue first."""
    offices = {*offices_where(actor, Verb.see_audit), *offices_where(actor, Verb.erase)}
    if not offices:
        require(actor, Verb.see_audit, SystemFacts())
    today = local_day(now)
    wanted = select(Case).where(Case.state.not_in(OPEN_CASE), Case.ended_at.is_not(None), erasable(Case.id).exists())
    if not actor.is_system:
        wanted = wanted.where(Case.office_id.in_(offices), is_open(actor))
    due: list[Due] = []
    for case in session.scalars(wanted.options(joinedload(Case.definition)).order_by(Case.ended_at, Case.id)):
        due += _due_of(session, case, today)
        if len(due) >= limit:
            break
    return due


def _due_of(session: Session, case: Case, today: date) -> Iterator[Due]:
    is_held = hold_on(session, case) is not None
    since = kept_until(session, case)
    if since is not None and since <= today:
        yield Due(case, retention_of_case(session, case), since, is_held)
        return
    for retention, elements in shorter_lived(session, case).items():
        since = retention.ends_on(local_day(case.ended_at)) if case.ended_at else None
        if since is not None and since <= today:
            there = erasable(case.id).where(JournalRecord.element.in_(elements))
            if session.scalar(there.limit(1)) is not None:
                yield Due(case, retention, since, is_held, elements)


def erasable(case_id: Any) -> Select[int]:
    """The records of the case whose payload may be erased; the record of an erasure never."""
    query = select(JournalRecord.seq).join(JournalRecord.payload)
    return query.where(JournalRecord.case_id == case_id, JournalRecord.kind.not_in(NEVER_ERASED))


# ---- holds -----------------------------------------------------------------------------------------------------


def hold_case(session: Session, case_id: str, actor: Actor, now: datetime, *, reason: str) -> LegalHold:
    """Put a legal hold on a case until it is lifted. Raises CaseNotFound, NotYourRole, ReasonMissing."""
    case = lock_case(session, case_id)
    # By its number alone: a hold keeps what is there and shows nothing of it, so a closed case can be held, too.
    decision = require(actor, Verb.hold, OfficeFacts(case.office_id))
    hold = _add(session, LegalHold(case_id=case_id, reason=said(reason), actor=actor.username, at=now))
    act = Act(RecordKind.case_held, role=decision.role)
    stepping.note(session, case, actor, now, act, {"hold": hold.id, "reason": hold.reason})
    return hold


def hold_person(session: Session, username: str, actor: Actor, now: datetime, *, reason: str) -> LegalHold:
    """Put a legal hold on every record that a person made, in every case. Raises PersonNotFound, NotYourRole."""
    person = person_by_username(session, username)
    require_for_person(session, person, actor, Verb.hold)
    hold = _add(session, LegalHold(person_id=person.id, reason=said(reason), actor=actor.username, at=now))
    new = {"hold": hold.id, "reason": hold.reason}
    record(session, actor, now, AdminAct(AdminKind.person_held, person.username, _office_of(session, person), new=new))
    return hold


def hold_in_books(
    session: Session, place: tuple[str, str | None], actor: Actor, now: datetime, *, reason: str
) -> LegalHold:
    """Put a legal hold on a book, or on one record in it, until it is lifted. Raises RecordToHoldUnknown, NotYourRole."""
    name, record_id = place
    book = session.scalars(select(Book).where(Book.name == name)).one_or_none() if read_name(name) else None
    if book is None or (book.office_id not in actor.office_ids and not actor.is_system):
        raise RecordToHoldUnknown
    require(actor, Verb.hold, OfficeFacts(book.office_id))
    of_record = select(RecordChange.seq).where(RecordChange.book_id == book.id, RecordChange.record_id == record_id)
    if record_id is not None and session.scalar(of_record.limit(1)) is None:
        raise RecordToHoldUnknown
    # Whoever erases from the book meanwhile has it locked: the hold comes before that, or after it.
    lock_book(session, BookName(book.kind, book.office_id, book.year))
    row = LegalHold(book=name, record_id=record_id, reason=said(reason), actor=actor.username, at=now)
    hold = _add(session, row)
    new = {"hold": hold.id, "reason": hold.reason}
    record(session, actor, now, AdminAct(AdminKind.record_held, _spelled(hold), book.office_id, new=new))
    return hold


def place_named(session: Session, named: str) -> tuple[str, str | None]:
    """The book of this name, or the record of this code with its book. Raises RecordToHoldUnknown."""
    if read_name(named) is not None:
        return named, None
    query = select(Book.name).join(RecordChange, RecordChange.book_id == Book.id)
    book = session.scalar(query.where(RecordChange.record_id == named).limit(1)) if "\0" not in named else None
    if book is None:
        raise RecordToHoldUnknown
    return book, named


def _spelled(hold: LegalHold) -> str:
    """How records of administration name what a hold in books is on."""
    return " ".join(part for part in (hold.book, hold.record_id) if part)


def lift_hold(session: Session, hold_id: int, actor: Actor, now: datetime, *, reason: str) -> LegalHold:
    """End a hold; that there was one stays known. Raises HoldNotFound, NotYourRole, ReasonMissing.

    A hold on a case of another office does not exist for the administrator of one.
    """
    require_somewhere(actor, Verb.hold)
    standing = _reached_by(actor).where(LegalHold.id == hold_id)
    if (hold := session.scalars(standing).one_or_none()) is None:
        raise HoldNotFound
    session.refresh(hold, with_for_update=True)
    if session.scalars(standing).one_or_none() is None:  # somebody else lifted it meanwhile
        raise HoldNotFound
    lift = LegalHold(
        lifts_id=hold.id,
        case_id=hold.case_id,
        person_id=hold.person_id,
        book=hold.book,
        record_id=hold.record_id,
        reason=said(reason),
        actor=actor.username,
        at=now,
    )
    _add(session, lift)
    if hold.case_id is not None:
        case, about = lock_case(session, hold.case_id), {"hold": hold.id, "reason": lift.reason}
        stepping.note(session, case, actor, now, Act(RecordKind.case_hold_lifted), about)
    elif hold.person_id is not None:
        person, new = session.get_one(Person, hold.person_id), {"lift": lift.id, "reason": lift.reason}
        concerns = person.username, _office_of(session, person)
        act = AdminAct(AdminKind.person_hold_lifted, *concerns, new=new, told={"hold": hold.id})
        record(session, actor, now, act)
    elif (place := read_name(hold.book or "")) is not None:
        lock_book(session, place)
        new = {"lift": lift.id, "reason": lift.reason}
        concerns = _spelled(hold), place.office_id
        record(session, actor, now, AdminAct(AdminKind.record_hold_lifted, *concerns, new=new, told={"hold": hold.id}))
    return lift


def current_holds(session: Session, actor: Actor) -> list[Held]:
    """Holds that stand on people and cases of the offices where the actor may hold, oldest first, with what they hold.

    Raises NotYourRole.
    """
    require_somewhere(actor, Verb.hold)
    query = _reached_by(actor).add_columns(Case, Person).order_by(LegalHold.id)
    query = query.outerjoin(Case, Case.id == LegalHold.case_id).outerjoin(Person, Person.id == LegalHold.person_id)
    rows = session.execute(query, execution_options=EVERYTHING).all()
    closed = closed_among(session, actor, (row[0].case_id for row in rows))
    return [
        Held(hold, None if hold.case_id in closed else case, person, closed.get(hold.case_id or ""))
        for hold, case, person in rows
    ]


def hold_on(session: Session, case: Case) -> LegalHold | None:
    """A hold that is on the case itself."""
    return session.scalars(_standing().where(LegalHold.case_id == case.id).limit(1)).one_or_none()


def refuse_held(session: Session, case: Case, numbers: Collection[int]) -> None:
    """Raise HeldByLaw when the case is held, or one of these records was made by or for a person who is."""
    if hold_on(session, case) is not None:
        raise HeldByLaw(case_id=case.id)
    held = _held_people()
    theirs = select(JournalRecord.seq).where(
        JournalRecord.case_id == case.id,
        JournalRecord.seq.in_(numbers),
        JournalRecord.actor.in_(held) | JournalRecord.on_behalf_of.in_(held),
    )
    if session.scalar(theirs.limit(1)) is not None:
        raise HeldByLaw(case_id=case.id)


def held_texts(session: Session, texts: Sequence[BookText]) -> frozenset[TextName]:
    """Those of these texts of books that a hold keeps: on their book, their record, the case whose act wrote them, or who did."""
    if not texts:
        return frozenset()
    places = {(hold.book, hold.record_id) for hold in session.scalars(_standing().where(LegalHold.book.is_not(None)))}
    cases = {str(text.cause["case"]) for text in texts if "case" in text.cause}
    on_cases = _standing().with_only_columns(LegalHold.case_id).where(LegalHold.case_id.in_(cases))
    held_cases = set(session.scalars(on_cases))
    people = {name for text in texts for name in _people_of(text)}
    held_people = set(session.scalars(_held_people().where(Person.username.in_(people))))
    return frozenset(
        text.name
        for text in texts
        if (text.name.book, None) in places
        or (text.name.book, text.record) in places
        or text.cause.get("case") in held_cases
        or not held_people.isdisjoint(_people_of(text))
    )


def refuse_held_texts(session: Session, texts: Sequence[BookText]) -> None:
    """Raise HeldByLaw when a hold keeps one of these texts of books."""
    if held := held_texts(session, texts):
        raise HeldByLaw(record=str(min(held)))


def held_lists(session: Session, rows: Sequence[ImportFile]) -> frozenset[int]:
    """Those of these uploaded lists that a hold keeps: on who uploaded or confirmed one, on a book or a record that it wrote into."""
    in_books = session.scalars(_standing().where(LegalHold.book.is_not(None))).all()
    people = set(session.scalars(select(Person.id).where(Person.username.in_(_held_people()))))
    held = {row.id for row in rows if row.person_id in people}
    if not in_books and not people:
        return frozenset(held)
    names = set(session.scalars(_held_people()))
    for row in rows:
        for book, entry in entries_of(session, row):
            written = select(RecordChange.record_id).where(
                RecordChange.book_id == book.id, RecordChange.seq == entry.seq
            )
            here = {hold.record_id for hold in in_books if hold.book == book.name}
            records = [record for record in here if record is not None]
            is_written = (
                session.scalar(written.where(RecordChange.record_id.in_(records)).limit(1)) if records else None
            )
            if None in here or is_written is not None or names & {entry.actor, entry.on_behalf_of}:
                held.add(row.id)
    return frozenset(held)


def refuse_held_lists(session: Session, rows: Sequence[ImportFile]) -> None:
    """Raise HeldByLaw when a hold keeps one of these uploaded lists."""
    if held := held_lists(session, rows):
        raise HeldByLaw(list=min(held))


def _people_of(text: BookText) -> set[str]:
    entry = text.entry
    confirmed = json.loads(entry.confirmed) if entry.confirmed else {}
    return {
        name for name in (entry.actor, entry.on_behalf_of, confirmed.get("by"), confirmed.get("on_behalf_of")) if name
    }


def _held_people() -> Select[str]:
    """The user names of those on whom a hold stands, with the other accounts of the same persons."""
    on_people = _standing().with_only_columns(LegalHold.person_id)
    persons = select(Person.one_person).where(Person.id.in_(on_people), Person.one_person.is_not(None))
    return select(Person.username).where(Person.id.in_(on_people) | Person.one_person.in_(persons))


def _office_of(session: Session, person: Person) -> str | None:
    """The one office in which a hold on the person is recorded; None for several."""
    offices = offices_of(session, person)
    return next(iter(offices)) if len(offices) == 1 else None


def _standing() -> Select[LegalHold]:
    lift = aliased(LegalHold)
    is_lifted = select(lift.id).where(lift.lifts_id == LegalHold.id).exists()
    return select(LegalHold).where(LegalHold.lifts_id.is_(None), ~is_lifted)


def _reached_by(actor: Actor) -> Select[LegalHold]:
    if actor.is_system:
        return _standing()
    if is_everywhere(actor, Verb.hold):
        return _standing()
    offices = offices_where(actor, Verb.hold)
    cases = select(Case.id).where(Case.office_id.in_(offices))
    people = select(Person.id).where(only_of(offices))
    books = select(Book.name).where(Book.office_id.in_(offices))
    return _standing().where(LegalHold.case_id.in_(cases) | LegalHold.person_id.in_(people) | LegalHold.book.in_(books))


def _add(session: Session, hold: LegalHold) -> LegalHold:
    session.add(hold)
    session.flush()
    return hold
