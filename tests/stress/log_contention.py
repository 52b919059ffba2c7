"""Sequencing, signing, erasing, administration and ordinary writing side by side, for as long as one likes.

Plain functions over a store, so that a test of a few seconds and a run of hours are the same driver.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from sqlalchemy import select

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.audit.log import append_new, make_checkpoint
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.people import accounts
from osm_flow.operations.people.hats import actor_named
from osm_flow.store.models import JournalPayload
from osm_flow.store.session import Busy, Overtaken, Store
from tests.factories import NOW, erase, make_case, make_office, make_person

# What another writer may cause by design: nothing was changed, the same act is tried again.
_MAY_HAPPEN = (Busy, Overtaken)


@dataclass
class Contention:
    """What was done how often, and every failure that the design does not allow."""

    done: Counter[str] = field(default_factory=Counter)
    gave_way: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[str, BaseException]] = field(default_factory=list)


def seconds(default: float) -> float:
    """How long to go on: `OSM_STRESS_SECONDS`, or the default of a test that must be quick."""
    return float(os.environ.get("OSM_STRESS_SECONDS", default))


def prepare(store: Store) -> list[str]:
    """An office, two people and four cases of the test diagram `review`, which must be deployed; the cases' ids."""
    with store.transaction() as session:
        make_office(session)
        make_person(session, "anan", "osm_strategy")
        make_person(session, "lockable", "osm_strategy")
        return [make_case(session).id for _ in range(4)]


def contend(store: Store, keyring: Keyring, case_ids: list[str], duration: float) -> Contention:
    """Four writers, a starter of cases, two sequencers, a signer, an eraser and an administrator, all at once."""
    acts: dict[str, Callable[[int], object]] = {
        **{f"write {case_id[:8]}": _commenting(store, case_id) for case_id in case_ids},
        "start": lambda number: _started(store),
        "sequence": lambda number: _sequenced(store),
        "sequence beside it": lambda number: _sequenced(store),
        "sign": lambda number: _signed(store, keyring),
        "erase": lambda number: _erased(store, case_ids[number % len(case_ids)]),
        "administer": lambda number: _administered(store, number),
    }
    return run(acts, duration)


def run(acts: dict[str, Callable[[int], object]], duration: float) -> Contention:
    """Repeat every act in a thread of its own until the time is over; each is told how often it was called before."""
    found, end = Contention(), time.monotonic() + duration
    guard = threading.Lock()

    def repeat(name: str, act: Callable[[int], object]) -> None:
        for number in count():
            if time.monotonic() > end or found.failures:
                return
            try:
                act(number)
                with guard:
                    found.done[name] += 1
            except _MAY_HAPPEN:
                with guard:
                    found.gave_way[name] += 1
            except BaseException as error:  # noqa: BLE001 (told by whoever ran this)
                with guard:
                    found.failures.append((name, error))

    threads = [threading.Thread(target=repeat, args=item, daemon=True) for item in acts.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(duration + 60)
    assert not any(thread.is_alive() for thread in threads), "one of the acts hangs"
    return found


def _commenting(store: Store, case_id: str) -> Callable[[int], None]:
    def act(number: int) -> None:
        with store.transaction() as session:
            writer = actor_named(session, "anan", NOW.date())
            comment(session, case_id, writer, _now(), body=f"ข้อ {number}", key=None)

    return act


def _started(store: Store) -> None:
    with store.transaction() as session:
        make_case(session, now=_now())


def _sequenced(store: Store) -> None:
    with store.transaction() as session:
        append_new(session)


def _signed(store: Store, keyring: Keyring) -> None:
    with store.transaction() as session:
        make_checkpoint(session, _now(), SYSTEM, keyring=keyring)


def _erased(store: Store, case_id: str) -> None:
    with store.transaction() as session:
        payload = select(JournalPayload.seq).where(JournalPayload.case_id == case_id, JournalPayload.seq > 1)
        seq = session.scalars(payload.order_by(JournalPayload.seq).limit(1)).one_or_none()
        if seq is not None:
            erase(session, case_id, [seq], SYSTEM, _now(), reason="ทดสอบ")


def _administered(store: Store, number: int) -> None:
    with store.transaction() as session:
        (accounts.unlock if number % 2 else accounts.lock)(session, "lockable", SYSTEM, _now())


def _now() -> datetime:
    return datetime.now(UTC)
