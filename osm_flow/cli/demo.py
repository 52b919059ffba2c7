"""`osm-flow demo`: the demo cluster."""

from __future__ import annotations

import click

from osm_flow.cli.context import Context, say
from osm_flow.demo import cast
from osm_flow.demo import loading as cluster
from osm_flow.operations.comparing.administration import record_as_found
from osm_flow.store.upgrade import upgrade


@click.group()
def demo() -> None:
    """Load the demo cluster."""


@demo.command()
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def load(context: Context, as_json: bool) -> None:
    """Put the demo cluster with its running cases into an empty database."""
    upgrade(context.store)
    with context.store.transaction() as session:
        record_as_found(session, context.now())
    cluster.load(context.store, context.now())
    logins = cast.logins()
    lines = [f"{login['username']:<14} {login['role']:<22} {login['name']}" for login in logins]
    text = "\n".join([*lines, f"password of all of them: {cast.PASSWORD}"])
    say({"office": cast.OFFICE, "logins": logins}, as_json, text)
