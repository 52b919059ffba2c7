"""Deploying process definitions: checked as a whole, stored once and never changed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow import engine
from osm_flow.domain import journal
from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import SystemFacts, Verb, require
from osm_flow.domain.access.roles import SIGN_IN_ROLES
from osm_flow.domain.forms.schema import load_form
from osm_flow.domain.forms.soundness import check_form
from osm_flow.domain.json import JSON
from osm_flow.domain.topics import RESULT_SCHEMAS
from osm_flow.engine import DefinitionRefused, Diagram, Offered, Problem
from osm_flow.errors import Forbidden, Invalid
from osm_flow.operations.definitions.form_faults import in_both, unreadable
from osm_flow.operations.definitions.library import list_definitions
from osm_flow.operations.definitions.offered import offered
from osm_flow.operations.ledger.addresses import is_a_page
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind, record
from osm_flow.resources import resource_dir
from osm_flow.store.advisory_locks import AdvisoryLock, take
from osm_flow.store.models import Deployment, ProcessDefinition
from osm_flow.store.second_persons import FirstAct, is_second_person

# The loader in C reads all forms in a tenth of the time, which every start waits for.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LARGEST_FORM = 1_000_000
_DEEPEST_FORM = 50


# What the library raises for a value that is written like a date, a number or bytes and is none.
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, IndexError, ArithmeticError, RecursionError)


class _TooDeep(Exception):
    """A form is nested too deeply to be read."""


class NothingToDeploy(Invalid):
    """There is no process diagram (.bpmn) among the files."""


class TwoPeopleNeeded(Forbidden):
    """A new version is proposed by one person and published by another, neither of whom acts for the other."""


@dataclass(frozen=True)
class Deployed:
    """The result of a deployment: the new versions, the keys that are the same already, the warnings."""

    deployment: Deployment | None
    definitions: list[ProcessDefinition]
    unchanged: list[str]
    warnings: list[Problem]


@dataclass(frozen=True)
class Proposed:
    """Who proposed what is to be published, when, for which office, and their note; `office_id` None: for the system."""

    proposal_id: int
    by: str
    at: datetime
    office_id: str | None
    note: str


@dataclass(frozen=True)
class Examined:
    """What files would do: the processes that would get a new version, those that are the same already, warnings."""

    changed: list[Prepared]
    unchanged: list[str]
    warnings: list[Problem]


@dataclass
class _Files:
    """The files of a deployment, read."""

    diagrams: dict[str, tuple[bytes, Diagram]] = field(default_factory=dict)
    forms: dict[str, JSON] = field(default_factory=dict)
    decisions: dict[str, bytes] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    # Whether a diagram could not be read, so that nobody can tell which processes there would be.
    is_partial: bool = False


def deploy(session: Session, files: Mapping[str, bytes], actor: Actor, now: datetime, *, note: str = "") -> Deployed:
    """Store a new version of each process whose content changed, with the forms and decisions that it needs.

    Only the system deploys by itself; of people one proposes and another publishes (`proposals`).
    One fault anywhere refuses everything: raises DefinitionRefused with all problems, NothingToDeploy, TwoPeopleNeeded.
    A form or decision that is not among the files is taken from the newest version of the same process.
    """
    if not actor.is_system:
        raise TwoPeopleNeeded
    return _deploy(session, files, actor, now, note)


def publish(session: Session, files: Mapping[str, bytes], actor: Actor, now: datetime, proposed: Proposed) -> Deployed:
    """As `deploy`, for what another person proposed. Raises Forbidden, TwoPeopleNeeded and what `deploy` does."""
    require(actor, Verb.deploy, SystemFacts())
    if not is_second_person(session, actor, now, FirstAct(proposed.by, proposed.at)):
        raise TwoPeopleNeeded
    told = {"proposal": proposed.proposal_id, "proposed_by": proposed.by, "proposed_in": proposed.office_id}
    return _deploy(session, files, actor, now, proposed.note, told)


def examine(session: Session, files: Mapping[str, bytes]) -> Examined:
    """What these files would change, and the warnings about them. Raises DefinitionRefused, NothingToDeploy."""
    read = _read(files)
    if not read.diagrams:
        raise DefinitionRefused(read.problems) if read.problems else NothingToDeploy()
    newest = {definition.key: definition for definition in list_definitions(session)}
    prepared = [
        Prepared.of(session, key, file, read, newest.get(key))
        for file, (_, diagram) in read.diagrams.items()
        for key in diagram.process_keys
    ]
    changed = [process for process in prepared if process.newest is None or process.newest.sha256 != process.sha256]
    # What is stored already was checked then; every start of the site deploys what is mostly there.
    given = {process.key for process in prepared}
    others = [definition for key, definition in newest.items() if key not in given] if changed else []
    around = [*_stored(session, others), *(diagram for _, diagram in read.diagrams.values())]
    known = None if read.is_partial else {*newest.keys(), *given}
    found = [*read.problems, *_lint(changed, known, offered(around))]
    problems = list(dict.fromkeys(found))  # a table that several processes use is told once
    errors = [problem for problem in problems if problem.level == "error"]
    if errors:
        raise DefinitionRefused(errors)
    return Examined(changed, [process.key for process in prepared if process not in changed], problems)


def _deploy(
    session: Session,
    files: Mapping[str, bytes],
    actor: Actor,
    now: datetime,
    note: str,
    told: Mapping[str, Any] | None = None,
) -> Deployed:
    take(session, AdvisoryLock.deployments)
    examined = examine(session, files)
    changed = examined.changed
    deployment = _store(session, changed, actor, now, note) if changed else None
    if deployment is not None:
        old = {process.key: _version(process.newest) for process in changed if process.newest is not None}
        new = {process.key: _version(process) for process in deployment.definitions}
        about = {**(told or {}), "note": note}
        act = AdminAct(AdminKind.definitions_deployed, f"deployment {deployment.id}", old=old, new=new, told=about)
        record(session, actor, now, act)
    return Deployed(deployment, deployment.definitions if deployment else [], examined.unchanged, examined.warnings)


def _version(definition: ProcessDefinition) -> JSON:
    return {"version": definition.version, "sha256": definition.sha256}


def check(files: Mapping[str, bytes], *, known_processes: Collection[str] = ()) -> list[Problem]:
    """The problems of these files, errors and warnings, without a database."""
    read = _read(files)
    prepared = [
        Prepared(key, xml, _needed(read.forms, diagram.form_keys), _needed(read.decisions, diagram.decision_keys))
        for xml, diagram in read.diagrams.values()
        for key in diagram.process_keys
    ]
    given = offered(diagram for _, diagram in read.diagrams.values())
    known = None if read.is_partial else known_processes
    return list(dict.fromkeys([*read.problems, *_lint(prepared, known, given)]))


def read_form(name: str, content: bytes) -> tuple[JSON, list[Problem]]:
    """The form in a YAML file, and what is wrong with it."""
    if len(content) > _LARGEST_FORM:
        return {}, [_form_problem(name, "the form is larger than a million bytes", "แบบฟอร์มใหญ่เกินหนึ่งล้านไบต์")]
    try:
        _refuse_deep_yaml(content)
        schema = load_form(yaml.load(content, Loader=_Loader))  # noqa: S506 (both loaders are safe ones)
    except _TooDeep:
        en, th = f"it is nested more than {_DEEPEST_FORM} deep", f"ซ้อนกันลึกเกิน {_DEEPEST_FORM} ชั้น"
        return {}, [_form_problem(name, f"the form cannot be read: {en}", f"อ่านแบบฟอร์มไม่ได้: {th}")]
    except (yaml.YAMLError, Invalid, *_UNREADABLE) as error:
        why = unreadable(content, error)
        return {}, [_form_problem(name, f"the form cannot be read: {why.en}", f"อ่านแบบฟอร์มไม่ได้: {why.th}")]
    told = [in_both(sentence) for sentence in check_form(schema)]
    return schema, [_form_problem(name, why.en, f"แบบฟอร์มไม่ถูกต้อง: {why.th}") for why in told]


def decision_problems(name: str, content: bytes) -> list[Problem]:
    """What is wrong with the decision table in a DMN file."""
    if problems := engine.decision_problems(content):
        return of_file(PurePosixPath(name).stem, problems)
    try:
        content.decode()
    except UnicodeDecodeError:
        stem = PurePosixPath(name).stem
        return [Problem(stem, "encoding", f"{name} ไม่ใช่ข้อความ UTF-8", f"{name} is not UTF-8: save it as UTF-8")]
    return []


def of_file(name: str, problems: Iterable[Problem]) -> list[Problem]:
    """The problems of one file; those that concern no element of it are told with the name of the file."""
    return [problem if problem.element else replace(problem, element=name) for problem in problems]


def unknown_file(name: str) -> Problem:
    """The problem of a file of a kind that no deployment takes."""
    en = f"{name} is not a .bpmn, .dmn or .yaml file"
    return Problem("", "unknown_file", f"{name} ไม่ใช่ไฟล์ .bpmn .dmn หรือ .yaml", en)


def used_twice(names: Iterable[str], diagrams: Mapping[str, Diagram]) -> list[Problem]:
    """The problems of files that come together and of which one would silently take the place of the other."""
    problems = []
    for name, number in Counter(names).items():
        if number > 1:
            en = f"{number} files are called {name}: give each a name of its own"
            problems.append(Problem("", "same_name", f"มีไฟล์ชื่อ {name} อยู่ {number} ไฟล์ ให้ตั้งชื่อให้ต่างกัน", en))
    holding: dict[str, list[str]] = {}
    for name, diagram in diagrams.items():
        for key in diagram.process_keys:
            holding.setdefault(key, []).append(name)
    for key, files in holding.items():
        if len(files) > 1:
            held = " / ".join(files)
            en = f"the process {key} is in several files, {held}: give each process an id of its own, or leave one file out"
            th = f"กระบวนการ {key} อยู่ในหลายไฟล์ {held} ให้ใช้ id ต่างกัน หรือส่งเพียงไฟล์เดียว"
            problems.append(Problem(key, "same_process", th, en))
    return problems


def shipped_files() -> Mapping[str, bytes]:
    """The diagrams, decisions and forms that come with the product, by file name."""
    paths = [*resource_dir("bpmn").glob("*.bpmn"), *resource_dir("bpmn").glob("*.dmn")]
    paths += resource_dir("forms").glob("*.yaml")
    return {path.name: path.read_bytes() for path in sorted(paths)}


# ---- the inner parts -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Prepared:
    """A process with what it needs, ready to be checked and stored."""

    key: str
    xml: bytes
    forms: dict[str, JSON]
    decisions: dict[str, bytes]
    newest: ProcessDefinition | None = None
    file: str = ""

    @classmethod
    def of(cls, session: Session, key: str, file: str, read: _Files, newest: ProcessDefinition | None) -> Prepared:
        """The process `key` of a file, with what it needs of the files and else of its newest version."""
        xml, diagram = read.diagrams[file]
        forms, decisions = dict(read.forms), dict(read.decisions)
        if newest is not None and not (diagram.form_keys <= forms.keys() and diagram.decision_keys <= decisions.keys()):
            columns = select(ProcessDefinition.forms, ProcessDefinition.decisions)
            old = session.execute(columns.where(ProcessDefinition.id == newest.id)).one()
            forms = {**json.loads(old.forms), **forms}
            decisions = {**{name: xml.encode() for name, xml in json.loads(old.decisions).items()}, **decisions}
        needed = _needed(forms, diagram.form_keys), _needed(decisions, diagram.decision_keys)
        return cls(key, xml, *needed, newest, file)

    @cached_property
    def sha256(self) -> str:
        """Covers everything that decides how a case runs; `verify` computes it again."""
        return content_digest(self.xml, self.forms, {key: xml.decode() for key, xml in self.decisions.items()})


def content_digest(xml: bytes, forms: Mapping[str, Any], decisions: Mapping[str, str]) -> str:
    """SHA-256 of a definition's content: the XML, the forms and the decisions."""
    content = {"xml": sha256(xml).hexdigest(), "forms": dict(forms), "decisions": dict(decisions)}
    return sha256(journal.canonical(content)).hexdigest()


