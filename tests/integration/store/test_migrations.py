from __future__ import annotations

import re

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from osm_flow.store.database import db
from osm_flow.store.session import Store
from osm_flow.store.upgrade import MIGRATIONS, current_revision, newest_revision, upgrade
from tests.factories import deploy_tests, make_case, make_office


def test_migrations_make_the_tables_of_the_models(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})

        assert compare_metadata(context, db.metadata) == []


def test_there_is_one_head_and_the_numbers_rise() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    revisions = [script.revision for script in scripts.walk_revisions()]

    assert scripts.get_heads() == [newest_revision()]
    assert revisions == sorted(revisions, reverse=True)
    names = [path.name for path in (MIGRATIONS / "versions").glob("*.py")]
    assert all(re.fullmatch(r"\d{4}_[a-z0-9_]+\.py", name) for name in names)


def test_upgrading_twice_changes_nothing(store: Store) -> None:
    assert upgrade(store) == []
    assert current_revision(store) == newest_revision()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal_records SET actor = 'mallory'",
        "DELETE FROM journal_records",
        "UPDATE journal_payloads SET body = '{}'",
    ],
)
def test_the_database_refuses_to_change_history(store: Store, statement: str) -> None:
    _a_case(store)

    with pytest.raises(DBAPIError, match="append-only"), store.transaction() as session:
        session.execute(text(statement))


@pytest.mark.parametrize("table", ["journal_records", "journal_payloads"])
def test_postgresql_refuses_to_empty_the_journal(new_postgresql, table: str) -> None:  # type: ignore[no-untyped-def]
    store = new_postgresql()
    _a_case(store)

    with pytest.raises(DBAPIError, match="append-only"), store.transaction() as session:
        session.execute(text(f"TRUNCATE {table} CASCADE"))


@pytest.mark.parametrize("table", ["journal_records", "journal_payloads"])
def test_replacing_is_refused_too(sqlite_store: Store, table: str) -> None:
    _a_case(sqlite_store)

    with pytest.raises(DBAPIError, match="append-only"), sqlite_store.transaction() as session:
        session.execute(text(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"))  # noqa: S608


def test_a_payload_may_be_erased(store: Store) -> None:
    _a_case(store)

    with store.transaction() as session:
        session.execute(text("DELETE FROM journal_payloads"))

    with store.reading() as session:
        assert session.execute(text("SELECT count(*) FROM journal_payloads")).scalar() == 0


def _a_case(store: Store) -> str:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        return make_case(session).id
