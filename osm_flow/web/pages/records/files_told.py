"""What the page of a project shows of its photos and papers: each with what it is, who added it, and what was taken off it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from flask import g

from osm_flow.domain.access.policy import AGENCIES
from osm_flow.domain.forms.schema import columns_of
from osm_flow.domain.json import JSON
from osm_flow.domain.pictures.stripping import TakenOff
from osm_flow.operations.books.record_types import type_of
from osm_flow.operations.books.versions import RecordVersion
from osm_flow.operations.projects import project_files
from osm_flow.operations.projects.project_files import Part
from osm_flow.operations.projects.queries import ProjectLife
from osm_flow.operations.projects.record_type import KIND
from osm_flow.web.site.filters import thai_date
from osm_flow.web.site.i18n import current_locale, gettext


class FileTold(NamedTuple):
    """A photo or paper: its row, the words for its stage or kind, the version that added it, and whether it may be taken back.

    is_there  whether it can be fetched; one that an earlier version names may have been erased by law.
    """

    row: JSON
    words: str
    taken_off: str
    added: RecordVersion
    may_take_back: bool
    is_there: bool = True


class FilesTold(NamedTuple):
    """The photos and papers of a version, in the order of the work; whether this person may add some."""

    photos: Sequence[FileTold]
    papers: Sequence[FileTold]
    may_keep: bool


_TAKEN_OFF = {
    TakenOff.position: "ตำแหน่งที่ถ่าย",
    TakenOff.camera: "ข้อมูลกล้องและเวลา",
    TakenOff.words: "ข้อความที่ฝังมา",
    TakenOff.more: "ข้อมูลอื่นที่แนบมากับภาพ",
}


def choices(part: Part) -> list[tuple[str, str]]:
    """The stages of photos, or the kinds of papers, with their words."""
    column = columns_of(type_of(KIND).schema.fields[part])["milestone" if part == "photos" else "kind"]
    return [(one["value"], one[current_locale()]) for one in column["x-enum"]]


def words_of(taken: Sequence[str]) -> str:
    """What was taken off a photo, in words."""
    return ", ".join(gettext(_TAKEN_OFF[TakenOff(one)]) for one in taken if one in list(TakenOff))


def told_of_files(life: ProjectLife) -> FilesTold:
    """What this person sees of the photos and papers of the version that is shown."""
    may_keep = life.is_newest and project_files.may_keep(life.project, g.actor)
    own_only = may_keep and not project_files.is_of_office(life.project, g.actor)
    there = project_files.files_there(g.session, life.project.code)
    added: dict[str, RecordVersion] = {}
    for version in life.versions:
        for part in project_files.PARTS:
            for row in version.values.get(part) or []:
                added.setdefault(row.get("sha256", ""), version)

    def told(part: Part, named: str) -> list[FileTold]:
        names = dict(choices(part))
        order = list(names)
        rows = sorted(
            life.values.get(part) or [], key=lambda row: order.index(row[named]) if row.get(named) in names else 9
        )
        return [
            FileTold(
                row,
                names.get(row.get(named, ""), ""),
                words_of(row.get("taken_off", "").split()),
                version,
                may_keep and (not own_only or version.actor_role in AGENCIES),
                row.get("sha256") in there,
            )
            for row in rows
            if (version := added.get(row.get("sha256", "")))
        ]

    return FilesTold(told("photos", "milestone"), told("files", "kind"), may_keep)


def described(one: FileTold) -> str:
    """A photo in words, for who does not see it."""
    when = thai_date(one.row["taken_on"]) if one.row.get("taken_on") else ""
    return " ".join(part for part in (one.words, one.row.get("caption", ""), when) if part)
