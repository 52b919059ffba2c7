"""How long failed background work waits, and what is not tried again at all."""

from __future__ import annotations

import pytest

from osm_flow.domain.retries import MOST_ATTEMPTS, MOST_ATTEMPTS_AT_SERVICES, is_final, retry_delay
from osm_flow.errors import Invalid, NotFound, OsmFlowError, Refused
from osm_flow.notify.mail import MailFailed
from osm_flow.operations.stepping.service_work import TopicRefused
from osm_flow.operations.stepping.step import StateLost
from osm_flow.store.session import Busy, Overtaken


def minutes(*attempts: int, most: int = MOST_ATTEMPTS) -> list[float | None]:
    delays = [retry_delay(number, most) for number in attempts]
    return [delay.total_seconds() / 60 if delay else None for delay in delays]


def test_each_failure_waits_longer_until_a_person_is_asked() -> None:
    assert minutes(1, 2, 3, 4, 5, 6, 7) == [1, 5, 30, 120, 240, None, None]


def test_retries_wait_longer_each_time_and_then_stop() -> None:
    delays = [retry_delay(attempts) for attempts in range(1, MOST_ATTEMPTS)]

    assert None not in delays
    assert delays == sorted(delays)  # type: ignore[type-var]
    assert retry_delay(MOST_ATTEMPTS) is None


def test_at_a_service_a_person_is_asked_one_failure_earlier() -> None:
    assert minutes(1, 2, 3, 4, 5, most=MOST_ATTEMPTS_AT_SERVICES) == [1, 5, 30, 120, None]


def test_a_failure_that_was_never_counted_waits_as_the_first_one_does() -> None:
    assert minutes(0) == [1]


@pytest.mark.parametrize("error", [OsmFlowError(), Refused(), NotFound(), Invalid(), StateLost(case_id="c")])
def test_what_is_refused_on_purpose_is_not_tried_again(error: Exception) -> None:
    assert is_final(error)


@pytest.mark.parametrize(
    "error",
    [OSError("x"), ZeroDivisionError(), MailFailed(reason="451"), TopicRefused(reason="x"), Busy(), Overtaken()],
)
def test_what_may_pass_by_itself_is_tried_again(error: Exception) -> None:
    assert not is_final(error)
