"""Words that several pages need: names in the reader's language, sizes, who acts for whom, what a state means."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask import Flask, g

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.access.policy import Decision, Reason
from osm_flow.domain.access.roles import PROVINCIAL
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.calendar.thai_dates import buddhist_year
from osm_flow.domain.json import JSON
from osm_flow.domain.people import PositionKind
from osm_flow.engine import Element
from osm_flow.operations.people import hats
from osm_flow.operations.stepping.subject_words import subject_words
from osm_flow.web.site.filters import province_name, role_name, thai_date
from osm_flow.web.site.i18n import current_locale, gettext

# How an answer reached the office when the party has no login, with what people call it.
CHANNELS = {
    "letter": "หนังสือราชการ",
    "email": "อีเมล",
    "phone": "โทรศัพท์",
    "meeting": "ที่ประชุม",
    "paper": "ลงนามในกระดาษ",
}
_A_DAY = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d)")
_KINDS = {
    "UserTask": "งาน",
    "ManualTask": "งาน",
    "Task": "งาน",
    "ServiceTask": "ระบบทำให้",
    "SendTask": "ส่งหนังสือ",
    "ReceiveTask": "รอคำตอบ",
    "BusinessRuleTask": "ตารางตัดสินใจ",
    "CallActivity": "เรื่องย่อย",
    "SubProcess": "กลุ่มขั้นตอน",
    "StartEvent": "จุดเริ่ม",
    "EndEvent": "จุดจบ",
    "IntermediateCatchEvent": "รอเหตุการณ์",
    "IntermediateThrowEvent": "แจ้งออก",
    "BoundaryEvent": "เหตุแทรก",
    "ExclusiveGateway": "ทางแยก",
    "InclusiveGateway": "ทางแยกหลายทาง",
    "ParallelGateway": "ทำพร้อมกัน",
    "EventBasedGateway": "รอสิ่งที่เกิดก่อน",
}


def named(thing: Any) -> str:
    """The name of a row in the reader's language; names from diagrams are in the catalogue, Thai where it has none."""
    return str((current_locale() == "en" and thing.name_en) or gettext(thing.name_th))


def subject(thing: Any) -> str:
    """What a work item or a case is about, in the reader's language; empty where nothing says so."""
    return subject_words(thing.subject, current_locale())


def titled(thing: Any) -> str:
    """A work item in one line: what is to be done, and about what."""
    return f"{named(thing)} – {words}" if (words := subject(thing)) else named(thing)


def names_of(usernames: Iterable[str]) -> dict[str, str]:
    """What people call these actors, by user name; the clock and the services are called the system."""
    wanted = set(usernames)
    known = {SYSTEM.username: gettext("ระบบ"), **hats.names_of(g.session, wanted)}
    return {username: known.get(username, username) for username in wanted}


def typed_date(instant: datetime | None) -> str:
    """An instant's day as people type it into a field: `20/11/2569`."""
    if instant is None:
        return ""
    day = local_day(instant)
    return f"{day.day}/{day.month}/{buddhist_year(day)}"


def file_size(size: int) -> str:
    return f"{size / 1_048_576:.1f} MB" if size >= 1_048_576 else f"{max(1, round(size / 1024))} KB"


def new_key() -> str:
    """What makes one filled-in form one act, however often it is sent."""
    return uuid.uuid4().hex


def acting_words(decision: Decision) -> str:
    """On behalf of whom an act would be done, as the button says it; empty for one's own post."""
    hat = decision.hat
    if hat is None or hat.kind == PositionKind.substantive:
        return ""
    principal = hat.title or hat.for_name or hat.for_username or ""
    if hat.kind == PositionKind.acting:
        return gettext("รักษาราชการแทน %(name)s", name=principal)
    return gettext("ปฏิบัติราชการแทน %(name)s", name=principal)


