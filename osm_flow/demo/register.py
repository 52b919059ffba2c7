"""The projects of the demo cluster in its register: what was asked for, and what each level decided of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from osm_flow.demo.briefs import NEIGHBOUR, brief
from osm_flow.demo.cast import OFFICE
from osm_flow.demo.portfolio import CLOSING, CONCEPTS, CURRENT, PlannedProject
from osm_flow.demo.times import Days, Times
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.books.acts import BookAct, BookActKind
from osm_flow.domain.json import JSON
from osm_flow.domain.states import ProjectState
from osm_flow.operations.projects.acts import register, revise
from osm_flow.operations.projects.record_type import BRIEF, book_of

# Who decided on the projects of a fiscal year, on which day, and by which letter; by the year as the story has it.
_Level = tuple[str, str, str]
_CLOSING_LEVELS: tuple[_Level, ...] = (
    ("อ.ก.น.บ. ภาค", "2567-12-17", "ที่ นร 1117/1764"),
    ("ก.น.บ.", "2568-01-21", "ที่ นร 1117/0388"),
    ("สำนักงบประมาณ", "2568-04-01", "ที่ นร 0702/1096"),
)
_CURRENT_LEVELS: tuple[_Level, ...] = (
    ("อ.ก.น.บ. ภาค", "2568-12-16", "ที่ นร 1117/1893"),
    ("ก.น.บ.", "2569-01-20", "ที่ นร 1117/0412"),
    ("สำนักงบประมาณ", "2569-03-31", "ที่ นร 0702/1127"),
)
# The days on which the office entered what each level had decided.
_HEARD = ("2568-12-23", "2569-01-27", "2569-04-03")


def code_of(fiscal_year: int, number: int) -> str:
    """The code of a project in the register."""
    return f"PRJ-{fiscal_year}-{number:04}"


def enter(session: Session, times: Times) -> None:
    """Enter the projects of three years, as the register knew them before its cases began.

    Those of the year being closed came with all that had been decided; those of the year being carried out were asked
    for first, and what each level decided of them is an entry of its own.
    """
    law, closing, current = times.law, times.year - 1, times.year
    decided = [_judged(law, entry, _CLOSING_LEVELS) | {"state": "working"} for entry in CLOSING]
    _write(session, closing, law.at("2568-10-06"), _with_briefs(closing, CLOSING, decided))
    asked: list[JSON] = [{"state": str(ProjectState.concept)} for _ in CURRENT]
    _write(session, current, law.at("2568-10-20"), _with_briefs(current, CURRENT, asked))
    for levels, day in enumerate(_HEARD, 1):
        results = [_judged(law, entry, _CURRENT_LEVELS[:levels]) for entry in CURRENT]
        _write(session, current, law.at(day), results)
    concepts: list[JSON] = [{"state": str(ProjectState.concept)} for _ in CONCEPTS]
    _write(session, times.year + 1, times.at("2569-10-05"), _with_briefs(times.year + 1, CONCEPTS, concepts))


def _write(session: Session, fiscal_year: int, now: datetime, projects: Sequence[JSON]) -> None:
    """Enter these projects of a year, or what changes of them, as a list that came into the office."""
    act = BookAct(BookActKind.imported, {"import": "demo"}, told={"rows": len(projects)})
    values = {code_of(fiscal_year, number): said for number, said in enumerate(projects, 1)}
    name = book_of(OFFICE, fiscal_year)
    write = register if "name" in projects[0] else revise
    write(session, name, act, SYSTEM, now, values)


def _with_briefs(fiscal_year: int, entries: Sequence[PlannedProject], more: Sequence[JSON]) -> list[JSON]:
    return [
        {
            **_kept(brief(entry, NEIGHBOUR[entry.province], fiscal_year)),
            "name": entry.full_name,
            "agency": entry.agency,
            "province": entry.province,
            "budget_type": entry.kind,
            "requested": _baht(entry.requested),
            **said,
        }
        for entry, said in zip(entries, more, strict=True)
    ]


def _kept(values: JSON) -> JSON:
    return {name: value for name, value in values.items() if name in BRIEF}


def _judged(law: Days, entry: PlannedProject, levels: Sequence[_Level]) -> JSON:
    """What these levels made of a project, the last of them with the newest word."""
    is_last = len(levels) == len(_CURRENT_LEVELS)
    rows = [
        {
            "level": level,
            "result": entry.result,
            "amount_requested": _baht(entry.requested),
            # The first level supports what was asked for; money is cut above it.
            "amount_supported": _baht((entry.approved if place or not entry.approved else entry.requested) or 0),
            "decided_on": law.iso(day),
            "doc_ref": letter,
        }
        for place, (level, day, letter) in enumerate(levels)
    ]
    # Only what the highest level of the plan supports for this year goes into the budget request.
    state = ProjectState.requested if is_last and entry.result == "Y1" else ProjectState((entry.result or "").lower())
    return {"results": rows, "result": entry.result, "approved": rows[-1]["amount_supported"], "state": str(state)}


def _baht(millions: float) -> float:
    return float((Decimal(str(millions)) * 1_000_000).quantize(Decimal("0.01")))
