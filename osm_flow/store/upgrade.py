"""Bringing a database to the newest tables. Safe when several nodes do it at once: one works, the others wait.

Alembic is only imported when there is something to do: it takes longer than all the rest of a start's look at the tables.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from osm_flow.store.advisory_locks import AdvisoryLock, take
from osm_flow.store.session import Store, refusing

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(store: Store) -> list[str]:
    """Run every migration that the database lacks, in one transaction; the revisions that were run, oldest first.

    Raises Busy where others use the database for longer than one waits.
    """
    if store.dialect == "sqlite" and store.url.database not in (None, "", ":memory:"):
        Path(str(store.url.database)).parent.mkdir(parents=True, exist_ok=True)
    if current_revision(store) == newest_revision():
        return []
    from alembic import command
    from alembic.script import ScriptDirectory

    with refusing(), store.engine.execution_options(osm_begin="IMMEDIATE").begin() as connection:
        _be_patient(connection)
        take(connection, AdvisoryLock.upgrade)
        before = _revision(connection)
        command.upgrade(_config(connection), "head")
        scripts = ScriptDirectory.from_config(_config(connection))
        return [script.revision for script in reversed(list(scripts.iterate_revisions("head", before or "base")))]


def current_revision(store: Store) -> str | None:
    """The newest migration that the database has seen; None for an empty one."""
    with store.engine.connect() as connection:
        return _revision(connection)


def newest_revision() -> str:
    """The newest migration of this version of the product: its files are numbered in their order."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def _be_patient(connection: Connection) -> None:
    """Another node's upgrade may take its time, and so may this one; yet neither for ever."""
    if connection.dialect.name == "postgresql":
        for setting in ("lock_timeout = '10min'", "statement_timeout = 0", "idle_in_transaction_session_timeout = 0"):
            connection.exec_driver_sql(f"SET LOCAL {setting}")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
