"""`osm-flow case`: cases and the proof of their history."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from osm_flow.cli import case_proof
from osm_flow.cli.context import Context, say
from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.acts import CaseStart
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.states import CaseStatus
from osm_flow.operations.background.delivery import go_on_at_once
from osm_flow.operations.cases import acts as cases
from osm_flow.operations.cases import incidents
from osm_flow.operations.cases import queries as case_queries
from osm_flow.operations.cases.overview import open_items_of
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.replay import refold, verify
from osm_flow.operations.stepping.step import CaseFailed
from osm_flow.operations.stepping.subject_words import subject_words
from osm_flow.store.database import instant_text
from osm_flow.store.models import Case, WorkItem


@click.group()
def case() -> None:
    """Start, list, show, replay, verify and export cases."""


case.add_command(case_proof.verify_)
case.add_command(case_proof.export)


@case.command()
@click.argument("definition_key")
@click.option("--office", required=True, help="Cluster code, such as NE-U1.")
@click.option("--fiscal-year", required=True, type=int, help="Buddhist fiscal year, such as 2571.")
@click.option("--title", default="", help="What people call it; the name of the process when left out.")
@click.option("--data", default="{}", help="Values of the start form as a JSON object.")
@click.option("--as", "username", help="Who starts it (user name); the system when left out.")
@click.option("--key", help="Idempotency key: the same key twice starts one case.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def start(
    context: Context,
    definition_key: str,
    office: str,
    fiscal_year: int,
    title: str,
    data: str,
    username: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Start a case of the newest version of a process."""
    now = context.now()
    wanted = CaseStart(office, fiscal_year, title, _object(data), key=key)
    try:
        with context.store.transaction() as session:
            begun = cases.start_case(session, definition_key, _actor(session, username, now), now, wanted)
    except CaseFailed as failure:
        raise click.ClickException(f"{failure} {incidents.words_of(failure)}") from None
    go_on_at_once(context.store, now, begun.id)
    with context.store.reading() as session:
        started = _as_dict(cases.get_case(session, begun.id, SYSTEM))
    say(started, as_json, f"{started['business_key']} {started['id']}")


@case.command()
@click.argument("case_id")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def show(context: Context, case_id: str, as_json: bool) -> None:
    """Show a case: where it stands, what happened, what it called."""
    with context.store.reading() as session:
        case_row = cases.get_case(session, case_id, SYSTEM)
        shown = _as_dict(case_row)
        picture = case_queries.case_picture(session, case_row, context.now())
        shown["tokens"], shown["passed"] = picture["tokens"], picture["passed"]
        shown["open"] = [_item(item) for item in open_items_of(session, case_row)]
        shown["children"] = [_as_dict(child) for child in case_queries.case_children(session, case_row)]
        page = case_queries.case_history(session, case_row, limit=200)
        shown["history"] = [_entry(entry) for entry in page.items]
    lines = [f"{shown['business_key']}  {shown['title']}  {shown['state']}"]
    lines += [f"waits at {token['element']} ({token['count']})" for token in shown["tokens"]]
    lines += [f"open: {item['name']}{' - ' if item['subject'] else ''}{item['subject']}" for item in shown["open"]]
    lines += [
        f"{record['seq']:>5}  {record['at']}  {record['actor']:<16} {record['kind']}"
        for record in reversed(shown["history"])
    ]
    say(shown, as_json, "\n".join(lines))


@case.command("list")
@click.option("--state", type=click.Choice(["open", *CaseStatus]))
@click.option("--office", "office_id")
@click.option("--fiscal-year", type=int)
@click.option("--stage")
@click.option("--process", "definition_key")
@click.option("--text")
@click.option("--after", help="Go on after this key.")
@click.option("--limit", type=click.IntRange(1, 200), default=50)
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def list_(context: Context, /, after: str | None, limit: int, as_json: bool, **asked: Any) -> None:
    """List cases, newest first."""
    with context.store.reading() as session:
        page = cases.list_cases(session, SYSTEM, cases.CaseFilter(**asked), after=after, limit=limit)
        items = [_as_dict(row) for row in page.items]
    lines = (f"{item['id']}  {item['business_key']:<24} {item['state']:<10} {item['title']}" for item in items)
    say({"items": items, "next": page.next}, as_json, "\n".join(lines))


@case.command()
@click.argument("case_id")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def replay(context: Context, case_id: str, as_json: bool) -> None:
    """Replay a case from its journal alone: what it waited for after each record."""
    with context.store.reading() as session:
        items = [_replayed(step) for step in verify.replay(session, case_id)]
    lines = (f"{item['seq']:>5}  {item['at']}  {item['kind']:<24} {' '.join(item['waiting'])}" for item in items)
    say({"items": items, "next": None}, as_json, "\n".join(lines))


def _actor(session: Session, username: str | None, now: datetime) -> Actor:
    return actor_named(session, username, local_day(now)) if username else SYSTEM


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"--data is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise click.UsageError("--data is a JSON object")
    return value


def _as_dict(row: Case) -> dict[str, Any]:
    return {
        "id": row.id,
        "business_key": row.business_key,
        "title": row.title,
        "subject": subject_words(row.subject, "th"),
        "process": row.definition.key,
        "version": row.definition.version,
        "office": row.office_id,
        "fiscal_year": row.fiscal_year,
        "province": row.province_id,
        "state": row.state,
        "outcome": row.outcome,
        "stage": row.stage,
        "parent": row.parent_case_id,
        "started_by": row.started_by,
        "started_at": instant_text(row.started_at),
        "ended_at": instant_text(row.ended_at) if row.ended_at else None,
        "records": row.seq,
        "head": row.head,
    }


def _item(item: WorkItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "element": item.element,
        "name": item.name_th,
        "subject": subject_words(item.subject, "th"),
        "province": item.province_id,
        "state": item.state,
        "assignee": item.assignee.username if item.assignee else None,
        "due_at": instant_text(item.due_at) if item.due_at else None,
    }


def _entry(entry: case_queries.HistoryEntry) -> dict[str, Any]:
    record = entry.record
    return {
        "seq": record.seq,
        "at": instant_text(record.at),
        "kind": record.kind,
        "actor": record.actor,
        "on_behalf_of": record.on_behalf_of,
        "as_stated": entry.is_as_stated,
        "element": record.element,
        "payload": entry.payload,
        "hash": record.hash,
    }


def _replayed(step: refold.Replayed) -> dict[str, Any]:
    return {
        "seq": step.seq,
        "at": instant_text(step.at),
        "kind": step.kind,
        "element": step.element,
        "state_digest": step.digest,
        "waiting": sorted(waiting.element for waiting in step.waiting),
    }
