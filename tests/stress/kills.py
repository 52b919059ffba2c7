"""The real server killed at random moments while people work, and what must be true afterwards.

Nothing that was answered is lost, nothing that has one key is done twice, nothing hangs, and the whole history verifies.
`python -m tests.stress.kills --kills 100` runs it on both databases; `--sabotage` shows that it finds faults put in on purpose.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import secrets
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from osm_flow.app import connect_rooms
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.people import NewPerson, NewPosition
from osm_flow.operations.audit.log import append_new
from osm_flow.operations.audit.log_checks import check_log
from osm_flow.operations.people import accounts, positions
from osm_flow.operations.replay.verify import verify_all_deep
from osm_flow.operations.sweeps import sweep_all
from osm_flow.store.models import (
    Case,
    Comment,
    Incident,
    JournalRecord,
    OutboxEntry,
    OutgoingLetter,
    ServiceJob,
    Timer,
)
from osm_flow.store.session import Busy, Overtaken, Store
from osm_flow.store.upgrade import upgrade
from tests.factories import OFFICE, deploy_tests, make_case, make_office
from tests.stress.servers import Browser, Server, a_database, now

# From the line of the crash to the next line of the log, which begins with its date or is an object that does.
_CRASH = re.compile(r"^.*request failed, reference .*\n(?:(?!\d{4}-\d{2}-\d{2}[ T]|\{\"time\").*\n?)*", re.MULTILINE)
PASSWORD = "a long enough one"
WORKERS = 3
# A lease, a tick, and what a busy machine needs besides.
_MINUTES_FOR_BACKGROUND_WORK = 2
_LONG_AGO = timedelta(days=400)
# Faults put in on purpose: each is run in the server before it starts, and has to be found.
PLANTED = {
    "a commit that is skipped now and then": """
import random
from osm_flow.store import session as module
commit = module._commit
module._commit = lambda session: session.rollback() if random.random() < 0.2 else commit(session)
""",
    "a key that is forgotten": """
from osm_flow.operations import idempotency as module
module.insert_once = lambda *arguments, **named: True
module.keep_answer = lambda *arguments, **named: None
""",
    "a delivery that is ticked off undone": """
from osm_flow.operations.background import delivery as module
module.HANDLERS["child_start"] = lambda *arguments: ()
""",
}


@dataclass
class Act:
    """Something that somebody sent with one key, until the site said that it was done."""

    key: str
    kind: str
    words: str
    is_answered: bool = False


@dataclass
class Report:
    """What a run did, and what was wrong after it."""

    database: str
    kills: int = 0
    acts: int = 0
    answered: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    bad_answers: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)
    """What the server wrote of its crashes, when there was an answer that should not be."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing at all was wrong."""
        return not (self.lost or self.doubled or self.stuck or self.bad_answers or self.faults)


@dataclass
class Run:
    """One run on one database."""

    store: Store
    server: Server
    report: Report
    rng: random.Random
    acts: list[Act] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)
    case_id: str = ""


def run(kind: str, *, kills: int, seed: int = 1, planted: str = "") -> Report:
    """Kill the server so many times on a database of this kind; what was wrong afterwards."""
    return trial(kind, [kill] * kills, seed=seed, planted=planted)


def trial(
    kind: str,
    accidents: Sequence[Callable[[Run], None]],
    *,
    seed: int = 1,
    planted: str = "",
    environment: dict[str, str] | None = None,
) -> Report:
    """Have these accidents happen one after another while people work; what was wrong afterwards."""
    report = Report(kind)
    with tempfile.TemporaryDirectory(prefix="osm-kills-") as name, a_database(kind, Path(name)) as url:
        store = Store(url)
        try:
            server = Server(url, Path(name), before=planted, environment=environment or {})
            this = Run(store, server, report, random.Random(seed))  # noqa: S311 (nothing secret)
            this.case_id = _prepare(store)
            _work_through(this, accidents)
            _settle(this)
            _judge(this)
            if report.bad_answers:
                report.tracebacks += crashes_in(server.log.read_text(encoding="utf-8", errors="replace"))
        finally:
            store.close()
    return report


def _prepare(store: Store) -> str:
    upgrade(store)
    today = now().date()
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review", "caller", "callee", "lettered", "three_timers", now=now())
        for number in range(WORKERS):
            name = f"worker{number}"
            accounts.create_person(session, SYSTEM, now(), NewPerson(name, name, password=PASSWORD))
            position = NewPosition("osm_strategy", OFFICE, valid_from=today)
            positions.give_position(session, name, SYSTEM, now(), position)
        return make_case(session, "review", now=now()).id


