"""`osm-flow privacy`: what is kept and for how long, and having personal data erased by two people."""

from __future__ import annotations

from typing import Any

import click
from sqlalchemy.orm import Session

from osm_flow.cli.context import Context, say
from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.states import ErasureState
from osm_flow.operations.ledger.access_log import AccessFilter, AccessKind, Read, accesses, record_access
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.privacy import book_retention, carrying_out, erasure_requests, erasure_search, retention
from osm_flow.operations.privacy.book_texts import TextName, name_of, read_text
from osm_flow.store.database import instant_text
from osm_flow.store.models import ErasureRequest

AS = click.option("--as", "username", required=True, help="Who does it (user name).")
JSON = click.option("--json", "as_json", is_flag=True)
REASON = click.option("--reason", required=True, help="Why; it stays for ever, so name nobody in it.")


@click.group()
def privacy() -> None:
    """Find, hold and erase personal data; show who looked at what."""


@privacy.command()
@click.argument("person_or_words", metavar="PERSON_OR_SUBJECT")
@click.option("--case", "case_ids", multiple=True, help="Only in this case; may be repeated.")
@AS
@JSON
@click.pass_obj
def find(context: Context, person_or_words: str, case_ids: tuple[str, ...], username: str, as_json: bool) -> None:
    """List the records of cases and the texts of books that hold these words; of a user name, the name of that person."""
    with context.store.transaction() as session:
        actor = _actor(context, session, username)
        text = erasure_search.display_name_of(session, SYSTEM, person_or_words)
        matches = erasure_search.find(session, actor, text, case_ids=case_ids)
        read = Read(AccessKind.privacy_searched, "osm-flow privacy find", details=text)
        record_access(session, actor, context.now(), read)
        items = [_found(match) for match in matches]
        texts = [] if case_ids else [_of_book(found) for found in erasure_search.find_texts(session, actor, text)]
        lists = [] if case_ids else [_of_list(found) for found in erasure_search.find_lists(session, actor, text)]
        staying = [] if case_ids else erasure_search.records_that_stay(session, actor, text)
    lines = [f"{item['case_id']}:{item['seq']}  {item['at']}  {item['kind']:<22} {item['excerpt']}" for item in items]
    lines += [f"{item['text']}  {item['at']}  {item['excerpt']}" for item in texts]
    lines += [f"list {item['list']}  {item['at']}  {item['filename']}" for item in lists]
    if staying:
        lines.append(f"also said, where nothing is erased, by {', '.join(staying)}")
    say({"items": items, "texts": texts, "lists": lists, "staying": staying, "next": None}, as_json, "\n".join(lines))


@privacy.command("files")
@click.argument("record")
@AS
@JSON
@click.pass_obj
def files_(context: Context, record: str, username: str, as_json: bool) -> None:
    """List the photos and papers of a record (a project's code), as erase names them: `erase - --whole --text NAME`."""
    with context.store.reading() as session:
        actor = _actor(context, session, username)
        items = [_of_book(found) for found in erasure_search.files_to_erase(session, actor, record)]
    say({"items": items, "next": None}, as_json, "\n".join(f"{one['text']}  {one['excerpt']}" for one in items))


