"""The topics that read and write the register of projects for diagrams."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.acts import CaseStart
from osm_flow.domain.books.acts import BookAct, BookActKind
from osm_flow.domain.json import JSON
from osm_flow.domain.projects import spending
from osm_flow.domain.projects.states import NOT_LIVE, OF_STAGE, PLANNED, may_step
from osm_flow.domain.states import OPEN_CASE, ProjectState
from osm_flow.operations.books import acts as books
from osm_flow.operations.books.form_rows import with_rows_again
from osm_flow.operations.books.versions import is_known
from osm_flow.operations.definitions.library import latest
from osm_flow.operations.ledger.case_journal import data_of
from osm_flow.operations.projects.acts import (
    PREFIX,
    is_newest,
    register,
    revise,
    values_by_code,
    with_baseline,
    with_contract,
    with_report,
)
from osm_flow.operations.projects.record_type import BRIEF, KIND, book_of, project_type
from osm_flow.operations.projects.register import as_json, budget_of, money, number, projects_of, rounded
from osm_flow.operations.stepping import step as stepping
from osm_flow.operations.stepping.service_work import TopicRefused, Work
from osm_flow.store.models import Case, JournalPayload, Project, Province

RECOMMENDATION = "recommendation"
# A code that a plan may bring along, and those that registers give.
_OWN_CODE = re.compile("[A-Z0-9][A-Z0-9-]{0,31}")
_GIVEN_CODE = re.compile(rf"{PREFIX}-.*-[0-9]{{4}}-")
# The documents of those who decide on projects, in the order in which they do.
_INSTANCES = ("subcommittee_result", "knb_result", "cabinet_result", "bb_result", "change_result")
# How many places an entry tells of one project that no record can keep.
_MOST_TOLD = 20
# Where the screening of a concept leaves it, and where a result leaves the project.
_OF_SCREENING = {
    **dict.fromkeys(("pass", "pass_at_risk"), ProjectState.screened),
    **dict.fromkeys(("reject", "to_province", "coordinate"), ProjectState.screened_out),
    "hold": ProjectState.not_ready,
    "return": ProjectState.concept,
}
_OUT = (ProjectState.screened_out, ProjectState.not_ready)
_OF_RESULT = {"Y1": ProjectState.y1, "Y2": ProjectState.y2, "N": ProjectState.n}


def live_projects(work: Work) -> JSON:
    """The projects of the office and year that are being carried out, as a report about each begins with them."""
    found = work.session.scalars(projects_of(work.case).where(Project.state.not_in(NOT_LIVE)))
    return {"projects": [as_json(project) for project in found if project.result != "N" and project.approved != 0]}


def register_projects(work: Work) -> JSON:
    """Enter the projects of the plan book into the register of the office and year, with what their concepts say.

    A project is known by its code, else by its name within its province; a plan that is revised renews what is only
    planned so far, and what it leaves out of an earlier draft is said to be left out. Two provinces may name a project
    alike: they are two.
    """
    known = KnownProjects.of(work)
    name = book_of(work.case.office_id, work.case.fiscal_year)
    entered: dict[str, JSON] = {}
    taken: list[str] = []
    left: dict[str, list[str]] = {}
    for row, concept in _planned(work):
        said = str(row.get("project") or "").strip()[:32]
        code = known.find_planned(said, row, concept, taken)
        if code is None:
            is_new = said not in known.values and _may_be_given(work, said)
            code = said if is_new else books.next_code(work.session, name, PREFIX)
            known.add(code, row["name"], {"name": row["name"], "state": str(ProjectState.concept)})
        taken.append(code)
        values = known.values[code]
        if values.get("state") in PLANNED:
            fitting, unfit = project_type().schema.fit(_described(values, row, concept))
            entered[code] = known.values[code] = {**values, **dict.fromkeys(BRIEF if concept else ()), **fitting}
            if unfit:
                left[code] = unfit[:_MOST_TOLD]
    entered |= _left_out(work, known, taken)
    act = act_of(work, BookActKind.registered, {"left_out": left} if left else {})
    register(work.session, name, act, SYSTEM, work.now, entered)
    return {"projects_registered": len(taken)}


def record_results(work: Work) -> JSON:
    """Write the results (Y1, Y2, N …) of the projects into the register, from every row that names project and result."""
    known = KnownProjects.of(work)
    changed: dict[str, JSON] = {}
    for row, document in told_rows(with_rows_again(work.session, work.data), ("project", "result")):
        code = known.find_judged(row)
        if code is not None and isinstance(row["result"], str) and row["result"]:
            before = {**known.values[code], **changed.get(code, {})}
            said, _left = project_type().schema.fit(_result(before, row, document))
            changed[code] = {**changed.get(code, {}), **said}
    revise_known(work, changed)
    counts = {"Y1": 0, "Y2": 0, "N": 0}
    supported = Decimal(0)
    for code in sorted(changed):
        values = {**known.values[code], **changed[code]}
        result = str(values.get("result") or "")
        counts[result] = counts.get(result, 0) + 1
        supported += money(values.get("approved")) or Decimal(0)
    return {
        "results_recorded": len(changed),
        "count_y1": counts["Y1"],
        "count_y2": counts["Y2"],
        "count_n": counts["N"],
        "amount_supported": number(supported),
    }


def record_quarter(work: Work) -> JSON:
    """Write spending and colour of each project that was asked about; one without figures is shown as not reported."""
    known = KnownProjects.of(work)
    quarter = work.data.get("quarter")
    quarter = quarter if isinstance(quarter, int) and not isinstance(quarter, bool) else None
    target = money(work.data.get("disbursement_target"))
    if target is None:
        target = spending.USUAL_TARGETS.get(quarter or 0, Decimal(0))
    changed: dict[str, JSON] = {}
    for code, figures in _reports(work.data):
        if code in known.values:
            values = {**known.values[code], **changed.get(code, {})}
            said, _left = project_type().schema.fit(_reported(values, figures, target, quarter))
            changed[code] = {**changed.get(code, {}), **said}
    revise_known(work, changed)
    projects = {project.code: project for project in held_projects(work)}
    asked = [projects[code] for code in changed]
    budget = sum((budget_of(project) for project in asked), Decimal(0))
    disbursed = sum((project.disbursed for project in asked), Decimal(0))
    committed = sum((project.committed for project in asked), Decimal(0))
    return {
        "reports_recorded": len(asked),
        "red_projects": [as_json(project) for project in asked if project.colour == "red"],
        "not_reported": [project.code for project in asked if project.colour == "not_reported"],
        "disbursed_percent": rounded(spending.disbursed_percent(budget, disbursed)),
        "used_percent": rounded(spending.used_percent(budget, disbursed, committed)),
    }


def record_contract(work: Work) -> JSON:
    """Write the contract that was recorded into the register; the same number again renews what is known of it."""
    said = document_of(work, "contract")
    known = KnownProjects.of(work)
    code = known.find(str(said.get("project") or ""))
    if code is None:
        return {"contracts_recorded": 0}
    values = known.values[code]
    signed = {"state": str(ProjectState.signed)} if may_step(str(values.get("state")), ProjectState.signed) else {}
    revise_known(work, {code: {**with_contract(values, said, work.case.id), **signed}})
    return {"contracts_recorded": 1}


def renew_project(work: Work) -> JSON:
    """Write the new baseline of a project whose change was agreed into the register, which keeps the one before.

    Raises TopicRefused where the document gives no code and several projects have the name that it gives.
    """
    said = document_of(work, "project_baseline")
    known = KnownProjects.of(work)
    code = known.find(str(said.get("code") or ""), str(said.get("project_name") or ""))
    if code is None:
        return {"projects_renewed": 0}
    changed, left = project_type().schema.fit(with_baseline(known.values[code], said))
    if changed:
        revise_known(work, {code: changed}, {"left_out": {code: left[:_MOST_TOLD]}} if left else {})
    return {"projects_renewed": 1}


def open_recommendations(work: Work) -> JSON:
    """Begin one recommendation case for each red project of the office and year that has none open."""
    advised = _advised(work)
    reds = [p for p in held_projects(work) if p.colour == "red" and p.code not in advised]
    definition = latest(work.session, RECOMMENDATION) if reds else None
    reports = {code_of_row(row): row for row in rows_with(work.data, ("project", "quarterly_report"))}
    for project in reds:
        if definition is None:
            break
        data = {
            "project": as_json(project),
            "quarter": work.data.get("quarter"),
            "colour": "red",
            "power_level": "agency",
            "source": work.case.business_key,
        }
        if project.code in reports:
            data["quarterly_report"] = reports[project.code]["quarterly_report"]
        office_id, fiscal_year, key = work.case.office_id, work.case.fiscal_year, _advice_key(work, project.code)
        start = CaseStart(office_id, fiscal_year, project.name_th, data, project.province_id, key=key)
        stepping.begin(work.session, definition, SYSTEM, work.now, start)
    return {"opened": len(reds)}


def _result(values: JSON, row: JSON, document: JSON) -> JSON:
    """The fields that the result of an authority changes: the newest one, and the list of those of each level."""
    changed: JSON = {"result": str(row["result"])[:16]}
    state = _OF_RESULT.get(changed["result"])
    if state is not None and may_step(str(values.get("state")), state):
        changed["state"] = str(state)
    amount = money(row.get("amount_supported"))
    if amount is not None:
        changed["approved"] = number(amount)
    if document.get("level"):
        told = {**{name: document.get(name) for name in ("level", "decided_on", "doc_ref", "conditions")}}
        told |= {name: row[name] for name in ("result", "amount_requested", "amount_supported") if name in row}
        told |= {"conditions": row.get("conditions") or told["conditions"]}
        level = {name: value for name, value in told.items() if value not in (None, "")}
        kept = [one for one in values.get("results") or [] if not _is_same_level(one, level)]
        changed["results"] = [*kept, level]
    return changed


def _is_same_level(one: JSON, other: JSON) -> bool:
    """Whether both say what the same authority decided on the same day: what is said last is meant."""
    return all(one.get(name) == other.get(name) for name in ("level", "decided_on"))


def _advised(work: Work) -> set[str]:
    """The codes of the projects about which a recommendation is still open, those begun by this very task left out."""
    is_advice = Case.definition.has(key=RECOMMENDATION)
    query = (
        select(Case.id, JournalPayload.body)
        .join(JournalPayload, (JournalPayload.case_id == Case.id) & (JournalPayload.seq == 1))
        .where(Case.office_id == work.case.office_id, is_advice, Case.state.in_(OPEN_CASE))
    )
    begun_with = {case_id: data_of(body).get("project") for case_id, body in work.session.execute(query)}
    codes = {case_id: str(said.get("code")) for case_id, said in begun_with.items() if isinstance(said, dict)}
    own = {stepping.case_id_for(SYSTEM.username, _advice_key(work, code)) for code in codes.values()}
    return {code for case_id, code in codes.items() if case_id not in own}


def _advice_key(work: Work, code: str) -> str:
    return f"{work.waiting.task_id}:{code}"


def _planned(work: Work) -> Iterator[tuple[JSON, JSON]]:
    """The rows of the plan book's list of projects, each with its concept; while it has none, one for each concept received.

    Behind them come the concepts that the screening kept out of the book, so that nobody has to ask where they went.
    """
    concepts = _screened(work)
    book = work.data.get("plan_assembly")
    rows = book.get("projects") if isinstance(book, dict) else None
    for row in rows or []:
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
    """The concepts received, each with the state in which its screening left it; who reviewed the screening has the last word."""
    concepts = _concepts(work)
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


def _left_out(work: Work, known: KnownProjects, taken: Sequence[str]) -> dict[str, JSON]:
    """What becomes of projects of an earlier draft of the plan which this one leaves out."""
    book = work.data.get("plan_assembly")
    if not (isinstance(book, dict) and book.get("projects")):
        return {}
    in_plan = (ProjectState.in_plan, ProjectState.endorsed)
    left = [code for code, values in known.values.items() if values.get("state") in in_plan and code not in taken]
    return {code: {**known.values[code], "state": str(ProjectState.dropped)} for code in left}


def _concepts(work: Work) -> list[JSON]:
    """The project concepts that the provinces of the office sent, each with its province."""
    found: list[JSON] = []
    own = set(work.session.scalars(select(Province.id).where(Province.office_id == work.case.office_id)))
    replies = work.data.get("concept_replies")
    for reply in replies if isinstance(replies, list) else []:
        for answer in reply.get("concepts") or [] if isinstance(reply, dict) else []:
            concept = answer.get("project_concept") if isinstance(answer, dict) else None
            if isinstance(concept, dict) and str(concept.get("name") or "").strip():
                province = reply.get("province") if reply.get("province") in own else None
                said = {"name": str(concept["name"]).strip()[:512], "province": province}
                screening = answer.get("screening")
                said["screening_outcome"] = screening.get("outcome") if isinstance(screening, dict) else None
                found.append({**concept, **said})
    return found


def _described(values: JSON, row: JSON, concept: JSON) -> JSON:
    """What the plan book and the concept say of a project that is only planned so far."""
    kinds = [kind for kind in concept.get("budget_types") or [] if isinstance(kind, dict)]
    largest = max(kinds, key=lambda kind: money(kind.get("amount")) or Decimal(0), default={})
    asked = money(row.get("amount"))
    requested = asked if asked is not None else (money(concept.get("budget_total")) or Decimal(0))
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


def _reported(values: JSON, figures: Mapping[str, Any], target: Decimal, quarter: int | None) -> JSON:
    """The fields that a report of a quarter changes."""
    disbursed, committed = money(figures.get("disbursed")), money(figures.get("committed"))
    if disbursed is None:
        return {"colour": "not_reported"}
    approved = money(values.get("approved"))
    budget = approved if approved is not None else (money(values.get("requested")) or Decimal(0))
    said = figures.get("colour")
    computed = spending.colour_of(spending.disbursed_percent(budget, disbursed), target)
    colour = str(said if said in spending.COLOURS else computed)
    changed: JSON = {"disbursed": number(disbursed), "colour": colour} if is_newest(values, quarter) else {}
    if changed and committed is not None:
        changed["committed"] = number(committed)
    reached = OF_STAGE.get(str(figures.get("stage")))
    if changed and reached is not None and may_step(str(values.get("state")), reached):
        changed["state"] = str(reached)
    return changed | with_report(values, quarter, figures, colour)


def _reports(data: JSON) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Project code and figures of each report: figures lie beside the project or in a document of their own."""
    for row in rows_with(data, ("project",)):
        documents = [value for name, value in row.items() if name != "project" and isinstance(value, dict)]
        figures: dict[str, Any] = {name: value for name, value in row.items() if not isinstance(value, dict)}
        for document in documents:
            if "disbursed" in document:
                figures |= document
        yield code_of_row(row), figures


