"""The channel of mail: a mail and the protocol of whatever sends it, with a fake that only remembers."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Protocol

from osm_flow.errors import OsmFlowError
from osm_flow.notify.channels import Addressee, Dispatch

MAIL = "mail"


class MailFailed(OsmFlowError):
    """The mail server did not take the mail: {reason}"""

    status = 502
    may_pass = True


class MailServerAway(MailFailed):
    """The mail server cannot be reached or does not serve: {reason}"""

    is_outage = True


@dataclass(frozen=True)
class Mail(Dispatch):
    """What one person gets by mail: the same key sent twice carries the same Message-ID."""

    def message_id(self, domain: str) -> str:
        """The name of the mail among all mails, made of its key."""
        return f"<{hashlib.sha256(self.key.encode()).hexdigest()[:40]}@{domain}>"


class Mailer(Protocol):
    """Whatever hands mail over to a server."""

    def send(self, mail: Mail, at: datetime) -> None:
        """Hand the mail over. Raises MailFailed when it was not accepted."""


@dataclass(frozen=True)
class MailChannel:
    """Mail to everybody who has an address; without a mailer it is given up quietly."""

    mailer: Mailer | None = None
    name: str = MAIL

    @property
    def closed(self) -> str:
        """That the settings name no server."""
        return "" if self.mailer else "no mail server is set"

    def address_of(self, addressee: Addressee) -> str | None:
        """The person's e-mail address."""
        return addressee.email or None

    def send(self, dispatch: Dispatch, at: datetime) -> None:
        """Raises MailFailed when the server does not take it."""
        if self.mailer is not None:
            self.mailer.send(Mail(**asdict(dispatch)), at)


@dataclass
class RecordingMailer:
    """Remembers what it was given; `refuse` makes it fail as a server would."""

    sent: list[Mail] = field(default_factory=list)
    refuse: str | None = None

    def send(self, mail: Mail, at: datetime) -> None:
        """Raises MailFailed when it is told to refuse."""
        if self.refuse is not None:
            raise MailFailed(reason=self.refuse)
        self.sent.append(mail)
