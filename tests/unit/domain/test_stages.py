"""The stages of the annual cycle: their order and their names."""

from __future__ import annotations

from osm_flow.domain.stages import STAGES, stage_name


def test_a_year_passes_through_the_stages_in_this_order() -> None:
    assert list(STAGES) == [
        "hearing",
        "drafting",
        "integration",
        "approval",
        "submission",
        "monitoring",
        "recommendation",
    ]


def test_a_stage_is_found_by_the_key_that_diagrams_hold() -> None:
    assert all(stage.key == key for key, stage in STAGES.items())


def test_every_stage_is_called_by_a_name_of_its_own_in_both_languages() -> None:
    for locale in ("th", "en"):
        names = {stage_name(key, locale) for key in STAGES}
        assert len(names) == len(STAGES)
        assert not names & set(STAGES)
    assert stage_name("drafting", "th") == "ยกร่างแผน"
    assert stage_name("drafting", "en") == "Plan drafting"


def test_a_stage_that_only_an_older_diagram_knows_is_called_by_its_key() -> None:
    assert stage_name("lobbying", "th") == stage_name("lobbying", "en") == "lobbying"
