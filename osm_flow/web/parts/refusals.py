"""What a page does when the operation it called said no: undo what was begun, and say why beside the form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import g, request

from osm_flow.errors import OsmFlowError
from osm_flow.operations.cases import incidents
from osm_flow.operations.stepping.step import CaseFailed
from osm_flow.web.site import lifecycle
from osm_flow.web.site.i18n import error_text, field_texts
from osm_flow.web.site.recorded_reads import note_error


@dataclass(frozen=True)
class Mistake:
    """What one of the small forms of a page got wrong: which act, why, and everything that was typed."""

    act: str
    words: str
    typed: Mapping[str, str]


def problem_of(act: str, error: OsmFlowError) -> Mistake:
    """The problem of the form that was posted, in the reader's language, each sentence once."""
    note_error(error)
    sentences = dict.fromkeys([error_text(error), *field_texts(error).values()])
    return Mistake(act, " ".join(sentences), request.form)


def after_refusal(refusal: OsmFlowError) -> None:
    """Undo what was begun and read from here on; a case that its diagram could not carry on becomes an incident."""
    note_error(refusal)
    g.session.rollback()
    lifecycle.abandon()
    if isinstance(refusal, CaseFailed):
        incidents.report(g.store, refusal, g.now)
    lifecycle.read_again()
