"""`osm-flow case verify` and `case export --bundle`, `backup` and `restore`, as an auditor or an operator meets them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, text

from osm_flow.cli import root
from osm_flow.cli.context import Context, Mail
from osm_flow.store.models import Access
from osm_flow.store.session import Store
from tests.bundles import Forger, make_family, run_script
from tests.factories import NOW, make_person

Run = Callable[..., Result]


@pytest.fixture
def run(sqlite_store: Store, tmp_path: Path) -> Run:
    def no_site(*_: object) -> Any:
        raise AssertionError("no command here needs the site")

    context = Context(
        database_url=sqlite_store.engine.url.render_as_string(hide_password=False), data_dir=tmp_path,
        base_url="https://osm.example.go.th", timezone=ZoneInfo("Asia/Bangkok"), mail=Mail("", "osm@example.org"),
        clock=lambda: NOW, make_app=no_site,
    )  # fmt: skip
    return lambda *arguments: CliRunner().invoke(root, [str(one) for one in arguments], obj=context)


def test_a_bundle_is_exported_with_a_reason_and_verified_by_file(run: Run, sqlite_store: Store, tmp_path: Path) -> None:
    case_id = make_family(sqlite_store)
    with sqlite_store.transaction() as session:
        make_person(session, "malee", "auditor", office_id=None)
    bundle, trusted = tmp_path / "case.zip", tmp_path / "keys" / "trusted"

    exported = run("case", "export", case_id, "--bundle", bundle, "--reason", "ตรวจสอบ", "--as", "malee")
    verified = run("case", "verify", "--bundle", bundle, "--key", trusted, "--deep", "--json")

    assert exported.exit_code == 0, exported.output
    report = json.loads(verified.stdout)
    assert (verified.exit_code, report["faults"], report["cases"]) == (0, [], 2)
    assert report["compared"] == sum(about["records"] for about in Forger.of(bundle).manifest["cases"])
    assert run_script(bundle, "--key", str(trusted))[0] == 0
    with sqlite_store.reading() as session:
        assert [(read.actor, read.reason) for read in session.scalars(select(Access))] == [("malee", "ตรวจสอบ")]


def test_the_list_of_keys_is_a_file_of_keys(run: Run, sqlite_store: Store, tmp_path: Path) -> None:
    bundle, listed = tmp_path / "case.zip", tmp_path / "keys.txt"
    run("case", "export", make_family(sqlite_store), "--bundle", bundle, "--reason", "ก")
    listed.write_text(run("audit", "keys", "list").stdout)

    assert run("case", "verify", "--bundle", bundle, "--key", listed).exit_code == 0
    assert run_script(bundle, "--key", str(listed))[0] == 0


def test_without_a_reason_no_bundle_is_written(run: Run, sqlite_store: Store, tmp_path: Path) -> None:
    case_id = make_family(sqlite_store)

    refused = run("case", "export", case_id, "--bundle", tmp_path / "case.zip")

    assert refused.exit_code == 1
    assert "reason" in refused.stderr
    assert list(tmp_path.glob("case.zip*")) == []


def test_without_payloads(run: Run, sqlite_store: Store, tmp_path: Path) -> None:
    bundle = tmp_path / "case.zip"
    run("case", "export", make_family(sqlite_store), "--bundle", bundle, "--reason", "ก", "--without-payloads")

    verified = run("case", "verify", "--bundle", bundle, "--deep")

    assert Forger.of(bundle).manifest["payloads"] is False
    assert verified.exit_code == 0
    assert "nothing can be replayed" in verified.stderr


def test_a_forged_bundle_is_refused_in_sentences(run: Run, sqlite_store: Store, tmp_path: Path) -> None:
    bundle = tmp_path / "case.zip"
    run("case", "export", make_family(sqlite_store), "--bundle", bundle, "--reason", "ก")
    forger = Forger.of(bundle)
    forger.edit(forger.ids()[0], lambda lines: lines[1].update(actor="boss"))
    forger.write(bundle)

    verified = run("case", "verify", "--bundle", bundle)

    assert verified.exit_code == 1
    assert f"{forger.ids()[0]} record 2: hash: the record was changed after it was written" in verified.stderr


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\5\6" + bytes(18)])
def test_what_is_no_bundle_is_refused_in_a_sentence(run: Run, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "no.zip"
    path.write_bytes(content)

    verified = run("case", "verify", "--bundle", path)

    assert verified.exit_code == 1
    assert "The bundle cannot be read" in verified.stderr


def test_deep_verification_tells_both_states(run: Run, sqlite_store: Store) -> None:
    case_id = make_family(sqlite_store)
    with sqlite_store.transaction() as session:
        session.execute(text("DROP TRIGGER refuse_update_of_journal_payloads"))
        session.execute(text("UPDATE journal_payloads SET body = replace(body, '1.50', '9.99')"))

    plain, deeply = run("case", "verify", "--all"), run("case", "verify", "--all", "--deep")

    assert (plain.exit_code, deeply.exit_code) == (1, 1)
    assert "is the first that differs" not in plain.stderr
    assert "is the first that differs" in deeply.stderr
    assert "replayed state" in deeply.stderr
    assert run("case", "verify", case_id, "--deep", "--json").exit_code == 1


@pytest.mark.parametrize("wrong", [(), ("--all", "x"), ("x", "--key", __file__), ("--all", "--bundle", __file__)])
def test_wrong_use_is_said(run: Run, wrong: tuple[str, ...]) -> None:
    assert run("case", "verify", *wrong).exit_code == 2


def test_backup_and_restore(run: Run, sqlite_store: Store, tmp_path: Path) -> None:
    case_id = make_family(sqlite_store)
    copy = tmp_path / "copy.db"

    assert run("backup", copy).exit_code == 0
    assert run("backup", copy).exit_code == 1
    refused = run("restore", copy)
    assert refused.exit_code == 1
    assert "--replace" in refused.stderr
    assert run("restore", copy, "--replace").exit_code == 0
    assert run("case", "verify", case_id).exit_code == 0