def _read(files: Mapping[str, bytes]) -> _Files:
    read = _Files()
    for name, content in sorted(files.items()):
        path = PurePosixPath(name)
        if path.suffix == ".bpmn":
            try:
                # Kept as UTF-8: whoever looks into a stored diagram, or shows it, expects nothing else.
                read.diagrams[name] = (engine.as_utf8(content), engine.read_bpmn(content))
            except DefinitionRefused as refusal:
                read.problems += of_file(name, refusal.problems)
                read.is_partial = True
        elif path.suffix == ".dmn":
            read.decisions[path.stem] = content
            read.problems += decision_problems(name, content)
        elif path.suffix in {".yaml", ".yml"}:
            read.forms[path.stem], problems = read_form(name, content)
            read.problems += problems
        else:
            read.problems.append(unknown_file(name))
    read.problems += used_twice((), {name: diagram for name, (_, diagram) in read.diagrams.items()})
    return read


def _stored(session: Session, definitions: Iterable[ProcessDefinition]) -> list[Diagram]:
    """The diagrams of these stored definitions; one that could not be read any more takes part in nothing new."""
    ids = [definition.id for definition in definitions]
    diagrams = []
    for xml in session.scalars(select(ProcessDefinition.xml).where(ProcessDefinition.id.in_(ids))):
        with suppress(DefinitionRefused):
            diagrams.append(engine.read_bpmn(xml))
    return diagrams


