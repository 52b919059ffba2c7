"""The last line of a check: it says how far the chains are proven, and nothing beyond."""

from __future__ import annotations

from dataclasses import replace

import pytest

from osm_flow.operations.bundles.verdicts import Outcome, Reach, Verdict
from tests.bundles import checker

AT = "2026-11-20T02:00:00.000000Z"
FIRST, OTHER = Reach("case a", 15, 15, AT), Reach("case b", 3, 4, AT)
SEALED = Verdict(0, is_signed=True, is_trusted=True, is_sealed=True, reaches=[FIRST])
ALL = [
    (SEALED, Outcome.holds, f"holds up to record 15 of 15 ({AT})"),
    (
        replace(SEALED, reaches=[FIRST, OTHER, OTHER]),
        Outcome.holds,
        f"holds up to record 15 of 15 ({AT}); 2 more chains: 6 of 8 records",
    ),
    (
        replace(SEALED, is_sealed=False),
        Outcome.holds,
        f"holds up to record 15 of 15 ({AT}); NOT PROVEN: where the chains end, and what the files for reading say",
    ),
    (
        replace(SEALED, is_compared=True),
        Outcome.holds,
        f"holds up to record 15 of 15 ({AT}); compared with the given checkpoint",
    ),
    (
        replace(SEALED, is_compared=False),
        Outcome.unproven,
        f"holds up to record 15 of 15 ({AT}); NOT compared with the given checkpoint",
    ),
    (
        replace(SEALED, is_trusted=False, is_sealed=False),
        Outcome.unproven,
        "nothing wrong was found, but it is NOT PROVEN: no trusted key says who signed it",
    ),
    (Verdict(0), Outcome.unproven, "nothing wrong was found, but it is NOT PROVEN: nobody signed it"),
    (replace(SEALED, faults=2), Outcome.faulty, "does not hold"),
    (replace(SEALED, is_first=True), Outcome.holds, "everything holds"),
    (replace(SEALED, is_first=True, faults=2), Outcome.faulty, "2 faults"),
    (
        replace(SEALED, is_first=True, is_trusted=False),
        Outcome.unproven,
        "nothing wrong was found, but it is NOT PROVEN: no trusted key says who signed it",
    ),
]


@pytest.mark.parametrize(("verdict", "outcome", "words"), ALL)
def test_the_verdict_says_how_far_it_goes(verdict: Verdict, outcome: Outcome, words: str) -> None:
    assert (verdict.outcome, str(verdict)) == (outcome, words)


@pytest.mark.parametrize(("verdict", "outcome", "words"), ALL)
def test_the_checker_for_strangers_says_it_in_the_same_words(verdict: Verdict, outcome: Outcome, words: str) -> None:
    verify = checker()
    report = verify.Report()
    report.faults, report.is_first, report.has_checkpoint = verdict.faults, verdict.is_first, verdict.is_signed
    report.is_trusted, report.is_sealed, report.is_compared = (
        verdict.is_trusted,
        verdict.is_sealed,
        verdict.is_compared,
    )
    report.reaches = [verify.Reach(**vars(reach)) for reach in verdict.reaches]

    assert verify.result_of(report) == (outcome, words)
