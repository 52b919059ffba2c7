"""A row that may be there already stays, is replaced, or is added to, on both databases."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from osm_flow.store.inserts import insert_once, insert_or_add, insert_or_replace, next_number
from osm_flow.store.models import BusinessKeyCounter, CaseCheckpoint, Draft, ElementVisit, IdempotencyKey, Reminder
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, items_of, later, make_case, make_office, make_person
from tests.together import at_once


def begin(session: Session) -> str:
    make_office(session)
    deploy_tests(session, "review")
    return make_case(session).id


def visits(session: Session) -> dict[str, int]:
    return {row.element: row.visits for row in session.scalars(select(ElementVisit))}


def test_the_first_row_of_a_key_stays(session: Session) -> None:
    first = insert_once(session, IdempotencyKey, key="k", at=NOW, subject="a", actor="anan")
    second = insert_once(session, IdempotencyKey, key="k", at=NOW, subject="b", actor="busaba")

    assert (first, second) == (True, False)
    assert session.get_one(IdempotencyKey, "k").subject == "a"


def test_unique_values_are_a_key_as_well(session: Session) -> None:
    begin(session)
    item = items_of(session, make_case(session))[0].id
    mark = {"work_item_id": item, "rung": "day", "due_at": NOW, "at": NOW}

    assert insert_once(session, Reminder, **mark)
    assert not insert_once(session, Reminder, **{**mark, "at": later()})
    assert insert_once(session, Reminder, **{**mark, "due_at": later()})


def test_the_transaction_goes_on_after_a_row_that_was_there(session: Session) -> None:
    for _ in range(2):
        insert_once(session, IdempotencyKey, key="k", at=NOW, subject="a", actor="anan")

    assert session.scalar(select(func.count()).select_from(IdempotencyKey)) == 1


def test_one_of_two_who_insert_the_same_key_at_once_is_told_that_it_was_there(store: Store) -> None:
    told: list[bool] = []

    def insert() -> None:
        with store.transaction() as session:
            told.append(insert_once(session, IdempotencyKey, key="k", at=NOW, subject="a", actor="anan"))

    at_once(*[insert] * 4)

    assert sorted(told) == [False, False, False, True]


def test_only_the_named_columns_are_replaced(session: Session) -> None:
    case_id = begin(session)
    row = {"case_id": case_id, "seq": 1, "digest": "a", "snapshot": b"a", "passed": "{}"}
    other = {**row, "seq": 2, "digest": "b", "snapshot": b"b"}

    insert_or_replace(session, CaseCheckpoint, [row], "digest", "snapshot")
    insert_or_replace(session, CaseCheckpoint, [{**row, "digest": "c", "passed": "[]"}, other], "digest", "snapshot")

    kept = session.scalars(select(CaseCheckpoint).order_by(CaseCheckpoint.seq)).all()
    assert [(one.digest, one.snapshot, one.passed) for one in kept] == [("c", b"a", "{}"), ("b", b"b", "{}")]


def test_a_key_of_two_columns_is_one_key(session: Session) -> None:
    begin(session)
    people = [make_person(session, name).person_id for name in ("anan", "busaba")]
    item = items_of(session, make_case(session))[0].id

    for text in ("1", "2"):
        rows = [{"work_item_id": item, "person_id": person, "body": text, "saved_at": NOW} for person in people]
        insert_or_replace(session, Draft, rows, "body", "saved_at")

    assert session.scalars(select(Draft.body)).all() == ["2", "2"]


def test_numbers_are_added_to_what_is_there(session: Session) -> None:
    case_id = begin(session)
    before = visits(session)

    insert_or_add(
        session, ElementVisit, [{"case_id": case_id, "element": name, "visits": 2} for name in "ab"], "visits"
    )
    insert_or_add(session, ElementVisit, [{"case_id": case_id, "element": "b", "visits": 3}], "visits")

    session.expire_all()
    assert visits(session) == {**before, "a": 2, "b": 5}


def test_numbers_under_each_key_begin_at_one(session: Session) -> None:
    told = [next_number(session, BusinessKeyCounter, "last", prefix=prefix) for prefix in ("A", "A", "B", "A")]

    assert told == [1, 2, 1, 3]


def test_a_number_that_was_rolled_back_is_given_again(store: Store) -> None:
    with store.transaction() as session:
        next_number(session, BusinessKeyCounter, "last", prefix="A")
        session.rollback()

    with store.transaction() as session:
        assert next_number(session, BusinessKeyCounter, "last", prefix="A") == 1
