"""A second channel: it reaches whom it knows, remembers what it carried, and may be told to fail in its own way."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from osm_flow.errors import OsmFlowError
from osm_flow.notify.channels import Addressee, Dispatch


class PigeonLost(OsmFlowError):
    """The pigeon did not arrive: {reason}"""

    may_pass = True


@dataclass
class Pigeons:
    """A channel that is no mail."""

    known: Collection[str] = ()
    lost: str = ""
    closed: str = ""
    name: str = "pigeon"
    carried: list[Dispatch] = field(default_factory=list)

    def address_of(self, addressee: Addressee) -> str | None:
        return f"the loft of {addressee.username}" if addressee.username in self.known else None

    def send(self, dispatch: Dispatch, at: datetime) -> None:
        if self.lost:
            raise PigeonLost(reason=self.lost)
        self.carried.append(dispatch)
