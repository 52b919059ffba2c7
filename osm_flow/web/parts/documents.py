"""The documents of a case as pages show them: a filled form under its title."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from osm_flow.domain.forms.schema import label_of
from osm_flow.domain.forms.values import Change
from osm_flow.domain.json import JSON
from osm_flow.operations.cases.queries import case_documents
from osm_flow.store.models import Case
from osm_flow.web.site.i18n import current_locale

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Shown:
    """A document to read; `changed` names what differs from the version before it, kept at `previous_at`."""

    title: str
    schema: JSON
    values: JSON
    changed: list[Change] = field(default_factory=list)
    previous_at: datetime | None = None


def shown(
    schema: JSON, values: JSON, changed: list[Change] | None = None, previous_at: datetime | None = None
) -> Shown:
    """The document under its title in the reader's language."""
    return Shown(label_of(schema, current_locale()), schema, values, changed or [], previous_at)


def documents_of(session: Session, case: Case) -> list[Shown]:
    """The documents of a case, ready to be read."""
    return [shown(document.schema, document.values) for document in case_documents(session, case)]
