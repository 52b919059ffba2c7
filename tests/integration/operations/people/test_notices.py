"""What the system tells a person inside the site: counted, paged, read, and never another's."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.operations.people.notices import mark_all_read, notices_for, unread_count
from osm_flow.store.models import Notification
from tests.factories import NOW, later, make_office, make_person


@pytest.fixture
def anan(session: Session) -> Actor:
    """Somebody with five notices, beside another with one."""
    make_office(session)
    anan, boss = make_person(session, "anan", "osm_strategy"), make_person(session, "boss", "osm_director")
    for number in range(5):
        tell(session, anan, str(number))
    tell(session, boss, "ของหัวหน้า")
    return anan


def tell(session: Session, actor: Actor, words: str) -> Notification:
    notice = Notification(person_id=actor.person_id, kind="x", text_th=words, text_en=words, url="/", at=NOW)
    session.add(notice)
    session.flush()
    return notice


def test_a_person_reads_their_own_newest_first(session: Session, anan: Actor) -> None:
    page = notices_for(session, anan)

    assert [one.text_th for one in page.items] == ["4", "3", "2", "1", "0"]
    assert (page.total, page.next) == (5, None)


def test_pages_meet_every_notice_once(session: Session, anan: Actor) -> None:
    first = notices_for(session, anan, limit=2)
    second = notices_for(session, anan, limit=2, after=first.next)
    third = notices_for(session, anan, limit=2, after=second.next)

    assert [one.text_th for page in (first, second, third) for one in page.items] == ["4", "3", "2", "1", "0"]
    assert (second.total, third.next) == (5, None)


@pytest.mark.parametrize("after", ["", "x", "-1", "1.5", "²", "9999999999", str(2**63), "9" * 5000])
def test_an_address_that_names_no_page_gives_the_first(session: Session, anan: Actor, after: str) -> None:
    assert len(notices_for(session, anan, after=after).items) == 5


def test_what_was_read_is_counted_no_more_and_keeps_its_time(session: Session, anan: Actor) -> None:
    assert unread_count(session, anan) == 5

    mark_all_read(session, anan, later(1))
    new = tell(session, anan, "ใหม่")

    assert unread_count(session, anan) == 1
    mark_all_read(session, anan, later(2))
    session.expire_all()
    read = [one.read_at for one in notices_for(session, anan).items]
    assert read == [later(2), *[later(1)] * 5]
    assert new.read_at == later(2)


def test_nobody_s_reading_marks_the_notices_of_another(session: Session, anan: Actor) -> None:
    boss = make_person(session, "chief", "osm_director")
    tell(session, boss, "ยังไม่อ่าน")

    mark_all_read(session, anan, later())

    assert (unread_count(session, anan), unread_count(session, boss)) == (0, 1)
