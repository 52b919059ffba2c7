"""Who may do what: one answer to every "may X do Y to Z", deny by default.

`decide` tells pages what to offer; `require` is what operations call. A table says who may do what; separation of
duties and the state of the case or work item are checked after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from osm_flow.domain.access.actors import Actor, Hat
from osm_flow.domain.access.roles import OUTSIDE, OWN_ONLY, PROVINCIAL, SECTIONS, STAFF, WORKERS
from osm_flow.domain.search import searchable
from osm_flow.domain.states import OPEN_CASE, OPEN_WORK_ITEM, CaseStatus, WorkItemStatus
from osm_flow.errors import Forbidden, NotFound, OsmFlowError, Refused


class Verb(StrEnum):
    """What an actor may ask to do."""

    see_case = "see_case"
    start_case = "start_case"
    see_work_item = "see_work_item"
    claim = "claim"
    release = "release"
    delegate = "delegate"
    receive = "receive"
    reassign = "reassign"
    complete = "complete"
    record_answer = "record_answer"
    comment = "comment"
    attach = "attach"
    move_due = "move_due"
    see_history = "see_history"
    cancel_case = "cancel_case"
    suspend_case = "suspend_case"
    resume_case = "resume_case"
    repair = "repair"
    propose_diagrams = "propose_diagrams"
    deploy = "deploy"
    manage_people = "manage_people"
    confirm_position = "confirm_position"
    record_order = "record_order"
    move_calendar = "move_calendar"
    move_holidays = "move_holidays"
    see_record = "see_record"
    see_personal = "see_personal"
    correct_record = "correct_record"
    confirm_record = "confirm_record"
    keep_record_file = "keep_record_file"
    import_records = "import_records"
    see_team = "see_team"
    see_audit = "see_audit"
    say_why = "say_why"
    record_message = "record_message"
    retry_incident = "retry_incident"
    manage_witnesses = "manage_witnesses"
    sign_log = "sign_log"
    repair_log = "repair_log"
    rebuild_tables = "rebuild_tables"
    hold = "hold"
    erase = "erase"
    mark_sensitive = "mark_sensitive"


# ---- what an act is done to --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Circle:
    """To whom a sensitive case is open, beside the director of its office and auditors who have said why.

    candidates  those of its work items, past and present, as diagrams spell them.
    people      who did or holds a work item of it, who started it, who is named on it.
    """

    case_id: str
    candidates: tuple[str, ...] = ()
    people: frozenset[int] = frozenset()


@dataclass(frozen=True)
class CaseFacts:
    """What the policy knows of a case; `candidates` and `people` are those of its work items, past and present.

    circle  to whom it is open, if it is sensitive; None for an ordinary case.
    """

    office_id: str
    state: str = CaseStatus.ACTIVE
    province_id: str | None = None
    candidates: tuple[str, ...] = ()
    people: frozenset[int] = frozenset()
    circle: Circle | None = None


@dataclass(frozen=True)
class WorkItemFacts:
    """What the policy knows of a work item; `completed_by` says who completed which element of the case.

    done_by_id    who completed the work item itself.
    names_others  whether people are named as candidates for whom the actor does not answer; `candidates` leaves them out.
    choosers      who said who does the work item that checks this one while both are open.
    chosen_posts  the actor's positions that came, while the work was open, from somebody whose work this checks.
    circle        to whom its case is open, if it is sensitive; None for one of an ordinary case.
    """

    office_id: str
    state: str = WorkItemStatus.READY
    candidates: tuple[str, ...] = ()
    assignee_id: int | None = None
    owner_id: int | None = None
    province_id: str | None = None
    completed_by: Mapping[str, frozenset[int]] = field(default_factory=dict)
    separate_from: tuple[str, ...] = ()
    names_others: bool = False
    case_state: str = CaseStatus.ACTIVE
    done_by_id: int | None = None
    choosers: frozenset[int] = frozenset()
    chosen_posts: frozenset[int] = frozenset()
    circle: Circle | None = None


@dataclass(frozen=True)
class OfficeFacts:
    """An act that concerns one office."""

    office_id: str


@dataclass(frozen=True)
class RecordFacts:
    """What the policy knows of a record of the office: in which province it is, and which agency carries it out."""

    office_id: str
    province_id: str | None = None
    agency: str = ""


@dataclass(frozen=True)
class ProcessFacts:
    """A process definition; with `starters` (candidates) only they start its cases, else the staff of the office."""

    key: str = ""
    office_id: str | None = None
    starters: tuple[str, ...] = ()


@dataclass(frozen=True)
class SystemFacts:
    """An act that concerns every office: no position in one of them is enough for it."""


Facts = CaseFacts | WorkItemFacts | RecordFacts | OfficeFacts | ProcessFacts | SystemFacts


def place(office_id: str | None) -> OfficeFacts | SystemFacts:
    """An act in this office; None: in every one of them, which is the system."""
    return SystemFacts() if office_id is None else OfficeFacts(office_id)


# ---- the answer ------------------------------------------------------------------------------------------------


class Reason(StrEnum):
    """Why the policy allows an act or does not."""

    ok = "ok"
    foreign = "foreign"  # another office's: for this actor it does not exist
    closed = "closed"  # sensitive, and not open to this actor: for them it does not exist either
    role = "role"
    separated = "separated"
    chooser = "chooser"  # they would choose who checks their own work, or do what they chose a checker for
    chosen = "chosen"  # whose work they would check gave them the post for it
    held = "held"
    state = "state"


@dataclass(frozen=True)
class Decision:
    """The answer of the policy. `hat` is the one worn for the act; `hat.for_username` tells on whose behalf."""

    allowed: bool
    reason: Reason = Reason.ok
    hat: Hat | None = None

    @property
    def on_behalf_of(self) -> str | None:
        """The user name of the person whom the actor stands in for, for the record."""
        return self.hat.for_username if self.hat else None

    @property
    def role(self) -> str | None:
        """The role in which the actor acts, for the record."""
        return self.hat.role if self.hat else None


class NotYourRole(Forbidden):
    """Your roles do not allow this."""


class DutiesAreSeparate(Forbidden):
    """You did an earlier step of this case that must be checked by somebody else."""


class NotYoursToChoose(DutiesAreSeparate):
    """Nobody chooses who checks their own work: somebody who has no hand in it has to do this."""


class ChosenByTheDoer(DutiesAreSeparate):
    """Your post for this was given or confirmed by somebody whose work you would check: somebody else has to."""


class HeldBySomeoneElse(Refused):
    """Somebody else holds this work item now."""


# ---- who may do what -------------------------------------------------------------------------------------------

_HEADS = frozenset({"osm_director", "osm_admin_head", "osm_strategy_head", "osm_me_head"})
_SUPERIORS = frozenset({"cluster_head", "cluster_deputy", "province_office_head"})
_OSM = frozenset(key for key in STAFF if key.startswith("osm_"))
_PLANNERS = frozenset({"osm_director", "osm_strategy_head", "osm_strategy", "osm_me_head", "osm_secretariat"})
_KEEPERS = frozenset({"osm_director", "osm_strategy_head", "osm_strategy", "osm_me_head", "osm_me"})
_ADMIN = frozenset({"admin"})
AUDITORS = frozenset({"auditor"})
# Who speaks for the agency that carries a project out.
AGENCIES = frozenset({"agency_owner"})
# To whom every sensitive case of their office is open.
DIRECTORS = frozenset({"osm_director"})
_READERS = STAFF | _ADMIN | AUDITORS


@dataclass(frozen=True)
class Rule:
    """Who may do a verb: people with these roles or in these relations (see `_related`), in these states."""

    roles: frozenset[str] = frozenset()
    relations: tuple[str, ...] = ()
    states: frozenset[str] = frozenset()


_OPEN = frozenset(OPEN_WORK_ITEM)
_LIVING = frozenset(OPEN_CASE)

RULES: dict[Verb, Rule] = {
    Verb.see_case: Rule(_READERS, ("province",)),
    Verb.see_work_item: Rule(_READERS, ("participant", "province")),
    Verb.see_history: Rule(_READERS, ("province",)),
    Verb.see_record: Rule(_READERS, ("province", "agency")),
    Verb.see_personal: Rule(STAFF | AUDITORS, ("agency",)),
    Verb.correct_record: Rule(_KEEPERS, ("agency",)),
    Verb.keep_record_file: Rule(_KEEPERS, ("agency",)),
    Verb.confirm_record: Rule(_SUPERIORS | {"osm_director", "osm_strategy_head", "osm_me_head"}),
    Verb.import_records: Rule(_KEEPERS),
    Verb.see_team: Rule(_HEADS | _SUPERIORS | _ADMIN | AUDITORS),
    Verb.say_why: Rule(AUDITORS),
    Verb.see_audit: Rule(_ADMIN | AUDITORS),
    Verb.start_case: Rule(_OSM | _SUPERIORS, ("starter",)),
    Verb.record_message: Rule(_OSM, states=frozenset({CaseStatus.ACTIVE})),
    Verb.claim: Rule(relations=("candidate",), states=frozenset({WorkItemStatus.READY})),
    Verb.release: Rule(relations=("assignee",), states=frozenset({WorkItemStatus.CLAIMED})),
    Verb.delegate: Rule(relations=("assignee", "owner"), states=frozenset({WorkItemStatus.CLAIMED})),
    Verb.receive: Rule(relations=("candidate",), states=_OPEN),
    Verb.reassign: Rule(_ADMIN, ("head",), states=_OPEN),
    Verb.complete: Rule(relations=("candidate",), states=_OPEN),
    Verb.record_answer: Rule(relations=("recorder",), states=_OPEN),
    Verb.comment: Rule(STAFF | _ADMIN, ("participant", "province")),
    Verb.attach: Rule(STAFF, ("participant", "province"), states=_OPEN | _LIVING),
    Verb.move_due: Rule(_HEADS | _SUPERIORS | _ADMIN, states=_OPEN),
    Verb.cancel_case: Rule(_ADMIN | _SUPERIORS | {"osm_director"}, states=_LIVING),
    Verb.suspend_case: Rule(_ADMIN | _SUPERIORS | {"osm_director"}, states=frozenset({CaseStatus.ACTIVE})),
    Verb.resume_case: Rule(_ADMIN | _SUPERIORS | {"osm_director"}, states=frozenset({CaseStatus.SUSPENDED})),
    Verb.repair: Rule(_ADMIN, states=_OPEN | _LIVING),
    Verb.retry_incident: Rule(_ADMIN),
    Verb.manage_witnesses: Rule(_ADMIN | {"osm_director"}),
    Verb.hold: Rule(_ADMIN),
    Verb.erase: Rule(_ADMIN | {"osm_director", "osm_admin_head"}),
    Verb.mark_sensitive: Rule(_ADMIN | {"osm_director", "osm_admin_head"}),
    Verb.propose_diagrams: Rule(_ADMIN | _HEADS),
    Verb.deploy: Rule(_ADMIN),
    Verb.sign_log: Rule(_ADMIN),
    Verb.repair_log: Rule(_ADMIN),
    Verb.rebuild_tables: Rule(_ADMIN),
    Verb.move_holidays: Rule(_ADMIN),
    Verb.manage_people: Rule(_ADMIN),
    Verb.confirm_position: Rule(_ADMIN | _SUPERIORS | {"osm_director"}),
    Verb.record_order: Rule(frozenset({"osm_secretariat", "osm_admin_head"}) | _ADMIN),
    Verb.move_calendar: Rule(_PLANNERS | _ADMIN),
}

# What concerns every office, whatever it is done to: for this nobody's position in one office is enough.
SYSTEM_VERBS = frozenset({Verb.deploy, Verb.sign_log, Verb.repair_log, Verb.rebuild_tables, Verb.move_holidays})
# Acts of a person on a person's work: the system never does them, and four eyes count.
_PERSONAL = frozenset({Verb.claim, Verb.release, Verb.delegate, Verb.receive, Verb.complete, Verb.record_answer})
_FOUR_EYES = frozenset({Verb.claim, Verb.receive, Verb.complete, Verb.record_answer})
# Acts that say who does the work item next: nobody does so with what checks their own work.
_CHOOSING = frozenset({Verb.delegate, Verb.reassign})


def decide(actor: Actor, verb: Verb, facts: Facts) -> Decision:
    """Whether the policy lets the actor do it now, why not, and under which hat."""
    if actor.is_system:
        return Decision(True) if verb not in _PERSONAL else Decision(False, Reason.role)
    office_id = None if verb in SYSTEM_VERBS else getattr(facts, "office_id", None)
    if office_id is not None and office_id not in actor.office_ids:
        return Decision(False, Reason.foreign)
    if not is_open_to(actor, facts):
        return Decision(False, Reason.closed)
    rule = RULES[verb]
    hat = _hat(actor, rule, facts, office_id)
    if hat is None:
        return Decision(False, Reason.role)
    if verb in _FOUR_EYES and isinstance(facts, WorkItemFacts) and facts.chosen_posts:
        worn, hat = hat, _hat(_without(actor, facts.chosen_posts), rule, facts, office_id)
        if hat is None:
            return Decision(False, Reason.chosen, worn)
    reason = _obstacle(actor, verb, rule, facts, hat)
    return Decision(reason is Reason.ok, reason, hat)


def require(actor: Actor, verb: Verb, facts: Facts) -> Decision:
    """As `decide`, but raises when the person may not.

    Raises NotFound, NotYourRole, DutiesAreSeparate, NotYoursToChoose, ChosenByTheDoer, HeldBySomeoneElse.
    What the person may not see does not exist for them, in their own office as in another one.
    The wrong state alone does not raise: state machines refuse it and name what happened.
    """
    decision = decide(actor, verb, facts)
    if decision.reason is Reason.role and not _sees(actor, facts):
        raise NotFound
    refusals: dict[Reason, type[OsmFlowError]] = {
        Reason.foreign: NotFound,
        Reason.closed: NotFound,
        Reason.role: NotYourRole,
        Reason.separated: DutiesAreSeparate,
        Reason.chooser: NotYoursToChoose,
        Reason.chosen: ChosenByTheDoer,
        Reason.held: HeldBySomeoneElse,
    }
    if decision.reason in refusals:
        raise refusals[decision.reason]
    return decision


def require_somewhere(actor: Actor, verb: Verb) -> tuple[str, ...]:
    """As `offices_where`, but raises what `require` does for the system when there is none and the system is closed, too."""
    offices = offices_where(actor, verb)
    if not offices:
        require(actor, verb, SystemFacts())
    return offices


def is_everywhere(actor: Actor, verb: Verb) -> bool:
    """Whether the policy lets the actor do it to what is of no office, which is of all."""
    return decide(actor, verb, SystemFacts()).allowed


def offices_where(actor: Actor, verb: Verb) -> tuple[str, ...]:
    """The offices in which the policy lets the actor do it."""
    return tuple(office for office in actor.office_ids if decide(actor, verb, OfficeFacts(office)).allowed)


def _hat(actor: Actor, rule: Rule, facts: Facts, office_id: str | None) -> Hat | None:
    related = (_related(actor, relation, facts) for relation in rule.relations)
    return next((hat for hat in related if hat), None) or (
        None if isinstance(facts, ProcessFacts) and facts.starters else actor.wearing(rule.roles, office_id)
    )


def _without(actor: Actor, positions: frozenset[int]) -> Actor:
    """The actor as they would be without these positions."""
    return replace(actor, hats=tuple(hat for hat in actor.hats if hat.position_id not in positions))


def _related(actor: Actor, relation: str, facts: Facts) -> Hat | None:
    """The hat that puts the actor in this relation to the case or work item, None if they are not in it."""
    match facts, relation:
        case WorkItemFacts(), "candidate":
            return actor.hat_for(facts.candidates, facts.office_id)
        case WorkItemFacts(), "assignee":
            return _hat_of(actor, facts) if actor.person_id == facts.assignee_id else None
        case WorkItemFacts(), "owner":
            return _hat_of(actor, facts) if actor.person_id == facts.owner_id else None
        case WorkItemFacts(), "head":
            return actor.wearing(_heads_of(facts), facts.office_id)
        case WorkItemFacts(), "recorder":
            return actor.wearing(_OSM, facts.office_id) if _asks_outsiders_alone(facts) else None
        case WorkItemFacts(), "participant":
            people = {facts.assignee_id, facts.owner_id, facts.done_by_id}
            return _hat_of(actor, facts) if actor.person_id in people else _asked(actor, facts)
        case ((CaseFacts() | WorkItemFacts() | RecordFacts()), "province"):
            here = (hat for hat in actor.hats if hat.role in PROVINCIAL and hat.covers(facts.office_id))
            return next((hat for hat in here if hat.province_id and hat.province_id == facts.province_id), None)
        case RecordFacts(), "agency":
            return next((hat for hat in agency_hats(actor) if _carries_out(hat, facts)), None)
        case ProcessFacts(), "starter" if facts.starters:
            return actor.hat_for(facts.starters, facts.office_id or "")
    return None


def agency_hats(actor: Actor) -> list[Hat]:
    """The hats under which somebody speaks for an agency, each with its name as the title of the post and with its province."""
    return [hat for hat in actor.hats if hat.role in AGENCIES and hat.title and hat.province_id]


def _carries_out(hat: Hat, facts: RecordFacts) -> bool:
    is_here = hat.covers(facts.office_id) and hat.province_id == facts.province_id
    return is_here and searchable(hat.title) == searchable(facts.agency) and bool(searchable(hat.title))


def _heads_of(item: WorkItemFacts) -> frozenset[str]:
    """Whose section the work item lies in.

    The office commands its own staff only: work asked of provinces and agencies is theirs to hand on, unless the diagram
    lets staff answer in their place; then a silent claim must not hold up the cycle.
    """
    staff = frozenset(candidate.partition("@")[0] for candidate in item.candidates) & STAFF
    if not staff or item.names_others:
        return frozenset()
    return frozenset(head for head, section in SECTIONS.items() if staff <= section)


def _asks_outsiders_alone(item: WorkItemFacts) -> bool:
    """Whether every candidate is a party outside the office: no role of the office, and nobody in person."""
    asked = {candidate.partition("@")[0] for candidate in item.candidates}
    return bool(asked) and asked <= OUTSIDE and not item.names_others


def is_open_to(actor: Actor, facts: Facts) -> bool:
    """Whether a case, or the one of a work item, is open to the actor: an ordinary one is to everybody whom a rule names.

    A sensitive one only to candidates and doers of its work items, who started it, who is named on it, the director of its
    office, and auditors who have said why. No administrator looks after what it holds.
    """
    circle = facts.circle if isinstance(facts, CaseFacts | WorkItemFacts) else None
    if circle is None or actor.is_system or actor.person_id in circle.people:
        return True
    office_id = getattr(facts, "office_id", "")
    if actor.wearing(DIRECTORS, office_id) or actor.hat_for(circle.candidates, office_id):
        return True
    return circle.case_id in actor.looked_into and actor.wearing(AUDITORS, office_id) is not None


def decides_by_number(actor: Actor, office_id: str) -> bool:
    """Whether it is the actor's duty to decide what is asked of closed cases of the office, which they know by number alone."""
    return actor.is_system or actor.wearing(_ADMIN, office_id) is not None


