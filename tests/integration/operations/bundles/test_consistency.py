"""A bundle carries proofs from the checkpoints that a witness may hold."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.audit.log import Checkpoint, consistency, latest_checkpoint, make_checkpoint
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.people.hats import actor_named
from osm_flow.store.session import Store
from tests.bundles import Forger, make_family, run_script, verdict_of, write_bundle
from tests.factories import NOW, deploy_tests, make_case, make_office, make_person


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys", "osm.example.go.th/journal")


@pytest.fixture
def key(keyring: Keyring) -> tuple[str, str]:
    return "--key", str(keyring.folder / "trusted")


def sign(store: Store, keyring: Keyring, days: int, case_id: str) -> Checkpoint:
    """One record more, and a checkpoint over it."""
    at = NOW + timedelta(days=days)
    with store.transaction() as session:
        comment(session, case_id, actor_named(session, "anan", NOW.date()), at, body="ก", key=f"{days}")
    with store.transaction() as session:
        return make_checkpoint(session, at, SYSTEM, keyring=keyring)


def test_checkpoints_of_witnesses_are_compared_by_the_proofs_in_the_bundle(
    store: Store, keyring: Keyring, key: tuple[str, str], tmp_path: Path
) -> None:
    case_id = make_family(store)
    early = [sign(store, keyring, days, case_id) for days in (1, 2, 3)]
    path = write_bundle(store, case_id, tmp_path / "x.zip", keyring)
    kept = tmp_path / "witness.txt"

    for number, checkpoint in enumerate(early):
        mail = f"From: osm\r\n\r\nโปรดเก็บอีเมลฉบับนี้ไว้\n\n{checkpoint.note}" if number else checkpoint.note
        kept.write_text(mail)
        code, told = verdict_of(path, *key, "--checkpoint", str(kept))
        assert (code, told.endswith("; compared with the given checkpoint")) == (0, True)
        assert verdict_of(path, "--checkpoint", str(kept))[0] == 3


def test_a_log_that_was_forked_is_found(store: Store, keyring: Keyring, key: tuple[str, str], tmp_path: Path) -> None:
    """The same key signed another past: what a witness holds says so at any size."""
    case_id = make_family(store)
    early = sign(store, keyring, 1, case_id)
    sign(store, keyring, 2, case_id)
    path = write_bundle(store, case_id, tmp_path / "x.zip", keyring)
    from osm_flow.domain.merkle_note import Head
    from osm_flow.operations.audit.signing_keys import sign as signed_note

    other = str(Head(keyring.origin, early.size, b"\1" * 32))
    kept = tmp_path / "witness.txt"
    kept.write_text(str(signed_note(other, keyring.trusted()[0], keyring)))

    assert verdict_of(path, *key, "--checkpoint", str(kept)) == (1, "does not hold")
    assert "not proven to be of the same log" in run_script(path, *key, "--checkpoint", str(kept))[1]
    kept.write_text(early.note.replace("osm.example.go.th/journal\n", "another.example/journal\n", 1))
    assert verdict_of(path, *key, "--checkpoint", str(kept))[0] == 1
    kept.write_text("no checkpoint at all")
    assert verdict_of(path, *key, "--checkpoint", str(kept))[0] == 1


def test_a_newer_checkpoint_needs_a_proof_of_its_own(
    store: Store, keyring: Keyring, key: tuple[str, str], tmp_path: Path
) -> None:
    case_id = make_family(store)
    old = sign(store, keyring, 1, case_id)
    path = write_bundle(store, case_id, tmp_path / "x.zip", keyring)
    new = sign(store, keyring, 2, case_id)
    kept, proof = tmp_path / "witness.txt", tmp_path / "proof.json"
    kept.write_text(new.note)

    code, told = verdict_of(path, *key, "--checkpoint", str(kept))
    assert (code, told.endswith("; NOT compared with the given checkpoint")) == (3, True)
    assert (
        f"osm-flow audit consistency {old.size} {new.size} --json"
        in run_script(path, *key, "--checkpoint", str(kept))[1]
    )

    with store.reading() as session:
        shown = {"path": consistency(session, old.size, new.size), "old": vars(old), "new": vars(new)}
    given = ("--checkpoint", str(kept), "--consistency", str(proof))
    proof.write_text(json.dumps(shown, default=str))
    assert verdict_of(path, *key, *given)[0] == 0
    proof.write_text(json.dumps({**shown, "path": [*shown["path"][::-1], "0" * 64]}, default=str))
    assert verdict_of(path, *key, *given)[0] == 1
    for nonsense in ("", "{}", '{"old":1}', "[" * 100_000, '{"old":{"size":1},"new":{"size":2},"path":[1]}'):
        proof.write_text(nonsense)
        assert verdict_of(path, *key, *given)[0] == 1


def test_of_many_checkpoints_those_of_the_last_year_and_one_of_each_month_before_are_proven(
    sqlite_store: Store, keyring: Keyring, key: tuple[str, str], tmp_path: Path
) -> None:
    with sqlite_store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        make_person(session, "anan", "osm_strategy")
        before = make_case(session, "review").id
    sign(sqlite_store, keyring, 0, before)
    with sqlite_store.transaction() as session:
        case_id = make_case(session, "review", now=NOW + timedelta(days=1)).id
    for days in (*range(2, 80, 7), *range(400, 700, 60)):
        sign(sqlite_store, keyring, days, case_id)
    path = write_bundle(sqlite_store, case_id, tmp_path / "x.zip", keyring)

    found = json.loads(Forger.of(path).files["consistency.json"])
    with sqlite_store.reading() as session:
        newest = latest_checkpoint(session)
    assert newest is not None
    assert found["size"] == newest.size
    # None from before the case; one each of November, December, January and February; all but the newest since.
    assert len(found["proofs"]) == 4 + 4
    assert verdict_of(path, *key)[0] == 0
