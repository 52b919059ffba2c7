"""`osm-flow serve`: the site and, beside it in the same process, the scheduler."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from time import monotonic, sleep
from typing import Any

import click
import waitress
from flask import Flask
from waitress.task import ThreadedTaskDispatcher

from osm_flow import serving
from osm_flow.cli.context import Context
from osm_flow.cli.scheduler import means_of
from osm_flow.demo import cast
from osm_flow.demo import loading as demo_cluster
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.comparing.administration import record_as_found
from osm_flow.operations.definitions.deployments import deploy, shipped_files
from osm_flow.operations.people.accounts import has_people
from osm_flow.operations.people.offices import seed_clusters
from osm_flow.scheduler import owner_name, start
from osm_flow.store.advisory_locks import AdvisoryLock, take
from osm_flow.store.patience import waiting_since
from osm_flow.store.session import Busy, Overtaken, Store, Unreachable
from osm_flow.store.upgrade import upgrade
from osm_flow.web.site.recorded_reads import COUNTER

_PATIENCE = 300.0
# For the questions whether the site is alive, and for telling those who came too late: neither waits for long.
_SPARE_THREADS = 3
_PROBES = {"/healthz", "/readyz"}

# Above what the site accepts, so that the site's own page answers what is too large but not absurdly so.
_BEYOND = 16 * 1024 * 1024
_ACCEPTED = ("MAX_CONTENT_LENGTH", "LARGEST_LONG_FORM", "LARGEST_FILE", "LARGEST_DEPLOYMENT")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="The port to listen on.")
@click.option("--threads", default=8, show_default=True, type=click.IntRange(2, 64), help="Requests answered at once.")
@click.option("--demo", is_flag=True, help="Load the demo cluster into an empty database and show its logins.")
@click.option("--no-scheduler", is_flag=True, help="Only the site: the sweeps run in another process.")
@click.pass_obj
def serve(context: Context, host: str, port: int, threads: int, demo: bool, no_scheduler: bool) -> None:
    """Serve the site. Told to stop (SIGTERM, Ctrl-C), it ends what was begun first; told twice, it stops at once."""
    serving.spare_memory()
    app = context.make_app(context, demo, f"http://{host}:{port}")
    prepare(context, demo)
    app.config["DEMO_LOGINS"] = cast.logins() if demo else []
    ticker = None
    try:
        lines = _Lines(threads, context.limits.lock)
        server = _listening(app, host, port, lines)
        if not no_scheduler:
            app.config["SCHEDULER_STARTED_AT"] = context.now()
            ticker = start(context.store, context.now, owner_name(), means_of(context))
        serving.keep_for_good()
        with serving.asked_to_stop(ticker.ask_to_stop if ticker else lambda: None) as asked:
            click.echo(f"OSM Flow is ready at http://{host}:{port}", err=True)
            if not serving.run(server, asked, between=lines.give_up):
                click.echo("Some requests were cut off; nothing of them was kept", err=True)
        app.extensions[COUNTER].write_all(context.now())
    finally:
        if ticker:
            ticker.stop()
        context.store.close()


class _Task:
    """A connection with a request that was read, and when that was."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self.since = monotonic()
        self.has_given_up = False

    def service(self) -> None:
        """Answer the request; what it has waited for a thread counts as what it waits for the database does."""
        with waiting_since(self.since, has_given_up=self.has_given_up):
            self._channel.service()

    def cancel(self) -> None:
        """Close the connection without an answer."""
        self._channel.cancel()


class _Lines:
    """Lines of requests with threads of their own, in place of waitress's one.

    Whoever only reads never stands behind people who wait for their turn to write, and who asks whether the site is alive
    stands behind nobody. A request for which no thread was free before its limit passed is told so by a spare thread.
    """

    def __init__(self, threads: int, limit: float) -> None:
        self._limit = limit
        self._writers, self._readers, self._spare = (ThreadedTaskDispatcher() for _ in range(3))
        self._writers.set_thread_count(threads // 2)
        self._readers.set_thread_count(threads - threads // 2)
        self._spare.set_thread_count(_SPARE_THREADS)

    def add_task(self, channel: Any) -> None:
        """Put a connection with a request that was read into the line of its method."""
        request = channel.requests[0]
        # What could not be read as a request has neither: waitress refuses it by itself, in a moment.
        method, path = getattr(request, "command", "GET"), getattr(request, "path", "")
        reads = method in {"GET", "HEAD", "OPTIONS"}
        line = self._spare if path in _PROBES else self._readers if reads else self._writers
        line.add_task(_Task(channel))

    def give_up(self) -> None:
        """Have the requests told that have waited for a thread until their limit passed."""
        late = monotonic() - self._limit
        for line in (self._writers, self._readers):
            while line.queue and line.queue[0].since < late:
                with line.lock:
                    task = line.queue.popleft() if line.queue and line.queue[0].since < late else None
                if task is not None:
                    task.has_given_up = True
                    self._spare.add_task(task)

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:
        """End every line as waitress ends its one."""
        ended = [line.shutdown(cancel_pending, timeout) for line in (self._writers, self._readers, self._spare)]
        return all(ended)


def _listening(app: Flask, host: str, port: int, lines: _Lines) -> Any:
    """The server; it accepts connections from now on. Raises BadParameter for no host, OSError for a taken port."""
    largest = max(app.config.get(name) or 0 for name in _ACCEPTED) + _BEYOND
    try:
        server = waitress.create_server(
            app, host=host, port=port, _dispatcher=lines, ident=None, max_request_body_size=largest
        )
    except ValueError:
        raise click.BadParameter(f"{host} is no address to listen on", param_hint="--host") from None
    serving.say_with_its_own_answers(server, app.config.get("HEADERS_OF_PAGES", ()))
    return server


def prepare(context: Context, demo: bool) -> None:
    """Bring the database up to date: tables, for an empty demo its cluster, the clusters, the shipped processes.

    Nodes that start together do it one after another: the first does the work, the others find it done.
    """
    now = context.now()
    _patiently(lambda: upgrade(context.store))
    _patiently(lambda: _record_as_found(context.store, now))
    if demo:
        _patiently(lambda: _load_demo(context.store, now))
    _patiently(lambda: _enter_shipped(context.store, now))


def _record_as_found(store: Store, now: datetime) -> None:
    with store.transaction() as session:
        take(session, AdvisoryLock.loading)
        record_as_found(session, now)


def _load_demo(store: Store, now: datetime) -> None:
    with store.reading() as session:
        is_empty = not has_people(session)
    if is_empty:
        click.echo("Loading the demo cluster …", err=True)
        with suppress(demo_cluster.DatabaseInUse):  # another node was quicker
            demo_cluster.load(store, now)


def _enter_shipped(store: Store, now: datetime) -> None:
    with store.transaction() as session:
        take(session, AdvisoryLock.loading)
        seed_clusters(session)
        deploy(session, shipped_files(), SYSTEM, now, note="shipped with OSM Flow")


def _patiently(act: Callable[[], object]) -> None:
    """Do it once the database is free: another node may be at it, which takes longer than a person would wait."""
    deadline = monotonic() + _PATIENCE
    while True:
        try:
            act()
        except (Busy, Overtaken) as refusal:
            if isinstance(refusal, Unreachable) or monotonic() > deadline:
                raise
            sleep(0.5)
        else:
            return
