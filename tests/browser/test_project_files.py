"""A photo is added to a project from a phone, and its page shows it whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import Desk
from tests.factories import make_office, make_person, make_project
from tests.integration.web.visits import Site
from tests.pictures import photo


@pytest.mark.parametrize("width", [390])
def test_a_photo_is_added_and_shown_upright(site: Site, sit_down: Callable[..., Desk], width: int) -> None:
    def arrange(session: Any) -> None:
        make_office(session)
        make_person(session, "anan", "osm_strategy")
        make_project(session, "P1")

    site.arrange(arrange)
    desk = sit_down("anan", width=width)
    page = desk.open("/projects/P1")
    page.click("a[href$='/add/photos']")
    page.set_input_files("#file", {"name": "IMG_0001.jpg", "mimeType": "image/jpeg", "buffer": photo("JPEG", 6)})
    page.check("#choice-during")
    page.fill("#words", "ระหว่างก่อสร้าง")
    assert desk.violations() == []
    page.click("main button[type=submit]")
    page.wait_for_selector(".photo-list img")
    image = page.locator(".photo-list img")
    image.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('.photo-list img').naturalWidth > 0")

    assert image.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [48, 64]
    assert image.get_attribute("alt") == "ระหว่างดำเนินงาน ระหว่างก่อสร้าง"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert desk.violations() == []
