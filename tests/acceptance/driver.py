"""People of the office at their browsers, and the clock: what an acceptance test says in the words of the work.

All it knows of HTML is that a page has forms with an action and inputs with names; the rest it asks the database.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from osm_flow.app import create_app
from osm_flow.demo.cast import PASSWORD
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.forms import schema as form_schema
from osm_flow.domain.forms import values as form_values
from osm_flow.domain.forms.schema import columns_of, fields_of, is_table
from osm_flow.domain.forms.typed_text import show_text
from osm_flow.domain.json import JSON
from osm_flow.operations.cases.acts import answer_context
from osm_flow.operations.definitions.library import compiled, latest
from osm_flow.operations.sweeps import sweep_all
from osm_flow.operations.work_items import acts as work_items
from osm_flow.settings import Settings
from osm_flow.store.models import Case, Timer, WaitingMessage, WorkItem
from osm_flow.store.session import Store

DAY = timedelta(days=1)
_TRIES = 60
OPEN = ("READY", "CLAIMED")


@dataclass(repr=False)
class Year:
    """The real site on a real database, everybody's browser, and a clock that only the test moves."""

    store: Store
    now: datetime
    rng: random.Random = field(default_factory=lambda: random.Random(2571))  # noqa: S311
    app: Flask = field(init=False)
    browsers: dict[str, FlaskClient] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        settings = Settings(env="demo", database_url=str(self.store.url), secret_key="t" * 40)
        self.app = create_app(settings, store=self.store, clock=lambda: self.now)

    # ---- people ------------------------------------------------------------------------------------------------

    def as_(self, username: str) -> Worker:
        """Somebody at their browser; they signed in with their password the first time."""
        if username not in self.browsers:
            client = self.app.test_client()
            login = {"username": username, "password": PASSWORD}
            answer = client.post("/login", data={**token_of(client.get("/login")), **login})
            assert answer.status_code in (302, 303), answer.get_data(as_text=True)
            self.browsers[username] = client
        return Worker(self, username, self.browsers[username])

    # ---- the clock ---------------------------------------------------------------------------------------------

    def advance_to(self, instant: datetime) -> None:
        """Let time pass as it would: the scheduler sweeps when a timer is due, and daily while work is late."""
        while (stop := min(self._next_stop(), instant)) > self.now:
            self.now = stop
            self._sweep()
        self._sweep()

    def pass_on(self) -> None:
        """A few minutes, in which the scheduler takes on whatever was set in motion."""
        self.now += timedelta(minutes=5)
        self._sweep()

    def _sweep(self) -> None:
        report = sweep_all(self.store, self.now, "acceptance")
        assert report.failures == 0
        assert not report.unfinished

    def _next_stop(self) -> datetime:
        with self.store.reading() as session:
            timer = session.scalar(select(func.min(Timer.due_at)).where(Timer.due_at > self.now))
            near = (self.now - 20 * DAY, self.now + 7 * DAY)
            due = select(func.min(WorkItem.due_at)).where(WorkItem.state.in_(OPEN))
            is_near = session.scalar(due.where(WorkItem.due_at.between(*near))) is not None
            later = session.scalar(due.where(WorkItem.due_at > near[1]))
        stops = [timer, self.now + DAY if is_near else later and later - 6 * DAY]
        return min((stop for stop in stops if stop is not None), default=datetime.max.replace(tzinfo=self.now.tzinfo))

    # ---- what is open ------------------------------------------------------------------------------------------

    def open_items(self) -> list[tuple[str, str | None]]:
        """Element and province of every open work item of the cases begun by the test and what they brought about."""
        with self.store.reading() as session:
            return sorted((item.element, item.province_id) for item in self._items(session))

    def find(self, session: Session, element: str, about: str | None = None) -> WorkItem:
        """The oldest open work item of an element, of a province or about a project."""
        for item in self._items(session):
            if item.element == element and (about is None or about in (item.province_id, self._project(session, item))):
                return item
        raise AssertionError(f"{element} ({about}) is not open on {self.now}; open are {self.open_items()}")

    def waiting(self, element: str) -> WaitingMessage:
        with self.store.reading() as session:
            query = select(WaitingMessage).where(WaitingMessage.element == element).order_by(WaitingMessage.since)
            found = session.scalars(query).first()
        assert found is not None, f"nobody waits at {element}; open are {self.open_items()}"
        return found

    def cases(self, key: str | None = None) -> list[Case]:
        with self.store.reading() as session:
            query = select(Case).options(joinedload(Case.definition)).order_by(Case.started_at, Case.id)
            return [case for case in session.scalars(query) if key is None or case.definition.key == key]

    def values_for(self, schema: JSON, variables: JSON, known: JSON, given: JSON) -> JSON:
        """What somebody might write: what the form knows, what the test says, and anything valid for the rest."""
        errors: Any = None
        for _ in range(_TRIES):
            drawn = form_values.random_values(schema, self.rng, variables)
            # Which record of the office a form is about is never left to the dice.
            drawn.pop(form_schema.chooser_of(schema) or "", None)
            values = {name: value for name, value in {**drawn, **known, **given}.items() if value is not None}
            errors = form_values.validate(schema, values, variables)
            if not errors:
                return values
            known = {
                name: value for name, value in known.items() if name not in {path.split(".")[0] for path in errors}
            }
            if errors.keys() <= drawn.keys() - known.keys() - given.keys():
                known = {}  # what was drawn does not go with what the form knows
        raise AssertionError(f"{schema['title']}: {errors}")

    def _items(self, session: Session) -> Iterator[WorkItem]:
        query = select(WorkItem).where(WorkItem.state.in_(OPEN))
        yield from session.scalars(query.order_by(WorkItem.opened_at, WorkItem.id))

    def _project(self, session: Session, item: WorkItem) -> str | None:
        project = work_items.variables_of(session, item).get("project")
        return project.get("code") if isinstance(project, dict) else None


