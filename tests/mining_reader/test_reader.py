"""`pm4py`, a process-mining library that knows nothing of us, reads our logs and counts what SQL counts."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from osm_flow.documents.event_logs import LOG_FORMS
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.background.delivery import deliver_pending
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.mining import event_log
from osm_flow.operations.privacy.pseudonyms import pseudonyms
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Case, JournalRecord, Project, WorkItem
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, items_of, later, make_case, make_office, make_person

HERE = Path(__file__).parent
ENVIRONMENT = HERE.parent.parent / ".venv-mining"
LOCK = HERE / "requirements.lock"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of the environment with pm4py, which is made when it is not there."""
    program = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin") / "python"
    made_from = ENVIRONMENT / "made-from"
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if made_from.exists() and made_from.read_text() == wanted:
        return program
    try:
        venv.create(ENVIRONMENT, clear=True, with_pip=True)
        install(program)
        made_from.write_text(wanted)
    except (OSError, subprocess.SubprocessError) as error:
        why = f"the environment with pm4py cannot be made: {getattr(error, 'stderr', None) or error}"
        if os.environ.get("OSM_REQUIRE_MINING") == "1":
            pytest.fail(why)
        pytest.skip(why)
    return program


def install(program: Path) -> None:
    """With uv where it is there and reaches the package index, else with pip."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if uv is not None:
        command = [uv, "pip", "install", "--quiet", "--python", program, "--require-hashes", "-r", LOCK]
        if subprocess.run(command, capture_output=True, timeout=400, check=False).returncode == 0:
            return
    command = [program, "-m", "pip", "install", "--quiet", "--retries", "1", "--require-hashes", "-r", LOCK]
    subprocess.run(command, capture_output=True, text=True, timeout=400, check=True)


@pytest.fixture
def worked(sqlite_store: Store) -> Store:
    """Cases with completions, claims, comments, a child, documents and a project."""
    with sqlite_store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review", "caller", "callee")
        session.add(
            Project(
                code="P-71-001",
                office_id="NE-U1",
                fiscal_year=2571,
                name_th="ถนน",
                agency_th="แขวงทางหลวง",
                budget_type="central",
                requested=Decimal(1),
            )
        )
        anan, boss = make_person(session, "anan", "osm_strategy"), make_person(session, "boss", "osm_director")
        caller = make_case(session, "caller", title="แม่").id
        for number in range(5):
            case = make_case(session, data={"project": {"code": "P-71-001"}})
            for turn, approved in enumerate((False, True)):
                draft = items_of(session, case)[0]
                work_items.claim(session, draft.id, anan, NOW)
                complete(session, draft.id, anan, NOW, Completion.of({"text": "ร่าง"}, f"d{number}{turn}"))
                check = items_of(session, case)[0]
                comment(session, case.id, boss, later(), body="ดู", key=f"c{number}{turn}", work_item_id=check.id)
                values = {"approved": approved, "reason": "1"}
                complete(session, check.id, boss, NOW, Completion.of(values, f"k{number}{turn}"))
    deliver_pending(sqlite_store, NOW, caller)
    return sqlite_store


def test_pm4py_counts_what_sql_counts(python: Path, worked: Store, tmp_path: Path) -> None:
    expected = counted_by_sql(worked)
    found = {}
    for name, form in LOG_FORMS.items():
        path = tmp_path / f"log.{form.ending}"
        with worked.reading() as session:
            scope = event_log.scope_for(session, SYSTEM)
            event_log.write(session, scope, path, format_=name, naming=pseudonyms(bytes(32)))
        found[name] = read(python, name, path)

    assert found["xes"]["events"] == found["json"]["events"] == found["sqlite"]["events"] == expected["events"]
    assert found["xes"]["cases"] == expected["cases"]
    assert found["xes"]["resources"] == expected["actors"]
    assert {name: found["xes"]["activities"][name] for name in ("ร่างแผน", "ตรวจร่าง")} == expected["touched"]
    assert found["json"] == found["sqlite"]
    assert found["json"]["objects"] == expected["objects"]
    assert found["json"]["activities"]["ร่างแผน"] == expected["drafts"]


def counted_by_sql(store: Store) -> dict[str, Any]:
    with store.reading() as session:

        def count(*where: Any) -> int:
            return session.scalar(select(func.count()).select_from(JournalRecord).where(*where)) or 0

        def distinct(*columns: Any) -> int:
            return session.scalar(select(func.count()).select_from(select(*columns).distinct().subquery())) or 0

        of_items = select(JournalRecord.task_id).join(WorkItem, WorkItem.id == JournalRecord.task_id)
        of_people = select(JournalRecord.actor, JournalRecord.actor_role).where(JournalRecord.actor != "system")
        acts = JournalRecord.kind.in_(("work_item.claimed", "work_item.completed"))
        return {
            "events": count(),
            "cases": distinct(JournalRecord.case_id),
            "actors": distinct(JournalRecord.actor),
            "touched": {
                "ร่างแผน": count(acts, JournalRecord.element == "draft"),
                "ตรวจร่าง": count(acts, JournalRecord.element == "check"),
            },
            "drafts": count(JournalRecord.kind == "work_item.completed", JournalRecord.element == "draft"),
            "objects": {
                "case": session.scalar(select(func.count()).select_from(Case)),
                "work_item": distinct(of_items.subquery()),
                "person_in_role": distinct(of_people.subquery()),
                "project": session.scalar(select(func.count()).select_from(Project)),
                # One plan in each case in which it was written.
                "document": session.scalar(
                    select(func.count(JournalRecord.case_id.distinct())).where(JournalRecord.element == "draft")
                ),
            },
        }


def read(python: Path, form: str, path: Path) -> dict[str, Any]:
    command = [python, HERE / "read_logs.py", form, path]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=200, check=True)
    counts: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return counts
