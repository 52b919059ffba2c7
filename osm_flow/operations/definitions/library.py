"""Finding process definitions, and compiling them for the engine."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, undefer

from osm_flow import engine
from osm_flow.engine import Process
from osm_flow.errors import NotFound
from osm_flow.store.models import ProcessDefinition

_MOST_COMPILED = 128
_compiled: OrderedDict[tuple[str, str], Process] = OrderedDict()
_compiling = Lock()


class DefinitionNotFound(NotFound):
    """There is no such process definition."""


def compiled(session: Session, definition: ProcessDefinition) -> Process:
    """The compiled process of a definition; kept in memory by its content, shared by all threads."""
    name = (definition.key, definition.sha256)
    with _compiling:
        if (process := _compiled.get(name)) is not None:
            _compiled.move_to_end(name)
            return process
    columns = select(ProcessDefinition.xml, ProcessDefinition.forms, ProcessDefinition.decisions)
    xml, forms, decisions = session.execute(columns.where(ProcessDefinition.id == definition.id)).one()
    tables = {key: text.encode() for key, text in json.loads(decisions).items()}
    process = engine.compile_process(definition.key, xml, json.loads(forms), tables)
    with _compiling:
        _compiled[name] = process
        while len(_compiled) > _MOST_COMPILED:
            _compiled.popitem(last=False)
    return process


def latest(session: Session, key: str) -> ProcessDefinition:
    """The newest version of a process. Raises DefinitionNotFound."""
    query = select(ProcessDefinition).where(ProcessDefinition.key == key)
    definition = session.scalars(query.order_by(ProcessDefinition.version.desc()).limit(1)).one_or_none()
    if definition is None:
        raise DefinitionNotFound(key=key)
    return definition


def list_definitions(session: Session, *, startable: bool | None = None) -> Sequence[ProcessDefinition]:
    """The newest version of every process, by key; with `startable` those that people start by hand, or do not."""
    query = _newest().order_by(ProcessDefinition.key)
    if startable is not None:
        query = query.where(ProcessDefinition.startable.is_(startable))
    return session.scalars(query).all()


def versions_of(session: Session, key: str) -> Sequence[ProcessDefinition]:
    """Every version of a process, newest first. Raises DefinitionNotFound when there is none."""
    query = select(ProcessDefinition).where(ProcessDefinition.key == key).order_by(ProcessDefinition.version.desc())
    versions = session.scalars(query.options(undefer(ProcessDefinition.forms))).all()
    if not versions:
        raise DefinitionNotFound(key=key)
    return versions


def started_by_message(session: Session, message: str) -> Sequence[ProcessDefinition]:
    """The processes whose newest version begins with this message."""
    return session.scalars(_newest().where(ProcessDefinition.start_message == message)).all()


def _newest() -> Select[ProcessDefinition]:
    newest = select(ProcessDefinition.key, func.max(ProcessDefinition.version).label("version"))
    newest_of_each = newest.group_by(ProcessDefinition.key).subquery()
    return select(ProcessDefinition).join(
        newest_of_each,
        (ProcessDefinition.key == newest_of_each.c.key) & (ProcessDefinition.version == newest_of_each.c.version),
    )
