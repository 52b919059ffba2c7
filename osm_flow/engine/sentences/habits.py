"""What people write who know other languages of expressions (JUEL, FEEL, JavaScript), and what to write here instead."""

from __future__ import annotations

import re

from osm_flow.engine.sentences.drawn import UNSEEN, Sentence

_TEXTS = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


def _instead(habit: str, here: str) -> Sentence:
    return Sentence(f"เขียน {here} แทน {habit}", f"write {here} instead of {habit}")


# Looked for in this order, outside quoted texts, only in what cannot be read.
_HABITS: tuple[tuple[str, Sentence], ...] = (
    ("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]", UNSEEN),
    (r"[\r\n]", Sentence("เขียนนิพจน์ในบรรทัดเดียว", "write the expression on one line")),
    (r"[“”‘’„«»]", Sentence("ใช้เครื่องหมายคำพูดตรง ' หรือ \"", "use straight quotes: ' or \"")),
    (r"[≥≤≠]", _instead("≥ ≤ ≠", ">= <= !=")),
    (r"[×÷−–]", _instead("× ÷ −", "* / -")),
    (r"(?<![\w])[\u0e50-\u0e59\uff10-\uff19]", Sentence("ใช้เลขอารบิก 0-9", "use the digits 0-9")),
    (r"^\s*[<>]=?.*\b(and|or)\s*[<>]", _instead("> 1 and < 5", "? > 1 and ? < 5")),
    (r"[$#]\{", Sentence("ครอบทั้งนิพจน์ด้วย ${…} เพียงครั้งเดียว", "put one ${…} round the whole expression")),
    (r"&&", _instead("&&", "and")),
    (r"\|\|", _instead("||", "or")),
    (r"===", _instead("===", "==")),
    (r"!==", _instead("!==", "!=")),
    (r"<>", _instead("<>", "!=")),
    (r"=>|=<", _instead("=> / =<", ">= / <=")),
    (r"!(?!=)", _instead("!x", "not x")),
    (r"\bnot\s+empty\b", _instead("not empty x", "len(x) > 0")),
    (r"\bempty\b", _instead("empty x", "len(x) == 0, or x is null")),
    (r"\bif\b.*\bthen\b", _instead("if a then b else c", "b if a else c")),
    (r"\b(some|every)\b.*\bsatisfies\b", _instead("some/every … satisfies", "any_of(list, 'field', value) or all_of(…)")),
    (r"\bfor\b.*\breturn\b", _instead("for … return", "field(list, 'name')")),
    (r"\bbetween\b", _instead("x between a and b", "a <= x and x <= b")),
    (r"\.\.", _instead("x in [a..b]", "a <= x and x <= b")),
    (r"(?<!\w)@", _instead("@'2026-11-20'", "'2026-11-20'")),
    (r"\?.*:", _instead("a ? b : c", "b if a else c")),
    (r"\binstance\s*of\b", Sentence("ไม่มีการถามชนิดของค่า", "the kind of a value cannot be asked")),
    (r"\b(eq)\b", _instead("eq", "==")),
    (r"\b(ne)\b", _instead("ne", "!=")),
    (r"\b(lt|le)\b", _instead("lt / le", "< / <=")),
    (r"\b(gt|ge)\b", _instead("gt / ge", "> / >=")),
    (r"\b(AND|OR|NOT|And|Or|Not)\b", _instead("AND, OR, NOT", "and, or, not")),
    (r"\bmod\b", _instead("mod", "%")),
    (r"\bdiv\b", _instead("div", "/")),
    (r"\b(date and time|date|time|duration|now|today)\s*\(", _instead("date(…), duration(…)", "'2026-11-20' or milestone('key')")),
    (r"\b(get[A-Z]\w*|set[A-Z]\w*|execution)\b", _instead("execution.getVariable('x')", "x")),
    (r"\.\s*equals\s*\(", _instead("a.equals(b)", "a == b")),
    (r"\.\s*(size|length|isEmpty)\b", _instead("x.size()", "len(x)")),
    (r"\bstring\s+length\s*\(", _instead("string length(x)", "len(x)")),
    (r"\b(list\s+)?contains\s*\(", _instead("contains(list, x)", "x in list")),
    (r"\w\s*\*\*|\^", Sentence("ไม่มีการยกกำลัง", "powers are not part of the dialect")),
    (r"(?<!&)&(?!&)", _instead("&", "and")),
    (r"(?<!\|)\|(?!\|)", _instead("|", "or")),
    (r"[^\W\d]\w*\s*\.\s*[^\W\d]\w*", _instead("plan.title", "plan['title']")),
    (r"(?<![=!<>])=(?!=)", _instead("=", "==")),
)  # fmt: skip
_PATTERNS = tuple((re.compile(pattern, re.DOTALL), advice) for pattern, advice in _HABITS)


