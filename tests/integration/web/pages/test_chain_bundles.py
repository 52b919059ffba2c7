"""Taking a register, or a chain of the whole system, out as a bundle through the pages of auditors."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.store.models import Access
from osm_flow.store.session import Store
from tests.bundles import keys_of, product_faults, run_script
from tests.factories import deploy_tests, make_office, make_person, make_project
from tests.integration.web.pages.test_bundles import post
from tests.integration.web.visits import Site, open_site

BOOK = "/audit/chains/projects/NE-U1/2571/bundle"


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys", "osm.example.go.th/journal")


@pytest.fixture
def site(store: Store, keyring: Keyring) -> Site:
    site = open_site(store)
    site.app.config["KEYRING"] = keyring

    def prepare(session: Session) -> None:
        make_office(session)
        make_office(session, "NE-U2", {})
        make_person(session, "auditor", "auditor", office_id=None)
        make_person(session, "audits_one", "auditor")
        make_person(session, "worker", "osm_strategy")
        make_project(session, "P1")
        make_project(session, "P2")
        make_project(session, "P3", fiscal_year=2570)
        deploy_tests(session, "review")  # the first record of administration

    site.arrange(prepare)
    return site


@pytest.mark.parametrize("chain", ["projects/NE-U1/2571", "administration", "reads"])
def test_an_auditor_finds_a_register_and_takes_it_out_with_a_reason(
    site: Site, keyring: Keyring, tmp_path: Path, chain: str
) -> None:
    auditor = site.visit("auditor")
    front = auditor.get("/audit")
    assert front.all("//a[@href='/audit/chains']")
    assert auditor.get("/projects?fy=2571").all("//a[@href='/audit/chains?fy=2571']")
    listed = auditor.get("/audit/chains")
    assert "โครงการ – กลุ่มจังหวัด" in listed.words
    path = f"/audit/chains/{chain}/bundle"
    assert listed.all(f"//a[@href='{path}']")

    form = auditor.get(path)
    assert auditor.submit(form, "/bundle", reason=" ").status == 422
    answer = post(auditor.client, path, reason="ตรวจสอบประจำปี")
    content = answer.get_data()
    answer.close()

    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].endswith(f"{chain.replace('/', '-')}.zip")
    bundle = tmp_path / "down.zip"
    bundle.write_bytes(content)
    trusted = keyring.folder / "trusted"
    assert run_script(bundle, "--key", str(trusted))[0] == 0
    assert product_faults(bundle, keys_of(trusted)) == []
    read = site.read(lambda session: session.scalars(select(Access).where(Access.reason != "")).one())
    assert (read.actor, read.reason, read.subject) == ("auditor", "ตรวจสอบประจำปี", chain)


def test_books_are_listed_by_year(site: Site) -> None:
    auditor = site.visit("auditor")

    for asked, shown in (("", "2571"), ("?fy=2570", "2570"), ("?fy=1", "2571"), ("?fy=x", "2571")):
        links = auditor.get(f"/audit/chains{asked}").all("//a[contains(@href,'/audit/chains/projects')]/@href")
        assert links == [f"/audit/chains/projects/NE-U1/{shown}/bundle"]


@pytest.mark.parametrize(("who", "status"), [("worker", 403), ("audits_one", 403)])
def test_who_does_not_see_the_audit_of_all_offices_finds_no_link_and_gets_nothing(
    site: Site, who: str, status: int
) -> None:
    visitor = site.visit(who)

    assert visitor.get("/audit/chains").status == status
    assert visitor.get(BOOK).status == status
    assert visitor.post(BOOK, {"reason": "อยากได้"}).status == status
    assert not visitor.get("/projects").all("//a[starts-with(@href,'/audit/chains')]")
    assert site.read(lambda session: session.scalars(select(Access).where(Access.kind == "book.exported")).all()) == []


@pytest.mark.parametrize("chain", ["projects/NE-U1/2599", "projects/NE-U2/2571", "nothing", "projects/NE-U1/2571/more"])
def test_a_register_that_is_not_there_is_not_found(site: Site, chain: str) -> None:
    auditor = site.visit("auditor")

    assert auditor.get(f"/audit/chains/{chain}/bundle").status == 404
    assert auditor.post(f"/audit/chains/{chain}/bundle", {"reason": "ตรวจ"}).status == 404


def test_without_the_key_the_name_says_that_nothing_is_signed(site: Site) -> None:
    site.app.config["KEYRING"] = None
    auditor = site.visit("auditor")

    answer = post(auditor.client, BOOK, reason="ตรวจสอบประจำปี")
    answer.close()

    assert answer.headers["Content-Disposition"].endswith("projects-NE-U1-2571-unsigned.zip")