@privacy.command()
@click.argument("person_or_words", metavar="PERSON_OR_SUBJECT")
@click.option("--case", "case_ids", multiple=True, help="In this case; may be repeated.")
@click.option(
    "--text", "texts", multiple=True, help="This text or file of a book, as find and files name it; may be repeated."
)
@click.option("--list", "lists", type=int, multiple=True, help="This uploaded list, by its number; may be repeated.")
@click.option("--record", "chosen", multiple=True, help="CASE:SEQ; every record that holds the words when left out.")
@click.option("--whole", is_flag=True, help="Every record of these cases, because they have come of age.")
@REASON
@AS
@JSON
@click.pass_obj
def erase(
    context: Context,
    /,
    person_or_words: str,
    case_ids: tuple[str, ...],
    texts: tuple[str, ...],
    chosen: tuple[str, ...],
    whole: bool,
    lists: tuple[int, ...],
    **asked: Any,
) -> None:
    """Ask that what these cases and books hold of somebody be erased; another person approves it."""
    if not (case_ids or texts or lists):
        raise click.UsageError("name a --case, a --text or a --list")
    names = [_text_named(text) for text in texts]
    with context.store.transaction() as session:
        actor = _actor(context, session, asked["username"])
        words = None if whole else erasure_search.display_name_of(session, SYSTEM, person_or_words)
        records = _records(session, actor, case_ids, words, chosen)
        about = {"reason": asked["reason"], "texts": [*names, *map(erasure_search.ListName, lists)]}
        request = erasure_requests.ask(session, actor, context.now(), words=words or "", records=records, **about)
        left = _left(session, actor, request, words)
        shown = {
            **_request(request),
            "records": [_found(match) for match in erasure_requests.shown(session, request)],
            "texts": [_of_book(found) for found in erasure_requests.shown_texts(session, request)],
            "lists": [_of_list(found) for found in erasure_requests.shown_lists(session, request)],
            "left": left,
        }
    lines = [f"request {request.id}: {len(records) + len(names) + len(lists)} records; somebody else approves it:"]
    lines.append(f"osm-flow privacy approve {request.id} --as USERNAME")
    if left:
        lines.append(f"The same words also stand in {len(left)} records that were not asked for: {', '.join(left)}")
    say(shown, asked["as_json"], "\n".join(lines))


def _records(
    session: Session, actor: Actor, case_ids: tuple[str, ...], words: str | None, chosen: tuple[str, ...]
) -> list[tuple[str, int]]:
    """The records of these cases that hold the words, or all of them where there are none; of these the chosen ones, if some are."""
    if not case_ids:
        return []
    matches = (
        erasure_search.find(session, actor, words, case_ids=case_ids)
        if words is not None
        else erasure_search.records_of(session, actor, case_ids)
    )
    records = [(match.case.id, match.record.seq) for match in matches]
    return [record for record in records if f"{record[0]}:{record[1]}" in chosen] if chosen else records


def _left(session: Session, actor: Actor, request: ErasureRequest, words: str | None) -> list[str]:
    """What holds the same words, or copies of the same cases, and the request does not name.

    A case hands what it knows to the case that called it, and to records: erasing one leaves the words in the other.
    """
    records = {(item.case_id, item.seq) for item in request.items}
    everywhere = erasure_search.find(session, actor, words) if words is not None else []
    left = [
        f"{case}:{seq}" for match in everywhere if ((case := match.case.id), (seq := match.record.seq)) not in records
    ]
    in_books = (
        erasure_search.find_texts(session, actor, words)
        if words is not None
        else erasure_requests.copies_in_books(session, request)
    )
    names = {name_of(text) for text in request.texts}
    left += [str(found.text.name) for found in in_books if found.text.name not in names]
    asked = {one.import_id for one in request.lists}
    in_lists = erasure_search.find_lists(session, actor, words) if words is not None else []
    return left + [f"list {one.found.row.id}" for one in in_lists if one.found.row.id not in asked]


@privacy.command("requests")
@click.option("--state", type=click.Choice(list(ErasureState)))
@click.option("--after", help="Go on after this key.")
@JSON
@click.pass_obj
def requests_(context: Context, state: str | None, after: str | None, as_json: bool) -> None:
    """List requests, newest first."""
    with context.store.reading() as session:
        page = erasure_requests.requests(session, SYSTEM, state=state, after=after)
        items = [_request(request) for request in page.items]
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
        shown = _request(erasure_requests.approve(session, request_id, actor, context.now()))
    carrying_out.scrub(context.store, context.now())
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
        shown = _request(erasure_requests.refuse(session, request_id, actor, context.now()))
    say(shown, as_json, f"request {request_id}: {shown['state']}")


