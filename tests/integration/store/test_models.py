"""The tables as a whole: all of them known by one import, made by the migrations, and alike in how they are kept."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import DateTime, ForeignKeyConstraint, UniqueConstraint, inspect

from osm_flow.store import models
from osm_flow.store.database import Instant, Model, db
from osm_flow.store.session import Store

MODELS = {mapper.class_ for mapper in Model.registry.mappers}


def is_told(_thing: object, name: str | None, *_more: object) -> bool:
    """All but indexes in falling order, of which SQLite does not tell that they are; `guards.json` has how they are spelled."""
    return name not in ("ix_projects_in_order", "ix_projects_of_office_in_order")


def test_migrations_make_the_tables_of_the_models(store: Store) -> None:
    with store.engine.connect() as connection:
        opts = {"compare_type": True, "compare_server_default": False, "include_object": is_told}
        context = MigrationContext.configure(connection, opts=opts)

        assert compare_metadata(context, db.metadata) == []


def test_one_import_knows_every_table() -> None:
    for found in pkgutil.iter_modules(models.__path__):
        import_module(f"{models.__name__}.{found.name}")

    assert {model.__name__ for model in MODELS} == {
        name for name in dir(models) if isinstance(getattr(models, name), type)
    }


def test_every_table_says_what_it_holds() -> None:
    assert {model.__name__ for model in MODELS if not (model.__doc__ or "").strip()} == set()


def test_instants_are_kept_in_the_one_spelling() -> None:
    columns = [column for table in db.metadata.tables.values() for column in table.columns]

    assert [str(column) for column in columns if isinstance(column.type, DateTime)] == []
    unclear = [
        str(column) for column in columns if column.name.endswith("_at") and not isinstance(column.type, Instant)
    ]
    assert unclear == []


def test_every_constraint_has_a_name_by_which_a_migration_can_change_it(store: Store) -> None:
    of_models = {
        constraint.name
        for table in db.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, ForeignKeyConstraint | UniqueConstraint)
    }
    inspector = inspect(store.engine)
    made = {
        found["name"]
        for table in db.metadata.tables
        for found in (*inspector.get_foreign_keys(table), *inspector.get_unique_constraints(table))
    }

    assert None not in of_models
    assert made == of_models


def test_what_belongs_to_a_case_is_found_by_its_case() -> None:
    """Showing, exporting or erasing a case asks each of these tables for its rows."""
    led: dict[str, bool] = {}
    for name, table in db.metadata.tables.items():
        if "case_id" in table.columns and table.columns["case_id"].foreign_keys:
            starts = [next(iter(index.columns)).name for index in table.indexes] + [next(iter(table.primary_key)).name]
            led[name] = "case_id" in starts

    assert len(led) > 10
    assert [name for name, found in led.items() if not found] == []
