"""Checking the events of a diagram and what follows its event-based gateways."""

from __future__ import annotations

import ast
import re
import unicodedata
from datetime import UTC, datetime
from typing import Any

from osm_flow.domain.forms.schema import fields_of
from osm_flow.engine.definitions import ACTIVITIES
from osm_flow.engine.expressions import CALENDAR_FUNCTIONS, constant_of, parse, spelled, strip
from osm_flow.engine.lint.constructs import INSTEAD, PASSIVE
from osm_flow.engine.lint.examined import FIRST_BUDDHIST_YEAR, LAST_BUDDHIST_YEAR, Ground
from osm_flow.engine.sentences.drawn import UNSEEN, Sentence
from osm_flow.engine.spiff.events import add_duration, is_time_literal, split_cycle
from osm_flow.engine.xml import BPMN, NAMESPACES, child_text, local_name

# What each event may wait for or throw.
_DEFINITIONS = {
    "startEvent": {"messageEventDefinition", "timerEventDefinition"},
    "intermediateCatchEvent": {"messageEventDefinition", "timerEventDefinition"},
    "intermediateThrowEvent": {"messageEventDefinition", "signalEventDefinition", "escalationEventDefinition"},
    "endEvent": {
        "messageEventDefinition",
        "errorEventDefinition",
        "escalationEventDefinition",
        "terminateEventDefinition",
    },
    "boundaryEvent": {
        "messageEventDefinition",
        "timerEventDefinition",
        "errorEventDefinition",
        "escalationEventDefinition",
    },
}
# Where an error or an escalation can come from; anywhere else the event would wait for what never happens.
_SOURCES = {
    "error": {"subProcess", "callActivity", "serviceTask", "sendTask"},
    "escalation": {"subProcess", "callActivity"},
}
_SAMPLE = datetime(2026, 1, 1, tzinfo=UTC)
_MOST_YEARS = 100
_MOST_TURNS = 10_000
_DURATION = re.compile(r"^P(?=[\dT])(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$", re.ASCII)
_PARTS_OF_DURATION = re.compile(r"^P(\d+[YMWD])*(T(\d+[HMS])+)?(?<!P)$", re.ASCII)
_CRON = re.compile(r"^[@]\w+$|^([\d*?/,L#-]+\s+){4,6}[\d*?/,L#A-Z-]+$")
# What is meant as a time though it is not spelled as one: pt5m, -PT5M, R3/2026-01-01T00:00:00Z/P1D, 20/11/2569.
_LIKE_TIME = re.compile(
    r"^[+-]?p(\d+[ymwd])*(t(\d+[hms])*)?$|^[+-]P[\dT]|^R[+-]?\d*(/|$)|^T(\d+[hms])+$|^\d+[ymwdhs]$|^\d{1,2}/\d{1,2}/\d{4}|^\d{4}/\d|^@\w+$|^([\d*?/,-]+\s+){4,6}\S+$",
    re.IGNORECASE,
)
# Words that mean a time to people and are seldom the name of a variable.
_WORDS = re.compile(r"^(now|today|tomorrow|soon|one|two|three|four|five|six|seven|eight|nine|ten)$", re.IGNORECASE)
_QUOTED = re.compile(r"^(['\"])([^'\"]*)\1$")
_TOO_LONG = Sentence(f"ยาวเกิน {_MOST_YEARS} ปี", f"it is longer than {_MOST_YEARS} years")
_ORDER = Sentence(
    "เรียงเป็นปี เดือน สัปดาห์ วัน แล้ว T ชั่วโมง นาที วินาที เช่น P1Y2M3DT4H5M",
    "its parts stand in the order of years, months, weeks, days, T, hours, minutes, seconds, like P1Y2M3DT4H5M",
)
_NO_DURATION = Sentence(
    "ระยะเวลาต้องเขียนเช่น P3D หรือ PT5H30M", "a period is written like P3D or PT5H30M, in whole numbers"
)


def check_event(ground: Ground, node: Any) -> None:
    """Check one event: what it waits for or throws, and where it stands."""
    name = local_name(node)
    definitions = [d for d in node if isinstance(d.tag, str) and local_name(d).endswith("EventDefinition")]
    if len(definitions) > 1:
        ground.add(node, "multiple_event", "เหตุการณ์มีได้ชนิดเดียว", "an event may have one definition only")
    if name == "boundaryEvent":
        _attachment(ground, node)
    if not definitions and not ground.is_blamed(node) and name in ("boundaryEvent", "intermediateCatchEvent"):
        ground.add(node, "no_event", "ระบุชนิดของเหตุการณ์", "say what the event waits for")
    for definition in definitions:
        _definition(ground, node, name, definition)


