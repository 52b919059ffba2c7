"""The subject of a work item or case in a few words: a project's name, a province, the topic of an agenda item.

A subject is kept as the data have it, with provinces as their codes; whoever shows it names them in a reader's language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

MAX_SUBJECT = 255
LONGEST_CODE = 64
SEPARATOR = " · "
# Under which of these an object says what it is called, the best first.
_CALLED = ("name", "title", "topic", "subject", "indicator", "kpi", "contract", "activity", "project", "item", "code")
_PROVINCE = re.compile(r"\bTH-\d\d\b")


def words_of(value: object) -> str:
    """The words for a value of the variables: a text or a number itself, the name of an object; else nothing."""
    if isinstance(value, str):
        return tidy(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, Mapping):
        return next(filter(None, (words_of(value[key]) for key in _CALLED if key in value)), "")
    return ""


def record_code_of(properties: Mapping[str, str], data: Mapping[str, object]) -> str | None:
    """The code of the record that a work item is about: as the diagram says it in `record`, else that of its project.

    The project is the one over which an activity is repeated or with which the case began. None where there is no such code.
    """
    said = properties.get("record", "").strip()
    project = data.get("project")
    if not said and isinstance(project, Mapping) and isinstance(project.get("code"), str):
        said = str(project["code"]).strip()
    return said if said and len(said) <= LONGEST_CODE else None


def tidy(text: str) -> str:
    """The subject as one line of at most 255 characters, without the parts that turned out empty."""
    parts = (" ".join(part.split()) for part in text.replace("\0", "").split(SEPARATOR.strip()))
    whole = SEPARATOR.join(part for part in parts if part)
    return whole if len(whole) <= MAX_SUBJECT else whole[: MAX_SUBJECT - 1].rstrip() + "…"


def with_provinces(text: str, name_of: Callable[[str], str]) -> str:
    """The subject with every province's code replaced by its name."""
    return _PROVINCE.sub(lambda match: name_of(match.group()), text)
