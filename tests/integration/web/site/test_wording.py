"""Words that several pages need: names, sizes, on behalf of whom, and what is in the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from flask import Flask, g

from osm_flow.domain.access.actors import SYSTEM, Hat
from osm_flow.domain.access.policy import Decision, Reason
from osm_flow.store.session import Store
from osm_flow.web.site import wording
from tests.factories import ANSWER, OFFICE, make_office, make_person


@pytest.fixture
def store(sqlite_store: Store) -> Store:
    """Nothing here depends on which database it is."""
    return sqlite_store


@pytest.fixture(autouse=True)
def asked() -> Iterator[None]:
    """A request of somebody who reads Thai."""
    with Flask(__name__).test_request_context("/"):
        g.locale = "th"
        yield


def test_a_name_is_the_one_of_the_readers_language_and_thai_where_there_is_none() -> None:
    both, thai = SimpleNamespace(name_th="แผน", name_en="Plan"), SimpleNamespace(name_th="แผนของเรา", name_en="")

    assert wording.named(both) == "แผน"
    g.locale = "en"
    assert (wording.named(both), wording.named(thai)) == ("Plan", "แผนของเรา")


def test_people_are_called_by_name_and_the_clock_the_system(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        make_person(session, "anan", "osm_strategy")
    with store.reading() as session:
        g.session = session
        names = wording.names_of(["anan", SYSTEM.username, "gone"])

    assert names == {"anan": "คุณanan", SYSTEM.username: "ระบบ", "gone": "gone"}


def test_a_day_is_typed_in_buddhist_years_on_the_offices_clock() -> None:
    assert wording.typed_date(datetime(2026, 11, 19, 17, 0, tzinfo=UTC)) == "20/11/2569"
    assert wording.typed_date(None) == ""


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "1 KB"), (1, "1 KB"), (2048, "2 KB"), (1_048_575, "1024 KB"), (1_048_576, "1.0 MB"), (26_214_400, "25.0 MB")],
)
def test_a_file_is_never_of_no_size(size: int, text: str) -> None:
    assert wording.file_size(size) == text


@pytest.mark.parametrize(
    ("hat", "words"),
    [
        (None, ""),
        (Hat("osm_director", OFFICE), ""),
        (Hat("osm_director", OFFICE, kind="acting", for_name="คุณบุญ"), "รักษาราชการแทน คุณบุญ"),
        (Hat("osm_director", OFFICE, kind="delegated", for_name="คุณบุญ", title="ผู้ว่าฯ"), "ปฏิบัติราชการแทน ผู้ว่าฯ"),
        (Hat("osm_director", OFFICE, kind="delegated", for_username="boon"), "ปฏิบัติราชการแทน boon"),
    ],
)
def test_whoever_acts_for_another_says_so(hat: Hat | None, words: str) -> None:
    assert wording.acting_words(Decision(True, Reason.ok, hat)) == words


@pytest.mark.parametrize("reason", Reason)
def test_whatever_is_in_the_way_has_a_sentence_and_nothing_has_none(reason: Reason) -> None:
    assert bool(wording.obstacle_words(Decision(reason == Reason.ok, reason), "คุณมาลี")) == (reason != Reason.ok)
    assert wording.obstacle_words(Decision(False, Reason.held), "คุณมาลี").startswith("คุณมาลี ")


def told(name: str | None = None, answer: dict[str, str] | None = None, *, is_as_stated: bool = False) -> str:
    return wording.for_whom(SimpleNamespace(answer=answer, is_as_stated=is_as_stated), name)


def test_for_whom_an_act_was_done_is_told_by_the_post_or_as_stated() -> None:
    assert told() == ""
    assert told("คุณบุญ") == "แทน คุณบุญ"
    assert told("สนจ.เลย (โทรศัพท์)", is_as_stated=True) == "แทน สนจ.เลย (โทรศัพท์) (ตามที่ระบุ)"


def test_an_answer_of_others_says_whose_it_is_and_how_it_came() -> None:
    answer = ANSWER.as_payload("", "สำนักงบประมาณ")
    paper = "หนังสือราชการ ที่ นร 0701/12 ลงวันที่ 20 พ.ย. 2569"

    assert told(answer=answer) == f"แทน สำนักงบประมาณ (นางสมศรี ใจดี สำนักงบประมาณ, {paper})"
    assert told(answer={**answer, "party_name": ""}) == f"แทน นางสมศรี ใจดี สำนักงบประมาณ ({paper})"
    assert told(answer={**answer, "party": "bb"}).startswith("แทน สำนักงบประมาณ (")
    assert told("คุณบุญ", {"party": "", "date": "unreadable"}).startswith("แทน ")  # a payload that a stranger wrote