def _lint(prepared: list[Prepared], known: Collection[str] | None, around: Offered) -> list[Problem]:
    processes = None if known is None else {*known, *(process.key for process in prepared)}
    problems = []
    for xml in dict.fromkeys(process.xml for process in prepared):
        forms: dict[str, JSON] = {}
        decisions: dict[str, bytes] = {}
        for process in prepared:
            if process.xml == xml:
                forms |= process.forms
                decisions |= process.decisions
        problems += engine.lint(
            xml,
            forms=forms,
            decisions=decisions,
            topics=RESULT_SCHEMAS,
            known_processes=processes,
            roles=SIGN_IN_ROLES,
            offered=around,
        )
    if not any(problem.level == "error" for problem in problems):
        problems += engine.endless_calls(engine.read_bpmn(process.xml).root for process in prepared)
    return problems + [_page_problem(process.key) for process in prepared if _leads_to_a_page(process)]


def _leads_to_a_page(process: Prepared) -> bool:
    """Whether a new process has an id at whose address another page of the site stands: `proposals`."""
    return process.newest is None and is_a_page("key", process.key)


def _page_problem(key: str) -> Problem:
    en = f"the id {key} is the address of a page of the site: give the process another id"
    return Problem(key, "reserved_id", f"เปลี่ยน id {key} ของกระบวนการ เพราะเป็นที่อยู่ของหน้าหนึ่งในระบบ", en)


