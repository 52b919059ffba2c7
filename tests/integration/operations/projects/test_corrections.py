"""Corrections of projects: what one person may, what waits for another, and that nothing is lost, doubled or said of others."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.domain.books.acts import BookAct, BookActKind
from osm_flow.domain.books.schema import FieldUnknown, ValueUnfit
from osm_flow.errors import OsmFlowError
from osm_flow.operations.books.acts import ChangedMeanwhile, SaysTheSame
from osm_flow.operations.books.checks import check_books
from osm_flow.operations.books.corrections import (
    CorrectionDecided,
    CorrectionDoubtful,
    CorrectionNotFound,
    CorrectionOutdated,
    CorrectionWaits,
    NewCorrection,
    NotTheSecondPerson,
)
from osm_flow.operations.books.versions import values_of, versions_of
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.projects import corrections
from osm_flow.operations.projects.acts import revise
from osm_flow.operations.projects.queries import ProjectNotFound, get_project
from osm_flow.operations.projects.record_type import KIND, book_of
from osm_flow.operations.reasons import ReasonMissing
from osm_flow.store.models import BookEntry, Correction, Notification, Person, Project
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, later, make_acting, make_agency, make_office, make_person, make_project
from tests.together import at_once

MONEY = NewCorrection({"requested": 1250000.5}, 1, "พิมพ์เกินหนึ่งหลัก")


@pytest.fixture
def people(session: Session) -> dict[str, Actor]:
    """An office with a planner, a head, a director and a stand-in of the planner, two provinces, an agency, and a neighbour."""
    make_office(session)
    make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
    found = {
        "anan": make_person(session, "anan", "osm_strategy"),
        "head": make_person(session, "head", "osm_strategy_head"),
        "boss": make_person(session, "boss", "osm_director"),
        "udon": make_person(session, "udon", "province_governor", province_id="TH-41"),
        "loei": make_person(session, "loei", "province_planner", province_id="TH-39"),
        "works": make_agency(session, "works", "แขวงทางหลวง"),
        "sakon": make_person(session, "sakon", "osm_director", office_id="NE-U2"),
        "auditor": make_person(session, "auditor", "auditor"),
    }
    session.flush()
    found["works"] = actor_named(session, "works", NOW.date())
    make_project(session, "P1")
    return found


def requested(session: Session) -> Decimal:
    return session.scalars(select(Project.requested).where(Project.code == "P1")).one()


def waiting_seq(session: Session) -> int:
    return session.scalars(select(Correction.seq).where(Correction.decided_seq.is_(None))).one()


def test_what_nobody_decided_is_corrected_at_once_with_its_reason(session: Session, people: dict[str, Actor]) -> None:
    done = corrections.correct(
        session, "P1", people["anan"], later(1), NewCorrection({"rationale": "น้ำท่วมซ้ำ"}, 1, "พิมพ์ผิด")
    )

    newest = versions_of(session, KIND, "P1")[-1]
    assert (done.waits, newest.values["rationale"], newest.act) == (False, "น้ำท่วมซ้ำ", "corrected")
    assert (newest.actor, newest.reason, newest.confirmed) == ("anan", "พิมพ์ผิด", None)
    assert check_books(session).faults == []


def test_money_waits_until_another_person_confirms_it(session: Session, people: dict[str, Actor]) -> None:
    assert corrections.correct(session, "P1", people["anan"], later(1), MONEY).waits
    assert requested(session) == 1000
    assert len(versions_of(session, KIND, "P1")) == 1

    corrections.confirm(session, "P1", waiting_seq(session), people["head"], later(2))

    newest = versions_of(session, KIND, "P1")[-1]
    assert requested(session) == Decimal("1250000.50")
    assert (newest.act, newest.actor, newest.actor_role) == ("corrected", "anan", "osm_strategy")
    assert newest.confirmed == {"by": "head", "role": "osm_strategy_head", "on_behalf_of": None}
    assert newest.reason == MONEY.reason
    assert [entry.act for entry in session.scalars(select(BookEntry).order_by(BookEntry.seq))] == [
        "imported",
        "proposed",
        "corrected",
    ]
    assert corrections.waiting(session, get_project(session, "P1", people["anan"]), people["anan"], later(3)) is None
    assert check_books(session).faults == []


@pytest.mark.parametrize("second", ["anan", "stand_in"])
def test_one_person_is_not_two(session: Session, people: dict[str, Actor], second: str) -> None:
    """Neither who proposed it, a director besides, nor who acts for them that day."""
    proposer = people["boss"]
    people["stand_in"] = make_acting(session, people["head"], proposer, "osm_director")
    people["anan"] = proposer
    corrections.correct(session, "P1", proposer, later(1), MONEY)

    with pytest.raises(NotTheSecondPerson):
        corrections.confirm(session, "P1", waiting_seq(session), people[second], later(2))
    assert requested(session) == 1000


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        ("udon", NotYourRole),
        ("loei", ProjectNotFound),
        ("sakon", ProjectNotFound),
        ("auditor", NotYourRole),
    ],
)
def test_others_neither_correct_nor_confirm_nor_withdraw(
    session: Session, people: dict[str, Actor], who: str, refusal: type[OsmFlowError]
) -> None:
    with pytest.raises(refusal):
        corrections.correct(session, "P1", people[who], later(1), MONEY)
    corrections.correct(session, "P1", people["anan"], later(1), MONEY)
    for act in (corrections.confirm, corrections.withdraw):
        with pytest.raises(refusal):
            act(session, "P1", waiting_seq(session), people[who], later(2))
    assert check_books(session).entries == 2


def test_whatever_an_agency_corrects_waits_for_the_office(session: Session, people: dict[str, Actor]) -> None:
    new = NewCorrection({"rationale": "ใหม่"}, 1, "พิมพ์ผิด")
    assert corrections.correct(session, "P1", people["works"], later(1), new).waits
    project = get_project(session, "P1", people["works"])
    seen = corrections.waiting(session, project, people["works"], later(1))
    assert seen is not None
    assert (seen.may_confirm, seen.may_withdraw, seen.who_may) == (False, True, None)
    assert corrections.waiting(session, project, people["udon"], later(1)) is None

    with pytest.raises(NotYourRole):
        corrections.confirm(session, "P1", waiting_seq(session), people["works"], later(2))
    corrections.confirm(session, "P1", waiting_seq(session), people["head"], later(2))
    assert (values_of(session, KIND, "P1") or {})["rationale"] == "ใหม่"


def test_who_may_confirm_is_named_and_that_nobody_may_is_said(session: Session, people: dict[str, Actor]) -> None:
    corrections.correct(session, "P1", people["anan"], later(1), MONEY)
    project = get_project(session, "P1", people["anan"])
    named = corrections.waiting(session, project, people["anan"], later(1))
    assert named is not None
    assert named.who_may == ["คุณboss", "คุณhead"]

    for person in session.scalars(select(Person).where(Person.username.in_(("boss", "head")))):
        person.locked_at = NOW
    session.flush()
    nobody = corrections.waiting(session, project, people["anan"], later(1))
    assert nobody is not None
    assert (nobody.who_may, nobody.may_confirm, nobody.may_withdraw) == ([], False, True)


def told(session: Session) -> list[tuple[str, str]]:
    query = select(Person.username, Notification.url).join(Notification, Notification.person_id == Person.id)
    query = query.where(Notification.kind == "correction").order_by(Person.username)
    return [(name, url) for name, url in session.execute(query)]


def to_confirm(session: Session, actor: Actor) -> list[str]:
    return [project.code for project in corrections.to_confirm(session, actor, later(2))]


def test_who_may_confirm_is_told_once_and_finds_it_until_it_is_decided(
    session: Session, people: dict[str, Actor]
) -> None:
    corrections.correct(session, "P1", people["anan"], later(1), MONEY)
    with pytest.raises(CorrectionWaits):
        corrections.correct(session, "P1", people["head"], later(1), MONEY)

    assert told(session) == [("boss", "/projects/P1"), ("head", "/projects/P1")]
    found = {name: to_confirm(session, actor) for name, actor in people.items()}
    assert found == {name: ["P1"] if name in ("boss", "head") else [] for name in people}

    corrections.confirm(session, "P1", waiting_seq(session), people["head"], later(2))
    assert to_confirm(session, people["boss"]) == []
    assert len(told(session)) == 2


def test_who_proposed_is_neither_told_nor_asked(session: Session, people: dict[str, Actor]) -> None:
    corrections.correct(session, "P1", people["head"], later(1), MONEY)

    assert told(session) == [("boss", "/projects/P1")]
    assert to_confirm(session, people["head"]) == []
    corrections.withdraw(session, "P1", waiting_seq(session), people["head"], later(2))
    assert to_confirm(session, people["boss"]) == []


def test_what_was_corrected_at_once_is_told_to_nobody(session: Session, people: dict[str, Actor]) -> None:
    new = NewCorrection({"rationale": "ใหม่"}, 1, "พิมพ์ผิด")
    corrections.correct(session, "P1", people["anan"], later(1), new)

    assert told(session) == []


def test_a_correction_is_taken_back_and_its_words_and_reasons_stay(session: Session, people: dict[str, Actor]) -> None:
    corrections.correct(session, "P1", people["anan"], later(1), MONEY)
    seq = waiting_seq(session)
    corrections.withdraw(session, "P1", seq, people["head"], later(2), reason="ตัวเลขเดิมถูกแล้ว")

    project = get_project(session, "P1", people["anan"])
    [one] = corrections.withdrawn(session, project, people["anan"])
    assert (one.changes, one.reason, one.decided_reason) == (MONEY.fields, MONEY.reason, "ตัวเลขเดิมถูกแล้ว")
    assert corrections.withdrawn(session, project, people["udon"]) == []
    for act in (corrections.confirm, corrections.withdraw):
        with pytest.raises(CorrectionDecided):
            act(session, "P1", seq, people["head"], later(3))
    corrections.correct(session, "P1", people["anan"], later(4), MONEY)
    corrections.withdraw(session, "P1", waiting_seq(session), people["anan"], later(5))
    assert check_books(session).faults == []


def test_what_changed_since_cannot_be_confirmed(session: Session, people: dict[str, Actor]) -> None:
    corrections.correct(session, "P1", people["anan"], later(1), MONEY)
    act = BookAct(BookActKind.changed, {"record": "P1"})
    revise(session, book_of(OFFICE, 2571), act, people["anan"], later(2), {"P1": {"disbursed": 5}})

    with pytest.raises(CorrectionOutdated):
        corrections.confirm(session, "P1", waiting_seq(session), people["head"], later(3))
    seen = corrections.waiting(session, get_project(session, "P1", people["head"]), people["head"], later(3))
    assert seen is not None
    assert seen.is_outdated
    with pytest.raises(ChangedMeanwhile):
        corrections.correct(session, "P1", people["anan"], later(3), MONEY)


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"state": "completed"}, FieldUnknown),
        ({"colour": "green"}, FieldUnknown),
        ({"contracts": []}, FieldUnknown),
        ({"contact_name": "นางสมศรี"}, FieldUnknown),
        ({"readiness_file": "a.pdf"}, FieldUnknown),
        ({"nothing": 1}, FieldUnknown),
        ({"name": None}, ValueUnfit),
        ({"requested": "มาก"}, ValueUnfit),
        ({"requested": -1}, ValueUnfit),
        ({"province": "TH-47"}, ValueUnfit),  # another office's
        ({"province": "TH-99"}, ValueUnfit),
        ({"requested": 1000.0}, SaysTheSame),
        ({}, SaysTheSame),
    ],
)
def test_what_cannot_be_corrected_is_refused(
    session: Session, people: dict[str, Actor], fields: dict[str, object], refusal: type[OsmFlowError]
) -> None:
    with pytest.raises(refusal):
        corrections.correct(session, "P1", people["anan"], later(1), NewCorrection(fields, 1, "ผิด"))
    assert check_books(session).entries == 1


def test_a_reason_is_needed_and_one_correction_waits_at_a_time(session: Session, people: dict[str, Actor]) -> None:
    with pytest.raises(ReasonMissing):
        corrections.correct(session, "P1", people["anan"], later(1), NewCorrection(MONEY.fields, 1, " "))
    corrections.correct(session, "P1", people["anan"], later(1), MONEY)
    with pytest.raises(CorrectionWaits):
        corrections.correct(session, "P1", people["boss"], later(2), NewCorrection({"rationale": "x"}, 1, "ผิด"))
    make_project(session, "P2")
    with pytest.raises(CorrectionNotFound):
        corrections.confirm(session, "P2", waiting_seq(session), people["head"], later(3))


def test_what_was_changed_while_it_waited_is_not_carried_out(session: Session, people: dict[str, Actor]) -> None:
    corrections.correct(session, "P1", people["anan"], later(1), MONEY)
    # The database refuses it to everybody who has not its triggers out of the way.
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    session.execute(text("DROP TRIGGER refuse_update_of_corrections" + ("" if is_sqlite else " ON corrections")))
    session.scalars(select(Correction)).one().changes = json.dumps({"requested": 1})
    session.flush()

    with pytest.raises(CorrectionDoubtful):
        corrections.confirm(session, "P1", waiting_seq(session), people["head"], later(2))
    assert [fault.code for fault in check_books(session).faults] == ["proposal"]


def test_of_all_who_act_at_once_one_wins(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        for name, role in (("anan", "osm_strategy"), ("boss", "osm_director"), ("head", "osm_strategy_head")):
            make_person(session, name, role)
        make_project(session, "P1")
    said: list[str] = []

    def tried(name: str, act: Callable[[Session, Actor], object]) -> Callable[[], None]:
        def go() -> None:
            try:
                with store.transaction() as session:
                    act(session, actor_named(session, name, NOW.date()))
            except OsmFlowError as error:
                said.append(type(error).__name__)
            else:
                said.append("done")

        return go

    at_once(*[tried(name, lambda s, a: corrections.correct(s, "P1", a, NOW, MONEY)) for name in ("anan", "anan")])
    assert sorted(said) == ["CorrectionWaits", "done"]
    with store.reading() as session:
        seq = waiting_seq(session)
        assert [name for name, _ in told(session)] == ["boss", "head"]
    said.clear()
    at_once(
        tried("boss", lambda s, a: corrections.confirm(s, "P1", seq, a, NOW)),
        tried("head", lambda s, a: corrections.confirm(s, "P1", seq, a, NOW)),
        tried("anan", lambda s, a: corrections.withdraw(s, "P1", seq, a, NOW)),
    )

    assert sorted(said) == ["CorrectionDecided", "CorrectionDecided", "done"]
    with store.reading() as session:
        report = check_books(session)
        assert (report.faults, report.entries) == ([], 3)
