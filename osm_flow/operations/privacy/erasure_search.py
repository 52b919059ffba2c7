"""What can be erased: records of cases and texts of books, found by words, by case or by their age, as whoever asks sees them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.orm import Session, joinedload

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import Verb, is_everywhere, require, require_somewhere
from osm_flow.domain.books.sealing import read_name
from osm_flow.domain.search import asked, seen
from osm_flow.domain.states import OPEN_CASE
from osm_flow.errors import Invalid
from osm_flow.operations.imports.erasing import FoundList, lists_with
from osm_flow.operations.policy_facts import case_facts
from osm_flow.operations.privacy import retention
from osm_flow.operations.privacy.book_texts import BookText, files_of, records_that_say, texts_with
from osm_flow.store.models import Case, JournalPayload, JournalRecord, Person, Position
from osm_flow.store.sensitive_cases import is_open
from osm_flow.store.session import CaseNotFound
from osm_flow.store.words import has_words, may_hold

# Fewer letters, or fewer digits without any letter, stand in nearly every record: each would have to be read.
_FEWEST_LETTERS, _FEWEST_DIGITS = 3, 5
MOST_FOUND = 500
_EXCERPT = 60
_SIGNS = re.compile(r'\\[nrt"]|[{}\[\]"\\]|,(?=")')


class SubjectTooShort(Invalid):
    """Search for at least three letters, or for a number of at least five digits."""


@dataclass(frozen=True)
class RecordToErase:
    """A record whose payload holds the words: with a piece of it, whether it must wait or may not go, and all of it as JSON."""

    case: Case
    record: JournalRecord
    excerpt: str
    must_wait: bool
    is_held: bool
    body: str = "{}"


@dataclass(frozen=True)
class TextToErase:
    """A text of a book that holds the words: with a piece of it, and whether it may not go."""

    text: BookText
    excerpt: str
    is_held: bool


@dataclass(frozen=True)
class ListName:
    """An uploaded list, as a request to erase names it: by its number."""

    number: int


@dataclass(frozen=True)
class ListToErase:
    """An uploaded list that holds the words, and whether it may not go."""

    found: FoundList
    is_held: bool


def find(session: Session, actor: Actor, text: str, *, case_ids: Collection[str] = ()) -> list[RecordToErase]:
    """Records whose payload holds the words, in the offices where the actor may ask for erasure; at most 500."""
    text = searched(text)
    offices = offices_to_erase_in(actor)
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
    return [record_to_erase(session, row[0], row.body, row[2], text) for row in islice(found, MOST_FOUND)]


def find_texts(session: Session, actor: Actor, text: str) -> list[TextToErase]:
    """Texts of books that hold the words, in the offices where the actor may ask for erasure; at most 500."""
    text = searched(text)
    offices = None if actor.is_system else offices_to_erase_in(actor)
    return texts_to_erase(session, texts_with(session, text, MOST_FOUND, offices=offices), text)


def files_to_erase(session: Session, actor: Actor, record: str) -> list[TextToErase]:
    """The photos and papers of a record, whatever is said of them. Raises RecordToHoldUnknown for another office's record."""
    book = read_name(retention.place_named(session, record)[0])
    if book is None or not (actor.is_system or book.office_id in offices_to_erase_in(actor)):
        raise retention.RecordToHoldUnknown
    return texts_to_erase(session, files_of(session, record), "")


def records_that_stay(session: Session, actor: Actor, text: str) -> list[str]:
    """The codes of records that say the words where nothing goes by law: in the half that names nobody by its form."""
    return records_that_say(session, searched(text), offices=None if actor.is_system else offices_to_erase_in(actor))


def find_lists(session: Session, actor: Actor, text: str) -> list[ListToErase]:
    """Uploaded lists that hold the words, in the offices where the actor may ask for erasure."""
    offices = None if actor.is_system else offices_to_erase_in(actor)
    return lists_to_erase(session, lists_with(session, searched(text), offices=offices))