def obstacle_words(decision: Decision, holder: str = "") -> str:
    """Why the person cannot complete this, as a sentence; empty when nothing but the state or nothing is in the way."""
    match decision.reason:
        case Reason.separated:
            return gettext("คุณทำขั้นก่อนหน้าของเรื่องนี้แล้ว ขั้นนี้ต้องให้คนอื่นตรวจ")
        case Reason.chooser:
            return gettext("คุณเลือกผู้ตรวจงานนี้ไว้ จึงต้องให้คนอื่นทำ")
        case Reason.chosen:
            return gettext("ผู้ที่ทำงานที่ต้องตรวจเป็นผู้ให้หรือยืนยันตำแหน่งของคุณ จึงต้องให้คนอื่นตรวจ")
        case Reason.held:
            return gettext("%(name)s รับงานนี้ไว้แล้ว คุณอ่านได้แต่แก้ไม่ได้", name=holder)
        case Reason.role | Reason.foreign | Reason.closed:
            return gettext("งานนี้เป็นของหน้าที่อื่น คุณอ่านได้แต่แก้ไม่ได้")
        case Reason.state:
            return gettext("เรื่องนี้พักอยู่ งานทุกงานรอจนกว่าจะให้เดินต่อ")
        case Reason.ok:
            return ""


def for_whom(act: Any, name: str | None) -> str:
    """For whom an act was done, as it is told everywhere; empty for one's own.

    `act` has the record's `answer` of a party outside and whether it `is_as_stated`; `name` is whom the record names.
    """
    if act.answer:
        return gettext("แทน %(party)s", party=answer_words(act.answer))
    if not name:
        return ""
    return gettext("แทน %(name)s (ตามที่ระบุ)", name=name) if act.is_as_stated else gettext("แทน %(name)s", name=name)


def with_login(name: str | None, username: str | None) -> str:
    """A display name with the user name that was recorded, which never changes; empty where nobody is named."""
    if not name or not username or username in (name, SYSTEM.username):
        return name or username or ""
    return f"{name} ({username})"


def sender_words(sender: Any) -> str:
    """Who did the step before a work item, and for whom."""
    return " ".join(filter(None, (sender.name, for_whom(sender, sender.on_behalf_of))))


def answer_words(answer: JSON) -> str:
    """Whose answer was written down, who gave it, and by which paper."""
    party, answerer = party_name(answer), str(answer.get("answerer", ""))
    way = gettext(CHANNELS.get(str(answer.get("channel")), ""))
    number, written = answer.get("number", ""), str(answer.get("date", ""))
    # A payload that a stranger rewrote may hold anything: it is shown as it is.
    day = thai_date(written) if _A_DAY.fullmatch(written) else written
    paper = gettext("%(way)s ที่ %(number)s ลงวันที่ %(date)s", way=way, number=number, date=day)
    return f"{party or answerer} ({answerer}, {paper})" if party else f"{answerer} ({paper})"


def party_name(answer: JSON) -> str:
    """The party whose answer it is, in the reader's language."""
    spelled = str(answer.get("party") or "")
    return party_words(spelled) if spelled else gettext(str(answer.get("party_name") or ""))


def party_words(spelled: str) -> str:
    """A party outside that diagrams spell `role@province`: a province by its name, others by their role."""
    role, _, province = spelled.partition("@")
    where = gettext("จังหวัด%(name)s", name=province_name(province)) if province else ""
    return where if where and role in PROVINCIAL else " ".join(filter(None, (role_name(role), where)))


def channels() -> list[tuple[str, str]]:
    return [(key, gettext(thai)) for key, thai in CHANNELS.items()]


def element_kind(element: Element) -> str:
    kind = element.type[:1].upper() + element.type[1:]
    return gettext(_KINDS.get(kind, "ขั้นตอน"))


def init_app(app: Flask) -> None:
    app.jinja_env.filters.update(
        for_whom=for_whom,
        with_login=with_login,
        actor_name=lambda username: names_of([username])[username],
        named=named,
        subject=subject,
        titled=titled,
        file_size=file_size,
        typed_date=typed_date,
    )
    app.jinja_env.globals.update(new_key=new_key, file_size=file_size)
