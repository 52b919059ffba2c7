"""Form pages out of schemas: one WTForms class per form, and the reading of what a page sent back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, ClassVar

from flask import current_app, has_app_context
from werkzeug.datastructures import MultiDict
from wtforms.form import BaseForm

from osm_flow.domain.access.party_answers import FIELDS
from osm_flow.domain.forms.schema import (
    RECORD,
    Message,
    chooser_of,
    fields_of,
    find,
    groups_of,
    hint_of,
    label_of,
)
from osm_flow.domain.forms.typed_text import printable
from osm_flow.domain.forms.values import Errors, Filled, faults_in, prefill, settled
from osm_flow.domain.json import JSON
from osm_flow.web.forms.fields import MISSING, FormField, Surroundings, TableField, field_for
from osm_flow.web.site.i18n import current_locale, gettext

# What every page posts beside the fields of its form.
PAGE_NAMES = frozenset({"csrf_token", "idempotency_key", "submit", "version", *FIELDS})
_DRAFT_LIMIT = 20_000
# By this name a page sends the version of the office record that it shows.
RECORD_SEEN = "_record"


class SchemaForm(BaseForm):
    """A form page: `fields` by name, `groups` in order, and once it is read its `values` and `faults` by dotted path."""

    schema: ClassVar[JSON] = {}

    def __init__(
        self,
        formdata: MultiDict[str, str] | None = None,
        data: Mapping[str, Any] | None = None,
        *,
        locale: str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        self.locale = locale or current_locale()
        self.context = context or {}
        around = Surroundings(self.locale, self.context, _province_name)
        required = self.schema.get("required", [])
        unbound: dict[str, Any] = {
            name: field_for(field)(field, around, required=name in required)
            for name, field in fields_of(self.schema).items()
        }
        super().__init__(unbound)
        self.form_fields: dict[str, Any] = dict(self._fields)
        self.values: JSON = {}
        self.faults: Errors = {}
        known = prefill(self.schema, self.context) if formdata is not None else {}
        for name, field in self.form_fields.items():
            given = (data or {}).get(name)
            if field.is_locked:
                field.process(None, known.get(name, given))
            else:
                field.process(formdata, given)
        record = find(self.context, RECORD.rstrip("."))
        self.record: JSON | None = record if isinstance(record, dict) and "x-record" in self.schema else None
        # The version of the record that this page shows, as the page sends it back.
        self.record_seen = f"{self.record['code']}@{self.record['version']}" if self.record else ""
        chooser = self.form_fields.get(chooser_of(self.schema) or "")
        if chooser is not None:
            chooser.is_chosen = self.record is not None and chooser.text == self.record["code"]

    @property
    def chooser(self) -> FormField | None:
        """The field in which a person chooses the record that the form is about."""
        found: FormField | None = self.form_fields.get(chooser_of(self.schema) or "")
        return found

    @property
    def awaits_choice(self) -> bool:
        """Whether nothing can be filled in before somebody chooses the record that the form is about."""
        field = self.chooser
        asks = field is not None and field.is_required and bool(field.options)
        return asks and self.record is None and not self.faults

    @property
    def groups(self) -> list[JSON]:
        """Headings with their fields; `is_open` when an optional part has something to show."""
        groups = []
        for group in groups_of(self.schema):
            fields = [self.form_fields[name] for name in group["fields"]]
            groups.append(
                {
                    "heading": label_of(group, self.locale),
                    "fields": fields,
                    "is_optional": bool(group.get("optional")),
                    "is_open": any(self._has_something(field) for field in fields),
                }
            )
        return groups

    @property
    def title(self) -> str:
        """The title of the form."""
        return label_of(self.schema, self.locale)

    @property
    def hint(self) -> str:
        """What the form is for."""
        return hint_of(self.schema, self.locale)

    def fault(self, path: str) -> str:
        """What is wrong at a dotted path, in the reader's language; empty when nothing is."""
        message = self.faults.get(path)
        return message_text(message, self.locale) if message is not None else ""

    def fault_of(self, field: FormField) -> str:
        """What is wrong with a field or, in a field of several lines or choices, with the first of them that is wrong."""
        own = self.fault(field.name)
        if own or isinstance(field, TableField):
            return own
        path = next((path for path in self.faults if path.startswith(f"{field.name}.")), "")
        return " ".join(filter(None, (self._line(field, path), self.fault(path)))) if path else ""

    def _line(self, field: FormField, path: str) -> str:
        number = path.split(".")[1]
        listed = field.widget_name == "lines" and number.isdecimal()
        return gettext("บรรทัดที่ %(n)s", self.locale, n=int(number) + 1) if listed else ""

    def label(self, path: str) -> str:
        """What people call the field at a dotted path: `กิจกรรมหลัก แถวที่ 3 งบประมาณ`."""
        name, *rest = path.split(".")
        field = self.form_fields.get(name)
        if field is None:
            return printable(name)
        if not isinstance(field, TableField):
            return " ".join(filter(None, (str(field.label.text), self._line(field, path) if rest else "")))
        if not rest:
            return str(field.label.text)
        row = f"{gettext('แถวที่', self.locale)} {int(rest[0]) + 1}"
        column = label_of(field.columns[rest[1]], self.locale) if len(rest) > 1 and rest[1] in field.columns else ""
        return " ".join(part for part in (str(field.label.text), row, column) if part)

    def anchor(self, path: str) -> str:
        """The id of the input at a dotted path, for the links of the error summary."""
        name, *rest = path.split(".")
        field = self.form_fields.get(name)
        if field is None:
            return "form-top"
        if isinstance(field, TableField) and len(rest) > 1:
            return f"field-{field.name}-{rest[0]}-{rest[1]}"
        listed = field.widget_name in ("radio", "yesno") or (
            field.widget_name in ("checkboxes", "provinces") and field.options
        )
        return f"{field.id}-first" if listed else str(field.id)

    def read(self, extra: Iterable[str] = (), posted: Iterable[str] = ()) -> None:
        """Turn what was typed into values, unjudged; what is no value of its field is a fault already."""
        for name, field in self.form_fields.items():
            value = field.result()
            if value is MISSING and field.schema.get("default") in ("", []):
                value = field.schema["default"]
            if value is not MISSING:
                self.values[name] = value
            self.faults.update(field.faults)
        for name in self._strangers(posted, frozenset(extra)):
            self.faults[printable(name)[:80]] = Message("This is not a field of the form.")

    def judge(self) -> None:
        """Find what is wrong with the values that were read."""
        filled = Filled(settled(self.schema, self.values, self.context), self.faults)
        self.show(faults_in(self.schema, filled, self.context))

    def show(self, faults: Errors) -> None:
        """Have the page say what is wrong, in the order of its fields."""
        order = {
            name: index
            for index, name in enumerate(name for group in groups_of(self.schema) for name in group["fields"])
        }
        self.faults = dict(sorted(faults.items(), key=lambda item: order.get(item[0].split(".")[0], -1)))

    def _strangers(self, posted: Iterable[str], extra: frozenset[str]) -> list[str]:
        tables = [field for field in self.form_fields.values() if isinstance(field, TableField)]
        return [
            name
            for name in posted
            if name not in PAGE_NAMES
            and name not in extra
            and not name.startswith("_")
            and (name not in self.form_fields or isinstance(self.form_fields[name], TableField))
            and not any(table.owns(name) for table in tables)
        ]

    def _has_something(self, field: FormField) -> bool:
        faulty = any(path.split(".")[0] == field.name for path in self.faults)
        return faulty or bool(getattr(field, "rows", None) or getattr(field, "text", None))


