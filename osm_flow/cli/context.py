"""What every command gets from the program that runs it: the store, the clock and a few settings.

A command is `@click.pass_obj def name(context: Context, …)`, opens one `context.store.transaction()` (or `reading()`)
and calls one operation. Errors raised on purpose end the program with code 1 and their sentence on stderr.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from flask import Flask

from osm_flow.notify.channels import Channel
from osm_flow.notify.mail import MailChannel
from osm_flow.operations.audit.signing_keys import Keyring, origin_of
from osm_flow.operations.ledger.access_pruning import Keeping
from osm_flow.store.session import Limits, Store


@dataclass
class Context:
    """`make_app(demo, base_url)` puts the site together on this context's store, `channels()` the ways to reach people.

    Both are made when they are asked for: most commands need neither, and must not fail for what is wrong with one.
    """

    database_url: str
    data_dir: Path
    base_url: str
    timezone: ZoneInfo
    clock: Callable[[], datetime]
    make_app: Callable[[Context, bool, str | None], Flask]
    log_origin: str = ""
    limits: Limits = Limits()  # noqa: RUF009 (a frozen value)
    channels: Callable[[], tuple[Channel, ...]] = lambda: (MailChannel(),)
    keeping: Keeping = Keeping()  # noqa: RUF009 (a frozen value)

    @cached_property
    def store(self) -> Store:
        """The store of the installation."""
        if self.database_url.startswith("sqlite:"):
            self.data_dir.mkdir(parents=True, exist_ok=True)
        return Store(self.database_url, self.limits)

    @cached_property
    def keyring(self) -> Keyring:
        """The keys that sign checkpoints."""
        return Keyring(self.data_dir / "keys", self.log_origin or origin_of(self.base_url))

    def now(self) -> datetime:
        """The instant now."""
        return self.clock()


def say(value: Mapping[str, Any], as_json: bool, text: str | None = None) -> None:
    """Print the value as JSON, or the text for people."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str) if as_json else (text or ""))
