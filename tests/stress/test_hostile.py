"""Hostile requests to every route, few enough for every run of the suite; `make stress` sends many more."""

from __future__ import annotations

import os
import re
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.app import create_app
from osm_flow.domain.states import OPEN_WORK_ITEM
from osm_flow.operations.privacy.erasing import NothingToErase
from osm_flow.settings import Settings
from osm_flow.store.models import Attachment, Case, Person, WaitingMessage, WorkItem
from osm_flow.store.session import Store
from tests.stress import hostile

REQUESTS = int(os.environ.get("OSM_HOSTILE", "1200"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def test_whatever_is_sent_is_answered_and_is_no_fault_of_the_server(kind: str) -> None:
    found = hostile.attack(kind, REQUESTS if kind == "sqlite" else REQUESTS // 2, 30)

    assert found.is_clean, (found.as_json(), found.faults)
    assert len(found.routes) == found.total
    assert len(found.entered) > 40, found.as_json()
    assert found.answers["200"] > 50
    assert found.answers["302"] > 0


@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", ["a query that is read as a number without looking"])
def test_a_planted_fault_is_found(fault: str) -> None:
    assert not hostile.attack("sqlite", 700, 30, before=hostile.SABOTAGE[fault]).is_clean


def test_pages_and_acts_of_cases_that_lost_all_that_was_typed_are_answered(sqlite_store: Store, tmp_path: Path) -> None:
    """Every case of the demo, however far it has come, without a single payload that may go."""
    hostile.prepare(sqlite_store)
    with sqlite_store.transaction() as session:
        for case in session.scalars(select(Case)).all():
            with suppress(NothingToErase):
                hostile.erase_all(session, case)
        paths, items = erased_addresses(session)
        names = Person.username.in_(("kanya", "thanakorn", "auditor"))
        people = {one.username: f"{one.id}:{one.session_epoch}" for one in session.scalars(select(Person).where(names))}
    site = create_app(Settings(env="test", secret_key="k" * 40, data_dir=tmp_path), store=sqlite_store)
    answers: Counter[int] = Counter()

    for username, identity in people.items():
        browser = site.test_client()
        with browser.session_transaction() as cookies:
            cookies["_user_id"] = identity
        for path in (path for path in paths if path.startswith("/audit") == (username == "auditor")):
            answers[browser.get(path).status_code] += 1
        token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/account").text)
        assert token is not None
        for item in items if username != "auditor" else ():
            for act in ("claim", "draft", "complete", "comments"):
                data = {"csrf_token": token[1], "body": "x", "decision": "return", "reason": "ก"}
                answers[browser.post(f"/work-items/{item}/{act}", data=data).status_code] += 1

    assert set(answers) <= {200, 302, 403, 404, 409, 422}
    assert answers[200] > 100
    assert answers[302] > 20


def erased_addresses(session: Session) -> tuple[list[str], list[str]]:
    """The pages of every case, record, work item and file; and the work items that are open."""
    paths = []
    for case in session.scalars(select(Case)):
        seen = sorted({1, max(1, case.seq // 2), case.seq})
        paths += [f"/cases/{case.id}", f"/cases/{case.id}/picture"]
        paths += [
            f"/audit/cases/{case.id}{more}" for more in ("", "/chain", "/course", "/moments?first=1&last=20", "/bundle")
        ]
        paths += [f"/audit/cases/{case.id}/at/{seq}{more}" for seq in seen for more in ("", "/data", "/picture")]
    paths += [f"/work-items/{item}" for item in session.scalars(select(WorkItem.id))]
    paths += [f"/attachments/{number}" for number in session.scalars(select(Attachment.id))]
    paths += [f"/cases/{one.case_id}/answers/{one.task_id}" for one in session.scalars(select(WaitingMessage))]
    return paths, list(session.scalars(select(WorkItem.id).where(WorkItem.state.in_(OPEN_WORK_ITEM))))
