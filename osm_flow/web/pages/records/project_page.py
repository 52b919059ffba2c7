"""What the page of one project shows: figures at a glance, its versions as a story, where each value comes from."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from osm_flow.domain.books.acts import BookActKind
from osm_flow.domain.forms.schema import fields_of, label_of
from osm_flow.domain.forms.values import changes
from osm_flow.domain.json import JSON
from osm_flow.domain.projects import spending
from osm_flow.domain.projects.states import state_name, state_tone
from osm_flow.operations.books.versions import RecordVersion
from osm_flow.operations.projects.queries import ProjectLife
from osm_flow.operations.projects.register import budget_of
from osm_flow.store.models import Project
from osm_flow.web.site.i18n import current_locale, gettext


class VersionTold(NamedTuple):
    """A version as the page tells it: what was done, by whom, for whom, in which case, and what it changed."""

    version: RecordVersion
    words: str
    who: str
    for_whom: str
    case_id: str | None
    changed: list[str]


_WORDS = {
    BookActKind.registered: "ขึ้นทะเบียนหรือปรับข้อมูลในทะเบียน",
    BookActKind.changed: "ปรับข้อมูลตามขั้นตอนของเรื่อง",
    BookActKind.corrected: "แก้ไขข้อมูลให้ถูกต้อง",
    BookActKind.imported: "นำเข้าจากบัญชีโครงการ",
    BookActKind.import_undone: "ยกเลิกการนำเข้า",
    BookActKind.erased: "ลบข้อมูลส่วนบุคคลตามกฎหมาย",
    BookActKind.migrated: "ย้ายจากทะเบียนของระบบรุ่นก่อน",
}


def state_words(project: Project | str) -> tuple[str, str]:
    """What the state is called, and how it looks."""
    state = project if isinstance(project, str) else project.state
    return state_name(state, current_locale()), state_tone(state)


def spent_percent(project: Project) -> Decimal:
    """How much of its budget the project has spent, in per cent."""
    return spending.disbursed_percent(budget_of(project), project.disbursed)


class Figures(NamedTuple):
    """What a project is judged by at a glance: money in baht and per cent, work in per cent as last reported."""

    budget: Decimal
    disbursed: Decimal
    spent: Decimal
    planned: float | None
    done: float | None
    as_of: str | None


def figures_of(values: JSON) -> Figures:
    said = values.get("approved")
    budget = Decimal(str(values.get("requested", 0) if said is None else said))
    disbursed = Decimal(str(values.get("disbursed", 0)))
    report = (values.get("reports") or [{}])[-1]
    percent = spending.disbursed_percent(budget, disbursed)
    return Figures(
        budget, disbursed, percent, report.get("physical_plan"), report.get("physical_actual"), report.get("as_of")
    )


def told(version: RecordVersion, schema: JSON) -> VersionTold:
    words = _WORDS.get(BookActKind(version.act), version.act) if version.act in list(BookActKind) else version.act
    touched = {str(change.path[0]) for change in version.changed}
    return VersionTold(
        version=version,
        words=gettext(words),
        who=version.actor,
        for_whom=version.on_behalf_of or "",
        case_id=version.cause.get("case"),
        changed=[label_of(field, current_locale()) for name, field in fields_of(schema).items() if name in touched],
    )


def origins_told(life: ProjectLife, schema: JSON) -> list[tuple[str, RecordVersion]]:
    """The label of each field that says something, with the version that gave it its value, in the order of the form."""
    return [
        (label_of(field, current_locale()), life.origins[name])
        for name, field in fields_of(schema).items()
        if name in life.origins
    ]


def people_of(life: ProjectLife) -> set[str]:
    """The user names of all who are named by the versions: who acted, who confirmed, and in whose place."""
    acts = [(version.actor, version.on_behalf_of) for version in life.versions]
    second = [(one["by"], one.get("on_behalf_of")) for one in (version.confirmed for version in life.versions) if one]
    return {name for pair in (*acts, *second) for name in pair if name}


def until_now(schema: JSON, life: ProjectLife) -> list[str]:
    """The labels of the fields that say something else today than in the version that is shown."""
    touched = {change.field for change in changes(schema, life.values, life.versions[-1].values)}
    return [label_of(field, current_locale()) for name, field in fields_of(schema).items() if name in touched]