def _province_name(code: str) -> str:
    name = current_app.jinja_env.filters.get("province_name") if has_app_context() else None
    return str(name(code)) if name else code


def message_text(message: Message, locale: str) -> str:
    """The sentence in this language; a rule of a form brings its own Thai."""
    if message.th and locale == "th":
        return message.th
    text = gettext(message.key, locale)
    return text.format(**message.params) if message.params else text


def form_class(schema: JSON) -> type[SchemaForm]:
    """The page class of a schema; the same schema gives the same class."""
    return _class_of(json.dumps(schema, sort_keys=False, ensure_ascii=False))


@lru_cache(maxsize=256)
def _class_of(text: str) -> type[SchemaForm]:
    return type("PageForm", (SchemaForm,), {"schema": json.loads(text)})


def from_values(
    schema: JSON, values: Mapping[str, Any], *, context: Mapping[str, Any] | None = None, locale: str | None = None
) -> SchemaForm:
    """The page with these values in its inputs."""
    return form_class(schema)(data=values, context=context, locale=locale)


def blank(schema: JSON, context: Mapping[str, Any], *, locale: str | None = None) -> SchemaForm:
    """The page as it opens for the first time: defaults, and what the case already knows."""
    return from_values(schema, prefill(schema, context), context=context, locale=locale)


