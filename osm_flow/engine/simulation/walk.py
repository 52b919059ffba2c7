"""Running a diagram without a database, with random choices or along a recorded walk, through the same engine.

A simulation holds a case and its child cases in memory. Services answer at random by the schema of their topic, the
clock jumps to the timer that is chosen, forms are filled from their schemas.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import NAMESPACE_URL, uuid5

import orjson

from osm_flow.domain.forms.values import random_values
from osm_flow.domain.json import JSON
from osm_flow.engine import values
from osm_flow.engine.definitions import Process
from osm_flow.engine.errors import EngineFault
from osm_flow.engine.rules import RULES
from osm_flow.engine.standstills import Standstill, standstills
from osm_flow.engine.stepper import LiveCase, recorded, step
from osm_flow.engine.values import (
    Command,
    CompleteTask,
    DeliverMessage,
    EndChild,
    EscalateChild,
    FinishService,
    FireTimer,
    Start,
    Step,
    Thrown,
    Waiting,
)
from osm_flow.errors import Refused

Mode = Literal["live", "reload", "replay"]
OPEN_KINDS = ("user", "manual", "timer", "message")
BEGINNING = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
MAX_CASES = 2_000
MAX_NESTED = 50
MAX_STEPS_ALONE = 3_000


class ElementNotOpen(Refused):
    """The element {element} is not open here; open are: {open}"""


@dataclass
class _Running:
    """A case of the simulation."""

    id: str
    process: Process
    parent: tuple[str, str] | None = None
    live: LiveCase | None = None
    snapshot: bytes | None = None
    newest: Step | None = None

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """What the case waits for."""
        return self.newest.waiting if self.newest else ()


@dataclass
class Walk:
    """The course of a simulation; `outcome` is completed, stuck, unfinished or failed, `element` where it failed.

    Stuck is what can never go on, and `standing` says why; unfinished is a walk that was stopped on its way, and
    `out_of_steps` says that the number of steps allowed stopped it, not the end of a recorded walk.
    """

    steps: list[JSON] = field(default_factory=list)
    outcome: str = "unfinished"
    element: str | None = None
    reason: str | None = None
    standing: list[Standstill] = field(default_factory=list)
    out_of_steps: bool = False

    def as_json(self) -> JSON:
        """The course as JSON."""
        return {"steps": self.steps, "outcome": self.outcome, "element": self.element}


@dataclass(frozen=True)
class Assumptions:
    """What nobody chooses along a walk, beyond chance.

    data     what the case begins with.
    topics   the result schema of each topic, by which service jobs are answered.
    guesses  the values of variables that conditions ask for.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    topics: Mapping[str, JSON] = field(default_factory=dict)
    guesses: Mapping[str, Sequence[Any]] = field(default_factory=dict)


_NONE = Assumptions()


