"""The topics of projects that are planned: concepts and their screening, and the plan book."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from decimal import Decimal

from sqlalchemy import select

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.books.acts import BookActKind
from osm_flow.domain.json import JSON
from osm_flow.domain.projects.states import PLANNED, may_step
from osm_flow.domain.states import ProjectState
from osm_flow.operations.books import acts as books
from osm_flow.operations.books.form_rows import with_rows_again
from osm_flow.operations.books.versions import is_known, records_entered_by
from osm_flow.operations.project_topics.known import (
    MOST_TOLD,
    KnownProjects,
    act_of,
    document_of,
    revise_known,
)
from osm_flow.operations.projects.acts import register
from osm_flow.operations.projects.record_type import BRIEF, KIND, PREFIX, book_of, project_type
from osm_flow.operations.projects.register import money, number
from osm_flow.operations.stepping.service_work import TopicRefused, Work
from osm_flow.store.models import Province

# A code that a plan may bring along, and those that registers give.
_OWN_CODE = re.compile("[A-Z0-9][A-Z0-9-]{0,31}")
_GIVEN_CODE = re.compile(rf"{PREFIX}-.*-[0-9]{{4}}-")
# Where the screening of a concept leaves it.
_OF_SCREENING = {
    **dict.fromkeys(("pass", "pass_at_risk"), ProjectState.screened),
    **dict.fromkeys(("reject", "to_province", "coordinate"), ProjectState.screened_out),
    "hold": ProjectState.not_ready,
    "return": ProjectState.concept,
}
_OUT = (ProjectState.screened_out, ProjectState.not_ready)
_BEFORE_BOOK = (ProjectState.concept, ProjectState.screened)
_IN_BOOK = (ProjectState.in_plan, ProjectState.endorsed)


def register_concept(work: Work) -> JSON:
    """Enter the concept that was sent in into the register of the office and year, as its screening leaves it.

    One that an earlier draft knows is renewed, with its code: the same name, province and agency. Two that come to one case are
    two. Raises TopicRefused where there is no concept.
    """
    concept = document_of(work, "project_concept")
    if not str(concept.get("name") or "").strip():
        raise TopicRefused(reason="there is no concept to be registered")
    own = set(work.session.scalars(select(Province.id).where(Province.office_id == work.case.office_id)))
    answer = {"project_concept": concept, "screening": work.data.get("screening")}
    concept = _concept_of(work.data.get("province"), answer, own)
    state = _OF_SCREENING.get(str(concept.pop("screening_outcome")), ProjectState.concept)
    row = {"name": concept["name"], "amount": concept.get("budget_total"), "state": state}
    known = KnownProjects.of(work)
    name = book_of(work.case.office_id, work.case.fiscal_year)
    named = known.by_name.get(row["name"], [])
    taken = records_entered_by(work.session, KIND, work.case.id, named) if named else set()
    decided = [code for code in named if _state_of(known.values[code]) not in PLANNED]
    code = known.find_planned("", row, concept, [*taken, *decided])
    if code is None:
        code = books.next_code(work.session, name, PREFIX)
        known.add(code, row["name"], {"name": row["name"], "state": str(ProjectState.concept)})
    values, left = _renewed(known.values[code], row, concept)
    act = act_of(work, BookActKind.registered, {"left_out": {code: left}} if left else {})
    register(work.session, name, act, SYSTEM, work.now, {code: values})
    return {"concept_code": code}


def record_screening(work: Work) -> JSON:
    """Write down what the review of the screening made of each project: the last word on it before the plan book."""
    rows = with_rows_again(work.session, {"rows": work.data.get("screening_results")})["rows"]
    known = KnownProjects.of(work)
    changed: dict[str, JSON] = {}
    for row in rows if isinstance(rows, list) else []:
        code = str(row.get("project") or "") if isinstance(row, dict) else ""
        state = _OF_SCREENING.get(str(row.get("outcome"))) if code in known.values else None
        if state is not None and may_step(_state_of(known.values[code]), state):
            changed[code] = {"state": str(state)}
    revise_known(work, changed)
    return {"screenings_recorded": len(changed)}


def register_projects(work: Work) -> JSON:
    """Enter the projects of the plan book into the register of the office and year, with what their concepts say.

    A project is known by its code; cases that began before concepts were registered name it, else, within its province. A plan
    that is revised renews what is only planned so far, and what it leaves out of an earlier draft is said to be left out. Two
    provinces may name a project alike: they are two.
    """
    known = KnownProjects.of(work)
    name = book_of(work.case.office_id, work.case.fiscal_year)
    entered: dict[str, JSON] = {}
    taken: list[str] = []
    left: dict[str, list[str]] = {}
    for row, concept in _planned(work):
        said = str(row.get("project") or "").strip()[:64]
        code = known.find_planned(said, row, concept, taken)
        if code is None:
            is_new = said not in known.values and _may_be_given(work, said)
            code = said if is_new else books.next_code(work.session, name, PREFIX)
            known.add(code, row["name"], {"name": row["name"], "state": str(ProjectState.concept)})
        taken.append(code)
        values = known.values[code]
        if _state_of(values) in PLANNED:
            entered[code], unfit = _renewed(values, row, concept)
            known.values[code] = entered[code]
            if unfit:
                left[code] = unfit
    entered |= _left_out(work, known, taken)
    act = act_of(work, BookActKind.registered, {"left_out": left} if left else {})
    register(work.session, name, act, SYSTEM, work.now, entered)
    return {"projects_registered": len(taken)}


def _renewed(values: JSON, row: JSON, concept: JSON) -> tuple[JSON, list[str]]:
    """What the record of a planned project says with this row and concept, and which places of them no record can keep."""
    fitting, unfit = project_type().schema.fit(_described(values, row, concept))
    return {**values, **dict.fromkeys(BRIEF if concept else ()), **fitting}, unfit[:MOST_TOLD]


def _planned(work: Work) -> Iterator[tuple[JSON, JSON]]:
    """The rows of the plan book's list of projects, each with its concept; while it has none, one for each concept received.

    Behind them come the concepts that the screening kept out of the book, so that nobody has to ask where they went. A concept
    that was registered when it came says nothing here: its record has it, as it was put right since.
    """
    concepts = _screened(work)
    rows = document_of(work, "plan_assembly").get("projects")
    rows = rows if isinstance(rows, list) else []
    for row in rows:
        if isinstance(row, dict) and str(row.get("name") or "").strip():
            name = str(row["name"]).strip()[:512]
            named = [concept for concept in concepts if concept["name"] == name]
            same = [concept for concept in named if concept.get("agency") == row.get("agency")]
            concept = (same or named or [{}])[0]
            concepts = [other for other in concepts if other is not concept]
            yield {**row, "name": name, "state": ProjectState.in_plan}, concept
    for concept in concepts:
        state = concept["screened"]
        if not rows or state in _OUT:
            yield {"name": concept["name"], "amount": concept.get("budget_total"), "state": state}, concept


def _screened(work: Work) -> list[JSON]:
    """The concepts without a code, each with the state in which its screening left it; who reviewed it has the last word."""
    own = set(work.session.scalars(select(Province.id).where(Province.office_id == work.case.office_id)))
    answers = [(reply, answer) for reply, answer in _answers(work) if not answer.get("concept_code")]
    concepts = [_concept_of(reply.get("province"), answer, own) for reply, answer in answers]
    reviewed = work.data.get("screening_results")
    rows = [row for row in reviewed if isinstance(row, dict)] if isinstance(reviewed, list) else []
    for concept in concepts:
        named = [row for row in rows if str(row.get("project") or "").strip()[:512] == concept["name"]]
        if named:
            # Of several projects of one name the rows come in the order of the concepts.
            concept["screening_outcome"] = named[0].get("outcome")
            rows = [row for row in rows if row is not named[0]]
        concept["screened"] = _OF_SCREENING.get(str(concept.pop("screening_outcome", "")), ProjectState.concept)
    return concepts


def _left_out(work: Work, known: KnownProjects, taken: Collection[str]) -> dict[str, JSON]:
    """What becomes of projects that this plan leaves out: those of an earlier draft, and those that came to it as concepts or
    were entered by a row of its book which is there no more.
    """
    if not document_of(work, "plan_assembly").get("projects"):
        return {}
    others = [code for code in known.values if code not in taken]
    waiting = [code for code in others if _state_of(known.values[code]) in _BEFORE_BOOK]
    came = records_entered_by(work.session, KIND, work.case.id, waiting)
    left = [code for code in others if code in came or _state_of(known.values[code]) in _IN_BOOK]
    return {code: {**known.values[code], "state": str(ProjectState.dropped)} for code in left}


def _state_of(values: JSON) -> str:
    """The state of a project; one that a row of the plan book just entered says none, and is a concept."""
    return str(values.get("state") or ProjectState.concept)


def _answers(work: Work) -> Iterator[tuple[JSON, JSON]]:
    """What the provinces of the office sent: the reply of each with each concept in it that has a name."""
    replies = work.data.get("concept_replies")
    for reply in replies if isinstance(replies, list) else []:
        for answer in reply.get("concepts") or [] if isinstance(reply, dict) else []:
            concept = answer.get("project_concept") if isinstance(answer, dict) else None
            if isinstance(concept, dict) and str(concept.get("name") or "").strip():
                yield reply, answer


def _concept_of(province: object, answer: JSON, own: Collection[str]) -> JSON:
    """A concept with its province, if it is one of the office, and what the screening said of it."""
    concept, screening = answer["project_concept"], answer.get("screening")
    return {
        **concept,
        "name": str(concept["name"]).strip()[:512],
        "province": province if province in own else None,
        "screening_outcome": screening.get("outcome") if isinstance(screening, dict) else None,
    }


def _described(values: JSON, row: JSON, concept: JSON) -> JSON:
    """What the plan book and the concept say of a project that is only planned so far."""
    kinds = [kind for kind in concept.get("budget_types") or [] if isinstance(kind, dict)]
    largest = max(kinds, key=lambda kind: money(kind.get("amount")) or Decimal(0), default={})
    amounts = (money(said) for said in (row.get("amount"), concept.get("budget_total"), values.get("requested")))
    requested = next((amount for amount in amounts if amount is not None), Decimal(0))
    of_brief = {name: concept[name] for name in BRIEF if concept.get(name) is not None}
    return {
        **of_brief,
        "name": row["name"],
        "agency": str(row.get("agency") or concept.get("agency") or values.get("agency") or "")[:255],
        "province": concept.get("province") or values.get("province"),
        "budget_type": str(largest.get("category") or values.get("budget_type") or "other")[:32],
        "requested": number(requested),
        "state": str(row.get("state") or ProjectState.in_plan),
    }


def _may_be_given(work: Work, code: str) -> bool:
    """Whether a code that the plan gives can be a new one: nobody ever had it, and it is none that registers give themselves."""
    return bool(_OWN_CODE.fullmatch(code)) and not _GIVEN_CODE.match(code) and not is_known(work.session, KIND, code)
