"""Replay as proof: the first state that differs is named with both states, and a replay is the same bytes everywhere."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from osm_flow import engine
from osm_flow.domain import journal
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.acts import Act, CaseStart
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.engine import ENGINE_VERSION
from osm_flow.engine.rules import RULES
from osm_flow.engine.values import Command, CompleteTask, FireTimer
from osm_flow.operations.background.delivery import deliver_pending
from osm_flow.operations.cases.acts import start_case
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.replay import compare_states
from osm_flow.operations.replay.history import Payload, history_of
from osm_flow.operations.replay.verify import verify_all_deep, verify_deep
from osm_flow.operations.stepping import step as stepping
from osm_flow.store import backup
from osm_flow.store.models import Case, JournalRecord
from osm_flow.store.session import Store
from tests.bundles import make_family, write_bundle
from tests.factories import NOW, OFFICE, make_office
from tests.unit.engine.models import Block, answers, first_answers, models, xml_of

ROOT = Path(__file__).parents[4]


def test_an_honest_case_is_compared_to_its_last_record(store: Store) -> None:
    case_id = make_family(store)
    with store.reading() as session:
        found = verify_deep(session, case_id)
        count = session.get_one(Case, case_id).seq

    assert (found.faults, found.notes, found.difference) == ([], [], None)
    assert (found.compared, found.is_complete) == (count, True)


def test_the_first_state_that_differs_is_named_with_both_states(store: Store) -> None:
    """The recorded data were changed, and everything hashed again: only the states tell."""
    case_id = make_family(store)
    with store.reading() as session:
        child = session.scalars(select(Case).where(Case.parent_case_id == case_id)).one()
        history = history_of(session, child)
    done = next(record.seq for record, _ in history.chain if record.kind == "work_item.completed")
    forged = dict(history.payloads)
    forged[done] = replace(forged[done], body=forged[done].body.replace("1.50", "9.99"))
    changed = replace(history, payloads=forged)

    found = compare_states.compare(
        changed, lambda seq: compare_states.KnownState("a test", ("inner",), {"text": "1.50", "fy": 2571})
    )

    assert [(fault.seq, fault.code) for fault in found.faults] == [(done, "state")]
    assert found.difference is not None
    assert found.compared == done - 1
    told = "\n".join(found.difference.lines())
    assert f"record {done} (work_item.completed of inner" in told
    assert "recorded (from a test): waits for inner" in told
    assert "replayed: waits for nothing" in told
    assert 'variable text: recorded "1.50", replayed "9.99"' in told
    assert "variable fy" not in told


def test_in_a_database_the_kept_state_tells_what_was_recorded(store: Store) -> None:
    case_id = make_family(store)
    with store.transaction() as session:
        _without_triggers(store, session)
        body, salt = session.execute(
            text("SELECT body, salt FROM journal_payloads WHERE case_id = :id AND seq = 1"), {"id": case_id}
        ).one()
        body = body.replace('"rate":0.1', '"rate":0.2')
        session.execute(
            text("UPDATE journal_payloads SET body = :body WHERE case_id = :id AND seq = 1"),
            {"body": body, "id": case_id},
        )
        assert '"rate":0.2' in body
        assert journal.digest_payload(salt, body)

    with store.reading() as session:
        found = verify_deep(session, case_id)

    assert [(fault.seq, fault.code) for fault in found.faults][:2] == [(1, "payload"), (1, "state")]
    assert found.difference is not None
    assert found.difference.recorded is not None
    assert found.difference.recorded.source == "the work items"
    assert found.difference.replayed.data is not None
    assert found.difference.replayed.data["rate"] == 0.2


def test_an_engine_that_is_not_the_installed_one_is_reported_and_the_replay_tried(store: Store) -> None:
    case_id = make_family(store)
    with store.reading() as session:
        history = history_of(session, session.get_one(Case, case_id))
    older = replace(
        history,
        chain=[
            (replace(record, engine_version=f"osm-flow 0.0.9/rules {RULES}"), hash_) for record, hash_ in history.chain
        ],
    )

    found = compare_states.compare(older, lambda seq: None)

    assert found.faults == []
    assert len(found.notes) == 1
    assert (
        f"{len(history.chain)} records were written by engine osm-flow 0.0.9/rules {RULES}; {ENGINE_VERSION} is installed"
        in found.notes[0]
    )


def test_an_erased_act_ends_the_replay_and_is_no_fault(store: Store) -> None:
    case_id = make_family(store)
    with store.reading() as session:
        history = history_of(session, session.get_one(Case, case_id))
    kept = {seq: payload for seq, payload in history.payloads.items() if seq != 2}

    found = compare_states.compare(replace(history, payloads=kept), lambda seq: None)

    assert found.faults == []
    assert found.compared == 1
    assert "record 2 was erased" in found.notes[0]


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "not json",
        '{"command":{"type":"Boom"},"data":{},"lookups":{}}',
        '{"command":7,"data":{},"lookups":{}}',
        '{"command":{"type":"FireTimer","task_id":"x"},"data":{},"lookups":{}}',
        "[" * 100_000,
    ],
)
def test_what_no_engine_can_do_is_a_fault_of_its_record(sqlite_store: Store, body: str) -> None:
    case_id = make_family(sqlite_store)
    with sqlite_store.reading() as session:
        history = history_of(session, session.get_one(Case, case_id))
    payloads = {**history.payloads, 2: Payload("00" * 16, body)}

    found = compare_states.compare(replace(history, payloads=payloads), lambda seq: None)

    assert [fault.seq for fault in found.faults] == [2]


# ---- the same bytes everywhere -----------------------------------------------------------------------------------


def play(store: Store, block: Block, seed: int, key: str) -> list[list[tuple[str, str]]]:
    """A random course of a random model; kind and state digest of every record of every case."""
    rng = random.Random(seed)  # noqa: S311
    with store.transaction() as session:
        deploy(session, {"p.bpmn": xml_of(block)}, SYSTEM, NOW)
        start = CaseStart(OFFICE, 2571, "แบบสุ่ม", first_answers(block), key=key)
        root = start_case(session, "p", SYSTEM, NOW, start).id
    deliver_pending(store, NOW, root)
    family = select(Case).where(Case.root_case_id == root).order_by(Case.started_at, Case.id)
    for number in range(12):
        at = NOW + timedelta(hours=number + 1)
        with store.transaction() as session:
            open_ = [
                (case, waiting)
                for case in session.scalars(family.where(Case.state == "ACTIVE"))
                for waiting in engine.inspect(
                    compiled(session, case.definition), case.id, stepping.state_of(session, case).snapshot
                )
                if waiting.kind in ("user", "manual", "timer")
            ]
            if not open_:
                break
            case, waiting = rng.choice(sorted(open_, key=lambda pair: (pair[0].id, pair[1].task_id)))
            command: Command = (
                FireTimer(waiting.task_id)
                if waiting.kind == "timer"
                else CompleteTask(waiting.task_id, answers(block, rng))
            )
            kind = RecordKind.timer_fired if waiting.kind == "timer" else RecordKind.work_item_completed
            stepping.apply(session, case, command, SYSTEM, at, Act(kind, waiting.element, waiting.task_id))
            moved = case.id
        deliver_pending(store, at, moved)
    with store.reading() as session:
        return [
            [
                (record.kind, record.state_digest)
                for record in session.scalars(
                    select(JournalRecord).where(JournalRecord.case_id == case.id).order_by(JournalRecord.seq)
                )
            ]
            for case in session.scalars(family)
        ]


REPLAY = """
import hashlib, json, sys
from pathlib import Path
from osm_flow.operations.bundles.reading import read_bundle
from osm_flow.operations.bundles.states import lines_of_states
from osm_flow.domain.journal import canonical
out = {}
for name in sys.argv[1:]:
    for case in read_bundle(Path(name)).cases:
        lines = [canonical(line) for line in lines_of_states(case.history, with_data=True)]
        out[case.history.case_id] = [len(lines), hashlib.sha256(b"".join(lines)).hexdigest()]
