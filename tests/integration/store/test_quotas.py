"""How much an installation lets people keep."""

from __future__ import annotations

import pytest

from osm_flow.store.quotas import MEGABYTE, USUAL, Quotas, megabytes


def test_what_is_usual_rises_from_one_text_to_all_files_of_an_office() -> None:
    assert Quotas() == USUAL
    assert USUAL.draft < USUAL.file < USUAL.case_files < USUAL.office_files


@pytest.mark.parametrize(("size", "said"), [(20 * MEGABYTE, "20"), (MEGABYTE // 2, "0.5"), (5120 * MEGABYTE, "5120")])
def test_sizes_are_told_without_needless_places(size: int, said: str) -> None:
    assert megabytes(size) == said
