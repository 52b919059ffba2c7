"""What a history in memory shows of itself: payloads, erasures, definitions."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from osm_flow.domain.journal import digest_payload
from osm_flow.operations.bundles.reading import read_bundle
from osm_flow.operations.replay.history import History, Payload, faults_of_history
from tests.bundles import GOLDEN


def kept(name: str) -> History:
    (case,) = read_bundle(GOLDEN / f"{name}.zip").cases
    return case.history


def told(history: History) -> list[tuple[int, str]]:
    return [(fault.seq, fault.code) for fault in faults_of_history(history)]


def with_payload(history: History, seq: int, change: Callable[[Payload], Payload | None]) -> History:
    payloads = dict(history.payloads)
    changed = change(payloads.pop(seq))
    return replace(history, payloads=payloads if changed is None else {**payloads, seq: changed})


def test_an_honest_history_has_no_faults() -> None:
    assert told(kept("recommendation")) == []


def test_what_was_erased_on_record_is_no_fault() -> None:
    history = kept("plan_drafting")

    assert history.erased == {4}
    assert 4 not in history.payloads
    assert told(history) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda payload: None,
        lambda payload: replace(payload, body=payload.body + " "),
        lambda payload: replace(payload, salt="00" * 16),
        lambda payload: replace(payload, salt=payload.salt.upper()),
        lambda payload: replace(payload, salt="no hex"),
    ],
)
def test_a_payload_that_is_not_the_recorded_one_is_a_fault(change: Callable[[Payload], Payload | None]) -> None:
    assert told(with_payload(kept("recommendation"), 2, change)) == [(2, "payload")]


@pytest.mark.parametrize("salt", ["", "ab" * 15, "ab" * 17])
def test_a_salt_is_sixteen_bytes_whatever_the_digest_says(salt: str) -> None:
    history = kept("recommendation")
    body = history.payloads[2].body
    chain = [
        (replace(record, payload_digest=digest_payload(salt, body)) if record.seq == 2 else record, hash_)
        for record, hash_ in history.chain
    ]
    forged = replace(history, chain=chain, payloads={**history.payloads, 2: Payload(salt, body)})

    assert (2, "payload") in told(forged)


def test_a_payload_of_no_record_is_a_fault() -> None:
    history = kept("recommendation")

    assert told(replace(history, payloads={**history.payloads, 99: Payload("00", "{}")})) == [(99, "payload")]


def test_a_record_erases_only_what_came_before_it() -> None:
    history = kept("plan_drafting")
    eraser = next(record.seq for record, _ in history.chain if record.kind == "payloads.erased")

    def erase_more(payload: Payload) -> Payload:
        body = json.loads(payload.body)
        body["data"]["erased"] = [4, eraser, eraser + 1, "5"]
        return replace(payload, body=json.dumps(body))

    assert with_payload(history, eraser, erase_more).erased == {4}
    assert with_payload(history, eraser, lambda payload: replace(payload, body="[]")).erased == set()
    assert with_payload(history, eraser, lambda payload: None).erased == set()


def test_a_definition_is_known_by_its_whole_content() -> None:
    history = kept("recommendation")
    ((digest, definition),) = history.definitions.items()
    for changed in (
        replace(definition, xml=definition.xml + b" "),
        replace(definition, forms={**definition.forms, "new": {}}),
        replace(definition, decisions={}),
    ):
        assert not changed.is_whole
        assert told(replace(history, definitions={digest: changed})) == [(0, "definition")]
    assert definition.is_whole


def test_a_record_of_another_definition_is_told_once() -> None:
    history = kept("recommendation")

    assert told(replace(history, definitions={})) == [(1, "definition")]
