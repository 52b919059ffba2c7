"""The table of docs/access.md, worked out by asking the policy itself; `python -m tests.access_matrix` writes it anew."""

from __future__ import annotations

import re
from pathlib import Path

from osm_flow.domain.access.actors import Actor, Hat
from osm_flow.domain.access.policy import (
    RULES,
    SYSTEM_VERBS,
    CaseFacts,
    Facts,
    OfficeFacts,
    ProcessFacts,
    RecordFacts,
    SystemFacts,
    Verb,
    WorkItemFacts,
    decide,
)
from osm_flow.domain.access.roles import OVERSIGHT, SIGN_IN_ROLES

DOCUMENT = Path(__file__).parent.parent / "docs" / "access.md"
_BLOCK = re.compile(r"(<!-- matrix: .*? -->\n).*?(<!-- end of matrix -->)", re.DOTALL)
_OFFICE = "NE-U1"

# To what each verb is done, and the words for it.
_OF_WORK_ITEMS = frozenset(
    {"see_work_item", "claim", "release", "delegate", "receive", "reassign", "complete", "record_answer", "move_due"}
)
_OF_CASES = frozenset(
    {
        "see_case",
        "see_history",
        "comment",
        "attach",
        "cancel_case",
        "suspend_case",
        "resume_case",
        "record_message",
        "mark_sensitive",
        "repair",
    }
)
_OF_RECORDS = frozenset(
    {"see_record", "see_personal", "correct_record", "confirm_record", "keep_record_file", "import_records"}
)
_RELATED = {
    "participant": "who has or had the work item",
    "province": "the province that it concerns",
    "agency": "who speaks for the agency that carries it out",
    "starter": "whom the diagram names as starters, and then nobody else",
    "candidate": "a candidate",
    "assignee": "who holds it",
    "owner": "who delegated it",
    "head": "the head of its section",
    "recorder": "staff of the office (`osm_*`), where it asks parties outside alone",
}
_STAGED = {verb: "SUSPENDED" if verb is Verb.resume_case else "ACTIVE" for verb in Verb}


def _facts(verb: Verb) -> tuple[str, Facts]:
    if verb in SYSTEM_VERBS:
        return "the system", SystemFacts()
    if verb.value in _OF_WORK_ITEMS:
        return "work item", WorkItemFacts(_OFFICE)
    if verb.value in _OF_CASES:
        return "case", CaseFacts(_OFFICE, _STAGED[verb])
    if verb.value in _OF_RECORDS:
        return "record", RecordFacts(_OFFICE)
    if verb is Verb.start_case:
        return "process", ProcessFacts("p", _OFFICE)
    return "office", OfficeFacts(_OFFICE)


def _roles(verb: Verb, facts: Facts, *, everywhere: bool) -> list[str]:
    offices = (_OFFICE,) if everywhere else ()
    roles = [role for role in SIGN_IN_ROLES if not everywhere or role in OVERSIGHT]
    worn = {role: Hat(role, None if everywhere else _OFFICE, "TH-41") for role in roles}
    return [
        role
        for role, hat in worn.items()
        if decide(Actor(1, "x", "x", (hat,), every_office=offices), verb, facts).allowed
    ]


def matrix() -> str:
    """A line for each verb: to what it is done, who may by a role in the office, by a relation, and by a role in all."""
    lines = [
        "| Verb | Done to | By a role in its office | Besides | By a role in every office |",
        "|---|---|---|---|---|",
    ]
    for verb in sorted(Verb):
        done_to, facts = _facts(verb)
        here = "–" if verb in SYSTEM_VERBS else ", ".join(_roles(verb, facts, everywhere=False)) or "–"
        besides = "; ".join(_RELATED[relation] for relation in RULES[verb].relations) or "–"
        everywhere = ", ".join(_roles(verb, facts, everywhere=True)) or "–"
        lines.append(f"| `{verb}` | {done_to} | {here} | {besides} | {everywhere} |")
    return "\n".join(lines) + "\n"


def written(document: str) -> str:
    """The document with its table as the policy is now."""
    return _BLOCK.sub(lambda found: found[1] + matrix() + found[2], document)


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
