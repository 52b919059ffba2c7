"""A mail and the protocol of whatever sends it, with a fake that only remembers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from osm_flow.errors import OsmFlowError


class MailFailed(OsmFlowError):
    """The mail server did not take the mail: {reason}"""

    status = 502
    may_pass = True


@dataclass(frozen=True)
class Mail:
    """What one person gets. `key` names it for ever: the same key sent twice carries the same Message-ID.

    `path` is where the mail leads to on the site; the sender knows the site's address.
    """

    key: str
    to: str
    subject: str
    body: str
    path: str = ""

    def message_id(self, domain: str) -> str:
        return f"<{hashlib.sha256(self.key.encode()).hexdigest()[:40]}@{domain}>"


class Mailer(Protocol):
    def send(self, mail: Mail, at: datetime) -> None:
        """Hand the mail over. Raises MailFailed when it was not accepted."""


@dataclass
class RecordingMailer:
    """Remembers what it was given; `refuse` makes it fail as a server would."""

    sent: list[Mail] = field(default_factory=list)
    refuse: str | None = None

    def send(self, mail: Mail, at: datetime) -> None:
        if self.refuse is not None:
            raise MailFailed(reason=self.refuse)
        self.sent.append(mail)
