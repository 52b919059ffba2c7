"""Mail against a real SMTP server on this machine."""

import asyncio
import itertools
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import compat32, default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from osm_flow.notify.mail import Mail, MailFailed, MailServerAway, RecordingMailer
from osm_flow.notify.smtp import MailAddressNotUnderstood, SmtpMailer
from osm_flow.operations.background import leases

AT = datetime(2026, 11, 20, 2, 30, tzinfo=UTC)
MAIL = Mail(
    key="reminder:7:due:2026-11-20",
    to="somchai@example.go.th",
    subject="ครบกำหนดวันนี้: ตอบยืนยันแผนของจังหวัดอุดรธานี",
    body="เรียน คุณสมชาย\n\nงานนี้ครบกำหนดวันที่ 20 พ.ย. 2569\n.บรรทัดที่ขึ้นต้นด้วยจุด",
    path="/work-items/7",
)


class _Inbox:
    """What the server got."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.senders: list[str] = []
        self.refuse = False

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refuse:
            return "451 try again later"
        parsed = message_from_bytes(envelope.content, policy=default)
        assert isinstance(parsed, EmailMessage)
        self.messages.append(parsed)
        self.raw.append(envelope.content)
        self.senders.append(envelope.mail_from)
        return "250 OK"


class _Server(Controller):
    """On a free port, which the controller cannot probe by itself: it would try to connect to port 0."""

    def _trigger_server(self) -> None:
        socket.create_connection(("127.0.0.1", _port(self)), timeout=5).close()


@pytest.fixture
def inbox() -> _Inbox:
    return _Inbox()


@pytest.fixture
def server(inbox: _Inbox) -> Iterator[Controller]:
    controller = _Server(inbox, hostname="127.0.0.1", port=0)
    controller.start()
    yield controller
    controller.stop()


def _port(controller: Controller) -> int:
    assert isinstance(controller.server, asyncio.Server)
    port: int = controller.server.sockets[0].getsockname()[1]
    return port


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=127.0.0.1",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
    ]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def tls(certificate: tuple[Path, Path]) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What the server shows and what the client trusts."""
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(*certificate)
    return shown, ssl.create_default_context(cafile=str(certificate[0]))


def test_a_thai_mail_arrives_as_it_was_written(server: Controller, inbox: _Inbox) -> None:
    mailer = SmtpMailer.from_url(
        f"smtp://127.0.0.1:{_port(server)}?from=osm@example.go.th", base_url="https://osm.example/"
    )

    mailer.send(MAIL, AT)

    [message] = inbox.messages
    assert message["Subject"] == MAIL.subject
    assert message["To"] == "somchai@example.go.th"
    assert message["From"] == "OSM Flow <osm@example.go.th>"
    assert message["Date"].datetime == AT
    assert message["Auto-Submitted"] == "auto-generated"
    assert inbox.senders == ["osm@example.go.th"]
    body = message.get_content().replace("\r\n", "\n")
    assert body == f"{MAIL.body}\n\nhttps://osm.example/work-items/7\n"


def test_the_same_mail_sent_twice_can_be_recognised(server: Controller, inbox: _Inbox) -> None:
    mailer = SmtpMailer.from_url(f"smtp://127.0.0.1:{_port(server)}?from=osm@example.go.th")

    mailer.send(MAIL, AT)
    mailer.send(MAIL, AT)

    first, second = (message["Message-ID"] for message in inbox.messages)
    assert first == second
    assert first != Mail("another", MAIL.to, "x", "y").message_id("example.go.th")


def test_a_server_that_refuses_is_a_failure_with_its_reason(server: Controller, inbox: _Inbox) -> None:
    inbox.refuse = True
    mailer = SmtpMailer.from_url(f"smtp://127.0.0.1:{_port(server)}")

    with pytest.raises(MailFailed, match="try again later"):
        mailer.send(MAIL, AT)


