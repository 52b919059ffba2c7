"""A file that a page sent, kept with its case."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask, g, get_flashed_messages
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.store.models import Attachment
from osm_flow.store.session import Store
from osm_flow.web.parts.uploads import FileMissing, keep_upload
from tests.factories import NOW, deploy_tests, make_case, make_office, make_person


def begun(session: Session) -> tuple[str, Actor]:
    make_office(session)
    deploy_tests(session, "review")
    anan = make_person(session, "anan", "osm_strategy")
    return make_case(session, actor=anan).id, anan


def keep(site: Flask, store: Store, case_id: str, actor: Actor, data: dict[str, Any]) -> list[str]:
    """What the person is told once the file is kept."""
    with site.test_request_context("/", method="POST", data=data), store.transaction() as session:
        g.session, g.actor, g.now, g.locale = session, actor, NOW, "th"
        keep_upload(case_id)
        return get_flashed_messages()


def test_a_file_is_kept_under_its_name_and_the_person_is_told(site: Flask, store: Store) -> None:
    with store.transaction() as session:
        case_id, anan = begun(session)

    told = keep(site, store, case_id, anan, {"file": (io.BytesIO(b"yes"), "มติ.txt")})

    assert told == ["แนบ มติ.txt แล้ว"]
    with store.reading() as session:
        (row,) = session.scalars(select(Attachment)).all()
        assert (row.case_id, row.filename) == (case_id, "มติ.txt")


def test_the_same_form_sent_twice_keeps_one_file(site: Flask, store: Store) -> None:
    with store.transaction() as session:
        case_id, anan = begun(session)

    for _ in range(2):
        keep(site, store, case_id, anan, {"file": (io.BytesIO(b"yes"), "a.txt"), "idempotency_key": "once"})

    with store.reading() as session:
        assert len(session.scalars(select(Attachment)).all()) == 1


@pytest.mark.parametrize("chosen", [False, True], ids=["left out", "without a name"])
def test_no_file_is_refused_at_its_field(site: Flask, store: Store, *, chosen: bool) -> None:
    data = {"file": (io.BytesIO(b""), "")} if chosen else {}
    with store.transaction() as session:
        case_id, anan = begun(session)

    with pytest.raises(FileMissing) as refused:
        keep(site, store, case_id, anan, data)

    assert refused.value.fields == {"file": "Choose a file first."}
