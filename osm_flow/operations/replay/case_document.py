"""Exporting a case as one JSON document that anybody can check offline."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain import journal as rules
from osm_flow.engine import as_utf8
from osm_flow.operations.cases.queries import definition_with_forms
from osm_flow.operations.ledger.case_journal import record_of
from osm_flow.store.models import Case, JournalPayload, JournalRecord
from osm_flow.store.session import CaseNotFound

FORMAT = "osm-flow-case/1"


def exported(session: Session, case_id: str) -> dict[str, Any]:
    """The case with its definition and its journal; an erased payload is null. Raises CaseNotFound."""
    case = session.get(Case, case_id)
    if case is None:
        raise CaseNotFound(case_id=case_id)
    definition = definition_with_forms(session, case)
    query = select(JournalRecord, JournalPayload).outerjoin(JournalRecord.payload)
    rows = session.execute(query.where(JournalRecord.case_id == case_id).order_by(JournalRecord.seq))
    return {
        "format": FORMAT,
        "case": {"id": case.id, "business_key": case.business_key, "title": case.title, "head": case.head},
        "definition": {
            "key": definition.key,
            "version": definition.version,
            "sha256": definition.sha256,
            "xml": as_utf8(definition.xml).decode(),
            "forms": definition.forms,
            "decisions": definition.decisions,
        },
        "records": [
            {**rules.as_json(record_of(record)), "hash": record.hash, "payload": _typed(payload)}
            for record, payload in rows
        ],
    }


def _typed(payload: JournalPayload | None) -> dict[str, str] | None:
    return {"salt": payload.salt, "body": payload.body} if payload is not None else None
