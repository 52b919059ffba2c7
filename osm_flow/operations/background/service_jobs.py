"""Carrying out service tasks: the topic's operation runs, its result becomes a record of the case.

What its topic refuses is tried again after 1, 5, 30 and 120 minutes; then an incident stands until somebody acts.
"""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.acts import Act
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.engine import NotWaiting
from osm_flow.engine.values import FinishService
from osm_flow.operations.background import leases
from osm_flow.operations.background.topics import TOPICS
from osm_flow.operations.stepping import step as stepping
from osm_flow.operations.stepping.service_work import TopicRefused, Work
from osm_flow.store.models import ServiceJob
from osm_flow.store.session import Busy, Overtaken, Store, lock_case

logger = logging.getLogger(__name__)


def run_job(session: Session, job: ServiceJob, now: datetime) -> bool:
    """Carry out the service task and let its case go on; False when the case does not wait for it any more.

    The operation and the record of its result commit together. Raises whatever the topic raises.
    """
    case = lock_case(session, job.case_id)
    # Looked for again under the lock: whoever had it before may have carried the service out.
    if session.get(ServiceJob, job.task_id, populate_existing=True) is None:
        return False
    stepping.refuse_unless_active(case)
    waiting = next((task for task in stepping.waiting_of(session, case) if task.task_id == job.task_id), None)
    if waiting is None:
        return False
    if job.topic not in TOPICS:
        raise TopicRefused(reason=f"there is no topic {job.topic}")
    result = TOPICS[job.topic](Work(session, case, waiting, now))
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
        leases.rest(store, ServiceJob, task_id, now)
    except Exception as error:  # noqa: BLE001 (whatever is wrong with one service, the others go on)
        leases.fail(store, ServiceJob, task_id, now, error)
    return None
