"""The register of projects while a service writes it: which project a row means, and what the act says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.books.acts import BookAct, BookActKind
from osm_flow.domain.json import JSON
from osm_flow.operations.books import acts as books
from osm_flow.operations.books.form_rows import with_rows_again
from osm_flow.operations.projects.acts import (
    revise,
    values_by_code,
)
from osm_flow.operations.projects.record_type import book_of
from osm_flow.operations.projects.register import money, projects_of
from osm_flow.operations.stepping.service_work import TopicRefused, Work
from osm_flow.store.models import Project

RECOMMENDATION = "recommendation"

# The documents of those who decide on projects, in the order in which they do.
_INSTANCES = ("subcommittee_result", "knb_result", "cabinet_result", "bb_result", "change_result")
# How many places an entry tells of one project that no record can keep.
MOST_TOLD = 20


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
