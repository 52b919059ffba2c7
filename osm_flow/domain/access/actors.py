"""Who acts: a person with the hats they wear today, or the system itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from osm_flow.domain.access.roles import OVERSIGHT, WORKERS
from osm_flow.domain.people import PositionKind

# Roles whose acting holder does nobody's work: an auditor looks on.
NEVER_STANDS_IN = frozenset({"auditor"})
# In their order one's own post comes first: nobody signs on behalf of another for what they may sign themselves.
_PRECEDENCE: Mapping[str, int] = {kind: place for place, kind in enumerate(PositionKind)}


@dataclass(frozen=True)
class Hat:
    """A role worn in an office (None: in every office), perhaps for one province, perhaps on behalf of somebody.

    kind  a PositionKind; whoever is acting or delegated is so for `for_username`.
    """

    role: str
    office_id: str | None = None
    province_id: str | None = None
    kind: str = PositionKind.substantive
    for_username: str | None = None
    for_name: str | None = None
    title: str = ""
    # Says the same as `for_username`, for those who know people by their rows.
    for_id: int | None = field(default=None, compare=False)
    # The row of the position that gives it.
    position_id: int | None = field(default=None, compare=False)

    def covers(self, office_id: str | None) -> bool:
        """Whether the hat counts in this office; None stands for the system, where no hat of an office counts."""
        return self.office_id in (None, office_id)

    def answers(self, candidate: str) -> bool:
        """Whether a work item with this candidate, spelled `role` or `role@province`, may be claimed under this hat."""
        role, _, province_id = candidate.partition("@")
        return self.role == role and (not province_id or self.province_id == province_id)


@dataclass(frozen=True)
class Actor:
    """A person (or the system) as far as rules need to know them; `every_office` is filled for those who see all.

    other_names  the user names of the person's other accounts: who acts in two accounts is one person all the same.
    looked_into  the sensitive cases for which an auditor has said why they open them, and not too long ago.
    """

    person_id: int | None
    username: str
    name: str
    hats: tuple[Hat, ...] = ()
    locale: str = "th"
    every_office: tuple[str, ...] = ()
    other_names: frozenset[str] = frozenset()
    looked_into: frozenset[str] = frozenset()

    @property
    def usernames(self) -> frozenset[str]:
        """The user names of all accounts of the person, whom rules compare by these; the system has none."""
        return frozenset() if self.is_system else self.other_names | {self.username}

    @property
    def is_system(self) -> bool:
        """Whether the product itself acts, and no person."""
        return self.person_id is None

    @property
    def office_ids(self) -> tuple[str, ...]:
        """The offices whose cases and work items the actor may know of at all."""
        if any(hat.office_id is None for hat in self.hats):
            return self.every_office
        return tuple(sorted({hat.office_id for hat in self.hats if hat.office_id}))

    @property
    def province_ids(self) -> tuple[str, ...]:
        """The provinces that the hats of the actor name."""
        return tuple(sorted({hat.province_id for hat in self.hats if hat.province_id}))

    def has(self, role: str, office_id: str | None = None, province_id: str | None = None) -> bool:
        """Whether the actor has a hat of this role in the office and for the province, where these are named."""
        return any(
            hat.role == role
            and (office_id is None or hat.covers(office_id))
            and (province_id is None or hat.province_id == province_id)
            for hat in self.hats
        )

    def wearing(self, roles: Collection[str], office_id: str | None = None) -> Hat | None:
        """The hat of one of these roles in the office (None: in the system): one's own post before an acting or delegated one."""
        return _best(hat for hat in self.hats if hat.role in roles and hat.covers(office_id))

    def role_in(self, office_id: str | None, *preferred: str) -> str | None:
        """The role to record for an act in the office: a preferred one first, else the actor's first one there."""
        here = [hat for hat in self.hats if office_id is None or hat.covers(office_id)]
        best = next((hat for hat in here if hat.role in preferred), None) or next(iter(here), None)
        return best.role if best else None

    def first_hat(self, office_id: str | None) -> Hat | None:
        """A post of one's own in the office (None: in any): what is done as oneself names nobody else's."""
        own = (hat for hat in self.hats if hat.kind == PositionKind.substantive)
        return next((hat for hat in own if office_id is None or hat.covers(office_id)), None)

    @property
    def standing_in(self) -> tuple[Hat, ...]:
        """The hats in which the actor stands in for somebody who is away."""
        return tuple(hat for hat in self.hats if hat.kind == PositionKind.acting and hat.role not in NEVER_STANDS_IN)

    @property
    def names_answered(self) -> Mapping[int | None, str]:
        """User names for which the actor answers as a candidate, by the person's id: their own, and whom they stand in for."""
        away = {hat.for_id: hat.for_username for hat in self.standing_in if hat.for_username}
        return {**away, self.person_id: self.username}

    def hat_for(self, candidates: Iterable[str], office_id: str) -> Hat | None:
        """The hat under which this actor is one of the candidates in the office, None if they are not.

        Whoever is named in person is a candidate in their own post, and so is who stands in for them.
        """
        wanted = tuple(candidates)
        here = [hat for hat in self.hats if hat.covers(office_id)]
        by_role = _best(hat for hat in here if any(hat.answers(candidate) for candidate in wanted))
        if by_role is not None:
            return by_role
        named = f"user:{self.username}" in wanted
        own = self.wearing(WORKERS, office_id) or self.wearing(OVERSIGHT - NEVER_STANDS_IN, office_id)
        if named and own:
            return own
        return _best(hat for hat in self.standing_in if hat in here and f"user:{hat.for_username}" in wanted)


SYSTEM = Actor(None, "system", "ระบบ")


def _best(hats: Iterable[Hat]) -> Hat | None:
    return min(hats, key=lambda hat: _PRECEDENCE[hat.kind], default=None)