# ---- working and killing ---------------------------------------------------------------------------------------


def kill(this: Run) -> None:
    """The power goes, and comes back."""
    this.server.kill()
    this.server.start()


def _work_through(this: Run, accidents: Sequence[Callable[[Run], None]]) -> None:
    this.server.start()
    workers = [threading.Thread(target=_work, args=(this, number), daemon=True) for number in range(WORKERS)]
    for worker in workers:
        worker.start()
    for accident in accidents:
        _set_in_motion(this.store)
        _wait_for_work(this)
        time.sleep(this.rng.uniform(0.0, 1.5))
        accident(this)
        this.report.kills += accident is kill
    _wait_for_work(this)
    _wait_for_background_work(this)
    this.over.set()
    for worker in workers:
        worker.join(180)
        if worker.is_alive():
            this.report.stuck.append("somebody never got an answer")
    this.server.stop()


def _wait_for_work(this: Run) -> None:
    """Until the server that was just started has answered something."""
    before, deadline = sum(act.is_answered for act in this.acts), time.monotonic() + 30
    while time.monotonic() < deadline and sum(act.is_answered for act in list(this.acts)) <= before:
        time.sleep(0.02)


def _wait_for_background_work(this: Run) -> None:
    """Until the server has done by itself what was due, the rows of those killed among them."""
    deadline = time.monotonic() + _MINUTES_FOR_BACKGROUND_WORK * 60
    due = select(ServiceJob.task_id).union_all(select(Timer.task_id).where(Timer.due_at <= now()))
    while time.monotonic() < deadline:
        with this.store.reading() as session:
            if session.execute(due.limit(1)).first() is None:
                return
        time.sleep(0.5)
    this.report.stuck.append("background work did not come back by itself")


def _set_in_motion(store: Store) -> None:
    """Services and timers that are due, for the scheduler beside the site."""
    for _ in range(20):
        try:
            with store.transaction() as session:
                for _ in range(3):
                    make_case(session, "lettered", now=now(), data={"recipient": "สศช."})
                make_case(session, "three_timers", now=now() - _LONG_AGO)
        except (Busy, Overtaken):
            continue
        return


def _work(this: Run, number: int) -> None:
    """Send act after act, each again and again under its key until it is answered, and some once more after that."""
    rng = random.Random(this.rng.random() + number)  # noqa: S311
    with closing(Browser(this.server.port)) as browser:
        is_signed_in, deadline = False, float("inf")
        while (act := _next(this, rng)) is not None and time.monotonic() < deadline:
            if this.over.is_set():
                deadline = min(deadline, time.monotonic() + 120)
            try:
                if not is_signed_in:
                    browser.sign_in(f"worker{number}", PASSWORD)
                    is_signed_in = True
                if _send(this, browser, act) and rng.random() < 0.3:
                    _send(this, browser, act)
            except (OSError, http.client.HTTPException, AssertionError):
                browser.close()  # the server is away; it is started again
                time.sleep(0.05)


def _next(this: Run, rng: random.Random) -> Act | None:
    """The oldest act that nobody had an answer to, or a new one; None when it is over, for nobody leaves without one."""
    me = threading.current_thread().name
    with this.lock:
        for act in this.acts:
            if not act.is_answered and act.words.startswith(f"{me} "):
                return act
        if this.over.is_set():
            return None
        kind = rng.choice(("comment", "comment", "start", "call"))
        act = Act(secrets.token_hex(16), kind, f"{me} {kind} {secrets.token_hex(8)}")
        this.acts.append(act)
        return act


def _send(this: Run, browser: Browser, act: Act) -> bool:
    if act.kind == "comment":
        status = browser.send(f"/cases/{this.case_id}/comments", key=act.key, body=act.words)
    else:
        process = "review" if act.kind == "start" else "caller"
        values = {"case_title": act.words, "case_fiscal_year": "2571"}
        status = browser.send(f"/cases/start/{process}", key=act.key, **values)
    if status in (302, 303):
        act.is_answered = True
    elif status != 503:
        with this.lock:
            this.report.bad_answers[str(status)] = this.report.bad_answers.get(str(status), 0) + 1
    return status in (302, 303)


# ---- afterwards ------------------------------------------------------------------------------------------------


def _settle(this: Run) -> None:
    """What the killed ones left behind is worked off: by the clock all leases are over, and every put-off is, too."""
    for hours in (1, 2, 8):
        report = sweep_all(this.store, now() + timedelta(hours=hours), "afterwards")
    this.report.stuck += [f"{name}: {reason}" for name, reason in report.broken.items()]
    with this.store.transaction() as session:
        append_new(session)


