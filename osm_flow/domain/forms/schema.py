"""What a form is: JSON Schema 2020-12 of one level of fields and tables, with our own `x-` keywords.

A form is an object of fields; a field is a scalar, a list of scalars or a table (a list of flat objects). Nothing
nests deeper, so that one form is at once a page, a spreadsheet, a print and a contract. `docs/forms.md` tells the
vocabulary; `forms_check` enforces it at deployment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from osm_flow.domain.json import JSON
from osm_flow.errors import Invalid

MAX_NODES = 20_000
MAX_DEPTH = 12
MAX_TEXT = 20_000
MAX_ROWS = 500
# The Christian years that a day in a form may lie in.
FIRST_YEAR, LAST_YEAR = 1900, 2200

WIDGETS: Mapping[str, frozenset[str]] = {
    "string": frozenset({"text", "textarea", "date", "datetime", "select", "radio", "province", "file-ref"}),
    "number": frozenset({"number", "money"}),
    "integer": frozenset({"number", "fiscal_year", "select", "radio"}),
    "boolean": frozenset({"checkbox", "yesno"}),
    "array": frozenset({"table", "checkboxes", "provinces", "lines"}),
}
DEFAULT_WIDGET: Mapping[str, str] = {
    "string": "text",
    "number": "number",
    "integer": "number",
    "boolean": "yesno",
    "array": "table",
}
_BY_FORMAT = {"date": "date", "date-time": "datetime"}
PROVINCE = r"TH-[0-9A-Z]{1,2}"
# Where the record that a form is about lies in its context.
RECORD = "around.record."


class Message(str):  # noqa: SLOT000 - carries how it was made
    """A sentence for people: English text, with the gettext key and the parameters that made it.

    `th` is set where the form itself brings the Thai sentence (rules across fields).
    """

    key: str
    params: JSON
    th: str | None

    def __new__(cls, key: str, *, th: str | None = None, **params: Any) -> Message:
        message = super().__new__(cls, key.format(**params) if params else key)
        message.key = key
        message.params = params
        message.th = th
        return message


class FormRefused(Invalid):
    """The form cannot be used."""


def fields_of(schema: JSON) -> dict[str, JSON]:
    """The fields of a form, in the order in which they are written."""
    properties: dict[str, JSON] = schema.get("properties", {})
    return properties


def columns_of(field: JSON) -> dict[str, JSON]:
    """The columns of a table field."""
    return fields_of(field.get("items", {}))


def is_table(field: JSON) -> bool:
    """Whether the field is a list of rows."""
    return field.get("type") == "array" and field.get("items", {}).get("type") == "object"


def widget_of(field: JSON) -> str:
    """The widget by which a page shows the field: the one that the form names, else that of its type."""
    chosen = field.get("x-widget")
    if chosen:
        return str(chosen)
    if field.get("type") == "array" and not is_table(field):
        return "checkboxes" if choices_of(field) else "lines"
    if choices_of(field):
        return "select"
    if field.get("format") in _BY_FORMAT:
        return _BY_FORMAT[field["format"]]
    return DEFAULT_WIDGET.get(field.get("type", ""), "text")


def choices_of(field: JSON) -> list[JSON]:
    """The fixed options of a field or of the items of a list: dicts with `value`, `th`, `en`."""
    source = field.get("items", {}) if field.get("type") == "array" else field
    if "x-enum" in source:
        return list(source["x-enum"])
    return [{"value": value, "th": str(value), "en": str(value)} for value in source.get("enum", ())]


def longest_of(field: JSON) -> int:
    """How many characters a text may have."""
    limit = field.get("maxLength", MAX_TEXT)
    return min(limit, MAX_TEXT) if isinstance(limit, int) else MAX_TEXT


def most_of(field: JSON) -> int:
    """How many entries a list may have."""
    limit = field.get("maxItems", MAX_ROWS)
    return min(limit, MAX_ROWS) if isinstance(limit, int) else MAX_ROWS


def decimals_of(field: JSON) -> int | None:
    """How many decimals a number may have; None where nobody counts."""
    if field.get("type") == "integer":
        return 0
    if widget_of(field) == "money":
        return 2
    limit = field.get("x-decimals")
    return limit if isinstance(limit, int) else None


def label_of(field: JSON, locale: str = "th") -> str:
    """The title of a form, field, group or option in this language."""
    if "title" in field:
        english = field.get("x-en", {}).get("title")
        return str(english) if locale == "en" and english else str(field["title"])
    return str(field.get("en") if locale == "en" and field.get("en") else field.get("th", ""))


def hint_of(field: JSON, locale: str = "th") -> str:
    """The sentence that helps to fill in the field, in this language."""
    english = field.get("x-en", {}).get("description")
    return str(english) if locale == "en" and english else str(field.get("description", ""))


def unit_of(field: JSON, locale: str = "th") -> str:
    """The unit that stands beside the number; baht for money."""
    if widget_of(field) == "money":
        return "baht" if locale == "en" else "บาท"
    english = field.get("x-en", {}).get("unit")
    return str(english) if locale == "en" and english else str(field.get("x-unit", ""))


def groups_of(schema: JSON) -> list[JSON]:
    """The groups of fields under the headings of a page; a form without groups is one group without a heading."""
    return schema.get("x-groups") or [{"th": "", "en": "", "fields": list(fields_of(schema))}]


def find(variables: Mapping[str, Any], path: str | Sequence[str]) -> Any:
    """The value at a dotted path (`project.budget`); of several paths the first that leads somewhere, else None.

    A path that leads through a list gathers what its items have: `replies.concepts.name` is a list of names.
    """
    for candidate in [path] if isinstance(path, str) else path:
        value: Any = variables
        for part in candidate.split("."):
            value = _inside(value, part)
        if value is not None:
            return value
    return None


def _inside(value: Any, part: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(part)
    if not isinstance(value, list):
        return None
    held = [item[part] for item in value if isinstance(item, Mapping) and item.get(part) is not None]
    return [entry for inner in held for entry in (inner if isinstance(inner, list) else [inner])] or None


def is_answer(field: JSON) -> bool:
    """Whether a field asks for yes or no, one of several options or a day, as opposed to words, numbers and boxes to tick."""
    if field.get("type") in ("boolean", "array"):
        return widget_of(field) == "yesno"
    return bool(choices_of(field)) or field.get("format") in ("date", "date-time")


def offered_value(field: JSON, variables: Mapping[str, Any]) -> Any:
    """What the case knows and offers for a field that a person answers (`x-offer-from`), as `known_value` finds it."""
    return known_value({"x-default-from": field.get("x-offer-from")}, variables)


def known_value(field: JSON, variables: Mapping[str, Any]) -> Any:
    """The value that the case knows for a field (`x-default-from`): at a path, the count or sum of a list, or what
    the first fitting item of a list says.
    """
    source = field.get("x-default-from")
    if not isinstance(source, Mapping):
        return find(variables, source) if source else None
    if "find" in source:
        return looked_up(source, lambda path: find(variables, path))
    if "sum" in source:
        lists = [
            find(variables, path) for path in ([source["sum"]] if isinstance(source["sum"], str) else source["sum"])
        ]
        numbers = [
            Decimal(str(number)) for items in lists if isinstance(items, list) for number in items if _is_number(number)
        ]
        total = sum(numbers, Decimal(0))
        return (int(total) if total == total.to_integral_value() else float(total)) if numbers else None
    listed = find(variables, source["count"])
    return _count(listed, source.get("where", {})) if isinstance(listed, list) else None


def looked_up(source: Mapping[str, Any], get: Callable[[str], Any]) -> Any:
    """`value` of the first item of the list at `find` whose columns have the values that `where` names; else None."""
    listed = get(source["find"])
    wanted = {column: get(name) for column, name in source["where"].items()}
    if not isinstance(listed, list) or None in wanted.values():
        return None
    items = (item for item in listed if isinstance(item, Mapping))
    return next(
        (item.get(source["value"]) for item in items if all(item.get(column) == is_ for column, is_ in wanted.items())),
        None,
    )


def known_rows(field: JSON, variables: Mapping[str, Any]) -> list[JSON] | None:
    """The rows that the case lists for a table (`x-rows-from`): one of each item, or with `by` one of each value of that
    column with the `counts` of its items.
    """
    source = field.get("x-rows-from")
    listed = find(variables, source["from"]) if source else None
    if not source or not isinstance(listed, list):
        return None
    if "by" in source:
        return _counted_rows(source, listed)[: most_of(field)]
    columns: Mapping[str, str | list[str]] = source["columns"]
    return [{column: _cell(item, path) for column, path in columns.items()} for item in listed[: most_of(field)]]


def _counted_rows(source: Mapping[str, Any], listed: list[Any]) -> list[JSON]:
    groups: dict[Any, list[Mapping[str, Any]]] = {}
    for item in listed:
        value = item.get(source["by"]) if isinstance(item, Mapping) else None
        if isinstance(value, str | int):
            groups.setdefault(value, []).append(item)
    return [
        {
            **{column: find(items[0], path) for column, path in source["columns"].items()},
            **{column: _count(items, where) for column, where in source["counts"].items()},
        }
        for items in groups.values()
    ]


def _count(items: Sequence[Any], where: Mapping[str, Any]) -> int:
    return sum(1 for item in items if all(find(item, name) == value for name, value in where.items()))


def _cell(item: Any, path: str | list[str]) -> Any:
    if path == "":
        return item if not isinstance(item, Mapping) else None
    return find(item, path) if isinstance(item, Mapping) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def ref_options(
    field: JSON, context: Mapping[str, Any], spell: Callable[[str], str] = str
) -> list[tuple[str, str]] | None:
    """(value, label) of the options that the case's data offer (`x-ref`); None where it offers none.

    A field whose case has nothing to choose from is free text, so that nobody is blocked by a missing list. `spell` says
    what people call each part of a label.
    """
    reference = field.get("x-ref") or field.get("items", {}).get("x-ref")
    if not reference:
        return None
    listed = find(context, reference["from"])
    if not isinstance(listed, list):
        return None
    options = [option for item in listed if (option := _option(item, reference, spell)) is not None]
    return options or None


def _option(item: Any, reference: JSON, spell: Callable[[str], str]) -> tuple[str, str] | None:
    if isinstance(item, str):
        return (item, item)
    if not isinstance(item, Mapping):
        return None
    value = item.get(reference.get("value", "code"))
    if value is None:
        return None
    names = reference.get("label", "name")
    told = [item.get(name) for name in ([names] if isinstance(names, str) else names)]
    label = " · ".join(spell(str(part)) for part in told if part)
    return (str(value), f"{value} {label}" if label and label != value else str(value))


def record_meant(schema: JSON, values: Mapping[str, Any], variables: Mapping[str, Any]) -> str | None:
    """The code of the office record that the form is about (`x-record`): chosen in a field of its own, or known to the case."""
    asked = schema.get("x-record")
    if not asked:
        return None
    own = chooser_of(schema)
    code = values.get(own) or known_value(fields_of(schema)[own], variables) if own else find(variables, asked["code"])
    return code if isinstance(code, str) and code else None


def chooser_of(schema: JSON) -> str | None:
    """The field in which a person chooses the record that the form is about; None where the case says which it is."""
    code = schema.get("x-record", {}).get("code")
    return code if isinstance(code, str) and code in fields_of(schema) else None


def drawn_from_record(field: JSON) -> str | None:
    """What of the record a field shows or opens with: its name there; None for a field that knows nothing of it."""
    sources = [
        field.get("x-beside"),
        field.get("x-default-from"),
        field.get("x-offer-from"),
        field.get("x-rows-from", {}).get("from"),
    ]
    paths = [path for source in sources for path in ([source] if isinstance(source, str) else source or ())]
    named = [str(path).removeprefix(RECORD).split(".")[0] for path in paths if str(path).startswith(RECORD)]
    return named[0] if named else None


def load_form(document: object) -> JSON:
    """The form that a deployment keeps, from what YAML gave: plain JSON, with `enum` made from `x-enum`.

    Raises FormRefused when it is not JSON at all: dates, sets, loops, or a few aliases that unfold into millions.
    """
    if not isinstance(document, dict):
        raise FormRefused("A form is a mapping of keywords.")
    budget = iter(range(MAX_NODES))
    form: JSON = _plain(document, budget, 0)
    for field in _all_fields(form):
        source = field.get("items") if field.get("type") == "array" else field
        if isinstance(source, dict) and isinstance(source.get("x-enum"), list) and "enum" not in source:
            source["enum"] = [option.get("value") for option in source["x-enum"] if isinstance(option, dict)]
    return form


def _all_fields(form: JSON) -> Iterator[JSON]:
    properties = form.get("properties")
    for field in properties.values() if isinstance(properties, dict) else ():
        if isinstance(field, dict):
            yield field
            if isinstance(field.get("items"), dict):
                yield from _all_fields(field["items"])


def _plain(node: object, budget: Iterator[int], depth: int) -> Any:
    if depth > MAX_DEPTH or next(budget, None) is None:
        raise FormRefused("The form is too deep or too large.")
    if isinstance(node, dict):
        if not all(isinstance(key, str) for key in node):
            raise FormRefused("Every keyword of a form is text; put it between quotation marks.")
        return {key: _plain(value, budget, depth + 1) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value, budget, depth + 1) for value in node]
    if node is None or isinstance(node, str | bool | int | float):
        return node
    raise FormRefused("A form holds text, numbers, true, false and lists; put dates between quotation marks.")
