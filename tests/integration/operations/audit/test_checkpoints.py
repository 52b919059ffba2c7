"""Checkpoints by the clock, on demand and in the mail; witnesses; the line at the foot of exports."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.calendar.deadlines import close_of, local_day
from osm_flow.operations.audit import checkpoints, witnesses
from osm_flow.operations.audit.log import latest_checkpoint
from osm_flow.operations.audit.log_checks import check_log
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.background.leases import Tally
from osm_flow.operations.sweeps import Means, sweep_all
from osm_flow.store.models import Incident, LogCheckpoint, LogLeaf, OutboxEntry
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, deploy_unrecorded, make_case, make_office, make_person

CLOSING = close_of(local_day(NOW))
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys", "osm.example.go.th/journal")


@pytest.fixture
def prepared(store: Store) -> Store:
    with store.transaction() as session:
        make_office(session)
        deploy_unrecorded(session, "review")
        make_person(session, "boss", "osm_director")
        make_person(session, "anan", "osm_strategy")
        make_case(session)
    return store


def begin(store: Store, at: datetime) -> None:
    with store.transaction() as session:
        make_case(session, now=at)


def signed(store: Store) -> list[tuple[int, datetime]]:
    with store.reading() as session:
        rows = session.execute(select(LogCheckpoint.size, LogCheckpoint.at).order_by(LogCheckpoint.id))
        return [(row.size, row.at) for row in rows]


def mails(store: Store) -> list[tuple[str, str]]:
    with store.reading() as session:
        found = session.execute(select(OutboxEntry.key, OutboxEntry.body).where(OutboxEntry.kind == "mail"))
        return [(row.key, json.loads(row.body)["to"]) for row in found]


# ---- by the clock ----------------------------------------------------------------------------------------------


def test_one_checkpoint_a_day_when_the_office_closes_if_anything_happened(prepared: Store, keyring: Keyring) -> None:
    def sweep(at: datetime) -> Tally:
        return checkpoints.sign_daily(prepared, at, "me", keyring)

    assert sweep(NOW) == Tally(done=1)  # the very first one does not wait
    begin(prepared, NOW + MINUTE)
    assert sweep(CLOSING - MINUTE) == Tally()
    assert sweep(CLOSING) == Tally(done=1)
    begin(prepared, CLOSING + MINUTE)
    assert sweep(CLOSING + 5 * MINUTE) == Tally()
    assert sweep(CLOSING + DAY) == Tally(done=1)
    assert sweep(CLOSING + 2 * DAY) == Tally()  # a day without news
    begin(prepared, CLOSING + 3 * DAY - MINUTE)
    assert sweep(CLOSING + 3 * DAY + timedelta(hours=15)) == Tally(done=1)  # was off in the evening

    assert [size for size, _ in signed(prepared)] == [1, 2, 3, 4]


def test_what_is_new_is_logged_by_every_sweep(prepared: Store, keyring: Keyring) -> None:
    checkpoints.sign_daily(prepared, NOW, "me", keyring)
    begin(prepared, NOW + MINUTE)
    checkpoints.sign_daily(prepared, NOW + 2 * MINUTE, "me", keyring)

    with prepared.reading() as session:
        assert len(session.scalars(select(LogLeaf.position)).all()) == 2
    assert len(signed(prepared)) == 1


def test_a_node_without_the_key_logs_and_leaves_signing_to_the_other(
    prepared: Store, keyring: Keyring, tmp_path: Path
) -> None:
    checkpoints.sign_daily(prepared, NOW, "me", keyring)
    begin(prepared, NOW + MINUTE)
    elsewhere = Keyring(tmp_path / "other node", keyring.origin)

    assert checkpoints.sign_daily(prepared, CLOSING, "other", elsewhere) == Tally(left=1)
    assert checkpoints.sign_daily(prepared, CLOSING, "me", keyring) == Tally(done=1)


def test_when_no_machine_signed_for_a_day_it_is_told_until_one_does(
    prepared: Store, keyring: Keyring, tmp_path: Path
) -> None:
    checkpoints.sign_daily(prepared, NOW, "me", keyring)
    begin(prepared, NOW + MINUTE)
    elsewhere = Keyring(tmp_path / "other node", keyring.origin)

    assert checkpoints.sign_daily(prepared, CLOSING, "other", elsewhere).stands_in_the_way == ""
    told = checkpoints.sign_daily(prepared, CLOSING + DAY, "other", elsewhere)
    assert "is not on this machine" in told.stands_in_the_way
    with prepared.reading() as session:
        assert [row.resolved_at for row in session.scalars(select(Incident))] == [None]

    assert checkpoints.sign_daily(prepared, CLOSING + DAY + MINUTE, "me", keyring) == Tally(done=1)
    assert checkpoints.sign_daily(prepared, CLOSING + DAY + 2 * MINUTE, "other", elsewhere) == Tally()
    with prepared.reading() as session:
        assert [row.resolved_by for row in session.scalars(select(Incident))] == ["system"]


def test_the_sweep_of_everything_signs_too(prepared: Store, keyring: Keyring) -> None:
    report = sweep_all(prepared, NOW, "me", Means(keyring=keyring))

    assert (report.done["checkpoints"], report.unfinished) == (1, False)
    assert sweep_all(prepared, NOW, "me").done["checkpoints"] == 0


# ---- copies, mail, the foot of exports -------------------------------------------------------------------------


def test_every_checkpoint_is_kept_as_a_file_once(prepared: Store, keyring: Keyring) -> None:
    checkpoints.sign_daily(prepared, NOW, "me", keyring)

    (path,) = keyring.copies.iterdir()
    with prepared.reading() as session:
        newest = latest_checkpoint(session)
        assert newest is not None
        assert path.read_text(encoding="utf-8") == newest.note
    assert checkpoints.keep_copies(prepared, keyring) == 0


def test_every_witness_gets_every_checkpoint_once(prepared: Store, keyring: Keyring) -> None:
    with prepared.transaction() as session:
        boss = make_person(session, "head", "osm_director")
        one = witnesses.add_witness(session, OFFICE, boss, NOW, name="สตง.", email="audit@example.go.th")
        witnesses.add_witness(session, OFFICE, boss, NOW, name="Province", email="gov@example.go.th")
    for _ in range(2):
        checkpoints.sign_daily(prepared, NOW, "me", keyring)
        with prepared.transaction() as session:
            checkpoints.sign_and_send(session, NOW, SYSTEM, keyring=keyring)
    with prepared.transaction() as session:
        witnesses.remove_witness(session, one.id, boss, NOW)
    begin(prepared, NOW + MINUTE)
    checkpoints.sign_daily(prepared, CLOSING, "me", keyring)

    assert [to for _, to in mails(prepared)] == ["audit@example.go.th", "gov@example.go.th", "gov@example.go.th"]
    with prepared.reading() as session:
        body = json.loads(session.scalars(select(OutboxEntry.body).where(OutboxEntry.kind == "mail")).first())["body"]
        note = body[body.index(keyring.origin) :]
        assert check_log(session, kept=[("mail", note)]).faults == []