def _attachment(ground: Ground, node: Any) -> None:
    host = ground.nodes.get(node.get("attachedToRef"))
    if host is None and ground.is_blamed(ground.everything.get(node.get("attachedToRef"))):
        return
    if host is None or host.getparent() is not node.getparent() or local_name(host) not in ACTIVITIES:
        if (named := node.get("attachedToRef")) not in ground.everything:
            ground.missing.add(named)
        en = "a boundary event must be attached to an activity beside it"
        ground.add(node, "unattached", "เหตุการณ์ขอบต้องติดกับงานในกระบวนการเดียวกัน", en)


def _definition(ground: Ground, node: Any, name: str, definition: Any) -> None:
    kind = local_name(definition)
    if kind not in PASSIVE:
        return  # told as unknown already
    if kind not in _DEFINITIONS[name]:
        th, en = INSTEAD.get(kind, ("ไม่รองรับเหตุการณ์ชนิดนี้ที่นี่", f"{kind} is not supported on a {name}"))
        ground.add(node, "event", th, en)
    elif kind == "timerEventDefinition":
        _timer(ground, node, name, definition)
    elif kind == "messageEventDefinition":
        ground.message(node, definition.get("messageRef"))
    elif kind in ("errorEventDefinition", "escalationEventDefinition"):
        _code(ground, node, name, definition, "error" if kind.startswith("error") else "escalation")


def _code(ground: Ground, node: Any, name: str, definition: Any, tag: str) -> None:
    ref = definition.get(f"{tag}Ref")
    definitions = ground.diagram.root.xpath(f"./bpmn:{tag}[@id=$ref]", namespaces=NAMESPACES, ref=ref or "")
    named = bool(definitions) and bool(definitions[0].get(f"{tag}Code"))
    if (ref and not named) or (name != "boundaryEvent" and not named):
        ground.add(node, "no_code", "ต้องอ้างรหัสข้อผิดพลาดหรือการยกระดับ", f"it must refer to an {tag} with a code")
    host = ground.nodes.get(node.get("attachedToRef"))
    if host is not None and local_name(host) not in _SOURCES[tag]:
        en = f"no {tag} can come out of a {local_name(host)}: attach it to " + " or ".join(sorted(_SOURCES[tag]))
        ground.add(
            node,
            "never_happens",
            f"ไม่มี {tag} ออกมาจาก {local_name(host)} ได้ ให้ติดกับ {' / '.join(sorted(_SOURCES[tag]))}",
            en,
        )
    if name == "boundaryEvent" and tag == "error" and node.get("cancelActivity") == "false":
        ground.add(node, "error_interrupts", "เหตุการณ์ผิดพลาดต้องหยุดงานเสมอ", "an error event always interrupts")


# ---- timers ------------------------------------------------------------------------------------------------------------


def _timer(ground: Ground, node: Any, name: str, definition: Any) -> None:
    texts = {kind: child_text(definition, f"./bpmn:{kind}") for kind in ("timeDate", "timeDuration", "timeCycle")}
    given = {k: v for k, v in texts.items() if v}
    if len(given) != 1:
        ground.add(node, "timer", "ตัวจับเวลาต้องมีเวลาแบบเดียว", "a timer needs exactly one of date, duration and cycle")
        return
    kind, text = next(iter(given.items()))
    if kind == "timeCycle" and (name != "boundaryEvent" or node.get("cancelActivity", "true") == "true"):
        en = "a cycle may only stand on a non-interrupting boundary event"
        ground.add(node, "cycle", "การวนซ้ำใช้ได้เฉพาะเหตุการณ์ขอบแบบไม่หยุดงาน", en)
        return
    if (literal := _literal(ground, text)) is not None:
        _judge_time(ground, node, kind, literal)
    else:
        _judge_expression(ground, node, kind, text)


def _literal(ground: Ground, text: str) -> str | None:
    """The time that is written down itself, in whatever spelling; None: an expression that works it out."""
    quoted = _QUOTED.match(strip(text))
    words = quoted.group(2) if quoted else text.strip()
    return words if is_time_literal(words) or is_like_a_time(ground, words) else None


