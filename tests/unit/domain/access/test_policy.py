"""Who may do what: every verb for every role, then the rules that a table cannot show."""

from __future__ import annotations

import pytest

from osm_flow.domain.access.actors import SYSTEM, Actor, Hat
from osm_flow.domain.access.policy import (
    RULES,
    SYSTEM_VERBS,
    CaseFacts,
    Circle,
    DutiesAreSeparate,
    Facts,
    HeldBySomeoneElse,
    NotYourRole,
    OfficeFacts,
    ProcessFacts,
    Reason,
    RecordFacts,
    SystemFacts,
    Verb,
    WorkItemFacts,
    decide,
    is_everywhere,
    is_open_to,
    require,
    takes_part,
)
from osm_flow.domain.access.roles import ROLES, SIGN_IN_ROLES, STAFF
from osm_flow.errors import NotFound

OFFICE, OTHER_OFFICE = "NE-U1", "NE-U2"
PROVINCE, OTHER_PROVINCE = "TH-41", "TH-38"
FACTS: dict[Verb, Facts] = {
    **dict.fromkeys(Verb, WorkItemFacts(OFFICE, candidates=("somebody_else",))),
    **dict.fromkeys(
        (Verb.see_case, Verb.see_history, Verb.cancel_case, Verb.suspend_case, Verb.record_message, Verb.comment),
        CaseFacts(OFFICE),
    ),
    **dict.fromkeys(
        (
            Verb.see_record,
            Verb.see_personal,
            Verb.correct_record,
            Verb.confirm_record,
            Verb.keep_record_file,
            Verb.import_records,
        ),
        RecordFacts(OFFICE),
    ),
    Verb.resume_case: CaseFacts(OFFICE, state="SUSPENDED"),
    Verb.start_case: ProcessFacts("annual_cycle", OFFICE),
    **dict.fromkeys((Verb.manage_witnesses, Verb.hold, Verb.erase, Verb.say_why), OfficeFacts(OFFICE)),
    Verb.mark_sensitive: CaseFacts(OFFICE),
    **dict.fromkeys((Verb.see_team, Verb.see_audit, Verb.manage_people, Verb.move_calendar), OfficeFacts(OFFICE)),
    **dict.fromkeys(
        (Verb.confirm_position, Verb.record_order, Verb.propose_diagrams, Verb.retry_incident), OfficeFacts(OFFICE)
    ),
    **dict.fromkeys(
        (Verb.deploy, Verb.sign_log, Verb.repair_log, Verb.rebuild_tables, Verb.move_holidays), SystemFacts()
    ),
}
HEADS = {"osm_director", "osm_admin_head", "osm_strategy_head", "osm_me_head"}
SUPERIORS = {"cluster_head", "cluster_deputy", "province_office_head"}
OSM = {role for role in STAFF if role.startswith("osm_")}
STEERING = SUPERIORS | {"osm_director", "admin"}
READERS = set(STAFF) | {"admin", "auditor"}
# Written out by hand on purpose: the test says what the office wants, not what the table in the code happens to say.
MAY = {
    Verb.see_case: READERS,
    Verb.see_work_item: READERS,
    Verb.see_history: READERS,
    Verb.see_record: READERS,
    Verb.see_personal: set(STAFF) | {"auditor"},
    Verb.correct_record: {"osm_director", "osm_strategy_head", "osm_strategy", "osm_me_head", "osm_me"},
    Verb.keep_record_file: {"osm_director", "osm_strategy_head", "osm_strategy", "osm_me_head", "osm_me"},
    Verb.import_records: {"osm_director", "osm_strategy_head", "osm_strategy", "osm_me_head", "osm_me"},
    Verb.confirm_record: SUPERIORS | {"osm_director", "osm_strategy_head", "osm_me_head"},
    Verb.see_team: HEADS | SUPERIORS | {"admin", "auditor"},
    Verb.see_audit: {"admin", "auditor"},
    Verb.say_why: {"auditor"},
    Verb.mark_sensitive: {"osm_director", "osm_admin_head", "admin"},
    Verb.start_case: OSM | SUPERIORS,
    Verb.record_message: OSM,
    Verb.claim: set(),
    Verb.release: set(),
    Verb.delegate: set(),
    Verb.complete: set(),
    Verb.record_answer: set(),
    Verb.receive: set(),
    Verb.reassign: {"admin"},
    Verb.comment: set(STAFF) | {"admin"},
    Verb.attach: set(STAFF),
    Verb.move_due: HEADS | SUPERIORS | {"admin"},
    Verb.cancel_case: STEERING,
    Verb.suspend_case: STEERING,
    Verb.resume_case: STEERING,
    Verb.repair: {"admin"},
    Verb.retry_incident: {"admin"},
    Verb.confirm_position: STEERING,
    Verb.record_order: {"osm_secretariat", "osm_admin_head", "admin"},
    Verb.propose_diagrams: HEADS | {"admin"},
    # What concerns every office is nobody's by a position in one of them.
    Verb.deploy: set(),
    Verb.sign_log: set(),
    Verb.repair_log: set(),
    Verb.rebuild_tables: set(),
    Verb.move_holidays: set(),
    Verb.manage_witnesses: {"admin", "osm_director"},
    Verb.hold: {"admin"},
    Verb.erase: {"admin", "osm_director", "osm_admin_head"},
    Verb.manage_people: {"admin"},
    Verb.move_calendar: {
        "osm_director",
        "osm_strategy_head",
        "osm_strategy",
        "osm_me_head",
        "osm_secretariat",
        "admin",
    },
}


