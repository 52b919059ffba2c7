"""The scheduler: runs every sweep of the table as often as it says. Every node may run one.

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

from osm_flow.operations import sweeps
from osm_flow.operations.sweeps import NO_MEANS, Means, Sweep
from osm_flow.store.session import Store

logger = logging.getLogger(__name__)

# How many full rounds one tick works off before it lets the other sweeps have their turn.
ROUNDS_A_TICK = 20


@dataclass(frozen=True)
class Ticker:
    """A running scheduler; `stop` lets the sweeps at work finish."""

    scheduler: BackgroundScheduler
    owner: str

    def stop(self) -> None:
        """Stop, once the sweeps at work have finished."""
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
    for sweep in sweeps.sweeps_with(means):
        arguments = (sweep, means, store, clock, owner)
        scheduler.add_job(_tick, "interval", seconds=sweep.seconds * pace, args=arguments, id=sweep.name)
    scheduler.start()
    logger.info("scheduler started", extra={"owner": owner})
    return Ticker(scheduler, owner)


def _tick(sweep: Sweep, means: Means, store: Store, clock: Callable[[], datetime], owner: str) -> None:
    try:
        for _ in range(ROUNDS_A_TICK):
            tally = sweep.run(store, clock(), owner, means)
            if tally.done == 0:
                break
            about = {"sweep": sweep.name, "done": tally.done, "failed": tally.failed, "left": tally.left}
            logger.info("swept", extra=about)
    except Exception:
        # The database may be away for a while; the next tick finds the same rows.
        logger.exception("sweep could not run", extra={"sweep": sweep.name})
