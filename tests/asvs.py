"""docs/asvs.md read line by line, and its summary; `python -m tests.asvs` writes the summary anew.

Numbers and levels are those of the OWASP Application Security Verification Standard 5.0.0.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path(__file__).parent.parent / "docs" / "asvs.md"
_BLOCK = re.compile(r"(<!-- summary: .*? -->\n).*?(<!-- end of summary -->)", re.DOTALL)
_LINE = re.compile(r"^\| (\d+\.\d+\.\d+) \| (\d) \| (.+?) \| ([^|]+) \| (.*) \|$", re.MULTILINE)
_NUMBERED = re.compile(r"^\| *\d+\.\d+\.\d+\b.*$", re.MULTILINE)

CHAPTERS = {
    1: "Encoding",
    2: "Validation and business logic",
    3: "Web frontend",
    4: "API and web service",
    5: "Files",
    6: "Authentication",
    7: "Sessions",
    8: "Authorization",
    9: "Self-contained tokens",
    10: "OAuth and OIDC",
    11: "Cryptography",
    12: "Communication",
    13: "Configuration",
    14: "Data protection",
    15: "Coding and architecture",
    16: "Logging and errors",
    17: "WebRTC",
}
# Of these chapters level 3 is judged, too.
THIRD_LEVEL_TOO = frozenset({6, 7, 8, 16})
# The level of each requirement of a section, in their order: the third one of 1.2 is 1.2.3.
_LEVELS = {
    "1.1": "22",
    "1.2": "1111122223",
    "1.3": "112222222223",
    "1.4": "222",
    "1.5": "123",
    "2.1": "122",
    "2.2": "112",
    "2.3": "12223",
    "2.4": "23",
    "3.1": "3",
    "3.2": "113",
    "3.3": "12223",
    "3.4": "11222233",
    "3.5": "11122333",
    "3.6": "3",
    "3.7": "22333",
    "4.1": "12233",
    "4.2": "23333",
    "4.3": "22",
    "4.4": "1222",
    "5.1": "2",
    "5.2": "112333",
    "5.3": "113",
    "5.4": "222",
    "6.1": "122",
    "6.2": "111111112222",
    "6.3": "11223333",
    "6.4": "112233",
    "6.5": "22222333",
    "6.6": "2223",
    "6.7": "33",
    "6.8": "2222",
    "7.1": "222",
    "7.2": "1111",
    "7.3": "22",
    "7.4": "11222",
    "7.5": "223",
    "7.6": "22",
    "8.1": "1233",
    "8.2": "1123",
    "8.3": "133",
    "8.4": "23",
    "9.1": "111",
    "9.2": "1222",
    "10.1": "22",
    "10.2": "223",
    "10.3": "22223",
    "10.4": "1111122222233333",
    "10.5": "22222",
    "10.6": "22",
    "10.7": "222",
    "11.1": "2233",
    "11.2": "22233",
    "11.3": "11233",
    "11.4": "1222",
    "11.5": "23",
    "11.6": "23",
    "11.7": "33",
    "12.1": "12233",
    "12.2": "11",
    "12.3": "22223",
    "13.1": "2333",
    "13.2": "222223",
    "13.3": "2233",
    "13.4": "1222233",
    "14.1": "22",
    "14.2": "12223333",
    "14.3": "122",
    "15.1": "12233",
    "15.2": "12233",
    "15.3": "1222222",
    "15.4": "3333",
    "16.1": "2",
    "16.2": "22222",
    "16.3": "2222",
    "16.4": "222",
    "16.5": "2223",
    "17.1": "23",
    "17.2": "22223333",
    "17.3": "22",
}
# The number of each requirement that is judged, with its level.
REQUIREMENTS = {
    f"{section}.{place}": int(level)
    for section, levels in _LEVELS.items()
    for place, level in enumerate(levels, start=1)
    if int(level) < 3 or int(section.partition(".")[0]) in THIRD_LEVEL_TOO
}
VERDICTS = ("holds", "partly", "missing", "does not apply")
# Which work will bring what is missing; the last one says that none is planned.
WORKS = ("authority", "proof", "signing in and running it", "not planned")


@dataclass(frozen=True)
class Line:
    """One requirement as the document judges it.

    told  the last column: evidence in backticks, what is missing in words, and behind an arrow the work that brings it.
    """

    number: str
    level: int
    asked: str
    verdict: str
    told: str

    @property
    def chapter(self) -> int:
        """The chapter of the standard to which it belongs."""
        return int(self.number.partition(".")[0])

    @property
    def evidence(self) -> list[str]:
        """What is named as evidence: files of the repository, and tests as `path::name`."""
        quoted = re.findall(r"`([^`]+)`", self.told)
        return [name for name in quoted if re.fullmatch(r"[\w./-]+\.(py|md|html|js|json|lock|toml)(::\w+)?", name)]

    @property
    def work(self) -> str:
        """The work that is to bring what is missing; empty for none."""
        return self.told.rpartition(" → ")[2] if " → " in self.told else ""


def lines(document: str) -> list[Line]:
    """Every line of the document that judges a requirement. Raises ValueError for one that cannot be read."""
    found = [Line(number, int(level), *rest) for number, level, *rest in _LINE.findall(document)]
    if len(found) != len(_NUMBERED.findall(document)):
        known = {line.number for line in found}
        raise ValueError([line for line in _NUMBERED.findall(document) if line.split()[1] not in known])
    return found


def summary(judged: list[Line]) -> str:
    """How many lines of each chapter have which verdict, and how many wait for which work."""
    told = ["| Chapter | Lines | Holds | Partly | Missing | Does not apply |", "|---|---|---|---|---|---|"]
    for chapter, name in CHAPTERS.items():
        told.append(_counted(f"V{chapter} {name}", [line for line in judged if line.chapter == chapter]))
    told.append(_counted("**All**", judged))
    told += ["", "| Work that brings what is missing | Partly | Missing |", "|---|---|---|"]
    waiting = [line for line in judged if line.work]
    for work in WORKS:
        counts = Counter(line.verdict for line in waiting if line.work == work)
        told.append(f"| {work} | {counts['partly']} | {counts['missing']} |")
    return "\n".join(told) + "\n"


def _counted(heading: str, judged: list[Line]) -> str:
    counts = Counter(line.verdict for line in judged)
    return f"| {heading} | {len(judged)} | " + " | ".join(str(counts[verdict]) for verdict in VERDICTS) + " |"


def written(document: str) -> str:
    """The document with its summary as its lines are now."""
    return _BLOCK.sub(lambda found: found[1] + summary(lines(document)) + found[2], document)


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