def wearing(role: str, *, person_id: int = 1, province_id: str | None = None, office_id: str = OFFICE) -> Actor:
    return Actor(person_id, f"user{person_id}", "คนหนึ่ง", (Hat(role, office_id, province_id),))


def item(**facts: object) -> WorkItemFacts:
    return WorkItemFacts(OFFICE, **{"candidates": ("osm_strategy",), **facts})  # type: ignore[arg-type]


def test_every_verb_has_a_rule_of_known_roles() -> None:
    assert set(RULES) == set(Verb) == set(MAY) == set(FACTS)
    assert all(rule.roles <= set(ROLES) for rule in RULES.values())


@pytest.mark.parametrize("role", SIGN_IN_ROLES)
@pytest.mark.parametrize("verb", Verb)
def test_each_role_may_exactly_what_the_office_wants(verb: Verb, role: str) -> None:
    decision = decide(wearing(role), verb, FACTS[verb])

    assert decision.allowed == (role in MAY[verb])
    assert decision.reason is (Reason.ok if role in MAY[verb] else Reason.role)


@pytest.mark.parametrize("role", SIGN_IN_ROLES)
@pytest.mark.parametrize("verb", [verb for verb in Verb if not isinstance(FACTS[verb], SystemFacts)])
def test_another_offices_things_do_not_exist(verb: Verb, role: str) -> None:
    with pytest.raises(NotFound):
        require(wearing(role, office_id=OTHER_OFFICE), verb, FACTS[verb])


@pytest.mark.parametrize("role", SIGN_IN_ROLES)
@pytest.mark.parametrize("verb", Verb)
def test_a_position_in_one_office_is_never_enough_for_the_system(verb: Verb, role: str) -> None:
    for facts in (SystemFacts(), FACTS[verb]) if verb in SYSTEM_VERBS else (SystemFacts(),):
        assert decide(wearing(role), verb, facts).reason is Reason.role


@pytest.mark.parametrize("verb", Verb)
def test_an_administrator_of_every_office_does_what_one_of_each_may_and_what_concerns_all(verb: Verb) -> None:
    root = Actor(5, "root", "ผู้ดูแล", (Hat("admin"),), every_office=(OFFICE, OTHER_OFFICE))

    assert decide(root, verb, FACTS[verb]).allowed == (verb in SYSTEM_VERBS or "admin" in MAY[verb])
    assert is_everywhere(root, verb) == (verb in SYSTEM_VERBS or "admin" in MAY[verb])


@pytest.mark.parametrize("verb", Verb)
def test_somebody_without_any_position_may_nothing(verb: Verb) -> None:
    assert not decide(Actor(9, "nobody", "ไม่มีตำแหน่ง"), verb, FACTS[verb]).allowed


