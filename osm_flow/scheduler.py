"""The scheduler: runs every sweep of the table as often as it says. Every node may run one.

APScheduler only calls; what is due stands in the database, so a tick that is missed or comes late loses nothing.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import monotonic
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from osm_flow.operations import sweeps
from osm_flow.operations.background import leases
from osm_flow.operations.background.leases import Claim, Interrupted, Tally
from osm_flow.operations.readiness import TICK_SECONDS, note_tick
from osm_flow.operations.sweeps import NO_MEANS, Means, Sweep
from osm_flow.store.session import Store

logger = logging.getLogger(__name__)

# How many full rounds one tick works off before it lets the other sweeps have their turn.
ROUNDS_A_TICK = 20
# How often it is looked whether the clock of the machine was set back: APScheduler would wait for the time it had shown.
_LOOK_AT_CLOCK = 5.0


@dataclass
class Ticker:
    """A running scheduler; `stop` lets the sweeps at work finish what they have begun."""

    scheduler: BackgroundScheduler
    owner: str
    asked_to_stop: threading.Event = field(default_factory=threading.Event)
    ticks: list[_Tick] = field(default_factory=list)

    def ask_to_stop(self) -> None:
        """Have the sweeps end after the row that they are at, and give back the rest; returns at once."""
        self.asked_to_stop.set()

    def stop(self) -> None:
        """Stop, once the sweeps at work have finished the row that they are at and given back the rest."""
        self.asked_to_stop.set()
        self.scheduler.shutdown(wait=True)


def owner_name() -> str:
    """A name that no other process on any node has."""
    return f"{socket.gethostname()[:24]}:{os.getpid()}:{secrets.token_hex(4)}"


def start(
    store: Store,
    clock: Callable[[], datetime],
    owner: str,
    means: Means = NO_MEANS,
    *,
    pace: float = 1.0,
) -> Ticker:
    """Start sweeping in the background; `pace` stretches (or, below 1, shortens) the time between ticks."""
    scheduler = BackgroundScheduler(
        executors={"default": ThreadPoolExecutor(2)},
        # A tick that comes while the one before is still at work, or late, is one tick: the next finds what it missed.
        job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
        timezone="UTC",
    )
    ticker = Ticker(scheduler, owner)
    means = replace(means, is_stopping=ticker.asked_to_stop.is_set)
    for sweep in (_NOTING, *sweeps.sweeps_with(means)):
        tick = _Tick(sweep, means, store, clock, owner, sweep.seconds * pace)
        ticker.ticks.append(tick)
        scheduler.add_job(tick, "interval", seconds=tick.seconds, id=sweep.name)
    scheduler.add_job(ticker.ticks[0], id="first tick")  # without a trigger: at once
    scheduler.start()
    watching = threading.Thread(target=_watch_clock, args=(ticker,), daemon=True, name="clock")
    watching.start()
    logger.info("scheduler started", extra={"owner": owner})
    return ticker


@dataclass
class _Tick:
    """What one sweep does at each tick, every so many seconds.

    `last` is when it last began, on the clock that nobody can set; `left` what it had claimed when the database went away.
    """

    sweep: Sweep
    means: Means
    store: Store
    clock: Callable[[], datetime]
    owner: str
    seconds: float
    last: float = field(default_factory=monotonic)
    left: list[Claim[Any]] = field(default_factory=list)

    def __call__(self) -> None:
        """Give back what was left, then work off what is due."""
        self.last = monotonic()
        try:
            leases.give_back_all(self.store, self.left)
            self.left.clear()
            for _ in range(ROUNDS_A_TICK):
                tally = self.sweep.run(self.store, self.clock(), self.owner, self.means)
                if tally.done == tally.failed == 0 or self.means.is_stopping():
                    break
                about = {"sweep": self.sweep.name, "done": tally.done, "failed": tally.failed, "left": tally.left}
                logger.info("swept", extra=about)
        except Exception as error:
            # The database may be away for a while; the next tick finds the same rows.
            logger.exception("sweep could not run", extra={"sweep": self.sweep.name})
            if isinstance(error, Interrupted):
                self.left.append(error.claim)


def _watch_clock(ticker: Ticker) -> None:
    while not ticker.asked_to_stop.wait(_LOOK_AT_CLOCK):
        bring_ticks_near(ticker)


def bring_ticks_near(ticker: Ticker) -> None:
    """Count the next tick of a sweep anew when it is late: the clock was set back, and shows the time of it much later."""
    for tick in ticker.ticks:
        if monotonic() - tick.last > tick.seconds + _LOOK_AT_CLOCK:
            tick.last = monotonic()
            ticker.scheduler.reschedule_job(tick.sweep.name, trigger="interval", seconds=tick.seconds)


def _note(store: Store, now: datetime, owner: str, _means: Means) -> Tally:
    with store.transaction() as session:
        note_tick(session, owner, now)
    return Tally()


# For whoever asks whether background work goes on: in the same threads as the sweeps, so that it stands still with them.
_NOTING = Sweep("tick", TICK_SECONDS, _note)
