"""Reading BPMN elements as the library's specifications, with our classes in place of the library's."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from typing import Any

from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.parser import event_parsers as events_of_library
from SpiffWorkflow.bpmn.parser.ProcessParser import ProcessParser
from SpiffWorkflow.bpmn.parser.task_parsers import ConditionalGatewayParser, GatewayParser, SubWorkflowParser
from SpiffWorkflow.bpmn.parser.TaskParser import TaskParser
from SpiffWorkflow.bpmn.parser.util import full_tag
from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.bpmn.specs.control import BpmnStartTask, SimpleBpmnTask
from SpiffWorkflow.specs.WorkflowSpec import WorkflowSpec

from osm_flow.engine.spiff import activities, events, joins, loops
from osm_flow.engine.spiff.activities import Extra, Mapping
from osm_flow.engine.xml import CAMUNDA, NAMESPACES, child_text, local_name, properties_of


def _camunda(node: Any, name: str) -> str | None:
    value = node.get(f"{CAMUNDA}{name}")
    return value.strip() or None if value is not None else None


def _mappings(node: Any, direction: str) -> tuple[Mapping, ...]:
    nodes = node.xpath(f"./bpmn:extensionElements/camunda:{direction}", namespaces=NAMESPACES)
    return tuple(
        Mapping(m.get("variables") == "all", m.get("target") or "", m.get("sourceExpression") or m.get("source") or "")
        for m in nodes
        if not m.get("businessKey")
    )


def read_extra(node: Any, lane: str | None, message: str | None) -> Extra:
    """The attributes of an element that the library does not read: forms, candidates, dates, mappings, properties."""
    properties = properties_of(node)
    return Extra(
        element=node.get("id"),
        type=local_name(node),
        name=node.get("name") or "",
        lane=lane,
        documentation=child_text(node, "./bpmn:documentation") or "",
        properties=properties,
        form_key=_camunda(node, "formKey") or properties.get("form"),
        assignee=_camunda(node, "assignee"),
        candidate_users=_camunda(node, "candidateUsers"),
        candidate_groups=_camunda(node, "candidateGroups"),
        due_date=_camunda(node, "dueDate"),
        follow_up_date=_camunda(node, "followUpDate"),
        priority=_camunda(node, "priority"),
        topic=_camunda(node, "topic"),
        message=message,
        called=node.get("calledElement"),
        inputs=_mappings(node, "in"),
        outputs=_mappings(node, "out"),
        decision=_camunda(node, "decisionRef"),
        result_variable=_camunda(node, "resultVariable"),
        result_shape=_camunda(node, "mapDecisionResult") or "resultList",
        attached_to=node.get("attachedToRef"),
        interrupting=node.get("cancelActivity", "true") != "false",
    )


class ElementParser(TaskParser):  # type: ignore[misc]
    """The library's parser of one element, with our attributes, loops and the order of the document."""

    def parse_extensions(self, node: Any = None) -> dict[str, Any]:
        """Read our attributes into the specification of the element."""
        parser = self.process_parser.parser
        ref = self.node.get("messageRef") or next(iter(self.xpath("./bpmn:messageEventDefinition/@messageRef")), None)
        self.task.extra = read_extra(self.node, self.lane, parser.messages.get(ref))
        if isinstance(self.task, activities.BusinessRuleTask):
            self.task.table = parser.decisions[self.task.extra.decision]
        return {}

    def get_position(self, node: Any = None) -> dict[str, float]:
        """Give every element one position, so that flows count in the order of the document, not of the drawing."""
        return {"x": 0.0, "y": 0.0}

    def _add_loop_task(self, loop_characteristics: Any) -> None:
        maximum = loop_characteristics.get("loopMaximum")
        condition = child_text(self.node, "./bpmn:standardLoopCharacteristics/bpmn:loopCondition")
        original = self.spec.task_specs.pop(self.task.name)
        most, first = int(maximum) if maximum else None, loop_characteristics.get("testBefore") == "true"
        self._loop(original, loops.StandardLoop(self.spec, original.name, "", most, condition, first))

    def _add_multiinstance_task(self, loop_characteristics: Any) -> None:
        prefix = "./bpmn:multiInstanceLoopCharacteristics/bpmn:"
        item = self.xpath(f"{prefix}inputDataItem")
        output = self.xpath(f"{prefix}outputDataItem")
        target = child_text(self.node, f"{prefix}loopDataOutputRef")
        collection = _camunda(loop_characteristics, "collection")
        variable = _camunda(loop_characteristics, "elementVariable")
        original = self.spec.task_specs.pop(self.task.name)
        loop = loops.MultiInstance(
            self.spec,
            original.name,
            sequential=loop_characteristics.get("isSequential") == "true",
            cardinality=child_text(self.node, f"{prefix}loopCardinality"),
            collection=collection or child_text(self.node, f"{prefix}loopDataInputRef"),
            element_variable=variable or (_item_name(item[0]) if item else None),
            condition=child_text(self.node, f"{prefix}completionCondition"),
            output=(_item_name(output[0]), target) if output and target else None,
        )
        self._loop(original, loop)

    def _loop(self, original: Any, loop: Any) -> None:
        self.task = loop
        self._copy_task_attrs(original)
        loop.extra = original.extra
        loop.bpmn_name = original.bpmn_name
        loop.lane = original.lane
        loop.collect = original.extra.properties.get("collect") or None
        original.completed_event.connect(loop.merge_child)