def _store(session: Session, changed: list[Prepared], actor: Actor, now: datetime, note: str) -> Deployment:
    deployment = Deployment(at=now, actor=actor.username, note=note)
    session.add(deployment)
    for prepared in changed:
        process = engine.compile_process(prepared.key, prepared.xml, prepared.forms, prepared.decisions)
        definition = ProcessDefinition(
            deployment=deployment,
            key=prepared.key,
            version=prepared.newest.version + 1 if prepared.newest else 1,
            sha256=prepared.sha256,
            name_th=process.name[:255],
            xml=prepared.xml,
            forms=json.dumps(prepared.forms, ensure_ascii=False),
            decisions=json.dumps({key: xml.decode() for key, xml in prepared.decisions.items()}, ensure_ascii=False),
            startable=process.properties.get("startable") == "true",
            start_message=process.start_message,
        )
        session.add(definition)
    session.flush()
    return deployment


def _refuse_deep_yaml(content: bytes) -> None:
    """The loader in C goes down one call per level and takes the whole program with it when the levels are too many."""
    depth = 0
    for event in yaml.parse(content, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST_FORM:
            raise _TooDeep


def _needed(things: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    return {key: things[key] for key in sorted(keys) if key in things}


def _form_problem(name: str, en: str, th: str) -> Problem:
    return Problem(PurePosixPath(name).stem, "form", th, en)
