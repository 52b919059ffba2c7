"""Having personal data erased: one person asks with a list of records, another decides, running cases are waited for."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import ColumnElement, Select, false, or_, select
from sqlalchemy.orm import Session, joinedload

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import (
    OfficeFacts,
    Verb,
    decides_by_number,
    is_everywhere,
    require,
    require_somewhere,
)
from osm_flow.domain.pages import Page
from osm_flow.domain.retention import digest_of_items
from osm_flow.domain.search import asked, holds_words, seen
from osm_flow.domain.states import OPEN_CASE, ErasureState
from osm_flow.errors import Forbidden, Invalid, NotFound, Refused
from osm_flow.operations.background.leases import Tally
from osm_flow.operations.ledger import admin_journal
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind
from osm_flow.operations.paging import newest_first
from osm_flow.operations.policy_facts import case_facts
from osm_flow.operations.privacy import retention
from osm_flow.operations.privacy.book_erasing import BookErasure, erase_texts
from osm_flow.operations.privacy.book_texts import (
    BookText,
    TextName,
    also_with,
    holds,
    name_of,
    records_that_say,
    texts_named,
    texts_with,
    written_by,
)
from osm_flow.operations.privacy.erasing import Erasure, blank_elsewhere, erase_in
from osm_flow.operations.privacy.words import has_words, may_hold
from osm_flow.operations.reasons import said
from osm_flow.store.models import (
    AdminRecord,
    Book,
    Case,
    ErasureItem,
    ErasureRequest,
    ErasureText,
    JournalPayload,
    JournalRecord,
    Person,
    Position,
)
from osm_flow.store.second_persons import FirstAct, is_by, is_second_person
from osm_flow.store.sensitive_cases import EVERYTHING, is_open
from osm_flow.store.session import Busy, CaseNotFound, Overtaken, Store

logger = logging.getLogger(__name__)

# Fewer letters, or fewer digits without any letter, stand in nearly every record: each would have to be read.
_FEWEST_LETTERS, _FEWEST_DIGITS = 3, 5
MOST_FOUND = 500
_EXCERPT = 60
_DECIDED = {
    AdminKind.erasure_approved: ErasureState.APPROVED,
    AdminKind.erasure_refused: ErasureState.REFUSED,
    AdminKind.erasure_withdrawn: ErasureState.WITHDRAWN,
}
# The table itself: a session that leaves out closed cases must know all the same that a request names one.
_ITEMS = ErasureItem.__table__.alias("item_of_request")
_SIGNS = re.compile(r'\\[nrt"]|[{}\[\]"\\]|,(?=")')


class SubjectTooShort(Invalid):
    """Search for at least three letters, or for a number of at least five digits."""


class NothingChosen(Invalid):
    """Choose at least one record whose payload is still there."""


class ReasonNamesSubject(Invalid):
    """The reason stays for ever, so it must not hold the words that are to be erased."""


class RequestNotFound(NotFound):
    """There is no such request."""


class AlreadyDecided(Refused):
    """This request was decided already."""


class RequestForged(Refused):
    """Request {number} is not the one that was recorded when somebody asked; nothing is erased. osm-flow db verify says what differs."""


class FourEyes(Forbidden):
    """Somebody else must decide: you asked for it, or act for who did, or they act for you or for the same person."""


@dataclass(frozen=True)
class RecordToErase:
    """A record whose payload holds the words: with a piece of it, and whether it must wait or may not go."""

    case: Case
    record: JournalRecord
    excerpt: str
    must_wait: bool
    is_held: bool


@dataclass(frozen=True)
class TextToErase:
    """A text of a book that holds the words: with a piece of it, and whether it may not go."""

    text: BookText
    excerpt: str
    is_held: bool


# ---- looking ---------------------------------------------------------------------------------------------------


def find(session: Session, actor: Actor, text: str, *, case_ids: Collection[str] = ()) -> list[RecordToErase]:
    """Records whose payload holds the words, in the offices where the actor may ask for erasure; at most 500."""
    text = searched(text)
    offices = _offices(actor)
    query = (
        select(JournalRecord, JournalPayload.body, Case, _is_found(text).label("is_found"))
        .join(Case, Case.id == JournalRecord.case_id)
        .join(JournalRecord.payload)
        .where(JournalRecord.kind.not_in(retention.NEVER_ERASED), _may_have(text))
        .options(joinedload(Case.definition))
        .order_by(Case.started_at, Case.id, JournalRecord.seq)
    )
    if not actor.is_system:
        query = query.where(Case.office_id.in_(offices), is_open(actor))
    if case_ids:
        query = query.where(Case.id.in_(case_ids))
    rows = session.execute(query.execution_options(yield_per=MOST_FOUND))
    found = (row for row in rows if row.is_found or has_words(row.body, text))
    return [_record_to_erase(session, row[0], row.body, row[2], text) for row in islice(found, MOST_FOUND)]


def find_texts(session: Session, actor: Actor, text: str) -> list[TextToErase]:
    """Texts of books that hold the words, in the offices where the actor may ask for erasure; at most 500."""
    text = searched(text)
    offices = None if actor.is_system else _offices(actor)
    return _texts_to_erase(session, texts_with(session, text, MOST_FOUND, offices=offices), text)


def records_that_stay(session: Session, actor: Actor, text: str) -> list[str]:
    """The codes of records that say the words where nothing goes by law: in the half that names nobody by its form."""
    return records_that_say(session, searched(text), offices=None if actor.is_system else _offices(actor))


def searched(text: str) -> str:
    """The words that are looked for. Raises SubjectTooShort."""
    text = " ".join(text.split())
    # Only what a name or a number is made of counts: three dots, or three signs that nobody sees, would find every record.
    kinds = [unicodedata.category(char)[0] for char in seen(text)]
    written = [kind for kind in kinds if kind in "LMN"]
    is_enough = len(written) >= _FEWEST_LETTERS if "L" in written else written.count("N") >= _FEWEST_DIGITS
    if not is_enough or "\0" in text:
        raise SubjectTooShort(fields={"subject": SubjectTooShort.__doc__ or ""})
    return text


def records_of(session: Session, actor: Actor, case_ids: Collection[str]) -> list[RecordToErase]:
    """Every record of these cases that still has a payload, for erasing whole cases that have come of age."""
    records: list[RecordToErase] = []
    for case_id in dict.fromkeys(case_ids):
        case = session.get(Case, case_id)
        if case is None:
            raise CaseNotFound(case_id=case_id)
        require(actor, Verb.erase, case_facts(session, case, actor))
        query = (
            select(JournalRecord, JournalPayload.body)
            .join(JournalRecord.payload)
            .where(JournalRecord.case_id == case_id, JournalRecord.kind.not_in(retention.NEVER_ERASED))
        )
        rows = session.execute(query.order_by(JournalRecord.seq)).all()
        records += [_record_to_erase(session, record, body, case, "") for record, body in rows]
    return records


def records_due(session: Session, actor: Actor, now: datetime, case_ids: Collection[str]) -> list[RecordToErase]:
    """The records of these cases whose time is over: all of a case's, or only those of elements that are kept for less long."""
    due = [item for item in retention.due_cases(session, actor, now) if item.case.id in case_ids]
    whole = {item.case.id for item in due if not item.elements}
    elements = {(item.case.id, element) for item in due for element in item.elements}
    records = records_of(session, actor, [item.case.id for item in due])
    return [item for item in records if item.case.id in whole or (item.case.id, item.record.element) in elements]


