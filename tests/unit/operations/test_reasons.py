"""A reason is something somebody wrote."""

from __future__ import annotations

import pytest

from osm_flow.operations.reasons import ReasonMissing, said


def test_spaces_around_a_reason_are_left_out() -> None:
    assert said("  คำขอของ เจ้าของข้อมูล\n") == "คำขอของ เจ้าของข้อมูล"


@pytest.mark.parametrize("nothing", ["", " ", "\n\t"])
def test_spaces_are_no_reason_and_the_field_says_so(nothing: str) -> None:
    with pytest.raises(ReasonMissing) as refusal:
        said(nothing)

    assert refusal.value.fields == {"reason": "Say why."}
