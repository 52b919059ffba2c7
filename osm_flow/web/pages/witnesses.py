"""The log over all journals as its office sees it: the newest checkpoint, the keys, and who gets copies."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from osm_flow.domain.access.policy import Verb, offices_where
from osm_flow.domain.merkle_note import VerifierKey
from osm_flow.operations.audit import checkpoints, repairs, signing_keys, witnesses
from osm_flow.operations.audit.log import latest_checkpoint, logged_records, wrong_notes, wrong_waiting
from osm_flow.operations.audit.signing_keys import KeyDamaged, Keyring, TrustUnreadable
from osm_flow.operations.people.offices import offices
from osm_flow.store.models import Office, SigningKey
from osm_flow.web.site.access import may, requires
from osm_flow.web.site.i18n import gettext

blueprint = Blueprint("witnesses", __name__)


@blueprint.get("/audit/log")
@requires(Verb.see_audit, Verb.manage_witnesses)
def log() -> ResponseReturnValue:
    trusted = _trusted()
    return render_template(
        "witnesses/log.html",
        newest=latest_checkpoint(g.session),
        logged=logged_records(g.session),
        signing_keys=[_key(row, trusted or []) for row in reversed(signing_keys.kept_keys(g.session))],
        has_trusted=bool(trusted),
        may_sign=may(Verb.sign_log),
        may_manage=may(Verb.manage_witnesses),
        wrong_notes=len(_out_of_step()),
        may_repair=may(Verb.repair_log),
    )


def _out_of_step() -> set[str]:
    """The chains of which a note does not fit, or records wait otherwise than they should."""
    waiting = {one.chain for one in wrong_waiting(g.session)}
    return {note.case_id for note in wrong_notes(g.session)} | waiting


def _trusted() -> list[VerifierKey] | None:
    """The keys that this machine trusts; None where its list cannot be read."""
    keyring: Keyring = current_app.config["KEYRING"]
    try:
        return keyring.trusted()
    except TrustUnreadable:
        return None


def _key(row: SigningKey, trusted: list[VerifierKey]) -> tuple[SigningKey, str | None, bool]:
    """A stored key, how it is given to people outside (None: it is no key), and whether this machine trusts it."""
    try:
        key = signing_keys.public_half(row)
    except KeyDamaged:
        return row, None, False
    return row, str(key), signing_keys.is_trusted(key, trusted)


@blueprint.post("/audit/log/checkpoints")
@requires(Verb.sign_log)
def sign() -> ResponseReturnValue:
    made = checkpoints.sign_and_send(g.session, g.now, g.actor, keyring=current_app.config["KEYRING"])
    flash(gettext("ลงนามแล้ว มี %(size)s รายการ", size=made.size), "success")
    return redirect(url_for("witnesses.log"))


@blueprint.post("/audit/log/repairs")
@requires(Verb.repair_log)
def repair() -> ResponseReturnValue:
    done = repairs.repair(g.session, g.actor, g.now, reason=request.form.get("reason", ""))
    put_right = done.notes + done.waiting
    told = gettext("ซ่อมแล้ว %(notes)s เรื่อง บันทึกรวมรับเพิ่ม %(added)s รายการ", notes=put_right, added=done.added)
    flash(told, "success")
    return redirect(url_for("witnesses.log"))


@blueprint.get("/audit/witnesses")
@requires(Verb.manage_witnesses)
def witness_list() -> ResponseReturnValue:
    mine = _offices()
    by_office = [(office, witnesses.witnesses_of(g.session, office.id, g.actor)) for office in mine]
    named = [(office, rows) for office, rows in by_office if rows]
    return render_template("witnesses/witnesses.html", offices=mine, witnesses=named)


@blueprint.post("/audit/witnesses")
@requires(Verb.manage_witnesses)
def add() -> ResponseReturnValue:
    typed = request.form
    office_id = typed.get("office") or _offices()[0].id
    added = witnesses.add_witness(
        g.session, office_id, g.actor, g.now, name=typed.get("name", ""), email=typed.get("email", "")
    )
    flash(gettext("จากนี้ %(name)s จะได้รับจุดตรวจสอบทุกฉบับ", name=added.name), "success")
    return redirect(url_for("witnesses.witness_list"))


@blueprint.post("/audit/witnesses/<int:witness_id>/remove")
@requires(Verb.manage_witnesses)
def remove(witness_id: int) -> ResponseReturnValue:
    removed = witnesses.remove_witness(g.session, witness_id, g.actor, g.now)
    flash(gettext("เลิกส่งจุดตรวจสอบให้ %(name)s แล้ว", name=removed.name), "success")
    return redirect(url_for("witnesses.witness_list"))


def _offices() -> list[Office]:
    managed = offices_where(g.actor, Verb.manage_witnesses)
    return [office for office in offices(g.session) if office.id in managed]
