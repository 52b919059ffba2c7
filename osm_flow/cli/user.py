"""`osm-flow user`: people and their positions, by whoever may use the machine itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from osm_flow.cli.context import Context, say
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.access.roles import SIGN_IN_ROLES
from osm_flow.domain.people import NewPerson, NewPosition, PositionKind
from osm_flow.operations.people import accounts, positions
from osm_flow.store.models import Person

DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.group()
def user() -> None:
    """Create, lock and list people, give positions."""


@user.command("list")
@click.option("--text", help="Only those whose name contains this.")
@click.option("--after", help="Go on after this user name.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def list_(context: Context, text: str | None, after: str | None, as_json: bool) -> None:
    """List people."""
    with context.store.reading() as session:
        page = accounts.list_people(session, SYSTEM, text=text, after=after)
        items = [_as_dict(person) for person in page.items]
    lines = (
        f"{item['username']:<24} {item['display_name']}{' (locked)' if item['locked_at'] else ''}" for item in items
    )
    say({"items": items, "next": page.next}, as_json, "\n".join(lines))


@user.command()
@click.argument("username")
@click.option("--name", required=True, help="The name people read.")
@click.option("--email")
@click.option("--office", help="Cluster code, such as NE-U1: whose administrators manage the account at first.")
@click.option("--number", help="Employee number: an account that is locked and has it is the same person's.")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True, envvar="OSM_NEW_PASSWORD")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def create(
    context: Context,
    username: str,
    name: str,
    email: str | None,
    office: str | None,
    number: str | None,
    password: str,
    as_json: bool,
) -> None:
    """Create a person; give them a position next."""
    entered = NewPerson(username, name, email, password, office_id=office, employee_number=number)
    with context.store.transaction() as session:
        person = accounts.create_person(session, SYSTEM, context.now(), entered)
        shown = _as_dict(person)
    say(shown, as_json, f"created {username}")


@user.command()
@click.argument("username")
@click.option("--role", required=True, type=click.Choice(SIGN_IN_ROLES))
@click.option("--office", help="Cluster code, such as NE-U1; left out for an administrator or auditor of all.")
@click.option("--province", help="Province code, such as TH-41.")
@click.option("--from", "first", type=DAY, help="First day; today when left out.")
@click.option("--to", "last", type=DAY, help="Last day.")
@click.option("--kind", type=click.Choice(list(PositionKind)), default=PositionKind.substantive)
@click.option("--for", "principal", help="For whom (user name), when acting or delegated.")
@click.option("--letter", help="The order that made it.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def give(
    context: Context,
    username: str,
    role: str,
    office: str | None,
    province: str | None,
    first: datetime | None,
    last: datetime | None,
    kind: str,
    principal: str | None,
    letter: str | None,
    as_json: bool,
) -> None:
    """Give a person a position over a period."""
    today = context.now().astimezone(context.timezone).date()
    entered = NewPosition(
        role,
        office,
        valid_from=first.date() if first else today,
        valid_to=last.date() if last else None,
        province_id=province,
        kind=kind,
        for_username=principal,
        letter=letter,
    )
    with context.store.transaction() as session:
        position = positions.give_position(session, username, SYSTEM, context.now(), entered)
        shown = {"id": position.id, "username": username, "role": role, "office": office, "province": province}
    say(shown, as_json, f"{username} is {role} (position {position.id})")


@user.command()
@click.argument("username")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True, envvar="OSM_NEW_PASSWORD")
@click.pass_obj
def password(context: Context, username: str, password: str) -> None:
    """Give a person a new password; their sessions end."""
    with context.store.transaction() as session:
        accounts.set_password(session, username, SYSTEM, context.now(), password=password)
    click.echo(f"new password for {username}")


@user.command()
@click.argument("username")
@click.pass_obj
def lock(context: Context, username: str) -> None:
    """Lock an account; its sessions end at once."""
    with context.store.transaction() as session:
        accounts.lock(session, username, SYSTEM, context.now())
    click.echo(f"locked {username}")


@user.command()
@click.argument("username")
@click.pass_obj
def unlock(context: Context, username: str) -> None:
    """Open a locked account again."""
    with context.store.transaction() as session:
        accounts.unlock(session, username, SYSTEM, context.now())
    click.echo(f"unlocked {username}")


@user.command()
@click.argument("username")
@click.argument("employee_number")
@click.pass_obj
def number(context: Context, username: str, employee_number: str) -> None:
    """Give an account its employee number; "" takes it away."""
    with context.store.transaction() as session:
        person = accounts.set_number(session, username, SYSTEM, context.now(), entered=employee_number)
        kept = person.employee_number
    click.echo(f"number of {username}: {kept or '-'}")


@user.command("same-person")
@click.argument("username")
@click.argument("other")
@click.pass_obj
def same_person(context: Context, username: str, other: str) -> None:
    """Say that two accounts are one person's: together they are never two people."""
    with context.store.transaction() as session:
        accounts.say_one_person(session, username, SYSTEM, context.now(), other_username=other)
    click.echo(f"{username} and {other} count as one person")


@user.command("other-person")
@click.argument("username")
@click.pass_obj
def other_person(context: Context, username: str) -> None:
    """Say that an account is not one person's with others any more."""
    with context.store.transaction() as session:
        accounts.say_other_person(session, username, SYSTEM, context.now())
    click.echo(f"{username} counts as a person of their own")


def _as_dict(person: Person) -> dict[str, Any]:
    return {
        "username": person.username,
        "display_name": person.display_name,
        "email": person.email,
        "employee_number": person.employee_number,
        "locked_at": person.locked_at,
    }