@pytest.mark.parametrize("verb", Verb)
def test_the_system_does_everything_but_peoples_work(verb: Verb) -> None:
    personal = {Verb.claim, Verb.release, Verb.delegate, Verb.receive, Verb.complete, Verb.record_answer}

    assert decide(SYSTEM, verb, FACTS[verb]).allowed == (verb not in personal)


def test_an_auditor_of_every_office_reads_each_but_writes_nowhere() -> None:
    auditor = Actor(5, "audit", "ผู้ตรวจสอบ", (Hat("auditor"),), every_office=(OFFICE, OTHER_OFFICE))

    assert decide(auditor, Verb.see_case, CaseFacts(OTHER_OFFICE)).allowed
    assert not decide(auditor, Verb.comment, CaseFacts(OTHER_OFFICE)).allowed
    assert not decide(auditor, Verb.claim, item(candidates=("user:audit",))).allowed
    assert not decide(auditor, Verb.complete, item(candidates=("user:audit",))).allowed


def test_a_candidate_by_role_province_or_name_claims() -> None:
    planner = wearing("province_planner", province_id=PROVINCE)

    assert decide(wearing("osm_strategy"), Verb.claim, item()).allowed
    assert decide(planner, Verb.claim, item(candidates=(f"province_planner@{PROVINCE}",))).allowed
    assert not decide(planner, Verb.claim, item(candidates=(f"province_planner@{OTHER_PROVINCE}",))).allowed
    assert decide(wearing("osm_data"), Verb.claim, item(candidates=("user:user1",))).allowed
    assert not decide(wearing("osm_data"), Verb.claim, item(candidates=("user:user2",))).allowed


def test_only_the_assignee_releases_and_delegates() -> None:
    held = item(state="CLAIMED", assignee_id=1)

    for verb in (Verb.release, Verb.delegate):
        assert decide(wearing("osm_strategy"), verb, held).allowed
        assert decide(wearing("osm_strategy", person_id=2), verb, held).reason is Reason.role


def test_the_owner_of_a_delegated_item_may_delegate_it_anew() -> None:
    delegated = item(state="CLAIMED", assignee_id=2, owner_id=1)

    assert decide(wearing("osm_strategy"), Verb.delegate, delegated).allowed


def test_completing_needs_the_item_or_a_free_one() -> None:
    mine, free = item(state="CLAIMED", assignee_id=1), item()

    assert decide(wearing("osm_strategy"), Verb.complete, mine).allowed
    assert decide(wearing("osm_strategy"), Verb.complete, free).allowed
    with pytest.raises(HeldBySomeoneElse):
        require(wearing("osm_strategy", person_id=2), Verb.complete, mine)
    with pytest.raises(NotYourRole):
        require(wearing("osm_admin", person_id=2), Verb.complete, mine)


def test_whoever_was_given_it_without_being_a_candidate_does_not_complete_it_but_gives_it_back() -> None:
    held, holder = item(state="CLAIMED", assignee_id=2, owner_id=1), wearing("osm_admin", person_id=2)

    assert decide(holder, Verb.complete, held).reason is Reason.role
    assert decide(holder, Verb.release, held).allowed


@pytest.mark.parametrize("kind", ["substantive", "acting", "delegated"])
def test_only_a_candidate_or_who_acts_or_signs_for_one_receives(kind: str) -> None:
    post = Hat("cluster_head", OFFICE, kind=kind, for_username=None if kind == "substantive" else "governor")
    actor = Actor(1, "deputy", "รองฯ", (Hat("cluster_deputy", OFFICE), post))

    assert decide(actor, Verb.receive, item(candidates=("cluster_head",))).hat == post
    assert decide(wearing("cluster_deputy"), Verb.receive, item(candidates=("cluster_head",))).reason is Reason.role


