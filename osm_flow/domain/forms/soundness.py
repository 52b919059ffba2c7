"""Checking at deployment whether a form is sound, so that no case ever meets a form that cannot be filled in."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from osm_flow.domain.access.party_answers import FIELDS
from osm_flow.domain.forms import patterns
from osm_flow.domain.forms.examples import NothingFits, draw_values
from osm_flow.domain.forms.rules import CHECKS
from osm_flow.domain.forms.schema import (
    MAX_ROWS,
    MAX_TEXT,
    WIDGETS,
    columns_of,
    drawn_from_record,
    fields_of,
    is_answer,
    is_table,
    widget_of,
)
from osm_flow.domain.forms.scope import COMPARISONS, CONDITIONS, conditions_of
from osm_flow.domain.json import JSON

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_OF_PAGES = {"csrf_token", "idempotency_key", "submit", "version", "on_behalf_of", *FIELDS}
RESERVED = frozenset({"typename", *_OF_PAGES})
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
_TOP = {
    "$schema",
    "$id",
    "$comment",
    "title",
    "description",
    "type",
    "required",
    "properties",
    "additionalProperties",
} | {
    "x-en",
    "x-form",
    "x-groups",
    "x-rules",
    "x-record",
}
_COMMON = {"type", "title", "description", "x-en", "x-widget", "x-default-from", "x-show-when", "default", "readOnly"}
_COMMON |= {"examples", "x-unit", "$comment", "x-beside", "x-offer-from"}
_BY_TYPE: Mapping[str, frozenset[str]] = {
    "string": frozenset({"enum", "x-enum", "minLength", "maxLength", "pattern", "x-pattern", "format", "x-ref"}),
    "number": frozenset({"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "x-decimals"}),
    "integer": frozenset({"enum", "x-enum", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"}),
    "boolean": frozenset({"const"}),
    "array": frozenset({"items", "minItems", "maxItems", "uniqueItems", "x-rows-from", "x-compares", "x-records"}),
}
_OF_RECORDS = frozenset({"kind", "code", "into", "which", "with", "columns", "shown", "many", "new"})
_ROW = frozenset({"type", "required", "properties", "additionalProperties", "$comment"})
_ENTRY = (_BY_TYPE["string"] - {"format"}) | {"type", "examples", "$comment"}
_RULE_WORDS = frozenset(
    {"th", "en", "fields", "each", "when", "unless", "by", "where", "plus", "times", "days", "fy", "length"}
)
_RULE_WORDS |= {
    "not_before",
    "not_after",
    "same_day_as",
    "working_days",
    "groups",
    "of",
    "same",
    "apart",
    "than",
    "all_of",
    "values",
}
_FORMATS = {"date": "date", "datetime": "date-time"}


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_yes_or_no(value: Any) -> bool:
    return isinstance(value, bool)


# What a keyword may say, where a wrong value would otherwise be passed over in silence.
_VALUES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(("pattern", "format"), (_is_text, "a text")),
    **dict.fromkeys(("minLength", "minItems"), (_is_whole, "a whole number from 0 up")),
    **dict.fromkeys(("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"), (_is_number, "a number")),
    **dict.fromkeys(("uniqueItems", "readOnly"), (_is_yes_or_no, "true or false")),
    "const": (lambda value: value is True, "true: the box that must be ticked"),
    "enum": (lambda value: isinstance(value, list) and value != [], "a list with at least one option"),
    "examples": (lambda value: isinstance(value, list), "a list"),
    "required": (
        lambda value: isinstance(value, list) and len(set(value)) == len(value),
        "a list of fields, each once",
    ),
}


class HouseRule(str):
    """A fault of a form that works, but not for everybody: words in one language only, or no limit of its own."""

    __slots__ = ()


def check_form(schema: JSON, *, house_rules: bool = False) -> list[str]:
    """The faults of a form, one sentence each, in English; empty for one that works.

    Plain JSON Schema without our keywords works too; `house_rules` asks for what every shipped form has: both languages
    and limits of its own.
    """
    try:
        problems = [problem for problem in _form_problems(schema) if house_rules or not isinstance(problem, HouseRule)]
        if not problems:
            problems.extend(_contradictions(schema))
    except re.error as error:
        shown = str(error.pattern)[:40]
        return [
            f"The pattern {shown} cannot be read: a bracket is not closed, or a sign stands where it means nothing."
        ]
    except (AttributeError, KeyError, TypeError, ValueError, IndexError):
        return [f"The form is not built as a form is: {_oddly_built(schema)}."]
    return problems


# The keywords that hold something in particular, and what that is called.
_BUILT: Mapping[str, tuple[type, str]] = {
    **dict.fromkeys(("properties", "items", "x-rules-en", "x-enum"), (dict, "a group of names")),
    **dict.fromkeys(("required", "enum", "x-groups", "x-rules"), (list, "a list")),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), (int, "a whole number")),
    **dict.fromkeys(("pattern", "type", "format", "x-widget"), (str, "a text")),
}


def _oddly_built(node: Any, where: str = "") -> str:
    """Which keyword holds what it cannot hold."""
    for name, value in node.items() if isinstance(node, dict) else ():
        kind, words = _BUILT.get(name, (object, ""))
        if where != "properties" and not isinstance(value, kind):
            return f"{name} must be {words}"
        if where == "properties" and not isinstance(value, dict):
            return f"the field {name} must be a group of keywords"
        if (found := _oddly_built(value, str(name))) != _SOMEWHERE:
            return found
    return _SOMEWHERE


_SOMEWHERE = "a keyword holds what it cannot hold"


def _form_problems(schema: JSON) -> Iterator[str]:
    yield from _unknown(schema, _TOP, "the form")
    if schema.get("$schema", DIALECT) != DIALECT:
        yield f'Say "$schema": {DIALECT}.'
    yield from _titles(schema, "the form")
    if not fields_of(schema):
        yield "A form has at least one field."
    yield from _object_problems(schema, "", in_table=False)
    yield from _group_problems(schema)
    yield from _record_problems(schema)
    for number, rule in enumerate(schema.get("x-rules", []), start=1):
        for problem in _rule_problems(schema, rule):
            yield f"Rule {number}: {problem}"


def _record_problems(schema: JSON) -> Iterator[str]:
    """The faults of a form that is about a record of the office, or that draws on one and does not say which."""
    asked = schema.get("x-record")
    if asked is not None and not _says_which_record(asked):
        yield "x-record: say the kind of record, and the field or the path in the case that has its code."
    for name, field in fields_of(schema).items():
        if drawn_from_record(field) and asked is None:
            yield f"{name}: it draws on a record, and the form does not say on which (x-record)."


def _says_which_record(asked: Any) -> bool:
    if not isinstance(asked, dict) or set(asked) != {"kind", "code"} or not isinstance(asked["kind"], str):
        return False
    code = asked["code"]
    return isinstance(code, str) or (isinstance(code, list) and all(isinstance(path, str) for path in code))


def _unknown(node: JSON, known: set[str] | frozenset[str], where: str) -> Iterator[str]:
    for key in node:
        if key not in known:
            yield f"{where}: the keyword {key!r} is not part of the vocabulary."


def _wrong_values(node: JSON, where: str) -> Iterator[str]:
    for key, (fits, wanted) in _VALUES.items():
        if key in node and not fits(node[key]):
            yield f"{where}: {key} is {wanted}."


def _titles(node: JSON, where: str) -> Iterator[str]:
    if not isinstance(node.get("title"), str) or not node["title"].strip():
        yield HouseRule(f"{where}: a title in Thai is missing.")
    english = node.get("x-en", {})
    if not english.get("title"):
        yield HouseRule(f"{where}: the English title (x-en) is missing.")
    if bool(node.get("description")) != bool(english.get("description")):
        yield HouseRule(f"{where}: the description is needed in both languages or in none.")
    if bool(node.get("x-unit")) != bool(english.get("unit")):
        yield HouseRule(f"{where}: the unit is needed in both languages or in none.")


def _object_problems(node: JSON, path: str, *, in_table: bool) -> Iterator[str]:
    where = path or "the form"
    yield from _wrong_values(node, where)
    if node.get("type") != "object" or node.get("additionalProperties", False) is not False:
        yield f"{where}: say type: object and additionalProperties: false."
    elif "additionalProperties" not in node:
        yield HouseRule(f"{where}: say additionalProperties: false.")
    fields = fields_of(node)
    for name in node.get("required", []):
        if name not in fields:
            yield f"{where}: the required field {name!r} does not exist."
    for name, field in fields.items():
        here = f"{path}.{name}" if path else name
        if not _NAME.fullmatch(name) or name in RESERVED:
            yield f"{here}: this name cannot be used for a field."
        yield from _field_problems(field, here, in_table=in_table)
        yield from _preset_problems(field, here, is_required=name in node.get("required", []))


def _preset_problems(field: JSON, path: str, *, is_required: bool) -> Iterator[str]:
    """An answer that somebody has to give is not given in advance: pressing the button would say what nobody said."""
    if not is_answer(field):
        return
    if "default" in field:
        yield HouseRule(f"{path}: an answer is not given in advance (default).")
    if is_required and "x-default-from" in field and not field.get("readOnly"):
        yield HouseRule(f"{path}: what the case knows is offered (x-offer-from), or not asked at all (readOnly).")


def _field_problems(field: JSON, path: str, *, in_table: bool) -> Iterator[str]:
    kind = str(field.get("type"))
    if kind not in _BY_TYPE:
        yield f"{path}: the type must be one of {', '.join(sorted(_BY_TYPE))}."
        return
    yield from _unknown(field, _BY_TYPE[kind] | _COMMON, path)
    yield from _wrong_values(field, path)
    yield from _titles(field, path)
    if widget_of(field) not in WIDGETS[kind]:
        yield f"{path}: the widget {widget_of(field)!r} cannot show the type {kind}."
    for keyword in ("x-default-from", "x-offer-from"):
        source = field.get(keyword, "")
        if isinstance(source, dict) and not _is_source(source):
            yield f"{path}: {keyword} is a path, the count or sum of one, or find with value and where."
    if "x-offer-from" in field and (in_table or kind == "array"):
        yield f"{path}: x-offer-from offers one value to one field."
    if kind == "array":
        if in_table:
            yield f"{path}: a table cannot hold lists."
        yield from _list_problems(field, path)
    else:
        yield from _scalar_problems(field, path)


def _list_problems(field: JSON, path: str) -> Iterator[str]:
    yield from _limit(field, "maxItems", MAX_ROWS, path)
    items = field.get("items", {})
    if items.get("type") == "object":
        yield from _unknown(items, _ROW, path)
        yield from _object_problems(items, path, in_table=True)
        if not fields_of(items):
            yield f"{path}: a table has at least one column."
        rows_from = field.get("x-rows-from", {})
        if ("by" in rows_from) != ("counts" in rows_from):
            yield f"{path}: x-rows-from has by and counts together."
        for column in (*rows_from.get("columns", {}), *rows_from.get("counts", {})):
            if column not in columns_of(field):
                yield f"{path}: x-rows-from names the column {column!r}, which does not exist."
        yield from _records_problems(field, path)
    elif items.get("type") == "string":
        yield from _unknown(items, _ENTRY, path)
        yield from _wrong_values(items, path)
        yield from _scalar_problems(items, path)
    else:
        yield f"{path}: the items are text or objects."


def _records_problems(field: JSON, path: str) -> Iterator[str]:
    """A table whose rows lie in records: each of its columns goes there, or is said by the record itself."""
    how = field.get("x-records")
    if how is None:
        return
    missing = [name for name in ("kind", "code", "columns") if not how.get(name)]
    if missing or how.keys() - _OF_RECORDS:
        yield f"{path}: x-records needs kind, code and columns, and knows {', '.join(sorted(_OF_RECORDS))}."
        return
    told = [how["code"], *how["columns"], *how.get("shown", {})]
    if sorted(told) != sorted(columns_of(field)):
        yield f"{path}: x-records says of each column once where it is kept."
    if not how.get("into") and (how.get("which") or how.get("many")):
        yield f"{path}: x-records tells rows apart in a table of the record (into) alone."
    if not how.get("new", {}).keys() <= {*how["columns"], *how.get("shown", {})}:
        yield f"{path}: x-records begins new records (new) with columns of the table alone."


def _limit(field: JSON, keyword: str, most: int, path: str) -> Iterator[str]:
    if keyword not in field:
        yield HouseRule(f"{path}: say {keyword}.")
    elif not _is_whole(field[keyword]) or not 1 <= field[keyword] <= most:
        yield f"{path}: {keyword} is a whole number from 1 to {most}."


def _scalar_problems(field: JSON, path: str) -> Iterator[str]:
    if "x-enum" in field:
        values = [option["value"] for option in field["x-enum"]]
        if field.get("enum") != values or len(set(map(str, values))) != len(values):
            yield f"{path}: enum and x-enum must list the same values, each once."
        if not all(option.get("th") and option.get("en") for option in field["x-enum"]):
            yield HouseRule(f"{path}: every option needs its Thai and English name.")
    elif "enum" in field:
        yield HouseRule(f"{path}: write the options as x-enum, with Thai and English names.")
    elif not field.get("enum") and widget_of(field) in ("select", "radio") and "x-ref" not in field:
        yield f"{path}: a choice needs options (x-enum or x-ref)."
    if field["type"] == "string":
        yield from _text_problems(field, path)


def _text_problems(field: JSON, path: str) -> Iterator[str]:
    yield from _limit(field, "maxLength", MAX_TEXT, path)
    if widget_of(field) in _FORMATS and field.get("format") not in (None, _FORMATS[widget_of(field)]):
        yield f"{path}: the format and the widget do not belong together."
    if "pattern" in field:
        re.compile(field["pattern"])  # one that is written wrongly is told so first
        try:
            patterns.refuse(field["pattern"])
        except patterns.PatternRefused as reason:
            yield (
                f"{path}: this pattern could keep the site waiting ({reason}). Write it without looking ahead or back and "
                "without repeating what an earlier group found."
            )
            return
        examples = field.get("examples", [])
        if not all(patterns.fits(field["pattern"], example) for example in examples):
            yield f"{path}: a pattern needs examples that fit it."
        if not examples:
            yield HouseRule(f"{path}: a pattern needs examples.")
        if not field.get("x-pattern", {}).get("th") or not field["x-pattern"].get("en"):
            yield HouseRule(f"{path}: a pattern needs x-pattern with a sentence in Thai and English.")


def _group_problems(schema: JSON) -> Iterator[str]:
    if "x-groups" not in schema:
        return
    grouped = [name for group in schema["x-groups"] for name in group["fields"]]
    if sorted(grouped) != sorted(fields_of(schema)):
        odd = sorted(set(grouped) ^ set(fields_of(schema))) or [name for name in grouped if grouped.count(name) > 1]
        yield f"x-groups: every field stands in exactly one group; look at {', '.join(odd)}."
    for group in schema["x-groups"]:
        if not group.get("th") or not group.get("en"):
            yield HouseRule("x-groups: every group needs its Thai and English heading.")
        yield from _unknown(group, {"th", "en", "fields", "optional"}, "x-groups")


def _rule_problems(schema: JSON, rule: JSON) -> Iterator[str]:
    checks = [key for key in CHECKS if key in rule]
    if len(checks) != 1:
        yield f"exactly one check is expected, found {checks}."
        return
    yield from _unknown(rule, _RULE_WORDS | set(CHECKS) | set(COMPARISONS), "it")
    if not rule.get("th") or not rule.get("en"):
        yield "a sentence in Thai and one in English are needed."
    table = fields_of(schema).get(rule.get("each", ""), {})
    if "each" in rule and not is_table(table):
        yield f"{rule['each']!r} is no table."
        return
    scope = set(fields_of(schema)) | set(columns_of(table))
    if checks[0] not in ("required", "checked", "within_fiscal_year") and not rule.get("fields"):
        yield "say which fields to mark (fields)."
    for name in _named(rule, checks[0]):
        if name not in scope and not _column_exists(schema, name):
            yield f"there is no field {name!r}."
    if checks[0] in ("sum_of", "value", "product_of") and sum(key in rule for key in COMPARISONS) != 1:
        yield f"exactly one of {', '.join(COMPARISONS)} is expected."
    if checks[0] == "date" and sum(word in rule for word in ("not_before", "not_after", "same_day_as")) != 1:
        yield "exactly one of not_before, not_after, same_day_as is expected."
    yield from _outside_problems(rule, checks[0])
    if checks[0] in ("count_of", "distinct_of") and not isinstance(rule.get("at_least"), int):
        yield "say at_least."
    for condition in [*conditions_of(rule), *conditions_of(rule, "where")]:
        if "field" not in condition or len(CONDITIONS & set(condition)) != 1 or len(condition) != 2:
            yield f"a condition is a field and one of {', '.join(sorted(CONDITIONS))}."


def _outside_problems(rule: JSON, check: str) -> Iterator[str]:
    """The faults of rules that compare with what lies outside of the form and do not say with what."""
    needed = {"not_among": ("of",), "not_behind": ("than",), "covers": ("all_of", "values")}.get(check)
    if needed and sum(word in rule for word in needed) != 1:
        yield f"say {' or '.join(needed)}."
    if "groups" in rule and "by" not in rule:
        yield "groups belong to by."


def _is_source(source: JSON) -> bool:
    if "find" in source:
        return set(source) == {"find", "value", "where"} and isinstance(source["where"], dict)
    return len({"count", "sum"} & set(source)) == 1 and not set(source) - {"count", "sum", "where"}


def _named(rule: JSON, check: str) -> Iterator[str]:
    """The names that must exist in the form; the other side of a comparison may be a variable of the case."""
    names: Any = rule[check]
    yield from names if isinstance(names, list) else [names]
    yield from rule.get("fields", [])


def _column_exists(schema: JSON, name: str) -> bool:
    table, _, column = name.partition(".")
    return column in columns_of(fields_of(schema).get(table, {}))


def _contradictions(schema: JSON) -> Iterator[str]:
    try:
        draw_values(schema, random.Random(0), {})  # noqa: S311 - a trial, not a secret
    except NothingFits:
        yield "The rules contradict each other: no values were found that keep them all."