class Simulation:
    """One simulation. `find` gives the process of a key; `rules` are those of the engine by which the cases go on."""

    def __init__(
        self,
        find: Callable[[str], Process],
        key: str,
        *,
        seed: int = 0,
        mode: Mode = "live",
        compacting: bool = True,
        assumed: Assumptions = _NONE,
    ) -> None:
        self.find = find
        self.key = key
        self.mode = mode
        self.compacting = compacting
        self.random = random.Random(seed)  # noqa: S311 - a repeatable walk, no secret
        # What nobody chooses (start values, answers of services) is the same along the recorded walk of the same seed.
        self.surroundings = random.Random(f"surroundings of {seed}")  # noqa: S311
        self.assumed = assumed
        self.now = BEGINNING
        self.rules = RULES
        self.cases: dict[str, _Running] = {}
        self.walk = Walk()
        self._log: list[tuple[str, Any]] = []
        self._alone = 0
        self._mail: list[tuple[str, Thrown]] = []
        self._escalations: list[tuple[str, Thrown]] = []

    def run(self, walk: Sequence[Mapping[str, Any]] | None = None, max_steps: int = 500) -> Walk:
        """Run until the end, until nothing is open, or for as long as `walk` says.

        Raises ElementNotOpen for a walk that names an element which is not open.
        """
        try:
            self.begin()
            for number in range(max_steps if walk is None else min(len(walk), max_steps)):
                if not self.opened():
                    break
                self._choose(walk[number] if walk is not None else None)
            if walk is not None and len(self.walk.steps) < min(len(walk), max_steps):
                raise ElementNotOpen(element=walk[len(self.walk.steps)].get("element"), open=[])
            self._judge()
            at_most = walk is None or len(walk) > max_steps
            self.walk.out_of_steps = at_most and self.walk.outcome == "unfinished"
        except EngineFault as fault:
            self.walk.outcome, self.walk.element, self.walk.reason = "failed", fault.element or None, str(fault)
        if self.mode == "replay":
            self.replay()
        return self.walk

    def _judge(self) -> None:
        if self.is_over():
            self.walk.outcome = "completed"
        else:
            self.walk.standing = [found for case in self.cases.values() for found in _standing(case)]
            self.walk.outcome = "stuck" if self.walk.standing or not self.opened() else "unfinished"
        newest = next(iter(self.cases.values())).newest
        if newest is not None and newest.error_code is not None:
            reason = f"it ended in the error {newest.error_code}, which nothing in the diagram handles"
            raise EngineFault(newest.outcome or "", reason)

    # -- what is open, and what is chosen -------------------------------------------------------------------

    def begin(self) -> None:
        """Start the case and run to where somebody is asked."""
        self._start(self.key, None, self._start_data())
        self._settle()

    def is_over(self) -> bool:
        """Whether the case has ended."""
        return all(case.newest is not None and case.newest.ended for case in self.cases.values())

    def data(self) -> JSON:
        """The variables of the first case, as its newest step saw them."""
        newest = next(iter(self.cases.values())).newest
        return newest.data if newest else {}

    def opened(self) -> list[tuple[_Running, Waiting]]:
        """What the cases wait for of people, clocks and messages."""
        return [(c, w) for c in self.cases.values() for w in c.waiting if w.kind in OPEN_KINDS]

    def _choose(self, wanted: Mapping[str, Any] | None) -> None:
        choices = self.opened()
        names = sorted(w.element for _, w in choices)
        element = self.random.choice(choices)[1].element if wanted is None else wanted.get("element")
        # Of several instances the first, drawn or recorded: what a walk printed can be walked again.
        match = next(((c, w) for c, w in choices if w.element == element), None)
        if match is None:
            raise ElementNotOpen(element=element, open=names)
        case, waiting = match
        given = (wanted or {}).get("data")
        self.take(case, waiting, given if isinstance(given, dict) else self._fill(case, waiting))

    def take(self, case: _Running, waiting: Waiting, data: JSON) -> None:
        """Complete the open element with these data, and run on."""
        self._alone = 0
        names = sorted(w.element for _, w in self.opened())
        self.walk.steps.append({"open": names, "chosen": waiting.element, "data": data})
        self._log.append(("choice", names))
        if waiting.kind == "timer":
            self.now = max(self.now, waiting.due_at or self.now)
        self._advance(case, _command(waiting, data))
        self._settle()

    def _fill(self, case: _Running, waiting: Waiting) -> JSON:
        if waiting.kind == "timer":
            return {}
        schema = case.process.forms.get(waiting.form_key or "")
        if schema is not None:
            return random_values(schema, self.random, waiting.data)
        if waiting.kind == "message":
            return {}
        return {name: self.random.choice(options) for name, options in self.assumed.guesses.items()}

    def _start_data(self) -> JSON:
        form = self.find(self.key).start_form
        schema = self.find(self.key).forms.get(form or "")
        filled = random_values(schema, self.surroundings) if schema is not None else {}
        return {
            "fy": 2571,
            "office": "NE-U1",
            "provinces": ["TH-38", "TH-42", "TH-43", "TH-39", "TH-41"],
            "started_by": "simulation",
            **filled,
            **self.assumed.data,
        }

    # -- what goes on by itself -----------------------------------------------------------------------------

    def _settle(self) -> None:
        """Start and end child cases, answer services, pass messages on, until people are asked."""
        while self._settle_once():
            pass

    def _settle_once(self) -> bool:
        moved = self._deliver()
        for case in list(self.cases.values()):
            moved |= self._escalate(case)
        born = {case.parent for case in self.cases.values()}
        for case in list(self.cases.values()):
            if case.id in self.cases:
                moved |= self._settle_case(case, born)
        self._drop_orphans()
        return moved

    def _settle_case(self, case: _Running, born: set[tuple[str, str] | None]) -> bool:
        moved = False
        if case.newest is not None and case.newest.ended and case.parent is not None:
            moved = self._end_child(case, case.parent)
        for waiting in case.waiting:
            if waiting.kind == "child" and (case.id, waiting.task_id) not in born:
                self._start_child(case, waiting)
                moved = True
            elif waiting.kind == "service":
                schema = self.assumed.topics.get(waiting.topic or "")
                result = random_values(schema, self.surroundings) if schema else {}
                self._advance(case, FinishService(waiting.task_id, result))
                return True
        return moved

    def _start_child(self, case: _Running, waiting: Waiting) -> None:
        depth, above = 1, case
        while above.parent is not None and above.parent[0] in self.cases:
            depth, above = depth + 1, self.cases[above.parent[0]]
        if depth > MAX_NESTED:
            raise EngineFault(waiting.element, f"cases call cases more than {MAX_NESTED} deep")
        self._start(waiting.called or "", (case.id, waiting.task_id), waiting.data)

    def _end_child(self, child: _Running, parent: tuple[str, str]) -> bool:
        self._escalate(child)
        awaited = self._awaited(parent)
        del self.cases[child.id]
        if awaited and child.newest is not None:
            ended = child.newest
            self._advance(self.cases[parent[0]], EndChild(parent[1], ended.data, ended.error_code))
        else:
            self._log.append(("gone", child.id))
        return True

    def _escalate(self, child: _Running) -> bool:
        """Give the escalations of a child to its parent, before the child may end there."""
        thrown = [escalation for sender, escalation in self._escalations if sender == child.id]
        self._escalations = [escalation for escalation in self._escalations if escalation[0] != child.id]
        moved = False
        for escalation in thrown:
            if child.parent is not None and self._awaited(child.parent):
                self._advance(
                    self.cases[child.parent[0]], EscalateChild(child.parent[1], escalation.data, escalation.name)
                )
                moved = True
        return moved

    def _drop_orphans(self) -> None:
        """Cancel children whose parent no longer waits for them, with theirs."""
        while True:
            orphans = [c.id for c in self.cases.values() if c.parent is not None and not self._awaited(c.parent)]
            if not orphans:
                return
            for name in orphans:
                del self.cases[name]
                self._log.append(("gone", name))

    def _awaited(self, parent: tuple[str, str]) -> bool:
        case = self.cases.get(parent[0])
        return case is not None and any(w.task_id == parent[1] for w in case.waiting)

    def _start(self, key: str, parent: tuple[str, str] | None, data: JSON) -> None:
        if len(self.cases) >= MAX_CASES:
            raise EngineFault(key, f"more than {MAX_CASES} cases at once")
        case_id = str(uuid5(NAMESPACE_URL, f"{parent}/{key}/{len(self._log)}"))
        case = _Running(case_id, self.find(key), parent)
        self.cases[case_id] = case
        self._advance(case, Start(data))

    def _advance(self, case: _Running, command: Command) -> None:
        self._alone += 1
        if self._alone > MAX_STEPS_ALONE:
            raise EngineFault("", "the cases go round without waiting for anybody")
        self.now += timedelta(minutes=1)
        if self.mode == "live":
            case.live = case.live or LiveCase(case.process, case.id, compacting=self.compacting)
            case.newest = case.live.advance(command, self.now, self._lookup, self.rules)
        else:
            case.newest = step(case.process, case.id, case.snapshot, command, self.now, self._lookup, self.rules)
        case.snapshot = case.newest.snapshot
        self._log.append(
            (
                "step",
                (
                    case.id,
                    case.process.key,
                    _as_record(command),
                    self.now,
                    self.rules,
                    case.newest.lookups,
                    case.newest.digest,
                ),
            )
        )
        self._mail += [(case.id, thrown) for thrown in case.newest.thrown if thrown.kind == "message"]
        self._escalations += [(case.id, thrown) for thrown in case.newest.thrown if thrown.kind == "escalation"]

    def _deliver(self) -> bool:
        """Give each message that left a case to the other cases that wait for it."""
        mail, self._mail = self._mail, []
        moved = False
        for sender, thrown in mail:
            for case in list(self.cases.values()):
                awaits = (w for w in case.waiting if w.kind == "message" and w.message == thrown.name)
                waiting = next(awaits, None)
                if case.id != sender and waiting is not None:
                    self._advance(case, DeliverMessage(waiting.task_id, thrown.data))
                    moved = True
        return moved

    # -- replay ---------------------------------------------------------------------------------------------

    def replay(self) -> None:
        """Apply the recorded commands anew, from JSON alone. Raises EngineFault if a state differs from the walk's."""
        snapshots: dict[str, Step] = {}
        processes: dict[str, Process] = {}
        opens: list[list[str]] = []
        for kind, entry in self._log:
            if kind == "choice":
                opens.append(sorted(w.element for s in snapshots.values() for w in s.waiting if w.kind in OPEN_KINDS))
            elif kind == "gone":
                snapshots.pop(entry, None)
            else:
                case_id, key, record, at, rules, lookups, digest = entry
                process = processes.setdefault(case_id, self.find(key))
                before = snapshots[case_id].snapshot if case_id in snapshots else None
                answers = orjson.loads(orjson.dumps(lookups))
                snapshots[case_id] = step(process, case_id, before, _from_record(record), at, recorded(answers), rules)
                if snapshots[case_id].digest != digest:
                    raise EngineFault("", "the replay differs from the walk")
        for entry, opened in zip(self.walk.steps, opens, strict=True):
            entry["open"] = opened

    def _lookup(self, name: str, args: tuple[Any, ...]) -> Any:
        """The answers of a plain calendar: weekends only, and every milestone thirty days ahead."""
        if name == "milestone":
            return (self.now + timedelta(days=30)).isoformat()
        if name == "calendar_days":
            return (self.now + timedelta(days=int(args[0]))).isoformat()
        start = self.now if name == "working_days" else args[0]
        if start is None:
            return None
        instant = start if isinstance(start, datetime) else datetime.fromisoformat(str(start).replace("Z", "+00:00"))
        number = int(args[-1]) * (-1 if name == "before" else 1)
        for _ in range(min(abs(number), 4_000)):
            instant += timedelta(days=1 if number > 0 else -1)
            while instant.weekday() >= 5:
                instant += timedelta(days=1 if number > 0 else -1)
        return instant.isoformat()


def _standing(case: _Running) -> tuple[Standstill, ...]:
    if case.newest is None or case.newest.ended:
        return ()
    return standstills(case.process, case.id, case.newest.snapshot, waiting=not case.newest.is_stuck)


def _command(waiting: Waiting, data: JSON) -> Command:
    if waiting.kind == "timer":
        return FireTimer(waiting.task_id)
    if waiting.kind == "message":
        return DeliverMessage(waiting.task_id, data)
    return CompleteTask(waiting.task_id, data)


def _as_record(command: Command) -> bytes:
    return orjson.dumps({"kind": type(command).__name__, **asdict(command)})


def _from_record(record: bytes) -> Command:
    fields = orjson.loads(record)
    command: Command = getattr(values, fields.pop("kind"))(**fields)
    return command
