"""Carrying out service tasks: the topic's operation runs, its result becomes a record of the case.

A topic that raises is tried again after 1, 5, 30 and 120 minutes; then an incident stands until somebody acts.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.actors import SYSTEM
from osm_flow.domain.acts import Act
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.engine import NotWaiting
from osm_flow.engine.values import FinishService
from osm_flow.operations import incidents, stepping
from osm_flow.operations.topics import TOPICS, TopicRefused, Work
from osm_flow.store.models import ServiceJob
from osm_flow.store.session import Busy, Overtaken, Store, lock_case

logger = logging.getLogger(__name__)

BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120))
_WHILE_SUSPENDED = timedelta(minutes=10)


def run_job(session: Session, job: ServiceJob, now: datetime) -> bool:
    """Carry out the service task and let its case go on; False when the case does not wait for it any more.

    The operation and the record of its result commit together. Raises whatever the topic raises.
    """
    case = lock_case(session, job.case_id)
    if session.get(ServiceJob, job.task_id, populate_existing=True) is None:
        return False
    stepping.refuse_unless_active(case)
    found = next((one for one in stepping.waiting_of(session, case) if one.task_id == job.task_id), None)
    if found is None:
        return False
    if job.topic not in TOPICS:
        raise TopicRefused(reason=f"there is no topic {job.topic}")
    result = TOPICS[job.topic](Work(session, case, found, now))
    act = Act(RecordKind.service_finished, job.element, job.task_id)
    stepping.apply(session, case, FinishService(job.task_id, result), SYSTEM, now, act, {"topic": job.topic})
    return True


def attempt(store: Store, task_id: str, now: datetime) -> str | None:
    """Run the job in its own transaction; the id of the case that it moved. A failure is kept and tried again later."""
    try:
        with store.transaction() as session:
            job = session.get(ServiceJob, task_id)
            return job.case_id if job is not None and run_job(session, job, now) else None
    except (NotWaiting, stepping.CaseEnded, Busy, Overtaken):
        logger.info("service gave way", extra={"task": task_id})
    except stepping.CaseSuspended:
        _postpone(store, task_id, now)
    except Exception as error:
        logger.exception("service failed", extra={"task": task_id})
        record_failure(store, task_id, now, error)
    return None


def record_failure(store: Store, task_id: str, now: datetime, error: Exception) -> None:
    """Keep why the job failed and when to try again; after the last time an incident, the case waiting."""
    with store.transaction() as session:
        case_id = session.scalar(select(ServiceJob.case_id).where(ServiceJob.task_id == task_id))
        if case_id is None:
            return
        lock_case(session, case_id)  # before the job, as every step does
        job = session.get(ServiceJob, task_id)
        if job is None:
            return
        job.attempts += 1
        job.last_error = incidents.words_of(error)
        job.lease_owner = job.lease_until = None
        job.due_at = now + BACK_OFF[job.attempts - 1] if job.attempts <= len(BACK_OFF) else None
        if job.due_at is None:
            incidents.open_in(
                session, job.case_id, now,
                kind="service", message=job.last_error, element=job.element, task_id=task_id,
            )  # fmt: skip


def _postpone(store: Store, task_id: str, now: datetime) -> None:
    with store.transaction() as session:
        job = session.get(ServiceJob, task_id, with_for_update=True)
        if job is not None:
            job.due_at, job.lease_owner, job.lease_until = now + _WHILE_SUSPENDED, None, None
