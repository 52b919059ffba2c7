"""The rules of the journal: how a record is sealed, how its payload is digested, and what a whole chain must satisfy.

A stranger can check an exported journal with this module alone: SHA-256 and RFC 8785 canonical JSON are all it uses.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

import rfc8785

from osm_flow.errors import Invalid

GENESIS = "0" * 64
_EXACT = 2**53 - 1
_DEEPEST = 100
_WRITER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
# What that writer may spell otherwise than RFC 8785: escapes by number, fractions, exponents, long numbers, and letters
# beyond the first plane (which sort otherwise in names).
_UNUSUAL = re.compile(rb"\\u|[\xf0-\xff]|(?:^|[:,\[])-?(?:\d{16}|\d+[.eE])")


# Since this version of the product the policy alone says on whose behalf somebody acts.
_CHECKED_SINCE = (0, 2)
_PRODUCT = re.compile(r"osm-flow (\d+)\.(\d+)")


class Represented(Protocol):
    """What tells on whose behalf an act was done: a record, or a row of the journal."""

    @property
    def on_behalf_of(self) -> str | None: ...

    @property
    def engine_version(self) -> str: ...


class NotStorable(Invalid):
    """This value cannot be kept exactly: {reason}."""


@dataclass(frozen=True)
class Record:
    """One record of a case's journal, as it is hashed; `at` is RFC 3339 text in UTC with microseconds."""

    case_id: str
    seq: int
    at: str
    kind: str
    actor: str
    actor_role: str | None
    on_behalf_of: str | None
    element: str | None
    task_id: str | None
    payload_digest: str
    definition_key: str
    definition_version: int
    definition_sha256: str
    engine_version: str
    state_digest: str
    prev_hash: str


@dataclass(frozen=True)
class Fault:
    """A fault in the history of a case, and at which record (0: the case as a whole)."""

    case_id: str
    seq: int
    code: str
    message: str


def is_as_stated(record: Represented) -> bool:
    """Whether the record says on whose behalf as somebody stated it then: before 0.2 nobody checked what was stated."""
    match = _PRODUCT.match(record.engine_version)
    version = (int(match[1]), int(match[2])) if match else (0, 0)
    return record.on_behalf_of is not None and version < _CHECKED_SINCE


def canonical(value: Any) -> bytes:
    """The RFC 8785 bytes of a JSON value. Raises NotStorable for what two readers could read differently."""
    try:
        written = _WRITER.encode(value).encode()
        # What is wrong in a text or a number is unusual where it is written; the rest is not seen there.
        if _is_plain(value) and not _UNUSUAL.search(written):
            return written
    except (TypeError, ValueError, RecursionError):
        pass  # said below: where it is and what it is
    _check(value, "")
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise NotStorable(reason=str(error)) from error


def as_recorded(value: Any) -> Any:
    """The value as a reader of the journal gets it: keys in canonical order, whole floats as integers.

    What the engine is given live must be what a replay will give it, or their states would differ.
    """
    return json.loads(canonical(value))


def is_salt(text: str) -> bool:
    """Whether it is a salt: 16 bytes as hex, spelled in the one way. The digest alone would not tell `ab` from `AB`."""
    try:
        return bytes.fromhex(text).hex() == text and len(text) == 32
    except ValueError:
        return False


def digest_payload(salt: str, body: str) -> str:
    """The SHA-256 over a payload and its salt. Only this digest is chained, so the payload can be erased."""
    return sha256(bytes.fromhex(salt) + body.encode()).hexdigest()


def seal(record: Record) -> str:
    """The hash of a record: SHA-256 over its canonical JSON.

    A record has only ASCII keys, texts, nulls and small numbers, which the standard library writes as RFC 8785 does, in
    a fraction of the time.
    """
    return sha256(_WRITER.encode(as_json(record)).encode("utf-8", "surrogatepass")).hexdigest()


def as_json(record: Record) -> dict[str, Any]:
    """The record as it is hashed and exported, without its hash."""
    fields = dict(vars(record))
    fields["definition"] = {name: fields.pop(f"definition_{name}") for name in ("key", "version", "sha256")}
    return fields


def faults_of_chain(case_id: str, chain: Iterable[tuple[Record, str]]) -> list[Fault]:
    """The gaps, broken links, changed records and times that do not rise; the records come with their hashes."""
    faults: list[Fault] = []
    expected, previous_hash, previous_at = 1, GENESIS, ""
    for record, hash_ in chain:
        for code, message in _faults_of_record(record, hash_, expected, previous_hash, previous_at):
            faults.append(Fault(case_id, record.seq, code, message))
        expected, previous_hash, previous_at = record.seq + 1, hash_, record.at
    return faults


def _faults_of_record(
    record: Record, hash_: str, expected: int, previous_hash: str, previous_at: str
) -> Iterable[tuple[str, str]]:
    if record.seq != expected:
        yield "gap", f"record {expected} is missing"
    if record.prev_hash != previous_hash:
        yield "link", "the record does not follow from the one before it"
    if seal(record) != hash_:
        yield "hash", "the record was changed after it was written"
    if record.at <= previous_at:
        yield "time", "the record is not later than the one before it"


def _is_plain(value: Any, depth: int = 0) -> bool:
    """Whether all names in it are texts, and it is far from being nested too deep."""
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                return False
        inner: Iterable[Any] = value.values()
    elif isinstance(value, list | tuple):
        inner = value
    else:
        return True
    for item in inner:
        if isinstance(item, dict | list | tuple) and not (depth < _DEEPEST - 1 and _is_plain(item, depth + 1)):
            return False
    return True


def _check(value: Any, path: str, depth: int = 0) -> None:
    if depth > _DEEPEST:
        raise NotStorable(reason=f"nested more than {_DEEPEST} deep")
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise NotStorable(reason=f"{path or 'object'}: a key that is not text")
            _check_text(key, path)
            _check(item, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _check(item, f"{path}[{index}]", depth + 1)
    else:
        _check_scalar(value, path)


def _check_scalar(value: Any, path: str) -> None:
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int):
        # Many readers of JSON keep every number as a double, which is exact up to there.
        if abs(value) > _EXACT:
            raise NotStorable(reason=f"{path or 'number'}: beyond 2^53")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise NotStorable(reason=f"{path or 'number'}: not a number")
    else:
        raise NotStorable(reason=f"{path or 'value'}: {type(value).__name__} is not JSON")


def _check_text(text: str, path: str) -> None:
    # PostgreSQL keeps no NUL, UTF-8 no half of a surrogate pair.
    if "\0" in text:
        raise NotStorable(reason=f"{path or 'text'}: NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotStorable(reason=f"{path or 'text'}: half of a surrogate pair") from None
