"""Passwords: which are accepted, how they are checked, and how guessers are slowed down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from osm_flow.operations.people import signing_in
from osm_flow.operations.people.signing_in import (
    PasswordTooWeak,
    SignInRefused,
    TooManyAttempts,
    authenticate,
    hash_password,
    normal_username,
    password_fits,
    sign_in,
)
from osm_flow.store.advisory_locks import AdvisoryLock, take
from osm_flow.store.models import LoginAttempt, Person
from osm_flow.store.session import Busy, Limits, Store
from tests.factories import NOW, later
from tests.together import at_once

PASSWORD = "a long enough one"
HERE, THERE = "10.0.0.1", "10.0.0.2"


@pytest.fixture(scope="module")
def hashed() -> str:
    return hash_password(PASSWORD, "nobody")  # slow on purpose: once is enough


@pytest.fixture
def anan(store: Store, hashed: str) -> Store:
    """A database with one person who has a password and one who has none."""
    with store.transaction() as session:
        for username, known in (("anan", hashed), ("busaba", None)):
            session.add(Person(username=username, display_name=username, password_hash=known, created_at=NOW))
    return store


def fail(store: Store, username: str, address: str, minutes: float, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(SignInRefused):
            sign_in(store, username, "wrong", address, later(minutes))


def attempts(store: Store) -> list[tuple[str, str, bool]]:
    with store.reading() as session:
        rows = session.execute(
            select(LoginAttempt.username, LoginAttempt.address, LoginAttempt.succeeded).order_by(LoginAttempt.id)
        )
        return [tuple(row) for row in rows]


# ---- what makes a password acceptable --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password",
    ["", "too short", "x" * 257, "my Anan password", "aaaaaaaaaaaa", "abababababab", "abcabcabcabc"],
)
def test_a_password_that_is_easily_guessed_is_refused_at_its_field(password: str) -> None:
    with pytest.raises(PasswordTooWeak) as refused:
        hash_password(password, "anan", "new")

    assert refused.value.fields.keys() == {"new"}


@pytest.mark.parametrize(
    "password", ["ฝนตกที่ภูกระดึง " * 16, " sp ace s! ", "🙂🙃😀😁" * 3, "correct horse battery staple" * 9]
)
def test_a_long_password_with_any_letters_is_taken(password: str) -> None:
    person = Person(username="anan", password_hash=hash_password(password, "anan"))

    assert len(password) <= 256
    assert password_fits(person, password)
    assert not password_fits(person, password[:-1])
    assert not password_fits(person, password.swapcase().strip() + "x")


def test_a_hash_tells_nothing_and_fits_its_password_only(hashed: str) -> None:
    person = Person(username="anan", password_hash=hashed)

    assert hashed.startswith("$argon2id$")
    assert PASSWORD not in hashed
    assert hash_password(PASSWORD, "anan") != hashed
    assert password_fits(person, PASSWORD)
    assert not password_fits(person, PASSWORD + " ")
    assert not password_fits(person, "")


def test_nobody_fits_without_a_person_or_a_password() -> None:
    """Not even with the password behind the hash that is checked for nobody."""
    assert not password_fits(None, PASSWORD)
    assert not password_fits(Person(username="anan", password_hash=None), PASSWORD)
    assert not password_fits(Person(username="anan", password_hash="not a hash"), PASSWORD)
    assert signing_in.MINIMUM_LENGTH == 10


@pytest.mark.parametrize(("typed", "meant"), [(" Anan ", "anan"), ("an\0an", "anan"), ("x" * 100, "x" * 64), ("", "")])
def test_a_user_name_is_read_as_it_was_meant(typed: str, meant: str) -> None:
    assert normal_username(typed) == meant


# ---- signing in ------------------------------------------------------------------------------------------------


def test_a_refusal_does_not_tell_which_part_was_wrong(session: Session, hashed: str) -> None:
    session.add(Person(username="anan", display_name="x", password_hash=hashed, created_at=NOW))
    session.add(Person(username="gone", display_name="x", password_hash=hashed, locked_at=NOW, created_at=NOW))
    session.add(Person(username="none", display_name="x", created_at=NOW))
    session.flush()

    assert authenticate(session, " ANAN", PASSWORD).username == "anan"
    told = set()
    for username, password in (("anan", "wrong"), ("nobody", PASSWORD), ("gone", PASSWORD), ("none", "")):
        with pytest.raises(SignInRefused) as refused:
            authenticate(session, username, password)
        told.add(str(refused.value))
    assert len(told) == 1


def test_every_attempt_is_counted_with_its_outcome(anan: Store) -> None:
    fail(anan, "Anan", HERE, 0)
    fail(anan, "nobody", THERE, 1)

    assert sign_in(anan, "anan", PASSWORD, HERE, later(2)).username == "anan"

    counted = attempts(anan)
    unknown = counted[1][0]
    assert counted == [("anan", HERE, False), (unknown, THERE, False), ("anan", HERE, True)]
    assert unknown.startswith(signing_in.UNKNOWN)


def test_five_failures_close_the_door_to_that_name_from_that_address_for_a_while(anan: Store) -> None:
    fail(anan, "anan", HERE, 0, times=5)

    with pytest.raises(TooManyAttempts):
        sign_in(anan, "anan", PASSWORD, HERE, later(14))
    assert sign_in(anan, "anan", PASSWORD, THERE, later(14)).username == "anan"
    fail(anan, "busaba", HERE, 14)
    assert sign_in(anan, "anan", PASSWORD, HERE, later(15.1)).username == "anan"


def test_a_success_forgives_the_failures_before_it(anan: Store) -> None:
    fail(anan, "anan", HERE, 0, times=4)
    sign_in(anan, "anan", PASSWORD, HERE, later(1))
    fail(anan, "anan", HERE, 2, times=5)

    with pytest.raises(TooManyAttempts):
        sign_in(anan, "anan", PASSWORD, HERE, later(3))


def test_twenty_failures_close_the_door_to_an_address(sqlite_store: Store) -> None:
    for number in range(20):
        fail(sqlite_store, f"name{number}", HERE, 0)

    with pytest.raises(TooManyAttempts):
        sign_in(sqlite_store, "another", "x", HERE, later(1))
    fail(sqlite_store, "another", THERE, 1)
    assert len(attempts(sqlite_store)) == 21


def test_what_was_refused_at_the_door_is_not_counted_again(anan: Store) -> None:
    fail(anan, "anan", HERE, 0, times=5)
    for _ in range(3):
        with pytest.raises(TooManyAttempts):
            sign_in(anan, "anan", "wrong", HERE, later(10))

    assert len(attempts(anan)) == 5
    assert sign_in(anan, "anan", PASSWORD, HERE, later(15.1)).username == "anan"


def test_guesses_sent_all_at_once_are_counted_one_by_one(anan: Store) -> None:
    outcomes: list[type[Exception]] = []

    def guess() -> None:
        try:
            sign_in(anan, "anan", "wrong", HERE, NOW)
        except (SignInRefused, TooManyAttempts) as error:
            outcomes.append(type(error))

    at_once(*[guess] * 8)

    assert sorted(error.__name__ for error in outcomes) == ["SignInRefused"] * 5 + ["TooManyAttempts"] * 3


def test_signing_in_waits_for_nobody_elsewhere(new_postgresql: Callable[[], Store], hashed: str) -> None:
    store = new_postgresql()
    impatient = Store(store.url.render_as_string(hide_password=False), Limits(lock=1))
    with store.transaction() as session:
        session.add(Person(username="anan", display_name="anan", password_hash=hashed, created_at=NOW))
        session.add(LoginAttempt(username="old", address=THERE, at=NOW - timedelta(days=91), succeeded=False))
    with store.transaction() as holder:
        take(holder, AdvisoryLock.signing_in, of=THERE)
        holder.execute(update(LoginAttempt).values(succeeded=True))

        assert sign_in(impatient, "anan", PASSWORD, HERE, NOW).username == "anan"
        with pytest.raises(Busy):
            sign_in(impatient, "anan", PASSWORD, THERE, NOW)
    impatient.close()


def test_of_a_name_that_nobody_has_only_a_digest_by_a_key_is_kept(anan: Store) -> None:
    """It may be a password that was typed into the wrong field; that the same was typed again is known all the same."""
    slip = "my secret in May"

    def typed(name: str, key: bytes) -> str:
        with pytest.raises(SignInRefused) as refused:
            sign_in(anan, name, "x", HERE, NOW, key=key)
        kept: str = refused.value.typed
        return kept

    first, again, other, elsewhere = (
        typed(name, key)
        for name, key in ((slip, b"k" * 32), (slip, b"k" * 32), ("other", b"k" * 32), (slip, b"l" * 32))
    )

    assert first == again
    assert len({first, other, elsewhere}) == 3
    assert [username for username, _, _ in attempts(anan)] == [first, again, other, elsewhere]
    with anan.reading() as session:
        assert slip not in repr(session.execute(select(LoginAttempt.__table__)).all())


def test_attempts_are_forgotten_after_ninety_days(sqlite_store: Store) -> None:
    fail(sqlite_store, "old", HERE, 0)
    with pytest.raises(SignInRefused):
        sign_in(sqlite_store, "new", "x", HERE, NOW + timedelta(days=90))
    _, second = attempts(sqlite_store)

    with pytest.raises(SignInRefused):
        sign_in(sqlite_store, "newer", "x", HERE, NOW + timedelta(days=90, seconds=1))
    assert attempts(sqlite_store)[0] == second
