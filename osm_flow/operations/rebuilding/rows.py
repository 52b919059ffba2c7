"""Putting single rows back as they were recorded: changed columns, missing rows, rows that nothing records."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Date, LargeBinary, Table, select
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.orm import Session
from sqlalchemy.schema import Column

from osm_flow.operations.comparing.differences import UNKNOWN, Likely, NotLater, OneOf, Row, RowDifference, plain_rows
from osm_flow.operations.comparing.known import Known
from osm_flow.store import file_store
from osm_flow.store.database import Instant, db, instant_text
from osm_flow.store.database_errors import Trouble, trouble_of
from osm_flow.store.file_store import FileDamaged


@dataclass(frozen=True)
class Why:
    """Why a row is left as it is, in both languages."""

    en: str
    th: str


OF_THE_JOURNAL = Why("it is of the journal itself, which nobody changes", "เป็นส่วนของบันทึกเรื่องเอง ซึ่งไม่มีใครแก้ไขได้")
A_KEY = Why(
    "nobody writes keys but those who make them: osm-flow audit verify says what holds, a backup has what stood there",
    "ไม่มีใครเขียนกุญแจนอกจากผู้สร้างกุญแจ คำสั่ง osm-flow audit verify บอกว่าสิ่งใดยังถูกต้อง และสำเนาสำรองมีค่าเดิม",
)
NOT_TAKEN_OUT = Why(
    "it would be lost: look who made it (accounts, cases, processes, what rows were)",
    "หากลบจะสูญหาย ให้ตรวจสอบว่าใครสร้างขึ้น (บัญชี เรื่อง กระบวนการ ค่าเดิมของแถว)",
)
IN_NO_CHAIN = Why(
    "what stood there is in no chain: take it from a backup", "สิ่งที่เคยอยู่ตรงนั้นไม่มีในสายบันทึกใด ให้นำมาจากสำเนาสำรอง"
)
REFUSED = Why("the database refuses it beside the other rows", "ฐานข้อมูลไม่ยอมรับเมื่ออยู่กับแถวอื่น")
UNREADABLE = Why("the row or its record cannot be read", "อ่านแถวหรือบันทึกของแถวไม่ได้")
# Rows that are never taken out, and the columns of a missing row that no record says.
_STAYING = frozenset({"people", "cases", "process_definitions", "proposed_files", "put_back_rows", "erasure_requests"})
_BY_DIGEST = frozenset(
    {
        ("people", "display_name"),
        ("erasure_requests", "items"),
        ("put_back_rows", "found"),
        ("put_back_rows", "recorded"),
        ("proposed_files", "content"),
    }
)
_NOW = frozenset({("service_jobs", "due_at")})


@dataclass(frozen=True)
class PutBack:
    """A row that was put back: the columns that changed, as they were found and as they were recorded; None: no row."""

    table: str
    row: str
    found: Mapping[str, Any] | None
    recorded: Mapping[str, Any] | None

    def by_name(self) -> PutBack:
        """The same without what the columns said, which `put_back_rows` keeps."""
        return PutBack(self.table, self.row, self.found and {}, self.recorded and {})


@dataclass(frozen=True)
class Left:
    """A difference that was left as it is, and why."""

    difference: RowDifference
    why: Why


class _NotPossible(Exception):
    """This cannot be put back."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.en)
        self.why = why


def put_back(
    session: Session, known: Known, differences: Iterable[RowDifference], now: datetime
) -> tuple[list[PutBack], list[Left]]:
    """Put these rows back, each by itself: what one of them refuses keeps no other from it."""
    waiting = _by_row(differences)
    done: list[PutBack] = []
    left: dict[int, list[Left]] = {}
    while waiting:
        postponed = []
        for group in waiting:
            left[id(group)] = []
            # Another transaction that is in the way ends this one: it can be begun anew.
            try:
                with session.begin_nested():
                    found = _put_back_row(session, known, group, now, left[id(group)])
                done += [found] if found else []
            except StatementError as error:
                if isinstance(error, DBAPIError) and trouble_of(error) not in (None, Trouble.collided):
                    raise
                postponed.append(group)
        if len(postponed) == len(waiting):
            for group in postponed:
                left[id(group)] = [Left(difference, REFUSED) for difference in group]
            break
        # A row may wait for another one: what it refers to, or what has its number now.
        waiting = postponed
    return done, [one for several in left.values() for one in several]