# ---- asking and deciding ---------------------------------------------------------------------------------------


def ask(
    session: Session,
    actor: Actor,
    now: datetime,
    *,
    words: str,
    records: Iterable[tuple[str, int]],
    reason: str,
    texts: Collection[TextName] = (),
) -> ErasureRequest:
    """Ask that these records lose their payload, and books these texts. `words` may be empty when what is old goes.

    Raises NothingChosen, HeldByLaw, ReasonMissing, ReasonNamesSubject, Forbidden.
    """
    words = searched(words) if words.strip() else ""
    reason = said(reason)
    if words and holds_words(reason, words):
        raise ReasonNamesSubject(fields={"reason": ReasonNamesSubject.__doc__ or ""})
    chosen = _by_case(records)
    if not chosen and not texts:
        raise NothingChosen
    books = _books_of(session, actor, texts)
    office_id = ""
    for case_id, numbers in chosen.items():
        case = _case(session, case_id)
        require(actor, Verb.erase, case_facts(session, case, actor))
        retention.refuse_held(session, case, numbers)
        _refuse_missing(session, case, numbers)
        office_id = office_id or case.office_id
    items = [ErasureItem(case_id=case_id, seq=seq) for case_id, numbers in chosen.items() for seq in numbers]
    office_id = office_id or next(books[name].office_id for name in sorted(books))
    request = ErasureRequest(office_id=office_id, subject=words, reason=reason, items=items)
    request.texts = [
        ErasureText(book_id=books[name.book].id, seq=name.seq, record_id=name.record, part=name.part)
        for name in sorted(set(texts))
    ]
    request.asked_by, request.asked_at = actor.username, now
    session.add(request)
    session.flush()
    _record(session, request, actor, now, AdminKind.erasure_asked, None)
    return request


