"""New versions that one person proposes and another publishes, for all offices."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.engine import DefinitionRefused
from osm_flow.errors import NotFound
from osm_flow.operations.definitions import proposals
from osm_flow.operations.definitions.deployments import NothingToDeploy, TwoPeopleNeeded, deploy
from osm_flow.operations.definitions.library import latest
from osm_flow.operations.definitions.proposals import NothingChanges, ProposalDecided, ProposalNotFound
from osm_flow.operations.people.accounts import say_one_person
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.reasons import ReasonMissing
from osm_flow.store.models import AdminRecord, DiagramProposal
from osm_flow.store.session import Store
from tests.factories import BPMN, NOW, OFFICE, files, later, make_office, make_person
from tests.together import at_once

People = dict[str, Actor]


@pytest.fixture
def people(session: Session) -> People:
    make_office(session)
    make_office(session, "NE-U2", {})
    deploy(session, files("review"), SYSTEM, NOW)
    return {
        "own": make_person(session, "own", "admin"),
        "boss": make_person(session, "boss", "osm_director"),
        "clerk": make_person(session, "clerk", "osm_strategy"),
        "far": make_person(session, "far", "admin", office_id="NE-U2"),
        "root": make_person(session, "root", "admin", office_id=None),
        "other": make_person(session, "other", "admin", office_id=None),
        "seer": make_person(session, "seer", "auditor", office_id=None),
    }


def renamed(name: str) -> dict[str, bytes]:
    return files() | {"review.bpmn": (BPMN / "review.bpmn").read_bytes().replace("ร่างแผน".encode(), name.encode())}


def proposed(session: Session, actor: Actor, office_id: str | None = OFFICE, name: str = "ยกร่าง") -> DiagramProposal:
    return proposals.propose(session, renamed(name), actor, NOW, office_id=office_id, note=" ชื่อชัดขึ้น ")


def test_what_one_proposes_another_publishes_for_all(session: Session, people: People) -> None:
    proposal = proposed(session, people["boss"])
    assert latest(session, "review").version == 1

    done = proposals.publish_proposal(session, proposal.id, people["root"], later())

    assert [(one.key, one.version) for one in done.definitions] == [("review", 2)]
    assert (proposal.state, proposal.decided_by, proposal.decided_at) == ("PUBLISHED", "root", later())
    assert (done.deployment.actor, done.deployment.note) == ("root", "ชื่อชัดขึ้น")
    assert proposal.deployment_id == done.deployment.id
    records = session.scalars(select(AdminRecord).order_by(AdminRecord.seq)).all()
    told = [(row.kind, row.actor, row.office_id, json.loads(row.changes)) for row in records[-2:]]
    assert [row[:3] for row in told] == [
        ("definitions.proposed", "boss", OFFICE),
        ("definitions.deployed", "root", None),
    ]
    assert set(told[0][3]) == {*renamed(""), "note"}
    assert told[1][3]["proposed_by"]["new"] == "boss"
    assert told[1][3]["proposed_in"]["new"] == OFFICE


@pytest.mark.parametrize("name", ["own", "boss", "far", "clerk", "seer"])
def test_nobody_of_one_office_publishes(session: Session, people: People, name: str) -> None:
    proposal = proposed(session, people["root"], None)

    with pytest.raises((NotYourRole, ProposalNotFound)):
        proposals.publish_proposal(session, proposal.id, people[name], NOW)
    assert latest(session, "review").version == 1
    assert proposals.count_open(session, people[name], NOW) == 0


def test_nobody_publishes_in_another_account_what_they_proposed(session: Session, people: People) -> None:
    proposal = proposed(session, people["boss"])
    say_one_person(session, "boss", SYSTEM, NOW, other_username="root")
    root = actor_named(session, "root", NOW.date())

    with pytest.raises(TwoPeopleNeeded):
        proposals.publish_proposal(session, proposal.id, root, NOW)
    assert (proposals.may_publish(session, proposal, root, NOW), proposals.count_open(session, root, NOW)) == (False, 0)


def test_nobody_publishes_what_they_proposed(session: Session, people: People) -> None:
    proposal = proposed(session, people["root"], None)

    with pytest.raises(TwoPeopleNeeded):
        proposals.publish_proposal(session, proposal.id, people["root"], NOW)
    assert not proposals.may_publish(session, proposal, people["root"], NOW)
    assert [proposals.count_open(session, people[name], NOW) for name in ("root", "other")] == [0, 1]
    assert proposals.publish_proposal(session, proposal.id, people["other"], NOW).definitions


@pytest.mark.parametrize(
    ("name", "office_id", "refusal"),
    [
        ("clerk", OFFICE, NotYourRole),
        ("seer", OFFICE, NotYourRole),
        ("far", OFFICE, NotFound),
        ("own", "NE-U2", NotFound),
        ("own", None, NotYourRole),
        ("boss", None, NotYourRole),
    ],
)
def test_an_office_proposes_in_its_own_name_only(
    session: Session, people: People, name: str, office_id: str | None, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        proposed(session, people[name], office_id)
    assert session.scalars(select(DiagramProposal)).all() == []


def test_another_office_knows_of_no_proposal(session: Session, people: People) -> None:
    ours, theirs = proposed(session, people["own"]), proposed(session, people["far"], "NE-U2")

    def listed(name: str) -> list[int]:
        return [row.id for row in proposals.list_proposals(session, people[name]).items]

    assert (listed("boss"), listed("far")) == ([ours.id], [theirs.id])
    assert listed("root") == [theirs.id, ours.id]
    with pytest.raises(NotYourRole):
        listed("clerk")
    with pytest.raises(ProposalNotFound):
        proposals.get_proposal(session, ours.id, people["far"])
    with pytest.raises(ProposalNotFound):
        proposals.refuse_proposal(session, ours.id, people["far"], NOW, reason="x")


def test_a_refusal_and_a_withdrawal_say_why_and_are_final(session: Session, people: People) -> None:
    refused, taken_back = proposed(session, people["own"]), proposed(session, people["boss"])

    with pytest.raises(ReasonMissing):
        proposals.refuse_proposal(session, refused.id, people["root"], NOW, reason="\u200b")
    with pytest.raises(NotYourRole):
        proposals.refuse_proposal(session, refused.id, people["boss"], NOW, reason="ไม่ชอบ")
    proposals.refuse_proposal(session, refused.id, people["root"], NOW, reason="ชื่อเดิมดีกว่า")
    proposals.refuse_proposal(session, taken_back.id, people["boss"], NOW, reason="ส่งผิดไฟล์")

    assert (refused.state, taken_back.state) == ("REFUSED", "WITHDRAWN")
    for row in (refused, taken_back):
        for act in (
            lambda one=row: proposals.publish_proposal(session, one.id, people["root"], NOW),
            lambda one=row: proposals.refuse_proposal(session, one.id, people["root"], NOW, reason="อีกครั้ง"),
        ):
            with pytest.raises(ProposalDecided):
                act()
    newest = session.scalars(select(AdminRecord).order_by(AdminRecord.seq.desc())).first()
    assert (newest.kind, newest.office_id) == ("definitions.refused", OFFICE)


def test_what_is_wrong_or_changes_nothing_is_not_proposed(session: Session, people: People) -> None:
    def propose(content: dict[str, bytes]) -> None:
        proposals.propose(session, content, people["own"], NOW, office_id=OFFICE)

    for content, refusal in (
        (files("review"), NothingChanges),
        ({}, NothingToDeploy),
        (files("review") | {"bad.bpmn": b"<no"}, DefinitionRefused),
    ):
        with pytest.raises(refusal):
            propose(content)
    assert session.scalars(select(DiagramProposal)).all() == []


def test_what_became_the_same_meanwhile_is_not_published(session: Session, people: People) -> None:
    first, second = proposed(session, people["own"]), proposed(session, people["boss"])
    proposals.publish_proposal(session, first.id, people["root"], NOW)

    with pytest.raises(NothingChanges):
        proposals.publish_proposal(session, second.id, people["root"], NOW)
    assert latest(session, "review").version == 2
    assert second.state == "PROPOSED"


def test_two_who_publish_at_once_make_one_version(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        deploy(session, files("review"), SYSTEM, NOW)
        roots = [make_person(session, name, "admin", office_id=None) for name in ("root", "other")]
        proposal_id = proposed(session, make_person(session, "own", "admin")).id
    answers: list[str] = []

    def publishing(actor: Actor) -> Callable[[], None]:
        def publish() -> None:
            try:
                with store.transaction() as session:
                    proposals.publish_proposal(session, proposal_id, actor, NOW)
                answers.append("done")
            except ProposalDecided:
                answers.append("decided")

        return publish

    at_once(*map(publishing, roots))

    assert sorted(answers) == ["decided", "done"]
    with store.reading() as session:
        assert latest(session, "review").version == 2
