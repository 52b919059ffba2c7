"""How far a bundle is proven, in the words that `verify.py` uses too, and the exit code that goes with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum


class Outcome(IntEnum):
    """The exit codes of a check; 2 is left to wrong use."""

    holds = 0
    faulty = 1
    unproven = 3


@dataclass(frozen=True)
class Reach:
    """How far a chain is proven: up to which of its records, which was at this time."""

    where: str
    proven: int
    records: int
    at: str

    def __str__(self) -> str:
        return f"up to record {self.proven} of {self.records} ({self.at})"


@dataclass(frozen=True)
class Verdict:
    """What a check found, as far as it goes.

    faults       how many there are.
    is_first     whether the bundle is of format 1, which keeps its words.
    is_signed    whether somebody signed a checkpoint for it.
    is_trusted   whether keys were given that say who.
    is_sealed    whether one of them signed its manifest.
    is_compared  whether it was compared with the checkpoint of a witness; None: there was none to compare with.
    reaches      how far each of its chains is proven, the exported one first.
    """

    faults: int
    is_first: bool = False
    is_signed: bool = False
    is_trusted: bool = False
    is_sealed: bool = False
    is_compared: bool | None = None
    reaches: list[Reach] = field(default_factory=list)

    @property
    def outcome(self) -> Outcome:
        """The exit code."""
        if self.faults:
            return Outcome.faulty
        return Outcome.holds if self.is_trusted and self.is_compared is not False else Outcome.unproven

    def __str__(self) -> str:
        if self.faults:
            return f"{self.faults} faults" if self.is_first else "does not hold"
        if not self.is_trusted:
            why = "no trusted key says who signed it" if self.is_signed else "nobody signed it"
            return f"nothing wrong was found, but it is NOT PROVEN: {why}"
        held = "everything holds" if self.is_first else self._reached()
        compared = "" if self.is_compared else "NOT "
        return held if self.is_compared is None else f"{held}; {compared}compared with the given checkpoint"

    def _reached(self) -> str:
        first, *others = self.reaches
        said = f"holds {first}"
        if others:
            proven, records = sum(one.proven for one in others), sum(one.records for one in others)
            said += f"; {len(others)} more chains: {proven} of {records} records"
        if self.is_sealed:
            return said
        return f"{said}; NOT PROVEN: where the chains end, and what the files for reading say"