# Whose work items each head moves, by the candidates of the item: written out by hand, as the office wants it.
MOVED_BY = {
    ("osm_admin",): {"osm_admin_head"},
    ("osm_secretariat",): {"osm_admin_head"},
    ("osm_strategy",): {"osm_strategy_head"},
    ("osm_data",): {"osm_strategy_head"},
    ("osm_me",): {"osm_me_head"},
    ("osm_me", "osm_me_head"): {"osm_me_head"},
    ("osm_strategy", "osm_secretariat"): set(),
    ("osm_strategy", "osm_director"): set(),
    ("osm_director",): set(),
}
ABOVE_ALL = {"osm_director", "province_office_head", "cluster_deputy", "cluster_head"}
OF_SUPERIORS = {
    ("cluster_head",): {"cluster_head"},
    ("cluster_deputy",): {"cluster_deputy", "cluster_head"},
    ("cluster_head", "cluster_deputy"): {"cluster_head"},
    ("osm_strategy", "cluster_deputy"): {"cluster_deputy", "cluster_head"},
    ("province_office_head",): {"province_office_head", "cluster_deputy", "cluster_head"},
}


@pytest.mark.parametrize("role", SIGN_IN_ROLES)
@pytest.mark.parametrize(
    ("candidates", "movers"),
    [(one, heads | ABOVE_ALL) for one, heads in MOVED_BY.items()] + list(OF_SUPERIORS.items()),
)
def test_a_head_moves_the_work_items_of_their_own_section_only(
    role: str, candidates: tuple[str, ...], movers: set[str]
) -> None:
    allowed = decide(wearing(role), Verb.reassign, item(candidates=candidates)).allowed

    assert allowed == (role in movers | {"admin"})


def test_nobody_but_an_administrator_moves_what_was_drawn_for_a_person() -> None:
    named = item(candidates=("osm_strategy",), names_others=True)

    assert decide(wearing("osm_strategy_head"), Verb.reassign, named).reason is Reason.role
    assert decide(wearing("cluster_head"), Verb.reassign, named).reason is Reason.role
    assert decide(wearing("admin"), Verb.reassign, named).allowed


OUTSIDE_ALONE = [
    (f"province_planner@{PROVINCE}",),
    (f"agency_owner@{PROVINCE}", f"province_planner@{PROVINCE}"),
    ("kbk_member",),
    ("bb",),
]


@pytest.mark.parametrize("role", SIGN_IN_ROLES)
@pytest.mark.parametrize("asked", OUTSIDE_ALONE)
def test_staff_of_the_office_write_down_what_parties_outside_answer(asked: tuple[str, ...], role: str) -> None:
    assert decide(wearing(role), Verb.record_answer, item(candidates=asked)).allowed == (role in OSM)


@pytest.mark.parametrize("role", SIGN_IN_ROLES)
@pytest.mark.parametrize("others", [*((role,) for role in [*STAFF, "admin", "auditor"]), ("user:user1",), ()])
def test_nobody_writes_down_an_answer_for_what_anybody_of_the_office_may_do(others: tuple[str, ...], role: str) -> None:
    beside = (f"province_planner@{PROVINCE}",) if others else ()

    for asked in (others, (*beside, *others)):
        assert not decide(wearing(role), Verb.record_answer, item(candidates=asked)).allowed
    named = item(candidates=(f"province_planner@{PROVINCE}",), names_others=True)
    assert not decide(wearing(role), Verb.record_answer, named).allowed


def test_four_eyes_hold_for_whoever_writes_an_answer_down() -> None:
    asked = item(candidates=("bb",), separate_from=("draft",), completed_by={"draft": frozenset({1})})

    assert decide(wearing("osm_me"), Verb.record_answer, asked).reason is Reason.separated
    assert decide(wearing("osm_me", person_id=2), Verb.record_answer, asked).allowed


@pytest.mark.parametrize("verb", [Verb.claim, Verb.complete, Verb.receive])
def test_four_eyes_hold_whoever_asks(verb: Verb) -> None:
    checked = item(separate_from=("draft",), completed_by={"draft": frozenset({1}), "read": frozenset({2})})

    with pytest.raises(DutiesAreSeparate):
        require(wearing("osm_strategy"), verb, checked)
    assert decide(wearing("osm_strategy", person_id=2), verb, checked).allowed


def test_an_acting_hat_gives_the_candidacy_and_says_for_whom() -> None:
    acting = Hat("osm_director", OFFICE, kind="acting", for_username="director", for_name="ผอ.")
    actor = Actor(1, "deputy", "ผู้แทน", (Hat("osm_admin", OFFICE), acting))

    decision = require(actor, Verb.complete, item(candidates=("osm_director",)))

    assert decision.hat == acting
    assert decision.on_behalf_of == "director"


