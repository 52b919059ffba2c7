"""What all cases share is read once."""

from __future__ import annotations

from osm_flow.operations.comparing.known import read_known
from osm_flow.store.session import Store
from tests.factories import NOW, later, make_office, make_person


def test_an_account_counts_from_when_it_was_made(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        number = make_person(session, "anan").person_id
    with store.reading() as session:
        known = read_known(session)

    assert known.name_of(number) == "anan"
    assert (known.name_of(None), known.name_of(99)) == (None, "#99")
    assert known.provinces["TH-41"] == "NE-U1"
    assert known.has_erased is False
    before, after = ((NOW if minutes is None else later(minutes)).isoformat() for minutes in (-5, 5))
    assert (known.numbers_at(before), known.numbers_at(after)) == ({}, {"anan": number})