def _sees(actor: Actor, facts: Facts) -> bool:
    """Whether the case or work item exists for the actor; whatever is neither of them does."""
    match facts:
        case CaseFacts():
            return decide(actor, Verb.see_case, facts).allowed
        case WorkItemFacts():
            return decide(actor, Verb.see_work_item, facts).allowed
        case RecordFacts():
            return decide(actor, Verb.see_record, facts).allowed
    return True


def takes_part(actor: Actor, case: CaseFacts) -> bool:
    """Whether the actor is or was a candidate or a doer of a work item of the case: they are told of it, whatever they see."""
    return actor.person_id in case.people or _candidate(actor, case) is not None


def _asked(actor: Actor, item: WorkItemFacts) -> Hat | None:
    """The hat of a candidate. Parties outside often share a role: what one of them took or did is not the others' any more."""
    hat = _candidate(actor, item)
    taken = {item.assignee_id, item.owner_id, item.done_by_id} - {None}
    return None if hat is not None and taken and hat.role in OWN_ONLY else hat


def _candidate(actor: Actor, facts: CaseFacts | WorkItemFacts) -> Hat | None:
    return actor.hat_for(facts.candidates, facts.office_id)


def _hat_of(actor: Actor, facts: CaseFacts | WorkItemFacts) -> Hat | None:
    """The hat of a person who is in the matter by name: as candidate if they are one, else their best working hat."""
    return _candidate(actor, facts) or actor.wearing(WORKERS, facts.office_id)


