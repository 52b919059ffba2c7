"""The log over all journals: what was logged or signed stays, what was computed from it may be computed anew."""

from __future__ import annotations

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.audit import log as audit_log
from osm_flow.operations.audit import witnesses
from osm_flow.store.models import LogCheckpoint, LoggedCase, LogLeaf, LogNode, SigningKey, Witness
from tests.factories import NOW, OFFICE, make_office
from tests.integration.store.tables import assert_append_only, keep, plans_of, refused

HASH = "a" * 64


def a_leaf(position: int = 0, case_id: str = "c1", seq: int = 1) -> LogLeaf:
    return LogLeaf(position=position, case_id=case_id, seq=seq, hash=HASH)


def a_key(key_id: str = "0a1b2c3d") -> SigningKey:
    return SigningKey(key_id=key_id, name="osm.example", public_key=HASH, how="first", actor="system", at=NOW)


def a_checkpoint(size: int = 1) -> LogCheckpoint:
    return LogCheckpoint(size=size, root=HASH, note="note\n", key_id="0a1b2c3d", actor="system", at=NOW)


def test_what_was_logged_and_signed_can_only_be_added_to(session: Session) -> None:
    for row in (a_leaf(), a_key(), a_checkpoint()):
        keep(session, row)

    for table in ("log_leaves", "signing_keys", "log_checkpoints"):
        assert_append_only(session, table)


def test_a_record_is_logged_once_and_a_place_is_taken_once(session: Session) -> None:
    keep(session, a_leaf(0, "c1", 1))

    assert refused(session, a_leaf(0, "c1", 2))
    assert refused(session, a_leaf(1, "c1", 1))
    keep(session, a_leaf(1, "c1", 2))


def test_the_log_points_at_no_case_so_that_it_outlives_every_one(session: Session) -> None:
    keep(session, a_leaf(0, "a case that never was", 7))

    assert session.scalars(select(LogLeaf.seq)).all() == [7]


def test_a_log_may_grow_beyond_what_small_numbers_count(session: Session) -> None:
    far = 2**40
    for row in (a_leaf(far), LogNode(level=0, position=far, hash=HASH), a_checkpoint(far)):
        keep(session, row)

    assert session.scalars(select(LogLeaf.position)).all() == [far]
    assert session.scalars(select(LogCheckpoint.size)).all() == [far]


def test_a_key_is_listed_once(session: Session) -> None:
    keep(session, a_key())

    assert refused(session, a_key())
    found = session.scalars(select(SigningKey)).one()
    assert (found.reason, found.endorsement) == ("", "")


def test_what_spares_work_may_be_written_anew(session: Session) -> None:
    keep(session, LogNode(level=3, position=0, hash=HASH))
    keep(session, LoggedCase(case_id="c1", seq=4))

    session.execute(update(LoggedCase).values(seq=5))
    session.execute(delete(LogNode))

    assert session.scalars(select(LoggedCase.seq)).all() == [5]


def test_a_witness_is_of_an_office_and_is_there_until_removed(session: Session) -> None:
    named = {"name": "สตง.", "email": "a@example.go.th", "added_by": "root", "added_at": NOW}
    assert refused(session, Witness(office_id="nowhere", **named))
    make_office(session)
    keep(session, Witness(office_id=OFFICE, **named))

    assert session.scalars(select(Witness.removed_at)).all() == [None]


def test_leaves_checkpoints_and_witnesses_are_found_by_an_index(session: Session) -> None:
    plans = plans_of(session, lambda: audit_log.checkpoint_of(session, 4))
    assert "ix_log_checkpoints_size" in plans
    leaf = select(LogLeaf).where(LogLeaf.case_id == "c1", LogLeaf.seq == 1)
    plans = plans_of(session, lambda: session.scalars(leaf).all())
    assert "uq_log_leaves_case_id_seq" in plans or "sqlite_autoindex_log_leaves" in plans
    plans = plans_of(session, lambda: witnesses.witnesses_of(session, OFFICE, SYSTEM))
    assert "ix_witnesses_office_id_removed_at" in plans
