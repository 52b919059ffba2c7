"""Databases of earlier versions: each is brought up to date and everybody goes on working in it.

`databases/<version>.sql.xz` is the demo cluster as that version left it, with its running cases, as SQL of SQLite. They are
never made anew: a later version opens what an earlier one wrote. The demo of a version that was landed is added beside them.
"""

from __future__ import annotations

import lzma
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Boolean, Connection, Date, LargeBinary, MetaData, Table, func, insert, select, text

from osm_flow.domain.access.roles import OWN_ONLY, PROVINCIAL
from osm_flow.operations.audit import log as audit_log
from osm_flow.operations.audit.log_checks import check_log
from osm_flow.operations.comparing.administration import record_as_found
from osm_flow.operations.comparing.checks import compare
from osm_flow.operations.comparing.differences import NotRecorded
from osm_flow.operations.ledger.admin_journal import check_chain
from osm_flow.operations.people.hats import actor_for
from osm_flow.operations.replay.verify import verify_all_deep
from osm_flow.store.database import instant_text
from osm_flow.store.models import Notification, Person, Position, WorkItem
from osm_flow.store.session import Store
from osm_flow.store.upgrade import current_revision, newest_revision, upgrade
from tests.integration.store.test_upgrade import empty_store, migrate
from tests.integration.web.visits import Site, open_site

pytestmark = pytest.mark.sampled

__all__ = ["empty_store"]
FOLDER = Path(__file__).parent / "databases"
VERSIONS = sorted(path.name.removesuffix(".sql.xz") for path in FOLDER.glob("*.sql.xz"))
# All of them were made on this day.
NOW = datetime(2026, 11, 30, 11, 30, tzinfo=UTC)


def script(version: str) -> str:
    return lzma.decompress((FOLDER / f"{version}.sql.xz").read_bytes()).decode()


@pytest.fixture(params=VERSIONS)
def old(request: pytest.FixtureRequest, empty_store: Store, tmp_path: Path) -> Store:
    """A database as an earlier version left it, of either kind."""
    if empty_store.dialect == "sqlite":
        with closing(sqlite3.connect(str(empty_store.url.database))) as connection:
            connection.executescript(script(request.param))
        return empty_store
    with closing(sqlite3.connect(tmp_path / "old.db")) as source:
        source.executescript(script(request.param))
        source.row_factory = sqlite3.Row
        (revision,) = source.execute("SELECT version_num FROM alembic_version").fetchone()
        migrate(empty_store, command.upgrade, revision)
        with empty_store.engine.begin() as target:
            _copy(source, target)
    return empty_store


def _copy(source: sqlite3.Connection, target: Connection) -> None:
    """Every row of a database of that version's tables, as PostgreSQL would have kept it."""
    tables = MetaData()
    tables.reflect(target)
    target.execute(text("SET session_replication_role = replica"))  # rows may name rows that come later
    for table in tables.sorted_tables:
        if table.name == "alembic_version":
            continue
        target.execute(table.delete())
        rows = [_as_kept(table, row) for row in source.execute(f'SELECT * FROM "{table.name}"')]  # noqa: S608
        if rows:
            target.execute(insert(table), rows)
        for column in table.primary_key.columns:
            if column.server_default is not None and "nextval" in str(column.server_default.arg):  # type: ignore[attr-defined]
                top = target.scalar(select(func.coalesce(func.max(column), 0))) or 0
                target.execute(
                    select(func.setval(func.pg_get_serial_sequence(table.name, column.name), top + 1, False))
                )
    target.execute(text("SET session_replication_role = DEFAULT"))


def _as_kept(table: Table, row: sqlite3.Row) -> dict[str, Any]:
    readers: dict[type, Callable[[Any], Any]] = {Boolean: bool, Date: date.fromisoformat, LargeBinary: bytes}
    kept = {}
    for name in row.keys():  # noqa: SIM118 (a row of sqlite3 is no mapping)
        reader = next((read for kind, read in readers.items() if isinstance(table.c[name].type, kind)), None)
        kept[name] = reader(row[name]) if reader and row[name] is not None else row[name]
    return kept


def test_there_is_a_database_of_each_landed_version() -> None:
    assert VERSIONS == ["0.1", "0.2"]


def test_every_history_verifies_after_the_upgrade(old: Store) -> None:
    upgrade(old)
    assert current_revision(old) == newest_revision()

    with old.transaction() as session:
        audit_log.append_new(session)
        results = list(verify_all_deep(session))
        assert len(results) > 10
        assert [fault for _, result in results for fault in result.faults] == []
        assert check_log(session).faults == []


def differences(store: Store) -> tuple[list[str], list[NotRecorded]]:
    taken: list[NotRecorded] = []
    with store.reading() as session:
        return [one.en for one in compare(session, (), taken.append)], taken


