"""Bringing a database to the newest tables. Safe when several nodes do it at once: one works, the others wait."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from osm_flow.store.session import Store

MIGRATIONS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 7_305_801


def upgrade(store: Store) -> list[str]:
    """Run every migration that the database lacks, in one transaction; the revisions that were run, oldest first."""
    if store.dialect == "sqlite" and store.url.database not in (None, "", ":memory:"):
        Path(str(store.url.database)).parent.mkdir(parents=True, exist_ok=True)
    with store.engine.execution_options(osm_begin="IMMEDIATE").begin() as connection:
        if store.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        before = MigrationContext.configure(connection).get_current_revision()
        command.upgrade(_config(connection), "head")
        scripts = ScriptDirectory.from_config(_config(connection))
        return [script.revision for script in reversed(list(scripts.iterate_revisions("head", before or "base")))]


def current_revision(store: Store) -> str | None:
    """The newest migration that the database has seen; None for an empty one."""
    with store.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str | None:
    """The newest migration of this version of the product. Raises when there are two heads."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
