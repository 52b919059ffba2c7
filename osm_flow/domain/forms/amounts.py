"""Amounts as Thai papers write them: groups of three digits, multiples like `ล้านบาท`, satang, and words in brackets."""

from __future__ import annotations

import re
from decimal import Decimal

from osm_flow.domain.calendar.thai_dates import arabic_digits
from osm_flow.domain.forms.schema import Message
from osm_flow.domain.search import seen

_LONGEST = 40
_FIGURE = r"(?:\d{1,3}(?:,\d{3})+|\d{1,3}(?: \d{3})+|\d+)(?:\.\d+)?(?![\d,.]| \d)"
_TIMES = {
    "ร้อย": 10**2,
    "พัน": 10**3,
    "หมื่น": 10**4,
    "แสน": 10**5,
    "ล้าน": 10**6,
    "สิบล้าน": 10**7,
    "ร้อยล้าน": 10**8,
    "พันล้าน": 10**9,
    "หมื่นล้าน": 10**10,
    "แสนล้าน": 10**11,
    "ล้านล้าน": 10**12,
    "ลบ.": 10**6,
}
_MULTIPLES = "|".join(re.escape(word) for word in sorted(_TIMES, key=len, reverse=True))
_PART = re.compile(rf"({_FIGURE})(?: ?({_MULTIPLES}))? ?")
_BRACKETS = re.compile(r" ?\(([^()]*)\)$")
# No satang: "1,000.-", "1,000/-", "1,000 -"; satang by name: "1,000 บาท 50 สตางค์".
_NO_SATANG = re.compile(r"(?<=\d)(?: ?[./] ?| )[-–—]$")
_SATANG = re.compile(r" ?บาท ?(\d{1,2}) ?สตางค์(?: ?ถ้วน)?$")
_BEFORE = re.compile(r"^(?:฿|บาท) ?")
_BEHIND = re.compile(r" ?(?:[฿%]|บาท ?ถ้วน|ถ้วน|บาท)$")
_MINUS = re.compile("^[−‐‑‒–-] ?")

_DIGITS = {"หนึ่ง": 1, "สอง": 2, "สาม": 3, "สี่": 4, "ห้า": 5, "หก": 6, "เจ็ด": 7, "แปด": 8, "เก้า": 9}
_DIGIT = "|".join(_DIGITS)
_BELOW_A_MILLION = re.compile(
    rf"(?:({_DIGIT})?(แสน))?(?:({_DIGIT})?(หมื่น))?(?:({_DIGIT})?(พัน))?(?:({_DIGIT})?(ร้อย))?"
    rf"(?:(ยี่|{_DIGIT})?(สิบ))?(?:(เอ็ด|{_DIGIT})())?"
)
_WORTH = {"แสน": 10**5, "หมื่น": 10**4, "พัน": 10**3, "ร้อย": 100, "สิบ": 10, "": 1}
_IN_WORDS = re.compile(r"(ลบ)?(?:(.+?)บาท)?(?:(.+?)สตางค์)?(?:ถ้วน)?")


class NoAmount(ValueError):
    """The text is no amount; `message` says what stands in the way, and is nothing where it is no number at all."""

    def __init__(self, message: Message | None = None) -> None:
        super().__init__(message)
        self.message = message


def plain_figure(typed: str) -> str:
    """What was typed with Arabic digits and single blanks."""
    return " ".join(arabic_digits(seen(typed)).split())


def amount_of(typed: str) -> Decimal:
    """The amount that a person typed. Raises NoAmount.

    A multiple in brackets, `1.25 (ล้านบาท)`, multiplies; an amount in words in brackets must be the same amount.
    """
    plain = plain_figure(typed)
    brackets = _BRACKETS.search(plain)
    if not brackets or not brackets.start():
        return _signed(plain)[0]
    amount, is_plain = _signed(plain[: brackets.start()])
    inside = brackets[1].strip().replace("เเ", "แ")
    unit = re.sub(" ?บาท$", "", re.sub("^(?:หน่วย ?:? ?)", "", inside))
    if unit in _TIMES or not unit:
        if unit and not is_plain:
            raise NoAmount(Message("The amount names its unit twice. Write the figure once, for example 1,250,000.00."))
        return amount * _TIMES.get(unit, 1)
    words = _words(inside.replace(" ", ""))
    if words is None:
        raise NoAmount(Message("What stands in brackets cannot be read as an amount. Write the figure alone."))
    if words != amount:
        raise NoAmount(Message("The amount in words is not the amount in figures. Look at both again."))
    return amount


def _signed(plain: str) -> tuple[Decimal, bool]:
    """The amount without brackets, and whether it is a figure without a multiple."""
    plain = _MINUS.sub("-", _BEFORE.sub("", plain))
    is_below, plain = plain.startswith("-"), _BEFORE.sub("", plain.removeprefix("-"))
    if len(plain) > _LONGEST:
        raise NoAmount
    is_money = "บาท" in plain
    satang = _SATANG.search(plain)
    if satang:
        plain = plain[: satang.start()]
    plain = _NO_SATANG.sub("", _BEHIND.sub("", plain))
    parts = _parts(plain)
    # Who leaves out the baht may mean something else with two multiples in a row.
    if len(parts) > 1 and not is_money:
        raise NoAmount
    total = sum((Decimal(figure) * times for figure, times in parts), Decimal(0))
    if satang:
        if total != total.to_integral_value():
            raise NoAmount
        total += Decimal(int(satang[1])) / 100
    return -total if is_below else total, parts[0][1] == 1


def _parts(plain: str) -> list[tuple[str, int]]:
    """Each figure and what its multiple makes of it: `2 ล้าน 5 แสน` has two, and each is less than one of that before."""
    parts: list[tuple[str, int]] = []
    at = 0
    while at < len(plain):
        part = _PART.match(plain, at)
        if not part:
            raise NoAmount
        figure, times = re.sub("[ ,]", "", part[1]), _TIMES[part[2]] if part[2] else 1
        if parts and (times == 1 or Decimal(figure) * times >= parts[-1][1] or "." in figure + parts[-1][0]):
            raise NoAmount
        parts.append((figure, times))
        at = part.end()
    if not parts:
        raise NoAmount
    return parts


def _words(text: str) -> Decimal | None:
    """The amount that is written in words: `หนึ่งพันบาทห้าสิบสตางค์`. None where it cannot be read."""
    found = _IN_WORDS.fullmatch(text)
    if not found or not (found[2] or found[3]):
        bare = text.removesuffix("ถ้วน").removeprefix("ลบ")
        number = _number(bare)
        return None if number is None else Decimal(-number if text.startswith("ลบ") else number)
    baht = _number(found[2]) if found[2] else 0
    satang = _number(found[3]) if found[3] else 0
    if baht is None or satang is None or satang > 99:
        return None
    amount = Decimal(baht) + Decimal(satang) / 100
    return -amount if found[1] else amount


def _number(words: str) -> int | None:
    if words == "ศูนย์":
        return 0
    number = 0
    for place, part in enumerate(words.split("ล้าน")):
        match = _BELOW_A_MILLION.fullmatch(part)
        if not match or (not place and not part):
            return None
        found = zip(match.groups()[::2], match.groups()[1::2], strict=True)
        number = number * 10**6 + sum(_digit(digit) * _WORTH[name] for digit, name in found if name is not None)
    return number


def _digit(word: str | None) -> int:
    return {"ยี่": 2, "เอ็ด": 1}.get(word, 0) or _DIGITS[word] if word else 1
