"""Three cases whose draft waits to be claimed, and the people of their office: for tests of lists of work items."""

from __future__ import annotations

from sqlalchemy.orm import Session

from osm_flow.store.models import WorkItem
from tests.factories import deploy_tests, make_case, make_office, make_person
from tests.integration.web.visits import Site


def prepare(session: Session) -> None:
    """Two strategists, a director and three cases whose draft waits to be claimed."""
    make_office(session)
    deploy_tests(session, "review")
    starter = make_person(session, "somsri", "osm_strategy")
    make_person(session, "malee", "osm_strategy")
    make_person(session, "wichai", "osm_director")
    make_person(session, "planner", "province_planner", province_id="TH-41")
    for title in ("แผนปี 2571", "แผนปี 2572 ฉบับทบทวน", "แผนท่องเที่ยว"):
        make_case(session, actor=starter, title=title)


def waiting(site: Site) -> list[str]:
    """The ids of all open work items, in the order of their cases' titles."""

    def ids(session: Session) -> list[str]:
        items = session.query(WorkItem).filter(WorkItem.state.in_(("READY", "CLAIMED"))).all()
        return [item.id for item in sorted(items, key=lambda one: one.case.title)]

    found: list[str] = site.read(ids)
    return found
