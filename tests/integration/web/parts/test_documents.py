"""The documents of a case as pages show them."""

from __future__ import annotations

import pytest
from flask import Flask, g

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Case
from osm_flow.store.session import Store
from osm_flow.web.parts.documents import documents_of, shown
from tests.factories import deploy_tests, items_of, later, make_case, make_office, make_person


def test_documents_are_what_was_filled_in_newest_version_only(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        anan, boss = make_person(session, "anan", "osm_strategy"), make_person(session, "boss", "osm_director")
        case = make_case(session, actor=SYSTEM)
        rounds = [
            (anan, {"text": "ร่างแรก"}),
            (boss, {"approved": False, "reason": "ขาดงบ"}),
            (anan, {"text": "ร่างสอง"}),
        ]
        for minute, (actor, values) in enumerate(rounds, 1):
            complete(session, items_of(session, case)[0].id, actor, later(minute), Completion.of(values))
        case_id = case.id

    with Flask(__name__).test_request_context("/"), store.reading() as session:
        g.locale = "th"
        documents = documents_of(session, session.get_one(Case, case_id))

    assert [document.values for document in documents] == [{"text": "ร่างสอง"}]
    assert documents[0].title
    assert (documents[0].changed, documents[0].previous_at) == ([], None)


@pytest.mark.parametrize(("locale", "title"), [("th", "บันทึก"), ("en", "Note")])
def test_a_document_is_headed_in_the_language_of_the_reader(locale: str, title: str) -> None:
    schema = {"title": "บันทึก", "x-en": {"title": "Note"}, "properties": {}}

    with Flask(__name__).test_request_context("/"):
        g.locale = locale
        assert shown(schema, {}).title == title
