"""`osm-flow privacy`: what is kept and for how long, and having personal data erased by two people."""

from __future__ import annotations

from typing import Any

import click
from sqlalchemy.orm import Session

from osm_flow.cli.context import Context, say
from osm_flow.domain.actors import SYSTEM, Actor
from osm_flow.domain.deadlines import local_day
from osm_flow.operations import erasures, retention
from osm_flow.operations.access_log import Kind, accesses, record_access
from osm_flow.operations.people import actor_named
from osm_flow.store.database import instant_text
from osm_flow.store.models import ErasureRequest

AS = click.option("--as", "username", required=True, help="Who does it (user name).")
JSON = click.option("--json", "as_json", is_flag=True)
REASON = click.option("--reason", required=True, help="Why; it stays for ever, so name nobody in it.")


@click.group()
def privacy() -> None:
    """Find, hold and erase personal data; show who looked at what."""


@privacy.command()
@click.argument("person_or_subject")
@click.option("--case", "case_ids", multiple=True, help="Only in this case; may be repeated.")
@AS
@JSON
@click.pass_obj
def find(context: Context, person_or_subject: str, case_ids: tuple[str, ...], username: str, as_json: bool) -> None:
    """List the records whose payload holds these words; of a user name, the name of that person."""
    with context.store.transaction() as session:
        actor = _actor(context, session, username)
        text = erasures.display_name_of(session, person_or_subject)
        found = erasures.find(session, actor, text, case_ids=case_ids)
        record_access(session, actor, context.now(), Kind.privacy_searched, "osm-flow privacy find", details=text)
        items = [_found(one) for one in found]
    lines = (f"{item['case_id']}:{item['seq']}  {item['at']}  {item['kind']:<22} {item['excerpt']}" for item in items)
    say({"items": items, "next": None}, as_json, "\n".join(lines))


@privacy.command()
@click.argument("person_or_subject")
@click.option("--case", "case_ids", multiple=True, required=True, help="In this case; may be repeated.")
@click.option("--record", "chosen", multiple=True, help="CASE:SEQ; every record that holds the words when left out.")
@click.option("--whole", is_flag=True, help="Every record of these cases, because they have come of age.")
@REASON
@AS
@JSON
@click.pass_obj
def erase(
    context: Context,
    person_or_subject: str,
    case_ids: tuple[str, ...],
    chosen: tuple[str, ...],
    whole: bool,
    reason: str,
    username: str,
    as_json: bool,
) -> None:
    """Ask that what these cases hold of somebody be erased; another person approves it."""
    with context.store.transaction() as session:
        actor = _actor(context, session, username)
        subject = "" if whole else erasures.display_name_of(session, person_or_subject)
        found = (
            erasures.records_of(session, actor, case_ids)
            if whole
            else erasures.find(session, actor, subject, case_ids=case_ids)
        )
        records = [(one.case.id, one.record.seq) for one in found]
        if chosen:
            records = [one for one in records if f"{one[0]}:{one[1]}" in chosen]
        made = erasures.ask(session, actor, context.now(), subject=subject, records=records, reason=reason)
        everywhere = [] if whole else erasures.find(session, actor, subject)
        # A case hands what it knows to the case that called it: erasing one leaves the words in the other.
        left = [f"{one.case.id}:{one.record.seq}" for one in everywhere if (one.case.id, one.record.seq) not in records]
        shown = {**_request(made), "records": [_found(one) for one in erasures.shown(session, made)], "left": left}
    lines = [f"request {made.id}: {len(records)} records; somebody else approves it:"]
    lines.append(f"osm-flow privacy approve {made.id} --as USERNAME")
    if left:
        lines.append(f"The same words also stand in {len(left)} records that were not asked for: {', '.join(left)}")
    say(shown, as_json, "\n".join(lines))


@privacy.command("requests")
@click.option("--state", type=click.Choice(["ASKED", "APPROVED", "DONE", "REFUSED", "WITHDRAWN"]))
@click.option("--after", help="Go on after this key.")
@JSON
@click.pass_obj
def requests_(context: Context, state: str | None, after: str | None, as_json: bool) -> None:
    """List requests, newest first."""
    with context.store.reading() as session:
        page = erasures.requests(session, SYSTEM, state=state, after=after)
        items = [_request(one) for one in page.items]
    lines = (f"{item['id']:>5}  {item['state']:<9} {item['asked_by']:<16} {item['reason']}" for item in items)
    say({"items": items, "next": page.next}, as_json, "\n".join(lines))


