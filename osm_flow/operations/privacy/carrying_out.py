"""Carrying out approved requests to erase: in each case once it has ended, then in books, then on the disk."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import OfficeFacts, Verb, require
from osm_flow.domain.books.acts import BookAct, BookActKind
from osm_flow.domain.books.sealing import read_name
from osm_flow.domain.states import OPEN_CASE, ErasureState
from osm_flow.operations.background.leases import Tally
from osm_flow.operations.books.acts import lock_book, write
from osm_flow.operations.imports.acts import entries_of
from osm_flow.operations.imports.erasing import erase_list, lists_named
from osm_flow.operations.privacy import retention
from osm_flow.operations.privacy.book_erasing import BookErasure, erase_texts
from osm_flow.operations.privacy.book_texts import TextName, also_with, name_of
from osm_flow.operations.privacy.erasing import Erasure, blank_elsewhere, erase_in
from osm_flow.operations.privacy.erasure_search import case_to_erase, numbers_with
from osm_flow.store import file_store
from osm_flow.store.models import Case, ErasureItem, ErasureList, ErasureRequest, ErasureText, ImportFile
from osm_flow.store.session import Busy, Overtaken, Store

logger = logging.getLogger(__name__)


def carry_out_in(session: Session, request: ErasureRequest, case_id: str, actor: Actor, now: datetime) -> bool:
    """Erase what the approved request names in this case, unless the case still runs; whether anything was.

    In a case that was waited for, whatever came to hold the words since then goes too.
    """
    case = case_to_erase(session, case_id)
    # By the number of the case alone: who decides need not see what goes, so that a sensitive case can be erased from, too.
    decision = require(actor, Verb.erase, OfficeFacts(case.office_id))
    items = [item for item in request.items if item.case_id == case_id and item.done_at is None]
    if case.state in OPEN_CASE or not items:
        return False
    numbers = {item.seq for item in items}
    if request.subject:
        numbers |= numbers_with(session, case_id, request.subject, since=request.asked_at)
    numbers &= set(session.scalars(retention.erasable(case_id)))
    retention.refuse_held(session, case, numbers)
    about = _about(request)
    if numbers:
        erasure = Erasure(numbers, request.reason, request.subject, about)
        erase_in(session, case, actor, now, erasure, decision.role)
    for item in items:
        item.done_at = now
    if all(item.done_at is not None for item in request.items):
        finish(session, request, actor, now)
    session.flush()
    return True


def finish(session: Session, request: ErasureRequest, actor: Actor, now: datetime) -> None:
    """Erase in lists and in books; done once no case of the request is waited for any more.

    They are gone through again when the last case has ended: what acts of the cases wrote meanwhile goes, too. Lists are
    locked before books, as whoever confirms one does, all books in the order of their names, and rows of files last of all.
    """
    lists, texts = _lists_to_erase(session, request), _texts_to_erase(session, request)
    names = {name for row in lists for name in _books_of(session, row)} | {text.book for text in texts}
    for place in filter(None, map(read_name, sorted(names))):
        lock_book(session, place)
    files = [_erase_list(session, request, row, actor, now) for row in lists]
    # Once more, now that nobody writes into these books: a version may have come that copied what goes.
    _erase_in_books(session, request, _texts_to_erase(session, request), actor, now)
    file_store.release(session, [digest for digest in files if digest])
    if all(item.done_at is not None for item in request.items):  # of books nothing is left now
        request.state, request.done_at, request.subject = ErasureState.DONE, now, ""
    session.flush()


def _lists_to_erase(session: Session, request: ErasureRequest) -> list[ImportFile]:
    """The lists of the request of which something is left, locked. Raises HeldByLaw."""
    rows = lists_named(session, [one.import_id for one in request.lists], request.subject, lock=True)
    retention.refuse_held_lists(session, rows)
    return rows


def _books_of(session: Session, row: ImportFile) -> set[str]:
    return {book.name for book, _ in entries_of(session, row)}


def _erase_list(session: Session, request: ErasureRequest, row: ImportFile, actor: Actor, now: datetime) -> str | None:
    """Erase from a list; an entry in each book into which it was imported says so. The digest of its file."""
    decision = require(actor, Verb.erase, OfficeFacts(row.office_id))
    rows, digest = erase_list(session, row, request.subject)
    told = {"erased_list": row.id, "erased_rows": rows, **_about(request)}
    for name in filter(None, map(read_name, sorted(_books_of(session, row)))):
        act = BookAct(BookActKind.erased, {"request": request.id}, decision.hat, request.reason, told=told)
        write(session, name, act, actor, now, [])
    return digest


def _about(request: ErasureRequest) -> dict[str, object]:
    return {"request": request.id, "asked_by": request.asked_by, "approved_by": request.decided_by or ""}


def _texts_to_erase(session: Session, request: ErasureRequest) -> set[TextName]:
    """What the request names in books, and what goes with it."""
    names = {name_of(text) for text in request.texts}
    if request.subject:
        records = {text.record_id for text in request.texts if text.record_id}
        cases = {item.case_id for item in request.items}
        names |= {text.name for text in also_with(session, request.subject, request.asked_at, records, cases)}
    return names


def _erase_in_books(
    session: Session, request: ErasureRequest, names: Collection[TextName], actor: Actor, now: datetime
) -> None:
    about = _about(request)
    erase_texts(session, sorted(names), actor, now, BookErasure(request.reason, about))
    if (names or request.lists) and request.subject:
        blank_elsewhere(session, request.subject, now)
    for text in request.texts:
        text.done_at = text.done_at or now
    for one in request.lists:
        one.done_at = one.done_at or now
    session.flush()


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
                    finish(session, request, SYSTEM, now)
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
    """The approved requests of which nothing in cases is left to do, and something in books or lists is."""
    open_items = select(ErasureItem.request_id).where(ErasureItem.done_at.is_(None))
    open_texts = select(ErasureText.request_id).where(ErasureText.done_at.is_(None))
    open_lists = select(ErasureList.request_id).where(ErasureList.done_at.is_(None))
    query = select(ErasureRequest.id).where(
        ErasureRequest.state == ErasureState.APPROVED,
        or_(ErasureRequest.id.in_(open_texts), ErasureRequest.id.in_(open_lists)),
        ErasureRequest.id.not_in(open_items),
    )
    with store.reading() as session:
        return list(session.scalars(query))