def as_text(row: Mapping[str, Any] | None) -> str:
    """The columns of a row as text, whatever a forger put into them; nothing for no row."""
    if row is None:
        return ""
    # Thai as it is searched when it has to be erased; what is no text at all is replaced.
    text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)
    return text.encode("utf-8", "replace").decode()


def _by_row(differences: Iterable[RowDifference]) -> list[list[RowDifference]]:
    """The differences of each row together; each row is put back once."""
    rows: dict[object, list[RowDifference]] = {}
    for number, difference in enumerate(differences):
        rows.setdefault(id(difference.sides) if difference.sides else f"alone {number}", []).append(difference)
    return list(rows.values())


def _put_back_row(
    session: Session, known: Known, group: list[RowDifference], now: datetime, left: list[Left]
) -> PutBack | None:
    sides, table = group[0].sides, group[0].table
    try:
        if sides is None or table not in db.metadata.tables:
            raise _NotPossible(OF_THE_JOURNAL if table == "journal_records" else UNREADABLE)
        if table == "signing_keys":
            raise _NotPossible(A_KEY)
        if sides.found is None:
            return _insert(session, known, group[0], now)
        if sides.recorded is None:
            return _take_out(session, known, group[0])
    except _NotPossible as impossible:
        left += [Left(difference, impossible.why) for difference in group]
        return None
    return _change(session, known, group, left)


def _insert(session: Session, known: Known, difference: RowDifference, now: datetime) -> PutBack:
    table, wanted = db.metadata.tables[difference.table], _recorded(difference)
    if table.name == "journal_payloads":
        raise _NotPossible(OF_THE_JOURNAL)
    spelled = {name: spelled_of(wish) for name, wish in wanted.items() if wish is not UNKNOWN}
    values = {name: _value(session, known, table, name, value) for name, value in spelled.items()}
    values |= {name: now for owner, name in _NOW if owner == table.name}
    if table.name == "attachments":
        values |= _as_kept(session, values)
    for column in table.columns:
        has_default = column.default is not None or column.server_default is not None
        may_be_left = column.nullable or has_default or column is table.autoincrement_column
        if column.name not in values and not (may_be_left and column.name not in wanted):
            raise _NotPossible(IN_NO_CHAIN)
    if (lying := _lying_elsewhere(session, table, values)) is not None:
        return _move_back(session, table, difference.row, lying, values, spelled)
    session.execute(table.insert(), values)
    return PutBack(table.name, difference.row, None, spelled)


