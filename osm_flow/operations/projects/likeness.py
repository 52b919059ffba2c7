"""Projects that may be the same one twice: alike by name, shown to people and never merged."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby
from typing import Any

from rapidfuzz import fuzz, process
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.search import searchable
from osm_flow.operations.projects.queries import seen_projects
from osm_flow.store.models import Project

# How alike two names must be, in per cent of Indel similarity: of any two projects, and of two of one agency and province.
ALIKE, ALIKE_BESIDE = 85, 70
# Years around a project's own in which its like is looked for: work that goes on is planned anew each year.
_YEARS = 2
_MOST, _MOST_PAIRS = 10, 200
# What most names begin with, and signs that people set as they like.
_SAYS_NOTHING = re.compile(r"^โครงการ|[\W_]+")


@lru_cache(maxsize=20_000)
def _spelled(name: str) -> str:
    """By the name alone, so that it holds whoever asks: the names of an office are asked for with each page of a project."""
    return _SAYS_NOTHING.sub("", searchable(name))


@dataclass(frozen=True)
class Named:
    """What is compared of a project; `place` is its office, province and agency as such names are compared."""

    office_id: str

    code: str
    name: str
    agency: str
    province_id: str | None
    fiscal_year: int
    state: str
    place: str

    @cached_property
    def spelled(self) -> str:
        """The name as it is compared: without what says nothing."""
        return _spelled(self.name)


@dataclass(frozen=True)
class Alike:
    """Another project and how alike its name is, in whole per cent; `is_beside`: of the same agency and province, too."""

    other: Named
    percent: int
    is_beside: bool


def alike(session: Session, actor: Actor, project: Project) -> list[Alike]:
    """The projects of the office that are like this one, of those that the actor may see: the likest first, at most ten."""
    around = Project.fiscal_year.between(project.fiscal_year - _YEARS, project.fiscal_year + _YEARS)
    own = _named(project)
    others = [one for one in _read(session, actor, project.office_id, around) if one.code != project.code]
    return sorted(_like(own, others), key=_likest)[:_MOST]


def pairs(session: Session, actor: Actor, fiscal_year: int) -> list[tuple[Named, Alike]]:
    """Every two projects of one office and year that are alike, of those that the actor may see: the likest first."""
    found: list[tuple[Named, Alike]] = []
    rows = _read(session, actor, None, Project.fiscal_year == fiscal_year)
    for _, some in groupby(rows, key=lambda one: one.office_id):
        named = list(some)
        for number, own in enumerate(named):
            found += [(own, one) for one in _like(own, named[number + 1 :])]
    return sorted(found, key=lambda pair: _likest(pair[1]))[:_MOST_PAIRS]


def newest_year(session: Session, actor: Actor) -> int | None:
    """The newest fiscal year in which the actor sees a project; None where there is none."""
    return session.scalar(select(func.max(Project.fiscal_year)).where(seen_projects(actor)))


def _likest(one: Alike) -> tuple[int, bool, str]:
    return (-one.percent, not one.is_beside, one.other.code)


def _like(own: Named, others: Sequence[Named]) -> Iterator[Alike]:
    spelled = [other.spelled for other in others]
    for _, score, place in process.extract_iter(own.spelled, spelled, scorer=fuzz.ratio, score_cutoff=ALIKE_BESIDE):
        other = others[place]
        is_beside = other.place == own.place
        if is_beside or score >= ALIKE:
            yield Alike(other, int(score), is_beside)


def _read(session: Session, actor: Actor, office_id: str | None, *wanted: ColumnElement[bool]) -> list[Named]:
    query = select(*_COLUMNS).where(seen_projects(actor), *wanted)
    if office_id is not None:
        query = query.where(Project.office_id == office_id)
    return [_named(row) for row in session.execute(query.order_by(Project.office_id, Project.code))]


_COLUMNS = (
    Project.office_id,
    Project.code,
    Project.name_th,
    Project.agency_th,
    Project.agency_key,
    Project.province_id,
    Project.fiscal_year,
    Project.state,
)


def _named(row: Any) -> Named:
    return Named(
        office_id=row.office_id,
        code=row.code,
        name=row.name_th,
        agency=row.agency_th,
        province_id=row.province_id,
        fiscal_year=row.fiscal_year,
        state=row.state,
        place=f"{row.office_id} {row.province_id} {row.agency_key}",
    )
