"""Nobody is answered for: on no page does a choice that somebody has to make come already made."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lxml import html

from tests.integration.web.test_matrix import ACCOUNTS, World, cells, world

__all__ = ["world"]  # a fixture: the site with one thing of each kind

# What a form says because it is so now, or because it is how the list is read: changing it is the act.
AS_IT_IS = frozenset({"priority", "case_fiscal_year", "sheet", "status"})
WHO = ("all_admin", "osm_director", "osm_strategy", "osm_admin_head", "province_planner")


def chosen_for(page: html.HtmlElement) -> Iterator[str]:
    """The names of what is chosen already in the forms of a page that write something."""
    for form in page.xpath("//form[@method='post']"):
        for select in form.xpath(".//select[not(starts-with(@name, 'col-') or starts-with(@name, 'row-'))]"):
            options = select.xpath(".//option")
            chosen = select.xpath(".//option[@selected and @value != '']")
            preset = chosen or (len(options) > 1 and options[0].get("value") != "")
            if preset and select.get("name") not in AS_IT_IS:
                yield f"select {select.get('name')} of {form.get('action')}"
        for radio in form.xpath(".//input[@type='radio' and @checked]"):
            yield f"radio {radio.get('name')} of {form.get('action')}"


@pytest.mark.parametrize("who", WHO)
def test_no_choice_comes_made(world: World, who: str) -> None:
    account = next(one for one in ACCOUNTS if one.name == who)
    visitor = world.site.visit(account.name)
    seen, wrong = 0, set()
    for _endpoint, method, path, _entrance, _thing in cells(world):
        if method != "GET":
            continue
        response = visitor.client.get(path)
        is_page = response.status_code == 200 and response.mimetype == "text/html"
        text = response.get_data(as_text=True) if is_page else ""
        response.close()
        if "<form" in text:
            seen += 1
            wrong.update(chosen_for(html.fromstring(text)))
    assert seen > 5
    assert sorted(wrong) == []
