"""Joining gateways: each counts what arrives on its inputs, and merges what each branch changed.

An arrival is an instance of the join that has noted which input it came `via` and has not been `used` by a firing. The
library looks at finished neighbours instead, which fires early inside loops and loses values at the merge.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Any

from SpiffWorkflow.bpmn.specs import defaults
from SpiffWorkflow.bpmn.specs.bpmn_task_spec import BpmnTaskSpec
from SpiffWorkflow.bpmn.specs.control import BoundaryEventSplit, SimpleBpmnTask
from SpiffWorkflow.bpmn.specs.mixins.unstructured_join import UnstructuredJoin
from SpiffWorkflow.util.task import TaskState

from osm_flow.engine.errors import EngineFault
from osm_flow.engine.rules import TOKENS

LIVE = TaskState.READY | TaskState.WAITING | TaskState.STARTED
_NO_WAY = "no condition holds and there is no default flow"


def is_arrival(task: Any) -> bool:
    """Whether the task is an arrival at a join that no firing has used yet."""
    return isinstance(task.task_spec, CountingJoin) and "via" in task.internal_data and "used" not in task.internal_data


def changed(base: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """The values that a branch changed since the fork whose data are `base`."""
    return {k: v for k, v in data.items() if k not in base or (base[k] is not v and base[k] != v)}


def _line(task: Any) -> list[Any]:
    """The ancestors of the task, from the root down, with the task itself."""
    line = []
    while task is not None:
        line.append(task)
        task = task.parent
    return line[::-1]


def merged(arrivals: list[Any]) -> dict[str, Any]:
    """The variables after a join: at each fork its data, then what each branch changed, oldest first."""
    return _merged_below(0, [(task, _line(task)) for task in arrivals])


def _merged_below(depth: int, members: list[tuple[Any, list[Any]]]) -> dict[str, Any]:
    if not members:
        raise EngineFault("", "a join cannot fire without a token")
    if len(members) == 1:
        return dict(members[0][0].parent.data)
    branches: dict[int, list[tuple[Any, list[Any]]]] = {}
    while len(branches) < 2:
        branches = {}
        for member in members:
            branches.setdefault(member[1][depth + 1].id, []).append(member)
        depth += 1
    fork = members[0][1][depth - 1].data
    data = dict(fork)
    for branch in sorted(branches.values(), key=lambda b: max(t.internal_data["arrived"] for t, _ in b)):
        data.update(changed(fork, _merged_below(depth, branch)))
    return data


class CountingJoin(UnstructuredJoin):  # type: ignore[misc]
    """What joins share: an arrival notes the input it came by and is used by one firing.

    By rules 2 an arrival only waits; `tokens.fire_a_join` asks and fires. By rules 1 each arrival decides for itself.
    """

    def arrivals(self, workflow: Any) -> list[Any]:
        """The arrivals that no firing has used yet, oldest first."""
        tasks = (
            workflow.tasks.values() if self.keeps_cancelled(workflow) else map(workflow.tasks.get, workflow.at_joins)
        )
        unused = [t for t in tasks if t.task_spec is self and is_arrival(t)]
        return sorted(unused, key=lambda t: t.internal_data["arrived"])

    def keeps_cancelled(self, workflow: Any) -> bool:
        """Whether an arrival may be cancelled and still be unused, as by rules 1."""
        return bool(workflow.top_workflow.rules < TOKENS)

    def _update_hook(self, my_task: Any) -> bool:
        if my_task.workflow.top_workflow.rules >= TOKENS:
            return self._arrive(my_task)
        if my_task.parent.state == TaskState.COMPLETED and "via" not in my_task.internal_data:
            top = my_task.workflow.top_workflow
            my_task.internal_data.update(via=my_task.parent.task_spec.name, arrived=top.tick())
        return bool(super()._update_hook(my_task))

    def _arrive(self, my_task: Any) -> bool:
        my_task._inherit_data()
        if len(self._inputs) == 1:
            return True
        self.note_arrival(my_task)
        my_task._set_state(TaskState.WAITING)
        return False

    def note_arrival(self, my_task: Any) -> None:
        """Note the input by which the token came, and when."""
        top = my_task.workflow.top_workflow
        my_task.internal_data.update(via=my_task.parent.task_spec.name, arrived=top.tick())

    def can_fire(self, workflow: Any) -> bool:
        """Whether the tokens that wait at the join, and those that are elsewhere, let it fire now."""
        raise NotImplementedError

    def _check_threshold_unstructured(self, my_task: Any) -> bool:
        return self.can_fire(my_task.workflow)  # the library asks so, by rules 1

    def _run_hook(self, my_task: Any) -> bool:
        if my_task.workflow.top_workflow.rules < TOKENS:
            self.take(my_task, self.taken_from(my_task.workflow))
            return self.go_on(my_task)
        return True

    def take(self, my_task: Any, taken: list[Any]) -> None:
        """Use the arrivals for one firing, by which this task goes on with what they brought."""
        my_task.data = merged(taken)
        for task in taken:
            task.internal_data["used"] = True

    def taken_from(self, workflow: Any) -> list[Any]:
        """The arrivals that a firing uses: the oldest of each input. A second one waits for the next firing."""
        oldest: dict[str, Any] = {}
        for task in self.arrivals(workflow):
            oldest.setdefault(task.internal_data["via"], task)
        return sorted(oldest.values(), key=lambda t: t.internal_data["arrived"])

    def go_on(self, my_task: Any) -> bool:
        """Choose the ways out after the join has fired."""
        return True


class ParallelGateway(CountingJoin, defaults.ParallelGateway):  # type: ignore[misc]
    """A parallel gateway: it fires when every input has an arrival."""

    def can_fire(self, workflow: Any) -> bool:
        """BPMN 2.0.2, 13.4.1: a token on every incoming flow."""
        return set(self._inputs) <= {t.internal_data["via"] for t in self.arrivals(workflow)}


class InclusiveGateway(CountingJoin, defaults.InclusiveGateway):  # type: ignore[misc]
    """An inclusive gateway: it fires when no token can still reach an empty input."""

    def _check_threshold_unstructured(self, my_task: Any) -> bool:
        """BPMN 2.0, 13.4.2: wait while a live token can reach an empty input and cannot reach a filled one."""
        if len(self._inputs) == 1:
            return True
        tokens = (t.task_spec for t in my_task.workflow.tasks.values() if t.task_spec is not self and _is_token(t))
        return self._waits_for_none(my_task.workflow, (self._walked(spec, past_events=True) for spec in tokens))

    def can_fire(self, workflow: Any) -> bool:
        """BPMN 2.0.2, 13.4.3: unless a token elsewhere can reach an empty flow and cannot reach a filled one."""
        elsewhere = [spec for spec, tokens in workflow.live.items() if tokens and spec is not self]
        workflow.top_workflow.look_at(len(elsewhere), self.bpmn_id)
        return self._waits_for_none(workflow, map(self._ahead_of, elsewhere))

    def _waits_for_none(self, workflow: Any, reaches: Iterable[Set[str]]) -> bool:
        """Whether it has a token, and nothing that tokens elsewhere reach is an empty input without a filled one."""
        full = {t.internal_data["via"] for t in self.arrivals(workflow)}
        empty = set(self._inputs) - full
        return bool(full) and all(not reached & empty or reached & full for reached in reaches)

    def _ahead_of(self, start: Any) -> frozenset[str]:
        """The elements that sequence flows lead to. An event is ahead only once it waits: then it has its own token."""
        known: dict[str, frozenset[str]] = self.__dict__.setdefault("_ahead", {})
        if start.name not in known:
            known[start.name] = frozenset(self._walked(start, past_events=False))
        return known[start.name]

    def _walked(self, start: Any, *, past_events: bool) -> set[str]:
        """What can be reached without the join itself; `past_events`: also by the events of activities not open yet."""
        seen: set[str] = set()
        todo = [start]
        while todo:
            spec = todo.pop()
            if spec.name not in seen and spec is not self:
                seen.add(spec.name)
                only_activity = isinstance(spec, BoundaryEventSplit) and not past_events
                todo += spec.outputs[:1] if only_activity else spec.outputs
        return seen

    def go_on(self, my_task: Any) -> bool:
        """Take the ways out whose conditions hold, else the default. Raises EngineFault without either."""
        matches, others = self._get_matching_outputs(my_task)
        if not matches and not others:
            raise EngineFault(self.bpmn_id, _NO_WAY)
        my_task._sync_children(matches or others, TaskState.FUTURE)
        for child in my_task.children:
            child.task_spec._predict(child, mask=TaskState.FUTURE | TaskState.PREDICTED_MASK)
        return True

    def ways_out(self, my_task: Any) -> list[int]:
        """The flows whose conditions hold, else those without one. Raises EngineFault if there are none."""
        conditions = [condition for condition, _ in self.cond_task_specs]
        holding = [i for i, condition in enumerate(conditions) if condition is not None and condition._matches(my_task)]
        ways = holding or [i for i, condition in enumerate(conditions) if condition is None]
        if not ways:
            raise EngineFault(self.bpmn_id, _NO_WAY)
        return ways


class ExclusiveGateway(defaults.ExclusiveGateway):  # type: ignore[misc]
    """An exclusive gateway: every token passes at once, by the first flow whose condition holds, else the default."""

    def _run_hook(self, my_task: Any) -> bool:
        if my_task.workflow.top_workflow.rules < TOKENS:
            return bool(super()._run_hook(my_task))
        return True

    def ways_out(self, my_task: Any) -> list[int]:
        """The flow that the token takes. Raises EngineFault if no condition holds and there is no default."""
        default = None
        for index, (condition, _) in enumerate(self.cond_task_specs):
            if condition is None:
                default = index
            elif condition._matches(my_task):
                return [index]
        if default is None:
            raise EngineFault(self.bpmn_id, _NO_WAY)
        return [default]


def _is_token(task: Any) -> bool:
    return bool(task.has_state(LIVE)) or (
        task.state == TaskState.FUTURE and task.parent is not None and task.parent.state == TaskState.COMPLETED
    )


class EndJoin(CountingJoin, BpmnTaskSpec):  # type: ignore[misc]
    """The join of all ends of a process: it fires when nothing else lives."""

    def _waits_for(self, task: Any) -> bool:
        """Whether the end still waits for the task: it lives, or is a token that an earlier join has not used."""
        if task.task_spec is self or isinstance(task.task_spec, SimpleBpmnTask):
            return False
        return bool(task.has_state(TaskState.NOT_FINISHED_MASK)) or is_arrival(task)

    def _arrive(self, my_task: Any) -> bool:
        self.note_arrival(my_task)
        for task in my_task.workflow.tasks.values():
            # only the newest waits, so that compaction can see which ends said nothing
            if task.task_spec is self and task is not my_task and task.state == TaskState.WAITING:
                task._set_state(TaskState.CANCELLED)
        my_task._inherit_data()
        my_task._set_state(TaskState.WAITING)
        return False

    def keeps_cancelled(self, workflow: Any) -> bool:
        return True

    def can_fire(self, workflow: Any) -> bool:
        """BPMN 2.0.2, 13.5.6: a process ends when no token is left in it."""
        return not any(self._waits_for(task) for task in workflow.tasks.values())

    def taken_from(self, workflow: Any) -> list[Any]:
        """The arrivals of all ends."""
        return self.arrivals(workflow)
