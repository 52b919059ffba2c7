"""What the rows of a case must say, worked out from its journal alone: record by record, as the live case wrote them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.access.party_answers import answer_in
from osm_flow.domain.journal import Record
from osm_flow.domain.json import JSON
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.retention import GONE
from osm_flow.domain.search import searchable
from osm_flow.domain.states import OPEN_WORK_ITEM, CaseStatus, UnmarkState, WorkItemStatus
from osm_flow.engine import Process
from osm_flow.engine.values import Waiting
from osm_flow.operations.comparing.differences import TICK, UNKNOWN, Likely, NotLater, OneOf, fits
from osm_flow.operations.comparing.known import Asked, Known
from osm_flow.operations.ledger.case_journal import payload_of, text_searched
from osm_flow.operations.people.signing_in import normal_username
from osm_flow.operations.replay.history import History
from osm_flow.operations.replay.refold import NotReplayable, Replayed, refold
from osm_flow.operations.stepping.projections import candidate_rows, work_item_row
from osm_flow.store.database import instant_text
from osm_flow.store.models import Case

_NO_FILE = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_TURNS = {
    RecordKind.case_suspended: CaseStatus.SUSPENDED,
    RecordKind.case_resumed: CaseStatus.ACTIVE,
    RecordKind.case_cancelled: CaseStatus.CANCELLED,
}
_DECIDED = {
    RecordKind.case_unmarked_sensitive: UnmarkState.CONFIRMED,
    RecordKind.case_unmark_withdrawn: UnmarkState.WITHDRAWN,
}
_OF_SENSITIVE = (
    RecordKind.case_marked_sensitive,
    RecordKind.case_unmark_proposed,
    RecordKind.case_reader_named,
    RecordKind.case_reader_removed,
    *_DECIDED,
)


@dataclass
class Course:
    """A case followed through its journal. `stopped`: the first record that cannot be replayed, for an erasure or a fault."""

    known: Known
    history: History
    process: Process
    parent: Asked | None
    province_found: str | None = None
    case: dict[str, Any] = field(default_factory=dict)
    work_items: dict[str, dict[str, Any]] = field(default_factory=dict)
    candidates: dict[str, list[JSON]] = field(default_factory=dict)
    timers: dict[str, JSON] = field(default_factory=dict)
    messages: dict[str, JSON] = field(default_factory=dict)
    services: dict[str, JSON] = field(default_factory=dict)
    visits: Counter[str] = field(default_factory=Counter)
    comments: list[JSON] = field(default_factory=list)
    attachments: list[JSON] = field(default_factory=list)
    searched: dict[int, Any] = field(default_factory=dict)
    calls: dict[str, str] = field(default_factory=dict)
    turns: list[tuple[str, bool]] = field(default_factory=list)
    readers: dict[tuple[str, Any], JSON] | None = field(default_factory=dict)
    proposals: dict[tuple[str, int], JSON] = field(default_factory=dict)
    holds: dict[str, JSON] = field(default_factory=dict)
    not_recorded: list[tuple[str, str, str]] = field(default_factory=list)
    stopped: NotReplayable | None = None
    _row: Case = field(default_factory=Case)

    def follow(self) -> None:
        """Work out all rows."""
        replayed: dict[int, Replayed] = {}
        states = refold(self.history)
        before = ""
        for record, hash_ in self.history.chain:
            if self.stopped is None:
                try:
                    replayed[record.seq] = next(states)[1]
                except NotReplayable as stop:
                    self.stopped = stop
            payload = self.history.payloads.get(record.seq)
            body = payload_of(payload.body) if payload is not None else None
            self._take(record, body, replayed.pop(record.seq, None), _time(record, before))
            self.case |= {"seq": record.seq, "head": hash_, "head_at": record.at}
            before = record.at
        self._forgive_erasures()

    def asked(self) -> Asked:
        """What its child cases begin with."""
        return Asked(
            self.case.get("root_case_id", self.history.case_id),
            self.case.get("depth", 0),
            self.case.get("fiscal_year", 0),
            self._row.province_id,
            self.calls,
            tuple(self.turns),
        )

    # ---- one record ------------------------------------------------------------------------------------------

    def _take(self, record: Record, body: JSON | None, replayed: Replayed | None, at: Any) -> None:
        if record.seq == 1:
            self._begin(record, body)
        if body is not None:
            self.searched[record.seq] = "" if record.actor == SYSTEM.username else text_searched(body)
        elif record.seq not in self.history.erased:
            self.searched[record.seq] = UNKNOWN  # there was one
        data: JSON = (body or {}).get("data") or {}
        self._note(record, data, body, at)
        if body is None or body.get("command") is None or replayed is None or self.stopped is not None:
            return
        self._move(record, replayed)

    def _begin(self, record: Record, body: JSON | None) -> None:
        data, about = ((body or {}).get(name) or {} for name in ("data", "about"))
        key = about.get("business_key", UNKNOWN)
        title = about.get("title", UNKNOWN)
        parent = self.parent
        whole = body is not None
        self.case = {
            "definition_id": f"{record.definition_key} {record.definition_version} {record.definition_sha256}",
            "business_key": key,
            "title": title,
            "office_id": data.get("office", UNKNOWN),
            "fiscal_year": data.get("fy", UNKNOWN),
            "province_id": self._province(data, about) if whole else UNKNOWN,
            "subject": self._subject(data, about) if whole else UNKNOWN,
            "search": searchable(title, key) if whole else UNKNOWN,
            "state": CaseStatus.ACTIVE,
            "outcome": None,
            "stage": self.process.properties.get("stage"),
            "parent_case_id": about.get("parent_case_id") if whole else UNKNOWN,
            "parent_task_id": about.get("parent_task_id") if whole else UNKNOWN,
            "root_case_id": parent.root_case_id if parent else record.case_id,
            "depth": parent.depth + 1 if parent else 0,
            "started_by": record.actor,
            "started_at": record.at,
            "ended_at": None,
            "is_sensitive": self._begins_sensitive(record.at),
        }
        self.turns.append((record.at, self.case["is_sensitive"]))
        if whole:
            names = ("business_key", "title", "office_id", "fiscal_year", "province_id", "subject")
            self._row = Case(id=record.case_id, **{name: self.case[name] for name in names})
            if fits(self.case["province_id"], self.province_found):
                self._row.province_id = self.province_found

    def _province(self, data: JSON, about: JSON) -> Any:
        if self.parent is not None:
            wanted = data.get("province")
            is_here = isinstance(wanted, str) and self.known.provinces.get(wanted) == data.get("office")
            return wanted if is_here else self.parent.province_id
        if "province" in about:
            return about["province"]
        # Earlier versions recorded it only with the project that such a case is about.
        project = data.get("project")
        if isinstance(project, dict):
            self.not_recorded.append(("cases", self.history.case_id, "province_id"))
        return OneOf((None, project.get("province"))) if isinstance(project, dict) else None

    def _subject(self, data: JSON, about: JSON) -> str:
        own = self.process.subject_of(data)
        called = self.parent.subjects.get(about.get("parent_task_id", ""), "") if self.parent else ""
        return own or called

    def _begins_sensitive(self, at: str) -> bool:
        of_parent = [is_so for since, is_so in self.parent.sensitive if since <= at] if self.parent else []
        return self.process.properties.get("sensitive") == "true" or bool(of_parent and of_parent[-1])

    def _note(self, record: Record, data: JSON, body: JSON | None, at: Any) -> None:
        kind = record.kind
        if kind in _TURNS:
            self.case["state"] = _TURNS[RecordKind(kind)]
        if kind == RecordKind.case_cancelled:
            self.case["ended_at"] = record.at
            self._cancel([*self.work_items], record.at)
            for rows in (self.timers, self.messages, self.services):
                rows.clear()
        elif kind in _OF_SENSITIVE:
            self._take_sensitive(record, data, at)
        elif kind in (RecordKind.case_held, RecordKind.case_hold_lifted):
            self._take_hold(record, data, at)
        elif kind == RecordKind.case_commented:
            self.comments.append({**_lies(record, at), "body": data.get("body", GONE)})
        elif kind == RecordKind.case_attached:
            self.attachments.append({**_lies(record, at), **_file(data)})
        elif record.task_id is not None and kind.startswith("work_item."):
            self._work(record, data, body, at)

    def _take_sensitive(self, record: Record, data: JSON, at: Any) -> None:
        kind = record.kind
        if kind in (RecordKind.case_marked_sensitive, RecordKind.case_unmarked_sensitive):
            self.case["is_sensitive"] = kind == RecordKind.case_marked_sensitive
            self.turns.append((record.at, self.case["is_sensitive"]))
        if kind == RecordKind.case_unmark_proposed:
            self.proposals[record.case_id, record.seq] = {
                "case_id": record.case_id,
                "seq": record.seq,
                "proposed_by_id": record.actor,
                "proposed_at": at,
                "for_person_id": record.on_behalf_of,
                "state": UnmarkState.PROPOSED,
                "decided_by": None,
                "decided_at": None,
            }
        elif kind in _DECIDED:
            for proposal in self.proposals.values():  # one at most is open
                if proposal["state"] == UnmarkState.PROPOSED:
                    proposal |= {"state": _DECIDED[RecordKind(kind)], "decided_by": record.actor, "decided_at": at}
        self._take_reader(record, data, at)

    def _take_reader(self, record: Record, data: JSON, at: Any) -> None:
        kind, who = record.kind, data.get("who")
        if kind == RecordKind.case_unmarked_sensitive:
            self.readers = {}
        elif self.readers is None or kind not in (RecordKind.case_reader_named, RecordKind.case_reader_removed):
            return
        elif who is None:
            self.readers = None  # who it was is erased
        elif kind == RecordKind.case_reader_named:
            key = (record.case_id, who)
            self.readers[key] = {"case_id": record.case_id, "person_id": who, "named_by": record.actor, "at": at}
        else:
            self.readers.pop((record.case_id, normal_username(str(who))), None)

    def _take_hold(self, record: Record, data: JSON, at: Any) -> None:
        is_lift = record.kind == RecordKind.case_hold_lifted
        lifted = data.get("hold") if is_lift else None
        row = {
            "lifts_id": lifted,
            "case_id": record.case_id,
            "person_id": None,
            "book": None,
            "record_id": None,
            "reason": data.get("reason"),
        }
        row |= {"actor": record.actor, "at": at}
        if is_lift:
            self.holds[f"lift of {lifted}"] = row
        else:
            self.holds[str(data.get("hold"))] = {**row, "id": data.get("hold")}

    # ---- work items ------------------------------------------------------------------------------------------

    def _work(self, record: Record, data: JSON, body: JSON | None, at: Any) -> None:
        item = self.work_items.setdefault(record.task_id or "", {})
        match record.kind:
            case RecordKind.work_item_claimed:
                item |= {"state": WorkItemStatus.CLAIMED, "assignee_id": record.actor, "claimed_at": at}
            case RecordKind.work_item_released:
                self._release(item, data)
            case RecordKind.work_item_delegated:
                owner = item.get("owner_id", UNKNOWN) or item.get("assignee_id", UNKNOWN)
                to = data.get("to", UNKNOWN)
                item |= {"state": WorkItemStatus.CLAIMED, "assignee_id": to, "owner_id": None if owner == to else owner}
            case RecordKind.work_item_reassigned:
                self._reassign(item, data, body, at)
            case RecordKind.work_item_due_moved:
                item["due_at"] = data.get("to", UNKNOWN)
            case RecordKind.work_item_follow_up_set:
                item["follow_up_at"] = data.get("to", UNKNOWN)
            case RecordKind.work_item_priority_set:
                item["priority"] = data.get("to", UNKNOWN)
            case RecordKind.work_item_completed:
                self._complete(item, record, body, at)

    def _release(self, item: dict[str, Any], data: JSON) -> None:
        if item.get("owner_id", UNKNOWN) is not None and "to" not in data:
            # Before it was written down, nothing says whether its owner got it back or its candidates.
            self.not_recorded.append(("work_items", str(item.get("id", "")), "assignee_id"))
            item |= dict.fromkeys(("state", "assignee_id", "owner_id", "claimed_at"), UNKNOWN)
        elif data.get("to"):
            item |= {"assignee_id": data["to"], "owner_id": None}
        else:
            item |= {"state": WorkItemStatus.READY, "assignee_id": None, "owner_id": None, "claimed_at": None}

    def _reassign(self, item: dict[str, Any], data: JSON, body: JSON | None, at: Any) -> None:
        if body is None:
            item |= dict.fromkeys(("state", "assignee_id", "owner_id", "claimed_at"), UNKNOWN)
            return
        to = data.get("to")
        state = WorkItemStatus.CLAIMED if to else WorkItemStatus.READY
        item |= {"state": state, "assignee_id": to, "owner_id": None, "claimed_at": at if to else None}

    def _complete(self, item: dict[str, Any], record: Record, body: JSON | None, at: Any) -> None:
        about = (body or {}).get("about") or {}
        if body is None:
            item |= {"assignee_id": UNKNOWN, "claimed_at": UNKNOWN}
        elif about.get("claimed", item.get("state") == WorkItemStatus.READY) and answer_in(body) is None:
            item |= {"assignee_id": record.actor, "claimed_at": at}
        done = {"completed_by_id": record.actor, "on_behalf_of": record.on_behalf_of, "closed_at": at}
        item |= {"state": WorkItemStatus.COMPLETED, "case_id": record.case_id, "element": record.element, **done}

    def _cancel(self, task_ids: list[str], at: str) -> None:
        for task_id in task_ids:
            item = self.work_items[task_id]
            if item.get("state") in OPEN_WORK_ITEM:
                item |= {"state": WorkItemStatus.CANCELLED, "closed_at": at}

    # ---- what the case waits for -----------------------------------------------------------------------------

    def _move(self, record: Record, replayed: Replayed) -> None:
        by_kind: dict[str, dict[str, Waiting]] = {"user": {}}
        for one in replayed.waiting:
            by_kind.setdefault("user" if one.kind == "manual" else one.kind, {})[one.task_id] = one
        self._items(by_kind["user"], record, replayed.at)
        self.timers = {key: _timer(one) for key, one in by_kind.get("timer", {}).items() if one.due_at is not None}
        messages = by_kind.get("message", {})
        self.messages = {key: self.messages.get(key) or self._message(one, record) for key, one in messages.items()}
        self.services = {
            key: {"task_id": key, "case_id": record.case_id, "element": one.element, "topic": one.topic or ""}
            for key, one in by_kind.get("service", {}).items()
        }
        for row in self.timers.values():
            row["case_id"] = record.case_id
        self.calls |= {key: one.subject or self._row.subject for key, one in by_kind.get("child", {}).items()}
        self.visits.update(passage.element for passage in replayed.passed if passage.kind == "completed")
        if replayed.ended:
            self.case |= {"state": CaseStatus.COMPLETED, "outcome": replayed.outcome, "ended_at": record.at}

    def _items(self, waiting: dict[str, Waiting], record: Record, at: datetime) -> None:
        is_open = {key for key, item in self.work_items.items() if item.get("state") in OPEN_WORK_ITEM}
        self._cancel([*(is_open - waiting.keys())], record.at)
        for task_id in is_open & waiting.keys():
            self._replan(self.work_items[task_id], waiting[task_id])
        fresh = [one for task_id, one in waiting.items() if task_id not in is_open]
        people, provinces = self.known.numbers_at(record.at), frozenset(self.known.provinces)
        for one in fresh:
            row = work_item_row(self._row, self.process, one, people, provinces, at)
            self.work_items[one.task_id] = self._opened(row)
            invited = candidate_rows(one, people, provinces)
            self.candidates[one.task_id] = [self._invited(one.task_id, who) for who in invited]
        if fresh and (stage := self.work_items[fresh[-1].task_id]["stage"]) != self.case["stage"]:
            self.case["stage"] = stage

    def _opened(self, row: JSON) -> dict[str, Any]:
        item = {name: instant_text(value) if isinstance(value, datetime) else value for name, value in row.items()}
        item["assignee_id"] = self.known.name_of(row["assignee_id"])
        never = dict.fromkeys(("owner_id", "closed_at", "completed_by_id", "on_behalf_of"))
        item["name_en"] = Likely(row["name_en"])
        if row["record_code"] is not None:
            # Work items opened by earlier versions have none.
            item["record_code"] = OneOf((row["record_code"], None), to_put=1)
        return {**item, **never, "state": str(item["state"])}

    def _invited(self, task_id: str, who: JSON) -> JSON:
        row = {"work_item_id": task_id, "role": None, "province_id": None, "person_id": None, **who}
        return {**row, "person_id": self.known.name_of(row["person_id"])}

    def _replan(self, item: dict[str, Any], waiting: Waiting) -> None:
        due = instant_text(waiting.due_at) if waiting.due_at else None
        if due == item["planned_due_at"]:
            return
        if item["due_at"] == item["planned_due_at"]:
            item["due_at"] = due
        item["planned_due_at"] = due
        if waiting.follow_up_at:
            item["follow_up_at"] = instant_text(waiting.follow_up_at)

    def _message(self, waiting: Waiting, record: Record) -> JSON:
        return {
            "task_id": waiting.task_id,
            "case_id": record.case_id,
            "element": waiting.element,
            "name_th": waiting.name[:255],
            "name_en": "",
            "message": (waiting.message or "")[:128],
            "form_key": waiting.form_key,
            "office_id": self._row.office_id,
            "fiscal_year": self._row.fiscal_year,
            "since": record.at,
        }

    # ---- erasures --------------------------------------------------------------------------------------------

    def _forgive_erasures(self) -> None:
        """What an erasure leaves in the place of words: nothing, or a word that says that they are gone."""
        if not self.known.has_erased:
            return
        items = self.work_items.values()
        for row, column in [
            (self.case, "subject"),
            *((item, name) for item in items for name in ("subject", "search")),
        ]:
            if column in row:
                # Where the words themselves are erased, nothing may stand there any more.
                row[column] = OneOf((row[column], ""), to_put=1) if row[column] is not UNKNOWN else ""
        if not self.history.erased:
            return
        key = self.case.get("business_key")
        if isinstance(key, str):
            self.case["title"] = OneOf((self.case["title"], f"{GONE} {key}"), to_put=1)
            self.case["search"] = OneOf((self.case["search"], searchable(key)), to_put=1)
        for said in self.comments:
            said["body"] = OneOf((said["body"], GONE))
        for file in self.attachments:
            file["filename"] = OneOf((file["filename"], GONE))
            file["content"] = OneOf((file["content"], _NO_FILE))


def _time(record: Record, before: str) -> Any:
    """The instant of an act: that of its record, or an earlier one where the record was put after the one before it."""
    try:
        is_put_after = before and datetime.fromisoformat(record.at) - datetime.fromisoformat(before) == TICK
    except ValueError:
        return UNKNOWN
    return NotLater(record.at) if is_put_after else record.at


def _lies(record: Record, at: Any) -> JSON:
    return {"case_id": record.case_id, "work_item_id": record.task_id, "person_id": record.actor, "at": at}


def _file(data: JSON) -> JSON:
    if "sha256" not in data:
        return {
            "filename": GONE,
            "media_type": UNKNOWN,
            "size": UNKNOWN,
            "sha256": UNKNOWN,
            "content": _NO_FILE,
            "file": None,
        }
    return {
        **{name: data[name] for name in ("filename", "media_type", "size", "sha256")},
        "content": f"sha256:{data['sha256']}",
        "file": OneOf((data["sha256"], None)),
    }


def _timer(one: Waiting) -> JSON:
    return {
        "task_id": one.task_id,
        "element": one.element,
        "name_th": one.name[:255],
        "due_at": instant_text(one.due_at) if one.due_at else None,
    }