def _lying_elsewhere(session: Session, table: Table, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """The very row, where it was moved to another case; None where it is gone."""
    keys = list(table.primary_key.columns)
    if any(column.name not in values for column in keys):
        return None
    here = [column == values[column.name] for column in keys]
    row = session.execute(plain_rows(table).where(*here)).mappings().first()
    return None if row is None else dict(row)


def _move_back(
    session: Session,
    table: Table,
    name: str,
    lying: Mapping[str, Any],
    values: Mapping[str, Any],
    spelled: Mapping[str, Any],
) -> PutBack:
    found = {column: lying[column] for column in values}
    here = [column == values[column.name] for column in table.primary_key.columns]
    session.execute(table.update().where(*here).values(values))
    return PutBack(table.name, name, found, spelled)


def _take_out(session: Session, known: Known, difference: RowDifference) -> PutBack:
    table = db.metadata.tables[difference.table]
    if table.name == "journal_payloads":
        raise _NotPossible(OF_THE_JOURNAL)
    if table.name in _STAYING:
        raise _NotPossible(NOT_TAKEN_OUT)
    assert difference.sides is not None  # noqa: S101 (asked before)
    found = dict(difference.sides.found or {})
    here = _here(known, table, found)
    for column in table.columns:
        if isinstance(column.type, LargeBinary):  # kept, for it may be somebody's file
            found[column.name] = session.execute(select(column).where(*here)).scalar()
    session.execute(table.delete().where(*here))
    return PutBack(table.name, difference.row, found, None)


def _change(session: Session, known: Known, group: list[RowDifference], left: list[Left]) -> PutBack | None:
    table, wanted = db.metadata.tables[group[0].table], _recorded(group[0])
    assert group[0].sides is not None  # noqa: S101 (asked before)
    found = group[0].sides.found or {}
    before, after, values = {}, {}, {}
    for difference in group:
        name = difference.column
        try:
            after[name] = spelled_of(wanted[name])
            values[name] = _value(session, known, table, name, after[name])
            before[name] = found[name]
        except _NotPossible as impossible:
            left.append(Left(difference, impossible.why))
    if not values:
        return None
    here = _here(known, table, found)
    if table.name == "journal_payloads":
        _put_search_back(session, table, here, values)
    else:
        # Whoever has loaded the work item must see that it changed under them.
        more = {"version": table.c.version + 1} if table.name == "work_items" else {}
        if table.name == "attachments" and {"file", "content"} & values.keys():
            more = _as_kept(session, values)
        session.execute(table.update().where(*here).values({**values, **more}))
    return PutBack(table.name, group[0].row, before, {name: after[name] for name in values})


def _as_kept(session: Session, values: Mapping[str, Any]) -> dict[str, Any]:
    """Where the bytes of an attachment lie: in the store if they are there; else beside it, until a sweep moves them."""
    digest = values.get("file")
    if digest is not None and file_store.found(session, digest) == digest:
        return {"file": digest, "content": b""}
    return {"file": None}


def _put_search_back(session: Session, table: Table, here: list[Any], values: Mapping[str, Any]) -> None:
    """A payload is never changed, only erased by law: the same one is written anew with what is searched of it."""
    row = dict(session.execute(select(table).where(*here)).mappings().one())
    session.execute(table.delete().where(*here))
    session.execute(table.insert(), {**row, **values})


def _recorded(difference: RowDifference) -> Row:
    assert difference.sides is not None  # noqa: S101 (asked before)
    return difference.sides.recorded or {}


def _here(known: Known, table: Table, found: Row) -> list[Any]:
    """That it is this very row, by its primary key as it lies there."""
    return [column == _key(known, column, found[column.name]) for column in table.primary_key.columns]


def _key(known: Known, column: Column[Any], value: Any) -> Any:
    if _is_of_people(column) and isinstance(value, str):
        return int(value[1:]) if value.startswith("#") else known.people[value][0]
    return date.fromisoformat(value) if isinstance(column.type, Date) and isinstance(value, str) else value


def spelled_of(wish: Any) -> Any:
    """What is put back where a record says one of several things."""
    if isinstance(wish, OneOf):
        return spelled_of(wish.values[wish.to_put])
    if isinstance(wish, NotLater):
        return wish.at
    if isinstance(wish, Likely):
        return wish.value
    if wish is UNKNOWN:
        raise _NotPossible(IN_NO_CHAIN)
    return wish


def _value(session: Session, known: Known, table: Table, name: str, spelled: Any) -> Any:
    """A recorded value as the column keeps it."""
    if name not in table.c or (table.name, name) in _BY_DIGEST:
        raise _NotPossible(IN_NO_CHAIN)
    column = table.c[name]
    if spelled is None:
        return None
    if _is_of_people(column):
        if spelled not in known.people:
            raise _NotPossible(IN_NO_CHAIN)
        return known.people[spelled][0]
    if (table.name, name) == ("cases", "definition_id"):
        return definition_named(known, spelled)
    if isinstance(column.type, LargeBinary):
        return _content(session, column, spelled)
    if isinstance(spelled, str) and isinstance(column.type, Instant):
        return datetime.fromisoformat(spelled)
    if isinstance(spelled, str) and isinstance(column.type, Date):
        return date.fromisoformat(spelled)
    return str(spelled) if isinstance(spelled, str) else spelled


def definition_named(known: Known, spelled: str) -> int:
    """The number of the definition that records name by key, version and digest."""
    for number, parts in known.definitions.items():
        if " ".join(map(str, parts)) == spelled:
            return number
    raise _NotPossible(IN_NO_CHAIN)


def _content(session: Session, column: Column[Any], digest: str) -> bytes:
    """The content that has this digest, where the same file was given somewhere else, too; none for an erased one."""
    if digest == f"sha256:{sha256(b'').hexdigest()}":
        return b""
    table = column.table
    same = select(column).where(table.c.sha256 == digest.removeprefix("sha256:"))
    for content in session.scalars(same):
        if isinstance(content, bytes) and f"sha256:{sha256(content).hexdigest()}" == digest:
            return content
    try:
        return file_store.read(session, digest.removeprefix("sha256:"))
    except FileDamaged:
        raise _NotPossible(IN_NO_CHAIN) from None


def _is_of_people(column: Column[Any]) -> bool:
    return any(key.column.table.name == "people" for key in column.foreign_keys)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"base64": b64encode(value).decode()}
    if isinstance(value, datetime):
        return instant_text(value)
    return value.isoformat() if isinstance(value, date) else str(value)
