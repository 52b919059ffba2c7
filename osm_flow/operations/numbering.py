"""Business keys: the reference by which people call a case, `{PREFIX}-{OFFICE}-{FISCAL YEAR}-{NUMBER}`."""

from __future__ import annotations

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from osm_flow.engine import Process
from osm_flow.store.models import BusinessKeyCounter


def next_business_key(session: Session, process: Process, office_id: str, fiscal_year: int) -> str:
    """The next number of this kind of case in this office and year; two who ask at once get two numbers."""
    prefix = f"{process.properties.get('business_key') or process.key.upper()[:24]}-{office_id}-{fiscal_year}"
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    counting = insert(BusinessKeyCounter).values(prefix=prefix, last=1)
    counting = counting.on_conflict_do_update(
        index_elements=[BusinessKeyCounter.prefix], set_={"last": BusinessKeyCounter.last + 1}
    )
    number = session.execute(counting.returning(BusinessKeyCounter.last)).scalar_one()
    return f"{prefix}-{number:02d}"
