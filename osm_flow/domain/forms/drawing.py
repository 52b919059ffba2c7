"""Drawing valid values of single fields at random. `forms_random` then repairs what breaks rules across fields."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from osm_flow.domain.forms.schema import (
    choices_of,
    columns_of,
    decimals_of,
    fields_of,
    is_table,
    known_rows,
    known_value,
    longest_of,
    most_of,
    ref_options,
    widget_of,
)
from osm_flow.domain.forms.scope import exact, is_given
from osm_flow.domain.json import JSON

_WORDS = ("พัฒนา", "ถนน", "ตลาด", "ท่องเที่ยว", "น้ำ", "เกษตร", "ชุมชน", "ศูนย์", "ปรับปรุง", "ส่งเสริม", "review", "ก.ข. 1")
_PROVINCES = ("TH-38", "TH-39", "TH-41", "TH-42", "TH-43")


def draw_object(schema: JSON, rng: random.Random, context: Mapping[str, Any]) -> JSON:
    """Valid random values of the fields of a form or of the columns of a row."""
    required = schema.get("required", [])
    drawn = {}
    for name, field in fields_of(schema).items():
        if name in required or rng.random() < 0.5:
            drawn[name] = draw_field(field, rng, context)
    return drawn


def draw_field(field: JSON, rng: random.Random, context: Mapping[str, Any]) -> Any:
    """A valid random value of one field."""
    known = known_value(field, context) if field.get("readOnly") else None
    if known is not None:
        return known
    if field["type"] != "array":
        return _scalar(field, rng, context)
    low = max(1, field.get("minItems", 0))
    count = rng.randint(low, max(low, min(most_of(field), low + 3)))
    if is_table(field) and (listed := _listed_rows(field, rng, context)):
        return listed
    if is_table(field):
        return [draw_object(field["items"], rng, context) for _ in range(count)]
    choices = [choice["value"] for choice in choices_of(field)]
    if choices:
        return _some(choices, count, rng)
    if widget_of(field) == "provinces":
        return _some(_provinces(context), count, rng)
    options = ref_options(field, context)
    if options:
        return _some([value for value, _ in options], count, rng)
    return [f"{draw_text(field['items'], rng)[: longest_of(field['items']) - 3]} {index}" for index in range(count)]


def _listed_rows(field: JSON, rng: random.Random, context: Mapping[str, Any]) -> list[JSON]:
    """The rows that the case lists, where the person cannot change what it says of them."""
    if not any(column.get("readOnly") for column in columns_of(field).values()):
        return []
    given = [
        {name: value for name, value in row.items() if is_given(value)} for row in known_rows(field, context) or ()
    ]
    drawn = [{**draw_object(field["items"], rng, context), **row} for row in given if row]
    locked = [name for name, column in columns_of(field).items() if column.get("readOnly")]
    for row, known in zip(drawn, (row for row in given if row), strict=True):
        for name in locked:
            if name not in known:
                row.pop(name, None)
    return drawn


def _some(options: list[Any], count: int, rng: random.Random) -> list[Any]:
    """Some of the options, in the order in which a page lists them."""
    chosen = rng.sample(options, min(count, len(options)))
    return [option for option in options if option in chosen]


def _scalar(field: JSON, rng: random.Random, context: Mapping[str, Any]) -> Any:
    choices = choices_of(field)
    options = ref_options(field, context)
    if choices:
        return rng.choice(choices)["value"]
    if options:
        return rng.choice(options)[0]
    if field["type"] == "boolean":
        return field.get("const", rng.random() < 0.5)
    if field["type"] in ("integer", "number"):
        return _number(field, rng)
    day = date(2026, 10, 1) + timedelta(days=rng.randint(0, 364))
    match widget_of(field):
        case "date":
            return day.isoformat()
        case "datetime":
            return f"{day.isoformat()}T{rng.randint(1, 9):02}:{rng.choice((0, 30)):02}:00Z"
        case "province":
            return rng.choice(_provinces(context))
    return draw_text(field, rng)


def _provinces(context: Mapping[str, Any]) -> list[str]:
    provinces = context.get("provinces")
    return list(provinces) if isinstance(provinces, list) and provinces else list(_PROVINCES)


def draw_text(field: JSON, rng: random.Random) -> str:
    """A random text that fits the field."""
    if "pattern" in field:
        return str(rng.choice(field.get("examples") or [""]))
    words = [rng.choice(_WORDS)]
    wanted = max(field.get("minLength", 1), min(longest_of(field), rng.randint(1, 24)))
    while len(" ".join(words)) < wanted:
        words.append(rng.choice(_WORDS))
    # Cut between two words it would end in a blank and be one letter too short.
    return " ".join(words)[: longest_of(field)].rstrip().ljust(field.get("minLength", 1), "ก")


def _number(field: JSON, rng: random.Random) -> int | float:
    decimals = decimals_of(field) or 0
    step = Decimal(1).scaleb(-decimals)
    low = exact(field.get("minimum"))
    if low is None:
        above = exact(field.get("exclusiveMinimum"))
        low = above + step if above is not None else Decimal(0)
    high, below = exact(field.get("maximum")), exact(field.get("exclusiveMaximum"))
    high = below - step if high is None and below is not None else high
    high = min(high if high is not None else low + 10_000_000, low + 10_000_000)
    drawn = low + Decimal(rng.randint(0, 1000)) * (high - low) / 1000
    return as_json(max(low, drawn.quantize(step, ROUND_DOWN)))


def as_json(number: Decimal) -> int | float:
    """The number as JSON keeps it: whole ones as integers."""
    return int(number) if number == number.to_integral_value() else float(number)
