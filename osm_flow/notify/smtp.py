"""Sending mail through a real SMTP server, named by a URL."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from osm_flow.errors import Invalid
from osm_flow.notify.mail import Mail, MailChannel, MailFailed

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
Security = Literal["smtp", "smtp+starttls", "smtps"]


class MailAddressNotUnderstood(Invalid):
    """OSM_SMTP_URL must look like smtp://, smtp+starttls:// or smtps://user:password@host:port?from=osm@example.go.th"""


@dataclass(frozen=True)
class SmtpMailer:
    """One connection for each mail: an office sends dozens a day, and a kept connection would go stale."""

    host: str
    port: int
    security: Security
    sender: str
    username: str | None = None
    password: str | None = None
    base_url: str = ""
    timeout: float = 20.0
    tls: ssl.SSLContext | None = None

    @classmethod
    def from_url(
        cls, url: str, *, sender: str = "", base_url: str = "", tls: ssl.SSLContext | None = None
    ) -> SmtpMailer:
        """Read `smtp+starttls://user:password@host:587?from=address`. Raises MailAddressNotUnderstood.

        Without a sender and without `from`, the user name is the sender when it is an address, else `osm-flow@host`.
        """
        parts = urlsplit(url)
        security = _security(parts.scheme)
        try:
            port = parts.port or _PORTS[security]
        except ValueError as error:
            raise MailAddressNotUnderstood from error
        if not parts.hostname:
            raise MailAddressNotUnderstood
        username = unquote(parts.username) if parts.username else None
        password = unquote(parts.password) if parts.password else None
        known = username if username and "@" in username else f"osm-flow@{parts.hostname}"
        sender = sender or parse_qs(parts.query).get("from", [known])[0]
        return cls(parts.hostname, port, security, sender, username, password, base_url.rstrip("/"), tls=tls)

    def send(self, mail: Mail, at: datetime) -> None:
        """Send the mail. Raises MailFailed when the server cannot be reached or does not take it."""
        try:
            message = self.compose(mail, at)
            with self._connect() as connection:
                if self.username is not None:
                    connection.login(self.username, self.password or "")
                connection.send_message(message, from_addr=self.sender, to_addrs=[mail.to])
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise MailFailed(reason=f"{type(error).__name__}: {error}"[:500]) from error

    def compose(self, mail: Mail, at: datetime) -> EmailMessage:
        """The mail as a message of the e-mail standard."""
        message = EmailMessage(policy=SMTP)
        message["From"] = Address(display_name="OSM Flow", addr_spec=self.sender)
        message["To"] = Address(addr_spec=mail.to)
        message["Subject"] = " ".join(mail.subject.split())
        message["Date"] = format_datetime(at)
        message["Message-ID"] = mail.message_id(self.sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        link = f"\n\n{self.base_url}{mail.path}" if mail.path and self.base_url else ""
        message.set_content(f"{mail.body}{link}\n")
        return message

    def _connect(self) -> smtplib.SMTP:
        if self.security == "smtps":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout, context=self._context())
        connection = smtplib.SMTP(self.host, self.port, timeout=self.timeout)
        if self.security == "smtp+starttls":
            try:
                connection.starttls(context=self._context())
            except BaseException:
                connection.close()
                raise
        return connection

    def _context(self) -> ssl.SSLContext:
        return self.tls or ssl.create_default_context()


def mail_channel(url: str, *, sender: str, base_url: str) -> MailChannel:
    """The channel of mail through the server that the URL names; none for an empty one. Raises MailAddressNotUnderstood."""
    return MailChannel(SmtpMailer.from_url(url, sender=sender, base_url=base_url) if url else None)


def _security(scheme: str) -> Security:
    match scheme:
        case "smtp" | "smtp+starttls" | "smtps":
            return scheme
        case _:
            raise MailAddressNotUnderstood
