"""Playing the story of the demo: the real operations, the right people, a clock that goes from the past to now."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from osm_flow import engine
from osm_flow.demo.cast import OFFICE
from osm_flow.demo.times import Times
from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.party_answers import FIELDS, LETTER, PartyAnswer
from osm_flow.domain.acts import CaseStart
from osm_flow.domain.calendar.deadlines import local_day, opening_of
from osm_flow.domain.calendar.fiscal_year import NewDate
from osm_flow.domain.calendar.thai_dates import buddhist_year
from osm_flow.domain.forms.values import Filled, prefill
from osm_flow.domain.json import JSON
from osm_flow.domain.states import OPEN_WORK_ITEM
from osm_flow.errors import Invalid
from osm_flow.operations import sweeps
from osm_flow.operations.background import delivery
from osm_flow.operations.background.leases import STOPPED
from osm_flow.operations.books.corrections import NewCorrection, waiting
from osm_flow.operations.books.versions import newest_of
from osm_flow.operations.calendar import milestones
from osm_flow.operations.cases import acts as cases
from osm_flow.operations.cases import comments
from osm_flow.operations.cases.attachments import GivenFile
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.projects import corrections
from osm_flow.operations.projects.acts import values_by_code
from osm_flow.operations.projects.project_files import NewPhoto, add_photo
from osm_flow.operations.projects.record_type import KIND
from osm_flow.operations.stepping import step as stepping
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete, record_answer
from osm_flow.store.models import Case, OutboxEntry, ProcessDefinition, ServiceJob, Timer, WaitingMessage, WorkItem
from osm_flow.store.session import Store

# A course of acts: it yields the instant to wait for before each of them.
Scene = Iterator[datetime]

_OWNER = "demo"
_A_MOMENT, _A_SECOND = timedelta(minutes=6), timedelta(seconds=1)
_MOST_ROUNDS = 100


class StoryBroken(Invalid):
    """The story of the demo cannot go on at {element}: {reason}"""


class DemoStage:
    """The store and the clock of the story, and what people do in it."""

    def __init__(self, store: Store, times: Times) -> None:
        self.store = store
        self.times = times
        self.now = times.law.at("2567-10-01")

    # -- time ---------------------------------------------------------------------------------------------------

    def until(self, instant: datetime) -> None:
        """Move the clock on: every timer on the way fires at its time, reminders go out at the end."""
        while (due := self._next_timer(instant)) is not None:
            self.now = max(self.now, due)
            sweeps.fire_due_timers(self.store, self.now, _OWNER)
            self.settle()
        self.now = max(self.now, instant)

    def play(self, *scenes: Scene) -> None:
        """Play scenes side by side, always going on with the one that comes next; then wait until now.

        What comes today or later has not happened: a scene ends where it comes to such an act.
        """
        waiting = [(instant, number) for number, scene in enumerate(scenes) if (instant := self._next_act(scene))]
        heapq.heapify(waiting)
        while waiting:
            instant, number = heapq.heappop(waiting)
            self.until(instant)
            following = self._next_act(scenes[number])
            if following is not None:
                heapq.heappush(waiting, (following, number))
        # Records of one case that are made at one instant lie microseconds apart: none of them may lie behind now.
        self.until(self.times.now - _A_SECOND)
        self._remind()

    def _next_act(self, scene: Scene) -> datetime | None:
        """When the scene goes on; None where it is over, or has not come so far."""
        instant = next(scene, None)
        return instant if instant is not None and instant < self.times.this_morning else None

    def mornings(self, first: str) -> Scene:
        """A scene of the scheduler's reminders, each working morning from this day on."""
        day = self.times.calendar.on_or_after(self.times.day(first))
        while (morning := opening_of(day)) < self.times.now:
            yield morning
            self._remind()
            day = self.times.calendar.next_working_day(day)

    def _remind(self) -> None:
        """Remind people of what the scheduler would by now."""
        for sweep in (sweeps.climb_ladders, sweeps.raise_follow_ups):
            while sweep(self.store, self.now, _OWNER).done:
                pass

    def settle(self) -> None:
        """Deliver the outbox and run services until nothing is left to do."""
        for _ in range(_MOST_ROUNDS):
            if not self._is_anything_due():
                return
            outbox = sweeps.deliver_outbox(self.store, self.now, _OWNER)
            services = sweeps.run_services(self.store, self.now, _OWNER)
            if outbox.failed or services.failed:
                raise StoryBroken(element="outbox", reason="a delivery or a service failed")
            if not outbox.done and not services.done:
                return

    def _is_anything_due(self) -> bool:
        """Whether the sweeps would find anything: most acts leave nothing to them, and asking twice is cheaper."""
        due = OutboxEntry.done_at.is_(None), OutboxEntry.kind.in_(delivery.HANDLERS)
        with self.store.reading() as session:
            queries = select(OutboxEntry.id).where(*due).limit(1), select(ServiceJob.task_id).limit(1)
            return any(session.scalar(query) is not None for query in queries)

    # -- acts ---------------------------------------------------------------------------------------------------

    def start(self, who: str, key: str, fiscal_year: int, title: str, /, **data: Any) -> str:
        """Start a case; its id."""
        with self._act(who) as (session, actor):
            case_id = cases.start_case(session, key, actor, self.now, CaseStart(OFFICE, fiscal_year, title, data)).id
        self._pass()
        return case_id

    def do(self, who: str, case_id: str, element: str, /, *, about: str | None = None, **values: Any) -> None:
        """Complete the work item of this element in the family of the case; prefilled values stand."""
        with self._act(who) as (session, actor):
            item = self._item(session, case_id, element, about)

            def read(form: JSON | None, context: JSON) -> Filled:
                return Filled({**(prefill(form, context) if form else {}), **values}, {})

            try:
                complete(session, item.id, actor, self.now, Completion(read))
            except Invalid as refusal:
                raise StoryBroken(element=element, reason=f"{refusal} {refusal.fields}") from refusal
        self._pass()

    def take(self, who: str, case_id: str, element: str, *, about: str | None = None) -> None:
        """Claim a work item, without completing it."""
        with self._act(who) as (session, actor):
            work_items.claim(session, self._item(session, case_id, element, about).id, actor, self.now)
        self._pass()

    def say(self, who: str, case_id: str, element: str, body: str, *, about: str | None = None) -> None:
        """Comment on a work item."""
        with self._act(who) as (session, actor):
            item = self._item(session, case_id, element, about)
            comments.comment(session, item.case_id, actor, self.now, body=body, work_item_id=item.id, key=None)
        self._pass()

    def answer(self, who: str, case_id: str, element: str, answered: str, /, **values: Any) -> None:
        """Record the answer of a party that does not sign in."""
        with self._act(who) as (session, actor):
            family = select(Case.id).where(Case.root_case_id == case_id)
            waiting = select(WaitingMessage).where(
                WaitingMessage.element == element, WaitingMessage.case_id.in_(family)
            )
            row = session.scalars(waiting).first()
            if row is None:
                raise StoryBroken(element=element, reason="nobody waits for this answer")
            answer = PartyAnswer(answered, LETTER, self._letter_number(), local_day(self.now))
            cases.record_message(session, row.task_id, actor, self.now, data=values, answer=answer)
        self._pass()

    def record(self, who: str, case_id: str, element: str, answered: str, /, *, about: str, **values: Any) -> None:
        """Write down, from its letter of today, what a party outside answered to a work item."""
        with self._act(who) as (session, actor):
            item = self._item(session, case_id, element, about)
            day = local_day(self.now)
            number, written = self._letter_number(), f"{day.day}/{day.month}/{buddhist_year(day)}"
            said = dict(zip(FIELDS, ("", answered, LETTER, number, written), strict=True))
            record_answer(session, item.id, actor, self.now, Completion.of(values), said)
        self._pass()

    def _letter_number(self) -> str:
        """The number of an invented letter of this day."""
        return f"ลต {self.now:%j}/{self.now:%H%M}"

    def move(self, who: str, fiscal_year: int, key: str, day: date, letter: str) -> None:
        """Move a milestone of the calendar by letter."""
        with self._act(who) as (session, actor):
            new = NewDate(day, letter)
            milestones.move_date(session, OFFICE, fiscal_year, key, actor, self.now, new)
        self._pass()

    def correct(self, who: str, code: str, reason: str, fields: JSON) -> None:
        """Correct fields of a project as it is now; what needs a second person waits for one."""
        with self._act(who) as (session, actor):
            version = newest_of(session, KIND, [code])[code].version
            corrections.correct(session, code, actor, self.now, NewCorrection(fields, version, reason))
        self._pass()

    def confirm(self, who: str, code: str) -> None:
        """Confirm what waits to be corrected in a project."""
        with self._act(who) as (session, actor):
            found = waiting(session, KIND, code)
            if found is None:
                raise StoryBroken(element=code, reason="no correction waits")
            corrections.confirm(session, code, found.row.seq, actor, self.now)
        self._pass()

    def photograph(self, who: str, code: str, content: bytes, photo: NewPhoto) -> None:
        """Add a photo to a project."""
        with self._act(who) as (session, actor):
            file = GivenFile(f"{code}-{local_day(self.now)}.png", content)
            add_photo(session, code, actor, self.now, file, photo, key=None)
        self._pass()

    def project(self, code: str) -> JSON:
        """What the register says of a project."""
        with self.store.reading() as session:
            return values_by_code(session, [code])[code]

    def variables(self, case_id: str, element: str, *, about: str | None = None) -> JSON:
        """The variables that the work item sees."""
        with self.store.reading() as session:
            return work_items.variables_of(session, self._item(session, case_id, element, about))

    def newest(self, key: str, title: str) -> str:
        """The id of the newest case of a process with this title."""
        with self.store.reading() as session:
            query = select(Case.id).join(Case.definition).where(Case.title == title, ProcessDefinition.key == key)
            case_id = session.scalar(query.order_by(Case.started_at.desc()).limit(1))
        if case_id is None:
            raise StoryBroken(element=key, reason=f"there is no case about {title}")
        return case_id

    # -- the inner parts ----------------------------------------------------------------------------------------

    @contextmanager
    def _act(self, who: str) -> Iterator[tuple[Session, Actor]]:
        with self.store.transaction() as session:
            yield session, actor_named(session, who, local_day(self.now))

    def _pass(self) -> None:
        self.settle()
        self.now += _A_MOMENT

    def _item(self, session: Session, case_id: str, element: str, about: str | None) -> WorkItem:
        """The open work item of an element; `about` tells instances apart by province or a word of their variables."""
        query = (
            select(WorkItem)
            .join(WorkItem.case)
            .where(Case.root_case_id == case_id, WorkItem.element == element, WorkItem.state.in_(OPEN_WORK_ITEM))
        )
        about_project = self._tasks_about(session, query, about) if about else ()
        for item in session.scalars(query.order_by(WorkItem.opened_at, WorkItem.id)):
            if about is None or item.province_id == about or item.id in about_project:
                return item
        raise StoryBroken(element=element, reason=f"there is no open work item ({about or 'any'})")

    def _tasks_about(self, session: Session, query: Select[WorkItem], about: str) -> set[str]:
        """The tasks of these work items' cases whose variables name the project with this code, or a change of one with this name."""
        if about.startswith("TH-"):
            return set()
        cases_asked = {item.case_id: item.case for item in session.scalars(query)}
        return {
            waiting.task_id
            for case in cases_asked.values()
            for waiting in engine.inspect(
                compiled(session, case.definition), case.id, stepping.state_of(session, case).snapshot
            )
            if _named(waiting.data, "project", "code", about)
            or _named(waiting.data, "change_request", "project_name", about)
        }

    def _next_timer(self, instant: datetime) -> datetime | None:
        with self.store.reading() as session:
            query = select(Timer.due_at).where(Timer.due_at <= instant, Timer.lease_owner.is_distinct_from(STOPPED))
            return session.scalar(query.order_by(Timer.due_at).limit(1))


def _named(variables: JSON, document: str, field: str, name: str) -> bool:
    said = variables.get(document)
    return isinstance(said, dict) and said.get(field) == name
