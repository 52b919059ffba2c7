"""The addresses of docs/access.md: who enters each and what is asked there; `python -m tests.access_addresses` writes them anew.

Who enters is read off the site itself. What an operation behind an address asks of the policy stands in `ASKED`, and
`tests/integration/web/test_matrix.py` holds it against what the site answers to every kind of account.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from flask import Flask
from werkzeug.routing import Rule

from osm_flow.app import create_app
from osm_flow.settings import Settings
from osm_flow.web.site.access import rule_of
from tests.access_matrix import DOCUMENT

_BLOCK = re.compile(r"(<!-- addresses: .*? -->\n).*?(<!-- end of addresses -->)", re.DOTALL)

EVERYBODY, SIGNED_IN, THEIRS = "everybody", "who is signed in", "concerns what is theirs alone"

# By endpoint: the verb that is asked, and of what. An address that is not here shows or changes only what is the person's own.
ASKED: dict[str, tuple[str, str]] = {
    "account.record_order": ("record_order", "post, unless it is their own"),
    "account.end_order": ("record_order", "order, unless it is of their own post"),
    "audit.at": ("see_audit", "case"),
    "audit.case_audit": ("see_audit", "case"),
    "audit.chain": ("see_audit", "case"),
    "audit.course": ("see_audit", "case"),
    "audit.data": ("see_audit", "case"),
    "audit.moment_range": ("see_audit", "case"),
    "audit.picture": ("see_audit", "case"),
    "bundles.download": ("see_audit", "case"),
    "bundles.form": ("see_audit", "case"),
    "cases.answer": ("record_message", "case"),
    "cases.attach_to_case": ("attach", "case"),
    "cases.case": ("see_case", "case"),
    "cases.change_state": ("suspend_case", "case"),
    "cases.comment_on_case": ("comment", "case"),
    "cases.picture": ("see_case", "case"),
    "cases.record_answer": ("record_message", "case"),
    "corrections.confirm": ("confirm_record", "correction"),
    "corrections.correct": ("correct_record", "project"),
    "corrections.form": ("correct_record", "project"),
    "corrections.withdraw": ("confirm_record", "correction, unless it is their own"),
    "projects.contact": ("see_personal", "project"),
    "definitions.proposal": ("propose_diagrams", "proposal"),
    "definitions.proposed_file": ("propose_diagrams", "proposal"),
    "definitions.proposed_picture": ("propose_diagrams", "proposal"),
    "definitions.publish": ("deploy", "proposal"),
    "definitions.refuse": ("deploy", "proposal, unless it is their own"),
    "imports.answer": ("import_records", "import"),
    "imports.choose": ("import_records", "import"),
    "imports.choosing": ("import_records", "import"),
    "imports.confirm": ("import_records", "import"),
    "imports.go_on": ("import_records", "import"),
    "imports.of_file": ("import_records", "import"),
    "imports.preview": ("import_records", "import"),
    "imports.progress": ("import_records", "import"),
    "imports.settle": ("import_records", "import"),
    "imports.undo": ("import_records", "import"),
    "projects.version": ("see_record", "project"),
    "incidents.resolve_incident": ("retry_incident", "incident"),
    "incidents.retry_incident": ("retry_incident", "incident"),
    "people.confirm": ("confirm_position", "position"),
    "people.decline": ("confirm_position", "position"),
    "people.end_position": ("manage_people", "person"),
    "people.give_position": ("manage_people", "person"),
    "people.lock": ("manage_people", "person"),
    "people.say_other_person": ("manage_people", "person"),
    "people.person": ("manage_people", "person"),
    "people.say_one_person": ("manage_people", "person"),
    "people.set_number": ("manage_people", "person"),
    "people.set_password": ("manage_people", "person"),
    "people.unlock": ("manage_people", "person"),
    "planning.move": ("move_calendar", "office"),
    "planning.move_form": ("move_calendar", "office"),
    "planning.propose": ("move_calendar", "office"),
    "project_files.add": ("keep_record_file", "project"),
    "project_files.file": ("see_record", "project file"),
    "project_files.form": ("keep_record_file", "project"),
    "project_files.take_back": ("keep_record_file", "project file"),
    "privacy.approve": ("erase", "request"),
    "privacy.erasure": ("erase", "request"),
    "privacy.files": ("erase", "project"),
    "privacy.hold": ("hold", "person"),
    "privacy.lift": ("hold", "hold"),
    "privacy.confirm_unmark": ("mark_sensitive", "unmarking"),
    "privacy.mark_sensitive": ("mark_sensitive", "case"),
    "privacy.name_reader": ("mark_sensitive", "case"),
    "privacy.propose_unmark": ("mark_sensitive", "case"),
    "privacy.remove_reader": ("mark_sensitive", "case"),
    "bundles.chain_list": ("see_audit", "whole system"),
    "bundles.chain_form": ("see_audit", "whole system"),
    "bundles.chain_download": ("see_audit", "whole system"),
    "privacy.say_why": ("say_why", "sensitive case"),
    "privacy.why": ("say_why", "sensitive case"),
    "privacy.withdraw_unmark": ("mark_sensitive", "unmarking"),
    "privacy.refuse": ("erase", "request"),
    "projects.project": ("see_record", "project"),
    "team.person": ("see_team", "person"),
    "witnesses.remove": ("manage_witnesses", "witness"),
    "work_items.attach": ("attach", "work item"),
    "work_items.attachment": ("see_work_item", "file"),
    "work_items.claim": ("claim", "work item"),
    "work_items.comment": ("comment", "work item"),
    "work_items.complete": ("complete", "work item"),
    "work_items.delegate": ("delegate", "work item"),
    "work_items.follow_up": ("complete", "work item"),
    "work_items.move_due": ("move_due", "work item"),
    "work_items.reassign": ("reassign", "work item"),
    "work_items.record_answer": ("record_answer", "work item"),
    "work_items.release": ("release", "work item"),
    "work_items.save_draft": ("complete", "work item"),
    "work_items.set_priority": ("move_due", "work item"),
    "work_items.show": ("see_work_item", "work item"),
}


def enters(app: Flask, endpoint: str) -> str:
    """Whom the rule of the view lets in, in words."""
    rule = rule_of(app.view_functions[endpoint])
    if rule is None or rule.public or endpoint == "static":
        return EVERYBODY
    return " or ".join(f"`{verb}`" for verb in rule.verbs) or SIGNED_IN


def site() -> Flask:
    """The site, for a look at its addresses only."""
    folder = Path(tempfile.mkdtemp())
    settings = Settings(env="test", database_url=f"sqlite:///{folder}/osm.db", secret_key="t" * 40, data_dir=folder)
    return create_app(settings)


def routes(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Each address with the one method that it is for, sorted."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda one: (one.rule, sorted(one.methods or ()))):
        yield rule, "POST" if "POST" in (rule.methods or ()) else "GET"


def addresses(app: Flask) -> str:
    """A line for each address: method, who enters, and what is asked of what."""
    lines = ["| Address | Method | Who enters | What is asked there |", "|---|---|---|---|"]
    for rule, method in routes(app):
        verb, kind = ASKED.get(rule.endpoint, ("", ""))
        asked = f"`{verb}` of the {kind}" if verb else ("–" if enters(app, rule.endpoint) == EVERYBODY else THEIRS)
        lines.append(f"| `{rule.rule}` | {method} | {enters(app, rule.endpoint)} | {asked} |")
    return "\n".join(lines) + "\n"


def written(document: str, app: Flask) -> str:
    """The document with its addresses as the site has them now."""
    return _BLOCK.sub(lambda found: found[1] + addresses(app) + found[2], document)


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8"), site()), encoding="utf-8")
