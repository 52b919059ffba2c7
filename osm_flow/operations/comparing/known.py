"""What is read once for all cases before their rows are compared: people, provinces, definitions, whether words were erased."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import String, select, type_coerce
from sqlalchemy.orm import Session, joinedload

from osm_flow.domain.books.acts import BookActKind
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.retention import digest_of_items, item_of_list
from osm_flow.operations.imports.erasing import is_whole
from osm_flow.operations.ledger.access_chain import BodyTable, ChainKind
from osm_flow.operations.privacy.book_texts import name_of, texts_named
from osm_flow.store.models import (
    AccessRecord,
    BookEntry,
    ErasureItem,
    ErasureList,
    ErasureText,
    ImportFile,
    JournalPayload,
    JournalRecord,
    Person,
    ProcessDefinition,
    Province,
)


@dataclass(frozen=True)
class Asked:
    """What a case knows that its child cases begin with: its own place, and what each call is about."""

    root_case_id: str
    depth: int
    fiscal_year: int
    province_id: str | None
    subjects: Mapping[str, str]
    sensitive: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True)
class Known:
    """What all cases share.

    people       the number of each account and when it was made, by user name.
    provinces    the office of each province.
    definitions  key, version and digest of each process definition, by number.
    reads_since  the instant before which reads were let go of, since their days are over.
    erasures     the digest of what each request to erase names, by its number.
    unerased     the requests to erase that name a record which still has its payload, or a text of a book that is there, or a list that is whole.
    has_erased   whether anything was ever erased: the words may have gone from other cases, too.
    """

    people: Mapping[str, tuple[int, str]]
    provinces: Mapping[str, str]
    definitions: Mapping[int, tuple[str, int, str]]
    has_erased: bool
    names: Mapping[int, str] = field(default_factory=dict)
    erasures: Mapping[int, str] = field(default_factory=dict)
    unerased: frozenset[int] = frozenset()
    reads_since: str = ""

    def name_of(self, person_id: object) -> str | None:
        """The user name of an account; its number where there is no such account."""
        if person_id is None:
            return None
        return self.names.get(person_id, f"#{person_id}") if isinstance(person_id, int) else f"#{person_id}"

    def numbers_at(self, at: str) -> dict[str, int]:
        """The accounts that there were at this instant."""
        return {name: number for name, (number, since) in self.people.items() if since <= at}


def read_known(session: Session) -> Known:
    """Read what all cases share."""
    people = session.execute(select(Person.username, Person.id, type_coerce(Person.created_at, String))).all()
    definitions = session.execute(
        select(ProcessDefinition.id, ProcessDefinition.key, ProcessDefinition.version, ProcessDefinition.sha256)
    )
    erased = select(JournalRecord.seq).where(JournalRecord.kind == RecordKind.payloads_erased).limit(1)
    in_books = select(BookEntry.seq).where(BookEntry.act == BookActKind.erased).limit(1)
    return Known(
        {name: (number, since) for name, number, since in people},
        dict(session.execute(select(Province.id, Province.office_id)).all()),
        {row[0]: (row[1], row[2], row[3]) for row in definitions},
        session.scalar(erased) is not None or session.scalar(in_books) is not None,
        {number: name for name, number, _ in people},
        _erasures(session),
        _unerased(session),
        _reads_since(session),
    )


def _erasures(session: Session) -> dict[int, str]:
    named: dict[int, list[tuple[str, int]]] = {}
    for request, case_id, seq in session.execute(select(ErasureItem.request_id, ErasureItem.case_id, ErasureItem.seq)):
        named.setdefault(request, []).append((case_id, seq))
    for text in session.scalars(select(ErasureText).options(joinedload(ErasureText.book))):
        named.setdefault(text.request_id, []).append(name_of(text).item)
    for request, number in session.execute(select(ErasureList.request_id, ErasureList.import_id)):
        named.setdefault(request, []).append(item_of_list(number))
    return {request: digest_of_items(items) for request, items in named.items()}


def _unerased(session: Session) -> frozenset[int]:
    same = (JournalPayload.case_id == ErasureItem.case_id) & (JournalPayload.seq == ErasureItem.seq)
    in_cases = session.scalars(select(ErasureItem.request_id).join(JournalPayload, same).distinct())
    return frozenset(in_cases) | _unerased_in_books(session) | _unerased_lists(session)


def _unerased_lists(session: Session) -> frozenset[int]:
    named = select(ErasureList.request_id, ImportFile).join(ImportFile, ImportFile.id == ErasureList.import_id)
    return frozenset(request for request, row in session.execute(named) if is_whole(row))


def _unerased_in_books(session: Session) -> frozenset[int]:
    named = [(text.request_id, name_of(text)) for text in session.scalars(select(ErasureText))]
    there = {text.name for text in texts_named(session, [name for _, name in named])}
    return frozenset(request for request, name in named if name in there)


def _reads_since(session: Session) -> str:
    pruned = select(AccessRecord.told).where(
        AccessRecord.kind == ChainKind.bodies_pruned, AccessRecord.book == BodyTable.reads
    )
    return max((str(json.loads(told).get("before", "")) for told in session.scalars(pruned)), default="")
