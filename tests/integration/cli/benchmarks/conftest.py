"""A small run of a benchmark, and what is left in its databases when they would be thrown away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.app import create_app
from osm_flow.cli.benchmarks.bench import Bench, BenchOffice
from osm_flow.cli.context import Context
from osm_flow.settings import Settings
from osm_flow.store.backup import backup
from osm_flow.store.models import JournalRecord
from osm_flow.store.session import Store
from tests.integration.cli.shell import Shell


@dataclass
class WatchedBench(Bench):
    """Keeps a copy of every database."""

    @contextmanager
    def office(self, name: str, *roles: str, database: str = "sqlite") -> Iterator[BenchOffice]:
        with super().office(name, *roles, database=database) as office:
            yield office
            backup(office.store, self.folder / f"{name}.kept")

    @contextmanager
    def left_in(self, name: str) -> Iterator[Session]:
        """What the benchmark left in the database of this office."""
        store = Store(f"sqlite:///{self.folder / f'{name}.kept'}")
        try:
            with store.reading() as session:
                yield session
        finally:
            store.close()

    def kinds_in(self, name: str) -> Counter[str]:
        """How many journal records of each kind there are."""
        with self.left_in(name) as session:
            return Counter(session.scalars(select(JournalRecord.kind)))


def make_site(context: Context, demo: bool, base_url: str | None) -> object:
    settings = Settings(env="test", secret_key="k" * 40, data_dir=context.data_dir)
    return create_app(settings, store=context.store, clock=context.clock)


@pytest.fixture
def bench(tmp_path: Path) -> WatchedBench:
    """A quick run, on the true day: the programs that are measured look at their own clock."""
    context = replace(Shell("sqlite://", tmp_path).context, make_app=make_site, clock=lambda: datetime.now(UTC))
    return WatchedBench(context, tmp_path, quick=True)
