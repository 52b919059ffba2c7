"""The keys that sign checkpoints, over time: the first one, its successors, and one that was lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.merkle_note import Head, NoteUnreadable
from osm_flow.operations.audit import signing_keys
from osm_flow.operations.audit.log import make_checkpoint
from osm_flow.operations.audit.signing_keys import (
    KeyMissing,
    Keyring,
    KeyUnreadable,
    NoKeyYet,
    ReasonNeeded,
    is_endorsed,
    kept_keys,
    public_half,
)
from osm_flow.store.session import Store
from tests.factories import NOW, later

HEAD = Head("osm.example.go.th/journal", 0, bytes(32))


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys", HEAD.origin)


def test_a_key_file_of_another_key_is_refused(store: Store, keyring: Keyring) -> None:
    with store.transaction() as session:
        make_checkpoint(session, NOW, SYSTEM, keyring=keyring)
    with store.reading() as session:
        mine = kept_keys(session)[0].key_id
    other = keyring.make(keyring.origin)
    (keyring.folder / f"{other.key_id}.pem").replace(keyring.folder / f"{mine}.pem")

    with pytest.raises(KeyUnreadable), store.transaction() as session:
        signing_keys.key_to_sign_with(session, keyring, SYSTEM, later(30))


def test_the_first_key_is_made_once_and_signs_where_it_lies(store: Store, keyring: Keyring, tmp_path: Path) -> None:
    with store.transaction() as session:
        first = signing_keys.key_to_sign_with(session, keyring, SYSTEM, NOW)
        assert signing_keys.key_to_sign_with(session, keyring, SYSTEM, later()) == first

    elsewhere = Keyring(tmp_path / "other machine", "another.example/journal")
    with store.transaction() as session:
        with pytest.raises(KeyMissing, match=first.key_id):
            signing_keys.key_to_sign_with(session, elsewhere, SYSTEM, later(2))
        (row,) = kept_keys(session)
    assert (row.how, row.actor, row.at, public_half(row)) == ("first", "system", NOW, first)
    assert not elsewhere.folder.exists()


def test_a_key_follows_another_with_the_signatures_of_both(store: Store, keyring: Keyring) -> None:
    with store.transaction() as session:
        first = signing_keys.key_to_sign_with(session, keyring, SYSTEM, NOW)
        note = signing_keys.rotate(session, keyring, HEAD, SYSTEM, later(), reason=" ครบกำหนด ")
        signing_keys.rotate(session, keyring, HEAD, SYSTEM, later(2))

    with store.reading() as session:
        one, two, three = kept_keys(session)
        assert signing_keys.active_key(session) is three
    assert (two.how, two.reason, two.name, two.endorsement) == ("rotated", "ครบกำหนด", first.name, str(note))
    assert [signing_keys.signed_by(note, public_half(row)) for row in (one, two, three)] == [True, True, None]
    assert (is_endorsed(two, one), is_endorsed(three, two)) == (True, True)
    assert not is_endorsed(three, one)


def test_a_hand_over_that_names_another_key_is_none(store: Store, keyring: Keyring) -> None:
    with store.transaction() as session:
        signing_keys.key_to_sign_with(session, keyring, SYSTEM, NOW)
        signing_keys.rotate(session, keyring, HEAD, SYSTEM, later())
        before, row = kept_keys(session)
        stranger = keyring.make(keyring.origin)
        row.key_id, row.public_key = stranger.key_id, stranger.public.hex()
        assert not is_endorsed(row, before)
        row.endorsement = "damaged"
        with pytest.raises(NoteUnreadable):
            is_endorsed(row, before)
        session.rollback()


def test_a_lost_key_is_followed_by_one_that_nobody_endorsed(store: Store, keyring: Keyring, tmp_path: Path) -> None:
    with store.transaction() as session:
        lost = signing_keys.key_to_sign_with(session, keyring, SYSTEM, NOW)
    fresh = replace(keyring, folder=tmp_path / "new machine")
    with store.transaction() as session:
        with pytest.raises(ReasonNeeded):
            signing_keys.replace_lost(session, fresh, SYSTEM, later(), reason="  ")
        new = signing_keys.replace_lost(session, fresh, SYSTEM, later(), reason="ดิสก์เสีย")
        assert signing_keys.key_to_sign_with(session, fresh, SYSTEM, later(2)) == new

    with store.reading() as session:
        row = kept_keys(session)[-1]
    assert (row.how, row.reason, row.endorsement, row.name) == ("replaced", "ดิสก์เสีย", "", lost.name)
    assert new.key_id != lost.key_id


def test_without_a_key_there_is_none_to_follow(store: Store, keyring: Keyring) -> None:
    with store.transaction() as session:
        assert signing_keys.active_key(session) is None
        with pytest.raises(NoKeyYet):
            signing_keys.rotate(session, keyring, HEAD, SYSTEM, NOW)
        with pytest.raises(NoKeyYet):
            signing_keys.replace_lost(session, keyring, SYSTEM, NOW, reason="หาย")
    assert not keyring.folder.exists()
