"""Taking the bundle of a case out through its page."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.people.hats import actor_named
from osm_flow.store.models import Access, Case
from osm_flow.store.session import Store
from osm_flow.web.site import lifecycle
from tests.bundles import Forger, keys_of, make_family, product_faults, run_script
from tests.factories import NOW, make_office, make_person
from tests.integration.web.visits import Site, open_site


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys", "osm.example.go.th/journal")


@pytest.fixture
def site(store: Store, keyring: Keyring) -> Site:
    site = open_site(store)
    site.app.config["KEYRING"] = keyring
    make_family(store)

    def prepare(session: Session) -> None:
        make_office(session, "NE-U2", {})
        make_person(session, "auditor", "auditor", office_id=None)
        make_person(session, "worker", "osm_strategy")

    site.arrange(prepare)
    return site


def path_of(site: Site) -> str:
    case_id = site.read(lambda session: session.scalar(select(Case.id).where(Case.parent_case_id.is_(None))))
    return f"/audit/cases/{case_id}/bundle"


def post(client: FlaskClient, path: str, **values: str) -> TestResponse:
    from lxml import html

    token = html.fromstring(client.get("/me").get_data(as_text=True)).xpath('//input[@name="csrf_token"]/@value')[0]
    return client.post(path, data={"csrf_token": token, **values})


@pytest.mark.parametrize(("values", "has_payloads"), [({"payloads": "yes"}, True), ({}, False)])
def test_an_auditor_downloads_what_strangers_can_check(
    site: Site, keyring: Keyring, tmp_path: Path, values: dict[str, str], has_payloads: bool
) -> None:
    client = site.visit("auditor").client

    answer = post(client, path_of(site), reason="ตรวจสอบประจำปี", **values)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"].endswith(".zip")
    bundle = tmp_path / "down.zip"
    bundle.write_bytes(answer.get_data())
    answer.close()
    assert Forger.of(bundle).manifest["payloads"] is has_payloads
    trusted = keyring.folder / "trusted"
    assert run_script(bundle, "--key", str(trusted))[0] == 0
    assert product_faults(bundle, keys_of(trusted)) == []
    read = site.read(lambda session: session.scalars(select(Access).where(Access.kind == "case.exported")).one())
    assert (read.actor, read.reason) == ("auditor", "ตรวจสอบประจำปี")


def test_a_bundle_that_could_not_be_signed_says_so_in_its_name(
    site: Site, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Because the case went on between the record of the export and the reading, or because the key is elsewhere."""
    client, path, finish = site.visit("auditor").client, path_of(site), lifecycle.finish

    def finish_late() -> None:
        finish()
        with site.store.transaction() as session:
            comment(session, path.split("/")[3], actor_named(session, "worker", NOW.date()), NOW, body="ต่อ", key=None)

    with monkeypatch.context() as patch:
        patch.setattr(lifecycle, "finish", finish_late)
        late = post(client, path, reason="ตรวจสอบประจำปี")
    signed = post(client, path, reason="ตรวจสอบอีกครั้ง")
    site.app.config["KEYRING"] = Keyring(tmp_path / "elsewhere", keyring.origin)
    elsewhere = post(client, path, reason="ตรวจสอบจากเครื่องอื่น")

    names = [answer.headers["Content-Disposition"] for answer in (late, signed, elsewhere)]
    assert ["-unsigned.zip" in name for name in names] == [True, False, True]
    for answer, is_signed in zip((late, signed, elsewhere), (False, True, False), strict=True):
        bundle = tmp_path / "down.zip"
        bundle.write_bytes(answer.get_data())
        answer.close()
        assert ("manifest.sig" in Forger.of(bundle).files) is is_signed


def test_without_a_reason_nothing_leaves(site: Site) -> None:
    answer = site.visit("auditor").post(path_of(site), {"reason": "  "})

    assert answer.status == 422
    assert "เหตุผล" in answer.words
    assert site.read(lambda session: session.scalars(select(Access)).all()) == []


def test_who_may_not_see_the_audit_gets_no_bundle(site: Site) -> None:
    worker = site.visit("worker")

    assert worker.get(path_of(site)).status == 403
    assert worker.post(path_of(site), {"reason": "อยากรู้"}).status == 403


def test_a_case_that_does_not_exist_is_not_found(site: Site) -> None:
    auditor = site.visit("auditor")

    assert auditor.get("/audit/cases/nothing/bundle").status == 404
    assert auditor.post("/audit/cases/nothing/bundle", {"reason": "ก"}).status == 404


def test_the_page_reads_well_in_both_languages(site: Site) -> None:
    assert "ส่งออกชุดหลักฐาน" in site.visit("auditor").get(path_of(site)).words
    assert "Export a bundle of evidence" in site.visit("auditor", "en").get(path_of(site)).words