def test_an_unreachable_server_is_a_failure(inbox: _Inbox) -> None:
    gone = _Server(inbox, hostname="127.0.0.1", port=0)
    gone.start()
    port = _port(gone)
    gone.stop()

    with pytest.raises(MailFailed):
        SmtpMailer.from_url(f"smtp://127.0.0.1:{port}").send(MAIL, AT)


def test_an_address_cannot_smuggle_in_another_recipient(server: Controller, inbox: _Inbox) -> None:
    mailer = SmtpMailer.from_url(f"smtp://127.0.0.1:{_port(server)}")

    with pytest.raises(MailFailed):
        mailer.send(Mail("k", "a@example.com\nBcc: b@example.com", "เรื่อง", "x"), AT)

    assert inbox.messages == []


def test_a_subject_of_two_lines_is_sent_as_one(server: Controller, inbox: _Inbox) -> None:
    SmtpMailer.from_url(f"smtp://127.0.0.1:{_port(server)}").send(Mail("k", "a@b.th", "หนึ่ง\nBcc: x@y.z", "x"), AT)

    assert inbox.messages[0]["Subject"] == "หนึ่ง Bcc: x@y.z"
    assert inbox.messages[0]["Bcc"] is None


def test_starttls_signs_in_with_name_and_password(inbox: _Inbox, tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    seen: list[tuple[str, str]] = []

    def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        seen.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password == b"p@ss word")

    shown, trusted = tls
    controller = _Server(
        inbox,
        hostname="127.0.0.1",
        port=0,
        tls_context=shown,
        require_starttls=True,
        auth_required=True,
        authenticator=authenticate,
    )
    controller.start()
    try:
        address = f"127.0.0.1:{_port(controller)}"
        SmtpMailer.from_url(f"smtp+starttls://osm%40example.go.th:p%40ss%20word@{address}", tls=trusted).send(MAIL, AT)
        with pytest.raises(MailFailed):
            SmtpMailer.from_url(f"smtp+starttls://osm%40example.go.th:wrong@{address}", tls=trusted).send(MAIL, AT)
    finally:
        controller.stop()

    assert seen[0] == ("osm@example.go.th", "p@ss word")
    assert [message["From"] for message in inbox.messages] == ["OSM Flow <osm@example.go.th>"]


