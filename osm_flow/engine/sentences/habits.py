"""What people write who know other languages of expressions (JUEL, FEEL, JavaScript), and what to write here instead."""

from __future__ import annotations

import re

from osm_flow.engine.sentences.drawn import Sentence

_TEXTS = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


def _instead(habit: str, here: str) -> Sentence:
    return Sentence(f"เขียน {here} แทน {habit}", f"write {here} instead of {habit}")


# Looked for in this order, outside quoted texts, only in what cannot be read.
_HABITS: tuple[tuple[str, Sentence], ...] = (
    (r"[“”‘’„«»]", Sentence("ใช้เครื่องหมายคำพูดตรง ' หรือ \"", "use straight quotes: ' or \"")),
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
    (r"@", _instead("@'2026-11-20'", "'2026-11-20'")),
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
    (r"\*\*|\^", Sentence("ไม่มีการยกกำลัง", "powers are not part of the dialect")),
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
    (re.compile(r"^(.+) takes (.+), not (\d+)$"), r"\1 รับ \2 ค่า ไม่ใช่ \3"),
    (re.compile(r"^(.+) is not allowed$"), r"ไม่รองรับ \1"),
    (re.compile(r"^it cannot be read$"), "อ่านไม่ออก"),
    (re.compile(r"^there is no variable (.+)$"), r"ไม่มีตัวแปร \1"),
    (re.compile(r"^it holds signs that cannot be stored$"), "มีอักขระที่เก็บไม่ได้"),
    (re.compile(r"^it holds a number that cannot be stored$"), "มีตัวเลขที่เก็บไม่ได้"),
    (re.compile(r"^it holds a value that cannot be stored$"), "มีค่าที่เก็บไม่ได้"),
    (re.compile(r"^not\(\) needs something to negate$"), "not() ต้องมีสิ่งที่จะปฏิเสธ"),
    (re.compile(r"^not\(…\) stands alone in its cell$"), "not(…) ต้องอยู่ลำพังในช่อง"),
    (re.compile(r"^a \$\{ is not closed$"), "ไม่ได้ปิดวงเล็บ ${"),
)


def explained(expression: str, reason: str) -> Sentence:
    """The reason of a fault in both languages, with what to write instead where that is known."""
    th = next((pattern.sub(thai, reason) for pattern, thai in _REASONS if pattern.search(reason)), reason)
    advice = advice_for(expression)
    return Sentence(f"{th}: {advice.th}", f"{reason}: {advice.en}") if advice else Sentence(th, reason)
