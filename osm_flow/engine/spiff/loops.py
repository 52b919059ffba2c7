"""Repeated activities: multi-instance activities and standard loops, merging what each instance changed."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs.mixins import BpmnSpecMixin
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.util.task import TaskState

from osm_flow.engine.errors import EngineFault
from osm_flow.engine.spiff.joins import changed

MAX_INSTANCES = 1_000


class Repeated(BpmnSpecMixin, LoopTask):  # type: ignore[misc]
    """What repeated activities share: their instances are made one by one or all at once, and merged when done."""

    sequential = True

    def __init__(
        self, wf_spec: Any, bpmn_id: str, task_spec: str = "", condition: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.task_spec = task_spec
        self.condition = condition
        self.collect: str | None = None

    def _update_hook(self, my_task: Any) -> bool | None:
        # On the path of a boundary event the task may still be a guess when its turn comes.
        if my_task.has_state(TaskState.PREDICTED_MASK):
            my_task._set_state(TaskState.FUTURE)
        super()._update_hook(my_task)
        if "done" in my_task.internal_data:
            return None
        my_task.internal_data.update(next=0, done=0, **self.plan(my_task))
        if not self.wants_more(my_task):
            self.finish(my_task)
            return True
        my_task._set_state(TaskState.STARTED)
        while self.wants_more(my_task):
            self.create_instance(my_task)
            if self.sequential:
                break
        return None

    def plan(self, my_task: Any) -> dict[str, Any]:
        """The notes that the activity begins with, such as the items of its instances."""
        raise NotImplementedError

    def wants_more(self, my_task: Any) -> bool:
        """Whether another instance is to be made now."""
        raise NotImplementedError

    def instance_data(self, my_task: Any, index: int) -> dict[str, Any]:
        """The variables that the next instance begins with."""
        return {}

    def create_instance(self, my_task: Any) -> None:
        """Make the next instance."""
        index = my_task.internal_data["next"]
        my_task.internal_data["next"] = index + 1
        spec = my_task.workflow.spec.task_specs[self.task_spec]
        child = my_task._add_child(spec, TaskState.WAITING)
        child.triggered = True
        child.data = {**my_task.data, **self.instance_data(my_task, index)}
        child.internal_data["instance"] = index
        child.task_spec._update(child)

    def merge_child(self, workflow: Any, child: Any) -> None:
        """Take over what a finished instance changed; the spec's `completed_event` calls this."""
        my_task = child.parent
        base = my_task.data if self.sequential else my_task.parent.data
        values = changed(base, child.data)
        notes = my_task.internal_data
        notes["done"] += 1
        own = self.instance_data(my_task, child.internal_data["instance"])
        if self.collect is None:
            my_task.data = {**my_task.data, **{k: v for k, v in values.items() if k not in own or own[k] != v}}
        else:
            kept = my_task.workflow.top_workflow.in_order({**own, **values})
            notes.setdefault("collected", {})[str(child.internal_data["instance"])] = kept
        if self.is_over(my_task, child):
            for other in my_task.children:
                if other.triggered and not other.has_state(TaskState.FINISHED_MASK) and other is not child:
                    other.cancel()
            self.finish(my_task)
            my_task._set_state(TaskState.READY)
        elif self.sequential:
            self.create_instance(my_task)

    def is_over(self, my_task: Any, child: Any) -> bool:
        """Whether no more instances will come."""
        raise NotImplementedError

    def finish(self, my_task: Any) -> None:
        """Put what the instances gave into the variable that collects it, once all are done."""
        if self.collect is not None:
            collected = my_task.internal_data.pop("collected", {})
            my_task.data = {**my_task.data, self.collect: [collected[k] for k in sorted(collected, key=int)]}


class StandardLoop(Repeated):
    """A standard loop: the activity is repeated while the condition holds, at most `maximum` times."""

    def __init__(
        self,
        wf_spec: Any,
        bpmn_id: str,
        task_spec: str,
        maximum: int | None,
        condition: str | None,
        test_before: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(wf_spec, bpmn_id, task_spec, condition, **kwargs)
        self.maximum = maximum
        self.test_before = test_before

    def plan(self, my_task: Any) -> dict[str, Any]:
        return {}

    def wants_more(self, my_task: Any) -> bool:
        first = my_task.internal_data["next"] == 0
        return not self._spent(my_task) if self.test_before or not first else self.maximum != 0

    def _spent(self, my_task: Any) -> bool:
        at_maximum = self.maximum is not None and my_task.internal_data["done"] >= self.maximum
        return at_maximum or (
            self.condition is not None and not my_task.workflow.script_engine.evaluate(my_task, self.condition)
        )

    def is_over(self, my_task: Any, child: Any) -> bool:
        return self._spent(my_task)


class MultiInstance(Repeated):
    """A multi-instance activity: an instance for each item, or `cardinality` times; in parallel unless `sequential`."""

    def __init__(
        self,
        wf_spec: Any,
        bpmn_id: str,
        *,
        sequential: bool,
        cardinality: str | None,
        collection: str | None,
        element_variable: str | None,
        condition: str | None,
        output: tuple[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(wf_spec, bpmn_id, condition=condition, **kwargs)
        self.sequential = sequential
        self.cardinality = cardinality
        self.collection = collection
        self.element_variable = element_variable
        self.output = output

    def plan(self, my_task: Any) -> dict[str, Any]:
        text = self.collection if self.collection is not None else self.cardinality
        value = my_task.workflow.script_engine.evaluate(my_task, text)
        if self.collection is None:
            value = list(range(value)) if isinstance(value, int) and 0 <= value <= MAX_INSTANCES else value
        elif isinstance(value, dict):
            value = list(value.values())
        if not isinstance(value, list) or len(value) > MAX_INSTANCES:
            raise EngineFault(self.bpmn_id, f"instances must be a list or a number of at most {MAX_INSTANCES}")
        return {"items": value}

    def wants_more(self, my_task: Any) -> bool:
        return bool(my_task.internal_data["next"] < len(my_task.internal_data["items"]))

    def finish(self, my_task: Any) -> None:
        super().finish(my_task)
        if self.output is not None and not my_task.internal_data["items"]:
            my_task.data = {**my_task.data, self.output[1]: []}

    def instance_data(self, my_task: Any, index: int) -> dict[str, Any]:
        return {self.element_variable: my_task.internal_data["items"][index]} if self.element_variable else {}

    def is_over(self, my_task: Any, child: Any) -> bool:
        notes = my_task.internal_data
        total = len(notes["items"])
        if notes["done"] >= total:
            return True
        if self.condition is None:
            return False
        counts = {
            "nrOfInstances": total,
            "nrOfCompletedInstances": notes["done"],
            "nrOfActiveInstances": notes["next"] - notes["done"],
        }
        seen = {**my_task.data, **child.data, **counts}
        return bool(my_task.workflow.script_engine.over(my_task, self.condition, seen))

    def merge_child(self, workflow: Any, child: Any) -> None:
        if self.output is not None:
            source, target = self.output
            outputs = child.parent.internal_data.setdefault("outputs", {})
            outputs[str(child.internal_data["instance"])] = child.data.get(source)
            child.parent.data = {**child.parent.data, target: [outputs[k] for k in sorted(outputs, key=int)]}
            child.data = {k: v for k, v in child.data.items() if k != source and k != target}
        super().merge_child(workflow, child)