def test_a_certificate_that_nobody_vouches_for_is_refused(
    inbox: _Inbox, tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    controller = _Server(inbox, hostname="127.0.0.1", port=0, tls_context=tls[0], require_starttls=True)
    controller.start()
    try:
        with pytest.raises(MailFailed, match=r"(?i)certificate"):
            SmtpMailer.from_url(f"smtp+starttls://127.0.0.1:{_port(controller)}").send(MAIL, AT)
    finally:
        controller.stop()

    assert inbox.messages == []


def test_smtps_is_encrypted_from_the_first_byte(inbox: _Inbox, tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    shown, trusted = tls
    controller = _Server(inbox, hostname="127.0.0.1", port=0, ssl_context=shown)
    controller.start()
    try:
        SmtpMailer.from_url(f"smtps://127.0.0.1:{_port(controller)}", tls=trusted).send(MAIL, AT)
    finally:
        controller.stop()

    assert inbox.messages[0]["Subject"] == MAIL.subject


@pytest.mark.parametrize("url", ["", "http://host", "smtp://", "smtp://host:notaport", "mail.example.go.th"])
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(MailAddressNotUnderstood):
        SmtpMailer.from_url(url)


def test_ports_and_sender_have_their_usual_values() -> None:
    mailer = SmtpMailer.from_url("smtps://osm%40example.go.th:secret@mail.example.go.th")

    assert (mailer.port, mailer.sender) == (465, "osm@example.go.th")
    assert SmtpMailer.from_url("smtp+starttls://mail.example.go.th").port == 587
    assert SmtpMailer.from_url("smtp://mail.example.go.th").sender == "osm-flow@mail.example.go.th"
    assert SmtpMailer.from_url("smtp://mail.example.go.th?from=a@b.th", sender="osm@x.th").sender == "osm@x.th"


def test_the_fake_remembers_and_can_refuse() -> None:
    fake = RecordingMailer()
    fake.send(MAIL, AT)
    fake.refuse = "451"

    with pytest.raises(MailFailed, match="451"):
        fake.send(MAIL, AT)
    assert fake.sent == [MAIL]


# ---- slow servers ----------------------------------------------------------------------------------------------


class _Dripping:
    """Says one byte now and then, for ever: each word comes in time, all of them never."""

    def __init__(self, said: bytes) -> None:
        self._said = said
        self._over = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        connection, _ = self._listening.accept()
        with connection, suppress(OSError):
            for byte in itertools.chain(self._said, itertools.repeat(ord("x"))):
                connection.sendall(bytes([byte]))
                if self._over.wait(0.1):
                    return

    def close(self) -> None:
        self._over.set()
        self._thread.join(5)
        self._listening.close()


@pytest.mark.parametrize(
    ("security", "said"),
    [
        ("smtp", b"220-"),
        ("smtp", b"220 ready\r\n250-"),
        ("smtp+starttls", b"220-"),
        ("smtps", b"\x16\x03\x03\x40\x00\x02"),  # the head of a long answer to the handshake
    ],
)
def test_a_server_that_drips_holds_a_mail_no_longer_than_all_of_it_may_take(security: str, said: bytes) -> None:
    with closing(_Dripping(said)) as slow:
        mailer = replace(SmtpMailer.from_url(f"{security}://127.0.0.1:{slow.port}"), timeout=1.0)
        began = time.monotonic()
        with pytest.raises(MailServerAway, match="not done within 1 seconds") as caught:
            mailer.send(MAIL, AT)

    assert caught.value.is_outage
    assert time.monotonic() - began < 4


def test_who_cannot_be_reached_is_away_and_who_refuses_this_mail_is_not(server: Controller, inbox: _Inbox) -> None:
    inbox.refuse = True
    with pytest.raises(MailFailed) as refused:
        SmtpMailer.from_url(f"smtp://127.0.0.1:{_port(server)}").send(MAIL, AT)
    with closing(socket.create_server(("127.0.0.1", 0))) as nobody:
        port = nobody.getsockname()[1]
    with pytest.raises(MailServerAway) as away:
        SmtpMailer.from_url(f"smtp://127.0.0.1:{port}").send(MAIL, AT)

    assert (refused.value.is_outage, away.value.is_outage) == (False, True)
    with pytest.raises(MailServerAway):
        SmtpMailer.from_url("smtp://nowhere.invalid").send(MAIL, AT)


def test_all_of_a_mail_is_done_within_a_lease() -> None:
    assert SmtpMailer.from_url("smtp://127.0.0.1").timeout + 10 < leases.LEASE.total_seconds()


@pytest.mark.parametrize(
    "subject",
    [
        "งาน ร่างแผน ครบกำหนด 20 พ.ย. 2569 และ ตรวจ ร่าง แผน พัฒนา กลุ่ม จังหวัด ภาค ตะวันออกเฉียงเหนือ ตอนบน 1",
        "OSM: งาน abc def งาน ABC ก ข ค " * 5,
        "ก " * 120,
        "a plain one that is longer than one line of a header may be, with blanks " * 3,
    ],
)
def test_a_long_subject_keeps_every_blank(server: Controller, inbox: _Inbox, subject: str) -> None:
    """As two readers of the standard see it: the older one of the standard library, and the newer one."""
    wanted = " ".join(subject.split())
    SmtpMailer.from_url(f"smtp://127.0.0.1:{_port(server)}").send(replace(MAIL, subject=subject), AT)

    raw = inbox.raw[0]
    older = message_from_bytes(raw, policy=compat32)["Subject"]
    assert "".join(str(make_header(decode_header(older))).splitlines()) == wanted
    assert str(message_from_bytes(raw, policy=default)["Subject"]) == wanted
    head = raw.partition(b"\r\n\r\n")[0]
    assert max(map(len, head.splitlines())) <= 78
