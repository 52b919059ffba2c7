"""The topics that diagrams may name, each with the operation that carries it out."""

from __future__ import annotations

from collections.abc import Mapping

from osm_flow.domain.json import JSON
from osm_flow.operations.people.notify_people import notify
from osm_flow.operations.project_topics.execution import (
    live_projects,
    open_recommendations,
    record_contract,
    record_quarter,
    record_results,
    renew_project,
)
from osm_flow.operations.project_topics.planning import record_screening, register_concept, register_projects
from osm_flow.operations.project_topics.progress import (
    begin_change,
    end_change,
    move_projects,
    record_act,
    record_allotment,
    record_year_end,
)
from osm_flow.operations.stepping.service_work import Topic, Work
from osm_flow.operations.stepping.subject_words import subject_words
from osm_flow.store.inserts import insert_once
from osm_flow.store.models import OutgoingLetter


def send_letter(work: Work) -> JSON:
    """Put a letter on the list of what is to be signed and sent; its number is given at signing."""
    insert_once(
        work.session,
        OutgoingLetter,
        case_id=work.case.id,
        task_id=work.waiting.task_id,
        office_id=work.case.office_id,
        fiscal_year=work.case.fiscal_year,
        recipient=subject_words(work.needed("to"), "th")[:255],
        subject=subject_words(work.needed("subject"), "th")[:255],
        body=work.waiting.properties.get("body", ""),
        at=work.now,
    )
    return {}


def notify_people(work: Work) -> JSON:
    """Tell everybody behind the candidates in `to`, inside the site."""
    subject = work.needed("subject")
    in_english = work.waiting.properties.get("subject_en") or subject
    text_th, text_en = subject_words(subject, "th"), subject_words(in_english, "en")
    notify(work.session, work.case, work.needed("to"), work.now, kind="notice", text_th=text_th, text_en=text_en)
    return {}


TOPICS: Mapping[str, Topic] = {
    "send_letter": send_letter,
    "notify": notify_people,
    "live_projects": live_projects,
    "register_concept": register_concept,
    "record_screening": record_screening,
    "register_projects": register_projects,
    "record_results": record_results,
    "record_quarter": record_quarter,
    "record_contract": record_contract,
    "renew_project": renew_project,
    "move_projects": move_projects,
    "record_act": record_act,
    "record_allotment": record_allotment,
    "record_year_end": record_year_end,
    "begin_change": begin_change,
    "end_change": end_change,
    "open_recommendations": open_recommendations,
}