def approve(session: Session, request_id: int, actor: Actor, now: datetime) -> ErasureRequest:
    """Have it done: at once in cases that have ended, in the others when they end.

    Raises RequestNotFound, AlreadyDecided, FourEyes, HeldByLaw, Forbidden.
    """
    request = _to_decide(session, request_id, actor)
    if actor.is_system or not is_second_person(session, actor, now, _first_act(request)):
        raise FourEyes
    request.state, request.decided_by, request.decided_at = ErasureState.APPROVED, actor.username, now
    for case_id in dict.fromkeys(item.case_id for item in request.items):
        carry_out_in(session, request, case_id, actor, now)
    if request.state == ErasureState.APPROVED:  # some cases still run, or it names no case
        _finish(session, request, actor, now)
    # Last of all: nobody who has the records of administration to themselves waits for a case.
    _record(session, request, actor, now, AdminKind.erasure_approved, ErasureState.ASKED)
    return request


def may_decide(session: Session, request: ErasureRequest, actor: Actor, now: datetime) -> bool:
    """Whether the request waits for a decision and the actor is the second person whom it needs."""
    return request.state == ErasureState.ASKED and is_second_person(session, actor, now, _first_act(request))


def is_own(request: ErasureRequest, actor: Actor) -> bool:
    """Whether the actor asked for it, in whichever of their accounts, so that they may withdraw it."""
    return is_by(actor, _first_act(request))


def refuse(session: Session, request_id: int, actor: Actor, now: datetime) -> ErasureRequest:
    """Nothing is erased. Whoever asked may withdraw it so. The words that were searched for are forgotten."""
    request = _to_decide(session, request_id, actor)
    request.state = ErasureState.WITHDRAWN if is_own(request, actor) else ErasureState.REFUSED
    request.decided_by, request.decided_at, request.subject = actor.username, now, ""
    session.flush()
    is_withdrawn = request.state == ErasureState.WITHDRAWN
    kind = AdminKind.erasure_withdrawn if is_withdrawn else AdminKind.erasure_refused
    _record(session, request, actor, now, kind, ErasureState.ASKED)
    return request


