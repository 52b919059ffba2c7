"""`osm-flow timer`: what cases wait for."""

from __future__ import annotations

import click

from osm_flow.cli.context import Context, say
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.calendar.thai_dates import english_datetime
from osm_flow.operations.cases.timers import list_timers
from osm_flow.store.database import instant_text
from osm_flow.store.models import Case, Timer


@click.group()
def timer() -> None:
    """Timers that cases wait for."""


@timer.command("list")
@click.option("--after", help="The key that the page before this one ended with.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(context: Context, after: str | None, limit: int, as_json: bool) -> None:
    """List timers, the next one first."""
    with context.store.reading() as session:
        page = list_timers(session, SYSTEM, after=after, limit=limit)
        items = [_item(row, case) for row, case in page.items]
        lines = [
            f"{english_datetime(row.due_at, context.timezone)}  {case.business_key}  {row.element}"
            for row, case in page.items
        ]
    say({"items": items, "next": page.next, "total": page.total}, as_json, "\n".join(lines) or "no timer is waiting")


def _item(row: Timer, case: Case) -> dict[str, object]:
    return {
        "task_id": row.task_id,
        "case_id": row.case_id,
        "business_key": case.business_key,
        "element": row.element,
        "name": row.name_th,
        "due_at": instant_text(row.due_at),
        "attempts": row.attempts,
        "stopped": row.lease_owner == "incident",
    }
