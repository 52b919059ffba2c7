"""Our judge of forms beside a judge of the standard: where JSON Schema 2020-12 speaks, both say the same.

Forms and values are drawn at random. What the standard refuses is refused by ours, always. What only ours refuses is
refused for one of the reasons in `OURS_ALONE`, which `docs/forms.md` tells to those who write forms.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError

from osm_flow.domain.forms.schema import MAX_ROWS, MAX_TEXT, decimals_of, widget_of
from osm_flow.domain.forms.soundness import check_form
from osm_flow.domain.forms.values import validate
from osm_flow.domain.json import JSON

NAMES = ("name", "amount", "kind", "day", "rows")
WORDS = ("", " ", "ก", "ab", "เกษตร", "x1", "TH-41", "a\tb", "๕", "\u00e9", "e\u0301")
DATES = ("2026-11-20", "2026-02-30", "0001-01-01", "20261120", "2026-W47-5", "2026-324", "๒๐๒๖-๑๑-๒๐", "20/11/2569")
INSTANTS = (
    "2026-11-20T02:30:00Z",
    "2026-11-20T02:30:00.25Z",
    "2026-11-20T09:30:00+07:00",
    "2026-11-20T02:30Z",
    "20261120T023000Z",
    "2026-11-20 02:30:00Z",
    "2026-W47-5T02:30:00Z",
    "2026-11-20T24:00:00Z",
)
RFC_3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})")


# ---- forms -----------------------------------------------------------------------------------------------------


def some_of(**keywords: st.SearchStrategy[Any]) -> st.SearchStrategy[JSON]:
    """A field that says any of these keywords."""
    return st.fixed_dictionaries(
        {}, optional={name.replace("_", "-", name[:2] == "x_"): s for name, s in keywords.items()}
    )


def numbers() -> st.SearchStrategy[float]:
    whole, parts = st.integers(-3, 3), st.sampled_from([0.1, 0.5, 2.5, -0.01, 1.005, 1e-7, 3.0])
    return st.one_of(whole, parts)


def texts() -> st.SearchStrategy[JSON]:
    return some_of(
        minLength=st.integers(0, 3),
        maxLength=st.integers(1, 5),
        pattern=st.sampled_from(["^[a-z]+$", "ก", r"\d", "^$"]),
        enum=st.lists(st.sampled_from(WORDS), min_size=1, unique=True),
        default=st.sampled_from(["", "ab"]),
    ).map(lambda field: {"type": "string", **field})


def moments() -> st.SearchStrategy[JSON]:
    return st.sampled_from(["date", "date-time"]).map(lambda name: {"type": "string", "format": name})


def figures() -> st.SearchStrategy[JSON]:
    limits = {name: numbers() for name in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")}
    number = some_of(**limits, x_widget=st.just("money"), x_decimals=st.integers(0, 2))
    integer = some_of(**limits, enum=st.lists(st.integers(-2, 3), min_size=1, unique=True))
    return st.one_of(
        number.map(lambda field: {"type": "number", **field}),
        integer.map(lambda field: {"type": "integer", **field}),
    )


def booleans() -> st.SearchStrategy[JSON]:
    return some_of(const=st.just(True)).map(lambda field: {"type": "boolean", **field})


def scalars() -> st.SearchStrategy[JSON]:
    return st.one_of(texts(), moments(), figures(), booleans())


def objects(fields: st.SearchStrategy[JSON]) -> st.SearchStrategy[JSON]:
    def whole(properties: Mapping[str, JSON]) -> st.SearchStrategy[JSON]:
        required = st.lists(st.sampled_from(sorted(properties)), unique=True)
        closed = st.one_of(st.just({}), st.just({"additionalProperties": False}))
        return st.builds(
            lambda names, more: {"type": "object", "properties": properties, "required": names, **more},
            required,
            closed,
        )

    return st.dictionaries(st.sampled_from(NAMES), fields, min_size=1, max_size=3).flatmap(whole)


def lists() -> st.SearchStrategy[JSON]:
    limits = some_of(
        minItems=st.integers(0, 2),
        maxItems=st.integers(1, 3),
        uniqueItems=st.booleans(),
        default=st.just([]),
    )
    items = st.one_of(texts(), objects(scalars()))
    return st.builds(lambda field, inner: {"type": "array", "items": inner, **field}, limits, items)


def forms() -> st.SearchStrategy[JSON]:
    return objects(st.one_of(scalars(), lists()))


# ---- values ----------------------------------------------------------------------------------------------------


def any_value() -> st.SearchStrategy[Any]:
    """What fits no field, or only by chance."""
    return st.one_of(
        st.none(),
        st.booleans(),
        numbers(),
        st.sampled_from([*WORDS, *DATES, *INSTANTS, "x" * (MAX_TEXT + 1), "a\0b", 2**60]),
        st.just([]),
        st.just({}),
        st.just(["ab"] * (MAX_ROWS + 1)),
    )


def value_of(field: JSON) -> st.SearchStrategy[Any]:
    """What often fits the field, and often just misses it."""
    near: st.SearchStrategy[Any]
    if "enum" in field:
        near = st.sampled_from(
            [*field["enum"], *(float(each) for each in field["enum"] if isinstance(each, int)), True]
        )
    elif field["type"] == "string":
        near = st.sampled_from({"date": DATES, "date-time": INSTANTS}.get(field.get("format", ""), WORDS))
    elif field["type"] == "boolean":
        near = st.booleans()
    elif field["type"] == "array":
        near = st.lists(value_of(field["items"]), max_size=4)
    elif field["type"] == "object":
        near = values_of(field)
    else:
        limits = [limit for name, limit in field.items() if name.endswith("imum")]
        near = st.one_of(numbers(), st.sampled_from([0, *limits]))
    return st.one_of(near, near, near, near, any_value())


def values_of(schema: JSON) -> st.SearchStrategy[JSON]:
    fields = {name: value_of(field) for name, field in schema["properties"].items()}
    strange = {"stranger": st.integers(0, 1)}
    return st.one_of(
        st.fixed_dictionaries(fields),
        st.fixed_dictionaries({}, optional=fields),
        st.fixed_dictionaries(fields, optional=strange),
    )


# ---- the two judges --------------------------------------------------------------------------------------------


def is_blank(field: JSON, value: Any) -> bool:
    return (value == [] or (isinstance(value, str) and not value.strip())) and field.get("default") != value


# What only our judge refuses: its sentence, and when it may say so of a value that keeps the standard.
OURS_ALONE: Mapping[str, Callable[[JSON, Any], bool]] = {
    "This must be filled in.": is_blank,
    "This is not a field of the form.": lambda field, value: not field,
    "At most {limit} characters fit here.": lambda field, value: len(value) > MAX_TEXT and "maxLength" not in field,
    "At most {limit} entries fit.": lambda field, value: len(value) > MAX_ROWS and "maxItems" not in field,
    "This holds characters that cannot be kept.": lambda field, value: "\0" in value,
    "This number is too large.": lambda field, value: abs(value) > 2**53,
    "At most {limit} decimals fit here.": lambda field, value: decimals_of(field) is not None,
    "A date is expected here.": lambda field, value: widget_of(field) == "date",
    "A date with a time is expected here.": lambda field, value: widget_of(field) == "datetime",
}


def at(schema: JSON, values: Any, path: str) -> tuple[JSON, Any]:
    """The field and the value that a dotted path leads to; no field where the form has none."""
    for part in path.split("."):
        if isinstance(values, list):
            schema, values = schema["items"], values[int(part)]
        else:
            schema, values = schema["properties"].get(part, {}), values.get(part)
    return schema, values


FORMATS = FormatChecker(["date"])


@FORMATS.checks("date-time")
def is_instant(value: object) -> bool:
    """The library leaves this to a package that we have no other use for."""
    return not isinstance(value, str) or RFC_3339.fullmatch(value) is not None


def judge_twice(schema: JSON, values: JSON) -> None:
    errors = validate(schema, values)
    if not Draft202012Validator(schema, format_checker=FORMATS).is_valid(values):
        event("the standard refuses")
        assert errors
    else:
        event("only ours refuses" if errors else "both accept")
        for path, message in errors.items():
            assert OURS_ALONE[message.key](*at(schema, values, path)), (path, message)


@given(schema=forms(), data=st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_both_judges_say_the_same_but_for_the_differences_we_tell(schema: JSON, data: st.DataObject) -> None:
    Draft202012Validator.check_schema(schema)

    judge_twice(schema, data.draw(values_of(schema)))


SPOILT = (None, -1, 0, 0.5, 2, True, False, "", "x", "[", [], ["x", "x"], {})
KEYWORDS = (
    "readOnly",
    "minLength",
    "maxLength",
    "maxItems",
    "minimum",
    "uniqueItems",
    "required",
    "const",
    "enum",
)


@given(schema=forms(), data=st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_a_form_that_only_the_standard_understands_is_refused_at_deployment(schema: JSON, data: st.DataObject) -> None:
    """One keyword is spoilt at random: the form is refused, or both judges still say the same."""
    field = data.draw(st.sampled_from(list(schema["properties"].values())))
    node = data.draw(st.sampled_from([schema, field, field.get("items", field)]))
    keyword = data.draw(st.sampled_from(sorted({*node, *KEYWORDS} - {"type", "items", "properties"})))
    node[keyword] = data.draw(st.sampled_from(SPOILT))

    if not is_schema(schema):
        event("no schema")
        assert check_form(schema)
    elif not check_form(schema):
        judge_twice(schema, data.draw(values_of(schema)))


def is_schema(schema: JSON) -> bool:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError:
        return False
    return True
