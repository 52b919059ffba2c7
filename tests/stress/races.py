"""People who do the same thing at the same moment, through real servers on a real database, and what came of it.

`python -m tests.stress.races --contests 5000 --database postgresql` runs contests until there were so many, then judges
what the database holds against what was answered: nothing acknowledged may be lost, nothing may be done twice, no case may
stand still, and no answer may be a fault of the server but the designed 503. `--sabotage` builds faults into the servers
first and tells how many of them were found.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select

from osm_flow.app import connect_rooms
from osm_flow.cli.benchmarks.diagrams import TYPED, files
from osm_flow.demo import cast
from osm_flow.demo import loading as demo_cluster
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.acts import CaseStart
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.operations.cases.acts import start_case
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.replay.verify import verify_all_deep
from osm_flow.store.models import (
    Case,
    Comment,
    HolidayOverride,
    Incident,
    JournalPayload,
    JournalRecord,
    Person,
    WorkItem,
)
from osm_flow.store.session import Store
from osm_flow.store.upgrade import upgrade
from tests.stress.servers import Browser, Server, a_database, now

SERVERS = 2
COLLEAGUES = ("anucha", "kanya")
DONE = (302, 303)
CASES = 24
_TRIES = 6

SABOTAGE = {
    "a key that is forgotten": """
from osm_flow.operations import idempotency
idempotency.first_time = lambda *given, **named: True
idempotency.answer_before = lambda *given, **named: None
idempotency.keep_answer = lambda *given, **named: None
""",
    "a commit that is left out now and then": """
import random
from osm_flow.store import session as _sessions
_commit = _sessions._commit
_sessions._commit = lambda opened: opened.rollback() if random.random() < 0.1 else _commit(opened)
""",
    "an act that is done twice": """
from osm_flow.operations.cases import comments
_said = comments.comment
def _twice(session, case_id, actor, now, **about):
    _said(session, case_id, actor, now, **{**about, "key": None})
    return _said(session, case_id, actor, now, **{**about, "key": None})
comments.comment = _twice
""",
    "a case whose work item is lost": """
import random
from osm_flow.operations.stepping import projections
_project = projections.project
def _forgets(session, case, process, step, known, at, now):
    opened = _project(session, case, process, step, known, at, now)
    session.flush()
    if random.random() < 0.1:
        from sqlalchemy import text
        session.execute(text("UPDATE work_items SET state = 'CANCELLED' WHERE state = 'READY' AND case_id = :case"), {"case": case.id})
    return opened
projections.project = _forgets
""",
    "a page that fails when somebody was quicker": """
from osm_flow.web.parts import refusals
def _fails(error):
    raise RuntimeError("sabotage")
refusals.after_refusal = _fails
""",
}


@dataclass
class Found:
    """What a run showed: how many contests, the answers by status, and what must not be."""

    contests: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    unproven: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found that must not be."""
        return not (self.faults or self.lost or self.doubled or self.stuck or self.unproven)

    def as_json(self) -> str:
        """The figures of the run."""
        wrong = {name: len(getattr(self, name)) for name in ("faults", "lost", "doubled", "stuck", "unproven")}
        return json.dumps({"contests": self.contests, "answers": dict(sorted(self.answers.items())), **wrong})


@dataclass(frozen=True)
class Rival:
    """What one of the contestants sends: the address, the values and the key of the act."""

    username: str
    path: str
    values: dict[str, str]
    key: str


