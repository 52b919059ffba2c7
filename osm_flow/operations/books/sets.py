"""Sets of records: what a decision was made on, kept by the digest of the list of their versions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from osm_flow.domain.books.sealing import digest_of_set
from osm_flow.domain.journal import canonical
from osm_flow.domain.json import JSON
from osm_flow.errors import NotFound
from osm_flow.operations.books.record_types import type_of
from osm_flow.operations.books.versions import in_batches, newest_of, said_by
from osm_flow.store.inserts import insert_once
from osm_flow.store.models import ChangeBody, RecordChange, RecordSet


class SetUnknown(NotFound):
    """There is no such set of records."""


@dataclass(frozen=True)
class Member:
    """A record of a set: which version of it was decided on, and the hash of that version."""

    record: str
    version: int
    hash: str


def keep_set(session: Session, kind: str, records: Sequence[str]) -> JSON:
    """Keep the newest versions of these records as a set; what a case keeps of it: `{"kind", "digest", "count"}`."""
    newest = newest_of(session, kind, records)
    members = [(record, newest[record].version, newest[record].hash) for record in sorted(newest)]
    digest = digest_of_set(members)
    if session.get(RecordSet, digest) is None:
        listed = canonical([list(member) for member in members]).decode()
        insert_once(session, RecordSet, digest=digest, members=listed, count=len(members))
    return {"kind": kind, "digest": digest, "count": len(members)}


def members_of(session: Session, digest: str) -> list[Member]:
    """The records of a set, by their codes. Raises SetUnknown."""
    kept = session.get(RecordSet, digest)
    if kept is None:
        raise SetUnknown
    return [Member(*member) for member in json.loads(kept.members)]


def values_of_set(session: Session, kind: str, digest: str) -> dict[str, JSON]:
    """What the records of a set said when it was decided on, by their codes. Raises SetUnknown."""
    type_ = type_of(kind)
    found: dict[str, JSON] = {}
    for some in in_batches(members_of(session, digest)):
        wanted = [and_(ChangeBody.record_id == member.record, ChangeBody.version == member.version) for member in some]
        same = (
            RecordChange.kind == ChangeBody.kind,
            RecordChange.record_id == ChangeBody.record_id,
            RecordChange.version == ChangeBody.version,
        )
        query = select(RecordChange.schema, ChangeBody).join(RecordChange, and_(*same))
        for schema, body in session.execute(query.where(ChangeBody.kind == kind, or_(*wanted))):
            found[body.record_id] = said_by(type_, schema, body.body, body.personal)
    return found
