"""What tests of imports share: an office with people, and lists as somebody uploads and confirms them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.operations.imports import acts, queries
from osm_flow.operations.imports.acts import GivenList, ImportCounts
from osm_flow.operations.imports.planning import Plan
from osm_flow.operations.imports.reading import Choices
from osm_flow.operations.projects.record_type import KIND
from osm_flow.store.models import ImportFile, Project
from tests.factories import NOW, OFFICE, make_office, make_person
from tests.workbooks import HEAD, workbook


@dataclass
class Importing:
    """One person who imports lists into one office's register of projects."""

    session: Session
    actor: Actor
    office_id: str = OFFICE

    def upload(self, *rows: Sequence[Any], head: Sequence[Any] = HEAD, **about: Any) -> ImportFile:
        """The list uploaded, with what is proposed for it."""
        return self.upload_file(workbook([head, *rows], **about))

    def upload_file(self, content: bytes, name: str = "โครงการ.xlsx") -> ImportFile:
        return acts.upload(self.session, self.actor, NOW, GivenList(KIND, self.office_id, name, content))

    def choose(self, row: ImportFile, **changes: Any) -> None:
        """Change what is chosen for the list; constants are added to those that there are."""
        chosen = Choices.of_text(row.choices)
        constants = {**chosen.constants, **changes.pop("constants", {})}
        acts.choose(self.session, row.id, self.actor, replace(chosen, constants=constants, **changes))

    def answer(self, row: ImportFile, answers: dict[int, str]) -> None:
        acts.answer(self.session, row.id, self.actor, answers)

    def plan(self, row: ImportFile) -> Plan:
        return queries.preview(self.session, row.id, self.actor)

    def confirm(self, row: ImportFile, now: datetime = NOW) -> ImportCounts:
        """Confirm the list as its preview shows it now."""
        read = queries.read(self.session, row.id, self.actor)
        return acts.confirm(self.session, row.id, self.actor, now, self.plan(row).digest, read)

    def run(self, *rows: Sequence[Any], now: datetime = NOW, **about: Any) -> ImportFile:
        """GivenList the list and confirm it."""
        row = self.upload(*rows, **about)
        self.confirm(row, now)
        return row

    def registered(self) -> dict[str, Project]:
        """The projects of the register by their names."""
        found = self.session.scalars(select(Project).execution_options(populate_existing=True))
        return {project.name_th: project for project in found}


@pytest.fixture
def people(session: Session) -> dict[str, Actor]:
    """An office with a planner, a head and an agency, an auditor, and a neighbour."""
    make_office(session, OFFICE, {"TH-41": "อุดรธานี", "TH-39": "หนองบัวลำภู", "TH-42": "เลย"})
    make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
    return {
        "anan": make_person(session, "anan", "osm_strategy"),
        "head": make_person(session, "head", "osm_strategy_head"),
        "works": make_person(session, "works", "agency_owner", province_id="TH-41"),
        "udon": make_person(session, "udon", "province_planner", province_id="TH-41"),
        "auditor": make_person(session, "auditor", "auditor"),
        "sakon": make_person(session, "sakon", "osm_director", office_id="NE-U2"),
    }


@pytest.fixture
def importing(session: Session, people: dict[str, Actor]) -> Importing:
    """The planner, importing."""
    return Importing(session, people["anan"])


@pytest.fixture
def importing_as(session: Session, people: dict[str, Actor]) -> Callable[[str], Importing]:
    """Somebody else of these people, importing."""
    return lambda name: Importing(session, people[name], people[name].office_ids[0])