def sent(
    schema: JSON,
    formdata: MultiDict[str, str],
    files: MultiDict[str, Any] | None = None,
    *,
    context: Mapping[str, Any] | None = None,
    locale: str | None = None,
    extra: Iterable[str] = (),
) -> SchemaForm:
    """The page that was sent back, read but not judged: for an operation that judges it."""
    form = form_class(schema)(formdata, context=context, locale=locale)
    form.read(extra, [*formdata, *(files or ())])
    return form


def submitted(
    schema: JSON,
    formdata: MultiDict[str, str],
    files: MultiDict[str, Any] | None = None,
    *,
    context: Mapping[str, Any] | None = None,
    locale: str | None = None,
    extra: Iterable[str] = (),
) -> SchemaForm:
    """The page that was sent back, read and judged: `.values`, `.faults`, and every input as it was typed."""
    form = sent(schema, formdata, files, context=context, locale=locale, extra=extra)
    form.judge()
    return form


def chosen_in(schema: JSON | None, typed: Mapping[str, str]) -> JSON:
    """The record that was chosen for the form in what was typed, as a value of the form."""
    chooser = chooser_of(schema) if schema else None
    code = typed.get(chooser, "").strip() if chooser else ""
    return {chooser: code} if chooser and code else {}


def opening(schema: JSON, context: Mapping[str, Any], typed: Mapping[str, str]) -> JSON:
    """What a form opens with when a record was chosen for it: that record, and what is drawn from it."""
    return prefill(schema, context) | chosen_in(schema, typed)


def draft_of(schema: JSON, formdata: MultiDict[str, str]) -> JSON:
    """What was typed so far, unread and unjudged, to be kept as a draft: names of the form and their texts."""
    form = form_class(schema)()
    tables = [field for field in form.form_fields.values() if isinstance(field, TableField)]
    kept = [name for name in formdata if name in form.form_fields or any(table.owns(name) for table in tables)]
    kept += [RECORD_SEEN] if "x-record" in schema and RECORD_SEEN in formdata else []
    return {name: [printable(text) for text in formdata.getlist(name)] for name in kept[:_DRAFT_LIMIT]}


def from_draft(
    schema: JSON, draft: Mapping[str, Any], *, context: Mapping[str, Any] | None = None, locale: str | None = None
) -> SchemaForm:
    """The page as it was when the draft was kept."""
    pairs = [
        (name, str(text)) for name, texts in draft.items() for text in (texts if isinstance(texts, list) else [texts])
    ]
    form = form_class(schema)(MultiDict(pairs), context=context, locale=locale)
    form.record_seen = dict(pairs).get(RECORD_SEEN, form.record_seen)
    return form
