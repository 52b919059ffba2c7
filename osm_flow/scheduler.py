"""The ticker: which sweep runs how often. No rule lives here, and every node may run one.

APScheduler only calls; what is due stands in the database, so a tick that is missed or comes late loses nothing.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from osm_flow.notify.mail import Mailer
from osm_flow.operations import sweeps
from osm_flow.operations.checkpoints import sign_daily
from osm_flow.operations.claims import Tally
from osm_flow.operations.erasures import carry_out_waiting
from osm_flow.operations.keys import Keyring
from osm_flow.operations.pruning import prune
from osm_flow.store.session import Store

logger = logging.getLogger(__name__)

Sweep = Callable[[Store, datetime, str], Tally]
# How many full rounds one tick works off before it lets the other sweeps have their turn.
ROUNDS_A_TICK = 20

SECONDS: dict[str, float] = {
    "timers": 5,
    "services": 5,
    "outbox": 5,
    "reminders": 60,
    "follow_ups": 60,
    "mails": 15,
    "checkpoints": 60,
    "erasures": 60,
    "pruned": 3600,
}


@dataclass(frozen=True)
class Ticker:
    """A running scheduler; `stop` lets the sweeps at work finish."""

    scheduler: BackgroundScheduler
    owner: str

    def stop(self) -> None:
        self.scheduler.shutdown(wait=True)


def owner_name() -> str:
    """A name that no other process on any node has."""
    return f"{socket.gethostname()[:24]}:{os.getpid()}:{secrets.token_hex(4)}"


def start(
    store: Store,
    clock: Callable[[], datetime],
    owner: str,
    mailer: Mailer | None,
    *,
    keyring: Keyring | None = None,
    pace: float = 1.0,
) -> Ticker:
    """Start sweeping in the background; `pace` stretches (or, below 1, shortens) the time between ticks.

    With a keyring the audit log is signed, too.
    """
    scheduler = BackgroundScheduler(
        executors={"default": ThreadPoolExecutor(2)},
        job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
        timezone="UTC",
    )
    for what, sweep in _sweeps(mailer, keyring).items():
        arguments = (what, sweep, store, clock, owner)
        scheduler.add_job(_tick, "interval", seconds=SECONDS[what] * pace, args=arguments, id=what)
    scheduler.start()
    logger.info("scheduler started", extra={"owner": owner})
    return Ticker(scheduler, owner)


def _sweeps(mailer: Mailer | None, keyring: Keyring | None) -> dict[str, Sweep]:
    found: dict[str, Sweep] = {
        "timers": sweeps.fire_due_timers,
        "services": sweeps.run_services,
        "outbox": sweeps.deliver_outbox,
        "reminders": sweeps.climb_ladders,
        "follow_ups": sweeps.raise_follow_ups,
        "mails": lambda store, now, owner: sweeps.send_mail(store, now, owner, mailer),
        "erasures": carry_out_waiting,
        "pruned": prune,
    }
    if keyring is not None:
        found["checkpoints"] = lambda store, now, owner: sign_daily(store, now, owner, keyring)
    return found


def _tick(what: str, sweep: Sweep, store: Store, clock: Callable[[], datetime], owner: str) -> None:
    try:
        for _ in range(ROUNDS_A_TICK):
            tally = sweep(store, clock(), owner)
            if tally.done == 0:
                break
            logger.info("swept", extra={"sweep": what, "done": tally.done, "failed": tally.failed, "left": tally.left})
    except Exception:
        # The database may be away for a while; the next tick finds the same rows.
        logger.exception("sweep could not run", extra={"sweep": what})
