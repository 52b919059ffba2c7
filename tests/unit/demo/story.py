"""The story's days for tests, and the judge of the forms that its people fill in."""

from __future__ import annotations

from datetime import UTC, datetime

import yaml

from osm_flow.demo.times import Times
from osm_flow.domain.calendar.working_days import WorkingCalendar
from osm_flow.domain.forms.schema import load_form
from osm_flow.domain.forms.values import Errors, prefill, validate
from osm_flow.domain.json import JSON
from osm_flow.resources import resource_dir

# The day for which the story is written: Friday 20 November 2569.
TODAY = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
PROVINCES = ["TH-38", "TH-39", "TH-41", "TH-42", "TH-43"]


def times(now: datetime = TODAY) -> Times:
    """The story's days around this instant, with weekends but without holidays."""
    return Times(now, WorkingCalendar(frozenset()))


def faults(key: str, values: JSON, **known: object) -> Errors:
    """What the shipped form finds wrong with these values, laid over what it is prefilled with."""
    form = load_form(yaml.safe_load((resource_dir("forms") / f"{key}.yaml").read_text(encoding="utf-8")))
    context = {"fy": 2571, "office": "NE-U1", "provinces": PROVINCES, **known}
    return validate(form, {**prefill(form, context), **values}, context)