@privacy.command()
@JSON
@click.pass_obj
def due(context: Context, as_json: bool) -> None:
    """List ended cases that need not be kept any longer, and closed records of which what they say of people need not."""
    with context.store.reading() as session:
        items = [
            {
                "elements": list(due_case.elements),
                "case_id": due_case.case.id,
                "business_key": due_case.case.business_key,
                "title": due_case.case.title,
                "retention": due_case.retention.key,
                "then": due_case.retention.then,
                "since": due_case.since.isoformat(),
                "held": due_case.is_held,
            }
            for due_case in retention.due_cases(session, SYSTEM, context.now())
        ]
        records: list[dict[str, Any]] = [
            {
                "record": one.record,
                "book": one.book,
                "part": one.part,
                "retention": one.retention.key,
                "since": one.since.isoformat(),
                "held": one.is_held,
                "texts": [str(text.name) for text in one.texts],
            }
            for one in book_retention.due_records(session, SYSTEM, context.now())
        ]
    lines = [
        f"{due_case['case_id']}  {due_case['since']}  {due_case['retention']:<12} {due_case['title']}"
        for due_case in items
    ]
    lines += [f"{one['record']}  {one['since']}  {one['retention']:<12} {' '.join(one['texts'])}" for one in records]
    say({"items": [*items, *records], "next": None}, as_json, "\n".join(lines))


@privacy.command("hold")
@click.option("--case", "case_id", help="A case.")
@click.option("--person", help="A user name.")
@click.option("--record", help="The code of a record, or the name of a book.")
@REASON
@AS
@click.pass_obj
def hold_(
    context: Context, case_id: str | None, person: str | None, record: str | None, reason: str, username: str
) -> None:
    """Forbid to erase a case, a record or a book, or what a person wrote, until the hold is lifted."""
    if [bool(case_id), bool(person), bool(record)].count(True) != 1:
        raise click.UsageError("name a --case, a --person or a --record")
    now = context.now()
    with context.store.transaction() as session:
        actor = _actor(context, session, username)
        if case_id:
            hold = retention.hold_case(session, case_id, actor, now, reason=reason)
        elif record:
            hold = retention.hold_in_books(session, retention.place_named(session, record), actor, now, reason=reason)
        else:
            hold = retention.hold_person(session, person or "", actor, now, reason=reason)
        click.echo(f"hold {hold.id}")


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
        page = accesses(session, SYSTEM, AccessFilter(who, kind, case_id), after=after)
        names = ("actor", "role", "kind", "subject", "case_id", "reason", "details")
        items = [
            {"at": instant_text(access.at), **{name: getattr(access, name) for name in names}} for access in page.items
        ]
    lines = (
        f"{access['at']}  {access['actor']:<16} {access['kind']:<22} {access['subject']}  {access['reason']}"
        for access in items
    )
    say({"items": items, "next": page.next}, as_json, "\n".join(lines))


def _actor(context: Context, session: Session, username: str) -> Actor:
    return actor_named(session, username, local_day(context.now()))


def _found(match: erasure_search.RecordToErase) -> dict[str, Any]:
    return {
        "case_id": match.case.id,
        "business_key": match.case.business_key,
        "seq": match.record.seq,
        "at": instant_text(match.record.at),
        "kind": match.record.kind,
        "actor": match.record.actor,
        "excerpt": match.excerpt,
        "must_wait": match.must_wait,
        "held": match.is_held,
    }


def _of_book(found: erasure_search.TextToErase) -> dict[str, Any]:
    text = found.text
    return {
        "text": str(text.name),
        "record": text.record,
        "version": text.version,
        "at": instant_text(text.entry.at),
        "actor": text.entry.actor,
        "excerpt": found.excerpt,
        "sha256": text.digest or None,
        "held": found.is_held,
    }


def _of_list(one: erasure_search.ListToErase) -> dict[str, Any]:
    row = one.found.row
    return {
        "list": row.id,
        "filename": row.filename,
        "at": instant_text(row.at),
        "in_file": one.found.in_file,
        "in_rows": one.found.in_rows,
        "held": one.is_held,
    }


def _text_named(text: str) -> TextName:
    if (name := read_text(text)) is None:
        raise click.UsageError(f"no text of a book is called {text}")
    return name


def _request(request: ErasureRequest) -> dict[str, Any]:
    return {
        "id": request.id,
        "state": request.state,
        "reason": request.reason,
        "asked_by": request.asked_by,
        "asked_at": instant_text(request.asked_at),
        "decided_by": request.decided_by,
        "items": [
            {"case_id": item.case_id, "seq": item.seq, "done": item.done_at is not None} for item in request.items
        ],
        "texts": [{"text": str(name_of(text)), "done": text.done_at is not None} for text in request.texts],
        "lists": [{"list": one.import_id, "done": one.done_at is not None} for one in request.lists],
    }