def carry_out_in(session: Session, request: ErasureRequest, case_id: str, actor: Actor, now: datetime) -> bool:
    """Erase what the approved request names in this case, unless the case still runs; whether anything was.

    In a case that was waited for, whatever came to hold the words since then goes too.
    """
    case = _case(session, case_id)
    # By the number of the case alone: who decides need not see what goes, so that a sensitive case can be erased from, too.
    decision = require(actor, Verb.erase, OfficeFacts(case.office_id))
    items = [item for item in request.items if item.case_id == case_id and item.done_at is None]
    if case.state in OPEN_CASE or not items:
        return False
    numbers = {item.seq for item in items}
    if request.subject:
        numbers |= _with_words(session, case_id, request.subject, since=request.asked_at)
    numbers &= set(session.scalars(retention.erasable(case_id)))
    retention.refuse_held(session, case, numbers)
    about = {"request": request.id, "asked_by": request.asked_by, "approved_by": request.decided_by or ""}
    if numbers:
        erasure = Erasure(numbers, request.reason, request.subject, about)
        erase_in(session, case, actor, now, erasure, decision.role)
    for item in items:
        item.done_at = now
    if all(item.done_at is not None for item in request.items):
        _finish(session, request, actor, now)
    session.flush()
    return True


def _finish(session: Session, request: ErasureRequest, actor: Actor, now: datetime) -> None:
    """Erase in books; done once no case of the request is waited for any more.

    Books are gone through again when the last case has ended: what acts of the cases wrote meanwhile goes, too.
    """
    _erase_in_books(session, request, actor, now)
    if all(item.done_at is not None for item in request.items):  # of books nothing is left now
        request.state, request.done_at, request.subject = ErasureState.DONE, now, ""
    session.flush()


def _erase_in_books(session: Session, request: ErasureRequest, actor: Actor, now: datetime) -> None:
    names = {name_of(text) for text in request.texts}
    if request.subject:
        records = {text.record_id for text in request.texts if text.record_id}
        cases = {item.case_id for item in request.items}
        names |= {text.name for text in also_with(session, request.subject, request.asked_at, records, cases)}
    about = {"request": request.id, "asked_by": request.asked_by, "approved_by": request.decided_by or ""}
    erase_texts(session, sorted(names), actor, now, BookErasure(request.reason, about))
    if names and request.subject:
        blank_elsewhere(session, request.subject, now)
    for text in request.texts:
        text.done_at = text.done_at or now
    session.flush()


def requests(
    session: Session, actor: Actor, *, state: str | None = None, after: str | None = None, limit: int = 50
) -> Page[ErasureRequest]:
    """Requests of the offices where the actor may ask or decide, newest first; of closed cases for who decides by number."""
    wanted = select(ErasureRequest)
    if not actor.is_system:
        by_number = [office for office in actor.office_ids if decides_by_number(actor, office)]
        is_there = or_(ErasureRequest.office_id.in_(by_number), ErasureRequest.id.not_in(_of_closed_cases(actor)))
        wanted = wanted.where(ErasureRequest.office_id.in_(_offices(actor)), is_there)
    if state:
        wanted = wanted.where(ErasureRequest.state == state)
    return newest_first(session, wanted, ErasureRequest.id, after, limit)


def get_request(session: Session, request_id: int, actor: Actor) -> ErasureRequest:
    """The request. Raises RequestNotFound, also for another office's and for one with closed cases that is not theirs to decide."""
    return _asked_for(session, session.get(ErasureRequest, request_id), actor)


def withheld(session: Session, requests: Iterable[ErasureRequest], actor: Actor) -> frozenset[int]:
    """Those of these requests, by their numbers, of which the actor sees no words: they name a case that is closed to them."""
    if actor.is_system:
        return frozenset()
    named = _of_closed_cases(actor).where(_ITEMS.c.request_id.in_([one.id for one in requests]))
    return frozenset(session.scalars(named))


