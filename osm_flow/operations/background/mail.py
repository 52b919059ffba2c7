"""Mail to addresses that need not be those of people of the system, such as witnesses of the audit log."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from osm_flow.notify.mail import MAIL, Mail
from osm_flow.operations.background import dispatches


def queue_mail(session: Session, mail: Mail, at: datetime, *, case_id: str | None = None) -> bool:
    """Have the mail sent after the commit; False when a mail with its key was queued before."""
    return dispatches.queue(session, MAIL, mail, at, case_id=case_id)
