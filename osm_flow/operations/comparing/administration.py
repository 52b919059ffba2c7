"""Comparing what is no case with the records of administration, and recording as it is found what no record ever told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from datetime import date, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

from sqlalchemy import LargeBinary, select
from sqlalchemy.orm import Session

from osm_flow import engine
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.merkle_note import VerifierKey
from osm_flow.domain.people import digest_of_name
from osm_flow.domain.search import straight
from osm_flow.domain.states import ErasureState
from osm_flow.errors import HOSTILE, OsmFlowError
from osm_flow.operations.comparing.coverage import OF_ADMINISTRATION, UNPROVEN_COLUMNS
from osm_flow.operations.comparing.differences import (
    UNKNOWN,
    NotRecorded,
    OneOf,
    Row,
    RowDifference,
    compare_keyed,
    fits,
    plain_rows,
    shown,
)
from osm_flow.operations.comparing.known import Known, read_known
from osm_flow.operations.comparing.told import FOUND_MARK, ToldRows, first_key
from osm_flow.operations.definitions.deployments import content_digest
from osm_flow.operations.ledger import admin_journal
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind
from osm_flow.operations.people.accounts import give_salts
from osm_flow.store.database import db
from osm_flow.store.models import AdminRecord

# What names a row of each table in the records.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "people": ("username",),
    "positions": ("id",),
    "holiday_overrides": ("day",),
    "office_holidays": ("office_id", "day"),
    "fiscal_calendar": ("office_id", "fiscal_year", "key"),
    "calendar_changes": ("office_id", "fiscal_year", "key", "at"),
    "legal_holds": ("id",),
    "deployments": ("id",),
    "process_definitions": ("key", "version"),
    "diagram_proposals": ("id",),
    "proposed_files": ("proposal_id", "name"),
    "rebuildings": ("id",),
    "put_back_rows": ("rebuilding_id", "case_id", "name"),
    "signing_keys": ("key_id",),
    "erasure_requests": ("id",),
}
# What earlier versions entered without a record of administration; a row of any other table always had one.
_UNRECORDED_ONCE = frozenset(_NAMES) - {"holiday_overrides", "office_holidays", "rebuildings", "put_back_rows"}
# By what a row is known that was given another name: what the record calls it, and the row.
_SAME: Mapping[str, tuple[str, str]] = {
    "people": ("created_at", "created_at"),
    "process_definitions": ("sha256", "content"),
    "proposed_files": ("content", "content"),
    "put_back_rows": ("recorded", "recorded"),
    "erasure_requests": ("asked_at", "asked_at"),
}
# In the place of the columns of a row that cannot be read: why.
UNREADABLE = "(row)"
_PEOPLE = ("person_id", "for_person_id")
_SECOND_PERSON = ("given_by", "given_at", "waits")
_DERIVED = ("name_th", "startable", "start_message")


def compare_administration(
    session: Session, not_recorded: Callable[[NotRecorded], object] = lambda _: None
) -> Iterator[RowDifference]:
    """The differences between these tables and what the records of administration say of them.

    not_recorded  is told of each row that no record of an earlier version told: it is taken as it is found.
    """
    told, known = read_told(session), read_known(session)
    for table in OF_ADMINISTRATION:
        found = found_rows(session, known, table)
        for name, row in _taken_unreadable(found).items():
            yield RowDifference(table, name, UNREADABLE, "-", shown(row[UNREADABLE]))
            told.tables[table].pop(name, None)
        if table not in told.found_at:
            for name in _taken_as_found(known, table, told, found):
                del found[name]
                not_recorded(NotRecorded(table, name, None))
        for one in _not_recorded(table, told, found):
            not_recorded(one)
        wanted = _wanted(known, table, told, found)
        if table == "signing_keys":
            for name, row in wanted.items():
                if unsaid := ", ".join(sorted(column for column, value in row.items() if value is UNKNOWN)):
                    not_recorded(NotRecorded(table, name, None, unsaid, "recorded nowhere"))
        yield from compare_keyed(table, wanted, found)


def _not_recorded(table: str, told: ToldRows, found: Mapping[str, Row]) -> Iterator[NotRecorded]:
    """The rows that are recorded as they were found, and the columns of others that an earlier version did not record."""
    for name, row in told.found.get(table, {}).items():
        is_whole = set(_NAMES[table]) <= row.keys()
        yield NotRecorded(table, name, told.found_at.get(table), "" if is_whole else ", ".join(sorted(row)))
    for name, row in told.tables[table].items():
        unknown = sorted(column for column, value in row.items() if value is UNKNOWN)
        if unknown and table != "signing_keys":
            yield NotRecorded(table, name, None, ", ".join(unknown))
        if table == "positions" and table not in told.found_at and found.get(name, {}).get("given_at", "") is None:
            yield NotRecorded(table, name, None, "given_at, given_by, waits")


def record_as_found(session: Session, now: datetime) -> int:
    """Record, once, the rows that no record told, as they are found: from then on whatever comes past the records shows.

    How many rows that were. The first start of this version on a database does it.
    """
    if not _not_found_yet(session):
        return 0
    give_salts(session)
    admin_journal.take_turn(session)
    if not (tables := _not_found_yet(session)):
        return 0
    told, known, count = read_told(session), read_known(session), 0
    for table in tables:
        found = found_rows(session, known, table)
        _taken_unreadable(found)
        wanted = _wanted(known, table, told, found)
        rows = {name: row for name in found if (row := _untold(table, wanted.get(name, {}), found[name]))}
        count += len(rows)
        _record_found(session, now, table, rows)
    _record_found(session, now, FOUND_MARK, {"count": count, "tables": ", ".join(tables)})
    return count


def _not_found_yet(session: Session) -> list[str]:
    """The tables whose rows were not recorded as they were found yet; a later version compares more of them."""
    told = ToldRows()
    markers = (AdminRecord.kind == AdminKind.rows_found) & (AdminRecord.subject == FOUND_MARK)
    for record in session.scalars(select(AdminRecord).where(markers)):
        told.take(record)
    return [table for table in OF_ADMINISTRATION if table not in told.found_at]


def _record_found(session: Session, now: datetime, table: str, rows: Mapping[str, Any]) -> None:
    admin_journal.record(session, SYSTEM, now, AdminAct(AdminKind.rows_found, table, new=dict(rows)))


def _untold(table: str, wanted: Row, found: Row) -> Row:
    """What no record says of a row, as it is found."""
    compared = [name for name in found if (table, name) not in UNPROVEN_COLUMNS]
    told = {name: wanted.get(name, UNKNOWN) for name in compared}
    return {
        name: found[name]
        for name, value in told.items()
        if value is UNKNOWN or (isinstance(value, OneOf) and not fits(value.values[0], found[name]))
    }


def read_told(session: Session) -> ToldRows:
    """What all records of administration say of rows."""
    told = ToldRows()
    everything = select(AdminRecord).order_by(AdminRecord.seq).execution_options(yield_per=1_000)
    with closing(session.scalars(everything)) as records:  # one that cannot be read ends it half-way
        for record in records:
            told.take(record)
    return told


def _taken_as_found(known: Known, table: str, told: ToldRows, found: Mapping[str, Row]) -> list[str]:
    """The rows that no record told and that an earlier version may have entered."""
    if told.since and table not in _UNRECORDED_ONCE:
        return []
    untold = [name for name in found if name not in told.tables[table]]
    if not told.since:
        return untold
    if table == "people":
        return [name for name in untold if found[name]["created_at"] <= told.since]
    if table == "positions":
        made = {name: since for name, (_, since) in known.people.items()}
        return [
            name
            for name in untold
            if found[name]["given_at"] is None and made.get(found[name]["person_id"] or "", "") <= told.since
        ]
    return untold


def _wanted(known: Known, table: str, told: ToldRows, found: dict[str, Row]) -> Mapping[str, Row]:
    """The rows as they must be, where the records alone do not say it; rows that were renamed are found again."""
    rows = told.tables[table]
    if (same := _SAME.get(table)) is not None:
        _find_renamed(rows, found, *same)
    if table == "positions" and table not in told.found_at:
        return {key: _as_before(row, found.get(key)) for key, row in rows.items()}
    if table == "process_definitions":
        return {key: _as_compiled(row, found.get(key)) for key, row in rows.items()}
    if table == "signing_keys":
        return {**_first_key(found), **rows}
    if table == "erasure_requests":
        return {key: _as_carried_out(known, row) for key, row in rows.items()}
    if table == "put_back_rows" and known.has_erased:
        return {key: _as_erased(row, found.get(key)) for key, row in rows.items()}
    return rows


def _find_renamed(told: Mapping[str, Row], found: dict[str, Row], recorded: str, there: str) -> None:
    """A row that was given another name is still the one that was made at that instant, or that has that content."""
    made = {row[there]: name for name, row in found.items() if name not in told}
    for name in told.keys() - found.keys():
        if (now_called := made.pop(told[name].get(recorded, ""), None)) is not None:
            found[name] = found.pop(now_called)


def _as_before(told: Row, found: Row | None) -> Row:
    """Before positions waited for a second person, the row did not say who gave it: the record does."""
    if found is None or found["given_at"] is not None:
        return told
    return {name: OneOf((value, None, False)) if name in _SECOND_PERSON else value for name, value in told.items()}


def _as_compiled(told: Row, found: Row | None) -> Row:
    """What a version says of itself follows from its content, which the record has the digest of."""
    wanted = {**told, "content": told["sha256"]} if "sha256" in told else dict(told)
    if found is None or found["content"] != wanted.get("content"):
        return wanted
    with suppress(OsmFlowError, ValueError, TypeError):
        key = str(told.get("key", found["key"]))
        derived = _derived(key, found["xml"], found["forms"], found["decisions"])
        return wanted | dict(zip(_DERIVED, derived, strict=True))
    return wanted  # of a diagram that an earlier version took and this one cannot read


def _as_carried_out(known: Known, told: Row) -> Row:
    """An approved request is done once nothing is left that it names; another one may have taken that meanwhile."""
    if told.get("state") != ErasureState.APPROVED or told.get("id") in known.unerased:
        return told
    return {**told, "state": OneOf((ErasureState.APPROVED.value, ErasureState.DONE.value), to_put=1)}


def _first_key(found: Mapping[str, Row]) -> dict[str, Row]:
    """The first key, where no other came after it yet.

    That it signed what this installation signed is for the check of the log to say.
    """
    first = min(found.values(), key=lambda row: str(row["id"]).zfill(20), default=None)
    if first is None or first["how"] != "first":
        return {}
    try:
        key_id = VerifierKey(first["name"], bytes.fromhex(first["public_key"])).key_id
    except (ValueError, TypeError, AttributeError):
        return {}  # no key at all: the check of the log says more
    return {key_id: first_key(key_id)}


@lru_cache(maxsize=64)
def _derived(key: str, xml: bytes, forms: str, decisions: str) -> tuple[str, bool, str | None]:
    """What the content of a version says that its row repeats, which takes long to read."""
    tables = {name: text.encode() for name, text in json.loads(decisions).items()}
    process = engine.compile_process(key, xml, json.loads(forms), tables)
    return process.name[:255], process.properties.get("startable") == "true", process.start_message


def _as_erased(told: Row, found: Row | None) -> Row:
    """An erasure takes the words and the salt of what was put back; their digests say nothing any more."""
    is_gone = found is not None and not found["salt"]
    return {**told, "found": UNKNOWN, "recorded": UNKNOWN} if is_gone else told


# ---- what lies in the tables -----------------------------------------------------------------------------------


def found_rows(session: Session, known: Known, table: str) -> dict[str, Row]:
    """The rows of a table by what names them, spelled as the records spell them; a second row of one name has its own.

    Of one that cannot be read there is why, under UNREADABLE.
    """
    rows: dict[str, Row] = {}
    for row in _rows(session, table):
        try:
            spelled: Row = _spelled(known, table, dict(row))
        except HOSTILE as error:
            spelled = {UNREADABLE: f"{type(error).__name__}: {error}"}
        name = " ".join(str(row[part]) for part in _NAMES[table])
        while name in rows:
            name += " (2)"
        rows[name] = spelled
    return rows


def _taken_unreadable(found: dict[str, Row]) -> dict[str, Row]:
    """Take out the rows that cannot be read; those."""
    return {name: found.pop(name) for name in [name for name, row in found.items() if UNREADABLE in row]}


def _rows(session: Session, name: str) -> Iterable[dict[str, Any]]:
    table = db.metadata.tables[name]
    query = plain_rows(table).order_by(*table.primary_key.columns)
    if name == "legal_holds":
        query = query.where(table.c.case_id.is_(None))  # those on cases stand in their journals
    for row in session.execute(query.execution_options(yield_per=100)).mappings():
        yield {key: value.isoformat() if isinstance(value, date) else value for key, value in row.items()}


def _spelled(known: Known, table: str, row: dict[str, Any]) -> Row:
    row |= {name: known.name_of(row[name]) for name in _PEOPLE if name in row}
    if table == "people":
        row["display_name"] = digest_of_name(row["name_salt"], row["display_name"])
    elif table == "put_back_rows":
        row |= {name: _digest(row["salt"], row[name]) for name in ("found", "recorded")}
    elif table == "erasure_requests":
        row["items"] = known.erasures.get(row["id"], "")
    elif table == "signing_keys" and isinstance(row["reason"], str):
        row["reason"] = straight(row["reason"]).strip()  # the record has it so
    elif table == "process_definitions":
        row["content"] = _content_digest(row)
    for column in db.metadata.tables[table].columns:
        if isinstance(column.type, LargeBinary) and table != "process_definitions":
            content = row[column.name]
            row[column.name] = f"sha256:{sha256(content).hexdigest()}" if isinstance(content, bytes) else content
    return row


def _digest(salt: str, text: str) -> str | None:
    return sha256(f"{salt}{text}".encode()).hexdigest() if text else None


def _content_digest(row: Row) -> str:
    try:
        return content_digest(row["xml"], json.loads(row["forms"]), json.loads(row["decisions"]))
    except (ValueError, TypeError):
        return "unreadable"