@dataclass(repr=False)
class Worker:
    """What one person does on the pages."""

    year: Year
    username: str
    client: FlaskClient

    def start(self, key: str, title: str, fiscal_year: int, **values: Any) -> str:
        """Start a case on its page; its id."""
        with self.year.store.reading() as session:
            process = compiled(session, latest(session, key))
        schema = process.forms.get(process.start_form) if process.start_form else None
        page = self._get(f"/cases/start/{key}")
        form = form_of(page, f"/cases/start/{key}")
        data = MultiDict(form.form_values())
        data.setlist("case_title", [title])
        data.setlist("case_fiscal_year", [str(fiscal_year)])
        if schema:
            fill(data, schema, self.year.values_for(schema, {"fy": fiscal_year}, {}, values))
        answer = self.client.post(f"/cases/start/{key}", data=data)
        self.year.pass_on()
        return sent(answer).rsplit("/", 1)[-1]

    def complete(self, element: str, about: str | None = None, **values: Any) -> None:
        """Open the work item from the inbox, claim it, fill in its form and send it."""
        with self.year.store.reading() as session:
            item = self.year.find(session, element, about)
            item_id, is_held = item.id, item.assignee_id is not None
            schema, variables = work_items.form_of(session, item), work_items.context_of(session, item)
            properties = work_items.element_of(session, item).properties
        if not is_held:
            self._see_in_inbox(element, item_id)
            claim = form_of(self._get(f"/work-items/{item_id}"), "/claim")
            sent(self.client.post(claim.get("action"), data=MultiDict(claim.form_values())))
        form = form_of(self._get(f"/work-items/{item_id}"), "/complete")
        data = MultiDict(form.form_values())
        if schema:
            known = form_values.prefill(schema, variables)
            document = variables.get(properties.get("document", ""))
            known |= form_values.keep_known(schema, document) if isinstance(document, dict) else {}
            fill(data, schema, self.year.values_for(schema, variables, known, values))
        sent(self.client.post(form.get("action"), data=data))
        self.year.pass_on()

    def _see_in_inbox(self, element: str, item_id: str) -> None:
        """The first time of each element, that its work item stands in the person's inbox."""
        if element not in self.year.seen:
            self.year.seen.add(element)
            inbox = self._get("/inbox?view=groups&limit=100")
            assert f"/work-items/{item_id}" in inbox, f"{element} is not in the inbox of {self.username}"

    def cannot_complete(self, element: str, about: str | None = None, **values: Any) -> str:
        """Send a claim and a decision past the page, as a hand-made request would; what the site says to it."""
        with self.year.store.reading() as session:
            item = self.year.find(session, element, about)
            item_id, schema = item.id, work_items.form_of(session, item) or {}
            variables = work_items.context_of(session, item)
        data = MultiDict({**token_of(self.client.get("/me")), "idempotency_key": f"{self.username}-{item_id}"})
        answer = self.client.post(f"/work-items/{item_id}/claim", data=data)
        assert answer.status_code == 403, answer.status_code
        fill(data, schema, self.year.values_for(schema, variables, {}, values))
        answer = self.client.post(f"/work-items/{item_id}/complete", data=data)
        assert answer.status_code == 403, answer.status_code
        return " ".join(html.fromstring(answer.get_data(as_text=True)).xpath("string(//main)").split())

    def answer(self, element: str, answered_by: str, **values: Any) -> None:
        """Write down what a party without a login answered."""
        waiting = self.year.waiting(element)
        with self.year.store.reading() as session:
            case = session.get_one(Case, waiting.case_id)
            schema = compiled(session, case.definition).forms[str(waiting.form_key)]
            variables = answer_context(session, case, waiting.task_id, schema, values)
        path = f"/cases/{waiting.case_id}/answers/{waiting.task_id}"
        chosen = values.get(form_schema.chooser_of(schema) or "")
        opened = f"{path}?{form_schema.chooser_of(schema)}={chosen}" if chosen else path
        data = MultiDict(form_of(self._get(opened), path).form_values())
        fill(data, schema, self.year.values_for(schema, variables, {}, values))
        self._say(data, answered_by)
        sent(self.client.post(path, data=data))
        self.year.pass_on()

    def record(self, element: str, about: str | None, answered_by: str, **values: Any) -> None:
        """Write down from its letter what a party with a login answered to a work item."""
        with self.year.store.reading() as session:
            item = self.year.find(session, element, about)
            item_id, party = item.id, item.candidates[0]
            schema, variables = work_items.form_of(session, item) or {}, work_items.context_of(session, item)
        form = form_of(self._get(f"/work-items/{item_id}"), "/record-answer")
        data = MultiDict(form.form_values())
        fill(data, schema, self.year.values_for(schema, variables, form_values.prefill(schema, variables), values))
        self._say(data, answered_by)
        data.setlist("party_of", [f"{party.role}@{party.province_id}"])
        sent(self.client.post(form.get("action"), data=data))
        self.year.pass_on()

    def _say(self, data: MultiDict[str, str], answered_by: str) -> None:
        today = local_day(self.year.now)
        written = f"{today.day}/{today.month}/{today.year + 543}"
        said = {"answerer": answered_by, "channel": "letter", "number": "ที่ 1/2571", "date": written}
        for name, text in said.items():
            data.setlist(f"party_{name}", [text])

    def _get(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, f"{path} for {self.username}: {answer.status_code}"
        return answer.get_data(as_text=True)


# ---- pages -----------------------------------------------------------------------------------------------------


def form_of(page: str, action_end: str) -> Any:
    """The form that posts there."""
    forms = html.fromstring(page).forms
    found = [form for form in forms if (form.get("action") or "").endswith(action_end)]
    assert found, f"no form posts to {action_end}: {[form.get('action') for form in forms]}"
    return found[0]


def token_of(answer: TestResponse) -> dict[str, str]:
    found = html.fromstring(answer.get_data(as_text=True)).xpath('//input[@name="csrf_token"]/@value')
    return {"csrf_token": found[0]}


def sent(answer: TestResponse) -> str:
    """Where the site goes on to; anything but going on is what went wrong."""
    if answer.status_code not in (302, 303):
        page = html.fromstring(answer.get_data(as_text=True))
        said = " ".join(" ".join(part.text_content() for part in page.xpath('//*[@role="alert"]')).split())
        raise AssertionError(f"{answer.status_code}: {said or page.text_content()[:500]}")
    return answer.headers["Location"].split("?")[0]


def fill(data: MultiDict[str, str], schema: JSON, values: JSON) -> None:
    """Write values into the inputs of a page as a person would type them."""
    for name, about in fields_of(schema).items():
        if about.get("readOnly"):
            continue
        for key in [key for key in data if key == name or key.startswith(f"{name}-")]:
            data.poplist(key)
        value = values.get(name)
        if value is None:
            continue
        if is_table(about):
            columns = columns_of(about)
            for index, row in enumerate(value):
                for column, cell in row.items():
                    data.add(f"{name}-{index}-{column}", show_text(columns[column], cell))
        elif isinstance(value, list):
            for entry in value:
                data.add(name, show_text(about["items"], entry))
        else:
            data.add(name, show_text(about, value))