@privacy.command()
@click.argument("request_id", type=int)
@AS
@JSON
@click.pass_obj
def approve(context: Context, request_id: int, username: str, as_json: bool) -> None:
    """Approve a request of somebody else: ended cases at once, running ones when they end."""
    with context.store.transaction() as session:
        actor = _actor(context, session, username)
        shown = _request(erasures.approve(session, request_id, actor, context.now()))
    erasures.scrub(context.store, context.now())
    say(shown, as_json, f"request {request_id}: {shown['state']}")


@privacy.command()
@click.argument("request_id", type=int)
@AS
@JSON
@click.pass_obj
def refuse(context: Context, request_id: int, username: str, as_json: bool) -> None:
    """Refuse a request, or withdraw one's own."""
    with context.store.transaction() as session:
        actor = _actor(context, session, username)
        shown = _request(erasures.refuse(session, request_id, actor, context.now()))
    say(shown, as_json, f"request {request_id}: {shown['state']}")


@privacy.command()
@JSON
@click.pass_obj
def due(context: Context, as_json: bool) -> None:
    """List ended cases that need not be kept any longer."""
    with context.store.reading() as session:
        items = [
            {
                "elements": list(one.elements),
                "case_id": one.case.id,
                "business_key": one.case.business_key,
                "title": one.case.title,
                "retention": one.retention.key,
                "then": one.retention.then,
                "since": one.since.isoformat(),
                "held": one.is_held,
            }
            for one in retention.due_cases(session, SYSTEM, context.now())
        ]
    lines = (f"{one['case_id']}  {one['since']}  {one['retention']:<12} {one['title']}" for one in items)
    say({"items": items, "next": None}, as_json, "\n".join(lines))


@privacy.command("hold")
@click.option("--case", "case_id", help="A case.")
@click.option("--person", help="A user name.")
@REASON
@AS
@click.pass_obj
def hold_(context: Context, case_id: str | None, person: str | None, reason: str, username: str) -> None:
    """Forbid to erase a case or what a person wrote, until the hold is lifted."""
    if bool(case_id) == bool(person):
        raise click.UsageError("name a --case or a --person")
    now = context.now()
    with context.store.transaction() as session:
        actor = _actor(context, session, username)
        if case_id:
            made = retention.hold_case(session, case_id, actor, now, reason=reason)
        else:
            made = retention.hold_person(session, person or "", actor, now, reason=reason)
        click.echo(f"hold {made.id}")


@privacy.command()
@click.argument("hold_id", type=int)
@REASON
@AS
@click.pass_obj
def lift(context: Context, hold_id: int, reason: str, username: str) -> None:
    """Lift a hold."""
    with context.store.transaction() as session:
        actor = _actor(context, session, username)
        retention.lift_hold(session, hold_id, actor, context.now(), reason=reason)
    click.echo(f"hold {hold_id} lifted")


@privacy.command("accesses")
@click.option("--actor", "who", help="Of this person only.")
@click.option("--kind")
@click.option("--case", "case_id")
@click.option("--after", help="Go on after this key.")
@JSON
@click.pass_obj
def accesses_(
    context: Context, who: str | None, kind: str | None, case_id: str | None, after: str | None, as_json: bool
) -> None:
    """Show who looked at what and why, newest first."""
    with context.store.reading() as session:
        page = accesses(session, SYSTEM, who=who, kind=kind, case_id=case_id, after=after)
        names = ("actor", "role", "kind", "subject", "case_id", "reason", "details")
        items = [{"at": instant_text(one.at), **{name: getattr(one, name) for name in names}} for one in page.items]
    lines = (f"{one['at']}  {one['actor']:<16} {one['kind']:<22} {one['subject']}  {one['reason']}" for one in items)
    say({"items": items, "next": page.next}, as_json, "\n".join(lines))


def _actor(context: Context, session: Session, username: str) -> Actor:
    return actor_named(session, username, local_day(context.now()))


def _found(one: erasures.Found) -> dict[str, Any]:
    return {
        "case_id": one.case.id,
        "business_key": one.case.business_key,
        "seq": one.record.seq,
        "at": instant_text(one.record.at),
        "kind": one.record.kind,
        "actor": one.record.actor,
        "excerpt": one.excerpt,
        "must_wait": one.must_wait,
        "held": one.is_held,
    }


def _request(made: ErasureRequest) -> dict[str, Any]:
    return {
        "id": made.id,
        "state": made.state,
        "reason": made.reason,
        "asked_by": made.asked_by,
        "asked_at": instant_text(made.asked_at),
        "decided_by": made.decided_by,
        "items": [{"case_id": item.case_id, "seq": item.seq, "done": item.done_at is not None} for item in made.items],
    }
