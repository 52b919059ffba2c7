"""People, their positions over periods, and the hats that those give them on a day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor, Hat
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.domain.access.roles import WEIGHTY
from osm_flow.domain.people import NewPerson, NewPosition
from osm_flow.errors import Invalid, NotFound
from osm_flow.operations.people import accounts, hats, offices, positions
from osm_flow.operations.people.signing_in import PasswordTooWeak, SignInRefused, authenticate
from osm_flow.store.models import AdminRecord, Office, Person, Position, Province
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, later, make_office, make_person

pytestmark = pytest.mark.sampled

TODAY = NOW.date()
PASSWORD = "a long enough one"


def test_all_clusters_and_provinces_are_seeded_once(store: Store) -> None:
    with store.transaction() as session:
        added = offices.seed_clusters(session)
    with store.transaction() as session:
        again = offices.seed_clusters(session)
        counts = session.query(Office).count(), session.query(Province).count()
        centre = session.query(Province).filter_by(office_id=OFFICE, is_centre=True).one().name_en

    assert (added, again) == (76, 0)
    assert counts == (18, 76)
    assert centre == "Udon Thani"


@pytest.fixture
def root(session: Session) -> Actor:
    """An administrator of one of two offices."""
    make_office(session)
    make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
    return make_person(session, "root", "admin")


def give(session: Session, username: str, actor: Actor = SYSTEM, **changes: Any) -> Position:
    post: dict[str, Any] = {"role": "osm_me", "office_id": OFFICE, "valid_from": TODAY}
    return positions.give_position(session, username, actor, NOW, NewPosition(**{**post, **changes}))


def create(session: Session, actor: Actor = SYSTEM, **changes: Any) -> Person:
    known: dict[str, Any] = {
        "username": "somsri",
        "display_name": "สมศรี ใจงาม",
        "password": PASSWORD,
        "office_id": OFFICE,
    }
    known |= changes
    known.setdefault("employee_number", f"{known['username']}-1")
    return accounts.create_person(session, actor, NOW, NewPerson(**known))


# ---- who somebody is today -------------------------------------------------------------------------------------


def test_positions_count_on_their_days_only_both_included(session: Session, root: Actor) -> None:
    somsri = create(session)
    first, last = TODAY + timedelta(days=3), TODAY + timedelta(days=5)
    give(session, "somsri", valid_from=first, valid_to=last)

    held = [hats.actor_for(session, somsri, TODAY + timedelta(days=days)).has("osm_me", OFFICE) for days in range(8)]

    assert held == [False, False, False, True, True, True, False, False]


def test_an_acting_position_says_for_whom(session: Session, root: Actor) -> None:
    make_person(session, "director", "osm_director")
    create(session)
    give(session, "somsri", role="osm_director", kind="acting", for_username="director", letter="คำสั่งที่ 9/2570")

    hat = hats.actor_named(session, "somsri", TODAY).hat_for(("osm_director",), OFFICE)

    assert hat == Hat("osm_director", OFFICE, None, "acting", "director", "คุณdirector")


def test_who_is_at_home_in_no_office_is_at_home_in_all(session: Session, root: Actor) -> None:
    create(session)
    give(session, "somsri", role="auditor", office_id=None)

    assert hats.actor_named(session, "somsri", TODAY).office_ids == ("NE-U1", "NE-U2")
    assert root.office_ids == ("NE-U1",)


def test_a_session_holds_while_its_epoch_lasts_and_nobody_locked_the_account(session: Session, root: Actor) -> None:
    somsri = create(session, locale="en")
    assert hats.actor_signed_in(session, somsri.id, 1, TODAY) is None
    plain = hats.actor_signed_in(session, somsri.id, 0, TODAY)
    give(session, "somsri")

    signed_in = hats.actor_signed_in(session, somsri.id, 0, TODAY)

    assert plain is not None
    assert (plain.username, plain.hats, plain.locale) == ("somsri", (), "en")
    assert signed_in == hats.actor_for(session, somsri, TODAY)
    accounts.lock(session, "somsri", root, NOW)
    session.flush()
    assert [hats.actor_signed_in(session, somsri.id, epoch, TODAY) for epoch in (0, 1)] == [None, None]
    assert hats.actor_signed_in(session, 999_999, 0, TODAY) is None


def test_a_locked_person_acts_no_more(session: Session, root: Actor) -> None:
    create(session)
    accounts.lock(session, "somsri", SYSTEM, NOW)

    for username in ("somsri", "nobody"):
        with pytest.raises(hats.PersonNotFound):
            hats.actor_named(session, username, TODAY)


def test_who_wears_a_hat_today_by_name_each_once(session: Session, root: Actor) -> None:
    for username, role, province in (("b", "osm_me", None), ("a", "osm_me", None), ("c", "province_planner", "TH-41")):
        make_person(session, username, role, province_id=province)
    give(session, "a", kind="acting", for_username="b", letter="1/2570")
    accounts.lock(session, "b", SYSTEM, NOW)
    make_person(session, "far", "osm_me", office_id="NE-U2")

    def wearing(role: str, province_id: str | None = None, today: date = TODAY) -> list[str]:
        return [one.username for one in hats.people_wearing(session, role, OFFICE, today, province_id)]

    assert wearing("osm_me") == ["a"]
    assert [wearing("province_planner", province) for province in (None, "TH-41", "TH-39")] == [["c"], ["c"], []]
    assert wearing("osm_me", today=date(2025, 12, 31)) == []


# ---- finding people --------------------------------------------------------------------------------------------


def test_there_are_people_or_there_are_none(session: Session) -> None:
    assert not accounts.has_people(session)
    create(session, office_id=None)
    assert accounts.has_people(session)


def test_a_user_name_is_found_however_it_is_typed(session: Session) -> None:
    somsri = create(session, office_id=None)

    assert [hats.person_by_username(session, typed) for typed in ("somsri", " SomSri ", "somsri\0")] == [somsri] * 3
    with pytest.raises(hats.PersonNotFound):
        hats.person_by_username(session, "somsr")


def test_an_administrator_lists_the_people_and_the_accounts_of_their_offices(session: Session, root: Actor) -> None:
    make_person(session, "far", "osm_me", office_id="NE-U2")
    make_person(session, "both", "osm_me")
    give(session, "both", office_id="NE-U2")
    make_person(session, "seer", "auditor", office_id=None)
    create(session)

    def listed(actor: Actor, **wanted: Any) -> list[str]:
        return [one.username for one in accounts.list_people(session, actor, **wanted).items]

    create(session, username="free", office_id=None)
    whole = make_person(session, "whole", "admin", office_id=None)

    assert listed(root) == ["both", "root", "somsri"]
    assert listed(SYSTEM) == listed(whole) == ["both", "far", "free", "root", "seer", "somsri", "whole"]
    with pytest.raises(NotYourRole):
        listed(hats.actor_named(session, "both", TODAY))
    assert (listed(root, text="SOM"), listed(root, text="ใจงาม"), listed(root, text="%"), listed(root, text="s_e")) == (
        ["somsri"],
        ["somsri"],
        [],
        [],
    )
    first = accounts.list_people(session, root, limit=2)
    assert (first.total, listed(root, limit=2, after=first.next)) == (3, ["somsri"])


def test_whoever_reaches_into_other_offices_is_theirs_too(session: Session, root: Actor) -> None:
    make_person(session, "far", "osm_me", office_id="NE-U2")
    make_person(session, "both", "osm_me")
    give(session, "both", office_id="NE-U2")
    make_person(session, "seer", "auditor", office_id=None)
    whole = make_person(session, "whole", "admin", office_id=None)

    for username in ("far", "both", "seer"):
        with pytest.raises(NotFound):
            accounts.managed_person(session, username, root)
        assert accounts.managed_person(session, username, whole).username == username
    assert accounts.managed_person(session, "root", root).id == root.person_id


def test_positions_are_listed_newest_first(session: Session, root: Actor) -> None:
    somsri = create(session)
    make_person(session, "director", "osm_director")
    give(session, "somsri", valid_from=date(2025, 1, 1))
    give(session, "somsri", role="osm_director", kind="acting", for_username="director", letter="1/2570")

    assert [
        (one.role, one.for_person and one.for_person.username) for one in positions.positions_of(session, somsri)
    ] == [
        ("osm_director", "director"),
        ("osm_me", None),
    ]


# ---- accounts --------------------------------------------------------------------------------------------------


def test_a_new_person_has_no_hat_and_signs_in_with_a_password_only(session: Session, root: Actor) -> None:
    with_password = create(session, root, username=" somsri ", display_name=" สมศรี ", email=" somsri@udon.go.th ")
    without = create(session, root, username="somchai", password=None, email="")

    assert (with_password.username, with_password.display_name, with_password.email) == (
        "somsri",
        "สมศรี",
        "somsri@udon.go.th",
    )
    assert hats.actor_for(session, with_password, TODAY).hats == ()
    assert authenticate(session, "somsri", PASSWORD) is with_password
    assert (without.password_hash, without.email) == (None, None)
    with pytest.raises(SignInRefused):
        authenticate(session, "somchai", PASSWORD)


@pytest.mark.parametrize(
    ("change", "error", "field"),
    [
        ({"username": "Som Sri"}, accounts.UsernameNotAccepted, "username"),
        ({"username": "s"}, accounts.UsernameNotAccepted, "username"),
        ({"username": "s" * 65}, accounts.UsernameNotAccepted, "username"),
        ({"username": ".som"}, accounts.UsernameNotAccepted, "username"),
        ({"username": "root"}, accounts.UsernameTaken, "username"),
        ({"display_name": " "}, accounts.PersonNotAccepted, "display_name"),
        ({"display_name": "a\0b"}, accounts.PersonNotAccepted, "display_name"),
        ({"display_name": "ก" * 256}, accounts.PersonNotAccepted, "display_name"),
        ({"email": "somsri at udon"}, accounts.PersonNotAccepted, "email"),
        ({"email": "a@b c"}, accounts.PersonNotAccepted, "email"),
        ({"password": "short"}, PasswordTooWeak, "password"),
    ],
)
def test_what_cannot_be_accepted_of_a_person_is_told_by_field(
    session: Session, root: Actor, change: dict[str, Any], error: type[Invalid], field: str
) -> None:
    with pytest.raises(error) as refused:
        create(session, root, **change)

    assert refused.value.fields.keys() == {field}
    with pytest.raises(hats.PersonNotFound):
        hats.person_by_username(session, "somsri")


def test_only_administrators_change_accounts(session: Session, root: Actor) -> None:
    boss = make_person(session, "boss", "osm_director")
    for act in (
        lambda: create(session, boss),
        lambda: accounts.lock(session, "root", boss, NOW),
        lambda: accounts.set_password(session, "root", boss, NOW, password="something quite new"),
        lambda: give(session, "boss", boss),
    ):
        with pytest.raises(NotYourRole):
            act()


def test_an_account_is_its_offices_until_its_person_holds_a_position(session: Session, root: Actor) -> None:
    far = make_person(session, "far", "admin", office_id="NE-U2")
    free = create(session, username="free", office_id=None)
    made = create(session, root, office_id=None)
    chosen = create(session, far, username="malee", office_id="NE-U2")
    assert (free.office_id, made.office_id, chosen.office_id) == (None, OFFICE, "NE-U2")

    for username, stranger in (("somsri", far), ("malee", root), ("free", root), ("free", far)):
        for act in (
            lambda name, actor: accounts.managed_person(session, name, actor),
            lambda name, actor: accounts.set_password(session, name, actor, NOW, password="something quite new"),
            lambda name, actor: accounts.lock(session, name, actor, NOW),
            lambda name, actor: accounts.unlock(session, name, actor, NOW),
            lambda name, actor: give(session, name, actor, office_id=actor.office_ids[0]),
        ):
            with pytest.raises(hats.PersonNotFound):
                act(username, stranger)
        assert username not in [one.username for one in accounts.list_people(session, stranger).items]
    give(session, "malee", SYSTEM)
    assert accounts.managed_person(session, "malee", root) is chosen
    with pytest.raises(hats.PersonNotFound):
        accounts.managed_person(session, "malee", far)


def test_an_account_is_made_for_an_office_that_the_administrator_manages(session: Session, root: Actor) -> None:
    both = make_person(session, "both", "admin")
    give(session, "both", office_id="NE-U2", role="admin")
    both = hats.actor_named(session, "both", TODAY)
    whole = make_person(session, "whole", "admin", office_id=None)

    for actor, office_id in ((root, "NE-U2"), (both, None), (both, "NE-U3"), (whole, "NE-U3"), (SYSTEM, "NE-U3")):
        with pytest.raises(accounts.PersonNotAccepted) as refused:
            create(session, actor, office_id=office_id)
        assert refused.value.fields.keys() == {"office_id"}
    assert create(session, both, username="first", office_id="NE-U2").office_id == "NE-U2"
    assert create(session, whole, username="second", office_id="NE-U2").office_id == "NE-U2"


def test_a_new_password_ends_every_session(session: Session, root: Actor) -> None:
    somsri = create(session)

    accounts.set_password(session, "somsri", root, NOW, password="something quite new")

    assert (somsri.session_epoch, authenticate(session, "somsri", "something quite new")) == (1, somsri)
    with pytest.raises(PasswordTooWeak):
        accounts.set_password(session, "somsri", root, NOW, password="my somsri password")
    assert somsri.session_epoch == 1


def test_whoever_knows_the_old_password_chooses_a_new_one(session: Session, root: Actor) -> None:
    somsri = create(session)

    with pytest.raises(SignInRefused) as refused:
        accounts.change_password(session, somsri, NOW, current="wrong", new="something quite new")
    assert refused.value.fields.keys() == {"current"}
    with pytest.raises(PasswordTooWeak) as weak:
        accounts.change_password(session, somsri, NOW, current=PASSWORD, new="short")
    assert weak.value.fields.keys() == {"new"}
    assert (somsri.session_epoch, authenticate(session, "somsri", PASSWORD)) == (0, somsri)
    accounts.change_password(session, somsri, NOW, current=PASSWORD, new="something quite new")
    assert (somsri.session_epoch, authenticate(session, "somsri", "something quite new")) == (1, somsri)


def test_locking_and_unlocking_change_the_account_once(session: Session, root: Actor) -> None:
    somsri = create(session)

    for at in (NOW, later()):
        accounts.lock(session, "somsri", root, at)
    assert (somsri.locked_at, somsri.session_epoch) == (NOW, 1)
    for at in (later(2), later(3)):
        accounts.unlock(session, "somsri", root, at)
    assert (somsri.locked_at, somsri.session_epoch) == (None, 1)
    kinds = session.scalars(select(AdminRecord.kind).order_by(AdminRecord.seq)).all()
    assert kinds[-2:] == ["person.locked", "person.unlocked"]
    with pytest.raises(accounts.NotYourself):
        accounts.lock(session, "root", root, NOW)


# ---- positions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({}, set()),
        ({"role": "cabinet"}, {"role"}),
        ({"role": "nothing"}, {"role"}),
        ({"kind": "borrowed"}, {"kind", "for_username", "letter"}),
        ({"office_id": None}, {"office_id"}),
        ({"office_id": None, "role": "auditor"}, set()),
        ({"office_id": "nowhere"}, {"office_id"}),
        ({"role": "province_planner"}, {"province_id"}),
        ({"role": "province_planner", "province_id": "TH-41"}, set()),
        ({"province_id": "TH-47"}, {"province_id"}),
        ({"province_id": "TH-99"}, {"province_id"}),
        ({"valid_to": TODAY - timedelta(days=1)}, {"valid_to"}),
        ({"valid_to": TODAY}, set()),
        ({"kind": "acting", "letter": "คำสั่ง 1"}, {"for_username"}),
        ({"kind": "acting", "letter": "คำสั่ง 1", "for_username": "somsri"}, {"for_username"}),
        ({"kind": "delegated", "for_username": "chief", "letter": " "}, {"letter"}),
        ({"kind": "delegated", "for_username": "chief", "letter": "คำสั่ง 1"}, set()),
        ({"kind": "delegated", "for_username": "root", "letter": "คำสั่ง 1"}, {"for_username"}),
        ({"kind": "acting", "for_username": "far", "letter": "คำสั่ง 1"}, {"for_username"}),
        ({"kind": "acting", "for_username": "leaving", "letter": "คำสั่ง 1"}, {"valid_to"}),
        ({"kind": "acting", "for_username": "leaving", "letter": "คำสั่ง 1", "valid_to": TODAY}, set()),
        ({"kind": "acting", "for_username": "left", "letter": "คำสั่ง 1"}, {"for_username"}),
        ({"kind": "acting", "for_username": "second", "letter": "คำสั่ง 1"}, {"for_username"}),
        ({"title_en": "x" * 256}, {"title_th"}),
    ],
)
def test_a_position_that_makes_no_sense_names_its_fields(
    session: Session, root: Actor, change: dict[str, Any], fields: set[str]
) -> None:
    somsri = create(session)
    make_person(session, "chief", "osm_me")
    make_person(session, "far", "osm_me", office_id="NE-U2")
    for username, first, last in (("leaving", TODAY, TODAY), ("left", date(2026, 1, 1), TODAY - timedelta(days=1))):
        make_person(session, username)
        give(session, username, valid_from=first, valid_to=last)
    make_person(session, "second")
    give(session, "second", kind="acting", for_username="chief", letter="คำสั่ง 0")
    if fields:
        with pytest.raises(positions.PositionNotAccepted) as refused:
            give(session, "somsri", **change)
        assert refused.value.fields.keys() == fields
    else:
        give(session, "somsri", **change)
    session.expire_all()
    assert len(positions.positions_of(session, somsri)) == (0 if fields else 1)


def test_nobody_gives_a_position_to_themselves(session: Session, root: Actor) -> None:
    for change in ({}, {"role": "osm_director"}):
        with pytest.raises(positions.NotToYourself):
            give(session, "root", root, **change)
    assert [position.role for position in session.scalars(select(Position))] == ["admin"]


@pytest.mark.parametrize("role", sorted(WEIGHTY))
def test_a_post_with_authority_takes_two_people(session: Session, root: Actor, role: str) -> None:
    second, boss = make_person(session, "second", "admin"), make_person(session, "boss", "osm_director")
    far = make_person(session, "far", "admin", office_id="NE-U2")
    create(session)
    province_id = "TH-41" if role == "province_governor" else None
    position = give(session, "somsri", root, role=role, province_id=province_id)

    def held() -> bool:
        return hats.actor_named(session, "somsri", TODAY).has(role, OFFICE)

    assert (position.waits, position.given_by, held()) == (True, "root", False)
    for stranger, refusal in (
        (root, positions.SecondPersonNeeded),
        (far, NotFound),
        (make_person(session, "anan", "osm_strategy"), NotYourRole),
    ):
        with pytest.raises(refusal):
            positions.confirm_position(session, position.id, stranger, NOW)
    assert [row.id for row in positions.waiting_positions(session, boss)] == [position.id]
    assert positions.waiting_positions(session, far) == []
    positions.confirm_position(session, position.id, second if role == "osm_director" else boss, NOW)

    assert held()
    with pytest.raises(positions.NothingToConfirm):
        positions.confirm_position(session, position.id, second, NOW)
    newest = session.scalars(select(AdminRecord).order_by(AdminRecord.seq.desc())).first()
    assert newest is not None
    assert (newest.kind, newest.subject) == ("position.confirmed", "somsri")


def test_whoever_a_post_is_for_does_not_confirm_it_and_a_declined_one_is_never_held(
    session: Session, root: Actor
) -> None:
    second = make_person(session, "second", "admin")
    position = give(session, "second", root, role="osm_director")

    with pytest.raises(positions.SecondPersonNeeded):
        positions.confirm_position(session, position.id, second, NOW)
    positions.decline_position(session, position.id, root, NOW)

    assert positions.waiting_positions(session, root) == []
    for act in (positions.confirm_position, positions.decline_position):
        with pytest.raises(positions.NothingToConfirm):
            act(session, position.id, second, NOW)
    assert not hats.actor_named(session, "second", TODAY).has("osm_director")


def test_an_ordinary_post_and_what_the_system_gives_count_at_once(session: Session, root: Actor) -> None:
    create(session)

    assert not give(session, "somsri", root, role="osm_me").waits
    assert not give(session, "somsri", SYSTEM, role="osm_director").waits


def test_who_acts_for_somebody_does_so_no_longer_than_the_post_is_theirs(session: Session, root: Actor) -> None:
    chief = make_person(session, "chief", "osm_me", "osm_director")
    create(session)
    acting = give(session, "somsri", kind="acting", for_username="chief", letter="คำสั่ง 1")
    director = give(
        session,
        "somsri",
        role="osm_director",
        kind="delegated",
        for_username="chief",
        letter="คำสั่ง 2",
        valid_to=later(720).date(),
    )
    post = session.scalars(
        select(Position).where(Position.person_id == chief.person_id, Position.role == "osm_me")
    ).one()

    positions.end_position(session, post.id, root, NOW, last_day=TODAY)

    assert (acting.valid_to, director.valid_to) == (TODAY, later(720).date())
    told = session.scalars(select(AdminRecord).order_by(AdminRecord.seq.desc()).limit(2)).all()
    assert [(row.kind, row.subject) for row in told] == [("position.ended", "somsri"), ("position.ended", "chief")]


def test_an_administrator_of_one_office_gives_and_ends_nothing_elsewhere(session: Session, root: Actor) -> None:
    create(session)
    there = make_person(session, "far", "osm_me", office_id="NE-U2")
    position = session.scalars(select(Position).where(Position.person_id == there.person_id)).one()

    with pytest.raises(NotFound):
        give(session, "somsri", root, office_id="NE-U2")
    with pytest.raises(NotYourRole):
        give(session, "somsri", root, office_id=None, role="admin")
    with pytest.raises(NotFound):
        positions.end_position(session, position.id, root, NOW, last_day=TODAY)
    whole = make_person(session, "whole", "admin", office_id=None)
    assert give(session, "somsri", whole, office_id=None, role="admin").office_id is None


def test_an_ended_position_is_kept_as_history(session: Session, root: Actor) -> None:
    somsri = create(session)
    position = give(session, "somsri")

    positions.end_position(session, position.id, root, NOW, last_day=TODAY)

    days = (TODAY, TODAY + timedelta(days=1))
    assert [hats.actor_for(session, somsri, day).has("osm_me") for day in days] == [True, False]
    assert positions.positions_of(session, somsri) == [position]
    with pytest.raises(positions.PositionNotFound):
        positions.end_position(session, 999_999, root, NOW, last_day=TODAY)


def test_offices_come_with_their_provinces(session: Session, root: Actor) -> None:
    assert [(one.id, sorted(each.id for each in one.provinces)) for one in offices.offices(session)] == [
        ("NE-U1", ["TH-39", "TH-41"]),
        ("NE-U2", ["TH-47"]),
    ]


def test_names_are_those_of_people(session: Session) -> None:
    make_person(session, "anan")
    make_person(session, "busaba")

    assert hats.names_of(session, ["anan", "system", "nobody", "anan"]) == {"anan": "คุณanan"}
    assert hats.names_of(session, []) == {}


def test_those_who_wear_a_role_are_found_by_name_once_each(session: Session) -> None:
    make_office(session)
    for name, *roles in (("chai", "osm_data"), ("anan", "osm_data", "osm_data"), ("busaba", "osm_strategy")):
        make_person(session, name, *roles)

    assert [person.username for person in hats.people_wearing(session, "osm_data", OFFICE, NOW.date())] == [
        "anan",
        "chai",
    ]


@pytest.mark.parametrize("typed", ["\u202eสมศรี\u202c ใจ\u200bงาม", "\ufeffสมศรี  ใจงาม\u2069", "สม\u00adศรี\tใจงาม"])
def test_a_name_holds_nothing_that_nobody_sees(session: Session, root: Actor, typed: str) -> None:
    assert create(session, root, display_name=typed).display_name == "สมศรี ใจงาม"


def test_a_name_of_which_nothing_is_seen_is_none(session: Session, root: Actor) -> None:
    with pytest.raises(accounts.PersonNotAccepted):
        create(session, root, display_name="\u200b\u202e\u2060")


# ---- persons with several accounts -----------------------------------------------------------------------------


def usernames_of(session: Session, username: str) -> frozenset[str]:
    return hats.actor_named(session, username, TODAY).usernames


def signed_in(session: Session, username: str) -> Actor | None:
    person = hats.person_by_username(session, username)
    return hats.actor_signed_in(session, person.id, person.session_epoch, TODAY)


@pytest.mark.parametrize("spelled", ["ปค-4102", "ปค. ๔๑๐๒", "ปค 4102", "ปค4102\u200b"])
def test_a_second_account_in_use_with_the_same_number_is_refused(session: Session, root: Actor, spelled: str) -> None:
    create(session, root, employee_number="ปค4102")

    with pytest.raises(accounts.NumberInUse) as refused:
        create(session, root, username="somsri2", employee_number=spelled)

    assert "employee_number" in refused.value.fields
    assert session.scalars(select(Person.username).where(Person.username == "somsri2")).first() is None


def test_of_an_account_elsewhere_nothing_is_told_but_that_it_is_there(session: Session, root: Actor) -> None:
    create(session, office_id="NE-U2", employee_number="4102")

    for act in (
        lambda: create(session, root, username="again", employee_number="4102"),
        lambda: accounts.set_number(session, "root", root, NOW, entered="4102"),
    ):
        with pytest.raises(accounts.NumberInUseElsewhere) as refused:
            act()
        said = f"{refused.value} {refused.value.fields}"
        assert not any(word in said for word in ("somsri", "สมศรี", "NE-U2"))


def test_who_comes_back_with_a_new_account_is_the_same_person(session: Session, root: Actor) -> None:
    create(session, root, employee_number="4102")
    accounts.lock(session, "somsri", root, NOW)

    create(session, root, username="somsri.new", employee_number="๔๑-๐๒")
    give(session, "somsri.new")

    assert usernames_of(session, "somsri.new") == {"somsri", "somsri.new"}
    one = signed_in(session, "somsri.new")
    assert one is not None
    assert one.usernames == {"somsri", "somsri.new"}
    with pytest.raises(accounts.NumberInUse):
        accounts.unlock(session, "somsri", root, NOW)


def test_a_number_that_is_taken_away_leaves_one_person(session: Session, root: Actor) -> None:
    """An erasure removes the number and not what two accounts are to each other."""
    create(session, root, employee_number="4102")
    accounts.lock(session, "somsri", root, NOW)
    create(session, root, username="again", employee_number="4102")

    for name in ("somsri", "again"):
        accounts.set_number(session, name, root, NOW, entered=" ")

    assert usernames_of(session, "again") == {"somsri", "again"}
    accounts.unlock(session, "somsri", root, NOW)
    records = session.scalars(select(AdminRecord)).all()
    assert not any("4102" in record.changes for record in records)


def test_two_accounts_in_use_are_said_to_be_one_persons_and_told_apart_again(session: Session, root: Actor) -> None:
    for name in ("a1", "a2", "a3"):
        create(session, root, username=name, employee_number=None)
    accounts.say_one_person(session, "a1", root, NOW, other_username="a2")
    accounts.say_one_person(session, "a3", root, NOW, other_username="a2")
    assert usernames_of(session, "a1") == {"a1", "a2", "a3"}

    accounts.say_other_person(session, "a2", root, NOW)
    assert (usernames_of(session, "a2"), usernames_of(session, "a1")) == ({"a2"}, {"a1", "a3"})
    accounts.say_other_person(session, "a3", root, NOW)
    assert usernames_of(session, "a1") == {"a1"}
    tied = select(AdminRecord.subject).where(AdminRecord.kind == "person.tied").order_by(AdminRecord.seq)
    assert session.scalars(tied).all() == ["a1", "a2", "a3", "a2", "a1", "a3"]
    for other in ("a1", "nobody", "far"):
        make_person(session, "far", "osm_me", office_id="NE-U2") if other == "far" else None
        with pytest.raises(accounts.NotTheSamePerson):
            accounts.say_one_person(session, "a1", root, NOW, other_username=other)


def test_nobody_takes_their_own_accounts_apart(session: Session, root: Actor) -> None:
    create(session, root, employee_number="4102")
    accounts.set_number(session, "root", root, NOW, entered="7001")
    accounts.say_one_person(session, "root", root, NOW, other_username="somsri")
    both = hats.actor_named(session, "root", TODAY)

    for act in (
        lambda: accounts.set_number(session, "root", both, NOW, entered=""),
        lambda: accounts.set_number(session, "somsri", both, NOW, entered="7002"),
        lambda: accounts.say_other_person(session, "somsri", both, NOW),
    ):
        with pytest.raises(accounts.NotYourOwnNumber):
            act()
    with pytest.raises(positions.NotToYourself):
        give(session, "somsri", both)


def test_accounts_that_share_a_number_are_not_told_apart(session: Session, root: Actor) -> None:
    create(session, root, employee_number="4102")
    accounts.lock(session, "somsri", root, NOW)
    create(session, root, username="again", employee_number="4102")

    with pytest.raises(accounts.StillOneNumber):
        accounts.say_other_person(session, "again", root, NOW)


def test_a_post_that_waits_is_not_confirmed_by_another_account_of_who_gave_it(session: Session, root: Actor) -> None:
    create(session, root)
    waiting = give(session, "somsri", root, role="osm_director")
    make_person(session, "root2", "admin")
    accounts.say_one_person(session, "root", root, NOW, other_username="root2")

    with pytest.raises(positions.SecondPersonNeeded):
        positions.confirm_position(session, waiting.id, hats.actor_named(session, "root2", TODAY), NOW)


def test_a_first_post_of_staff_needs_a_number_and_one_outside_does_not(session: Session, root: Actor) -> None:
    create(session, root, employee_number=None)
    give(session, "somsri", root, role="kbk_member")
    for role in ("osm_me", "osm_director", "auditor", "admin"):
        with pytest.raises(positions.PositionNotAccepted) as refused:
            give(session, "somsri", root, role=role)
        assert "role" in refused.value.fields
    make_person(session, "old", "osm_me")
    give(session, "old", root, role="osm_strategy")

    assert [one.username for one in accounts.without_number(session, root)] == ["old", "root"]


def test_accounts_of_one_name_are_told_as_a_hint(session: Session, root: Actor) -> None:
    for username, name in (("a1", "นางสมศรี  ใจงาม"), ("a2", "น.ส.สมศรี ใจงาม"), ("a3", "สมศรี ใจดี")):
        create(session, root, username=username, display_name=name, employee_number=None)
    create(session, office_id="NE-U2", display_name="สมศรี ใจงาม", employee_number=None)
    assert [[one.username for one in alike] for alike in accounts.same_names(session, root)] == [["a1", "a2"]]

    accounts.say_one_person(session, "a1", root, NOW, other_username="a2")
    assert accounts.same_names(session, root) == []


def test_nobody_is_called_as_records_call_the_product_itself(session: Session) -> None:
    make_office(session)
    root = make_person(session, "root", "admin")

    for actor in (SYSTEM, root):
        with pytest.raises(accounts.UsernameIsTheSystems) as refused:
            accounts.create_person(session, actor, NOW, NewPerson(SYSTEM.username, "ใครคนหนึ่ง"))
        assert "username" in refused.value.fields
