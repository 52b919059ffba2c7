"""A diagram on disk with what lies around it: forms, decision tables and the processes that it calls."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from osm_flow.domain.access.roles import SIGN_IN_ROLES
from osm_flow.domain.topics import RESULT_SCHEMAS
from osm_flow.engine import (
    DefinitionRefused,
    Diagram,
    Process,
    compile_process,
    lint,
    read_bpmn,
)
from osm_flow.engine.lint.endless import WALKED_ALL_THE_SAME
from osm_flow.engine.values import Problem
from osm_flow.errors import Invalid, NotFound
from osm_flow.operations.definitions.deployments import of_file, read_form
from osm_flow.operations.definitions.offered import offered
from osm_flow.resources import resource_dir

_FILE_NAME = re.compile(r"^[\w.-]{1,64}$")


class UnreadableForm(Invalid):
    """The form file {path} cannot be read: {reason}"""


class NoSuchProcess(NotFound):
    """There is no process {key} in the file or beside it."""


class DiagramFile:
    """One BPMN file. Forms are looked for beside it, in `forms` there or one folder up, then among those shipped.

    `given` are files named together with it; they come before those found.
    """

    def __init__(self, path: Path, given: Collection[Path] = ()) -> None:
        self.path = path
        self.xml = path.read_bytes()
        self.given = given
        self._compiled: dict[str, Process] = {}

    @cached_property
    def diagram(self) -> Diagram:
        """What the file holds and asks for."""
        return read_bpmn(self.xml)

    @property
    def is_readable(self) -> bool:
        """Whether the file is a diagram at all."""
        return bool(_keys(self))

    def _folders(self, name: str) -> list[Path]:
        here = self.path.resolve().parent
        return [here, here / name, here.parent / name, resource_dir(name)]

    @cached_property
    def forms(self) -> Mapping[str, Any]:
        """The forms that the diagram asks for, by key."""
        return {key: form for key in self.diagram.form_keys if (form := self._form(key)) is not None}

    def _given(self, key: str, *suffixes: str) -> Path | None:
        return next((path for path in self.given if path.stem == key and path.suffix in suffixes), None)

    def _form(self, key: str) -> Any:
        if (given := self._given(key, ".yaml", ".yml")) is not None:
            return read_form(given.name, given.read_bytes())[0]  # what is wrong with it is told of that file
        for folder in self._folders("forms"):
            path = folder / f"{key}.yaml"
            if _FILE_NAME.match(key) and path.is_file():
                schema, problems = read_form(path.name, path.read_bytes())
                if problems:
                    raise UnreadableForm(path=path.name, reason=problems[0].en)
                return schema
        return None

    @cached_property
    def decisions(self) -> Mapping[str, bytes]:
        """The decision tables that the diagram asks for, by key."""
        contents = {}
        for key in self.diagram.decision_keys:
            if (given := self._given(key, ".dmn")) is not None:
                contents[key] = given.read_bytes()
            for folder in self._folders("bpmn"):
                path = folder / f"{key}.dmn"
                if key not in contents and _FILE_NAME.match(key) and path.is_file():
                    contents[key] = path.read_bytes()
        return contents

    @cached_property
    def beside(self) -> Mapping[str, DiagramFile]:
        """The other BPMN files of the folder, by the processes they hold."""
        return {key: file for file in self._neighbours() for key in _keys(file)}

    def _neighbours(self) -> Iterator[DiagramFile]:
        for path in sorted(self.path.resolve().parent.glob("*.bpmn")):
            if path != self.path.resolve():
                yield DiagramFile(path)

    def problems(self) -> list[Problem]:
        """What the linter finds, with everything around the file known to it."""
        try:
            known = {
                *self.diagram.process_keys,
                *(self.beside if self.diagram.called - set(self.diagram.process_keys) else ()),
                *(key for path in self.given if path.suffix == ".bpmn" for key in _keys(DiagramFile(path))),
            }
        except DefinitionRefused as refused:
            return of_file(self.path.name, refused.problems)
        found = lint(
            self.xml,
            forms=self.forms,
            decisions=self.decisions,
            topics=RESULT_SCHEMAS,
            known_processes=None if self._is_partial() else known,
            roles=SIGN_IN_ROLES,
            offered=offered(self._others()),
        )
        return [*found, *self._beside_alone(), *self._not_given()]

    def _is_partial(self) -> bool:
        """Whether a diagram that was given cannot be read, so that nobody can tell which processes there would be."""
        return any(path.suffix == ".bpmn" and not DiagramFile(path).is_readable for path in self.given)

    def _not_given(self) -> Iterator[Problem]:
        """Warn once of the forms and tables that were found and not given: their deployment needs them."""
        tables = [f"{key}.dmn" for key in sorted(self.decisions) if self._given(key, ".dmn") is None]
        forms = [f"{key}.yaml" for key in sorted(self.forms) if self._given(key, ".yaml", ".yml") is None]
        if self.given and (missing := [*tables, *forms]):
            names = ", ".join(missing)
            en = f"{names} were found and not given: deploy them together with this file, unless its last version had them"
            th = f"พบ {names} แต่ไม่ได้ส่งมาด้วย ให้ deploy พร้อมกับไฟล์นี้ เว้นแต่รุ่นก่อนมีแล้ว"
            yield Problem("", "beside", th, en, "warning")

    def _others(self) -> Iterator[Diagram]:
        """The other diagrams whose cases may be of one family with those of this file: given, or beside it."""
        given = [DiagramFile(path) for path in self.given if path.suffix == ".bpmn"]
        for file in {file.path.resolve(): file for file in [*self.beside.values(), *given]}.values():
            if file.is_readable and file.path.resolve() != self.path.resolve():
                yield file.diagram

    def _beside_alone(self) -> Iterator[Problem]:
        """Warn of the processes that are called and are in no file that was given: their deployment needs them."""
        given = {key for path in self.given if path.suffix == ".bpmn" for key in _keys(DiagramFile(path))}
        for key in sorted((self.diagram.called - given) & self.beside.keys()) if self.given else ():
            name = self.beside[key].path.name
            en = f"the process {key} is in {name}, which was not given: deploy it before this file or together with it"
            th = f"กระบวนการ {key} อยู่ใน {name} ซึ่งไม่ได้ส่งมาด้วย ให้ deploy ก่อนหรือพร้อมกัน"
            yield Problem(key, "beside", th, en, "warning")

    def process(self, key: str) -> Process:
        """The compiled process, from this file or from one beside it. Raises DefinitionRefused and NoSuchProcess."""
        if key not in self._compiled:
            if key in self.diagram.process_keys:
                errors = [p for p in self.problems() if p.level == "error" and p.code not in WALKED_ALL_THE_SAME]
                if errors:
                    raise DefinitionRefused(errors)
                self._compiled[key] = compile_process(key, self.xml, self.forms, self.decisions)
            elif key in self.beside:
                self._compiled[key] = self.beside[key].process(key)
            else:
                raise NoSuchProcess(key=key)
        return self._compiled[key]


def _keys(file: DiagramFile) -> tuple[str, ...]:
    try:
        return file.diagram.process_keys
    except DefinitionRefused:
        return ()