def advice_for(expression: str) -> Sentence | None:
    """What to write instead of what this expression, which cannot be read, holds of another language; None: nothing known."""
    code = _TEXTS.sub("''", expression)
    return next((advice for pattern, advice in _PATTERNS if pattern.search(code)), None)


_REASONS = (
    (re.compile(r"^empty or too long$"), "นิพจน์ว่างหรือยาวเกินไป"),
    (re.compile(r"^it is nested too deeply$"), "ซ้อนกันลึกเกินไป"),
    (re.compile(r"^(.+) is not a function of the dialect$"), r"\1 ไม่ใช่ฟังก์ชันของระบบ"),
    (re.compile(r"^functions take plain arguments only$"), "ฟังก์ชันรับได้เฉพาะค่าตามลำดับ"),
    (re.compile(r"^(.+) takes (\d+) to (\d+), not (\d+)$"), r"\1 รับ \2 ถึง \3 ค่า ไม่ใช่ \4"),
    (re.compile(r"^(.+) takes (\d+), not (\d+)$"), r"\1 รับ \2 ค่า ไม่ใช่ \3"),
    (re.compile(r"^(.+) is not allowed$"), r"ไม่รองรับ \1"),
    (re.compile(r"^it cannot be read$"), "อ่านไม่ออก"),
    (re.compile(r"^there is no variable (.+)$"), r"ไม่มีตัวแปร \1"),
    (re.compile(r"^it holds signs that cannot be stored$"), "มีอักขระที่เก็บไม่ได้"),
    (re.compile(r"^it holds a number that cannot be stored$"), "มีตัวเลขที่เก็บไม่ได้"),
    (re.compile(r"^it holds a value that cannot be stored$"), "มีค่าที่เก็บไม่ได้"),
    (re.compile(r"^not\(\) needs something to negate$"), "not() ต้องมีสิ่งที่จะปฏิเสธ"),
    (re.compile(r"^not\(…\) stands alone in its cell$"), "not(…) ต้องอยู่ลำพังในช่อง"),
    (re.compile(r"^a \$\{ is not closed$"), "ไม่ได้ปิดวงเล็บ ${"),
    (re.compile(r"^a number cannot be divided by nought$"), "หารด้วยศูนย์ไม่ได้"),
    (re.compile(r"^the number is too big$"), "ตัวเลขใหญ่เกินไป"),
    (re.compile(r"^the value is too big$"), "ค่าใหญ่เกินไป"),
    (re.compile(r"^the value is not a number, .*$"), "ไม่ใช่ตัวเลข ข้อความ รายการ หรือวัตถุที่เก็บได้"),
    (re.compile(r"^it asks for what .*$"), "ถามสิ่งที่ระบบไม่มี"),
    (re.compile(r"^it calls what .*$"), "เรียกสิ่งที่ไม่ใช่ฟังก์ชันของระบบ"),
    (re.compile(r"^there is no such part$"), "ไม่มีส่วนนี้"),
    (re.compile(r"^the list has no such place$"), "รายการไม่มีลำดับนี้"),
    (re.compile(r"^there is no (.+) in the object$"), r"ในวัตถุไม่มี \1"),
    (re.compile(r"^its values do not go together$"), "ค่าเหล่านี้ใช้ด้วยกันไม่ได้"),
    (re.compile(r"^(.+) cannot be (.+): only numbers can$"), r"นำ \1 มา\2ไม่ได้ ใช้ได้เฉพาะตัวเลข"),
    (re.compile(r"^(.+) and (.+) cannot be added: .*$"), r"\1 กับ \2 บวกกันไม่ได้ ให้ครอบ str(…) รอบสิ่งที่ไม่ใช่ข้อความ"),
    (re.compile(r"^(.+) cannot be compared with (.+)$"), r"\1 เทียบกับ \2 ไม่ได้"),
    (re.compile(r"^(.+) cannot be looked for in a text$"), r"หา \1 ในข้อความไม่ได้"),
    (re.compile(r"^nothing can be looked for in (.+): .*$"), r"หาสิ่งใดใน \1 ไม่ได้ หาได้ในรายการ ข้อความ หรือวัตถุ"),
    (re.compile(r"^(.+) has no opposite: only a number has$"), r"\1 ติดลบไม่ได้ ใช้ได้เฉพาะตัวเลข"),
    (re.compile(r"^(.+) is no number$"), r"\1 ไม่ใช่ตัวเลข"),
    (re.compile(r"^(\w+\(\)) needs at least one value$"), r"\1 ต้องมีค่าอย่างน้อยหนึ่งค่า"),
    (re.compile(r"^(\w+\(\)) compares .* not (.+)$"), r"\1 เทียบตัวเลขกับตัวเลข หรือข้อความกับข้อความ ไม่ใช่ \2"),
    (re.compile(r"^(\w+\(\)) cannot read (.+) as a whole number$"), r"\1 อ่าน \2 เป็นจำนวนเต็มไม่ได้"),
    (re.compile(r"^(\w+\(\)) cannot read (.+) as a date$"), r"\1 อ่าน \2 เป็นวันที่ไม่ได้"),
    (re.compile(r"^(\w+\(\)) needs the offset of a time: .* after (.+)$"), r"\1 ต้องรู้เขตเวลา ให้เติม +07:00 หลัง \2"),
    (re.compile(r"^(\w+\(\)) counts at most (\d+) days$"), r"\1 นับได้ไม่เกิน \2 วัน"),
    (re.compile(r"^(\w+\(\)) keeps at most (\d+) places$"), r"\1 เก็บทศนิยมไม่เกิน \2 ตำแหน่ง"),
    (re.compile(r"^(\w+\(\)) needs (.+), not (.+)$"), r"\1 ต้องได้ \2 ไม่ใช่ \3"),
    (re.compile(r"^(\w+\(\)) cannot be asked here$"), r"ถาม \1 ที่นี่ไม่ได้"),
    (re.compile(r"^(\w+\(\)) asks the calendar, .*$"), r"\1 ถามปฏิทิน ซึ่งตารางถามไม่ได้ ให้คำนวณวันที่ในแผนภาพก่อน"),
    (re.compile(r"^a test with \? must be true or false$"), "เงื่อนไขที่มี ? ต้องเป็นจริงหรือเท็จ"),
    (re.compile(r"^several values are written .*: (.+)$"), r"หลายค่าให้คั่นด้วยจุลภาค: \1"),
    (re.compile(r"^round brackets hold no values.*$"), "วงเล็บกลมเก็บค่าไม่ได้ ให้เขียนค่าโดยไม่มีวงเล็บและคั่นด้วยจุลภาค"),
    (re.compile(r"^all other values are written so: (.+)$"), r"ค่าอื่นทั้งหมดให้เขียน \1"),
    (re.compile(r"^no value lies in this range$"), "ไม่มีค่าใดอยู่ในช่วงนี้"),
    (re.compile(r"^no value can match$"), "ไม่มีค่าใดตรงได้"),
)
# What stands for a kind of value or of working out in those reasons, the longest first.
_WORDS = (
    ("the key of a milestone as a text", "รหัสหมุดหมายเป็นข้อความ"),
    ("a dot behind a name", "จุดหลังชื่อ"),
    ("a set in braces", "เซตในวงเล็บปีกกา"),
    ("a power", "การยกกำลัง"),
    ("a text f'…'", "ข้อความ f'…'"),
    ("such a thing", "สิ่งนี้"),
    ("<< or >>", "<< หรือ >>"),
    ("a list, a text or an object", "รายการ ข้อความ หรือวัตถุ"),
    ("a whole number of days", "จำนวนวันเป็นจำนวนเต็ม"),
    ("divided into whole parts", "หารปัดลง"),
    ("divided with a rest", "หารเอาเศษ"),
    ("a date as a text", "วันที่เป็นข้อความ"),
    ("nothing (null)", "ค่าว่าง (null)"),
    ("true or false", "จริงหรือเท็จ"),
    ("such a value", "ค่าเช่นนี้"),
    ("subtracted", "ลบ"),
    ("multiplied", "คูณ"),
    ("an object", "วัตถุ"),
    ("a number", "ตัวเลข"),
    ("divided", "หาร"),
    ("a text", "ข้อความ"),
    ("a list", "รายการ"),
    ("added", "บวก"),
)


def explained(expression: str, reason: str) -> Sentence:
    """The reason of a fault in both languages, with what to write instead where that is known."""
    th = next((_in_thai(pattern, thai, reason) for pattern, thai in _REASONS if pattern.search(reason)), reason)
    advice = advice_for(expression)
    return Sentence(f"{th}: {advice.th}", f"{reason}: {advice.en}") if advice else Sentence(th, reason)


def _in_thai(pattern: re.Pattern[str], thai: str, reason: str) -> str:
    filled = pattern.sub(thai, reason)
    for english, word in _WORDS:
        filled = filled.replace(english, word)
    return filled
