"""Having personal data erased: one person asks with a list of records, another decides, running cases are waited for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import OfficeFacts, Verb, decides_by_number, require
from osm_flow.domain.pages import Page
from osm_flow.domain.retention import digest_of_items, item_of_list
from osm_flow.domain.search import holds_words
from osm_flow.domain.states import ErasureState
from osm_flow.errors import Forbidden, Invalid, NotFound, Refused
from osm_flow.operations.imports.erasing import found_in, lists_named
from osm_flow.operations.ledger import admin_journal
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind
from osm_flow.operations.paging import newest_first
from osm_flow.operations.policy_facts import case_facts
from osm_flow.operations.privacy import retention
from osm_flow.operations.privacy.book_texts import TextName, holds, name_of, texts_named, written_by
from osm_flow.operations.privacy.carrying_out import carry_out_in, finish
from osm_flow.operations.privacy.erasure_search import (
    ListName,
    ListToErase,
    RecordToErase,
    TextToErase,
    case_to_erase,
    lists_to_erase,
    offices_to_erase_in,
    record_to_erase,
    searched,
    texts_to_erase,
)
from osm_flow.operations.reasons import said
from osm_flow.store.models import (
    AdminRecord,
    Book,
    Case,
    ErasureItem,
    ErasureList,
    ErasureRequest,
    ErasureText,
    JournalPayload,
    JournalRecord,
)
from osm_flow.store.second_persons import FirstAct, is_by, is_second_person
from osm_flow.store.sensitive_cases import EVERYTHING, is_open

_DECIDED = {
    AdminKind.erasure_approved: ErasureState.APPROVED,
    AdminKind.erasure_refused: ErasureState.REFUSED,
    AdminKind.erasure_withdrawn: ErasureState.WITHDRAWN,
}
# The table itself: a session that leaves out closed cases must know all the same that a request names one.
_ITEMS = ErasureItem.__table__.alias("item_of_request")


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


def ask(
    session: Session,
    actor: Actor,
    now: datetime,
    *,
    words: str,
    records: Iterable[tuple[str, int]],
    reason: str,
    texts: Collection[TextName | ListName] = (),
) -> ErasureRequest:
    """Ask that these records lose their payload, books these texts, and uploaded lists what they hold of the words.

    `words` may be empty when what is old goes.

    Raises NothingChosen, HeldByLaw, ReasonMissing, ReasonNamesSubject, Forbidden.
    """
    words = searched(words) if words.strip() else ""
    reason = said(reason)
    if words and holds_words(reason, words):
        raise ReasonNamesSubject(fields={"reason": ReasonNamesSubject.__doc__ or ""})
    chosen = _by_case(records)
    in_books = {name for name in texts if isinstance(name, TextName)}
    lists = {name.number for name in texts if isinstance(name, ListName)}
    if not (chosen or texts):
        raise NothingChosen
    books = _books_of(session, actor, in_books)
    of_lists = _office_of_lists(session, actor, lists, words)
    of_cases = _office_of_cases(session, actor, chosen)
    of_books = next((books[name].office_id for name in sorted(books)), "")
    items = [ErasureItem(case_id=case_id, seq=seq) for case_id, numbers in chosen.items() for seq in numbers]
    office_id = of_cases or of_books or of_lists
    request = ErasureRequest(office_id=office_id, subject=words, reason=reason, items=items)
    request.texts = [
        ErasureText(book_id=books[name.book].id, seq=name.seq, record_id=name.record, part=name.part)
        for name in sorted(in_books)
    ]
    request.lists = [ErasureList(import_id=number) for number in sorted(lists)]
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
        finish(session, request, actor, now)
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


def requests(
    session: Session, actor: Actor, *, state: str | None = None, after: str | None = None, limit: int = 50
) -> Page[ErasureRequest]:
    """Requests of the offices where the actor may ask or decide, newest first; of closed cases for who decides by number."""
    wanted = select(ErasureRequest)
    if not actor.is_system:
        by_number = [office for office in actor.office_ids if decides_by_number(actor, office)]
        is_there = or_(ErasureRequest.office_id.in_(by_number), ErasureRequest.id.not_in(_of_closed_cases(actor)))
        wanted = wanted.where(ErasureRequest.office_id.in_(offices_to_erase_in(actor)), is_there)
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
        case = case_to_erase(session, case_id)
        query = (
            select(JournalRecord, JournalPayload.body)
            .join(JournalRecord.payload)
            .where(JournalRecord.case_id == case_id, JournalRecord.seq.in_(numbers))
        )
        for record, body in session.execute(query.order_by(JournalRecord.seq)):
            records.append(record_to_erase(session, record, body, case, request.subject))
    return records


def shown_texts(session: Session, request: ErasureRequest, actor: Actor = SYSTEM) -> list[TextToErase]:
    """The texts of books that the request names and that are still there; none where `shown` gives none for a closed case."""
    if withheld(session, [request], actor):
        return []
    found = texts_named(session, [name_of(text) for text in request.texts])
    return texts_to_erase(session, found, request.subject)


def copies_in_books(session: Session, request: ErasureRequest, actor: Actor = SYSTEM) -> list[TextToErase]:
    """What acts of the request's cases wrote of people into books, and the request does not name: erasing a case leaves it."""
    if withheld(session, [request], actor):
        return []
    named = {name_of(text) for text in request.texts}
    copies = written_by(session, {item.case_id for item in request.items})
    found = [
        text for text in copies if text.name not in named and (not request.subject or holds(text, request.subject))
    ]
    return texts_to_erase(session, found, request.subject)


