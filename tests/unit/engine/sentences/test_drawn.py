"""What elements are called in sentences."""

from __future__ import annotations

import pytest

from osm_flow.engine.sentences.drawn import called, listed


@pytest.mark.parametrize(
    ("given", "th", "en"),
    [
        (("check", "ตรวจแผน", "userTask"), "“ตรวจแผน” (check)", "“ตรวจแผน” (check)"),
        (("j", "", "parallelGateway"), "เกตเวย์ขนาน j", "parallel gateway j"),
        (("x", "", "choreographyTask"), "choreographyTask x", "choreographyTask x"),
        (("x",), "x", "x"),
    ],
)
def test_an_element_is_called_by_its_name_and_id_else_by_its_kind(given: tuple[str, ...], th: str, en: str) -> None:
    assert called(*given) == (th, en)


def test_several_are_told_in_a_row() -> None:
    assert listed([called("a"), called("b", "ข")]) == ("a และ “ข” (b)", "a and “ข” (b)")
