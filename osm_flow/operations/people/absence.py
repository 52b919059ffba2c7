"""Who is away in an office on a day, and who stands in for them: asked by reminders, notices and candidates alike.

Nobody enters absences yet, so they follow from what there is: a person is away while somebody is acting for them
(รักษาราชการแทน) in the office, and once their account is locked. Whoever acts for them stands in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, or_, select, true
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import NEVER_STANDS_IN, Actor
from osm_flow.domain.people import PositionKind
from osm_flow.domain.thai_order import thai_order
from osm_flow.operations.people.hats import valid_on
from osm_flow.store.models import Candidate, Person, Position, WorkItem

May = Callable[[Person], bool]


@dataclass(frozen=True)
class Absences:
    """An office on a day: `stand_ins` are the people there who act for somebody, by the id of whom they act for."""

    stand_ins: Mapping[int, Sequence[Person]]

    def is_away(self, person: Person) -> bool:
        """Whether somebody else is to be turned to."""
        return person.locked_at is not None or person.id in self.stand_ins

    def instead_of(self, people: Iterable[Person], may: May) -> list[Person]:
        """Whom to turn to: for everybody who is away whoever stands in for them and `may`, for the others themselves.

        Nobody is passed over for being away: without such a stand-in they are meant in person, unless their account is
        locked. A stand-in who is away too has stand-ins of their own.
        """
        meant: dict[int, Person] = {}
        for person in people:
            in_person = [] if person.locked_at else [person]
            meant |= {other.id: other for other in self._behind(person, may, frozenset({person.id})) or in_person}
        return list(meant.values())

    def among(self, people: Sequence[Person], may: May = lambda person: True) -> list[Person]:
        """`instead_of` for all who hold one post: whoever acts in it is one of them already, and nobody else counts."""
        holders = {person.id for person in people}
        return self.instead_of(people, lambda other: other.id in holders and may(other))

    def _behind(self, person: Person, may: May, passed: frozenset[int]) -> list[Person]:
        """Who stands in for the person; `passed` are those on the way there, should two people act for each other."""
        behind: list[Person] = []
        for other in self.stand_ins.get(person.id, ()):
            if other.id not in passed:
                behind += self._behind(other, may, passed | {other.id}) or ([other] if may(other) else [])
        return behind


def absences_in(session: Session, office_id: str, today: date) -> Absences:
    """Who is away in the office today, in one statement."""
    query = (
        select(Position.for_person_id, Person)
        .join(Person, Person.id == Position.person_id)
        .where(
            Position.kind == PositionKind.acting,
            Position.role.not_in(NEVER_STANDS_IN),
            Position.for_person_id.is_not(None),
            or_(Position.office_id == office_id, Position.office_id.is_(None)),
            Person.locked_at.is_(None),
            *valid_on(today),
        )
        .order_by(Person.id)
    )
    stand_ins: dict[int, list[Person]] = defaultdict(list)
    for away_id, person in sorted(session.execute(query), key=lambda row: thai_order(row[1].display_name)):
        if away_id is not None:
            stand_ins[away_id].append(person)
    return Absences(stand_ins)


# ---- candidates who are named in person ------------------------------------------------------------------------------


def named_candidate(actor: Actor) -> ColumnElement[bool]:
    """Whether a candidate of a work item is the actor in person, or somebody for whom they stand in in its office.

    The same rule as `Actor.hat_for`, as a condition on Candidate and WorkItem.
    """
    named = [Candidate.person_id == actor.person_id]
    for hat in actor.standing_in:
        here = WorkItem.office_id == hat.office_id if hat.office_id else true()
        named.append(and_(Candidate.person_id == hat.for_id, here))
    return or_(*named)
