"""Signing in and out, language, one's own password, and the notices of a person."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_user, logout_user

from osm_flow.domain.access.roles import OVERSIGHT, STAFF
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.errors import Invalid
from osm_flow.operations.ledger.security_events import EventKind, record_event
from osm_flow.operations.people import accounts, hats, notices, orders
from osm_flow.operations.people.signing_in import UNKNOWN, SignInRefused, TooManyAttempts, sign_in
from osm_flow.web.forms.posted import day_or_none
from osm_flow.web.forms.sending import each_time
from osm_flow.web.site import lifecycle
from osm_flow.web.site.access import local_target, public, signed_in
from osm_flow.web.site.i18n import LOCALES, error_text, gettext
from osm_flow.web.site.lifecycle import SignedIn, own_transactions
from osm_flow.web.site.recorded_reads import happening, note_refusal

blueprint = Blueprint("account", __name__)


@blueprint.get("/login")
@public
def login() -> ResponseReturnValue:
    target = local_target(request.args.get("next"))
    if g.actor is not None:
        return redirect(target)
    return _login_page(target)


@blueprint.post("/login")
@public
@own_transactions
def log_in() -> ResponseReturnValue:
    username, target = request.form.get("username", ""), local_target(request.form.get("next"))
    try:
        key = str(current_app.config["SECRET_KEY"]).encode()
        person = sign_in(g.store, username, request.form.get("password", ""), request.remote_addr or "", g.now, key=key)
    except (SignInRefused, TooManyAttempts) as refusal:
        _note_refusal(refusal)
        return _login_page(target, username, error_text(refusal)), refusal.status
    session.clear()
    session.permanent = True
    login_user(SignedIn(person.id, person.session_epoch))
    return redirect(target)


def _note_refusal(refusal: SignInRefused | TooManyAttempts) -> None:
    """Names that nobody has are told apart up to the throttle; from there on it is one flood."""
    if isinstance(refusal, SignInRefused):
        note_refusal(EventKind.sign_in_failed, refusal.typed)
    else:
        note_refusal(EventKind.sign_in_throttled, "" if refusal.typed.startswith(UNKNOWN) else refusal.typed)


def _login_page(target: str, username: str = "", error: str = "") -> str:
    demo = current_app.config.get("DEMO_LOGINS", []) if current_app.config["ENV_NAME"] == "demo" else []
    return render_template(
        "account/login.html", target=target, username=username[:64], error=error, demo_groups=_grouped(demo)
    )


def _grouped(logins: list[dict[str, str]]) -> list[tuple[str, list[dict[str, str]]]]:
    """The demo's accounts under a heading by where their role sits, empty headings left out."""
    groups: dict[str, list[dict[str, str]]] = {heading: [] for heading in _DEMO_HEADINGS}
    for login in logins:
        groups[_demo_heading(login["role"])].append(login)
    return [(heading, accounts) for heading, accounts in groups.items() if accounts]


_DEMO_HEADINGS = ("กลุ่มงานบริหารยุทธศาสตร์", "ผู้บริหาร", "จังหวัดและหน่วยงาน", "ตรวจสอบและดูแลระบบ")


def _demo_heading(role: str) -> str:
    office, superiors, provinces, oversight = _DEMO_HEADINGS
    if role.startswith("osm_"):
        return office
    if role in STAFF:
        return superiors
    return oversight if role in OVERSIGHT else provinces


@blueprint.post("/logout")
@public
def logout() -> ResponseReturnValue:
    if g.actor is not None:
        record_event(g.session, g.now, happening(EventKind.signed_out))
    logout_user()
    session.clear()
    return redirect(url_for("account.login"))


@blueprint.post("/language")
@public
def language() -> ResponseReturnValue:
    locale = request.form.get("locale", "")
    response = redirect(local_target(request.form.get("next")))
    if locale in LOCALES:
        if g.actor is not None:
            accounts.set_locale(g.session, hats.person_by_username(g.session, g.actor.username), locale)
        response.set_cookie(
            "lang",
            locale,
            max_age=31_536_000,
            samesite="Lax",
            httponly=True,
            secure=current_app.config["SESSION_COOKIE_SECURE"],
        )
    return response


@blueprint.get("/account")
@signed_in
def me() -> ResponseReturnValue:
    return _account_page()


@blueprint.post("/account/password")
@signed_in
def change_password() -> ResponseReturnValue:
    new = request.form.get("new", "")
    person = hats.person_by_username(g.session, g.actor.username)
    try:
        if new != request.form.get("again", ""):
            raise Invalid(fields={"again": "The two new passwords differ."})
        accounts.change_password(g.session, person, g.now, current=request.form.get("current", ""), new=new)
    except (Invalid, SignInRefused) as error:
        lifecycle.read_again()
        errors = {name: gettext(text) for name, text in error.fields.items()}
        return _account_page(errors), 422
    login_user(SignedIn(person.id, person.session_epoch))
    flash(gettext("เปลี่ยนรหัสผ่านแล้ว การเข้าสู่ระบบบนเครื่องอื่นสิ้นสุดลงแล้ว"), "success")
    return redirect(url_for("account.me"))


@blueprint.post("/account/orders")
@signed_in
def record_order() -> ResponseReturnValue:
    """A head lets somebody act or sign in their post, or the secretary writes down such an order for a head."""
    form = request.form
    try:
        first, last = (
            day_or_none(form.get("first", ""), "first") or local_day(g.now),
            day_or_none(form.get("last", ""), "last"),
        )
        post = form.get("post", "")
        entered = orders.NewOrder(
            post_id=int(post) if post.isascii() and post.isdigit() and len(post) < 10 else 0,
            to_username=form.get("to_username", ""),
            kind=form.get("kind", ""),
            letter=form.get("letter", ""),
            first=first,
            last=last,
        )
        orders.record_order(g.session, g.actor, g.now, entered)
    except Invalid as error:
        lifecycle.read_again()
        return _account_page({name: gettext(text) for name, text in error.fields.items()}, form), 422
    flash(gettext("บันทึกคำสั่งแล้ว แจ้งทั้งสองฝ่ายแล้ว"), "success")
    return redirect(url_for("account.me"))


@blueprint.post("/account/orders/<int:position_id>/end")
@signed_in
def end_order(position_id: int) -> ResponseReturnValue:
    orders.end_order(g.session, position_id, g.actor, g.now)
    flash(gettext("สิ้นสุดคำสั่งแล้ว มีผลทันที"), "success")
    return redirect(url_for("account.me"))


def _account_page(errors: Mapping[str, str] | None = None, values: Mapping[str, str] | None = None) -> str:
    today = local_day(g.now)
    posts = orders.posts_to_hand_on(g.session, g.actor, today)
    return render_template(
        "account/me.html",
        errors=errors or {},
        values=values or {},
        posts=posts,
        receivers=orders.receivers(g.session, posts, today) if posts else (),
        orders=orders.orders_of(g.session, posts, today) if posts else (),
    )


@blueprint.get("/notices")
@signed_in
def notice_list() -> ResponseReturnValue:
    page = notices.notices_for(g.session, g.actor, after=request.args.get("after"))
    return render_template("account/notices.html", page=page)


@blueprint.post("/notices/read")
@signed_in
@each_time
def notices_read() -> ResponseReturnValue:
    notices.mark_all_read(g.session, g.actor, g.now)
    return redirect(url_for("account.notice_list"))
