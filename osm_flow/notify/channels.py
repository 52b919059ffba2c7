"""What a channel is: a way to tell somebody something outside the site. Mail is the first one.

A further channel is a module here and an entry where the application is put together (`app.channels_of`): reminders ask
every channel whom it reaches, what it shall send waits in the outbox under its name, and one sweep sends for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Addressee:
    """A person as far as channels need to know them."""

    username: str
    name: str
    email: str | None = None


@dataclass(frozen=True)
class Dispatch:
    """What one person is sent. `key` names it for ever: what is queued twice under one key is sent once.

    `to` is where the channel reaches them, `path` where it leads to on the site; the sender knows the site's address.
    """

    key: str
    to: str
    subject: str
    body: str
    path: str = ""


class Channel(Protocol):
    """A way to reach people outside the site."""

    @property
    def name(self) -> str:
        """The kind of its entries in the outbox, at most 32 signs; it stays, for entries of it may be waiting."""

    @property
    def closed(self) -> str:
        """Why nothing can be sent by it in this installation; empty when it can."""

    def address_of(self, addressee: Addressee) -> str | None:
        """Where it reaches the person; None when it does not."""

    def send(self, dispatch: Dispatch, at: datetime) -> None:
        """Hand it over, perhaps a second time. Raises an error of its own with `may_pass` when it was not accepted."""
