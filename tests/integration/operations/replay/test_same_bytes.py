"""The past is the same bytes wherever it is worked out again: hash seeds, time zones, locales, both databases.

Each place is a Python of its own with `PYTHONHASHSEED`, `TZ` and `LC_ALL` set as there. The suite tries a handful; with
`OSM_ALL_PLACES=1` (`make stress`) all seeds in all zones in all locales.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from osm_flow.store import copying
from osm_flow.store.session import Store
from tests.bundles import GOLDEN, make_family

ROOT = Path(__file__).parents[4]
HISTORIES = ("rules_2/plan_drafting.zip", "rules_3/hearing.zip", "format_2/execution_year.zip")
PROGRAM = """
import hashlib, io, json, locale, sys, time
locale.setlocale(locale.LC_ALL, "")
from pathlib import Path
from sqlalchemy import select
from osm_flow.domain.journal import canonical
from osm_flow.operations.bundles.checking import check_bundle
from osm_flow.operations.bundles.reading import read_bundle
from osm_flow.operations.bundles.states import lines_of_states
from osm_flow.operations.bundles.writing import write_bundle
from osm_flow.operations.replay.verify import verify_all_deep
from osm_flow.store.models import Case
from osm_flow.store.session import Store

def digest(content):
    return hashlib.sha256(content).hexdigest()

asked, found = json.loads(sys.argv[1]), {"replayed": {}, "written": {}, "faults": []}
for name in asked["bundles"]:
    report = check_bundle(Path(name), replaying=True)
    found["faults"] += [str(fault) for fault in report.faults]
    for case in read_bundle(Path(name)).cases:
        lines = [canonical(line) for line in lines_of_states(case.history, with_data=True)]
        found["replayed"][case.history.case_id] = [len(lines), digest(b"".join(lines))]
for kind, url in asked["databases"].items():
    store = Store(url)
    with store.reading() as session:
        found["faults"] += [str(fault) for _, deep in verify_all_deep(session) for fault in deep.faults]
        for case_id in session.scalars(select(Case.id).order_by(Case.id)).all():
            target = io.BytesIO()
            write_bundle(session, case_id, target)
            found["written"][f"{kind} {case_id}"] = digest(target.getvalue())
    store.close()
place = [hash("x"), time.timezone, locale.setlocale(locale.LC_CTYPE), locale.setlocale(locale.LC_COLLATE)]
print(json.dumps({"found": found, "place": place}))
"""


class Place(NamedTuple):
    """Where a Python runs: its hash seed, its time zone, and its locale with the character set."""

    seed: str
    zone: str
    locale: str


SEEDS = ("0", "1", "4242")
ZONES = {"UTC": 0, "Asia/Bangkok": -25_200, "America/St_Johns": 12_600, "Pacific/Apia": -46_800}
# Thai as it is written today and as it was, and Turkish, whose small i has another capital.
LOCALES = ("C", "th_TH.UTF-8", "tr_TR.UTF-8", "th_TH.TIS-620", "tr_TR.ISO-8859-9")
SOME = (
    Place("0", "UTC", "C"),
    Place("1", "Asia/Bangkok", "th_TH.UTF-8"),
    Place("4242", "America/St_Johns", "tr_TR.UTF-8"),
    Place("1", "Pacific/Apia", "th_TH.TIS-620"),
)
PLACES = tuple(map(Place._make, itertools.product(SEEDS, ZONES, LOCALES))) if os.environ.get("OSM_ALL_PLACES") else SOME


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with these locales, made by `localedef` of the machine: nothing is installed for them."""
    folder = tmp_path_factory.mktemp("locales")
    for name in LOCALES[1:]:
        language, _, charset = name.partition(".")
        said = "localedef is not on this machine"
        if (program := shutil.which("localedef")) is not None:
            command = [program, "--no-archive", "-c", "-i", language, "-f", charset, str(folder / name)]
            said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
        if not (folder / name / "LC_COLLATE").exists():
            reason = f"the locale {name} cannot be made here (on Debian: apt install locales): {said[-300:]}"
            pytest.fail(reason) if os.environ.get("OSM_REQUIRE_LOCALES") else pytest.skip(reason)
    return folder


def worked_out_in(place: Place, locales: Path, asked: dict[str, Any]) -> tuple[Any, list[Any]]:
    """What a Python at this place makes of it, and where it says that it is."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    environment |= {"PYTHONHASHSEED": place.seed, "TZ": place.zone, "LC_ALL": place.locale, "LOCPATH": str(locales)}
    # Without these Python would call C a locale of UTF-8, which is kinder than it is.
    environment |= {"PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    command = [sys.executable, "-c", PROGRAM, json.dumps(asked)]
    answer = subprocess.run(command, capture_output=True, check=False, cwd=ROOT, env=environment, timeout=300)
    assert answer.returncode == 0, (place, answer.stderr[-2000:].decode("utf-8", "replace"))
    told = json.loads(answer.stdout)
    return told["found"], told["place"]


@pytest.mark.timeout(3600 if os.environ.get("OSM_ALL_PLACES") else 300)
def test_the_past_is_the_same_bytes_everywhere(
    sqlite_store: Store, new_postgresql: Callable[[], Store], locales: Path
) -> None:
    make_family(sqlite_store)
    postgresql = new_postgresql()
    with copying.copied(sqlite_store, postgresql):
        pass
    databases = {
        name: store.url.render_as_string(hide_password=False)
        for name, store in (("sqlite", sqlite_store), ("postgresql", postgresql))
    }
    asked = {"bundles": [str(GOLDEN / name) for name in HISTORIES], "databases": databases}

    answers = {place: worked_out_in(place, locales, asked) for place in PLACES}

    first, _ = answers[PLACES[0]]
    assert first["faults"] == []
    assert len(first["replayed"]) >= len(HISTORIES)
    written = {name.partition(" ")[::2]: digest for name, digest in first["written"].items()}
    assert len(written) == 4  # a case and its child, of each database
    for (kind, case_id), digest in written.items():
        assert digest == written["sqlite", case_id], f"{kind} gives another bundle"
    hashes = set()
    for place, (found, (hash_, offset, ctype, collate)) in answers.items():
        assert found == first, place
        # That they were where they should have been: a locale that is not there would be taken for C in silence.
        assert (offset, ctype, collate) == (ZONES[place.zone], place.locale, place.locale)
        hashes.add((place.seed, hash_))
    assert len({hash_ for _, hash_ in hashes}) == len({seed for seed, _ in hashes}) >= 3