def shown(session: Session, request: ErasureRequest, actor: Actor = SYSTEM) -> list[RecordToErase]:
    """The records that the request names and that still have a payload, as whoever decides must see them.

    None where a case of the request is closed to the actor, since the words are the same in all of them: see `numbers_in`.
    """
    records: list[RecordToErase] = []
    if withheld(session, [request], actor):
        return records
    for case_id, numbers in _by_case((item.case_id, item.seq) for item in request.items).items():
        case = _case(session, case_id)
        query = (
            select(JournalRecord, JournalPayload.body)
            .join(JournalRecord.payload)
            .where(JournalRecord.case_id == case_id, JournalRecord.seq.in_(numbers))
        )
        for record, body in session.execute(query.order_by(JournalRecord.seq)):
            records.append(_record_to_erase(session, record, body, case, request.subject))
    return records


def shown_texts(session: Session, request: ErasureRequest, actor: Actor = SYSTEM) -> list[TextToErase]:
    """The texts of books that the request names and that are still there; none where `shown` gives none for a closed case."""
    if withheld(session, [request], actor):
        return []
    found = texts_named(session, [name_of(text) for text in request.texts])
    return _texts_to_erase(session, found, request.subject)


def copies_in_books(session: Session, request: ErasureRequest, actor: Actor = SYSTEM) -> list[TextToErase]:
    """What acts of the request's cases wrote of people into books, and the request does not name: erasing a case leaves it."""
    if withheld(session, [request], actor):
        return []
    named = {name_of(text) for text in request.texts}
    copies = written_by(session, {item.case_id for item in request.items})
    found = [
        text for text in copies if text.name not in named and (not request.subject or holds(text, request.subject))
    ]
    return _texts_to_erase(session, found, request.subject)


def numbers_in(session: Session, request: ErasureRequest) -> list[tuple[str, bool, int]]:
    """The cases of the request: the number of each, whether it is sensitive, and how many of its records the request names."""
    named = _by_case((item.case_id, item.seq) for item in request.items)
    query = select(Case.id, Case.business_key, Case.is_sensitive).where(Case.id.in_(named)).order_by(Case.business_key)
    rows = session.execute(query, execution_options=EVERYTHING)
    return [(number, is_sensitive, len(named[case_id])) for case_id, number, is_sensitive in rows]


# ---- what happens without anybody ------------------------------------------------------------------------------


def carry_out_waiting(store: Store, now: datetime, owner: str) -> Tally:
    """Erase in cases that have ended since the approval and in books, then clear what the database keeps of deleted rows."""
    tally = Tally()
    waiting: list[tuple[int, str | None]] = [*_ready(store), *((number, None) for number in _only_books(store))]
    for request_id, case_id in waiting:
        try:
            with store.transaction() as session:
                request = session.get_one(ErasureRequest, request_id, with_for_update=True)
                if request.state != ErasureState.APPROVED:
                    continue
                if case_id is None:
                    _finish(session, request, SYSTEM, now)
                elif not carry_out_in(session, request, case_id, SYSTEM, now):
                    continue
                tally += Tally(done=1)
        except (Busy, Overtaken, retention.HeldByLaw):
            tally += Tally(left=1)
        except Exception:
            # Left, not failed: nothing puts it off, and a sweep of everything would come back to it round after round.
            logger.exception("an erasure failed", extra={"request": request_id, "case": case_id})
            tally += Tally(left=1)
    return tally + scrub(store, now)


def scrub(store: Store, now: datetime) -> Tally:
    """After erasures: make sure that the database file keeps nothing of the deleted rows. Tried again while it is busy."""
    with store.reading() as session:
        waiting = select(ErasureRequest.id).where(
            ErasureRequest.done_at.is_not(None), ErasureRequest.scrubbed_at.is_(None)
        )
        pending = session.scalars(waiting).all()
    if not pending:
        return Tally()
    if not store.compact():
        return Tally(left=1)
    with store.transaction() as session:
        for request_id in pending:
            session.get_one(ErasureRequest, request_id).scrubbed_at = now
    return Tally(done=1)


# ---- the inner parts -------------------------------------------------------------------------------------------