def lists_to_erase(session: Session, found: Sequence[FoundList]) -> list[ListToErase]:
    """These lists, each with whether it may not go."""
    held = retention.held_lists(session, [one.row for one in found])
    return [ListToErase(one, one.row.id in held) for one in found]


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


def display_name_of(session: Session, actor: Actor, text: str) -> str:
    """For a user name of the offices where the actor may ask the name that people type; any other text as it is."""
    named = select(Person.display_name).where(Person.username == seen(text).strip())
    if not is_everywhere(actor, Verb.erase):
        offices = offices_to_erase_in(actor)
        held = select(Position.person_id).where(Position.office_id.in_(offices))
        named = named.where(or_(Person.id.in_(held), Person.office_id.in_(offices)))
    return session.scalar(named) or text


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
        records += [record_to_erase(session, record, body, case, "") for record, body in rows]
    return records


def records_due(session: Session, actor: Actor, now: datetime, case_ids: Collection[str]) -> list[RecordToErase]:
    """The records of these cases whose time is over: all of a case's, or only those of elements that are kept for less long."""
    due = [item for item in retention.due_cases(session, actor, now) if item.case.id in case_ids]
    whole = {item.case.id for item in due if not item.elements}
    elements = {(item.case.id, element) for item in due for element in item.elements}
    records = records_of(session, actor, [item.case.id for item in due])
    return [item for item in records if item.case.id in whole or (item.case.id, item.record.element) in elements]


def record_to_erase(session: Session, record: JournalRecord, body: str, case: Case, text: str) -> RecordToErase:
    try:
        retention.refuse_held(session, case, [record.seq])
        is_held = False
    except retention.HeldByLaw:
        is_held = True
    return RecordToErase(case, record, _excerpt(body, text), case.state in OPEN_CASE, is_held, body)


def texts_to_erase(session: Session, texts: Sequence[BookText], words: str) -> list[TextToErase]:
    held = retention.held_texts(session, texts)
    return [TextToErase(text, _excerpt(text.body, words), text.name in held) for text in texts]


def numbers_with(session: Session, case_id: str, words: str, *, since: datetime) -> set[int]:
    """The records that came to hold the words since then; of those before, somebody chose and another saw which."""
    query = select(JournalPayload.seq, JournalPayload.body, _is_found(words).label("is_found"))
    same = (JournalRecord.case_id == JournalPayload.case_id) & (JournalRecord.seq == JournalPayload.seq)
    query = query.join(JournalRecord, same).where(JournalRecord.at > since)
    rows = session.execute(query.where(JournalPayload.case_id == case_id, _may_have(words)))
    return {row.seq for row in rows if row.is_found or has_words(row.body, words)}


def offices_to_erase_in(actor: Actor) -> tuple[str, ...]:
    """Where the actor may ask for erasure. Raises NotYourRole when nowhere."""
    return require_somewhere(actor, Verb.erase)


def _may_have(text: str) -> ColumnElement[bool]:
    """What the database can tell: that a payload is found by its search, or that it may hold the words in another spelling."""
    return or_(_is_found(text), may_hold(JournalPayload.body, text))


def _is_found(text: str) -> ColumnElement[bool]:
    return or_(false(), *(JournalPayload.search.contains(words, autoescape=True) for words in asked(text)))


def _excerpt(body: str, text: str) -> str:
    """The words around the text, without the signs of JSON that nobody typed."""
    words = " ".join(_SIGNS.sub(" ", body).split())
    place = max(0, words.find(text) if text else 0)
    start, end = max(0, place - _EXCERPT), place + len(text) + _EXCERPT
    return f"{'…' if start else ''}{words[start:end]}{'…' if end < len(words) else ''}"


def case_to_erase(session: Session, case_id: str) -> Case:
    """The case of a record that is to go. Raises CaseNotFound."""
    if (case := session.get(Case, case_id)) is None:
        raise CaseNotFound(case_id=case_id)
    return case
