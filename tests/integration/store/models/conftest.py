"""A transaction of which nothing is kept, so that all of these tests can have the same two databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from osm_flow.store.session import Store
from tests.integration.cli.shell import Shell


@pytest.fixture
def session(shared_store: Store) -> Iterator[Session]:
    with Session(shared_store.engine.execution_options(osm_begin="IMMEDIATE"), expire_on_commit=False) as session:
        yield session


@pytest.fixture
def shell(shared_store: Store, tmp_path: Path) -> Shell:
    """For commands that only read."""
    return Shell(shared_store, tmp_path)