def test_heads_do_not_hand_on_what_was_asked_of_a_province() -> None:
    asked = item(candidates=(f"province_planner@{PROVINCE}",))

    assert decide(wearing("osm_director"), Verb.reassign, asked).reason is Reason.role
    assert decide(wearing("admin"), Verb.reassign, asked).allowed


def test_heads_take_over_what_staff_may_answer_for_a_silent_province() -> None:
    asked = item(candidates=(f"province_planner@{PROVINCE}", "osm_strategy"))

    assert decide(wearing("osm_strategy_head"), Verb.reassign, asked).allowed
    assert decide(wearing("osm_strategy"), Verb.reassign, asked).reason is Reason.role


def test_a_province_sees_its_own_cases_and_of_others_its_work_items() -> None:
    planner = wearing("province_planner", province_id=PROVINCE)

    assert decide(planner, Verb.see_case, CaseFacts(OFFICE, province_id=PROVINCE)).allowed
    asked = CaseFacts(OFFICE, candidates=(f"province_planner@{PROVINCE}",))
    assert not decide(planner, Verb.see_case, asked).allowed
    assert takes_part(planner, asked)
    assert decide(planner, Verb.see_work_item, item(candidates=(f"province_planner@{PROVINCE}",))).allowed
    assert not decide(planner, Verb.see_case, CaseFacts(OFFICE, province_id=OTHER_PROVINCE)).allowed
    assert not decide(planner, Verb.see_case, CaseFacts(OFFICE)).allowed


def test_an_agency_sees_only_its_own_items() -> None:
    agency = wearing("agency_owner", province_id=PROVINCE)

    assert decide(agency, Verb.see_work_item, item(assignee_id=1, state="CLAIMED")).allowed
    assert decide(agency, Verb.see_work_item, item(done_by_id=1, state="COMPLETED")).allowed
    # The step that judges what they did is not theirs, nor is the case; they are told of it all the same.
    assert not decide(agency, Verb.see_work_item, item(completed_by={"brief": frozenset({1})})).allowed
    assert not decide(agency, Verb.see_case, CaseFacts(OFFICE, people=frozenset({1}))).allowed
    assert takes_part(agency, CaseFacts(OFFICE, people=frozenset({1})))
    assert not decide(agency, Verb.see_work_item, item(province_id=PROVINCE)).allowed


@pytest.mark.parametrize("role", ["agency_owner", "kbk_member", "local_gov"])
def test_what_another_party_of_the_same_role_took_or_did_is_theirs(role: str) -> None:
    party, asked = wearing(role), (role,)

    assert decide(party, Verb.see_work_item, item(candidates=asked)).allowed
    assert not decide(party, Verb.see_work_item, item(candidates=asked, assignee_id=2, state="CLAIMED")).allowed
    assert not decide(party, Verb.see_work_item, item(candidates=asked, done_by_id=2, state="COMPLETED")).allowed


@pytest.mark.parametrize("verb", [Verb.see_case, Verb.comment, Verb.suspend_case, Verb.claim, Verb.complete])
def test_what_one_does_not_see_does_not_exist_whatever_is_asked_of_it(verb: Verb) -> None:
    facts = item() if verb in {Verb.claim, Verb.complete} else CaseFacts(OFFICE)

    with pytest.raises(NotFound):
        require(wearing("agency_owner"), verb, facts)
    if verb is not Verb.see_case:
        with pytest.raises(NotYourRole):
            require(wearing("auditor"), verb, facts)


def test_starters_of_a_process_replace_the_general_rule() -> None:
    briefs = ProcessFacts("project_brief", OFFICE, starters=("agency_owner",))

    assert decide(wearing("agency_owner"), Verb.start_case, briefs).allowed
    assert not decide(wearing("osm_director"), Verb.start_case, briefs).allowed


