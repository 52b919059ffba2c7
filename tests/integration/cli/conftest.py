"""The command line on a fresh database, and cases for the commands that look at the past."""

from __future__ import annotations

from pathlib import Path

import pytest

from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.session import Store
from tests.factories import BPMN, NOW, deploy_unrecorded, items_of, later, make_case, make_office, make_person
from tests.integration.cli.shell import NAME, Shell


@pytest.fixture
def shell(sqlite_store: Store, tmp_path: Path) -> Shell:
    """On migrated tables without a row."""
    return Shell(sqlite_store, tmp_path)


@pytest.fixture
def deployed(shell: Shell) -> Shell:
    """In an office that has two processes."""
    with shell.store.transaction() as session:
        make_office(session)
    forms = (BPMN / "note.yaml", BPMN / "decision.yaml")
    shell.json("process", "deploy", BPMN / "review.bpmn", BPMN / "broken.bpmn", *forms)
    return shell


@pytest.fixture
def an_hour_later(sqlite_store: Store, tmp_path: Path) -> Shell:
    """When the case that `case_id` names has ended."""
    return Shell(sqlite_store, tmp_path, now=later(60))


@pytest.fixture
def case_id(sqlite_store: Store) -> str:
    """An ended case in whose second record a name stands."""
    with sqlite_store.transaction() as session:
        make_office(session)
        deploy_unrecorded(session, "review")
        for username, role in (("anan", "osm_strategy"), ("boss", "osm_director"), ("root", "admin")):
            make_person(session, username, role)
        anan, boss = (actor_named(session, name, NOW.date()) for name in ("anan", "boss"))
        case = make_case(session)
        draft = items_of(session, case)[0]
        complete(session, draft.id, anan, NOW, Completion.of({"text": f"พบ {NAME}"}))
        check = items_of(session, case)[0]
        work_items.claim(session, check.id, boss, later(2))
        complete(session, check.id, boss, later(3), Completion.of({"approved": True, "reason": "ดี"}))
        return case.id
