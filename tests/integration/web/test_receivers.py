"""Nobody who does not stand in the roles of a work item gets it: every operation and every route is tried."""

from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

import osm_flow
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.access.policy import Reason
from osm_flow.errors import OsmFlowError
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.access import may_receive
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Candidate, Person, WorkItem
from osm_flow.store.session import Store
from osm_flow.store.upgrade import MIGRATIONS
from tests.factories import NOW, files, items_of, make_acting, make_case, make_office, make_person
from tests.integration.web.visits import Site, open_site

pytestmark = pytest.mark.sampled

PACKAGE = Path(osm_flow.__file__).parent
# Every place that says who has a work item. Another one needs a way in `WAYS` below, and the rule of `may_receive`.
PLACES = {
    *(f"operations/comparing/course.py:_{act}" for act in ("work", "release", "complete", "reassign")),  # read anew
    "operations/stepping/projections.py:work_item_row",  # opened: whom the diagram names
    "operations/work_items/acts.py:_hold",
    "operations/work_items/acts.py:delegate",
    "operations/work_items/acts.py:reassign",
    "operations/work_items/acts.py:release",
    "operations/work_items/completing.py:_finished",
}
PEOPLE = {
    "governor": ("cluster_head", None),
    "deputy": ("cluster_deputy", None),
    "director": ("osm_director", None),
    "shead": ("osm_strategy_head", None),
    "mhead": ("osm_me_head", None),
    "somsri": ("osm_strategy", None),
    "malee": ("osm_strategy", None),
    "clerk": ("osm_admin", None),
    "planner": ("province_planner", "TH-41"),
    "agency": ("agency_owner", "TH-41"),
    "auditor": ("auditor", None),
    "root": ("admin", None),
}
CANDIDATES = ("cluster_head", "osm_director", "osm_strategy", "osm_strategy,cluster_deputy")


def kept_open(candidates: str) -> dict[str, bytes]:
    """The diagram `review` whose first task is drawn for these roles."""
    drawn = files("review")
    drawn["review.bpmn"] = drawn["review.bpmn"].replace(
        b'camunda:candidateGroups="osm_strategy" ', f'camunda:candidateGroups="{candidates}" '.encode()
    )
    return drawn


@pytest.fixture(params=CANDIDATES)
def site(store: Store, request: pytest.FixtureRequest) -> Site:
    site = open_site(store)

    def prepare(session: Session) -> None:
        make_office(session)
        make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
        deploy(session, kept_open(request.param), SYSTEM, NOW)
        people = {
            name: make_person(session, name, role, province_id=province) for name, (role, province) in PEOPLE.items()
        }
        make_person(session, "foreigner", *request.param.split(","), office_id="NE-U2")
        make_acting(session, people["deputy"], people["governor"], "cluster_head", kind="delegated")
        make_case(session)

    site.arrange(prepare)
    return site


def the_item(session: Session) -> WorkItem:
    return session.scalars(select(WorkItem).where(WorkItem.element == "draft")).one()


def receivers(site: Site) -> set[str]:
    """Who may receive the work item, worked out from the hats and not by the policy."""

    def ask(session: Session) -> set[str]:
        drawn = {candidate.role for candidate in the_item(session).candidates}
        people = session.scalars(select(Person.username))
        actors = [actor_named(session, name, NOW.date()) for name in people]
        return {
            one.username for one in actors if any(hat.role in drawn and hat.office_id == "NE-U1" for hat in one.hats)
        }

    found: set[str] = site.read(ask)
    return found


def holder(site: Site) -> str | None:
    def ask(session: Session) -> str | None:
        item = the_item(session)
        return session.get_one(Person, item.assignee_id).username if item.assignee_id else None

    found: str | None = site.read(ask)
    return found


def test_every_place_that_says_who_has_a_work_item_is_known() -> None:
    found = set()
    for path in PACKAGE.rglob("*.py"):
        if {"models", "migrations", "benchmarks"} & set(path.parts):
            continue
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef) and any(map(_says_who_has_it, ast.walk(function))):
                found.add(f"{path.relative_to(PACKAGE)}:{function.name}")

    assert found == PLACES


