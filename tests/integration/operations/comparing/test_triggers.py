"""A trigger that was dropped or disarmed is named."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from osm_flow.operations.comparing.triggers import compare_triggers, wanted_triggers


def test_all_are_there_and_each_that_is_dropped_is_named(session: Session) -> None:
    dialect = session.get_bind().dialect.name
    assert list(compare_triggers(session)) == []

    for name in wanted_triggers(dialect):
        with session.begin_nested() as apart:
            table = name.split("_of_", 1)[1]
            session.execute(text(f"DROP TRIGGER {name}" + ("" if dialect == "sqlite" else f" ON {table}")))
            assert [one.row for one in compare_triggers(session)] == [name]
            apart.rollback()


def test_no_trigger_of_ours_is_left_out(session: Session) -> None:
    dialect = session.get_bind().dialect.name
    if dialect == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    assert set(session.scalars(text(query))) == set(wanted_triggers(dialect))


def test_one_that_refuses_nothing_any_more_is_named(session: Session) -> None:
    name, table = "refuse_update_of_journal_records", "journal_records"
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text(f"DROP TRIGGER {name}"))
        session.execute(text(f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} BEGIN SELECT 1; END"))
    else:
        session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER {name}"))

    assert [(one.row, one.column) for one in compare_triggers(session)] == [(name, "state")]
