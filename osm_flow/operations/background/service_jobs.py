"""Carrying out service tasks: the topic's operation runs, its result becomes a record of the case.

What its topic refuses is tried again after 1, 5, 30 and 120 minutes; then an incident stands until somebody acts.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.acts import Act
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.engine import NotWaiting
from osm_flow.engine.values import FinishService
from osm_flow.operations.background import leases
from osm_flow.operations.background.leases import Claim, NotItsTurn, Tally
from osm_flow.operations.background.topics import TOPICS
from osm_flow.operations.stepping import step as stepping
from osm_flow.operations.stepping.service_work import TopicRefused, Work
from osm_flow.store.models import ServiceJob
from osm_flow.store.session import Store, lock_case


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
    """Claim the job and run it; the id of the case that it moved. A failure is kept and tried again later.

    The attempt is counted before, in a transaction of its own: a job that ends its process does not do so for ever.
    """
    claimed = leases.claim_one(store, ServiceJob, task_id, now)
    moved: list[str] = []

    def run(session: Session, job: ServiceJob, now: datetime) -> None:
        if run_job(session, job, now):
            moved.append(job.case_id)

    return moved[0] if claimed and work_off(store, claimed, now, run).done and moved else None


def work_off(
    store: Store,
    claimed: Claim[ServiceJob],
    now: datetime,
    run: Callable[[Session, ServiceJob, datetime], object] = run_job,
    *,
    is_stopping: Callable[[], bool] = leases.never,
) -> Tally:
    """Run the claimed jobs, each in a transaction of its own. Raises Interrupted when the database goes away."""

    def run_or_give_way(session: Session, job: ServiceJob, now: datetime) -> None:
        try:
            run(session, job, now)
        except (NotWaiting, stepping.CaseEnded) as error:
            raise NotItsTurn from error

    return leases.work_through(store, claimed, now, run_or_give_way, is_stopping=is_stopping)