def is_like_a_time(ground: Ground, words: str) -> bool:
    """Whether a text is meant as a time and no name: spelled nearly so, a word for one, or a foreign name that no form has."""
    named = words.isidentifier()
    if named and any(words in fields_of(form) for form in ground.forms.values()):
        return False
    return bool(_LIKE_TIME.match(words) or _WORDS.match(words)) or (named and not words.isascii())


def _judge_time(ground: Ground, node: Any, kind: str, text: str) -> None:
    fault = time_fault(kind, text)
    if fault is not None:
        th = f"เวลาใช้ไม่ได้: {text} ({fault.th})"
        ground.add(node, "timer", th, f"the time {text} cannot be used: {fault.en}")
    elif kind == "timeDate":
        en = "a date drawn into a diagram is right for one year only: use a function of the calendar"
        ground.add(node, "fixed_date", "วันที่ตายตัวใช้ได้ปีเดียว ใช้ฟังก์ชันปฏิทินแทน", en, "warning")


def _judge_expression(ground: Ground, node: Any, kind: str, text: str) -> None:
    before = len(ground.found)
    ground.expression(node, text)
    if len(ground.found) > before:
        return
    tree = parse(text)
    gives_date = isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id in CALENDAR_FUNCTIONS
    is_constant, value = constant_of(text)
    if gives_date and kind != "timeDate":
        en = f"{text[:80]} gives a date, not a period: put it into timeDate"
        ground.add(node, "timer", f"{text[:80]} ให้ค่าเป็นวันที่ ไม่ใช่ระยะเวลา ให้ใช้ timeDate", en)
    elif is_constant and (kind != "timeDate" or value is not None):
        _judge_time(ground, node, kind, spelled(value))


def time_fault(kind: str, text: str) -> Sentence | None:
    """Why a time that is written into a diagram cannot be used as this kind, with what to write; None: it can."""
    text = text.strip()
    if _CRON.match(text):
        return Sentence(
            "ไม่รองรับ cron ให้เขียน R/P1D หรือใช้ฟังก์ชันปฏิทิน", "cron is not supported: write R/P1D, or use the calendar"
        )
    if (digits := _in_plain_digits(text)) != text:
        return Sentence(f"ใช้เลขอารบิกและอักษรโรมัน ให้เขียน {digits}", f"use plain digits and letters: write {digits}")
    if any(unicodedata.category(sign) == "Cf" for sign in text):
        return UNSEEN
    judge = {"timeDuration": _duration_fault, "timeCycle": _cycle_fault, "timeDate": _date_fault}[kind]
    return judge(text)


