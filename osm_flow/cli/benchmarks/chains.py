"""Proving the past: chains verified offline by the script of the bundle, and histories replayed state by state."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from osm_flow.cli.benchmarks.bench import Bench, BenchOffice, timed
from osm_flow.cli.benchmarks.diagrams import files as diagrams
from osm_flow.cli.benchmarks.journals import lengthen
from osm_flow.cli.benchmarks.stepping import begin, go_round
from osm_flow.domain import journal
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.audit import log as audit_log
from osm_flow.operations.bundles import writing as bundle_writing
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.replay import verify
from osm_flow.operations.replay.history import history_of
from osm_flow.operations.replay.refold import fold
from osm_flow.store.models import Case


def chain(bench: Bench) -> dict[str, Any]:
    """Records per minute on one core: `verify.py` on a bundle (payloads and proof included), and the chain alone."""
    records = bench.size(50_000, 300)
    with bench.office("chain") as office:
        case_id = _case(bench, office)
        with office.store.transaction() as session:
            lengthen(session, case_id, records)
        with office.store.transaction() as session:
            audit_log.make_checkpoint(session, bench.now(), SYSTEM, keyring=office.context.keyring)
        bundle = office.context.data_dir / "bundle.zip"
        with office.store.reading() as session, bundle.open("wb") as target:
            bundle_writing.write_bundle(session, case_id, target, keyring=office.context.keyring)
        offline = timed(_verify, bundle, office.context.keyring.folder / "trusted")
        idle = timed(subprocess.run, [sys.executable, "-I", "-c", "pass"])
        with office.store.reading() as session:
            history = history_of(session, session.get_one(Case, case_id))
            of_chain = timed(lambda: _require_no(journal.faults_of_chain(case_id, history.chain)))
        size = bundle.stat().st_size
    return {
        "records": records + 1,
        "bundle_bytes": size,
        "verify_py_records_per_minute": round((records + 1) / (offline - idle) * 60),
        "chain_only_records_per_minute": round((records + 1) / of_chain * 60),
        "aim_records_per_minute": 1_000_000,
    }


def _verify(bundle: Path, key: Path) -> None:
    with as_file(files("osm_flow.operations.bundles.files") / "verify.py") as script:
        answer = subprocess.run(  # noqa: S603 (the script that we ship)
            [sys.executable, "-I", script, bundle, "--key", key], capture_output=True, text=True, check=False
        )
    if answer.returncode != 0:
        raise RuntimeError(f"the bundle does not verify: {answer.stdout[-2000:]}{answer.stderr[-2000:]}")


def _require_no(faults: list[journal.Fault]) -> None:
    if faults:
        raise RuntimeError(f"the chain does not verify: {faults[0]}")


def deep_replay(bench: Bench) -> dict[str, Any]:
    """Records per second of a replay of the rework loop in which every state is compared with its digest."""
    steps = bench.size(2_000, 40)
    with bench.office("deep_replay") as office:
        case_id = _case(bench, office)
        go_round(bench, office.store, case_id, office.actor(), steps)
        with office.store.reading() as session:
            history = history_of(session, session.get_one(Case, case_id))
            rounds = bench.size(3, 1)
            replay = min(timed(list, fold(history)) for _ in range(rounds))
            whole = min(timed(_prove, session, case_id) for _ in range(rounds))
    return {
        "records": steps + 1,
        "replay_records_per_second": round((steps + 1) / replay),
        "verify_deep_records_per_second": round((steps + 1) / whole),
        "aim_records_per_second": 2_000,
    }


def _prove(session: Any, case_id: str) -> None:
    _require_no(verify.verify_deep(session, case_id).faults)


def _case(bench: Bench, office: BenchOffice) -> str:
    actor = office.actor()
    with office.store.transaction() as session:
        deploy(session, diagrams("rework"), SYSTEM, bench.now())
        return begin(session, actor, bench.now()).id
