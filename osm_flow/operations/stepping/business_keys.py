"""Business keys: the reference by which people call a case, `{PREFIX}-{OFFICE}-{FISCAL YEAR}-{NUMBER}`."""

from __future__ import annotations

from sqlalchemy.orm import Session

from osm_flow.engine import Process
from osm_flow.store.inserts import next_number
from osm_flow.store.models import BusinessKeyCounter


def next_business_key(session: Session, process: Process, office_id: str, fiscal_year: int) -> str:
    """The next business key of this kind of case in this office and year; two who ask at once get two."""
    prefix = f"{process.properties.get('business_key') or process.key.upper()[:24]}-{office_id}-{fiscal_year}"
    return f"{prefix}-{next_number(session, BusinessKeyCounter, 'last', prefix=prefix):02d}"
