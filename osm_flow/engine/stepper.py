"""The engine's one pure function: a process, a stored state and a command give the next state and what it waits for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import orjson
from SpiffWorkflow.bpmn.specs.event_definitions.message import MessageEventDefinition
from SpiffWorkflow.exceptions import SpiffWorkflowException
from SpiffWorkflow.util.task import TaskState

from osm_flow import __version__
from osm_flow.domain import subjects
from osm_flow.domain.json import JSON
from osm_flow.engine.definitions import Process
from osm_flow.engine.errors import EngineFault, ExpressionFault, NotWaiting
from osm_flow.engine.rules import RULES, TOKENS
from osm_flow.engine.spiff import activities, events
from osm_flow.engine.spiff.activities import Extra
from osm_flow.engine.spiff.compaction import compact
from osm_flow.engine.spiff.deterministic import CaseWorkflow, external_id
from osm_flow.engine.spiff.loops import Repeated
from osm_flow.engine.spiff.snapshot import digest_of, freeze, thaw
from osm_flow.engine.spiff.tokens import fire_a_join
from osm_flow.engine.values import (
    Command,
    CompleteTask,
    DeliverMessage,
    EndChild,
    EscalateChild,
    FinishService,
    FireTimer,
    Lookup,
    Passed,
    Replan,
    Standing,
    Start,
    Step,
    Waiting,
)

ENGINE_VERSION = f"osm-flow {__version__}/SpiffWorkflow {version('SpiffWorkflow')}/rules {RULES}"
STEP_BUDGET = 2_000
MAX_DEPTH = 900
_EPOCH = datetime.fromtimestamp(0, UTC)
HUMAN = (activities.UserTask, activities.ManualTask)
_WITH_SUBJECT = ("user", "manual", "child")


class _Recorder:
    """A calendar look-up that remembers its answers for the record."""

    def __init__(self, lookup: Lookup) -> None:
        self.lookup = lookup
        self.answers: JSON = {}

    def __call__(self, name: str, args: tuple[Any, ...]) -> Any:
        question = _question(name, args)
        if question not in self.answers:
            # as the record will hold it, so that a replay is answered the same
            answer = self.lookup(name, args)
            self.answers[question] = orjson.loads(orjson.dumps(answer, option=orjson.OPT_SORT_KEYS))
        return self.answers[question]


def _question(name: str, args: tuple[Any, ...]) -> str:
    return f"{name}({orjson.dumps(list(args)).decode()[1:-1]})"


def recorded(answers: Mapping[str, Any]) -> Lookup:
    """The calendar look-up of a replay: it knows the answers that the record holds; anything else is a fault."""

    def answer(name: str, args: tuple[Any, ...]) -> Any:
        question = _question(name, args)
        if question not in answers:
            raise ExpressionFault(question, "the record has no answer to it")
        return answers[question]

    return answer


def step(
    process: Process,
    case_id: str,
    snapshot: bytes | None,
    command: Command,
    at: datetime,
    lookup: Lookup,
    rules: int = RULES,
) -> Step:
    """Apply one command to a case and run on until it waits again, by these rules of the engine.

    Raises NotWaiting when the case does not wait for what the command answers, EngineFault (element, reason) when the
    process cannot go on. Either way nothing is kept: the stored state is still the one before.
    """
    return LiveCase(process, case_id, snapshot).advance(command, at, lookup, rules)


class LiveCase:
    """A case kept in memory between steps. `step` makes one for each step; simulations and replays keep one for longer.

    Without `packing` its steps have digests, but no snapshots.
    """

    def __init__(
        self,
        process: Process,
        case_id: str,
        snapshot: bytes | None = None,
        *,
        compacting: bool = True,
        packing: bool = True,
    ) -> None:
        self.process = process
        self.case_id = case_id
        self.compacting = compacting
        self.packing = packing
        self.workflow: CaseWorkflow | None = None
        if snapshot is not None:
            self.workflow = thaw(snapshot, process.spec, process.subprocess_specs, _EPOCH, None)

    def advance(self, command: Command, at: datetime, lookup: Lookup, rules: int = RULES) -> Step:
        """Apply one command as `step` does, by these rules; after an error the case must be thrown away."""
        recorder = _Recorder(lookup)
        if rules > RULES:
            raise EngineFault("", f"rules {rules} of the engine are newer than this version, which knows {RULES}")
        try:
            self._apply(command, at, recorder, rules)
            workflow = self.workflow
            assert workflow is not None  # noqa: S101 - for the type checker: _apply made it
            _run(workflow)
            if self.compacting:
                compact(workflow)
        except SpiffWorkflowException as fault:
            raise _as_engine_fault(fault) from fault
        except ExpressionFault as fault:
            raise EngineFault("", str(fault)) from fault
        except RecursionError:
            raise EngineFault("", "the process is nested or chained too deeply") from None
        return _result(self.case_id, workflow, recorder.answers, self.packing)

    def _apply(self, command: Command, at: datetime, recorder: _Recorder, rules: int) -> None:
        if self.workflow is None:
            if not isinstance(command, Start):
                raise NotWaiting("")
            self.workflow = CaseWorkflow(self.process.spec, self.process.subprocess_specs, at, recorder, rules=rules)
            self.workflow.task_tree.data = _plain(self.workflow, command.data)
            return
        self.workflow.begin_step(at, recorder, rules)
        _apply(self.workflow, self.case_id, command)


def inspect(process: Process, case_id: str, snapshot: bytes) -> tuple[Waiting, ...]:
    """What the case of a stored state waits for."""
    workflow = thaw(snapshot, process.spec, process.subprocess_specs, _EPOCH, None)
    return tuple(_waiting(case_id, workflow))


def standing(process: Process, case_id: str, snapshot: bytes) -> Standing:
    """A stored state with its digest, what it waits for and its variables, as a step without any change tells them."""
    workflow = thaw(snapshot, process.spec, process.subprocess_specs, _EPOCH, None)
    ended = bool(workflow.completed)
    newest = workflow.last_task or workflow.task_tree
    waiting = () if ended else tuple(_waiting(case_id, workflow))
    return Standing(digest_of(snapshot), waiting, dict(newest.data), ended)


def _plain(workflow: CaseWorkflow, data: JSON) -> JSON:
    """A copy of the data that is only JSON: nobody outside can change the state and nothing unwritable gets in."""
    # as a record holds them: sorted, so that a step and its replay see the same
    option = orjson.OPT_SORT_KEYS if workflow.rules >= TOKENS else None
    try:
        copied: JSON = orjson.loads(orjson.dumps(data, option=option))
    except (TypeError, ValueError):
        reason = "the values cannot be stored: they hold what is no text, number, list or object, or too much of it"
        raise EngineFault("", reason) from None
    return copied


def _as_engine_fault(fault: SpiffWorkflowException) -> EngineFault:
    cause: BaseException = fault
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, EngineFault):
        return cause
    spec = getattr(fault, "task_spec", None)
    return EngineFault(getattr(spec, "bpmn_id", None) or "", str(getattr(fault, "args", [""])[0] or fault))


def _run(workflow: CaseWorkflow) -> None:
    """Run every task that needs nobody, within a budget: an endless loop is a fault, not a hanging server."""
    spent = 0

    def count(task: Any) -> None:
        nonlocal spent
        spent += 1
        if spent > STEP_BUDGET:
            raise EngineFault(task.task_spec.bpmn_id or "", "it goes round without waiting for anybody")
        if spent % 50 == 0:
            _refuse_depth(workflow, task)

    while not workflow.completed:
        ready = _next_ready(workflow)
        if ready is None:
            if not _refresh(workflow):
                break
            continue
        count(ready)
        _run_one(ready)
    newest = (task for task in reversed(workflow.tasks.values()) if task.task_spec.bpmn_id)
    _refuse_depth(workflow, next(newest, workflow.task_tree))


def _run_one(task: Any) -> None:
    try:
        task.run()
    except ExpressionFault as fault:
        raise EngineFault(task.task_spec.bpmn_id or "", str(fault)) from fault
    except SpiffWorkflowException as fault:
        raise _located(task, fault) from fault


def _located(task: Any, fault: SpiffWorkflowException) -> EngineFault:
    known = _as_engine_fault(fault)
    return known if known.element else EngineFault(task.task_spec.bpmn_id or "", known.reason)


def _next_ready(workflow: CaseWorkflow) -> Any:
    """The first ready task that needs nobody, deepest subprocess first, oldest first."""
    inner = [sub for sub in workflow.subprocesses.values() if sub.runnable and not sub.completed]
    inmost = max(inner, key=lambda sub: sub.depth, default=workflow)
    return inmost.tasks[min(inmost.runnable)] if inmost.runnable else None


def _refresh(workflow: CaseWorkflow) -> bool:
    """Let waiting joins look again; True if one of them became ready."""
    if workflow.rules >= TOKENS:
        return fire_a_join(workflow)
    for inner in workflow.workflows():
        inner.update_waiting_tasks()
    return _next_ready(workflow) is not None


def _refuse_depth(workflow: CaseWorkflow, task: Any) -> None:
    for inner in workflow.workflows():
        level = [inner.task_tree]
        for _ in range(MAX_DEPTH):
            level = [child for node in level for child in node.children]
            if not level:
                break
        else:
            reason = f"it goes round without waiting for anybody, or its history is deeper than {MAX_DEPTH}"
            raise EngineFault(task.task_spec.bpmn_id or "", reason)


def _find(workflow: CaseWorkflow, case_id: str, task_id: str, mask: int) -> Any:
    # The id cannot be turned back into the counted one: each live task is asked for its own.
    for inner in workflow.workflows():
        for task in inner.tasks.values():
            if task.has_state(mask) and task.task_spec.bpmn_id is not None and external_id(case_id, task.id) == task_id:
                return task
    raise NotWaiting(task_id)


def _apply(workflow: CaseWorkflow, case_id: str, command: Command) -> None:
    match command:
        case CompleteTask(task_id, data):
            task = _find(workflow, case_id, task_id, TaskState.READY)
            if not isinstance(task.task_spec, HUMAN):
                raise NotWaiting(task_id)
            activities.put_values(task, _plain(workflow, data))
            _run_one(task)
        case FireTimer(task_id):
            events.fire(_find_event(workflow, case_id, task_id, events.TimerDefinition))
        case DeliverMessage(task_id, data):
            events.fire(_find_event(workflow, case_id, task_id, MessageEventDefinition), _plain(workflow, data))
        case FinishService(task_id, data, error_code):
            _finish(
                _find_started(workflow, case_id, task_id, activities.ServiceTask), _plain(workflow, data), error_code
            )
        case EndChild(task_id, data, error_code):
            task = _find_started(workflow, case_id, task_id, activities.CallActivity)
            read = activities.mapped if error_code is None else activities.mapped_as_far
            _finish(task, read(task, task.task_spec.extra.outputs, _plain(workflow, data)), error_code)
        case EscalateChild(task_id, data, code):
            task = _find_started(workflow, case_id, task_id, activities.CallActivity)
            known = activities.mapped_as_far(task, task.task_spec.extra.outputs, _plain(workflow, data))
            events.raise_escalation(task, code, {**task.data, **known})
        case Replan():
            _replan(workflow)
        case _:
            raise NotWaiting("")


def _find_event(workflow: CaseWorkflow, case_id: str, task_id: str, kind: type) -> Any:
    task = _find(workflow, case_id, task_id, TaskState.WAITING)
    if not isinstance(getattr(task.task_spec, "event_definition", None), kind):
        raise NotWaiting(task_id)
    return task


def _find_started(workflow: CaseWorkflow, case_id: str, task_id: str, kind: type) -> Any:
    task = _find(workflow, case_id, task_id, TaskState.STARTED)
    if not isinstance(task.task_spec, kind):
        raise NotWaiting(task_id)
    return task


def _finish(task: Any, data: JSON, error_code: str | None) -> None:
    if error_code is not None:
        task.data = {**task.data, **data}
        events.raise_error(task, error_code)
        return
    activities.put_values(task, data)
    task.complete()


def _replan(workflow: CaseWorkflow) -> None:
    for inner in workflow.workflows():
        for task in inner.tasks.values():
            spec = task.task_spec
            definition = getattr(spec, "event_definition", None)
            if (
                task.state == TaskState.WAITING
                and isinstance(definition, events.TimerDefinition)
                and definition.depends_on_calendar()
            ):
                definition.schedule(task)
            elif task.state == TaskState.READY and isinstance(spec, HUMAN):
                activities.replan_attributes(task)


# ---- results -----------------------------------------------------------------------------------------------------


def _waiting(case_id: str, workflow: CaseWorkflow) -> Iterator[Waiting]:
    for inner in workflow.workflows():
        if inner.completed:
            continue
        for task in inner.tasks.values():
            waiting = _waiting_of(case_id, task)
            if waiting is not None:
                yield waiting


def _waiting_of(case_id: str, task: Any) -> Waiting | None:
    spec = task.task_spec
    if task.state == TaskState.READY and isinstance(spec, HUMAN):
        return _waiting_task(case_id, task, "manual" if isinstance(spec, activities.ManualTask) else "user")
    if task.state == TaskState.STARTED and isinstance(spec, activities.ServiceTask):
        return _waiting_task(case_id, task, "service")
    if task.state == TaskState.STARTED and isinstance(spec, activities.CallActivity):
        return _waiting_task(case_id, task, "child", task.internal_data["input"])
    definition = getattr(spec, "event_definition", None)
    if task.state == TaskState.WAITING and isinstance(definition, events.TimerDefinition):
        return _waiting_task(case_id, task, "timer")
    if task.state == TaskState.WAITING and isinstance(definition, MessageEventDefinition):
        return _waiting_task(case_id, task, "message")
    return None


def _instances(task: Any) -> Iterator[Any]:
    """The task and those of the subprocesses round it that are instances of a repeated activity, innermost first."""
    while task is not None:
        if "instance" in task.internal_data:
            yield task
        parent = task.workflow.parent_task_id
        task = task.workflow.top_workflow.get_task_from_id(parent) if parent is not None else None


def _instance_of(task: Any) -> int | None:
    innermost = next(_instances(task), None)
    return None if innermost is None else int(innermost.internal_data["instance"])


def _subject(task: Any) -> str:
    """The subject of a task: what the diagram says, else what it and the activities round it are repeated over."""
    properties = {**task.task_spec.extra.properties, **task.internal_data.get("attributes", {}).get("properties", {})}
    return subjects.tidy(properties.get("subject", "")) or subjects.tidy(
        subjects.SEPARATOR.join(reversed([_repeated_over(instance) for instance in _instances(task)]))
    )


def _repeated_over(instance: Any) -> str:
    """The words for the item of an instance; where it is only counted, which one of how many."""
    activity, index = instance.parent, instance.internal_data["instance"]
    items = activity.internal_data.get("items")
    if not isinstance(items, list) or index >= len(items):
        return ""
    named = getattr(activity.task_spec, "element_variable", None) and subjects.words_of(items[index])
    return named or f"{index + 1}/{len(items)}"


def _waiting_task(case_id: str, task: Any, kind: Any, data: JSON | None = None) -> Waiting:
    extra: Extra = task.task_spec.extra
    notes = task.internal_data.get("attributes", {})
    due = task.internal_data.get("due") if kind == "timer" else notes.get("due")
    definition = getattr(task.task_spec, "event_definition", None)
    return Waiting(
        task_id=external_id(case_id, task.id),
        element=extra.element,
        kind=kind,
        name=extra.name,
        data=dict(task.data) if data is None else data,
        documentation=extra.documentation,
        form_key=extra.form_key,
        assignee=notes.get("assignee"),
        candidates=tuple(notes.get("candidates", ())),
        due_at=events.instant_of(due),
        follow_up_at=events.instant_of(notes.get("follow_up")),
        priority=notes.get("priority", 50),
        properties={**extra.properties, **notes.get("properties", {})},
        lane=extra.lane,
        attached_to=extra.attached_to,
        interrupting=extra.interrupting,
        message=getattr(definition, "name", None) if kind == "message" else None,
        topic=extra.topic,
        called=extra.called,
        instance=_instance_of(task),
        subject=_subject(task) if kind in _WITH_SUBJECT else "",
    )


def _passed(workflow: CaseWorkflow) -> Iterator[Passed]:
    """The elements that the step passed; of a multi-instance activity each instance, and not the activity as well."""
    lasting = (*HUMAN, activities.ServiceTask, activities.CallActivity, activities.SubProcess, events.ReceiveTask)
    for spec, state, instances in workflow.passed:
        if isinstance(spec, Repeated) and (instances or state == TaskState.CANCELLED):
            continue
        if state == TaskState.COMPLETED:
            yield Passed(spec.bpmn_id, "completed")
        elif isinstance(spec, lasting):
            yield Passed(spec.bpmn_id, "cancelled")


def _result(case_id: str, workflow: CaseWorkflow, lookups: JSON, packing: bool) -> Step:
    ended = bool(workflow.completed)
    snapshot, digest = freeze(workflow, packing=packing)
    newest = workflow.last_task or workflow.task_tree
    return Step(
        snapshot=snapshot,
        digest=digest,
        waiting=() if ended else tuple(_waiting(case_id, workflow)),
        thrown=tuple(workflow.thrown),
        passed=tuple(_passed(workflow)),
        ended=ended,
        outcome=workflow.last_end if ended else None,
        error_code=workflow.error_code,
        data=dict(newest.data),
        lookups=lookups,
    )
