"""Puts the application together: the only place that knows every part."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from pkgutil import walk_packages
from zoneinfo import ZoneInfo

import click
from flask import Blueprint, Flask
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from osm_flow import cli, logs
from osm_flow.cli.context import Context
from osm_flow.notify.channels import Channel
from osm_flow.notify.smtp import mail_channel
from osm_flow.operations.audit.signing_keys import Keyring, origin_of
from osm_flow.operations.books import record_types
from osm_flow.operations.imports import kinds
from osm_flow.operations.imports.project_lists import project_lists
from osm_flow.operations.ledger import addresses, registers
from osm_flow.operations.ledger.access_pruning import Keeping
from osm_flow.operations.projects.record_type import project_type
from osm_flow.operations.projects.surroundings import SURROUNDINGS
from osm_flow.resources import resource_dir
from osm_flow.settings import Settings, SettingsAreWrong
from osm_flow.store.quotas import MEGABYTE, Quotas
from osm_flow.store.session import Limits, Store
from osm_flow.web import pages
from osm_flow.web.forms import document as form_document
from osm_flow.web.forms import posted, sending
from osm_flow.web.site import (
    access,
    assets,
    errors,
    filters,
    i18n,
    lifecycle,
    navigation,
    recorded_reads,
    security,
    wording,
)

Clock = Callable[[], datetime]


def create_app(settings: Settings, *, store: Store | None = None, clock: Clock | None = None) -> Flask:
    """The site. Raises SettingsAreWrong when these settings would make it unsafe."""
    _refuse_without_sentences()
    settings.require_servable()
    connect_rooms()
    app = lifecycle.Site("osm_flow.web", static_folder=None, template_folder=str(resource_dir("templates")))
    app.config.update(_config(settings))
    app.config["STORE"] = store or _store(settings)
    app.config["CLOCK"] = clock or _now
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    # The order of these is the order in which a request is looked at: does anybody ask, what was sent, is it really their
    # form; only then the database: who asks, may they enter.
    app.url_map.converters |= {"int": access.Number}  # before there are any addresses
    lifecycle.init_app(app)
    access.init_app(app)
    posted.init_app(app)
    CSRFProtect(app)
    sending.read_ahead(app)
    lifecycle.open_sessions(app)
    access.enforce_rules(app)
    recorded_reads.init_app(app)
    security.init_app(app, secure=settings.is_secure)
    errors.init_app(app)
    i18n.init_app(app)
    filters.init_app(app)
    wording.init_app(app)
    form_document.init_app(app)
    navigation.init_app(app)
    assets.init_app(app, fresh=settings.env == "test")
    for blueprint in _blueprints():
        app.register_blueprint(blueprint)
    sending.init_app(app)
    if settings.proxies:
        count = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    return app


def _refuse_without_sentences() -> None:
    """What the site tells people stands in docstrings, which Python throws away when it is asked to optimise twice."""
    if sys.flags.optimize >= 2:
        raise SettingsAreWrong(
            ["Python was started with -OO (PYTHONOPTIMIZE=2), which takes away the sentences that people are told"]
        )


def connect_rooms() -> None:
    """Fill the ports that rooms leave open for those above them."""
    registers.connect(SURROUNDINGS)
    record_types.connect([project_type()])
    kinds.connect([project_lists()])
    addresses.connect(_names_of_pages)


@cache
def _names_of_pages(part: str) -> frozenset[str]:
    """What stands in addresses of the site where others that begin alike have this part: `new` beside `<username>`."""
    site = Flask("addresses", static_folder=None)
    for blueprint in _blueprints():
        site.register_blueprint(blueprint)
    rules = [rule.rule.split("/") for rule in site.url_map.iter_rules()]
    places = {tuple(rule[:place]) for rule in rules for place, name in enumerate(rule) if _part(name) == part}
    begun_alike = ((rule, place) for rule in rules for place in map(len, places) if tuple(rule[:place]) in places)
    return frozenset(rule[place] for rule, place in begun_alike if len(rule) > place and not _part(rule[place]))


def _part(written: str) -> str | None:
    """The name of a part of an address that differs from one to the next: `username` of `<username>`."""
    return written[1:-1].rpartition(":")[2] if written.startswith("<") else None


def _config(settings: Settings) -> dict[str, object]:
    return {
        "SECRET_KEY": settings.secret_key,
        "TESTING": settings.env == "test",
        "ENV_NAME": settings.env,
        "TIMEZONE": ZoneInfo(settings.timezone),
        "BASE_URL": settings.base_url,
        "DATA_DIR": settings.data_dir,
        "KEYRING": Keyring(settings.data_dir / "keys", settings.log_origin or origin_of(settings.base_url)),
        "SESSION_COOKIE_NAME": "osm_session",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.is_secure,
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=12),
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session: a form left open over lunch is still good
        # What a view says that it takes (`lifecycle.takes`) goes beyond these two.
        "MAX_CONTENT_LENGTH": settings.form_mb * MEGABYTE,
        "MAX_FORM_MEMORY_SIZE": settings.form_mb * MEGABYTE,
        "MAX_FORM_PARTS": 20_000,  # a table of 500 rows has many fields
        # A far too long text must reach its form, which names the field.
        "LARGEST_LONG_FORM": settings.long_form_mb * MEGABYTE,
        # Files come with a form around them.
        "LARGEST_FILE": (settings.file_mb + settings.form_mb) * MEGABYTE,
        "LARGEST_DEPLOYMENT": settings.deployment_mb * MEGABYTE,
        "QUOTAS": Quotas(
            draft=settings.draft_mb * MEGABYTE,
            drafts=settings.drafts,
            file=settings.file_mb * MEGABYTE,
            case_files=settings.case_files_mb * MEGABYTE,
            office_files=settings.office_files_mb * MEGABYTE,
        ),
    }


def _blueprints() -> list[Blueprint]:
    """The `blueprint` of every module in web/pages that has one."""
    modules = (import_module(page.name) for page in walk_packages(pages.__path__, f"{pages.__name__}."))
    return [module.blueprint for module in modules if hasattr(module, "blueprint")]


def channels_of(settings: Settings) -> tuple[Channel, ...]:
    """Every way to reach people outside the site: a further one is a module in notify/ and an entry here.

    Raises an error of the channel whose settings it cannot use.
    """
    return (mail_channel(settings.smtp_url, sender=settings.mail_from, base_url=settings.base_url),)


def _store(settings: Settings) -> Store:
    if settings.database_url.startswith("sqlite:"):
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    return Store(settings.database_url, _limits(settings))


def _limits(settings: Settings) -> Limits:
    return Limits(settings.lock_timeout, settings.statement_timeout, settings.idle_timeout)


def _now() -> datetime:
    return datetime.now(UTC)


def _context(settings: Settings) -> Context:
    def make_app(context: Context, demo: bool, base_url: str | None) -> Flask:
        chosen = settings.for_demo() if demo or settings.env == "demo" else settings
        if base_url and "OSM_BASE_URL" not in os.environ:
            chosen = replace(chosen, base_url=base_url)
        try:
            return create_app(chosen, store=context.store, clock=context.clock)
        except SettingsAreWrong as error:
            raise click.ClickException(str(error)) from error

    return Context(
        database_url=settings.database_url,
        data_dir=settings.data_dir,
        base_url=settings.base_url,
        timezone=ZoneInfo(settings.timezone),
        channels=lambda: channels_of(settings),
        clock=_now,
        make_app=make_app,
        log_origin=settings.log_origin,
        limits=_limits(settings),
        keeping=Keeping(settings.event_days, settings.read_days),
    )


def main() -> None:
    """The `osm-flow` command."""
    logs.configure("auto")
    connect_rooms()
    try:
        _refuse_without_sentences()
        settings = Settings.from_environment(os.environ)
        logs.configure(settings.log_format)
    except SettingsAreWrong as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    cli.root(obj=_context(settings), prog_name="osm-flow")
