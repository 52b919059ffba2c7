"""Who gets every checkpoint by mail: one address each, set by the office, and never forgotten."""

from __future__ import annotations

import pytest

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.errors import NotFound
from osm_flow.operations.audit import witnesses
from osm_flow.operations.audit.witnesses import WitnessKnown, WitnessNotAccepted, WitnessNotFound
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, deploy_unrecorded, later, make_case, make_office, make_person


@pytest.fixture
def prepared(store: Store) -> Store:
    with store.transaction() as session:
        make_office(session)
        deploy_unrecorded(session, "review")
        make_person(session, "boss", "osm_director")
        make_person(session, "anan", "osm_strategy")
        make_case(session)
    return store


@pytest.mark.parametrize(
    "email", ["", "x", "a@b@c", "a b@c.th", "a@b.th, c@d.th", "a@b.th\nBcc: c@d.th", "@x.th", "a@"]
)
def test_an_address_is_one_address(prepared: Store, email: str) -> None:
    with prepared.transaction() as session, pytest.raises(WitnessNotAccepted):
        witnesses.add_witness(session, OFFICE, SYSTEM, NOW, name="ใคร", email=email)


def test_only_the_director_and_administrators_set_witnesses(prepared: Store) -> None:
    with prepared.transaction() as session:
        nobody = make_person(session, "staff", "osm_strategy")
        admin = make_person(session, "root", "admin")
        witness = witnesses.add_witness(session, OFFICE, admin, NOW, name="ใคร", email="a@b.th")
        with pytest.raises(WitnessKnown):
            witnesses.add_witness(session, OFFICE, admin, NOW, name="ใคร", email="a@b.th")
        for act in (
            lambda: witnesses.add_witness(session, OFFICE, nobody, NOW, name="x", email="x@b.th"),
            lambda: witnesses.remove_witness(session, witness.id, nobody, NOW),
            lambda: witnesses.witnesses_of(session, OFFICE, nobody),
        ):
            with pytest.raises(NotYourRole):
                act()
        with pytest.raises(WitnessNotFound):
            witnesses.remove_witness(session, 99, admin, NOW)
        witnesses.remove_witness(session, witness.id, admin, NOW)
        assert witnesses.add_witness(session, OFFICE, admin, NOW, name="ใคร", email="a@b.th").id != witness.id
        assert [one.removed_by for one in witnesses.witnesses_of(session, OFFICE, admin)] == [None, "root"]


def test_a_name_is_one_printable_line(prepared: Store) -> None:
    with prepared.transaction() as session:
        for name in ("", "  ", "\u202e\u200b"):
            with pytest.raises(WitnessNotAccepted):
                witnesses.add_witness(session, OFFICE, SYSTEM, NOW, name=name, email="a@b.th")
        added = witnesses.add_witness(session, OFFICE, SYSTEM, NOW, name=" สตง.\n ภาค 4 ", email=" a@b.th ")
        assert (added.name, added.email, added.added_by, added.added_at) == ("สตง. ภาค 4", "a@b.th", "system", NOW)
        turned = witnesses.add_witness(session, OFFICE, SYSTEM, NOW, name="ใคร\u202eกลับ", email="c@b.th")
        assert turned.name == "ใครกลับ"


def test_who_was_a_witness_stays_known_and_gets_nothing_more(prepared: Store) -> None:
    with prepared.transaction() as session:
        first, second = (
            witnesses.add_witness(session, OFFICE, SYSTEM, NOW, name="ใคร", email=f"{number}@b.th")
            for number in range(2)
        )
        witnesses.remove_witness(session, first.id, SYSTEM, later())
        witnesses.remove_witness(session, first.id, SYSTEM, later(2))

        assert first.removed_at == later()
        assert [one.id for one in witnesses.current(session)] == [second.id]
        assert [one.id for one in witnesses.witnesses_of(session, OFFICE, SYSTEM)] == [second.id, first.id]


def test_the_witnesses_of_every_office_get_the_one_log(prepared: Store) -> None:
    with prepared.transaction() as session:
        make_office(session, "NE-U2", {})
        far = make_person(session, "far", "osm_director", office_id="NE-U2")
        here = witnesses.add_witness(session, OFFICE, SYSTEM, NOW, name="ที่นี่", email="a@b.th")
        there = witnesses.add_witness(session, "NE-U2", far, NOW, name="ที่โน่น", email="a@b.th")

        assert [one.id for one in witnesses.current(session)] == [here.id, there.id]
        assert [one.id for one in witnesses.witnesses_of(session, "NE-U2", far)] == [there.id]
        with pytest.raises(NotFound):
            witnesses.remove_witness(session, here.id, far, later())