class Crowd:
    """Everybody's browsers, several for each, spread over the servers."""

    def __init__(self, ports: list[int], people: tuple[str, ...], found: Found) -> None:
        self._found = found
        self._lock = threading.Lock()
        self._browsers: dict[str, list[Browser]] = {}
        for username in people:
            for port in ports:
                self._browsers.setdefault(username, []).append(self._signed_in(username, port))

    def _signed_in(self, username: str, port: int) -> Browser:
        for _ in range(_TRIES):
            browser = Browser(port)
            try:
                browser.sign_in(username, cast.PASSWORD)
            except AssertionError as answer:
                browser.close()
                self._found.faults.append(f"{answer} for signing in")
            else:
                return browser
        raise RuntimeError(f"{username} cannot sign in")

    def close(self) -> None:
        """Let go of every connection."""
        for browsers in self._browsers.values():
            for browser in browsers:
                browser.close()

    def at_once(self, rivals: list[Rival]) -> list[int]:
        """Let all of them send at the same moment; the last status that each was given."""
        free = {username: list(browsers) for username, browsers in self._browsers.items()}
        answers = [0] * len(rivals)
        barrier = threading.Barrier(len(rivals))

        def send(place: int, rival: Rival, browser: Browser) -> None:
            barrier.wait()
            answers[place] = self._sent(rival, browser)

        threads = [
            threading.Thread(target=send, args=(place, rival, free[rival.username].pop()))
            for place, rival in enumerate(rivals)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def _sent(self, rival: Rival, browser: Browser) -> int:
        """As a person would: a server that is busy is asked once more, with the same form."""
        for _ in range(_TRIES):
            status = browser.send(rival.path, key=rival.key, **rival.values)
            with self._lock:
                self._found.answers[str(status)] += 1
                if status >= 500 and status != 503:
                    self._found.faults.append(f"{status} for {rival.path}")
            if status != 503:
                break
            time.sleep(0.05)
        return status


class Contests:
    """What people contend for; each gives its rivals and keeps what was acknowledged."""

    def __init__(self, store: Store, crowd: Crowd, found: Found, case_ids: list[str], seed: int) -> None:
        self._store = store
        self._crowd = crowd
        self._found = found
        self._case_ids = case_ids
        self._rng = random.Random(seed)  # noqa: S311 (nothing secret)
        self.completed: dict[str, str] = {}
        self.said: dict[str, bool] = {}
        self.begun: dict[str, bool] = {}
        self.hired: dict[str, bool] = {}
        self.days: dict[int, bool] = {}

    def hold(self, most: int, until: float) -> None:
        """Hold contests, each kind in its turn, until there were so many or the time is over."""
        kinds: list[Callable[[], None]] = [
            self.complete_together,
            self.complete_twice,
            self.claim_together,
            self.claim_beside_completing,
            self.say_twice,
            self.begin_twice,
            self.suspend_beside_completing,
            self.complete_together,
            self.complete_twice,
            self.say_twice,
        ]
        rare: list[Callable[[], None]] = [self.hire_together, self.declare_together, self.lock_beside_unlocking]
        while self._found.contests < most and time.monotonic() < until:
            turn = self._found.contests
            kind = rare[turn // 40 % len(rare)] if turn % 40 == 39 else kinds[turn % len(kinds)]
            kind()
            self._found.contests += 1

    def complete_together(self) -> None:
        """Colleagues who finish the same work item: one does, the others are told."""
        item_id, version = self._open_item()
        rivals = [self._completing(name, item_id, version, secrets.token_hex(16)) for name in COLLEAGUES * SERVERS]
        self._note_completed(rivals, self._crowd.at_once(rivals))

    def complete_twice(self) -> None:
        """One person whose form arrives twice: done once, answered twice alike."""
        item_id, version = self._open_item()
        name, key = self._rng.choice(COLLEAGUES), secrets.token_hex(16)
        rivals = [self._completing(name, item_id, version, key)] * SERVERS
        answers = self._crowd.at_once(rivals)
        self._note_completed(rivals, answers)
        if len({status in DONE for status in answers}) > 1:
            self._found.faults.append(f"the same form was answered {answers}")

    def claim_together(self) -> None:
        """Colleagues who take the same work item."""
        item_id, _ = self._open_item()
        self._crowd.at_once(
            [Rival(n, f"/work-items/{item_id}/claim", {}, secrets.token_hex(16)) for n in COLLEAGUES * SERVERS]
        )
        holder = self._holder_of(item_id)
        if holder is not None:
            self._crowd.at_once([Rival(holder, f"/work-items/{item_id}/release", {}, secrets.token_hex(16))])

    def claim_beside_completing(self) -> None:
        """One takes what another finishes."""
        item_id, version = self._open_item()
        taker, finisher = self._rng.sample(COLLEAGUES, 2)
        rivals = [
            self._completing(finisher, item_id, version, secrets.token_hex(16)),
            Rival(taker, f"/work-items/{item_id}/claim", {}, secrets.token_hex(16)),
        ]
        self._note_completed(rivals[:1], self._crowd.at_once(rivals))
        holder = self._holder_of(item_id)
        if holder is not None:
            self._crowd.at_once([Rival(holder, f"/work-items/{item_id}/release", {}, secrets.token_hex(16))])

    def suspend_beside_completing(self) -> None:
        """A director suspends what somebody finishes, and lets it go on."""
        item_id, version = self._open_item()
        case_id = self._case_of(item_id)
        rivals = [
            self._completing(self._rng.choice(COLLEAGUES), item_id, version, secrets.token_hex(16)),
            Rival("thanakorn", f"/cases/{case_id}/suspend", {"reason": "รอหนังสือ"}, secrets.token_hex(16)),
        ]
        self._note_completed(rivals[:1], self._crowd.at_once(rivals))
        self._crowd.at_once(
            [Rival("thanakorn", f"/cases/{case_id}/resume", {"reason": "ได้หนังสือแล้ว"}, secrets.token_hex(16))]
        )

    def say_twice(self) -> None:
        """A comment that arrives twice is one comment."""
        body, case_id = secrets.token_hex(12), self._rng.choice(self._case_ids)
        rival = Rival(self._rng.choice(COLLEAGUES), f"/cases/{case_id}/comments", {"body": body}, secrets.token_hex(16))
        self.said[body] = any(status in DONE for status in self._crowd.at_once([rival] * SERVERS))

    def begin_twice(self) -> None:
        """A case that is begun twice with one form is one case."""
        title = f"แข่ง {secrets.token_hex(8)}"
        values = {"case_title": title, "case_fiscal_year": "2571"}
        rival = Rival(self._rng.choice(COLLEAGUES), "/cases/start/rework", values, secrets.token_hex(16))
        self.begun[title] = any(status in DONE for status in self._crowd.at_once([rival] * SERVERS))

    def hire_together(self) -> None:
        """Two forms with the same new user name: one account."""
        username = f"u{secrets.token_hex(5)}"
        values = {"username": username, "display_name": "ผู้แข่ง", "password": secrets.token_hex(16), "email": ""}
        rivals = [Rival("admin", "/people/new", values, secrets.token_hex(16)) for _ in range(SERVERS)]
        self.hired[username] = any(status in DONE for status in self._crowd.at_once(rivals))

    def declare_together(self) -> None:
        """Two planners declare the same holiday."""
        number = len(self.days) + 1
        day = f"{number % 28 + 1:02d}/{number // 28 % 12 + 1:02d}/{2575 + number // 336}"
        values = {"day": day, "is_working": "no", "name_th": "วันหยุดแข่ง", "name_en": "Race", "source": "มติ ครม."}
        rivals = [Rival("thanakorn", "/calendar/holidays", values, secrets.token_hex(16)) for _ in range(SERVERS)]
        self.days[number] = any(status in DONE for status in self._crowd.at_once(rivals))

    def lock_beside_unlocking(self) -> None:
        """An account is locked and unlocked at once: it ends in one of both, and the chain says how."""
        rivals = [Rival("admin", f"/people/tourism/{act}", {}, secrets.token_hex(16)) for act in ("lock", "unlock")]
        self._crowd.at_once(rivals)

    def _completing(self, username: str, item_id: str, version: int, key: str) -> Rival:
        values = {**TYPED, "title": secrets.token_hex(8), "version": str(version)}
        return Rival(username, f"/work-items/{item_id}/complete", values, key)

    def _note_completed(self, rivals: list[Rival], answers: list[int]) -> None:
        """What was typed tells whose act it was: it must be in the journal for each that was told so."""
        for rival, status in zip(rivals, answers, strict=False):
            if status in DONE:
                self.completed[rival.values["title"]] = rival.path

    def _open_item(self) -> tuple[str, int]:
        with self._store.reading() as session:
            query = select(WorkItem.id, WorkItem.version).where(WorkItem.state == "READY")
            rows = session.execute(query.where(WorkItem.case_id.in_(self._case_ids)).limit(CASES)).all()
        if not rows:
            raise RuntimeError("no case of the races has an open work item")
        item_id, version = self._rng.choice(rows)
        return item_id, version

    def _case_of(self, item_id: str) -> str:
        with self._store.reading() as session:
            return session.get_one(WorkItem, item_id).case_id

    def _holder_of(self, item_id: str) -> str | None:
        with self._store.reading() as session:
            item = session.get_one(WorkItem, item_id)
            return item.assignee.username if item.state == "CLAIMED" and item.assignee else None


def judge(store: Store, contests: Contests, found: Found) -> None:
    """Hold what the database has against what was answered."""
    with store.reading() as session:
        done = dict(
            session.execute(
                select(JournalRecord.task_id, func.count())
                .where(JournalRecord.kind == RecordKind.work_item_completed)
                .group_by(JournalRecord.task_id)
            ).all()
        )
        completions = RecordKind.work_item_completed
        query = select(JournalPayload.body).join(JournalRecord.payload).where(JournalRecord.kind == completions)
        typed = Counter(json.loads(body)["data"].get("title") for body in session.scalars(query))
        found.lost += [f"{path} with {title}" for title, path in contests.completed.items() if not typed[title]]
        found.doubled += [f"{path} with {title}" for title, path in contests.completed.items() if typed[title] > 1]
        found.doubled += [f"work item {item_id}" for item_id, count in done.items() if count > 1]
        for name, column, sent in (
            ("comment", Comment.body, contests.said),
            ("case", Case.title, contests.begun),
            ("account", Person.username, contests.hired),
        ):
            counts = dict(session.execute(select(column, func.count()).where(column.in_(sent)).group_by(column)).all())
            found.lost += [f"{name} {key}" for key, acknowledged in sent.items() if acknowledged and key not in counts]
            found.doubled += [f"{name} {key}" for key, count in counts.items() if count > 1]
        declared = session.scalar(
            select(func.count()).select_from(HolidayOverride).where(HolidayOverride.name_th == "วันหยุดแข่ง")
        )
        if declared != sum(contests.days.values()):
            found.lost.append(f"{sum(contests.days.values())} holidays were acknowledged, {declared} are there")
        found.stuck += _standing_still(store, contests.begun)
        found.stuck += [f"incident {message}" for message in session.scalars(select(Incident.message))]
        found.unproven += [
            f"{case_id}: {fault.message}" for case_id, deep in verify_all_deep(session) for fault in deep.faults
        ]


def _standing_still(store: Store, titles: dict[str, bool]) -> Iterator[str]:
    """The cases of the loop that nobody can go on with."""
    with store.reading() as session:
        waiting = select(WorkItem.case_id).where(WorkItem.state.in_(("READY", "CLAIMED")))
        query = select(Case.id).where(Case.state != "COMPLETED", Case.id.not_in(waiting))
        yield from session.scalars(query.where(Case.title.in_(titles) | (Case.title == _TITLE)))


_TITLE = "เรื่องที่วนไป"


def prepare(store: Store) -> list[str]:
    """The demo cluster, and cases of a loop that one can go round for ever; their ids."""
    upgrade(store)
    demo_cluster.load(store, now())
    with store.transaction() as session:
        deploy(session, files("rework"), SYSTEM, now())
        start = CaseStart(cast.OFFICE, 2571, _TITLE, {})
        return [start_case(session, "rework", SYSTEM, now(), start).id for _ in range(CASES)]


def run(url: str, folder: Path, contests: int, seconds: float, *, before: str = "", seed: int = 1) -> Found:
    """Prepare a database, hold contests through two servers, and judge."""
    found = Found()
    store = Store(url)
    case_ids = prepare(store)
    with ExitStack() as stack:
        key = secrets.token_hex(32)
        servers = []
        for number in range(SERVERS):
            home = folder / f"node{number}"
            home.mkdir()
            server = Server(url, home, before=before, environment={"OSM_SECRET_KEY": key})
            servers.append(stack.enter_context(server))
        crowd = Crowd([server.port for server in servers], (*COLLEAGUES, "thanakorn", "admin"), found)
        stack.callback(crowd.close)
        held = Contests(store, crowd, found, case_ids, seed)
        held.hold(contests, time.monotonic() + seconds)
    judge(store, held, found)
    store.close()
    return found


def in_a_folder(kind: str, contests: int, seconds: float, *, before: str = "") -> Found:
    """A run with a database of its own, of which nothing is left."""
    connect_rooms()
    with tempfile.TemporaryDirectory(prefix="osm-races-") as name, a_database(kind, Path(name)) as url:
        return run(url, Path(name), contests, seconds, before=before)


def main() -> int:
    """Run the contests; 1 when something was found, or when a planted fault was not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contests", type=int, default=int(os.environ.get("OSM_STRESS_CONTESTS", "5000")))
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--sabotage", action="store_true", help="build faults in, and tell how many were found")
    chosen = parser.parse_args()
    if not chosen.sabotage:
        found = in_a_folder(chosen.database, chosen.contests, chosen.seconds)
        print(chosen.database, found.as_json())
        for name in ("faults", "lost", "doubled", "stuck", "unproven"):
            for line in getattr(found, name)[:10]:
                print(f"{name}: {line}")
        return int(not found.is_clean)
    seen = 0
    for fault, before in SABOTAGE.items():
        found = in_a_folder(chosen.database, min(chosen.contests, 120), chosen.seconds, before=before)
        seen += not found.is_clean
        print(f"{'found' if not found.is_clean else 'MISSED'}: {fault} {found.as_json()}")
    print(f"{seen} of {len(SABOTAGE)} planted faults were found")
    return int(seen < len(SABOTAGE))


if __name__ == "__main__":
    sys.exit(main())