def _says_who_has_it(node: ast.AST) -> bool:
    """Whether the node sets `assignee_id`: an attribute, a key of a row, or a named value of a statement."""
    match node:
        case ast.Assign(targets=targets):
            flat = [one for target in targets for one in ast.walk(target)]
            return any(isinstance(one, ast.Attribute) and one.attr == "assignee_id" for one in flat)
        case ast.Dict(keys=keys):
            return any(isinstance(key, ast.Constant) and key.value == "assignee_id" for key in keys)
        case ast.Call(func=ast.Name(id="WorkItemFacts")):
            return False
        case ast.keyword(arg="assignee_id", value=ast.Attribute(value=ast.Name(id="item"))):
            return False  # the facts of the policy, read from the row
        case ast.keyword(arg="assignee_id"):
            return True
    return False


Way = Callable[[Session, str, str, str], object]
# How somebody (the second name) might come to hold a work item by an act of the first.
WAYS: dict[str, Way] = {
    "claim": lambda session, item, who, to: work_items.claim(session, item, actor_named(session, to, NOW.date()), NOW),
    "bulk": lambda session, item, who, to: work_items.each(
        session, work_items.claim, [item], actor_named(session, to, NOW.date()), NOW
    ),
    "complete": lambda session, item, who, to: complete(
        session, item, actor_named(session, to, NOW.date()), NOW, Completion.of({"text": "x"})
    ),
    "delegate": lambda session, item, who, to: work_items.delegate(
        session, item, actor_named(session, who, NOW.date()), NOW, to_username=to, reason="ลา"
    ),
    "reassign": lambda session, item, who, to: work_items.reassign(
        session, item, actor_named(session, who, NOW.date()), NOW, to_username=to, reason="ลา"
    ),
    "take over": lambda session, item, who, to: work_items.reassign(
        session, item, actor_named(session, to, NOW.date()), NOW, to_username=to, reason="ลา"
    ),
}


@pytest.mark.parametrize("held", [False, True], ids=["free", "held"])
def test_no_operation_gives_it_to_whom_it_was_not_drawn_for(site: Site, held: bool) -> None:
    may = receivers(site)
    first = sorted(may)[0]
    if held:
        site.arrange(lambda session: work_items.claim(session, the_item(session).id, _actor(session, first), NOW))
    outsiders = [name for name in (*PEOPLE, "foreigner") if name not in may]
    for way, act in WAYS.items():
        for who in ("director", "governor", "root", first):
            for to in outsiders:
                refused = _try(
                    site, lambda session, act=act, who=who, to=to: act(session, the_item(session).id, who, to)
                )
                assert refused or way == "bulk", (way, who, to)
                assert holder(site) == (first if held else None), (way, who, to)
    givers = {"governor", "root", first}
    given = {
        who
        for who in givers
        if not _try(site, lambda session, who=who: WAYS["reassign"](session, the_item(session).id, who, first))
    }
    assert "root" in given  # the ways are open for those for whom it was drawn


def test_no_route_gives_it_to_whom_it_was_not_drawn_for(site: Site) -> None:
    """Every route that posts is tried by one of each kind, with every name that one of them reads."""
    may = receivers(site)
    item_id, case_id = site.read(lambda session: (the_item(session).id, the_item(session).case_id))
    routes = _posts(site.app, {"work_item_id": item_id, "case_id": case_id, "task_id": item_id})
    assert {f"/work-items/{item_id}/{act}" for act in ("claim", "release", "delegate", "reassign")} <= set(routes)
    tried = [path for path in routes if item_id in path or case_id in path or path == "/inbox/bulk"]
    for who in ("director", "shead", "clerk", "planner", "root", "somsri"):
        visitor = site.visit(who)
        token = visitor.get("/me").all('//input[@name="csrf_token"]/@value')[0]
        for path in tried:
            for to in {who, "clerk", "agency"} - may:
                posted = {"to_username": to, "assignee": to, "assignee_id": "1", "reason": "ลา", "item": item_id}
                posted |= {"csrf_token": token, "claim": item_id, "act": "claim", "on_behalf_of": "governor"}
                answer = visitor.client.post(path, data=posted)
                assert answer.status_code < 500, (path, who)
                answer.close()
                assert holder(site) in {None, *may}, (path, who, to)
        if site.read(lambda session: the_item(session).state) == "COMPLETED":
            break  # by one for whom it was drawn


