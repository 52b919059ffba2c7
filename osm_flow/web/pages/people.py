"""People and their positions, for administrators."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from osm_flow.domain.access.policy import Verb, is_everywhere, offices_where
from osm_flow.domain.access.roles import ROLES, SIGN_IN_ROLES
from osm_flow.domain.people import NewPerson, NewPosition, PositionKind
from osm_flow.errors import Invalid
from osm_flow.operations.people import accounts, hats, offices, positions
from osm_flow.store.models import Office
from osm_flow.web.forms.posted import day_or_none
from osm_flow.web.site import lifecycle
from osm_flow.web.site.access import requires
from osm_flow.web.site.filters import zone
from osm_flow.web.site.i18n import current_locale, gettext

blueprint = Blueprint("people", __name__, url_prefix="/people")

KINDS = {
    PositionKind.substantive: "ดำรงตำแหน่ง",
    PositionKind.acting: "รักษาราชการแทน",
    PositionKind.delegated: "ปฏิบัติราชการแทน",
}


def today() -> date:
    return g.now.astimezone(zone()).date()  # type: ignore[no-any-return]


@blueprint.get("")
@requires(Verb.manage_people)
def people_list() -> ResponseReturnValue:
    text = request.args.get("text", "")[:100]
    page = accounts.list_people(g.session, g.actor, text=text, after=request.args.get("after"))
    return render_template("people/people.html", page=page, text=text, today=today())


@blueprint.get("/new")
@requires(Verb.manage_people)
def new_person() -> ResponseReturnValue:
    return _new_person_page({}, {})


@blueprint.post("/new")
@requires(Verb.manage_people)
def create_person() -> ResponseReturnValue:
    form = request.form
    try:
        person = accounts.create_person(g.session, g.actor, g.now, _entered_person())
    except Invalid as error:
        lifecycle.read_again()
        return _new_person_page(form, _texts(error)), 422
    flash(gettext("เพิ่มผู้ใช้แล้ว ต่อไปกำหนดตำแหน่ง"), "success")
    return redirect(url_for("people.person", username=person.username))


def _new_person_page(values: Mapping[str, str], errors: Mapping[str, str]) -> str:
    return render_template(
        "people/person_new.html",
        values=values,
        errors=errors,
        offices=_managed_offices(),
        of_all=is_everywhere(g.actor, Verb.manage_people),
    )


@blueprint.get("/<username>")
@requires(Verb.manage_people)
def person(username: str) -> ResponseReturnValue:
    return _person_page(username)


@blueprint.post("/<username>/positions")
@requires(Verb.manage_people)
def give_position(username: str) -> ResponseReturnValue:
    form = request.form
    try:
        given = positions.give_position(g.session, username, g.actor, g.now, _entered_position())
    except Invalid as error:
        return _again(username, error, form)
    if given.waits:
        flash(gettext("บันทึกแล้ว ตำแหน่งนี้มีผลเมื่อผู้มีอำนาจอีกคนยืนยัน"), "info")
        return redirect(url_for("people.person", username=username))
    return _back_to(username, gettext("กำหนดตำแหน่งแล้ว"))


@blueprint.post("/<username>/positions/<int:position_id>/end")
@requires(Verb.manage_people)
def end_position(username: str, position_id: int) -> ResponseReturnValue:
    positions.end_position(g.session, position_id, g.actor, g.now, last_day=today() - timedelta(days=1))
    return _back_to(username, gettext("สิ้นสุดตำแหน่งแล้ว มีผลทันที"))


@blueprint.get("/waiting")
@requires(Verb.confirm_position)
def waiting() -> ResponseReturnValue:
    """The positions that wait for a second person."""
    rows = positions.waiting_positions(g.session, g.actor)
    givers = hats.names_of(g.session, (row.given_by for row in rows if row.given_by))
    return render_template(
        "people/waiting.html",
        rows=[
            (
                row,
                givers.get(row.given_by or "", row.given_by or ""),
                positions.may_confirm(g.session, row, g.actor, g.now),
            )
            for row in rows
        ],
        kinds={key: gettext(text) for key, text in KINDS.items()},
    )


@blueprint.post("/waiting/<int:position_id>/confirm")
@requires(Verb.confirm_position)
def confirm(position_id: int) -> ResponseReturnValue:
    positions.confirm_position(g.session, position_id, g.actor, g.now)
    flash(gettext("ยืนยันตำแหน่งแล้ว มีผลตามวันที่กำหนด"), "success")
    return redirect(url_for("people.waiting"))


@blueprint.post("/waiting/<int:position_id>/decline")
@requires(Verb.confirm_position)
def decline(position_id: int) -> ResponseReturnValue:
    positions.decline_position(g.session, position_id, g.actor, g.now)
    flash(gettext("ไม่ยืนยัน ตำแหน่งนี้ไม่มีผล"), "success")
    return redirect(url_for("people.waiting"))


@blueprint.get("/without-number")
@requires(Verb.manage_people)
def without_number() -> ResponseReturnValue:
    """The accounts that have no employee number yet, and those that may be one person's."""
    return render_template(
        "people/without_number.html",
        people=accounts.without_number(g.session, g.actor),
        alike=accounts.same_names(g.session, g.actor),
    )


