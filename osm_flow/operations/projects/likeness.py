"""Projects that may be the same one twice: alike by name, shown to people and never merged."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

from rapidfuzz import fuzz, process
from sqlalchemy import ColumnElement, Select, func, select
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
    """What is told of a project that is like another."""

    code: str
    name: str
    agency: str
    province_id: str | None
    fiscal_year: int
    state: str


@dataclass(frozen=True)
class Alike:
    """Another project and how alike its name is, in whole per cent; `is_beside`: of the same agency and province, too."""

    other: Named
    percent: int
    is_beside: bool


def alike(session: Session, actor: Actor, project: Project) -> list[Alike]:
    """The projects of the office that are like this one, of those that the actor may see: the likest first, at most ten."""
    around = Project.fiscal_year.between(project.fiscal_year - _YEARS, project.fiscal_year + _YEARS)
    here = Project.office_id == project.office_id
    others = session.execute(_compared(session, actor, here, around, Project.code != project.code)).all()
    return sorted(_like(project, others), key=_likest)[:_MOST]


def pairs(session: Session, actor: Actor, fiscal_year: int) -> list[tuple[Named, Alike]]:
    """Every two projects of one office and year that are alike, of those that the actor may see: the likest first."""
    found: list[tuple[Named, Alike]] = []
    query = _compared(session, actor, Project.fiscal_year == fiscal_year).order_by(Project.office_id, Project.code)
    for _, some in groupby(session.execute(query).all(), key=lambda row: row.office_id):
        rows = list(some)
        for number, own in enumerate(rows):
            found += [(_named(own), one) for one in _like(own, rows[number + 1 :])]
    return sorted(found, key=lambda pair: _likest(pair[1]))[:_MOST_PAIRS]


def newest_year(session: Session, actor: Actor) -> int | None:
    """The newest fiscal year in which the actor sees a project; None where there is none."""
    return session.scalar(select(func.max(Project.fiscal_year)).where(seen_projects(session, actor)))


def _likest(one: Alike) -> tuple[int, bool, str]:
    return (-one.percent, not one.is_beside, one.other.code)


def _like(own: Any, others: Sequence[Any]) -> Iterator[Alike]:
    """Of these rows those that are like it: few of very many, so that of no other anything is made."""
    spelled, name = [_spelled(other.name_th) for other in others], _spelled(own.name_th)
    for _, score, place in process.extract_iter(name, spelled, scorer=fuzz.ratio, score_cutoff=ALIKE_BESIDE):
        other = others[place]
        is_beside = _place(other) == _place(own)
        if is_beside or score >= ALIKE:
            yield Alike(_named(other), int(score), is_beside)


def _place(row: Any) -> tuple[str, str | None, str]:
    """The office, province and agency of a project, as such names are compared."""
    return (row.office_id, row.province_id, row.agency_key)


def _compared(session: Session, actor: Actor, *wanted: ColumnElement[bool]) -> Select[Any]:
    return select(*_COLUMNS).where(seen_projects(session, actor), *wanted)


_COLUMNS: tuple[Any, ...] = (
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
        code=row.code,
        name=row.name_th,
        agency=row.agency_th,
        province_id=row.province_id,
        fiscal_year=row.fiscal_year,
        state=row.state,
    )
