"""Comparing accounts, positions and declared days with the records of administration, which tell each change of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.access.roles import WEIGHTY
from osm_flow.operations.comparing.differences import OneOf, RowDifference, compare_keyed, plain_rows
from osm_flow.operations.comparing.known import Known, read_known
from osm_flow.operations.ledger.admin_journal import AdminKind, changes_of
from osm_flow.store.database import db, instant_text
from osm_flow.store.models import AdminRecord

_OF_POSITIONS = ("role", "office_id", "province_id", "kind", "letter", "valid_from", "valid_to", "title_th", "title_en")
_HOLIDAY = ("is_working", "name_th", "name_en", "source")


@dataclass
class _Told:
    """The rows as the records of administration give them."""

    since: str = ""
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    positions: dict[str, dict[str, Any]] = field(default_factory=dict)
    holidays: dict[str, dict[str, Any]] = field(default_factory=dict)
    office_holidays: dict[str, dict[str, Any]] = field(default_factory=dict)

    def take(self, record: AdminRecord) -> None:
        """What one record says."""
        at = instant_text(record.at)
        self.since = self.since or at
        new = {name: change["new"] for name, change in changes_of(record).items()}
        kind, about = record.kind, record.subject
        if kind == AdminKind.person_created:
            self.people[about] = {"username": about, "locked_at": None, "one_person": None, "created_at": at}
        elif kind in (AdminKind.person_locked, AdminKind.person_unlocked):
            self.people.setdefault(about, {})["locked_at"] = at if kind == AdminKind.person_locked else None
        elif kind == AdminKind.person_tied:
            self.people.setdefault(about, {})["one_person"] = new.get("one_person")
        elif kind == AdminKind.position_given:
            self.positions[str(new["position"])] = _given(record, new, at)
        elif kind == AdminKind.position_confirmed:
            confirmed = {"waits": False, "confirmed_by": record.actor, "confirmed_at": at}
            self.positions.setdefault(str(new["position"]), {}).update(confirmed)
        elif kind == AdminKind.position_ended:
            self.positions.setdefault(str(new["position"]), {})["valid_to"] = new.get("valid_to")
        elif kind in (AdminKind.holiday_set, AdminKind.holiday_removed):
            self._take_holiday(record, new)

    def _take_holiday(self, record: AdminRecord, new: dict[str, Any]) -> None:
        of_all = record.office_id is None
        days = self.holidays if of_all else self.office_holidays
        key = record.subject if of_all else f"{record.office_id} {record.subject}"
        if record.kind == AdminKind.holiday_removed:
            days.pop(key, None)
        else:
            place = {"day": record.subject} | ({} if of_all else {"office_id": record.office_id})
            days.setdefault(key, place).update({name: new[name] for name in _HOLIDAY if name in new})


def compare_administration(session: Session) -> Iterator[RowDifference]:
    """The differences between accounts, positions and declared days, and what the records of administration say of them."""
    told, known = _Told(), read_known(session)
    everything = select(AdminRecord).order_by(AdminRecord.seq).execution_options(yield_per=1_000)
    for record in session.scalars(everything):
        told.take(record)
    if not told.since:
        return  # nothing of administration was ever recorded here
    yield from _compare_people(session, told)
    yield from _compare_positions(session, told, known)
    days = {row["day"]: row for row in _rows(session, "holiday_overrides", "day")}
    yield from compare_keyed("holiday_overrides", told.holidays, days)
    of_offices = {f"{row['office_id']} {row['day']}": row for row in _rows(session, "office_holidays", "day")}
    yield from compare_keyed("office_holidays", told.office_holidays, of_offices)


def _compare_people(session: Session, told: _Told) -> Iterator[RowDifference]:
    """Accounts by their names; those from before the records began are known to nobody but their own row."""
    found = {row["username"]: row for row in _rows(session, "people")}
    recorded = {name: row for name, row in found.items() if name in told.people or row["created_at"] > told.since}
    # An account that was given another name is still the one that was made at that instant.
    made = {row["created_at"]: name for name, row in recorded.items() if name not in told.people}
    for name in told.people.keys() - recorded.keys():
        if (now_called := made.get(told.people[name].get("created_at", ""))) is not None:
            recorded[name] = recorded.pop(now_called)
    yield from compare_keyed("people", told.people, recorded)


def _compare_positions(session: Session, told: _Told, known: Known) -> Iterator[RowDifference]:
    since = {name: made for name, (_, made) in known.people.items()}
    found = {}
    for row in _rows(session, "positions", "valid_from", "valid_to"):
        row |= {name: known.name_of(row[name]) for name in ("person_id", "for_person_id")}
        key = str(row["id"])
        if key in told.positions or row["given_at"] is not None or since.get(row["person_id"] or "", "") > told.since:
            found[key] = row
    for key, row in found.items():
        wanted = told.positions.get(key, {})
        if row["given_at"] is None and row["given_by"] is None:
            # Before positions waited for a second person, the row did not say who gave it: the record does.
            wanted |= {name: OneOf((value, None, False)) for name, value in wanted.items() if name in _SECOND_PERSON}
    yield from compare_keyed("positions", told.positions, found)


_SECOND_PERSON = ("given_by", "given_at", "waits")


def _given(record: AdminRecord, new: dict[str, Any], at: str) -> dict[str, Any]:
    """A position as it was given: only what says something was recorded."""
    principal = new.get("for")
    row = {name: new.get(name) for name in _OF_POSITIONS}
    is_order = "title_th" not in new
    row |= {"title_th": new.get("title_th", ""), "title_en": new.get("title_en", "")}
    waits = record.actor != principal if is_order else new.get("role") in WEIGHTY
    return {
        **row,
        "id": new["position"],
        "person_id": record.subject,
        "for_person_id": principal,
        "waits": waits and record.actor != SYSTEM.username,
        "given_by": record.actor,
        "given_at": at,
        "confirmed_by": None,
        "confirmed_at": None,
    }


def _rows(session: Session, table: str, *days: str) -> list[dict[str, Any]]:
    """The rows of a table, with these days as the records spell them."""
    rows = [dict(row) for row in session.execute(plain_rows(db.metadata.tables[table])).mappings()]
    for row in rows:
        row |= {day: row[day].isoformat() for day in days if row[day] is not None}
    return rows