def _in_plain_digits(text: str) -> str:
    """The text with Thai, wide and other digits and letters as those of a keyboard."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(str(unicodedata.digit(sign)) if sign.isdigit() else sign for sign in plain)


def _duration_fault(text: str, before: str = "") -> Sentence | None:
    """Why a period cannot be used; `before` is what stands before it in a repetition."""
    upper = text.upper()
    if upper.startswith("R"):
        return Sentence("การวนซ้ำไม่ใช่ระยะเวลา ให้เขียน P1D", "a repetition is no period: write P1D")
    if "-" in upper and _DURATION.match(positive := upper.replace("-", "")):
        th = f"ระยะเวลาติดลบไม่ได้ ให้เขียน {before}{positive}"
        return Sentence(th, f"a period cannot be negative: write {before}{positive}")
    if not _DURATION.match(upper):
        return _ORDER if _PARTS_OF_DURATION.match(upper) else _NO_DURATION
    try:
        end = add_duration(_SAMPLE, upper)
    except (OverflowError, ValueError):
        return _TOO_LONG
    if end > _SAMPLE.replace(year=_SAMPLE.year + _MOST_YEARS):
        return _TOO_LONG
    if text != upper:
        return Sentence(f"ใช้ตัวพิมพ์ใหญ่ ให้เขียน {before}{upper}", f"use capital letters: write {before}{upper}")
    return None


def _cycle_fault(text: str) -> Sentence | None:
    parts = text.split("/")
    if any(re.match(r"^\d{4}-", part) for part in parts):
        en = "a repetition begins when its activity opens, not at a date: write R3/P1D"
        return Sentence("การวนซ้ำเริ่มเมื่องานเปิด ไม่ใช่จากวันที่ ให้เขียน R3/P1D", en)
    if not text.upper().startswith("R") or len(parts) != 2:
        return Sentence("การวนซ้ำต้องเขียนเช่น R3/P1D หรือ R/P1D", "a repetition is written like R3/P1D or R/P1D")
    if not re.match(r"^R\d*$", parts[0], re.IGNORECASE | re.ASCII):
        return Sentence("จำนวนครั้งต้องเขียนเช่น R3/P1D หรือ R/P1D", "the turns are written like R3/P1D or R/P1D")
    if (fault := _duration_fault(parts[1], f"{parts[0].upper()}/")) is not None:
        return fault
    if text != text.upper():
        return Sentence(f"ใช้ตัวพิมพ์ใหญ่ ให้เขียน {text.upper()}", f"use capital letters: write {text.upper()}")
    try:
        turns, _ = split_cycle(text)
    except ValueError:
        en = "it repeats nothing, or without a pause: write R3/P1D"
        return Sentence("วนศูนย์ครั้งหรือไม่มีช่วงพัก ให้เขียน R3/P1D", en)
    if turns is not None and turns > _MOST_TURNS:
        return Sentence(
            f"วนเกิน {_MOST_TURNS} ครั้ง ให้เขียน R/P1D", f"it repeats more than {_MOST_TURNS} times: write R/P1D"
        )
    return None


def _date_fault(text: str) -> Sentence | None:
    year = re.match(r"^(\d{4})-", text)
    if year is None:
        en = "a date is written like 2026-11-20T09:00:00+07:00; better use a function of the calendar"
        return Sentence("วันที่ต้องเขียนเช่น 2026-11-20T09:00:00+07:00 หรือใช้ฟังก์ชันปฏิทิน", en)
    number = int(year.group(1))
    if FIRST_BUDDHIST_YEAR <= number < LAST_BUDDHIST_YEAR:
        christian = number - 543
        en = f"the year {number} is one of the Buddhist era: write {christian}"
        return Sentence(f"ปี {number} เป็นปีพุทธศักราช ให้เขียน {christian}", en)
    if number >= LAST_BUDDHIST_YEAR:
        return _far(number)
    try:
        instant = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return Sentence("ไม่มีวันหรือเวลานี้ในปฏิทิน", "there is no such day or time")
    if instant.tzinfo is None:
        en = "it does not say its offset from UTC: write +07:00 after the time"
        return Sentence("ไม่ได้บอกเขตเวลา ให้เติม +07:00 หลังเวลา", en)
    if not _SAMPLE.year - _MOST_YEARS < number < _SAMPLE.year + _MOST_YEARS:
        return _far(number)
    return None


def _far(year: int) -> Sentence:
    return Sentence(f"ปี {year} ไกลเกินไป", f"the year {year} is too far away")


# ---- races -------------------------------------------------------------------------------------------------------------


def check_race(ground: Ground, node: Any) -> None:
    """Check that an event-based gateway leads to events alone."""
    targets = [t for f in ground.outgoing(node) if (t := ground.nodes.get(f.get("targetRef"))) is not None]
    for target in targets:
        _racer(ground, node, target)
    if sum(target.find("bpmn:timerEventDefinition", NAMESPACES) is not None for target in targets) > 1:
        en = "at most one timer may follow an event-based gateway"
        ground.add(node, "two_timers", "มีตัวจับเวลาได้ตัวเดียวต่อเกตเวย์", en)


def _racer(ground: Ground, node: Any, target: Any) -> None:
    if local_name(target) not in ("intermediateCatchEvent", "receiveTask"):
        en = "only catching events and receive tasks may follow it"
        ground.add(node, "race", "หลังเกตเวย์แบบเหตุการณ์ต้องเป็นเหตุการณ์รอรับ", en)
    if len({flow.get("sourceRef") for flow in ground.incoming(target)}) > 1:
        en = "an event of the race may have no other incoming flow"
        ground.add(target, "race_entry", "เหตุการณ์หลังเกตเวย์ต้องมีเส้นเข้าเส้นเดียว", en)
    loops = ("multiInstanceLoopCharacteristics", "standardLoopCharacteristics")
    if ground.boundaries(target) or any(target.find(f"{BPMN}{loop}") is not None for loop in loops):
        en = "a receive task of the race may have no boundary events and no repetition"
        ground.add(target, "race_task", "งานรอรับหลังเกตเวย์ต้องไม่มีเหตุการณ์ขอบและไม่วนซ้ำ", en)
