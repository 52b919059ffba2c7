"""Running a history again: an honest one gives every recorded state, and each doubt stops at its record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from osm_flow.engine import Process
from osm_flow.operations.bundles.reading import read_bundle
from osm_flow.operations.replay.history import History, Payload
from osm_flow.operations.replay.refold import NotReplayable, fold, process_of, refold
from tests.bundles import GOLDEN

SALT = "00" * 16


@pytest.fixture(scope="module")
def history() -> History:
    (case,) = read_bundle(GOLDEN / "recommendation.zip").cases
    return case.history


def with_record(history: History, seq: int, **changes: Any) -> History:
    chain = [(replace(record, **changes) if record.seq == seq else record, hash_) for record, hash_ in history.chain]
    return replace(history, chain=chain)


def with_body(history: History, seq: int, body: str | None) -> History:
    rest = {number: payload for number, payload in history.payloads.items() if number != seq}
    return replace(history, payloads=rest if body is None else {**rest, seq: Payload(SALT, body)})


def seq_of(history: History, kind: str) -> int:
    return next(record.seq for record, _ in history.chain if record.kind == kind)


def test_every_recorded_state_comes_again(history: History) -> None:
    replayed = list(fold(history))

    assert [(one.seq, one.kind, one.element, one.digest) for one in replayed] == [
        (record.seq, record.kind, record.element, record.state_digest) for record, _ in history.chain
    ]
    assert replayed[0].waiting
    assert replayed[-1].waiting == ()
    assert replayed[0].data["fy"] == 2571


def test_an_act_that_moved_nothing_passes_nothing(history: History) -> None:
    replayed = {one.seq: one for one in fold(history)}
    claimed, completed = seq_of(history, "work_item.claimed"), seq_of(history, "work_item.completed")

    assert replayed[claimed].passed == ()
    assert replayed[claimed].waiting == replayed[claimed - 1].waiting
    assert replayed[completed].passed[0].kind == "completed"
    assert replayed[completed].passed[0].element == replayed[completed].element


@pytest.mark.parametrize(
    ("forge", "code", "words"),
    [
        (
            lambda h, seq: with_record(h, seq, state_digest="0" * 64),
            "state",
            "the replayed state is not the recorded one",
        ),
        (lambda h, seq: with_record(h, seq, at="yesterday"), "time", "the time of the record is none"),
        (lambda h, seq: with_body(h, seq, "not json"), "payload", "no record's payload"),
        (lambda h, seq: with_body(h, seq, '{"command":null}'), "payload", "no record's payload"),
        (lambda h, seq: with_body(h, seq, '{"command":{"type":"Boom"},"data":{},"lookups":{}}'), "replay", "Boom"),
        (
            lambda h, seq: with_body(h, seq, '{"command":{"type":"FireTimer","task_id":"x"},"data":{},"lookups":{}}'),
            "replay",
            "cannot be replayed",
        ),
    ],
)
def test_the_first_doubt_ends_the_replay_at_its_record(
    history: History, forge: Callable[[History, int], History], code: str, words: str
) -> None:
    seq = seq_of(history, "work_item.completed")
    seen = []

    with pytest.raises(NotReplayable, match=words) as caught:
        seen.extend(fold(forge(history, seq)))

    assert (caught.value.details["seq"], caught.value.details["code"]) == (seq, code)
    assert [one.seq for one in seen] == list(range(1, seq))


def test_an_erased_act_ends_the_replay_without_a_fault(history: History) -> None:
    seq = seq_of(history, "work_item.completed")

    with pytest.raises(NotReplayable, match="the payload was erased") as caught:
        list(fold(with_body(history, seq, None)))

    assert "code" not in caught.value.details


def test_an_erased_record_that_moved_nothing_holds_nothing_up(history: History) -> None:
    claimed = seq_of(history, "work_item.claimed")

    assert len(list(fold(with_body(history, claimed, None)))) == len(history.chain)


def test_who_folds_again_judges_a_different_state_themselves(history: History) -> None:
    seq = seq_of(history, "work_item.completed")

    pairs = list(refold(with_record(history, seq, state_digest="0" * 64)))

    assert [record.seq for record, replayed in pairs if record.state_digest != replayed.digest] == [seq]


def test_the_process_is_the_one_of_the_history_and_not_one_in_memory(history: History) -> None:
    record = history.chain[0][0]
    (definition,) = history.definitions.values()
    renamed = replace(definition, xml=definition.xml.replace(b'name="', b'name="X ', 1))
    changed = replace(history, definitions={definition.sha256: renamed})

    assert isinstance(process_of(changed, record), Process)
    with pytest.raises(NotReplayable, match="the definition of the record is not there") as caught:
        process_of(replace(history, definitions={}), record)
    assert caught.value.details["code"] == "definition"
    gateways = replace(definition, xml=definition.xml.replace(b"conditionExpression", b"documentation"))
    with pytest.raises(NotReplayable):
        list(fold(replace(history, definitions={definition.sha256: gateways})))