@blueprint.post("/<username>/number")
@requires(Verb.manage_people)
def set_number(username: str) -> ResponseReturnValue:
    entered = request.form.get("employee_number", "")
    try:
        accounts.set_number(g.session, username, g.actor, g.now, entered=entered)
    except Invalid as error:
        return _again(username, error, request.form)
    return _back_to(username, gettext("บันทึกเลขประจำตัวเจ้าหน้าที่แล้ว"))


@blueprint.post("/<username>/same-person")
@requires(Verb.manage_people)
def say_one_person(username: str) -> ResponseReturnValue:
    other = request.form.get("other_username", "")
    try:
        accounts.say_one_person(g.session, username, g.actor, g.now, other_username=other)
    except Invalid as error:
        return _again(username, error, request.form)
    return _back_to(username, gettext("บันทึกแล้ว ทั้งสองบัญชีนับเป็นคนเดียวกัน"))


@blueprint.post("/<username>/other-person")
@requires(Verb.manage_people)
def say_other_person(username: str) -> ResponseReturnValue:
    accounts.say_other_person(g.session, username, g.actor, g.now)
    return _back_to(username, gettext("บันทึกแล้ว บัญชีนี้ไม่นับรวมกับบัญชีอื่น"))


@blueprint.post("/<username>/lock")
@requires(Verb.manage_people)
def lock(username: str) -> ResponseReturnValue:
    accounts.lock(g.session, username, g.actor, g.now)
    return _back_to(username, gettext("ระงับบัญชีแล้ว ผู้ใช้ออกจากระบบทุกเครื่อง"))


@blueprint.post("/<username>/unlock")
@requires(Verb.manage_people)
def unlock(username: str) -> ResponseReturnValue:
    try:
        accounts.unlock(g.session, username, g.actor, g.now)
    except Invalid as error:
        return _again(username, error)
    return _back_to(username, gettext("เปิดใช้บัญชีแล้ว"))


@blueprint.post("/<username>/password")
@requires(Verb.manage_people)
def set_password(username: str) -> ResponseReturnValue:
    try:
        accounts.set_password(g.session, username, g.actor, g.now, password=request.form.get("password", ""))
    except Invalid as error:
        return _again(username, error)
    return _back_to(username, gettext("ตั้งรหัสผ่านใหม่แล้ว แจ้งเจ้าของบัญชีด้วยตนเอง"))


def _back_to(username: str, said: str) -> ResponseReturnValue:
    flash(said, "success")
    return redirect(url_for("people.person", username=username))


def _again(username: str, error: Invalid, typed: Mapping[str, str] | None = None) -> ResponseReturnValue:
    """The page of the person with what is wrong and what was typed."""
    lifecycle.read_again()
    return _person_page(username, typed, _texts(error)), 422


def _person_page(
    username: str, values: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None
) -> str:
    person = accounts.managed_person(g.session, username, g.actor)
    others, elsewhere = accounts.other_accounts(g.session, person, g.actor)
    names = [(key, ROLES[key].en if current_locale() == "en" else ROLES[key].th) for key in SIGN_IN_ROLES]
    return render_template(
        "people/person.html",
        person=person,
        actor=hats.actor_for(g.session, person, today()),
        others=others,
        elsewhere=elsewhere,
        is_mine=username in g.actor.usernames,
        positions=positions.positions_of(g.session, person),
        offices=_managed_offices(),
        of_all=is_everywhere(g.actor, Verb.manage_people),
        roles=names,
        kinds={key: gettext(text) for key, text in KINDS.items()},
        today=today(),
        values=values or {},
        errors=errors or {},
    )


def _managed_offices() -> list[Office]:
    managed = offices_where(g.actor, Verb.manage_people)
    return [office for office in offices.offices(g.session) if office.id in managed]


def _entered_person() -> NewPerson:
    form = request.form
    username, display_name = form.get("username", ""), form.get("display_name", "")
    return NewPerson(
        username,
        display_name,
        form.get("email"),
        form.get("password") or None,
        office_id=form.get("office_id") or None,
        employee_number=form.get("employee_number"),
    )


def _entered_position() -> NewPosition:
    """Raises Invalid naming the field that is not a date."""
    form = request.form
    first, last = _period(form.get("valid_from", ""), form.get("valid_to", ""))
    return NewPosition(
        role=form.get("role", ""),
        office_id=form.get("office_id") or None,
        valid_from=first,
        valid_to=last,
        province_id=form.get("province_id") or None,
        kind=form.get("kind", ""),
        for_username=form.get("for_username", "").strip() or None,
        letter=form.get("letter"),
        title_th=form.get("title_th", ""),
        title_en=form.get("title_en", ""),
    )


def _period(first: str, last: str) -> tuple[date, date | None]:
    """Raises Invalid naming the field that is not a date."""
    return day_or_none(first, "valid_from") or today(), day_or_none(last, "valid_to")


def _texts(error: Invalid) -> dict[str, str]:
    return {name: gettext(text) for name, text in error.fields.items()}