# ---- the register while a service writes it -------------------------------------------------------------------------


def document_of(work: Work, key: str) -> JSON:
    """The document as the case has it; empty where it has none."""
    found = work.data.get(key)
    return with_rows_again(work.session, found) if isinstance(found, dict) else {}


def held_projects(work: Work) -> Sequence[Project]:
    """The projects of the case's office and year as they are now; nobody else writes them before this work is kept."""
    books.lock_book(work.session, book_of(work.case.office_id, work.case.fiscal_year))
    return work.session.scalars(projects_of(work.case).execution_options(populate_existing=True)).all()


@dataclass
class KnownProjects:
    """The projects of the case's office and year while their register is locked: their rows, and what their records say."""

    values: dict[str, JSON]
    by_name: dict[str, list[str]]

    @classmethod
    def of(cls, work: Work) -> KnownProjects:
        """The projects as they are now; nobody else writes them before this work is kept."""
        projects = held_projects(work)
        known = cls({}, {})
        values = values_by_code(work.session, [project.code for project in projects])
        for project in projects:
            known.add(project.code, project.name_th, values[project.code])
        return known

    def add(self, code: str, name: str, values: JSON) -> None:
        """Count a project among the known ones."""
        self.by_name.setdefault(name, []).append(code)
        self.values[code] = values

    def find_planned(self, code: str, row: JSON, concept: JSON, taken: Sequence[str]) -> str | None:
        """The code of the project that a row of the plan book means, of those that no row before it meant."""
        if code in self.values and code not in taken:
            return code
        left = [known for known in self.by_name.get(row["name"], ()) if known not in taken]
        if concept.get("province"):
            left = [known for known in left if self.values[known].get("province") in (None, concept["province"])]
        agency = row.get("agency") or concept.get("agency")
        return next(
            (known for known in left if self.values[known].get("agency") == agency), left[0] if len(left) == 1 else None
        )

    def find_judged(self, row: JSON) -> str | None:
        """The code of the project that a row of results means; by a name that several have, the one for which as much was asked.

        None where nothing tells which is meant: the result is nobody's then.
        """
        said = code_of_row(row)
        if said in self.values:
            return said
        named = self.by_name.get(said, [])
        asked = money(row.get("amount_requested"))
        same = [code for code in named if len(named) == 1 or money(self.values[code].get("requested")) == asked]
        return same[0] if len(same) == 1 else None

    def find(self, code: str, name: str = "") -> str | None:
        """The code of the project: the one that is given; else of the one of this name. Raises TopicRefused where several have it."""
        named = [code] if code in self.values else [] if code else self.by_name.get(name, [])
        if len(named) > 1:
            raise TopicRefused(
                reason=f"{len(named)} projects are called {name}: {', '.join(named)}; say which by its code"
            )
        return named[0] if named else None

    def find_alone(self, code: str, name: str) -> str | None:
        """The same, and None where several projects have the name: for what can be said of one only or be left unsaid."""
        return self.find(code, "" if len(self.by_name.get(name, [])) > 1 else name)