@pytest.mark.parametrize(
    ("verb", "facts"),
    [
        (Verb.claim, item(state="CLAIMED", assignee_id=2)),
        (Verb.claim, item(case_state="SUSPENDED")),
        (Verb.complete, item(state="COMPLETED")),
        (Verb.complete, item(case_state="SUSPENDED")),
    ],
)
def test_the_wrong_state_is_not_offered_but_left_to_the_state_machine(verb: Verb, facts: WorkItemFacts) -> None:
    actor = wearing("osm_strategy")

    assert not decide(actor, verb, facts).allowed
    assert require(actor, verb, facts).reason is Reason.state


def test_a_finished_case_cannot_be_cancelled_suspended_or_resumed() -> None:
    for verb in (Verb.cancel_case, Verb.suspend_case, Verb.resume_case):
        assert decide(wearing("osm_director"), verb, CaseFacts(OFFICE, state="COMPLETED")).reason is Reason.state


def test_a_position_in_two_offices_counts_where_it_is_held() -> None:
    actor = Actor(1, "two", "สองที่", (Hat("osm_me", OFFICE), Hat("auditor", OTHER_OFFICE)))

    assert actor.office_ids == (OFFICE, OTHER_OFFICE)
    assert actor.has("osm_me", OFFICE)
    assert not actor.has("osm_me", OTHER_OFFICE)
    assert decide(actor, Verb.see_audit, OfficeFacts(OTHER_OFFICE)).allowed
    assert not decide(actor, Verb.see_audit, OfficeFacts(OFFICE)).allowed


# ---- sensitive cases -------------------------------------------------------------------------------------------

CIRCLE = Circle("case-1", ("osm_strategy", "province_planner@TH-41", "user:named"), frozenset({7}))


def person(*hats: Hat, id_: int = 1, username: str = "x", into: frozenset[str] = frozenset()) -> Actor:
    return Actor(id_, username, username, hats, every_office=(OFFICE, OTHER_OFFICE), looked_into=into)


@pytest.mark.parametrize("role", SIGN_IN_ROLES)
def test_a_sensitive_case_is_open_to_candidates_and_the_director_by_role_and_to_no_other_role(role: str) -> None:
    actor = person(Hat(role, OFFICE, PROVINCE))
    facts = CaseFacts(OFFICE, province_id=PROVINCE, circle=CIRCLE)

    seen = decide(actor, Verb.see_case, facts).allowed
    assert seen == (role in {"osm_strategy", "osm_director", "province_planner"})
    if not is_open_to(actor, facts):
        assert {decide(actor, verb, facts).reason for verb in Verb if verb not in SYSTEM_VERBS} == {Reason.closed}
        with pytest.raises(NotFound):
            require(actor, Verb.see_case, facts)


@pytest.mark.parametrize(
    ("actor", "is_open"),
    [
        (person(Hat("admin", OFFICE), id_=7), True),  # did a step, or is named
        (person(Hat("admin")), False),
        (person(Hat("province_planner", OFFICE, OTHER_PROVINCE)), False),
        (person(Hat("osm_data", OFFICE), username="named"), True),
        (person(Hat("osm_director", OFFICE, None, "acting", "boss", "boss", "", 3)), True),
        (person(Hat("osm_director", OTHER_OFFICE)), False),
        (person(Hat("osm_director", OTHER_OFFICE), Hat("osm_data", OFFICE)), False),
        (person(Hat("auditor", OFFICE)), False),
        (person(Hat("auditor", OFFICE), into=frozenset({"case-1"})), True),
        (person(Hat("auditor"), into=frozenset({"case-1"})), True),
        (person(Hat("auditor", OFFICE), into=frozenset({"case-2"})), False),
        (person(Hat("admin", OFFICE), Hat("auditor", OTHER_OFFICE), into=frozenset({"case-1"})), False),
        (SYSTEM, True),
    ],
)
def test_a_sensitive_case_is_open_to_people_in_it_and_to_auditors_who_said_why(actor: Actor, is_open: bool) -> None:
    for facts in (CaseFacts(OFFICE, circle=CIRCLE), WorkItemFacts(OFFICE, circle=CIRCLE)):
        assert is_open_to(actor, facts) is is_open


def test_an_ordinary_case_is_as_it_was() -> None:
    assert is_open_to(person(Hat("admin", OFFICE)), CaseFacts(OFFICE))
    assert is_open_to(person(Hat("admin", OFFICE)), OfficeFacts(OFFICE))