def _judge(this: Run) -> None:
    report, acts = this.report, this.acts
    report.acts, report.answered = len(acts), sum(act.is_answered for act in acts)
    with this.store.reading() as session:
        done = Counter(session.scalars(select(Comment.body))) + Counter(
            session.scalars(select(Case.title).where(Case.parent_case_id.is_(None)))
        )
        report.lost += [f"{act.kind} {act.words}" for act in acts if act.is_answered and not done[act.words]]
        report.doubled += [f"{act.kind} {act.words}: {done[act.words]} times" for act in acts if done[act.words] > 1]
        report.doubled += _more_than_once(session.scalars(select(OutgoingLetter.case_id)), "letters of")
        fired = select(JournalRecord.case_id + " " + JournalRecord.element).where(JournalRecord.kind == "timer.fired")
        report.doubled += _more_than_once(session.scalars(fired), "timers of")
        called = select(Case.parent_task_id).where(Case.parent_task_id.is_not(None))
        report.doubled += _more_than_once(session.scalars(called), "children of")
        report.lost += _undone(session)
        report.stuck += _waiting(session)
        for case_id, result in verify_all_deep(session):
            report.faults += [f"{case_id} {fault.seq} {fault.code} {fault.message}" for fault in result.faults]
        report.faults += [f"log {fault.code} {fault.message}" for fault in check_log(session).faults]


def crashes_in(log: str) -> list[str]:
    """Each crash of a request in what a server wrote, with its reference and its traceback."""
    return [crash[0] for crash in _CRASH.finditer(log)]


def _more_than_once(values: Iterable[str | None], what: str) -> list[str]:
    return [f"{what} {value}: {count} times" for value, count in Counter(values).items() if count > 1]


def _undone(session: Session) -> list[str]:
    """Cases of which something was asked that never came about: a letter, a child case, three timers that fired."""
    missing = []
    wanted = {"lettered": 1, "caller": 1, "three_timers": 3}
    for case in session.scalars(select(Case)):
        done = {
            "lettered": select(func.count()).where(OutgoingLetter.case_id == case.id),
            "caller": select(func.count()).where(Case.parent_case_id == case.id),
            "three_timers": select(func.count()).where(
                JournalRecord.case_id == case.id, JournalRecord.kind == "timer.fired"
            ),
        }.get(key := case.definition.key)
        if done is not None and (session.scalar(done) or 0) < wanted[key]:
            missing.append(f"{key} {case.business_key} never had all that it asked for")
    return missing


def _waiting(session: Session) -> list[str]:
    entries = select(OutboxEntry.kind).where(OutboxEntry.done_at.is_(None))
    found = [f"{kind} was never delivered" for kind in session.scalars(entries)]
    found += [f"{topic} never ran" for topic in session.scalars(select(ServiceJob.topic))]
    due = select(Timer.element).where(Timer.due_at <= now())
    found += [f"timer {element} never fired" for element in session.scalars(due)]
    for table in (Timer, ServiceJob, OutboxEntry):
        held = select(func.count()).where(or_(table.lease_owner.is_not(None), table.lease_until.is_not(None)))
        found += [f"{count} rows of {table.__tablename__} are leased" for count in session.scalars(held) if count]
    return found + [
        f"incident {kind}: {said}" for kind, said in session.execute(select(Incident.kind, Incident.message))
    ]


def find_planted(*, kills: int = 2) -> dict[str, bool]:
    """For each fault put in on purpose whether the driver found it."""
    found = {}
    for name, code in PLANTED.items():
        found[name] = not run("sqlite", kills=kills, planted=code).is_clean
        print(f"{'found' if found[name] else 'NOT FOUND'}: {name}", flush=True)
    print(f"{sum(found.values())} of {len(found)} planted faults found", flush=True)
    return found


def main() -> int:
    """Run on both databases; 1 when anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=int(os.environ.get("OSM_STRESS_KILLS", "100")))
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sabotage", action="store_true", help="put faults in and show that they are found")
    chosen = parser.parse_args()
    connect_rooms()
    if chosen.sabotage:
        return int(not all(find_planted().values()))
    is_clean = True
    for kind in chosen.database or ["sqlite", "postgresql"]:
        report = run(kind, kills=chosen.kills, seed=chosen.seed)
        print(json.dumps({**asdict(report), "clean": report.is_clean}, ensure_ascii=False), flush=True)
        is_clean = is_clean and report.is_clean
    return int(not is_clean)


if __name__ == "__main__":
    sys.exit(main())
