"""What the page of a project tells of its corrections: the one that waits beside what is recorded now, and those withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from flask import g

from osm_flow.domain.forms.schema import label_of
from osm_flow.domain.forms.values import Change, changes
from osm_flow.domain.json import JSON
from osm_flow.operations.books.corrections import Proposal
from osm_flow.operations.books.record_types import type_of
from osm_flow.operations.projects import corrections
from osm_flow.operations.projects.corrections import WaitingCorrection
from osm_flow.operations.projects.queries import ProjectLife
from osm_flow.operations.projects.record_type import KIND
from osm_flow.web.site.i18n import current_locale
from osm_flow.web.site.wording import names_of


class ProposalTold(NamedTuple):
    """A proposed correction as a page shows it: the form of its fields, what they would say, and what differs from now."""

    proposal: Proposal
    schema: JSON
    values: JSON
    changes: Sequence[Change]
    labels: Sequence[str]


class CorrectionsTold(NamedTuple):
    """All that the page tells of corrections, and what those are called whom it names."""

    may_correct: bool
    waiting: WaitingCorrection | None
    proposed: ProposalTold | None
    withdrawn: Sequence[ProposalTold]
    names: dict[str, str]


def told_of_corrections(life: ProjectLife) -> CorrectionsTold:
    """What this person may read of the corrections of the project."""
    waiting = corrections.waiting(g.session, life.project, g.actor, g.now)
    withdrawn = corrections.withdrawn(g.session, life.project, g.actor)
    entries = [one.entry for one in (*withdrawn, *([waiting.proposal] if waiting else []))]
    entries += [one.decided for one in withdrawn if one.decided]
    return CorrectionsTold(
        may_correct=corrections.may_correct(life.project, g.actor),
        waiting=waiting,
        proposed=_told(waiting.proposal, life.values) if waiting else None,
        withdrawn=[_told(proposal, {}) for proposal in withdrawn],
        names=names_of({name for entry in entries for name in (entry.actor, entry.on_behalf_of) if name}),
    )


def _told(proposal: Proposal, now: JSON) -> ProposalTold:
    schema = type_of(KIND).schema
    proposed = proposal.changes
    form = schema.form_of(proposed)
    labels = [label_of(field, current_locale()) for field in form["properties"].values()]
    values = {name: value for name, value in proposed.items() if value is not None}
    before = {name: now[name] for name in proposed if name in now}
    return ProposalTold(proposal, form, values, changes(form, before, values), labels)
