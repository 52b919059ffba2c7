"""The rows as the records of administration tell them: accounts, posts, days, dates, versions, proposals, holds, keys."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.access.roles import WEIGHTY
from osm_flow.domain.calendar.fiscal_year import DateStatus
from osm_flow.domain.states import ProposalState, RebuildingState
from osm_flow.operations.comparing.coverage import FOUND_FIRST
from osm_flow.operations.comparing.differences import UNKNOWN
from osm_flow.operations.ledger.admin_journal import AdminKind, changes_of
from osm_flow.store.database import instant_text
from osm_flow.store.models import AdminRecord

_OF_POSITIONS = ("role", "office_id", "province_id", "kind", "letter", "valid_from", "valid_to", "title_th", "title_en")
_HOLIDAY = ("is_working", "name_th", "name_en", "source")
_MILESTONE = ("date", "status", "letter")
# Of a deployment's record, what is no process.
_OF_DEPLOYMENTS = frozenset({"proposal", "proposed_by", "proposed_in", "note", "on_behalf_of"})
_NOT_A_FILE = frozenset({"note", "on_behalf_of"})
_NOT_A_ROW = frozenset({"rebuilding", "case", "on_behalf_of"})
_HOW_KEYS_BEGAN = {AdminKind.key_rotated: "rotated", AdminKind.key_replaced: "replaced"}
# What the record is about that says of which tables the rows are recorded as they were found.
FOUND_MARK = "everything"

Told = dict[str, Any]


@dataclass
class ToldRows:
    """What the records say, by table and then by what names a row in them.

    since     the instant of the first record; nothing where there is none.
    found_at  by table when the rows that no record had told were recorded as they were found; none while they were not.
    found     the names of those rows, by table, each with the columns that were recorded so.
    """

    since: str = ""
    found_at: dict[str, str] = field(default_factory=dict)
    found: dict[str, dict[str, Told]] = field(default_factory=dict)
    tables: dict[str, dict[str, Told]] = field(default_factory=lambda: defaultdict(dict))

    def take(self, record: AdminRecord) -> None:
        """What one record says."""
        at = instant_text(record.at)
        self.since = self.since or at
        new = {name: change["new"] for name, change in changes_of(record).items()}
        kind = record.kind
        if kind == AdminKind.rows_found:
            self._take_found(record, new, at)
        elif kind.startswith("person."):
            self._take_person(record, new, at)
        elif kind in (AdminKind.record_held, AdminKind.record_hold_lifted):
            self._take_hold(record, new, at)
        elif kind.startswith("position."):
            self._take_position(record, new, at)
        elif kind in (AdminKind.holiday_set, AdminKind.holiday_removed):
            self._take_holiday(record, new)
        elif kind in (AdminKind.calendar_proposed, AdminKind.calendar_moved):
            self._take_dates(record, new, at)
        elif kind.startswith("definitions."):
            self._take_definitions(record, new, at)
        elif kind.startswith(("rebuilding.", "rows.")):
            self._take_rebuilding(record, new, at)
        elif kind.startswith("erasure."):
            self._take_erasure(record, new, at)
        elif kind in _HOW_KEYS_BEGAN:
            self._take_key(record, new, at)

    def _take_found(self, record: AdminRecord, new: Told, at: str) -> None:
        if record.subject == FOUND_MARK:
            # The first version that recorded rows as they are found did not say of which tables: of these.
            tables = str(new["tables"]).split(", ") if "tables" in new else FOUND_FIRST
            self.found_at |= dict.fromkeys(tables, at)
        for key, row in new.items():
            if isinstance(row, dict):
                self.tables[record.subject].setdefault(key, {}).update(row)
                self.found.setdefault(record.subject, {})[key] = row

    # ---- people --------------------------------------------------------------------------------------------------

    def _take_person(self, record: AdminRecord, new: Told, at: str) -> None:
        kind, name = record.kind, record.subject
        person = self.tables["people"].setdefault(name, {})
        if kind == AdminKind.person_created:
            made = {"username": name, "locked_at": None, "one_person": None, "created_at": at}
            person |= {**made, "office_id": record.office_id, "display_name": new.get("name_digest", UNKNOWN)}
        elif kind in (AdminKind.person_locked, AdminKind.person_unlocked):
            person["locked_at"] = at if kind == AdminKind.person_locked else None
        elif kind == AdminKind.person_tied:
            person["one_person"] = new.get("one_person")
        elif kind in (AdminKind.person_held, AdminKind.person_hold_lifted):
            self._take_hold(record, new, at)
        if not person:
            del self.tables["people"][name]

    def _take_hold(self, record: AdminRecord, new: Told, at: str) -> None:
        is_lift = record.kind in (AdminKind.person_hold_lifted, AdminKind.record_hold_lifted)
        is_of_book = record.kind in (AdminKind.record_held, AdminKind.record_hold_lifted)
        book, _, record_id = record.subject.partition(" ") if is_of_book else ("", "", "")
        number = new.get("lift" if is_lift else "hold")
        self.tables["legal_holds"][str(number)] = {
            "id": number,
            "lifts_id": new.get("hold") if is_lift else None,
            "case_id": None,
            "person_id": None if is_of_book else record.subject,
            "book": book or None,
            "record_id": record_id or None,
            "reason": new.get("reason"),
            "actor": record.actor,
            "at": at,
        }

    def _take_position(self, record: AdminRecord, new: Told, at: str) -> None:
        key, positions = str(new["position"]), self.tables["positions"]
        if record.kind == AdminKind.position_given:
            positions[key] = _given(record, new, at)
        elif record.kind == AdminKind.position_confirmed:
            confirmed = {"waits": False, "confirmed_by": record.actor, "confirmed_at": at}
            positions.setdefault(key, {}).update(confirmed)
        elif record.kind == AdminKind.position_ended:
            positions.setdefault(key, {})["valid_to"] = new.get("valid_to")

    # ---- the calendar --------------------------------------------------------------------------------------------

    def _take_holiday(self, record: AdminRecord, new: Told) -> None:
        of_all = record.office_id is None
        days = self.tables["holiday_overrides" if of_all else "office_holidays"]
        key = record.subject if of_all else f"{record.office_id} {record.subject}"
        if record.kind == AdminKind.holiday_removed:
            days.pop(key, None)
        else:
            place = {"day": record.subject} | ({} if of_all else {"office_id": record.office_id})
            days.setdefault(key, place).update({name: new[name] for name in _HOLIDAY if name in new})

    def _take_dates(self, record: AdminRecord, new: Told, at: str) -> None:
        dates = self.tables["fiscal_calendar"]
        office_id, year, *rest = record.subject.split(" ")
        if record.kind == AdminKind.calendar_proposed:
            for key, day in new.items():
                if key != "on_behalf_of":
                    place = {"office_id": office_id, "fiscal_year": int(year), "key": key}
                    planned = {"date": day, "status": DateStatus.planned.value, "letter": ""}
                    dates[f"{record.subject} {key}"] = {**place, **(day if isinstance(day, dict) else planned)}
            return
        place = {"office_id": office_id, "fiscal_year": int(year), "key": " ".join(rest)}
        old = dates.get(record.subject, {}).get("date", UNKNOWN)
        if (moved := changes_of(record).get("date")) is not None:
            old = moved["old"]
        row = dates.setdefault(record.subject, dict(place))
        row.update({name: new[name] for name in _MILESTONE if name in new})
        self.tables["calendar_changes"][f"{record.subject} {at}"] = {
            **place,
            "old_date": old,
            "new_date": row.get("date", UNKNOWN),
            "letter": row.get("letter", UNKNOWN),
            "actor": record.actor,
            "at": at,
        }

    # ---- processes -----------------------------------------------------------------------------------------------

    def _take_definitions(self, record: AdminRecord, new: Told, at: str) -> None:
        number = int(record.subject.rpartition(" ")[2])
        if record.kind == AdminKind.definitions_deployed:
            self._take_deployment(record, new, number, at)
            return
        proposals = self.tables["diagram_proposals"]
        if record.kind == AdminKind.definitions_proposed:
            proposed = {"proposed_by": record.actor, "proposed_at": at, "note": new.get("note", UNKNOWN)}
            undecided = dict.fromkeys(("decided_by", "decided_at", "deployment_id"))
            state = {"state": ProposalState.PROPOSED.value, "reason": "", **undecided}
            proposals[str(number)] = {"id": number, "office_id": record.office_id, **proposed, **state}
            for name, digest in new.items():
                if name not in _NOT_A_FILE:
                    file = {"proposal_id": number, "name": name, "content": f"sha256:{digest}"}
                    self.tables["proposed_files"][f"{number} {name}"] = file
        else:
            decided = {"state": new.get("state"), "reason": new.get("reason", "")}
            proposals.setdefault(str(number), {}).update(decided, decided_by=record.actor, decided_at=at)

    def _take_deployment(self, record: AdminRecord, new: Told, number: int, at: str) -> None:
        deployed = {"id": number, "at": at, "actor": record.actor, "note": new.get("note", UNKNOWN)}
        self.tables["deployments"][str(number)] = deployed
        for key, version in new.items():
            if key not in _OF_DEPLOYMENTS and isinstance(version, dict):
                row = {"key": key, "version": version["version"], "sha256": version["sha256"]}
                self.tables["process_definitions"][f"{key} {version['version']}"] = {**row, "deployment_id": number}
        if (proposal := new.get("proposal")) is not None:
            published = {"state": ProposalState.PUBLISHED.value, "deployment_id": number}
            row = self.tables["diagram_proposals"].setdefault(str(proposal), {})
            row.update(published, decided_by=record.actor, decided_at=at)

    # ---- requests to erase ---------------------------------------------------------------------------------------

    def _take_erasure(self, record: AdminRecord, new: Told, at: str) -> None:
        number = record.subject.rpartition(" ")[2]
        row = self.tables["erasure_requests"].setdefault(number, {"id": int(number), "office_id": record.office_id})
        state = new.get("erasure")
        if record.kind == AdminKind.erasure_asked:
            undecided = dict.fromkeys(("decided_by", "decided_at"))
            row |= {"asked_by": record.actor, "asked_at": at, "items": new.get("items"), **undecided}
        else:
            row |= {"decided_by": record.actor, "decided_at": at}
        row["state"] = state

    # ---- keys that sign ------------------------------------------------------------------------------------------

    def _take_key(self, record: AdminRecord, new: Told, at: str) -> None:
        how = _HOW_KEYS_BEGAN[AdminKind(record.kind)]
        before = changes_of(record)["key"]["old"]
        if before is not None and before not in self.tables["signing_keys"]:
            self.tables["signing_keys"][before] = first_key(before)
        key = {"key_id": new.get("key"), "how": how, "actor": record.actor, "at": at, "reason": new.get("reason", "")}
        self.tables["signing_keys"][str(new.get("key"))] = key

    # ---- rows that were put back ---------------------------------------------------------------------------------

    def _take_rebuilding(self, record: AdminRecord, new: Told, at: str) -> None:
        number = record.subject.rpartition(" ")[2]
        if record.kind == AdminKind.rows_put_back:
            self._take_put_back(record, number)
            return
        row = self.tables["rebuildings"].setdefault(number, {"id": int(number)})
        row["state"] = new.get("state")
        if record.kind == AdminKind.rebuilding_asked:
            tables = str(new.get("tables", "")).replace(", ", "\n")
            undecided = dict.fromkeys(("decided_by", "decided_at", "done_at"))
            row |= {
                "tables": tables,
                "reason": new.get("reason"),
                "asked_by": record.actor,
                "asked_at": at,
                **undecided,
            }
        elif new.get("state") == RebuildingState.DONE:
            row["done_at"] = at
        else:
            row |= {"decided_by": record.actor, "decided_at": at}

    def _take_put_back(self, record: AdminRecord, number: str) -> None:
        changes = changes_of(record)
        case_id = changes.get("case", {}).get("new")
        for name, change in changes.items():
            if name not in _NOT_A_ROW:
                row = {"rebuilding_id": int(number), "case_id": case_id, "name": name}
                digests = {"found": change["old"], "recorded": change["new"]}
                self.tables["put_back_rows"][f"{number} {case_id} {name}"] = {**row, **digests}


def first_key(key_id: str) -> Told:
    """The key that no other came before: the first checkpoint makes it, and no record says who asked for that."""
    return {"key_id": key_id, "how": "first", "reason": "", **dict.fromkeys(("actor", "at"), UNKNOWN)}


def _given(record: AdminRecord, new: Told, at: str) -> Told:
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
