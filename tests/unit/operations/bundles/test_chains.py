"""The rules that chains of all kinds keep: both checkers find the same faults in a kind that neither knows."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from osm_flow.operations.bundles.checking import check_bundle
from tests.bundles import GENESIS, GOLDEN, Forger, digest_of, hash_of, run_script, verdict_of

Records = list[dict[str, Any]]
FOLDER = "chains/letters/letters-2571"


def letters() -> tuple[Records, Records]:
    """Three records of a kind that is not known, and the texts beside them."""
    texts = [
        {"seq": seq, "part": part, "salt": f"{seq}" * 32, "body": f"{part} {seq}"}
        for seq in (1, 2, 3)
        for part in ("subject", "to")
    ]
    records: Records = []
    for seq in (1, 2, 3):
        digests = {text["part"]: digest_of(text) for text in texts if text["seq"] == seq}
        record = {"seq": seq, "at": f"2026-11-20T02:00:0{seq}.000000Z", "digests": digests}
        record["prev_hash"] = records[-1]["hash"] if records else GENESIS
        records.append({**record, "hash": hash_of(record)})
    return records, texts


def written(path: Path, lines_of: tuple[Records, Records], about: dict[str, Any] | None = None) -> Path:
    forger = Forger.of(GOLDEN / "format_2" / "hearing.zip")
    for name in ("checkpoint.txt", "keys.txt", "manifest.sig", "consistency.json"):
        forger.files.pop(name)
    for name in [name for name in forger.files if name.endswith("/proof.json")]:
        del forger.files[name]
    for name, lines in zip(("journal", "payloads"), lines_of, strict=True):
        forger.files[f"{FOLDER}/{name}.jsonl"] = b"".join(rfc8785.dumps(line) + b"\n" for line in lines)
    chain = {"kind": "letters", "id": "letters-2571", "records": 3, "head": letters()[0][-1]["hash"]}
    chain |= about or {}
    manifest = {**forger.manifest, "chains": [*forger.manifest["chains"], chain], "checkpoint": None}
    forger.files["manifest.json"] = rfc8785.dumps(manifest) + b"\n"
    forger.fit_player()
    return forger.write(path)


def test_a_kind_that_is_not_known_is_checked_as_a_chain_and_that_is_said(tmp_path: Path) -> None:
    path = written(tmp_path / "x.zip", letters(), {"since": "2571"})

    report = check_bundle(path)
    _, said = run_script(path)

    assert report.faults == []
    assert "chain letters letters-2571: kind letters: checked as a chain only" in report.notes
    assert "chain  chain letters letters-2571: 3 records (kind letters: checked as a chain only): holds" in said
    assert verdict_of(path)[0] == 3


def without_a_text(records: Records, texts: Records) -> None:
    """What was taken out beside a chain of another kind is no fault of the chain."""
    del texts[2]


def test_texts_may_be_missing(tmp_path: Path) -> None:
    records, texts = letters()
    without_a_text(records, texts)

    assert check_bundle(written(tmp_path / "x.zip", (records, texts))).faults == []


@pytest.mark.parametrize(
    "change",
    [
        lambda records, _: records.pop(),
        lambda records, _: records.pop(0),
        lambda records, _: records.reverse(),
        lambda records, _: records.append(dict(records[-1])),
        lambda records, _: records[1].update(at="later"),
        lambda records, _: records[1].update(hash="0" * 64),
        lambda records, _: records[1].update(hash=None),
        lambda records, _: records[1].update(seq="2"),
        lambda records, _: records[1].pop("prev_hash"),
        lambda records, _: records[1].update(prev_hash=[]),
        lambda _, texts: texts[1].update(body="another"),
        lambda _, texts: texts[1].update(salt="1" * 30),
        lambda _, texts: texts[1].update(salt="A" * 32),
        lambda _, texts: texts[1].update(part="cc"),
        lambda _, texts: texts[1].update(more=1),
        lambda _, texts: texts.append({**texts[-1], "seq": 4}),
        lambda _, texts: texts.reverse(),
        lambda _, texts: texts.insert(0, dict(texts[0])),
    ],
)
def test_both_find_what_is_wrong_with_it(tmp_path: Path, change: Callable[[Records, Records], None]) -> None:
    records, texts = letters()
    change(records, texts)

    assert verdict_of(written(tmp_path / "x.zip", (records, texts))) == (1, "does not hold")


@pytest.mark.parametrize(
    "about",
    [{"kind": "Letters"}, {"kind": 1}, {"id": "../x"}, {"id": None}, {"records": "3"}, {"records": 2}, {"head": "x"}],
)
def test_what_the_manifest_says_of_it_must_be_right(tmp_path: Path, about: dict[str, Any]) -> None:
    assert verdict_of(written(tmp_path / "x.zip", letters(), about)) == (1, "does not hold")


def test_a_known_kind_has_its_own_name_and_fields(tmp_path: Path) -> None:
    """A chain of a case is not shown as that of the administration."""
    forger = Forger.of(GOLDEN / "format_2" / "administration.zip")
    lines = forger.files["chains/administration/administration/journal.jsonl"].splitlines()
    record = json.loads(lines[0])

    assert (
        sha256(rfc8785.dumps({name: record[name] for name in record if name != "hash"})).hexdigest() == record["hash"]
    )
    for about in ({"id": "other"}, {"kind": "reads"}):
        manifest = forger.manifest
        manifest["chains"][0] |= about
        changed = Forger({**forger.files, "manifest.json": rfc8785.dumps(manifest) + b"\n"})
        assert verdict_of(changed.write(tmp_path / "x.zip", fitting=False))[0] == 1