def _item_name(node: Any) -> str:
    return str(node.get("id") or node.get("name"))


class _TimerParser:
    def parse_timer_event(self, event: Any) -> events.TimerDefinition:
        for kind in ("timeDate", "timeDuration", "timeCycle"):
            text = child_text(event, f"./bpmn:{kind}")
            if text:
                return events.TimerDefinition(self.node.get("name") or self.node.get("id"), kind, text)  # type: ignore[attr-defined]
        raise ValueError("a timer needs a date, a duration or a cycle")


class StartEventParser(_TimerParser, ElementParser, events_of_library.StartEventParser):  # type: ignore[misc]
    """The parser of start events, which may be timers."""


class EndEventParser(ElementParser, events_of_library.EndEventParser):  # type: ignore[misc]
    """The parser of end events."""


class CatchEventParser(_TimerParser, ElementParser, events_of_library.IntermediateCatchEventParser):  # type: ignore[misc]
    """The parser of catching events on the flow, which may be timers."""


class ThrowEventParser(ElementParser, events_of_library.IntermediateThrowEventParser):  # type: ignore[misc]
    """The parser of throwing events on the flow."""


class BoundaryEventParser(_TimerParser, ElementParser, events_of_library.BoundaryEventParser):  # type: ignore[misc]
    """The parser of boundary events, which may be timers."""


class SendTaskParser(ElementParser, events_of_library.SendTaskParser):  # type: ignore[misc]
    """The parser of send tasks: one with a topic is a service, one without throws its message."""

    def create_task(self) -> Any:
        """The specification of the send task."""
        if _camunda(self.node, "topic"):
            return activities.ServiceTask(self.spec, self.bpmn_id, **self.bpmn_attributes)
        return super().create_task()


class ReceiveTaskParser(ElementParser, events_of_library.ReceiveTaskParser):  # type: ignore[misc]
    """The parser of receive tasks."""


class PlainGatewayParser(ElementParser, GatewayParser):  # type: ignore[misc]
    """The parser of gateways whose flows have no conditions."""


class ChoiceGatewayParser(ElementParser, ConditionalGatewayParser):  # type: ignore[misc]
    """The parser of gateways whose flows have conditions."""


class SubProcessParser(ElementParser, SubWorkflowParser):  # type: ignore[misc]
    """The parser of subprocesses."""

    EVENT_SUBPROCESS_CLASS = activities.SubProcess  # the library takes triggeredByEvent="false" for one, too


class ProcessSpec(BpmnProcessSpec):  # type: ignore[misc]
    """The library's specification of a process with our join at its end."""

    def __init__(self, name: str, description: str | None = None) -> None:
        WorkflowSpec.__init__(self, name=name, filename=None)
        self.start = BpmnStartTask(self, "Start")
        self.end = joins.EndJoin(self, f"{name}.EndJoin")
        self.end.connect(SimpleBpmnTask(self, "End"))
        self.svg = None
        self.description = description
        self.io_specification = None
        self.data_objects: dict[str, Any] = {}
        self.data_stores: dict[str, Any] = {}
        self.correlation_keys: dict[str, Any] = {}

    def _add_notify(self, task_spec: Any) -> None:
        self.__dict__.setdefault("bpmn_start_events", [])
        super()._add_notify(task_spec)


class CaseProcessParser(ProcessParser):  # type: ignore[misc]
    """The parser of a process, which makes our specification of it."""

    def create_spec(self) -> ProcessSpec:
        """The specification of the process."""
        return ProcessSpec(name=self.bpmn_id, description=self.get_name())


class DialectParser(BpmnParser):  # type: ignore[misc]
    """The parser of a BPMN file: which parser and which of our classes belong to each element."""

    PROCESS_PARSER_CLASS = CaseProcessParser
    PARSER_CLASSES = {  # noqa: RUF012 - the library reads a class attribute
        full_tag(tag): pair
        for tag, pair in {
            "startEvent": (StartEventParser, events.StartEvent),
            "endEvent": (EndEventParser, events.EndEvent),
            "intermediateCatchEvent": (CatchEventParser, events.IntermediateCatchEvent),
            "intermediateThrowEvent": (ThrowEventParser, events.IntermediateThrowEvent),
            "boundaryEvent": (BoundaryEventParser, events.BoundaryEvent),
            "sendTask": (SendTaskParser, events.SendTask),
            "receiveTask": (ReceiveTaskParser, events.ReceiveTask),
            "eventBasedGateway": (PlainGatewayParser, events.EventBasedGateway),
            "exclusiveGateway": (ChoiceGatewayParser, joins.ExclusiveGateway),
            "inclusiveGateway": (ChoiceGatewayParser, joins.InclusiveGateway),
            "parallelGateway": (PlainGatewayParser, joins.ParallelGateway),
            "userTask": (ElementParser, activities.UserTask),
            "manualTask": (ElementParser, activities.ManualTask),
            "serviceTask": (ElementParser, activities.ServiceTask),
            "businessRuleTask": (ElementParser, activities.BusinessRuleTask),
            "callActivity": (ElementParser, activities.CallActivity),
            "subProcess": (SubProcessParser, activities.SubProcess),
        }.items()
    }

    def __init__(self, decisions: MappingType[str, bytes]) -> None:
        super().__init__()
        self.decisions = decisions
