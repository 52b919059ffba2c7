"""The demo cluster: NE-U1 with its people, three fiscal years of projects, and cases that were really worked through."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.demo import cast, dates, register
from osm_flow.demo.aside import Aside
from osm_flow.demo.changes import Changes
from osm_flow.demo.execution import Execution
from osm_flow.demo.lives import Lives
from osm_flow.demo.planning import Planning
from osm_flow.demo.recommendations import Recommendations
from osm_flow.demo.stage import DemoStage
from osm_flow.demo.times import Times
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.errors import Refused
from osm_flow.operations.calendar.holidays import working_calendar
from osm_flow.operations.definitions.deployments import deploy, shipped_files
from osm_flow.operations.people.accounts import has_people
from osm_flow.operations.people.offices import seed_clusters
from osm_flow.store.advisory_locks import AdvisoryLock, take
from osm_flow.store.models import Case
from osm_flow.store.session import Store


class DatabaseInUse(Refused):
    """The demo is only loaded into an empty database, and this one already has people or cases."""


def load(store: Store, now: datetime) -> None:
    """Put the demo cluster with its running cases into an empty database, all of it or nothing. Raises DatabaseInUse."""
    with store.as_a_whole() as whole:
        with whole.transaction() as session:
            take(session, AdvisoryLock.loading)
            _refuse_unless_empty(session)
            times = times_for(session, now)
            beginning = times.law.at("2568-09-21")
            deploy(session, shipped_files(), SYSTEM, beginning, note="shipped with OSM Flow")
            furnish(session, now)
        act_out(DemoStage(whole, times))


def furnish(session: Session, now: datetime) -> None:
    """Enter the offices, people, calendars and projects of the cluster, without its cases."""
    times = times_for(session, now)
    seed_clusters(session)
    cast.hire(session, times, times.law.at("2568-09-21"))
    dates.fill(session, times)
    register.enter(session, times)
    session.flush()


def act_out(stage: DemoStage) -> None:
    """Play the story up to today: its scenes side by side."""
    planning, execution, aside, lives = Planning(stage), Execution(stage), Aside(stage), Lives(stage)
    recommendations = Recommendations(stage, execution.closing)
    changes = Changes(stage, execution.closing, execution.current)
    stage.play(
        execution.closing_year(),
        recommendations.first(),
        recommendations.second(),
        recommendations.later(),
        execution.moved_dates(),
        execution.current_year(),
        changes.contracts(),
        changes.baselines_changed(),
        planning.cycle_so_far(),
        aside.meeting_held(),
        aside.hearing_planned(),
        aside.recommended(),
        aside.hearing_returned(),
        aside.meeting_prepared(),
        aside.reply_awaited(),
        changes.changes_asked(),
        lives.targets_corrected(),
        lives.places_proposed(),
        lives.photographed(),
        stage.mornings("2569-10-27"),
    )


def times_for(session: Session, now: datetime) -> Times:
    """The days of the demo's story around `now`, with the holidays of the years it tells of."""
    today = local_day(now)
    first, last = date(today.year - 3, 9, 1), date(today.year + 1, 12, 31)
    return Times(now, working_calendar(session, cast.OFFICE, first, last))


def _refuse_unless_empty(session: Session) -> None:
    if has_people(session) or session.scalar(select(Case.id).limit(1)) is not None:
        raise DatabaseInUse
