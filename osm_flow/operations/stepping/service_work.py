"""What a service task gives to the operation behind its topic, and how that operation refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from osm_flow.domain.json import JSON
from osm_flow.engine.values import Waiting
from osm_flow.errors import Invalid
from osm_flow.store.models import Case


class TopicRefused(Invalid):
    """The service cannot be carried out: {reason}"""

    may_pass = True  # what it lacks may be entered meanwhile


@dataclass(frozen=True)
class Work:
    """A service task to carry out: in which case, with which properties (already evaluated) and variables."""

    session: Session
    case: Case
    waiting: Waiting
    now: datetime

    @property
    def data(self) -> JSON:
        """The variables that the service task sees."""
        return self.waiting.data

    def needed(self, name: str) -> str:
        """A property that the diagram must give. Raises TopicRefused."""
        value = self.waiting.properties.get(name, "").strip()
        if not value:
            raise TopicRefused(reason=f"the property {name} is empty")
        return value


# What carries out a service task of one topic; its result is merged flat into the variables of the case.
Topic = Callable[[Work], JSON]
