"""Random structured process models: a tree of blocks, its BPMN, and a token game over the tree that judges the engine.

The token game knows nothing of BPMN or of any library: each block is a small state machine over its own tree.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'targetNamespace="http://test" id="defs">'
)


TIMER = "<bpmn:timerEventDefinition><bpmn:timeDuration>PT2H</bpmn:timeDuration></bpmn:timerEventDefinition>"


# ---- blocks --------------------------------------------------------------------------------------------------------


@dataclass
class Block:
    kind: str
    parts: list[Block] = field(default_factory=list)
    count: int = 0
    flag: bool = False
    id: str = ""


def number(block: Block) -> Block:
    """Give every block an id, in order of reading."""
    for position, found in enumerate(walk(block)):
        found.id = f"{found.kind}{position}"
    return block


def walk(block: Block) -> list[Block]:
    return [block, *(inner for part in block.parts for inner in walk(part))]


def kinds(block: Block) -> set[str]:
    return {b.kind for b in walk(block)}


def _compound(inner: st.SearchStrategy[Block], extra: bool) -> st.SearchStrategy[Block]:
    several = st.lists(inner, min_size=2, max_size=3)
    one = st.lists(inner, min_size=1, max_size=1)
    pair = st.lists(inner, min_size=2, max_size=2)
    options = [
        several.map(lambda p: Block("seq", p)),
        several.map(lambda p: Block("xor", p)),
        several.map(lambda p: Block("par", p)),
        one.map(lambda p: Block("loop", p)),
        one.map(lambda p: Block("sub", p)),
        st.tuples(one, st.integers(1, 3), st.booleans()).map(lambda t: Block("mi", t[0], t[1], t[2])),
    ]
    if extra:
        options += [
            several.map(lambda p: Block("inc", p)),
            one.map(lambda p: Block("call", p)),
            one.map(lambda p: Block("timed", p)),
            st.just(Block("side")),
            pair.map(lambda p: Block("race", p)),
            pair.map(lambda p: Block("guarded", p)),
            pair.map(lambda p: Block("failing", p)),
            st.tuples(pair, st.booleans()).map(lambda t: Block("raised", t[0], flag=t[1])),
            st.just(Block("told")),
            st.just(Block("urged")),
        ]
    return st.one_of(options)


def models(extra: bool = True) -> st.SearchStrategy[Block]:
    """Random block trees; `extra` adds inclusive gateways, calls and events."""
    leaf = st.just(None).map(lambda _: Block("task"))
    tree = st.recursive(leaf, lambda inner: _compound(inner, extra), max_leaves=8)
    return tree.map(lambda b: number(_copy(b)))


def _copy(block: Block) -> Block:
    return Block(block.kind, [_copy(p) for p in block.parts], block.count, block.flag)


# ---- BPMN of a block tree ------------------------------------------------------------------------------------------


class Writer:
    """Writes the XML of one scope after another; each block returns the ids of its first and last element."""

    def __init__(self) -> None:
        self.processes: list[str] = []
        self.roots: list[str] = []
        self.flows = 0

    def document(self, block: Block) -> bytes:
        self.process("p", block)
        return (HEAD + "".join(self.roots) + "".join(self.processes) + "</bpmn:definitions>").encode()

    def message(self, name: str) -> str:
        """The definition of an event for a message of its own."""
        self.roots.append(f'<bpmn:message id="{name}_msg" name="msg.{name}"/>')
        return f'<bpmn:messageEventDefinition messageRef="{name}_msg"/>'

    def process(self, key: str, block: Block) -> None:
        self.processes.insert(0, "") if key == "p" else None
        body = self.scope(key, block)
        text = f'<bpmn:process id="{key}" isExecutable="true">{body}</bpmn:process>'
        if key == "p":
            self.processes[0] = text
        else:
            self.processes.append(text)

    def scope(self, key: str, block: Block) -> str:
        out: list[str] = [f'<bpmn:startEvent id="{key}_s"/>', f'<bpmn:endEvent id="{key}_e"/>']
        first, last = self.block(block, out)
        self.flow(f"{key}_s", first, out)
        self.flow(last, f"{key}_e", out)
        return "".join(out)

    def flow(self, source: str, target: str, out: list[str], condition: str | None = None) -> str:
        self.flows += 1
        name = f"f{self.flows}"
        inner = f"<bpmn:conditionExpression>{condition}</bpmn:conditionExpression>" if condition else ""
        out.append(
            f'<bpmn:sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}">{inner}</bpmn:sequenceFlow>'
        )
        return name

    def block(self, block: Block, out: list[str]) -> tuple[str, str]:
        return getattr(self, f"_{block.kind}")(block, out)

    def _task(self, block: Block, out: list[str]) -> tuple[str, str]:
        out.append(f'<bpmn:manualTask id="{block.id}" name="{block.id}"/>')
        return block.id, block.id

    def _seq(self, block: Block, out: list[str]) -> tuple[str, str]:
        ends = [self.block(part, out) for part in block.parts]
        for (_, last), (first, _) in pairwise(ends):
            self.flow(last, first, out)
        return ends[0][0], ends[-1][1]

    def _split(self, block: Block, out: list[str], tag: str, conditions: list[str | None]) -> tuple[str, str]:
        split, join = f"{block.id}_split", f"{block.id}_join"
        default = ""
        inner: list[str] = []
        for part, condition in zip(block.parts, conditions, strict=True):
            first, last = self.block(part, inner)
            name = self.flow(split, first, inner, condition)
            if condition is None and tag != "parallelGateway":
                default = f' default="{name}"'
            self.flow(last, join, inner)
        out += [f'<bpmn:{tag} id="{split}"{default}/>', f'<bpmn:{tag} id="{join}"/>', *inner]
        return split, join

    def _xor(self, block: Block, out: list[str]) -> tuple[str, str]:
        conditions = [f"c_{block.id} == {i}" for i in range(1, len(block.parts))]
        return self._split(block, out, "exclusiveGateway", [*conditions, None])

    def _par(self, block: Block, out: list[str]) -> tuple[str, str]:
        return self._split(block, out, "parallelGateway", [None] * len(block.parts))

    def _inc(self, block: Block, out: list[str]) -> tuple[str, str]:
        conditions = [f"{i} in c_{block.id}" for i in range(1, len(block.parts))]
        return self._split(block, out, "inclusiveGateway", [*conditions, None])

    def _loop(self, block: Block, out: list[str]) -> tuple[str, str]:
        enter, leave = f"{block.id}_enter", f"{block.id}_leave"
        first, last = self.block(block.parts[0], out)
        out.append(f'<bpmn:exclusiveGateway id="{enter}"/>')
        self.flow(enter, first, out)
        self.flow(last, leave, out)
        back = self.flow(leave, enter, out, f"c_{block.id} == true")
        away = f"{block.id}_away"
        name = self.flow(leave, away, out)
        out.append(f'<bpmn:exclusiveGateway id="{leave}" default="{name}"/><bpmn:exclusiveGateway id="{away}"/>')
        assert back
        return enter, away

    def _sub(self, block: Block, out: list[str], inner: str = "") -> tuple[str, str]:
        out.append(f'<bpmn:subProcess id="{block.id}">{inner}{self.scope(block.id, block.parts[0])}</bpmn:subProcess>')
        return block.id, block.id

    def _mi(self, block: Block, out: list[str]) -> tuple[str, str]:
        loop = (
            f'<bpmn:multiInstanceLoopCharacteristics isSequential="{str(block.flag).lower()}">'
            f"<bpmn:loopCardinality>{block.count}</bpmn:loopCardinality></bpmn:multiInstanceLoopCharacteristics>"
        )
        if block.parts[0].kind == "task":
            out.append(f'<bpmn:manualTask id="{block.parts[0].id}" name="t">{loop}</bpmn:manualTask>')
            return block.parts[0].id, block.parts[0].id
        return self._sub(block, out, loop)

    def _call(self, block: Block, out: list[str]) -> tuple[str, str]:
        key = f"{block.id}_called"
        self.process(key, block.parts[0])
        out.append(f'<bpmn:callActivity id="{block.id}" calledElement="{key}"/>')
        return block.id, block.id

    def _timer(self, block: Block, out: list[str], interrupting: bool) -> tuple[str, str]:
        task, timer = f"{block.id}_task", f"{block.id}_timer"
        out.append(
            f'<bpmn:manualTask id="{task}" name="t"/><bpmn:boundaryEvent id="{timer}" attachedToRef="{task}" '
            f'cancelActivity="{str(interrupting).lower()}"><bpmn:timerEventDefinition>'
            "<bpmn:timeDuration>PT2H</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>"
        )
        return task, timer

    def _timed(self, block: Block, out: list[str]) -> tuple[str, str]:
        task, timer = self._timer(block, out, True)
        join = f"{block.id}_join"
        out.append(f'<bpmn:exclusiveGateway id="{join}"/>')
        first, last = self.block(block.parts[0], out)
        self.flow(task, join, out)
        self.flow(timer, first, out)
        self.flow(last, join, out)
        return task, join

    def _race(self, block: Block, out: list[str]) -> tuple[str, str]:
        """A message and a timer; each has its own way to the same end."""
        gate, join = f"{block.id}_gate", f"{block.id}_join"
        out.append(f'<bpmn:eventBasedGateway id="{gate}"/><bpmn:exclusiveGateway id="{join}"/>')
        events = (("msg", self.message(f"{block.id}_msg")), ("timer", TIMER))
        for part, (name, definition) in zip(block.parts, events, strict=True):
            event = f"{block.id}_{name}"
            out.append(f'<bpmn:intermediateCatchEvent id="{event}">{definition}</bpmn:intermediateCatchEvent>')
            first, last = self.block(part, out)
            self.flow(gate, event, out)
            self.flow(event, first, out)
            self.flow(last, join, out)
        return gate, join

    def _caught(self, block: Block, out: list[str], host: str, name: str, definition: str) -> tuple[str, str]:
        """An interrupting boundary event on a subprocess, and the second part as its way."""
        join = f"{block.id}_join"
        out.append(
            f'<bpmn:boundaryEvent id="{block.id}_{name}" attachedToRef="{host}">{definition}</bpmn:boundaryEvent>'
            f'<bpmn:exclusiveGateway id="{join}"/>'
        )
        first, last = self.block(block.parts[1], out)
        self.flow(host, join, out)
        self.flow(f"{block.id}_{name}", first, out)
        self.flow(last, join, out)
        return host, join

    def _guarded(self, block: Block, out: list[str]) -> tuple[str, str]:
        """A subprocess with a timer that ends it."""
        self._sub(block, out)
        return self._caught(block, out, block.id, "timer", TIMER)

    def _beside_a_judge(self, block: Block, ending: str) -> str:
        """The inside of a process whose first part goes on beside a task that may end it so."""
        name = block.id
        inner = [
            f'<bpmn:startEvent id="{name}_s"/><bpmn:endEvent id="{name}_e"/><bpmn:endEvent id="{name}_fine"/>'
            f'<bpmn:endEvent id="{name}_bad">{ending}</bpmn:endEvent>'
            f'<bpmn:parallelGateway id="{name}_both"/><bpmn:manualTask id="{name}_judge" name="t"/>'
        ]
        first, last = self.block(block.parts[0], inner)
        self.flow(f"{name}_s", f"{name}_both", inner)
        self.flow(f"{name}_both", first, inner)
        self.flow(last, f"{name}_e", inner)
        self.flow(f"{name}_both", f"{name}_judge", inner)
        self.flow(f"{name}_judge", f"{name}_choice", inner)
        fine = self.flow(f"{name}_choice", f"{name}_fine", inner)
        self.flow(f"{name}_choice", f"{name}_bad", inner, f"c_{name} == true")
        inner.append(f'<bpmn:exclusiveGateway id="{name}_choice" default="{fine}"/>')
        return "".join(inner)

    def _failing(self, block: Block, out: list[str]) -> tuple[str, str]:
        """A subprocess whose first part goes on beside a task that may end it in an error."""
        name = block.id
        definition = f'<bpmn:errorEventDefinition errorRef="{name}_code"/>'
        self.roots.append(f'<bpmn:error id="{name}_code" name="{name}" errorCode="{name}"/>')
        out.append(f'<bpmn:subProcess id="{name}">{self._beside_a_judge(block, definition)}</bpmn:subProcess>')
        return self._caught(block, out, name, "error", definition)

    def _raised(self, block: Block, out: list[str]) -> tuple[str, str]:
        """A call of a process whose first part goes on beside a task that may escalate.

        The escalation ends the call and goes the way of the second part, or sends a token beside it.
        """
        name = block.id
        definition = f'<bpmn:escalationEventDefinition escalationRef="{name}_code"/>'
        self.roots.append(f'<bpmn:escalation id="{name}_code" name="{name}" escalationCode="{name}"/>')
        inner = self._beside_a_judge(block, definition)
        self.processes.append(f'<bpmn:process id="{name}_called" isExecutable="true">{inner}</bpmn:process>')
        out.append(f'<bpmn:callActivity id="{name}" calledElement="{name}_called"/>')
        if block.flag:
            return self._caught(block, out, name, "escalation", definition)
        out.append(
            f'<bpmn:boundaryEvent id="{name}_escalation" attachedToRef="{name}" cancelActivity="false">{definition}'
            f'</bpmn:boundaryEvent><bpmn:manualTask id="{name}_extra" name="t"/><bpmn:endEvent id="{name}_end"/>'
        )
        self.flow(f"{name}_escalation", f"{name}_extra", out)
        self.flow(f"{name}_extra", f"{name}_end", out)
        return name, name

    def _told(self, block: Block, out: list[str]) -> tuple[str, str]:
        """A task that messages may come to while it is open, as often as they like."""
        name = block.id
        out.append(
            f'<bpmn:manualTask id="{name}_task" name="t"/><bpmn:boundaryEvent id="{name}_msg" attachedToRef="{name}_task" '
            f'cancelActivity="false">{self.message(f"{name}_msg")}</bpmn:boundaryEvent>'
            f'<bpmn:manualTask id="{name}_extra" name="t"/><bpmn:endEvent id="{name}_end"/>'
        )
        self.flow(f"{name}_msg", f"{name}_extra", out)
        self.flow(f"{name}_extra", f"{name}_end", out)
        return f"{name}_task", f"{name}_task"

    def _urged(self, block: Block, out: list[str]) -> tuple[str, str]:
        """A task with two timers: a reminder beside it and a later one that ends it."""
        task, join = f"{block.id}_task", f"{block.id}_join"
        self._side(block, out)
        out.append(
            f'<bpmn:boundaryEvent id="{block.id}_last" attachedToRef="{task}">{TIMER}</bpmn:boundaryEvent>'
            f'<bpmn:exclusiveGateway id="{join}"/>'
        )
        self.flow(task, join, out)
        self.flow(f"{block.id}_last", join, out)
        return task, join

    def _side(self, block: Block, out: list[str]) -> tuple[str, str]:
        task, timer = self._timer(block, out, False)
        out.append(f'<bpmn:manualTask id="{block.id}_extra" name="t"/><bpmn:endEvent id="{block.id}_end"/>')
        self.flow(timer, f"{block.id}_extra", out)
        self.flow(f"{block.id}_extra", f"{block.id}_end", out)
        return task, task


def xml_of(block: Block) -> bytes:
    return Writer().document(block)


def answers(block: Block, rng: random.Random) -> dict[str, Any]:
    """What a person may type at any task: a value for each choice of the model, sometimes left out, and a shared one."""
    typed: dict[str, Any] = {}
    for found in walk(block):
        if found.kind == "xor":
            typed[f"c_{found.id}"] = rng.randint(1, len(found.parts))
        elif found.kind == "inc":
            branches = range(1, len(found.parts))
            typed[f"c_{found.id}"] = [i for i in branches if rng.random() < 0.5]
        elif found.kind == "loop":
            typed[f"c_{found.id}"] = rng.random() < 0.35
    kept = {k: v for k, v in typed.items() if rng.random() < 0.5}
    return {**kept, "x": rng.randint(0, 3)} if rng.random() < 0.5 else kept


def first_answers(block: Block) -> dict[str, Any]:
    empty = {"xor": 1, "inc": [], "loop": False, "failing": False, "raised": False}
    return {f"c_{b.id}": empty[b.kind] for b in walk(block) if b.kind in empty}


# ---- the token game ------------------------------------------------------------------------------------------------


def changed(base: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in data.items() if k not in base or base[k] != v}


@dataclass(frozen=True)
class Choice:
    """Something open: the element, the block to tell, whether by a person or by time, and the instance it is in."""

    element: str
    game: Game
    how: str
    instance: int | None = None


class Game:
    """A running block: which elements are open, and what choosing one does. `scope` takes tokens that leave sideways."""

    def __init__(self, block: Block, data: dict[str, Any], scope: Scope | None) -> None:
        self.block, self.data, self.scope = block, dict(data), scope
        self.inner: list[Game] = []
        self.done = False
        self.begin()

    def begin(self) -> None:
        kind, parts = self.block.kind, self.block.parts
        if kind == "seq":
            self.inner = [self.make(parts[0], self.data)]
        elif kind == "xor":
            self.inner = [self.make(parts[self.data[f"c_{self.block.id}"] - 1], self.data)]
        elif kind == "par":
            self.inner = [self.make(p, self.data) for p in parts]
            self.arrived: list[Game] = []
        elif kind == "inc":
            chosen = [parts[i - 1] for i in self.data[f"c_{self.block.id}"]] or [parts[-1]]
            self.inner = [self.make(p, self.data) for p in chosen]
            self.arrived = []
        elif kind == "loop":
            self.inner = [self.make(parts[0], self.data)]
        elif kind in ("sub", "call", "guarded"):
            self.inner = [Scope(parts[0], self.data)]
        elif kind in ("failing", "raised"):
            scope = Scope(parts[0], self.data)
            scope.judge(self.block.id, ends=kind == "failing")
            self.inner = [scope]
        elif kind == "mi":
            number_of = 1 if self.block.flag else self.block.count
            self.left = self.block.count - number_of
            self.inner = [Scope(parts[0], self.data, index) for index in range(number_of)]
            self.base = dict(self.data)

    def make(self, block: Block, data: dict[str, Any]) -> Game:
        return Game(block, data, self.scope)

    def open(self) -> list[Choice]:
        if self.done:
            return []
        kind, name = self.block.kind, self.block.id
        if kind == "task":
            return [Choice(name, self, "task")]
        own = self.own_choices(kind, name)
        found = own + [choice for game in self.inner for choice in game.open()]
        if kind == "mi" and not isinstance(self, Scope):
            found = [replace(c, instance=game.index) for game in self.inner for c in game.open()]
        return found

    def own_choices(self, kind: str, name: str) -> list[Choice]:
        """What the block itself offers, beside what is inside it."""
        found: list[Choice] = []
        if kind in ("timed", "side", "told", "urged") and not self.inner:
            found.append(Choice(f"{name}_task", self, "task"))
            if kind == "told":
                found.append(Choice(f"{name}_msg", self, "message"))
            elif not self.rung:
                found.append(Choice(f"{name}_timer", self, "timer"))
            if kind == "urged":
                found.append(Choice(f"{name}_last", self, "last"))
        elif kind == "race" and not self.inner:
            found += [Choice(f"{name}_msg", self, "message"), Choice(f"{name}_timer", self, "timer")]
        elif kind == "guarded" and not self.escaped:
            found.append(Choice(f"{name}_timer", self, "timer"))
        return found

    rung = escaped = False

    def choose(self, how: str, data: dict[str, Any]) -> None:
        kind, parts = self.block.kind, self.block.parts
        if how == "task":
            self.data.update(data)
            self.done = True
        elif how == "last":
            self.done = True
        elif kind == "race":
            given = {**self.data, **data} if how == "message" else self.data
            self.inner = [self.make(parts[0] if how == "message" else parts[1], given)]
        elif kind == "guarded":
            self.escaped = True
            self.inner = [self.make(parts[1], self.data)]
        elif kind == "told":
            assert self.scope is not None
            self.scope.sideways(Block("task", id=f"{self.block.id}_extra"), {**self.data, **data}, self.data)
        elif kind == "timed":
            self.inner = [self.make(self.block.parts[0], self.data)]
        else:
            self.rung = True
            assert self.scope is not None
            self.scope.sideways(Block("task", id=f"{self.block.id}_extra"), self.data)

    def settle(self) -> None:
        """Move on after something inside was chosen."""
        for game in self.inner:
            game.settle()
        if not self.done and self.inner and self.block.kind != "task":
            getattr(self, f"_after_{self.block.kind}")()

    def _after_seq(self) -> None:
        while self.inner[0].done:
            position = self.block.parts.index(self.inner[0].block) + 1
            self.data = self.inner[0].data
            if position == len(self.block.parts):
                self.done = True
                return
            self.inner = [self.make(self.block.parts[position], self.data)]

    def _after_xor(self) -> None:
        if self.inner[0].done:
            self.data, self.done = self.inner[0].data, True

    _after_sub = _after_call = _after_timed = _after_race = _after_guarded = _after_xor

    def _after_failing(self) -> None:
        scope = self.inner[0]
        if isinstance(scope, Scope) and scope.failed is not None:
            self.inner = [self.make(self.block.parts[1], {**self.data, **changed(self.data, scope.failed)})]
        elif scope.done:
            self.data, self.done = scope.data, True

    def _after_raised(self) -> None:
        scope = self.inner[0]
        if self.escaped:
            self._after_xor()
        elif isinstance(scope, Scope) and scope.escalated is not None:
            known, scope.escalated = scope.escalated, None
            given = {**self.data, **changed(self.data, known)}
            if self.block.flag:
                self.escaped = True
                self.inner = [self.make(self.block.parts[1], given)]
            else:
                assert self.scope is not None
                self.scope.sideways(Block("task", id=f"{self.block.id}_extra"), given, self.data)
                self._after_raised()
        elif scope.done:
            self.data, self.done = scope.data, True

    def _after_par(self) -> None:
        self.arrived += [g for g in self.inner if g.done and g not in self.arrived]
        if len(self.arrived) == len(self.inner):
            base = dict(self.data)
            for game in self.arrived:
                self.data.update(changed(base, game.data))
            self.done = True

    _after_inc = _after_par

    def _after_loop(self) -> None:
        if self.inner[0].done:
            self.data = self.inner[0].data
            if self.data[f"c_{self.block.id}"]:
                self.inner = [self.make(self.block.parts[0], self.data)]
            else:
                self.done = True

    def _after_mi(self) -> None:
        for game in [g for g in self.inner if g.done]:
            self.inner.remove(game)
            self.data.update(changed(self.base if not self.block.flag else self.data, game.data))
            if self.left:
                self.inner.append(Scope(self.block.parts[0], self.data, self.block.count - self.left))
                self.left -= 1
        self.done = not self.inner


class Scope(Game):
    """A process or subprocess: over when its main token and all tokens that left sideways are."""

    def __init__(self, block: Block, data: dict[str, Any], index: int | None = None) -> None:
        self.index = index
        self.main: Game | None = None
        self.finished: list[Game] = []
        self.asides: list[Game] = []
        self.judging: Game | None = None
        self.judged = False
        self.failed: dict[str, Any] | None = None
        self.escalated: dict[str, Any] | None = None
        super().__init__(block, data, self)

    def begin(self) -> None:
        self.main = Game(self.block, self.data, self)
        self.inner = [self.main]

    def judge(self, name: str, *, ends: bool) -> None:
        """A task beside the main token that may end the scope in an error, or escalate and let it go on."""
        self.ends = ends
        self.judging = Game(Block("task", id=f"{name}_judge"), self.data, self)
        self.verdict = f"c_{name}"
        self.inner.append(self.judging)

    def sideways(self, block: Block, data: dict[str, Any], base: dict[str, Any] | None = None) -> None:
        aside = Game(block, data, self)
        aside.base = dict(data if base is None else base)
        self.asides.append(aside)
        self.inner.append(aside)

    def open(self) -> list[Choice]:
        return [] if self.done else [choice for game in self.inner for choice in game.open()]

    def settle(self) -> None:
        for game in self.inner:
            game.settle()
        if self.judging is not None and self.judging.done and not self.judged:
            self.judged = True
            if self.judging.data[self.verdict]:
                setattr(self, "failed" if self.ends else "escalated", dict(self.judging.data))
        if self.done or self.failed is not None or not all(g.done for g in self.inner):
            return
        assert self.main is not None
        begun, self.data = self.data, dict(self.main.data)
        if self.judging is not None:
            self.data.update(changed(begun, self.judging.data))
        for aside in self.asides:
            self.data.update(changed(aside.base, aside.data))
        self.done = True