def act_of(work: Work, kind: BookActKind, told: JSON | None = None) -> BookAct:
    """An act of the case: its record of this service is the next one, in the same transaction."""
    return BookAct(kind, {"case": work.case.id, "seq": work.case.seq + 1}, told=told or {})


def revise_known(work: Work, changed: dict[str, JSON], told: JSON | None = None) -> None:
    """Write these fields of projects as one act of the case, and what it tells; nothing where nothing is given."""
    name = book_of(work.case.office_id, work.case.fiscal_year)
    if changed:
        revise(work.session, name, act_of(work, BookActKind.changed, told), SYSTEM, work.now, changed)


def rows_with(data: JSON, names: tuple[str, ...]) -> Iterator[JSON]:
    """Every row with these columns in the lists of the variables and of their documents; who decides last comes last."""
    yield from (row for row, _document in told_rows(data, names))


def told_rows(data: JSON, names: tuple[str, ...]) -> Iterator[tuple[JSON, JSON]]:
    """The same rows, each with the document in which it stands: an empty one for the lists of the variables."""
    for name, value in sorted(data.items(), key=_by_instance):
        document = value if isinstance(value, dict) else {}
        if name in _INSTANCES and document:
            document = {"level": name.removesuffix("_result"), **document}
        for rows in [value] if isinstance(value, list) else [*document.values()]:
            if isinstance(rows, list):
                told = (row for row in rows if isinstance(row, dict) and all(column in row for column in names))
                yield from ((row, document) for row in told)


def _by_instance(item: tuple[str, Any]) -> tuple[int, str]:
    """Names in their order, the results of one authority after another behind them."""
    return (_INSTANCES.index(item[0]) if item[0] in _INSTANCES else -1, item[0])


def code_of_row(row: JSON) -> str:
    """The code by which a row names its project: in itself or within what it says of the project."""
    project = row["project"]
    return str(project.get("code", "") if isinstance(project, dict) else project)
