"""Completing a work item through HTTP, beside the least that the same stack can do for a form that is posted.

The bare endpoint has Flask, the same store and engine settings, a session, CSRF protection and a form; in its one
transaction it reads one row, changes one, adds two and commits. Both are asked in turn, so that what the machine does
besides hits both alike.
"""

from __future__ import annotations

import secrets
from contextlib import closing
from typing import Any

from flask import Flask, redirect, render_template_string, request, session
from flask_wtf import CSRFProtect
from sqlalchemy import ForeignKey, MetaData, String, Text, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from werkzeug.wrappers import Response

from osm_flow.cli.benchmarks.bench import OFFICE, Bench, BenchOffice, Browser, ratio, served, spread
from osm_flow.cli.benchmarks.diagrams import TYPED, files
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.acts import CaseStart
from osm_flow.operations.cases.acts import start_case
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.store.models import JournalRecord, WorkItem
from osm_flow.store.session import Store


class Bare(DeclarativeBase):
    """The tables of the bare endpoint."""

    metadata = MetaData()


class BareItem(Bare):
    """A work item of the bare endpoint."""

    __tablename__ = "bare_items"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(Text)


class BareNote(Bare):
    """What the bare endpoint keeps of a completion."""

    __tablename__ = "bare_notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[str] = mapped_column(ForeignKey("bare_items.id"), index=True)
    body: Mapped[str] = mapped_column(Text)


def completion(bench: Bench) -> dict[str, Any]:
    """Milliseconds of completing a work item through HTTP, beside those of a bare endpoint that keeps the same form."""
    with bench.office("completion") as office:
        _begin(office, bench)
        with office.site() as browser, served(_bare_site(office.store)) as port, closing(Browser(port)) as other:
            ours, bare = _Ours(browser, office.store), _Bare(other)
            for _ in range(bench.size(20, 2)):
                ours.once()
                bare.once()
            timings: tuple[list[float], list[float]] = ([], [])
            for turn in range(bench.size(300, 10)):
                # Who goes first changes, so that neither always finds the disk as the other left it.
                for which in ((0, 1), (1, 0))[turn % 2]:
                    timings[which].append((ours, bare)[which].once())
        with office.store.reading() as reading:
            records = reading.scalar(select(func.count()).select_from(JournalRecord)) or 0
    return {
        "complete": spread(timings[0]),
        "bare": spread(timings[1]),
        "ratio": ratio(timings[0], timings[1]),
        "aim": 2.5,
        "records": records,
    }


def _begin(office: BenchOffice, bench: Bench) -> None:
    actor = office.actor()
    with office.store.transaction() as writing:
        deploy(writing, files("rework"), SYSTEM, bench.now())
        start_case(writing, "rework", actor, bench.now(), CaseStart(OFFICE, 2571, "เรื่องที่วัด", {}))
    Bare.metadata.create_all(office.store.engine)
    with office.store.transaction() as writing:
        writing.add(BareItem(id=_ITEM, state="READY", title="งาน"))


_ITEM = "0" * 36


class _Ours:
    """Completes the one open work item of the case; the loop opens the next."""

    def __init__(self, browser: Browser, store: Store) -> None:
        self._browser = browser
        self._store = store
        self._token = browser.get("/inbox?view=groups").value_of("csrf_token")

    def once(self) -> float:
        """Complete the open work item; seconds."""
        with self._store.reading() as reading:
            item = reading.scalars(select(WorkItem).where(WorkItem.state == "READY")).one()
        values = {
            **TYPED,
            "csrf_token": self._token,
            "idempotency_key": secrets.token_hex(16),
            "version": str(item.version),
        }
        answer = self._browser.post(f"/work-items/{item.id}/complete", values)
        if answer.status != 302:
            raise RuntimeError(f"completing was answered with {answer.status}")
        self._browser.get(answer.headers["Location"])  # where the browser goes, and what was done is said
        return answer.seconds


class _Bare:
    """Posts the same form to the bare endpoint."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._token = browser.get("/").value_of("csrf_token")

    def once(self) -> float:
        """Post the form to the bare endpoint; seconds."""
        answer = self._browser.post(f"/{_ITEM}", {**TYPED, "csrf_token": self._token})
        if answer.status != 302:
            raise RuntimeError(f"the bare endpoint answered with {answer.status}")
        return answer.seconds


def _bare_site(store: Store) -> Flask:
    app = Flask("bare")
    app.config["SECRET_KEY"] = secrets.token_hex(32)
    CSRFProtect(app)

    @app.get("/")
    def form() -> str:
        session["user"] = 1
        return render_template_string('<form><input type="hidden" name="csrf_token" value="{{ csrf_token() }}"></form>')

    @app.post("/<item_id>")
    def complete(item_id: str) -> Response:
        with store.transaction() as writing:
            item = writing.get_one(BareItem, item_id)
            item.state = "COMPLETED" if item.state == "READY" else "READY"
            writing.add(BareNote(item_id=item.id, body=request.form["detail"]))
            writing.add(BareNote(item_id=item.id, body=f"{session['user']}: {request.form['title']}"))
        return redirect("/")

    return app