print(json.dumps(out, sort_keys=True))
"""


def replayed_elsewhere(hash_seed: str, *paths: Path) -> dict[str, list[object]]:
    """What a Python of its own, with this hash seed, makes of the histories in these bundles."""
    environ = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", REPLAY, *map(str, paths)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environ, timeout=200)
    return json.loads(answer.stdout)  # type: ignore[no-any-return]


@pytest.mark.timeout(600)
def test_random_models_replay_to_the_same_bytes_everywhere(
    sqlite_store: Store, new_postgresql: Callable[[], Store], tmp_path: Path
) -> None:
    """On both databases, after backup and restore, and in processes with other hash seeds."""
    postgresql = new_postgresql()
    for store in (sqlite_store, postgresql):
        with store.transaction() as session:
            make_office(session)
    paths: list[Path] = []

    @settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(block=models(), seed=st.integers(0, 10_000))
    def both_databases_agree(block: Block, seed: int) -> None:
        key = f"random-{len(paths)}"
        assert play(sqlite_store, block, seed, key) == play(postgresql, block, seed, key)
        with sqlite_store.reading() as session:
            root = session.scalars(select(Case.id).order_by(Case.business_key.desc())).first()
        case_id = stepping.case_id_for(SYSTEM.username, key)
        assert root is not None
        paths.append(write_bundle(sqlite_store, case_id, tmp_path / f"{len(paths)}.zip", None))

    both_databases_agree()

    seeds = [replayed_elsewhere(hash_seed, *paths) for hash_seed in ("0", "1", "4242")]
    assert seeds[0] == seeds[1] == seeds[2]
    assert len(seeds[0]) >= len(paths)
    copy = tmp_path / "copy.db"
    backup.backup(sqlite_store, copy)
    restored = Store(f"sqlite:///{tmp_path / 'restored.db'}")
    backup.restore(restored, copy)
    for store in (sqlite_store, postgresql, restored):
        with store.reading() as session:
            results = [found for _, found in verify_all_deep(session)]
        assert [found.faults for found in results if found.faults] == []
        assert {found.case_id: found.compared for found in results} == {
            case_id: count for case_id, (count, _) in seeds[0].items()
        }
    for number, path in enumerate(paths):
        case_id = stepping.case_id_for(SYSTEM.username, f"random-{number}")
        assert write_bundle(restored, case_id, tmp_path / "again.zip", None).read_bytes() == path.read_bytes()
    restored.close()


def _without_triggers(store: Store, session: object) -> None:
    names = ("refuse_update_of_journal_payloads",)
    for name in names:
        end = "" if store.dialect == "sqlite" else " ON journal_payloads"
        session.execute(text(f"DROP TRIGGER {name}{end}"))  # type: ignore[attr-defined]
