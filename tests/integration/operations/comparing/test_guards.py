"""A trigger that was dropped, disarmed, made again otherwise or slipped in is named."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from osm_flow.operations.comparing.guards import compare_guards, found_guards, wanted_guards
from osm_flow.store.session import Store

UPDATE = "refuse_update_of_journal_records"
REFUSE = "BEGIN SELECT RAISE(ABORT, 'the journal is append-only: UPDATE of journal_records'); END"
MADE_AGAIN = {
    "sqlite": (
        f"CREATE TRIGGER {UPDATE} BEFORE UPDATE ON journal_records BEGIN SELECT 1; END",
        f"CREATE TRIGGER {UPDATE} BEFORE UPDATE ON journal_records WHEN 0 {REFUSE}",
        f"CREATE TRIGGER {UPDATE} BEFORE UPDATE OF seq ON journal_records {REFUSE}",
        f"CREATE TRIGGER {UPDATE} BEFORE UPDATE ON journal_payloads {REFUSE}",
        f"CREATE TRIGGER {UPDATE} AFTER INSERT ON journal_records WHEN NEW.seq < 0 {REFUSE}",
    ),
    "postgresql": tuple(
        f"CREATE TRIGGER {UPDATE} {how} EXECUTE FUNCTION {what}"
        for how, what in (
            ("BEFORE UPDATE ON journal_records FOR EACH ROW WHEN (false)", "refuse_change_of_journal()"),
            ("BEFORE UPDATE OF seq ON journal_records FOR EACH ROW", "refuse_change_of_journal()"),
            ("BEFORE UPDATE ON journal_payloads FOR EACH ROW", "refuse_change_of_journal()"),
            ("BEFORE UPDATE ON journal_records FOR EACH STATEMENT", "refuse_change_of_journal()"),
            ("BEFORE UPDATE ON journal_records FOR EACH ROW", "refuse_delete_of_access()"),
        )
    ),
}
SLIPPED_IN = {
    "sqlite": (
        "CREATE TRIGGER after_it AFTER INSERT ON comments BEGIN UPDATE work_items SET completed_by = 'x'; END",
        "CREATE TRIGGER kept BEFORE INSERT ON journal_records BEGIN SELECT RAISE(IGNORE); END",
    ),
    "postgresql": (
        "CREATE TRIGGER after_it AFTER INSERT ON comments FOR EACH ROW EXECUTE FUNCTION refuse_change_of_journal()",
        "CREATE RULE after_it AS ON UPDATE TO comments DO INSTEAD NOTHING",
        "SET LOCAL session_replication_role = replica",
    ),
}


@pytest.fixture
def dialect(session: Session) -> str:
    return session.get_bind().dialect.name


def drop(session: Session, name: str) -> None:
    table = name.split("_of_", 1)[1]
    session.execute(
        text(f"DROP TRIGGER {name}" + ("" if session.get_bind().dialect.name == "sqlite" else f" ON {table}"))
    )


def test_each_is_as_the_migrations_make_it_and_one_that_is_dropped_is_named(session: Session, dialect: str) -> None:
    # Where this fails after a migration: python -m tests.guards.
    assert found_guards(session) == wanted_guards(dialect)
    assert list(compare_guards(session)) == []

    for name in wanted_guards(dialect):
        if not name.startswith("refuse_"):
            continue
        with session.begin_nested() as apart:
            drop(session, name)
            assert [(one.row, one.recorded, one.found) for one in compare_guards(session)] == [(name, "1", "")]
            apart.rollback()


def test_one_that_was_made_again_otherwise_is_named(session: Session, dialect: str) -> None:
    for statement in MADE_AGAIN[dialect]:
        with session.begin_nested() as apart:
            drop(session, UPDATE)
            session.execute(text(statement))
            assert [(one.row, one.column) for one in compare_guards(session)] == [(UPDATE, "definition")], statement
            apart.rollback()


def test_what_no_migration_made_is_named(session: Session, dialect: str) -> None:
    for statement in SLIPPED_IN[dialect]:
        with session.begin_nested() as apart:
            session.execute(text(statement))
            assert [(one.column, one.found) for one in compare_guards(session)] == [("", "1")], statement
            apart.rollback()


def test_a_function_that_refuses_nothing_any_more_and_a_trigger_that_sleeps_are_named(
    session: Session, dialect: str
) -> None:
    if dialect == "sqlite":
        pytest.skip("SQLite has neither")
    with session.begin_nested() as apart:
        session.execute(text(f"ALTER TABLE journal_records DISABLE TRIGGER {UPDATE}"))
        assert [(one.row, one.column) for one in compare_guards(session)] == [(UPDATE, "definition")]
        apart.rollback()
    session.execute(
        text(
            "CREATE OR REPLACE FUNCTION refuse_change_of_body() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RETURN NEW; END $$"
        )
    )
    assert [one.row for one in compare_guards(session)] == ["refuse_update_of_change_bodies"]


def test_an_index_that_is_gone_or_leaves_rows_out_is_named(session: Session, dialect: str) -> None:
    name = "ix_accesses_actor_id"
    with session.begin_nested() as apart:
        session.execute(text(f"DROP INDEX {name}"))
        assert [(one.row, one.found) for one in compare_guards(session)] == [(name, "")]
        session.execute(text(f"CREATE INDEX {name} ON accesses (actor, id) WHERE actor <> 'auditor'"))
        assert [(one.row, one.column) for one in compare_guards(session)] == [(name, "definition")]
        apart.rollback()


def test_what_was_given_another_kind_or_its_old_text_back_is_named(sqlite_store: Store) -> None:
    """In a file of SQLite anybody can write over how it was made; the trigger goes on firing, the index goes on hiding."""
    path = str(sqlite_store.url.database)
    sqlite_store.close()
    with closing(sqlite3.connect(path)) as file:
        (spelled,) = file.execute("SELECT sql FROM sqlite_master WHERE name = 'ix_accesses_actor_id'").fetchone()
        file.executescript(
            "INSERT INTO accesses (at, actor, kind, subject, reason, details) VALUES ('1', 'auditor', 'x', 'y', '', '');"
            "CREATE TRIGGER zz AFTER INSERT ON accesses BEGIN DELETE FROM comments; END;"
            "DROP INDEX ix_accesses_actor_id;"
            "CREATE INDEX ix_accesses_actor_id ON accesses (actor, id) WHERE actor <> 'auditor';"
            "PRAGMA writable_schema = 1;"
            "UPDATE sqlite_master SET type = 'TRIGGER' WHERE name = 'zz';"
        )
        file.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'ix_accesses_actor_id'", (spelled,))
        file.commit()
    with sqlite_store.reading() as session:
        found = [(one.row, one.column, one.found) for one in compare_guards(session)]

    assert ("zz", "", "1") in found
    assert any(row == "integrity_check" and "ix_accesses_actor_id" in said for row, _, said in found)


def test_the_difference_shows_where_the_definitions_part(session: Session, dialect: str) -> None:
    drop(session, UPDATE)
    session.execute(text(MADE_AGAIN[dialect][1]))

    (one,) = compare_guards(session)

    assert one.recorded != one.found
    assert ("WHEN 0" if dialect == "sqlite" else "UPDATE OF seq") in one.found


def test_every_table_that_only_grows_is_guarded() -> None:
    """Each append-only table of the models says so in its docstring; the file of triggers names them all."""
    models = Path(__file__).parents[4] / "osm_flow" / "store" / "models"
    said = {
        block.split('__tablename__ = "', 1)[1].split('"', 1)[0]
        for path in models.glob("*.py")
        for block in path.read_text(encoding="utf-8").split("\nclass ")[1:]
        if "Append-only" in block.split('__tablename__ = "', 1)[0] and "__tablename__" in block
    }
    assert len(said) > 5
    for dialect in ("sqlite", "postgresql"):
        guarded = {name.split("_of_", 1)[1] for name in wanted_guards(dialect) if name.startswith("refuse_")}
        assert said <= guarded, sorted(said - guarded)