def _ready(store: Store) -> list[tuple[int, str]]:
    query = (
        select(ErasureItem.request_id, ErasureItem.case_id)
        .join(ErasureRequest)
        .join(Case, Case.id == ErasureItem.case_id)
        .where(
            ErasureRequest.state == ErasureState.APPROVED, ErasureItem.done_at.is_(None), Case.state.not_in(OPEN_CASE)
        )
        .distinct()
    )
    with store.reading() as session:
        return [(row.request_id, row.case_id) for row in session.execute(query)]


def _only_books(store: Store) -> list[int]:
    """The approved requests of which nothing in cases is left to do, and something in books is."""
    open_items = select(ErasureItem.request_id).where(ErasureItem.done_at.is_(None))
    open_texts = select(ErasureText.request_id).where(ErasureText.done_at.is_(None))
    query = select(ErasureRequest.id).where(
        ErasureRequest.state == ErasureState.APPROVED,
        ErasureRequest.id.in_(open_texts),
        ErasureRequest.id.not_in(open_items),
    )
    with store.reading() as session:
        return list(session.scalars(query))


def _first_act(request: ErasureRequest) -> FirstAct:
    return FirstAct(request.asked_by, request.asked_at)


def _asked_for(session: Session, request: ErasureRequest | None, actor: Actor) -> ErasureRequest:
    if request is None or not (actor.is_system or request.office_id in actor.office_ids):
        raise RequestNotFound
    require(actor, Verb.erase, OfficeFacts(request.office_id))
    if not decides_by_number(actor, request.office_id) and withheld(session, [request], actor):
        raise RequestNotFound
    return request


def _of_closed_cases(actor: Actor) -> Select[int]:
    """The numbers of the requests that name a case which is closed to the actor."""
    return select(_ITEMS.c.request_id).where(~is_open(actor, _ITEMS.c.case_id))


def _to_decide(session: Session, request_id: int, actor: Actor) -> ErasureRequest:
    found = session.get(ErasureRequest, request_id, with_for_update=True, populate_existing=True)
    request = _asked_for(session, found, actor)
    if request.state != ErasureState.ASKED:
        raise AlreadyDecided
    _refuse_forged(session, request)
    return request


def _record(
    session: Session, request: ErasureRequest, actor: Actor, now: datetime, kind: AdminKind, before: ErasureState | None
) -> None:
    """Say in the records of administration who asked for what, and who decided; never the words nor why."""
    after = _DECIDED.get(kind, ErasureState.ASKED)
    told = {} if before else {"items": _digest_of(request)}
    old, new = {"erasure": before.value if before else None}, {"erasure": after.value}
    act = AdminAct(kind, f"erasure {request.id}", request.office_id, old=old, new=new, told=told)
    admin_journal.record(session, actor, now, act)


def _refuse_forged(session: Session, request: ErasureRequest) -> None:
    """Raise RequestForged where the records of administration know of another request under this number.

    Whoever can write into the table could otherwise have somebody decide what they asked for themselves. One that an
    earlier version took is in no record.
    """
    query = select(AdminRecord).where(
        AdminRecord.kind == AdminKind.erasure_asked, AdminRecord.subject == f"erasure {request.id}"
    )
    asked = session.scalars(query.order_by(AdminRecord.seq.desc()).limit(1)).one_or_none()
    if asked is None:
        return
    recorded = (asked.actor, asked.at, asked.office_id, admin_journal.changes_of(asked)["items"]["new"])
    if _as_asked(request) != recorded:
        raise RequestForged(number=request.id)


def _as_asked(request: ErasureRequest) -> tuple[str, datetime, str | None, str]:
    return request.asked_by, request.asked_at, request.office_id, _digest_of(request)


def _digest_of(request: ErasureRequest) -> str:
    of_cases = [(item.case_id, item.seq) for item in request.items]
    return digest_of_items([*of_cases, *(name_of(text).item for text in request.texts)])