def test_what_goes_back_to_its_owner_needs_an_owner_who_may_receive_it(session: Session) -> None:
    make_office(session)
    deploy(session, files("review"), SYSTEM, NOW)
    anan, busaba = make_person(session, "anan", "osm_strategy"), make_person(session, "busaba", "osm_strategy")
    (item,) = items_of(session, make_case(session))
    work_items.claim(session, item.id, anan, NOW)
    work_items.delegate(session, item.id, anan, NOW, to_username="busaba", reason="ลา")
    session.get_one(Person, anan.person_id).locked_at = NOW

    work_items.release(session, item.id, busaba, NOW + timedelta(hours=1))

    assert (item.assignee_id, item.owner_id, item.state) == (None, None, "READY")


def test_whom_the_diagram_alone_names_is_its_candidate(session: Session) -> None:
    make_office(session)
    anan = make_person(session, "anan", "osm_admin")
    drawn = files("review")
    drawn["review.bpmn"] = drawn["review.bpmn"].replace(
        b'camunda:candidateGroups="osm_strategy" ', b'camunda:assignee="anan" '
    )
    deploy(session, drawn, SYSTEM, NOW)
    (item,) = items_of(session, make_case(session))

    assert (item.assignee_id, item.state) == (anan.person_id, "CLAIMED")
    assert [row.person_id for row in session.scalars(select(Candidate))] == [anan.person_id]
    complete(session, item.id, anan, NOW, Completion.of({"text": "x"}))
    assert item.state == "COMPLETED"


def test_whom_an_earlier_version_gave_it_by_the_diagram_alone_is_its_candidate_after_the_upgrade(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        anan = make_person(session, "anan", "osm_admin")
        deploy(session, files("review"), SYSTEM, NOW)
        named, other = (items_of(session, make_case(session))[0] for _ in range(2))
        named.assignee_id, named.state = anan.person_id, "CLAIMED"
        named_id, other_id = named.id, other.id
        session.execute(delete(Candidate).where(Candidate.work_item_id == named.id))
    migration = ScriptDirectory(str(MIGRATIONS)).get_revision("0020").module
    writing = store.engine.execution_options(osm_begin="IMMEDIATE")
    for _ in range(2):
        with writing.begin() as connection, Operations.context(MigrationContext.configure(connection)):
            migration.upgrade()

    with store.reading() as session:
        rows = session.execute(select(Candidate.work_item_id, Candidate.role, Candidate.person_id)).all()
        assert sorted(map(tuple, rows)) == sorted([(named_id, None, anan.person_id), (other_id, "osm_strategy", None)])


def test_an_approval_goes_to_who_signs_for_its_role_and_to_nobody_below(session: Session) -> None:
    make_office(session)
    deploy(session, kept_open("cluster_head"), SYSTEM, NOW)
    governor, deputy = (
        make_person(session, "governor", "cluster_head"),
        make_person(session, "deputy", "cluster_deputy"),
    )
    make_person(session, "director", "osm_director")
    make_acting(session, deputy, governor, "cluster_head", kind="delegated")
    (item,) = items_of(session, make_case(session))

    people = {one.username: one for one in session.scalars(select(Person))}
    told = {name: may_receive(session, item, person, NOW.date()) for name, person in people.items()}

    assert told == {"governor": Reason.ok, "deputy": Reason.ok, "director": Reason.role}
    work_items.claim(session, item.id, governor, NOW)
    with pytest.raises(OsmFlowError, match="คุณdirector may not receive this work item"):
        work_items.delegate(session, item.id, governor, NOW, to_username="director", reason="ลา")
    work_items.delegate(session, item.id, governor, NOW, to_username="deputy", reason="ลา")
    assert item.assignee_id == deputy.person_id


def _actor(session: Session, username: str):  # type: ignore[no-untyped-def]
    return actor_named(session, username, NOW.date())


def _try(site: Site, act: Callable[[Session], object]) -> bool:
    """Whether it was refused."""
    try:
        site.arrange(act)
    except OsmFlowError:
        return True
    return False


def _posts(app: Flask, known: dict[str, str]) -> list[str]:
    """The addresses of all routes that post and need no more than these."""
    adapter = app.url_map.bind("localhost")
    rules = [
        rule
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and rule.arguments <= {*known, "act"}
    ]
    values = [(rule, {name: known.get(name, "suspend") for name in rule.arguments}) for rule in rules]
    return [adapter.build(rule.endpoint, given, method="POST") for rule, given in values]
