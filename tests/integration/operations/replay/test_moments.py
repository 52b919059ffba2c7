"""Every moment of a case is the one that a whole replay gives, wherever the fold begins."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from osm_flow.domain.differences import Difference
from osm_flow.errors import NotFound
from osm_flow.operations.cases import acts as cases
from osm_flow.operations.cases.acts import cancel_case, resume_case, suspend_case
from osm_flow.operations.cases.attachments import GivenFile, attach
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.replay import moments
from osm_flow.operations.replay.moments import NoSuchMoment, audited_case, first_since, moment, seq_at
from osm_flow.operations.replay.verify import replay
from osm_flow.operations.stepping import kept_states
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.operations.work_items.plans import move_due
from osm_flow.store.models import Attachment, Case, CaseCheckpoint, ElementVisit, JournalPayload
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, erase, items_of, later, make_case, make_office, make_person

ROUNDS = 15
EVERY = 20


@pytest.fixture
def looped(store: Store, monkeypatch: pytest.MonkeyPatch) -> str:
    """A case that goes round between drafting and checking, with three checkpoints on the way: 61 records."""
    monkeypatch.setattr(kept_states, "EVERY", EVERY)
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        anan, boss = make_person(session, "anan", "osm_strategy"), make_person(session, "boss", "osm_director")
        case = make_case(session, actor=anan)
        for number in range(ROUNDS):
            at = later(number)
            draft = items_of(session, case)[0]
            complete(session, draft.id, anan, at, Completion.of({"text": f"ร่างที่ {number}"}))
            check = items_of(session, case)[0]
            work_items.claim(session, check.id, boss, at)
            comment(session, case.id, boss, at, body=f"ดูแล้ว {number}", key=None)
            verdict = {"approved": number == ROUNDS - 1, "reason": f"รอบ {number}"}
            complete(session, check.id, boss, at, Completion.of(verdict))
        return case.id


def the_case(session: Session, case_id: str) -> Case:
    return cases.get_case(session, case_id, actor_named(session, "anan", NOW.date()))


def recorded(session: Session, case_id: str) -> Iterator[tuple[object, ...]]:
    """What the whole replay, which knows no checkpoints, gives for each record."""
    passed: Counter[str] = Counter()
    for one in replay(session, case_id):
        passed.update(each.element for each in one.passed if each.kind == "completed")
        yield one.seq, one.digest, Counter(each.element for each in one.waiting), one.data, dict(passed)


def told(one: moments.Moment) -> tuple[object, ...]:
    tokens = Counter({token.element: token.count for token in one.tokens})
    return one.seq, one.chain.state_digest, tokens, one.data, dict(one.passed)


def test_every_moment_is_the_one_that_a_whole_replay_gives(store: Store, looped: str) -> None:
    with store.reading() as session:
        whole = list(recorded(session, looped))
        together = moments.moments(session, the_case(session, looped), 1, len(whole)).items

        assert len(whole) == 4 * ROUNDS + 1
        assert [told(one) for one in together] == whole
        assert all(one.chain.is_sound and one.chain.state_ok for one in together)
        assert [told(moment(session, looped, seq)) for seq in (1, 19, 20, 21, 22, 40, 41, 61)] == [
            whole[seq - 1] for seq in (1, 19, 20, 21, 22, 40, 41, 61)
        ]


def test_differences_at_a_checkpoint_are_those_of_the_whole_fold(store: Store, looped: str) -> None:
    with store.reading() as session:
        together = moments.moments(session, the_case(session, looped), 1, 61).items

        for seq in (20, 21, 22, 41, 42):
            assert moment(session, looped, seq) == together[seq - 1]


def test_states_are_kept_every_hundred_records_with_the_visits_so_far(store: Store, looped: str) -> None:
    with store.reading() as session:
        kept = list(session.scalars(select(CaseCheckpoint).order_by(CaseCheckpoint.seq)))
        whole = {row[0]: row for row in recorded(session, looped)}

    assert [row.seq for row in kept] == [20, 40, 60]
    assert [(row.digest, json.loads(row.passed)) for row in kept] == [
        (whole[row.seq][1], whole[row.seq][4]) for row in kept
    ]


def test_a_reader_makes_up_for_states_that_were_not_kept(store: Store, looped: str) -> None:
    with store.transaction() as session:
        kept = {row.seq: (row.digest, row.passed) for row in session.scalars(select(CaseCheckpoint))}
        session.execute(delete(CaseCheckpoint))
    with store.reading() as session:
        found = moments.moments(session, the_case(session, looped), 50, 52).found
    assert [one.seq for one in found] == [20, 40]

    with store.transaction() as session:
        kept_states.keep(session, looped, found)
        kept_states.keep(session, looped, found)
    with store.reading() as session:
        again = {row.seq: (row.digest, row.passed) for row in session.scalars(select(CaseCheckpoint))}
        assert moments.moments(session, the_case(session, looped), 50, 52).found == []
    assert again == {seq: kept[seq] for seq in (20, 40)}


@pytest.mark.parametrize("forged", [{"digest": "0" * 64}, {"snapshot": b"nonsense"}, {"seq": 30}])
def test_a_kept_state_that_is_not_the_recorded_one_is_passed_over(
    store: Store, looped: str, forged: dict[str, object]
) -> None:
    with store.transaction() as session:
        truth = told(moment(session, looped, 50))
        session.execute(update(CaseCheckpoint).where(CaseCheckpoint.seq == 40).values(forged))
    with store.reading() as session:
        assert told(moment(session, looped, 50)) == truth


def test_a_moment_tells_who_saw_and_typed_what_and_what_changed(store: Store, looped: str) -> None:
    with store.reading() as session:
        drafted, claimed, checked = (moment(session, looped, seq) for seq in (6, 7, 9))

    assert (drafted.kind, drafted.actor_name, drafted.actor_role) == ("work_item.completed", "คุณanan", "osm_strategy")
    assert drafted.seen is not None
    assert drafted.seen["plan"] == {"text": "ร่างที่ 0"}
    assert drafted.form_key == "note"
    assert drafted.asked == "ทำงานนี้ให้เสร็จ"
    assert drafted.payload is not None
    assert drafted.payload["data"] == {"text": "ร่างที่ 1"}
    assert drafted.changes == (Difference(("plan", "text"), "changed", "ร่างที่ 0", "ร่างที่ 1"),)
    assert [(item.element, item.holder) for item in drafted.open_items] == [("check", None)]
    assert [(item.element, item.holder_name) for item in claimed.open_items] == [("check", "คุณboss")]
    assert claimed.changes == ()
    assert checked.changes == (Difference(("reason",), "changed", "รอบ 0", "รอบ 1"),)


def test_moments_know_numbers_and_times(store: Store, looped: str) -> None:
    with store.reading() as session:
        assert seq_at(session, looped, later(-5)) == 1
        assert first_since(session, looped, later(-5)) == 1
        assert first_since(session, looped, later(99999)) == 61
        at = moment(session, looped, 30).at
        assert (seq_at(session, looped, at), first_since(session, looped, at)) == (30, 30)
        assert [row.seq for row in moments.course(session, looped, after=59)] == [60, 61]
        for seq in (0, -1, 62):
            with pytest.raises(NoSuchMoment):
                moment(session, looped, seq)


def test_who_held_an_item_and_when_it_was_due_is_told_as_it_was_then(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        anan, boss = make_person(session, "anan", "osm_strategy"), make_person(session, "boss", "osm_director")
        make_person(session, "bun", "osm_strategy")
        case = make_case(session, actor=anan)
        item = items_of(session, case)[0]
        work_items.claim(session, item.id, anan, later(1))
        work_items.delegate(session, item.id, anan, later(2), to_username="bun", reason="ลา")
        move_due(session, item.id, boss, later(3), due_at=later(2.5), reason="เร่ง", key=None)
        work_items.reassign(session, item.id, boss, later(4), to_username=None, reason="คืน")
        work_items.claim(session, item.id, anan, later(5))
        work_items.release(session, item.id, anan, later(6))
    with store.reading() as session:
        held = [one.open_items[0] for one in moments.moments(session, the_case(session, case.id), 1, 7).items]
        late = [one.tokens[0].overdue for one in moments.moments(session, the_case(session, case.id), 1, 7).items]

    assert [one.holder for one in held] == [None, "anan", "bun", "bun", None, "anan", None]
    assert [one.due_at for one in held[2:4]] == [None, later(2.5)]
    assert late == [0, 0, 0, 1, 1, 1, 1]


def test_suspension_and_cancelling_show_from_their_records_on(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        boss = make_person(session, "boss", "osm_director")
        case = make_case(session)
        suspend_case(session, case.id, boss, later(1), reason="รอหนังสือ")
        resume_case(session, case.id, boss, later(2), reason="ได้รับแล้ว")
        cancel_case(session, case.id, boss, later(3), reason="ซ้ำ")
    with store.reading() as session:
        course = moments.moments(session, session.get_one(Case, case.id), 1, 4).items

    assert [one.state for one in course] == ["ACTIVE", "SUSPENDED", "ACTIVE", "CANCELLED"]
    assert [len(one.tokens) for one in course] == [1, 1, 1, 0]
    assert course[-1].open_items == ()


def test_files_are_told_from_the_record_that_gave_them(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        anan = make_person(session, "anan", "osm_strategy")
        case = make_case(session, actor=anan)
        attach(session, case.id, anan, later(1), GivenFile("มติ.txt", b"yes"), key=None)
        attach(session, case.id, anan, later(2), GivenFile("ร่าง.txt", b"no"), key=None)
        session.execute(update(Attachment).where(Attachment.filename == "ร่าง.txt").values(sha256="0" * 64))
    with store.reading() as session:
        course = moments.moments(session, session.get_one(Case, case.id), 1, 3).items

    assert [[given.filename for given in one.attachments] for one in course] == [
        [],
        ["มติ.txt"],
        ["มติ.txt", "ร่าง.txt"],
    ]
    assert [given.attachment_id is not None for given in course[2].attachments] == [True, False]


def test_after_an_erased_step_nothing_is_guessed(store: Store, looped: str) -> None:
    with store.transaction() as session:
        root = make_person(session, "root", "admin", office_id=None)
        session.execute(delete(CaseCheckpoint))
        erase(session, looped, [6, 8], root, later(9999), reason="คำขอของเจ้าของข้อมูล")
    with store.reading() as session:
        found = moments.moments(session, the_case(session, looped), 1, 62)
        before, erased, after = (found.items[seq - 1] for seq in (5, 6, 7))
        last = found.items[-1]

    assert before.is_known
    assert (erased.payload, erased.erased_by, erased.obstacle) == (None, 62, (6, "erased", ""))
    assert (after.obstacle, after.tokens, after.data, after.changes) == ((6, "erased", ""), (), {}, ())
    assert after.chain.is_sound
    assert after.chain.state_ok is None
    assert found.items[7].erased_by == 62
    assert last.kind == "payloads.erased"
    assert found.found == []


def test_a_kept_state_leads_on_behind_an_erased_step_but_none_is_kept_anew(store: Store, looped: str) -> None:
    with store.transaction() as session:
        truth = told(moment(session, looped, 24))
        session.execute(delete(CaseCheckpoint).where(CaseCheckpoint.seq == 40))
        session.execute(delete(JournalPayload).where(JournalPayload.seq == 6))
        found = moments.moments(session, session.get_one(Case, looped), 38, 44).found
        assert [one.seq for one in found] == [40]
        kept_states.keep(session, looped, found)
    with store.reading() as session:
        assert told(moment(session, looped, 24)) == truth
        assert [moment(session, looped, seq).is_known for seq in (5, 6, 19, 20)] == [True, False, False, True]
        assert set(session.scalars(select(CaseCheckpoint.seq))) == {20, 60}


def test_a_forged_record_shows_at_its_moment(sqlite_store: Store) -> None:
    store = sqlite_store
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        anan = make_person(session, "anan", "osm_strategy")
        case = make_case(session, actor=anan)
        complete(session, items_of(session, case)[0].id, anan, NOW, Completion.of({"text": "จริง"}))
        comment(session, case.id, anan, NOW, body="จบ", key=None)
        session.execute(text("DROP TRIGGER refuse_update_of_journal_records"))
        session.execute(text("DROP TRIGGER refuse_update_of_journal_payloads"))
        session.execute(text("UPDATE journal_payloads SET body = replace(body, 'จริง', 'ปลอม') WHERE seq = 2"))
        session.execute(text("UPDATE journal_records SET actor = 'boss' WHERE seq = 3"))
    with store.reading() as session:
        start, forged, renamed = moments.moments(session, session.get_one(Case, case.id), 1, 3).items

    assert start.chain.is_sound
    assert (forged.chain.hash_ok, forged.chain.payload_ok, forged.chain.state_ok) == (True, False, False)
    assert (renamed.chain.hash_ok, renamed.chain.prev_ok) == (False, True)


def test_only_those_who_audit_the_office_may_look(store: Store, looped: str) -> None:
    with store.transaction() as session:
        make_office(session, "NE-U2", {})
        inspector = make_person(session, "inspector", "auditor")
        stranger = make_person(session, "stranger", "auditor", office_id="NE-U2")
    with store.reading() as session:
        assert audited_case(session, looped, inspector).id == looped
        with pytest.raises(NotFound):
            audited_case(session, looped, stranger)
        with pytest.raises(NotFound):
            audited_case(session, "no-such-case", inspector)


def test_the_counts_of_the_last_moment_are_those_of_the_projection(store: Store, looped: str) -> None:
    with store.reading() as session:
        visits = select(ElementVisit.element, ElementVisit.visits).where(ElementVisit.case_id == looped)
        assert moment(session, looped, 61).passed == dict(session.execute(visits).all())
