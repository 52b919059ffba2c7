"""The engine: BPMN definitions, their linter, and one pure step function. The only package that knows SpiffWorkflow."""

from osm_flow.domain.json import JSON
from osm_flow.engine.decisions import decision_problems, evaluate_decision
from osm_flow.engine.definitions import Diagram, Element, Process, compile_process, read_bpmn
from osm_flow.engine.errors import DefinitionRefused, EngineFault, ExpressionFault, NotWaiting
from osm_flow.engine.lint.endless import endless_calls
from osm_flow.engine.lint.linter import lint
from osm_flow.engine.rules import rules_of
from osm_flow.engine.spiff.snapshot import digest_of
from osm_flow.engine.standstills import Standstill, standstills
from osm_flow.engine.stepper import ENGINE_VERSION, inspect, recorded, standing, step
from osm_flow.engine.values import (
    Command,
    CompleteTask,
    DeliverMessage,
    EndChild,
    EscalateChild,
    FinishService,
    FireTimer,
    Lookup,
    Offered,
    Passed,
    Problem,
    Replan,
    Standing,
    Start,
    Step,
    Thrown,
    Waiting,
)
from osm_flow.engine.xml import as_utf8, one_line

__all__ = [
    "ENGINE_VERSION",
    "JSON",
    "Command",
    "CompleteTask",
    "DefinitionRefused",
    "DeliverMessage",
    "Diagram",
    "Element",
    "EndChild",
    "EngineFault",
    "EscalateChild",
    "ExpressionFault",
    "FinishService",
    "FireTimer",
    "Lookup",
    "NotWaiting",
    "Offered",
    "Passed",
    "Problem",
    "Process",
    "Replan",
    "Standing",
    "Standstill",
    "Start",
    "Step",
    "Thrown",
    "Waiting",
    "as_utf8",
    "compile_process",
    "decision_problems",
    "digest_of",
    "endless_calls",
    "evaluate_decision",
    "inspect",
    "lint",
    "one_line",
    "read_bpmn",
    "recorded",
    "rules_of",
    "standing",
    "standstills",
    "step",
]
