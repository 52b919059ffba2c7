"""The port to the registers of the office: forms ask them by name, and the rooms that keep them answer.

The rooms of work items and cases lie below those of the registers and may not import them. They ask here; the
application connects each name with its register when it is put together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from osm_flow.domain.json import JSON
from osm_flow.store.models import Case

# What a register answers about a case whose variables are these.
Register = Callable[[Session, Case, JSON], Any]

# The one record that a form is about: asked with its code, and perhaps with the version that is meant.
RECORD = "record"

# Whatever `around` may name that a register answers.
NAMES = frozenset({"register", "funded", "projects", "concepts", "planned", "shortlisted", "earlier", RECORD})

_CONNECTED: dict[str, Register] = {}


class RegisterNotConnected(RuntimeError):
    """The application was not put together: nobody answers for a register."""


def connect(registers: Mapping[str, Register]) -> None:
    """Say who answers for these names; the same again changes nothing. Raises KeyError for a name that nobody asks."""
    unknown = sorted(set(registers) - NAMES)
    if unknown:
        raise KeyError(*unknown)
    _CONNECTED.update(registers)


def ask(name: str, session: Session, case: Case, variables: JSON) -> Any:
    """What the register of this name says about the case. Raises RegisterNotConnected."""
    register = _CONNECTED.get(name)
    if register is None:
        raise RegisterNotConnected(name)
    return register(session, case, variables)
