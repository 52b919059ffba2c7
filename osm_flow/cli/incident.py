"""`osm-flow incident`: what failed and waits for somebody."""

from __future__ import annotations

import click

from osm_flow.cli.context import Context, say
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.cases import incidents
from osm_flow.store.database import instant_text
from osm_flow.store.models import Incident


@click.group()
def incident() -> None:
    """List and retry incidents."""


@incident.command("list")
@click.option("--all", "every", is_flag=True, help="Resolved ones too.")
@click.option("--after", help="Go on after this key.")
@click.option("--limit", type=click.IntRange(1, 200), default=50)
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def list_(context: Context, every: bool, after: str | None, limit: int, as_json: bool) -> None:
    """List incidents, newest first."""
    with context.store.reading() as session:
        page = incidents.list_incidents(session, SYSTEM, is_open=None if every else True, after=after, limit=limit)
        items = [_as_dict(row) for row in page.items]
    lines = (
        f"{item['id']:>6}  {item['case'] or '-'}  {item['kind']:<12} {' / '.join(str(item['message']).splitlines())}"
        for item in items
    )
    say({"items": items, "next": page.next}, as_json, "\n".join(lines))


@incident.command()
@click.argument("incident_id", type=int)
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def retry(context: Context, incident_id: int, as_json: bool) -> None:
    """Try again what the incident stopped; the next sweep does it."""
    with context.store.transaction() as session:
        done = _as_dict(incidents.retry(session, incident_id, SYSTEM, context.now()))
    say(done, as_json, f"incident {incident_id} is tried again")


def _as_dict(row: Incident) -> dict[str, object]:
    return {
        "id": row.id,
        "case": row.case.business_key if row.case else None,
        "case_id": row.case_id,
        "kind": row.kind,
        "element": row.element,
        "message": row.message,
        "opened_at": instant_text(row.opened_at),
        "resolved_at": instant_text(row.resolved_at) if row.resolved_at else None,
        "resolved_by": row.resolved_by,
        "note": row.note,
    }
