"""Writes the words of the player of a bundle from those of the pages: `python -m tests.player_words`.

The player goes out with the evidence and asks nobody, so it carries its words. They are part of the page whose digest
the checkers know: write them anew only where the player would tell something otherwise than the pages do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import yaml

from osm_flow.catalogues import catalogue
from osm_flow.domain.access.roles import ROLES
from osm_flow.domain.forms.schema import choices_of, columns_of, fields_of, label_of
from osm_flow.domain.json import JSON
from osm_flow.operations.bundles import player
from osm_flow.operations.definitions.deployments import shipped_files
from osm_flow.store.clusters import cluster_rows
from osm_flow.web.parts import history
from osm_flow.web.parts.variable_names import NAMES, VALUES

FILE = Path(player.__file__).parent / "files" / "player_words.json"

Pair = list[str]


def words() -> dict[str, dict[str, Pair] | dict[str, dict[str, Pair]]]:
    """Kinds of records, roles, places, variables and values, each in Thai and English."""
    english = catalogue("en").single

    def both(thai: str) -> Pair:
        return [thai, str(english[thai])]

    values: dict[str, dict[str, Pair]] = {}
    for (name, value), thai in VALUES.items():
        values.setdefault(name, {})[value] = both(thai)
    rows = cluster_rows()
    fields: dict[str, Pair] = {}
    for name, asked in _asked_for():
        fields.setdefault(name, [label_of(asked, "th"), label_of(asked, "en")])
        for option in choices_of(asked):
            said = [label_of(option, "th"), label_of(option, "en")]
            values.setdefault(name, {}).setdefault(str(option["value"]), said)
    return {
        "kinds": {str(kind): both(did) for kind, (did, _) in history._TOLD.items()},
        "written_down": {"message.received": both(history._WRITTEN_DOWN[0])},
        "roles": {key: [role.th, role.en] for key, role in ROLES.items()},
        "places": {row.province: [row.province_th, row.province_en] for row in rows}
        | {row.cluster: [row.cluster_th, row.cluster_en] for row in rows},
        "names": {name: both(thai) for name, thai in NAMES.items()},
        "fields": {name: pair for name, pair in fields.items() if name not in NAMES},
        "values": values,
    }


def _asked_for() -> Iterator[tuple[str, JSON]]:
    """Every field and column of the shipped forms: a bundle has the forms of its own cases, not of those around them."""
    for path, content in sorted(shipped_files().items()):
        form = yaml.safe_load(content) if path.endswith(".yaml") else {}
        for name, asked in fields_of(form).items():
            yield name, asked
            yield from columns_of(asked).items()


if __name__ == "__main__":
    FILE.write_text(json.dumps(words(), ensure_ascii=False, indent=0, sort_keys=True) + "\n", encoding="utf-8")
