"""A stage is one entry of the table: filters, tracks and names follow it."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.stages import STAGES, Stage, stage_name
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.store.session import Store
from tests.factories import NOW, files, make_case, make_office, make_person
from tests.integration.web.visits import Answer, Site, open_site


@pytest.fixture
def site(store: Store, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A stage is added, and a case of a process that belongs to it is begun."""
    monkeypatch.setitem(STAGES, "closing", Stage("closing", "ปิดปีงบประมาณ", "Closing of the year"))
    site = open_site(store)

    def prepare(session: Session) -> str:
        make_office(session)
        starter = make_person(session, "somsri", "osm_strategy")
        closing = {name: text.replace(b'"drafting"', b'"closing"') for name, text in files("review").items()}
        deploy(session, closing, SYSTEM, NOW)
        return make_case(session, actor=starter, title="ปิดปี 2571").id

    site.case_id = site.arrange(prepare)  # type: ignore[attr-defined]
    return site


def offered(page: Answer) -> tuple[str, str]:
    last = page.all("//select[@name='stage']/option")[-1]
    return last.get("value"), last.text_content().strip()


@pytest.mark.parametrize("address", ["/cases?", "/inbox?view=groups&"])
def test_lists_are_narrowed_to_it_and_say_its_name(site: Site, address: str) -> None:
    page = site.visit("somsri").get(f"{address}stage=closing")
    others = site.visit("somsri").get(f"{address}stage=hearing")

    assert offered(page) == ("closing", "ปิดปีงบประมาณ")
    assert "ปิดปี 2571" in page.words
    assert "ปิดปี 2571" not in others.words
    assert offered(site.visit("somsri", "en").get(address)) == ("closing", "Closing of the year")


def test_the_track_of_a_case_shows_it_in_its_place(site: Site) -> None:
    somsri = site.visit("somsri")
    draft = somsri.get("/inbox?view=groups").all("//a[starts-with(@href, '/work-items/')]/@href")[0]
    somsri.post(f"{draft}/complete", {"text": "ร่าง"})

    page = somsri.get(f"/cases/{site.case_id}")  # type: ignore[attr-defined]

    # The check belongs to the approval, which comes before what is last in the table.
    assert [one.text_content() for one in page.all('//span[@class="stage-name"]')] == [
        "การเห็นชอบของ ก.บ.ก.",
        "ปิดปีงบประมาณ",
    ]


def test_a_key_that_is_no_stage_stands_for_itself() -> None:
    assert stage_name("harvest", "th") == "harvest"
    assert stage_name("hearing", "en") == "Public hearing"