def test_the_tables_say_what_the_chains_say_or_what_that_version_did_not_record(old: Store) -> None:
    upgrade(old)
    found, taken = differences(old)
    assert found == []
    assert {"fiscal_calendar", "people", "deployments"} <= {one.table for one in taken}
    assert {one.since for one in taken} == {None}

    with old.transaction() as session:
        assert record_as_found(session, NOW) > 10
        assert record_as_found(session, NOW) == 0
        assert check_chain(session).faults == []
    found, again = differences(old)
    assert found == []
    assert {one.table for one in again} == {one.table for one in taken}
    assert {one.since for one in again if one.table != "cases"} == {instant_text(NOW)}


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO people (username, display_name, name_salt, locale, session_epoch, created_at) "
        "SELECT 'ghost', 'ผี', '', 'th', 0, created_at FROM people WHERE id = 1",
        "INSERT INTO positions (person_id, office_id, role, title_th, title_en, kind, valid_from, waits) "
        "SELECT person_id, office_id, 'admin', '', '', 'substantive', valid_from, waits FROM positions WHERE id = 1",
        "UPDATE people SET display_name = 'ปลอม' WHERE id = 1",
        "UPDATE positions SET role = 'admin' WHERE id = 1",
        "UPDATE fiscal_calendar SET date = '2030-01-01' WHERE key = 'plan_submit'",
        "UPDATE deployments SET actor = 'anan' WHERE id = 1",
    ],
)
def test_what_is_backdated_after_the_first_start_is_not_believed(old: Store, change: str) -> None:
    upgrade(old)
    with old.transaction() as session:
        record_as_found(session, NOW)
    with old.transaction() as session:
        session.execute(text(change))
    assert differences(old)[0] != []


@pytest.fixture
def site(old: Store) -> Site:
    upgrade(old)
    site = open_site(old)
    site.now = NOW
    return site


def accounts(site: Site) -> list[str]:
    return list(site.read(lambda session: session.scalars(select(Person.username).order_by(Person.id)).all()))


def test_every_account_keeps_working(site: Site) -> None:
    """Each comes in, sees its lists, opens what is asked of it, and can take what nobody holds."""
    usernames, opened, taken = accounts(site), 0, 0
    assert len(usernames) > 15
    if site.store.dialect == "postgresql" and not os.environ.get("OSM_ALL_ACCOUNTS"):
        usernames = usernames[::4]  # all of them on SQLite, and in the long run
    for username in usernames:
        visitor = site.visit(username)
        for path in (
            "/",
            "/inbox",
            "/inbox?view=groups",
            "/inbox?view=mine",
            "/cases",
            "/calendar",
            "/account",
            "/notices",
        ):
            assert visitor.get(path).status == 200, (username, path)
        for item_id, state in asked_of(site, username):
            page = visitor.get(f"/work-items/{item_id}")
            assert page.status == 200, (username, item_id)
            opened += 1
            if state == "READY" and page.page.xpath(f'//form[contains(@action, "/work-items/{item_id}/claim")]'):
                assert visitor.post(f"/work-items/{item_id}/claim").status == 302, (username, item_id)
                taken += 1
    assert opened > len(usernames) // 2
    assert taken


def asked_of(site: Site, username: str) -> Iterator[tuple[str, str]]:
    """Some open work items of which the person holds one or is a candidate by a position of theirs."""

    def find(session: Any) -> list[tuple[str, str]]:
        person = session.scalars(select(Person).where(Person.username == username)).one()
        actor = actor_for(session, person, NOW.date())
        assert actor.hats, username
        query = select(WorkItem).where(WorkItem.state.in_(("READY", "CLAIMED"))).order_by(WorkItem.id)
        found = []
        for item in session.scalars(query):
            spelled = [f"{one.role}@{one.province_id}" if one.province_id else one.role for one in item.candidates]
            is_asked = actor.hat_for([name for name in spelled if name], item.office_id) is not None
            if item.assignee_id == person.id or (item.assignee_id is None and is_asked):
                found.append((item.id, item.state))
        return found[:4]

    yield from site.read(find)


def test_whoever_sees_or_may_do_less_was_told_in_thai(site: Site) -> None:
    def told(session: Any) -> dict[str, set[str]]:
        query = select(Position.role, Notification.text_th).join(
            Notification, Notification.person_id == Position.person_id
        )
        found: dict[str, set[str]] = {}
        for role, words in session.execute(query.where(Notification.kind == "change")):
            found.setdefault(role, set()).add(words)
        return found

    said = site.read(told)
    held = set(site.read(lambda session: session.scalars(select(Position.role)).all()))
    assert (PROVINCIAL | OWN_ONLY) & held <= set(said)
    assert all(max(words) >= "ก" for texts in said.values() for words in texts)
