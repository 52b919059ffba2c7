"""What can go wrong in the engine, as the rest of the product sees it."""

from __future__ import annotations

from collections.abc import Sequence

from osm_flow.engine.values import Problem
from osm_flow.errors import Invalid, Refused


class DefinitionRefused(Invalid):
    """The definition cannot be used."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        detail = "; ".join(f"{p.where}: {p.en}" if p.element else p.en for p in self.problems[:5])
        super().__init__("The definition cannot be used: {detail}", detail=detail)


class EngineFault(Refused):
    """The process could not go on at {element}: {reason}"""

    def __init__(self, element: str, reason: str) -> None:
        super().__init__(element=element, reason=reason)


class NotWaiting(Refused):
    """The process does not wait for this any more."""

    def __init__(self, task_id: str) -> None:
        super().__init__(task_id=task_id)


class ExpressionFault(Invalid):
    """The expression {expression} cannot be worked out: {reason}"""

    def __init__(self, expression: str, reason: str) -> None:
        super().__init__(expression=expression, reason=reason)
