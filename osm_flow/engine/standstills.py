"""Finding what can never go on in a case: a join that has tokens and waits for others that cannot come any more.

Looked for in every scope by itself, because a subprocess or one branch can stand still while the rest of the case goes
on. A join stands still when no token that may move can reach one of its empty inputs. Nothing is changed or recorded:
the finding follows from the state alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from osm_flow.engine.definitions import Process
from osm_flow.engine.sentences.drawn import Sentence, called, listed
from osm_flow.engine.spiff.deterministic import external_id
from osm_flow.engine.spiff.joins import LIVE, CountingJoin, EndJoin, InclusiveGateway, is_arrival
from osm_flow.engine.spiff.snapshot import thaw

_EPOCH = datetime.fromtimestamp(0, UTC)
_MADE_BY_LIBRARY = (".BoundaryEventSplit", ".BoundaryEventJoin", " [child]")
_ENDING_ALL = ("TerminateEventDefinition", "ErrorEventDefinition")


@dataclass(frozen=True)
class Standstill:
    """A join that can never fire: its element, the stable id of its oldest token, and who has come and who cannot.

    Without an element nothing in the case can move and no join says why.
    """

    element: str | None
    task_id: str
    words: Sentence
    arrived: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def standstills(process: Process, case_id: str, snapshot: bytes, *, waiting: bool = True) -> tuple[Standstill, ...]:
    """The joins of a stored state that can never fire. `waiting`: whether the case waits for anything at all."""
    if not _joins(process):
        found: list[Standstill] = []
    else:
        workflow = thaw(snapshot, process.spec, process.subprocess_specs, _EPOCH, None)
        scopes = {inner.parent_task_id: _Scope(inner) for inner in workflow.workflows()}
        for scope in scopes.values():
            scope.inner = scopes
        found = [_told(process, case_id, join) for scope in scopes.values() for join in scope.dead_joins()]
    if not found and not waiting:
        words = Sentence(
            "ไม่มีสิ่งใดในเรื่องที่ยังเดินต่อได้ และเรื่องยังไม่ถึงจุดจบ", "nothing in the case can go on, and it has not ended"
        )
        found = [Standstill(None, case_id, words)]
    return tuple(found)


def _joins(process: Process) -> bool:
    """Whether the process draws any join at all: without one, nothing can wait for a token."""
    specs = (process.spec, *process.subprocess_specs.values())
    return any(_is_drawn_join(task) for spec in specs for task in spec.task_specs.values())


def _is_drawn_join(spec: Any) -> bool:
    return isinstance(spec, CountingJoin) and not isinstance(spec, EndJoin) and len(spec.inputs) > 1


class _Scope:
    """The tokens of a process or of one running subprocess."""

    def __init__(self, workflow: Any) -> None:
        self.workflow = workflow
        self.inner: dict[int | None, _Scope] = {}
        self.arrivals: dict[Any, list[Any]] = {}
        for task in sorted(workflow.tasks.values(), key=lambda t: t.id):
            if is_arrival(task) and _is_drawn_join(task.task_spec):
                self.arrivals.setdefault(task.task_spec, []).append(task)
        self._moving: list[Any] | None = None

    @property
    def moving(self) -> list[Any]:
        """Where tokens stand that something may still move: people, clocks, messages, services, child cases."""
        if self._moving is None:
            self._moving = [spec for task in self.workflow.tasks.values() for spec in self._places(task)]
        return self._moving

    def _places(self, task: Any) -> Iterable[Any]:
        spec = task.task_spec
        if not task.has_state(LIVE) or isinstance(spec, CountingJoin) or spec.bpmn_id is None:
            return ()
        if getattr(spec, "task_spec", None):  # a repeated activity moves by its instances
            return ()
        if task.id in self.inner and not self.inner[task.id].moving:
            return ()
        activity = task.parent.task_spec if "instance" in task.internal_data else spec
        return (activity,)

    def dead_joins(self) -> list[tuple[Any, list[Any], list[str]]]:
        """The joins that can never fire, with their tokens and the inputs that stay empty.

        A branch that may end the whole scope takes the join with it; nobody has to be told before it has.
        """
        if not self.arrivals or self._may_be_ended():
            return []
        alive: set[Any] = set()
        while True:
            reached = self._reached(alive)
            more = {join for join in self.arrivals if join not in alive and self._may_fire(join, reached)}
            if not more:
                break
            alive |= more
        dead = [join for join in self.arrivals if join not in alive]
        return [(join, self.arrivals[join], self._empty(join)) for join in dead]

    def _may_be_ended(self) -> bool:
        definitions = (getattr(spec, "event_definition", None) for spec in self._reached(set()))
        return any(type(definition).__name__ in _ENDING_ALL for definition in definitions)

    def _empty(self, join: Any) -> list[str]:
        came = {task.internal_data["via"] for task in self.arrivals[join]}
        return [spec.name for spec in join.inputs if spec.name not in came]

    def _may_fire(self, join: Any, reached: set[Any]) -> bool:
        empty = [spec in reached for spec in join.inputs if spec.name in self._empty(join)]
        # An inclusive join waits for whatever may still come; it stands still when nothing of that can move.
        return any(empty) if isinstance(join, InclusiveGateway) else all(empty)

    def _reached(self, alive: set[Any]) -> set[Any]:
        """The elements that tokens may pass from now on; joins that hold tokens only where they are `alive`."""
        seen: set[Any] = set()
        todo = [*self.moving, *alive]
        while todo:
            spec = todo.pop()
            if spec not in seen and (spec not in self.arrivals or spec in alive):
                seen.add(spec)
                todo += spec.outputs
        return seen


def _told(process: Process, case_id: str, found: tuple[Any, list[Any], list[str]]) -> Standstill:
    join, tokens, empty = found
    came = list(dict.fromkeys(_element_of(task.internal_data["via"]) for task in tokens))
    missing = [_element_of(name) for name in empty]
    gate, there, absent = _name(process, join.bpmn_id), _names(process, came), _names(process, missing)
    words = Sentence(
        f"{gate.th} รอ {absent.th} ซึ่งจะไม่มาถึงอีกแล้ว มีเพียง {there.th} ที่มาถึง เรื่องส่วนนี้จึงเดินต่อไม่ได้ "
        "ให้ยกเลิกเรื่องนี้และแก้แผนภาพ: เส้นที่แยกแบบเลือกทางเดียวต้องมารวมที่เกตเวย์ทางเลือก",
        f"{gate.en} waits for {absent.en}, from where nothing can come any more; only {there.en} has come. This part of "
        "the case cannot go on: cancel the case and mend the diagram; ways of which only one is taken must meet in an "
        "exclusive gateway",
    )
    return Standstill(join.bpmn_id, external_id(case_id, tokens[0].id), words, tuple(came), tuple(missing))


def _element_of(name: str) -> str:
    for ending in _MADE_BY_LIBRARY:
        name = name.removesuffix(ending)
    return name


def _name(process: Process, element: str) -> Sentence:
    known = process.elements.get(element)
    return called(element, known.name, known.type) if known else called(element)


def _names(process: Process, elements: list[str]) -> Sentence:
    return listed([_name(process, element) for element in elements])
