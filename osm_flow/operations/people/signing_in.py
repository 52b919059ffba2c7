"""Passwords: which are acceptable, how they are hashed, and signing in, slowed down for guessers."""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from osm_flow.errors import Invalid, OsmFlowError
from osm_flow.operations.ledger.security_events import EventKind, Happening, record_event
from osm_flow.store.advisory_locks import AdvisoryLock, take
from osm_flow.store.models import LoginAttempt, Person
from osm_flow.store.session import Store

MINIMUM_LENGTH = 10
_MAXIMUM_LENGTH = 256
_WINDOW = timedelta(minutes=15)
_FAILURES_PER_NAME = 5
_FAILURES_PER_ADDRESS = 20
_KEPT = timedelta(days=90)
_FORGOTTEN_AT_ONCE = 500

# A typed name that nobody has may be a password: of such a name only a digest by a key is kept.
UNKNOWN = "?"
_KEY_OF_THIS_PROCESS = secrets.token_hex(32).encode()

_hasher = PasswordHasher(time_cost=3, memory_cost=19456, parallelism=1)
# Checked for names nobody has, so that the answer takes as long as for a wrong password.
_NOBODYS_HASH = "$argon2id$v=19$m=19456,t=3,p=1$KuAJzKqVmXBNlV4C78H2hQ$dD7PVltahLZ0ztXamWMNbNHNpFUkTX0EssfluuA/bzI"


class PasswordTooWeak(Invalid):
    """Choose a password of at least 10 characters that does not contain the user name."""


class SignInRefused(OsmFlowError):
    """The user name or the password is not right, or the account is locked."""

    status = 401


class TooManyAttempts(OsmFlowError):
    """Too many attempts to sign in. Wait 15 minutes and try again."""

    status = 429


def hash_password(password: str, username: str, field: str = "password") -> str:
    """The hash of an acceptable password. Raises PasswordTooWeak, naming the field."""
    length_fits = MINIMUM_LENGTH <= len(password) <= _MAXIMUM_LENGTH
    if not length_fits or username.lower() in password.lower() or len(set(password)) < 4:
        raise PasswordTooWeak(fields={field: PasswordTooWeak.__doc__})
    return _hasher.hash(password)


def password_fits(person: Person | None, password: str) -> bool:
    """Whether the password is the person's; takes equally long whether or not there is such a person."""
    known = person.password_hash if person else None
    try:
        return _hasher.verify(known or _NOBODYS_HASH, password[:_MAXIMUM_LENGTH]) and known is not None
    except (Argon2Error, InvalidHashError):
        return False


def authenticate(session: Session, username: str, password: str) -> Person:
    """The person with this user name and password. Raises SignInRefused, without telling which part was wrong."""
    person = session.scalars(select(Person).where(Person.username == normal_username(username))).one_or_none()
    if not password_fits(person, password) or person is None or person.locked_at is not None:
        raise SignInRefused
    return person


def sign_in(
    store: Store, username: str, password: str, address: str, now: datetime, *, key: bytes = _KEY_OF_THIS_PROCESS
) -> Person:
    """The person who signs in, throttled by name and address. Raises SignInRefused, TooManyAttempts.

    Both say as `typed` what is kept of the name: itself if somebody has it, else a digest by this `key`.

    The attempt is counted in a transaction of its own before the password is looked at: a refusal is counted although
    its request is rolled back, and guesses sent all at once are counted one by one.
    """
    with store.transaction() as session:
        typed = _kept_name(session, normal_username(username), key)
        attempt_id = _open_attempt(session, typed, address, now)
    try:
        with store.reading() as session:
            person = authenticate(session, username, password)
    except SignInRefused as refusal:
        raise SignInRefused(typed=typed) from refusal
    with store.transaction() as session:
        session.get_one(LoginAttempt, attempt_id).succeeded = True
        happening = Happening(EventKind.signed_in, person.username, subject="POST /login", address=address)
        record_event(session, now, happening)
    return person


def normal_username(username: str) -> str:
    """The user name in its one spelling."""
    return username.replace("\0", "").strip().lower()[:64]


def _kept_name(session: Session, username: str, key: bytes) -> str:
    if session.scalar(select(Person.id).where(Person.username == username)) is not None:
        return username
    return UNKNOWN + hmac.new(key, username.encode("utf-8", "surrogatepass"), "sha256").hexdigest()[:16]


def _open_attempt(session: Session, username: str, address: str, now: datetime) -> int:
    take(session, AdvisoryLock.signing_in, of=address)  # whatever is counted below is of this address
    _forget_old(session, now)
    if _failures(session, address, now, username) >= _FAILURES_PER_NAME:
        raise TooManyAttempts(typed=username)
    if _failures(session, address, now) >= _FAILURES_PER_ADDRESS:
        raise TooManyAttempts(typed=username)
    attempt = LoginAttempt(username=username, address=address, at=now, succeeded=False)
    session.add(attempt)
    session.flush()
    return attempt.id


def _forget_old(session: Session, now: datetime) -> None:
    """Delete a few attempts that are too old; those that somebody else is deleting are left to them."""
    old = (
        select(LoginAttempt.id).where(LoginAttempt.at < now - _KEPT).order_by(LoginAttempt.at).limit(_FORGOTTEN_AT_ONCE)
    )
    if ids := session.scalars(old.with_for_update(skip_locked=True)).all():
        session.execute(delete(LoginAttempt).where(LoginAttempt.id.in_(ids)))


def _failures(session: Session, address: str, now: datetime, username: str | None = None) -> int:
    """Failures in the window: of a name, since its last success; of an address, all of them."""
    here = [LoginAttempt.address == address, LoginAttempt.at > now - _WINDOW]
    if username is not None:
        here.append(LoginAttempt.username == username)
        last = session.scalar(select(func.max(LoginAttempt.id)).where(*here, LoginAttempt.succeeded))
        here.append(LoginAttempt.id > (last or 0))
    failed = select(func.count()).select_from(LoginAttempt).where(*here, LoginAttempt.succeeded.is_(False))
    return session.scalar(failed) or 0
