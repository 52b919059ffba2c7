"""A case as one document that a stranger checks with nothing but the standards."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest
import rfc8785

from osm_flow.operations.cases.comments import comment
from osm_flow.operations.replay.case_document import exported
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, items_of, later, make_case, make_office, make_person


@pytest.fixture
def case_id(store: Store) -> str:
    """A case of five records: started, completed, claimed, commented, completed."""
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        anan, boss = make_person(session, "anan", "osm_strategy"), make_person(session, "boss", "osm_director")
        case = make_case(session)
        draft = items_of(session, case)[0]
        complete(
            session,
            draft.id,
            anan,
            NOW,
            Completion.of(
                {
                    "text": "ร่าง",
                },
                "k1",
            ),
        )
        check = items_of(session, case)[0]
        work_items.claim(session, check.id, boss, NOW)
        comment(session, case.id, boss, later(), body="ดี", key="c1")
        complete(session, check.id, boss, NOW, Completion.of({"approved": True, "reason": "1.0"}, "k2"))
        return case.id


def test_a_stranger_can_check_an_export(store: Store, case_id: str) -> None:
    with store.reading() as session:
        document = json.loads(json.dumps(exported(session, case_id)))
    previous = "0" * 64

    for record in document["records"]:
        payload, hash_ = record.pop("payload"), record.pop("hash")
        assert record["prev_hash"] == previous
        assert sha256(rfc8785.dumps(record)).hexdigest() == hash_
        digest = sha256(bytes.fromhex(payload["salt"]) + rfc8785.dumps(json.loads(payload["body"]))).hexdigest()
        assert digest == record["payload_digest"]
        previous = hash_
    assert previous == document["case"]["head"]
