"""For auditors: a case played from record to record, and its chain computed again while they look.

Nothing here writes but the states that spare the next reader the way, and that somebody looked.
"""

from __future__ import annotations

import gzip
import json
from datetime import datetime, time

from flask import Blueprint, Response, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from osm_flow.domain.access.policy import Verb
from osm_flow.domain.calendar.thai_dates import parse_thai_date
from osm_flow.errors import Invalid
from osm_flow.operations.cases.queries import case_history, definition_with_forms
from osm_flow.operations.replay import moments
from osm_flow.operations.replay.moments import Moment, NoSuchMoment
from osm_flow.operations.replay.verify import verify_case
from osm_flow.operations.stepping import kept_states
from osm_flow.store.models import Case
from osm_flow.web.pages.player_sheet import MomentView, Reader, picture_of
from osm_flow.web.parts.diagram_xml import in_language
from osm_flow.web.parts.history import kind_words, tell
from osm_flow.web.site.access import requires
from osm_flow.web.site.filters import thai_datetime, zone
from osm_flow.web.site.i18n import gettext

blueprint = Blueprint("audit", __name__)

MOST_MOMENTS = 40
_MOST_BYTES = 400_000
_MOST_ROWS = 500


class NotAMoment(Invalid):
    """Give the number of a record, or a date such as 20/11/2569."""


@blueprint.get("/audit/cases/<case_id>")
@requires(Verb.see_audit)
def case_audit(case_id: str) -> ResponseReturnValue:
    """The player at the first record; with `record`, `date` or `instant`, at the one that is asked for."""
    case = moments.audited_case(g.session, case_id, g.actor)
    seq = _wanted(case)
    if seq is not None:
        return redirect(url_for("audit.at", case_id=case_id, seq=seq))
    return _player(case, 1)


@blueprint.get("/audit/cases/<case_id>/at/<int:seq>")
@requires(Verb.see_audit)
def at(case_id: str, seq: int) -> ResponseReturnValue:
    """The player at one record, whole without any script."""
    return _player(moments.audited_case(g.session, case_id, g.actor), seq)


@blueprint.get("/audit/cases/<case_id>/at/<int:seq>/data")
@requires(Verb.see_audit)
def data(case_id: str, seq: int) -> ResponseReturnValue:
    """Everything the case knew at that moment and everything that changed, however long."""
    case = moments.audited_case(g.session, case_id, g.actor)
    view = Reader(case).view(_moments(case, seq, seq)[0], whole=True)
    return render_template("player/data.html", case=case, view=view)


@blueprint.get("/audit/cases/<case_id>/at/<int:seq>/picture")
@requires(Verb.see_audit)
def picture(case_id: str, seq: int) -> ResponseReturnValue:
    """The diagram with the case in it as it stood."""
    case = moments.audited_case(g.session, case_id, g.actor)
    xml = definition_with_forms(g.session, case).xml
    return _json({**picture_of(_moments(case, seq, seq)[0]), "xml": in_language(xml)})


@blueprint.get("/audit/cases/<case_id>/moments")
@requires(Verb.see_audit)
def moment_range(case_id: str) -> ResponseReturnValue:
    """Moments from `first` to `last`, upwards or downwards, fewer when they are large: each with its sheet and its place
    on the diagram."""
    case = moments.audited_case(g.session, case_id, g.actor)
    first, last = (request.args.get(name, type=int) for name in ("first", "last"))
    if first is None or last is None:
        raise NotAMoment
    far = min(last, first + MOST_MOMENTS - 1) if last >= first else max(last, first - MOST_MOMENTS + 1)
    read = _moments(case, min(first, far), max(first, far))
    reader, size = Reader(case), 0
    items: list[dict[str, object]] = []
    for moment in read if far >= first else reversed(read):
        view = reader.view(moment)
        sheet = render_template("player/_moment.html", case=case, view=view)
        size += len(sheet)
        if items and size > _MOST_BYTES:
            break
        items.append({"seq": moment.seq, "position": position(case, view), "sheet": sheet, **picture_of(moment)})
    return _json({"items": items, "total": case.seq})


@blueprint.get("/audit/cases/<case_id>/course")
@requires(Verb.see_audit)
def course(case_id: str) -> ResponseReturnValue:
    """The records as short lines for the time line."""
    case = moments.audited_case(g.session, case_id, g.actor)
    rows = moments.course(g.session, case_id, request.args.get("after", 0, type=int), _MOST_ROWS)
    lines = [[row.seq, thai_datetime(row.at), kind_words(row.kind, row.actor != "system")[0]] for row in rows]
    return _json({"items": lines, "total": case.seq})


@blueprint.get("/audit/cases/<case_id>/chain")
@requires(Verb.see_audit)
def chain(case_id: str) -> ResponseReturnValue:
    """The whole chain computed again and the whole case replayed, with the list of its records."""
    case = moments.audited_case(g.session, case_id, g.actor)
    history = case_history(g.session, case, after=request.args.get("after") or None, limit=200, oldest_first=True)
    return render_template(
        "player/case.html",
        case=case,
        faults=verify_case(g.session, case_id),
        records=tell(g.session, case, history.items, logins=True),
        next=history.next,
    )


def position(case: Case, view: MomentView) -> str:
    """Where the player is, in a sentence that is also read aloud."""
    words = gettext("เหตุการณ์ที่ %(n)s จาก %(total)s", n=view.moment.seq, total=case.seq)
    return f"{words} · {thai_datetime(view.moment.at)} · {view.sentence}"


def _player(case: Case, seq: int) -> str:
    moment = _moments(case, seq, seq)[0]
    view = Reader(case).view(moment)
    return render_template("player/player.html", case=case, view=view, position=position(case, view))


def _moments(case: Case, first: int, last: int) -> list[Moment]:
    read = moments.moments(g.session, case, first, last)
    if read.found:
        with g.store.transaction() as session:
            kept_states.keep(session, case.id, read.found)
    return read.items


def _wanted(case: Case) -> int | None:
    """The record that the address asks for. Raises NoSuchMoment, NotAMoment."""
    try:
        if record := request.args.get("record", "").strip():
            seq = int(record)
            if not 1 <= seq <= case.seq:
                raise NoSuchMoment(case_id=case.id, seq=seq)
            return seq
        if day := request.args.get("date", "").strip():
            midnight = datetime.combine(parse_thai_date(day), time(), zone())
            return moments.first_since(g.session, case.id, midnight)
        if instant := request.args.get("instant", "").strip():
            at = datetime.fromisoformat(instant)
            return moments.seq_at(g.session, case.id, at if at.tzinfo else at.replace(tzinfo=zone()))
    except (ValueError, OverflowError) as error:
        raise NotAMoment from error
    return None


def _json(content: object) -> Response:
    """Sheets of neighbouring moments are nearly the same: compressed they are a tenth."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    response = Response(body, mimetype="application/json")
    response.headers["Vary"] = "Accept-Encoding"
    if request.accept_encodings["gzip"]:
        response.set_data(gzip.compress(body, 5, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response
