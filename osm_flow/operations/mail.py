"""Mail as entries of the outbox: written with what causes it, sent by a sweep after the commit."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy.orm import Session

from osm_flow.notify.mail import Mail
from osm_flow.store.inserts import insert_once
from osm_flow.store.models import OutboxEntry

MAIL = "mail"


def queue_mail(session: Session, mail: Mail, at: datetime, *, case_id: str | None = None) -> bool:
    """Have the mail sent after the commit; False when a mail with its key was queued before."""
    body = json.dumps(
        {"to": mail.to, "subject": mail.subject, "body": mail.body, "path": mail.path}, ensure_ascii=False
    )
    return insert_once(
        session, OutboxEntry, key=mail.key, kind=MAIL, case_id=case_id, body=body, due_at=at, attempts=0, last_error=""
    )


def queued_mail(entry: OutboxEntry) -> Mail:
    """The mail that was queued."""
    return Mail(key=entry.key, **json.loads(entry.body))