def _obstacle(actor: Actor, verb: Verb, rule: Rule, facts: Facts, hat: Hat) -> Reason:
    if isinstance(facts, WorkItemFacts):
        if verb in _FOUR_EYES and is_separated(actor, facts, hat):
            return Reason.separated
        if verb in _FOUR_EYES and not facts.choosers.isdisjoint({actor.person_id, hat.for_id}):
            return Reason.chooser
        if verb in _CHOOSING and is_separated(actor, facts, hat):
            return Reason.chooser
        if verb is Verb.complete and facts.assignee_id not in (None, actor.person_id):
            return Reason.held
        if verb in _PERSONAL and facts.case_state != CaseStatus.ACTIVE:
            return Reason.state
    state = getattr(facts, "state", None)
    if rule.states and state is not None and state not in rule.states:
        return Reason.state
    return Reason.ok


def is_separated(actor: Actor, item: WorkItemFacts, hat: Hat | None = None) -> bool:
    """Whether the actor, or whom they stand in for, had a hand in an element from which this work item is kept apart."""
    both = {actor.person_id, hat.for_id if hat else None} - {None}
    return any(both & item.completed_by.get(element, frozenset()) for element in item.separate_from)


def reads_whole_office(actor: Actor, office_id: str) -> bool:
    """Whether lists need no narrowing for this actor: staff, auditors and administrators of the office."""
    return actor.wearing(_READERS, office_id) is not None