def shown_lists(session: Session, request: ErasureRequest, actor: Actor = SYSTEM) -> list[ListToErase]:
    """The uploaded lists that the request names and of which something is still there; none where `shown` gives none."""
    if withheld(session, [request], actor):
        return []
    rows = lists_named(session, [one.import_id for one in request.lists], request.subject)
    return lists_to_erase(session, [found_in(session, row, request.subject) for row in rows])


def numbers_in(session: Session, request: ErasureRequest) -> list[tuple[str, bool, int]]:
    """The cases of the request: the number of each, whether it is sensitive, and how many of its records the request names."""
    named = _by_case((item.case_id, item.seq) for item in request.items)
    query = select(Case.id, Case.business_key, Case.is_sensitive).where(Case.id.in_(named)).order_by(Case.business_key)
    rows = session.execute(query, execution_options=EVERYTHING)
    return [(number, is_sensitive, len(named[case_id])) for case_id, number, is_sensitive in rows]


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
    if request.lists:  # the file of a list is in no chain, so that the record says which ones went
        told["lists"] = ", ".join(str(one.import_id) for one in request.lists)
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
    of_lists = [item_of_list(one.import_id) for one in request.lists]
    return digest_of_items([*of_cases, *(name_of(text).item for text in request.texts), *of_lists])


def _office_of_cases(session: Session, actor: Actor, chosen: Mapping[str, list[int]]) -> str:
    """The office of the first of these cases. Raises NothingChosen for a record without payload, HeldByLaw, NotFound."""
    offices = []
    for case_id, numbers in chosen.items():
        case = case_to_erase(session, case_id)
        require(actor, Verb.erase, case_facts(session, case, actor))
        retention.refuse_held(session, case, numbers)
        _refuse_missing(session, case, numbers)
        offices.append(case.office_id)
    return offices[0] if offices else ""


def _office_of_lists(session: Session, actor: Actor, numbers: Collection[int], words: str) -> str:
    """The office of the first of these lists. Raises NothingChosen for one of which nothing is there, HeldByLaw, NotFound."""
    rows = lists_named(session, numbers, words)
    for row in rows:
        require(actor, Verb.erase, OfficeFacts(row.office_id))
    if {row.id for row in rows} != set(numbers):
        raise NothingChosen
    retention.refuse_held_lists(session, rows)
    return rows[0].office_id if rows else ""


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


def _by_case(records: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    chosen: dict[str, set[int]] = defaultdict(set)
    for case_id, seq in records:
        chosen[case_id].add(seq)
    return {case_id: sorted(numbers) for case_id, numbers in chosen.items()}


def _refuse_missing(session: Session, case: Case, numbers: list[int]) -> None:
    if set(numbers) - set(session.scalars(retention.erasable(case.id))):
        raise NothingChosen(case_id=case.id)
