"""Sending mail through a real SMTP server, named by a URL."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from osm_flow.errors import Invalid
from osm_flow.notify.mail import Mail, MailChannel, MailFailed, MailServerAway

_LONGEST_LINE = 75
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_NOT_AVAILABLE = 421
Security = Literal["smtp", "smtp+starttls", "smtps"]


class MailAddressNotUnderstood(Invalid):
    """OSM_SMTP_URL must look like smtp://, smtp+starttls:// or smtps://user:password@host:port?from=osm@example.go.th"""


class TimeLimit:
    """The time that a whole conversation may take. The time-out of a socket is for one word of it alone.

    When it is over the connection is cut, whatever is being waited for.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._cut: socket.socket | None = None
        self._timer: threading.Timer | None = None

    @property
    def left(self) -> float:
        """The seconds that are left, never none at all."""
        return max(self._end - time.monotonic(), 0.001)

    @property
    def is_over(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._end

    def connect(self, host: str, port: int) -> socket.socket:
        """A connection that does not outlast the limit. Raises OSError."""
        failure: OSError = TimeoutError(f"{host} was not found in time")
        for address in self._addresses(host, port):
            try:
                connection = socket.create_connection(address[:2], self.left)
            except OSError as error:
                failure = error
                continue
            # Another handle of the same connection: encryption takes the first one away from whoever made it.
            self._cut = connection.dup()
            self._timer = threading.Timer(self.left, self._end_it)
            self._timer.daemon = True
            self._timer.start()
            return connection
        raise failure

    def __enter__(self) -> TimeLimit:
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._cut is not None:
            self._cut.close()

    def _addresses(self, host: str, port: int) -> list[tuple[Any, ...]]:
        """Asked for in a thread, for nothing ends a question to a name server that does not answer."""
        found: list[tuple[Any, ...]] = []
        failures: list[OSError] = []

        def ask() -> None:
            try:
                found.extend(info[4] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            except OSError as error:
                failures.append(error)

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(self.left)
        if failures:
            raise failures[0]
        return found

    def _end_it(self) -> None:
        if self._cut is not None:
            with contextlib.suppress(OSError):
                self._cut.shutdown(socket.SHUT_RDWR)


class _Smtp(smtplib.SMTP):
    """A conversation within a limit."""

    def __init__(self, host: str, port: int, limit: TimeLimit) -> None:
        self._limit = limit
        super().__init__(host, port, timeout=limit.left)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._limit.connect(host, port)


class _EncryptedSmtp(smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""

    def __init__(self, host: str, port: int, limit: TimeLimit, context: ssl.SSLContext) -> None:
        self._limit = limit
        super().__init__(host, port, timeout=limit.left, context=context)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self.context.wrap_socket(self._limit.connect(host, port), server_hostname=host)


class _Subject(str):
    """The subject as encoded words of RFC 2047 that keep every blank.

    Blanks between two encoded words belong to the folding and are not read; what the standard library folds loses some.
    """

    __slots__ = ()
    name = "Subject"

    def fold(self, *, policy: Policy) -> str:
        """The header as it is sent, each line with at most 75 characters."""
        charset = "us-ascii" if self.isascii() else "utf-8"
        folded = Header(str(self), charset, maxlinelen=_LONGEST_LINE, header_name=self.name)
        return f"{self.name}: {folded.encode(linesep=policy.linesep)}{policy.linesep}"


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
    timeout: float = 25.0
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
        """Send the mail, within `timeout` seconds for all of it. Raises MailFailed, or MailServerAway when no server is there."""
        limit = TimeLimit(self.timeout)
        try:
            message = self.compose(mail, at)
            with limit, self._connect(limit) as connection:
                if self.username is not None:
                    connection.login(self.username, self.password or "")
                connection.send_message(message, from_addr=self.sender, to_addrs=[mail.to])
        except (OSError, smtplib.SMTPException, ValueError) as error:
            late = f"not done within {self.timeout:g} seconds; " if limit.is_over else ""
            reason = f"{late}{type(error).__name__}: {error}"[:500]
            raise (MailServerAway if _is_away(error) else MailFailed)(reason=reason) from error

    def compose(self, mail: Mail, at: datetime) -> EmailMessage:
        """The mail as a message of the e-mail standard."""
        message = EmailMessage(policy=SMTP)
        message["From"] = Address(display_name="OSM Flow", addr_spec=self.sender)
        message["To"] = Address(addr_spec=mail.to)
        message["Subject"] = _Subject(" ".join(mail.subject.split()))
        message["Date"] = format_datetime(at)
        message["Message-ID"] = mail.message_id(self.sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        link = f"\n\n{self.base_url}{mail.path}" if mail.path and self.base_url else ""
        message.set_content(f"{mail.body}{link}\n")
        return message

    def _connect(self, limit: TimeLimit) -> smtplib.SMTP:
        if self.security == "smtps":
            return _EncryptedSmtp(self.host, self.port, limit, self._context())
        connection = _Smtp(self.host, self.port, limit)
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


def _is_away(error: Exception) -> bool:
    """Whether nobody took or refused the mail: there is no connection, no trust, or the server serves nobody now."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return any(code == _NOT_AVAILABLE for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPConnectError | smtplib.SMTPHeloError | smtplib.SMTPAuthenticationError):
        return True
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code == _NOT_AVAILABLE
    return isinstance(error, OSError | smtplib.SMTPServerDisconnected)