def _books_of(session: Session, actor: Actor, names: Collection[TextName]) -> dict[str, Book]:
    """The books of these texts by their names. Raises NothingChosen for a text that is not there, HeldByLaw, NotFound."""
    found = session.scalars(select(Book).where(Book.name.in_({name.book for name in names})))
    books = {book.name: book for book in found}
    for book in books.values():
        require(actor, Verb.erase, OfficeFacts(book.office_id))
    texts = texts_named(session, names)
    if {text.name for text in texts} != set(names):
        raise NothingChosen
    retention.refuse_held_texts(session, texts)
    return books


def _texts_to_erase(session: Session, texts: Sequence[BookText], words: str) -> list[TextToErase]:
    held = retention.held_texts(session, texts)
    return [TextToErase(text, _excerpt(text.body, words), text.name in held) for text in texts]


def _offices(actor: Actor) -> tuple[str, ...]:
    """Where the actor may ask for erasure. Raises NotYourRole when nowhere."""
    return require_somewhere(actor, Verb.erase)


def _case(session: Session, case_id: str) -> Case:
    if (case := session.get(Case, case_id)) is None:
        raise CaseNotFound(case_id=case_id)
    return case


def _by_case(records: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    chosen: dict[str, set[int]] = defaultdict(set)
    for case_id, seq in records:
        chosen[case_id].add(seq)
    return {case_id: sorted(numbers) for case_id, numbers in chosen.items()}


def _refuse_missing(session: Session, case: Case, numbers: list[int]) -> None:
    if set(numbers) - set(session.scalars(retention.erasable(case.id))):
        raise NothingChosen(case_id=case.id)


def _with_words(session: Session, case_id: str, words: str, *, since: datetime) -> set[int]:
    """The records that came to hold the words since then; of those before, somebody chose and another saw which."""
    query = select(JournalPayload.seq, JournalPayload.body, _is_found(words).label("is_found"))
    same = (JournalRecord.case_id == JournalPayload.case_id) & (JournalRecord.seq == JournalPayload.seq)
    query = query.join(JournalRecord, same).where(JournalRecord.at > since)
    rows = session.execute(query.where(JournalPayload.case_id == case_id, _may_have(words)))
    return {row.seq for row in rows if row.is_found or has_words(row.body, words)}


def _may_have(text: str) -> ColumnElement[bool]:
    """What the database can tell: that a payload is found by its search, or that it may hold the words in another spelling."""
    return or_(_is_found(text), may_hold(JournalPayload.body, text))


def _is_found(text: str) -> ColumnElement[bool]:
    return or_(false(), *(JournalPayload.search.contains(words, autoescape=True) for words in asked(text)))


def _record_to_erase(session: Session, record: JournalRecord, body: str, case: Case, text: str) -> RecordToErase:
    try:
        retention.refuse_held(session, case, [record.seq])
        is_held = False
    except retention.HeldByLaw:
        is_held = True
    return RecordToErase(case, record, _excerpt(body, text), case.state in OPEN_CASE, is_held)


def _excerpt(body: str, text: str) -> str:
    """The words around the text, without the signs of JSON that nobody typed."""
    words = " ".join(_SIGNS.sub(" ", body).split())
    place = max(0, words.find(text) if text else 0)
    start, end = max(0, place - _EXCERPT), place + len(text) + _EXCERPT
    return f"{'…' if start else ''}{words[start:end]}{'…' if end < len(words) else ''}"


def display_name_of(session: Session, actor: Actor, text: str) -> str:
    """For a user name of the offices where the actor may ask the name that people type; any other text as it is."""
    named = select(Person.display_name).where(Person.username == seen(text).strip())
    if not is_everywhere(actor, Verb.erase):
        offices = _offices(actor)
        held = select(Position.person_id).where(Position.office_id.in_(offices))
        named = named.where(or_(Person.id.in_(held), Person.office_id.in_(offices)))
    return session.scalar(named) or text
