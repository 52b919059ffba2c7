"""`osm-flow case verify` and `case export`: proving the past, as an auditor meets it."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from osm_flow.operations.cases.comments import comment
from osm_flow.operations.people.hats import actor_named
from osm_flow.store.models import Access
from osm_flow.store.session import Store
from tests.bundles import GOLDEN, Forger, make_family, run_script
from tests.factories import NOW, later, make_case, make_person
from tests.integration.cli.shell import Shell
from tests.integration.cli.test_trust import public_key_file


@pytest.fixture
def family(sqlite_store: Store) -> str:
    """The id of a case that called another."""
    return make_family(sqlite_store)


def export(shell: Shell, case_id: str, bundle: Path, *more: object) -> None:
    exported = shell.run("case", "export", case_id, "--bundle", bundle, "--reason", "ตรวจสอบ", *more)
    assert exported.exit_code == 0, exported.output
    assert exported.stdout == f"{bundle}: {bundle.stat().st_size} bytes\n"


# ---- bundles ---------------------------------------------------------------------------------------------------


def test_a_bundle_is_exported_with_a_reason_and_verified_by_file(shell: Shell, family: str, tmp_path: Path) -> None:
    with shell.store.transaction() as session:
        make_person(session, "malee", "auditor", office_id=None)
    bundle, trusted = tmp_path / "case.zip", tmp_path / "keys" / "trusted"

    export(shell, family, bundle, "--as", "malee")
    verified = shell.run("case", "verify", "--bundle", bundle, "--key", trusted, "--deep", "--json")

    report = json.loads(verified.stdout)
    assert (verified.exit_code, report["faults"], report["cases"]) == (0, [], 2)
    assert report["compared"] == sum(about["records"] for about in Forger.of(bundle).manifest["chains"])
    assert run_script(bundle, "--key", str(trusted))[0] == 0
    with shell.store.reading() as session:
        assert [(read.actor, read.reason) for read in session.scalars(select(Access))] == [("malee", "ตรวจสอบ")]


class Interrupting:
    """Somebody who writes into the case each time before it is read for a bundle, so many times."""

    def __init__(self, store: Store, case_id: str, times: int) -> None:
        self.store, self.case_id, self.times, self.reading = store, case_id, times, store.reading

    def __call__(self) -> AbstractContextManager[Session]:
        if self.times:
            self.times -= 1
            with self.store.transaction() as session:
                anan = actor_named(session, "anan", NOW.date())
                comment(session, self.case_id, anan, later(70 + self.times), body="ระหว่างนั้น", key=None)
        return self.reading()


@pytest.mark.parametrize("times", [1, 3])
def test_a_record_between_preparing_and_writing_is_signed_over_again(
    shell: Shell, family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    bundle, trusted = tmp_path / "case.zip", tmp_path / "keys" / "trusted"
    monkeypatch.setattr(shell.store, "reading", Interrupting(shell.store, family, times))

    exported = shell.run("case", "export", family, "--bundle", bundle, "--reason", "ตรวจสอบ")

    assert (exported.exit_code, exported.stderr) == (0, "")
    code, said = run_script(bundle, "--key", str(trusted))
    assert code == 0, said
    assert f"up to record {2 + times} of {2 + times}" in said
    with shell.store.reading() as session:
        assert len(session.scalars(select(Access)).all()) == 1


def test_a_case_that_never_rests_leaves_unsigned_and_that_is_said(
    shell: Shell, family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, trusted = tmp_path / "case.zip", tmp_path / "keys" / "trusted"
    monkeypatch.setattr(shell.store, "reading", Interrupting(shell.store, family, 100))

    exported = shell.run("case", "export", family, "--bundle", bundle, "--reason", "ตรวจสอบ")

    assert exported.exit_code == 0
    assert "NOT SIGNED: records were written after the newest checkpoint was signed: export it again" in exported.stderr
    assert run_script(bundle, "--key", str(trusted))[0] == 1
    assert run_script(bundle)[0] == 3


def test_a_bundle_that_another_machine_cannot_sign_says_so(shell: Shell, family: str, tmp_path: Path) -> None:
    shell.json("audit", "checkpoint")
    (active,) = shell.context.keyring.folder.glob("*.pem")
    active.unlink()

    exported = shell.run("case", "export", family, "--bundle", tmp_path / "case.zip", "--reason", "ตรวจสอบ")

    assert exported.exit_code == 0
    assert "NOT SIGNED: the signing key is not on this machine" in exported.stderr


def test_a_bundle_is_told_with_its_cases_and_those_who_signed_it(shell: Shell, family: str, tmp_path: Path) -> None:
    bundle = tmp_path / "case.zip"
    export(shell, family, bundle)

    told = shell.run("case", "verify", "--bundle", bundle).stdout
    assert told == (
        f"{bundle}: 2 cases, signed by osm.example.go.th/journal, 0 with faults\n"
        "RESULT holds up to record 2 of 2 (2026-11-20T02:06:00.000000Z); 1 more chains: 6 of 6 records\n"
    )
    report = shell.json("case", "verify", "--bundle", bundle)
    assert (report["cases"], report["faults"]) == (2, [])
    assert "compared" not in report, "nothing was replayed"
    assert list(tmp_path.glob("*.part")) == []


def test_the_list_of_keys_is_a_file_of_keys(shell: Shell, family: str, tmp_path: Path) -> None:
    bundle, listed = tmp_path / "case.zip", tmp_path / "keys.txt"
    export(shell, family, bundle)
    listed.write_text(shell.run("audit", "keys", "list").stdout)

    assert shell.run("case", "verify", "--bundle", bundle, "--key", listed).exit_code == 0
    assert run_script(bundle, "--key", str(listed))[0] == 0


def test_without_a_reason_no_bundle_is_written(shell: Shell, family: str, tmp_path: Path) -> None:
    said = shell.refused("case", "export", family, "--bundle", tmp_path / "case.zip")

    assert "reason" in said
    assert list(tmp_path.glob("case.zip*")) == []


def test_a_refused_export_leaves_the_bundle_of_before(shell: Shell, family: str, tmp_path: Path) -> None:
    bundle = tmp_path / "case.zip"
    export(shell, family, bundle)
    before = bundle.read_bytes()

    shell.refused("case", "export", "none", "--bundle", bundle, "--reason", "ก")

    assert bundle.read_bytes() == before


def test_without_payloads(shell: Shell, family: str, tmp_path: Path) -> None:
    bundle = tmp_path / "case.zip"
    export(shell, family, bundle, "--without-payloads")

    verified = shell.run("case", "verify", "--bundle", bundle, "--deep")

    assert Forger.of(bundle).manifest["payloads"] is False
    assert verified.exit_code == 0
    assert "nothing can be replayed" in verified.stderr


def test_a_forged_bundle_is_refused_in_sentences(shell: Shell, family: str, tmp_path: Path) -> None:
    bundle = tmp_path / "case.zip"
    export(shell, family, bundle)
    forger = Forger.of(bundle)
    forger.edit(forger.ids()[0], lambda lines: lines[1].update(actor="boss"))
    forger.write(bundle)

    verified = shell.run("case", "verify", "--bundle", bundle)

    assert verified.exit_code == 1
    assert f"{forger.ids()[0]} record 2: hash: the record was changed after it was written" in verified.stderr


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\5\6" + bytes(18)])
def test_what_is_no_bundle_is_refused_in_a_sentence(shell: Shell, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "no.zip"
    path.write_bytes(content)

    verified = shell.run("case", "verify", "--bundle", path)

    assert verified.exit_code == 1
    assert "The bundle cannot be read" in verified.stderr


# ---- cases of this installation --------------------------------------------------------------------------------


def test_an_export_is_whole(an_hour_later: Shell, case_id: str, tmp_path: Path) -> None:
    target = tmp_path / "case.json"

    assert an_hour_later.run("case", "export", case_id, "--output", target).exit_code == 0

    document = json.loads(target.read_text("utf-8"))
    assert (document["case"]["id"], len(document["records"])) == (case_id, 4)
    assert an_hour_later.run("case", "export", case_id).stdout == target.read_text("utf-8")


def test_a_forged_history_ends_with_1_and_names_the_record(an_hour_later: Shell, case_id: str) -> None:
    with an_hour_later.store.transaction() as session:
        session.execute(text("DROP TRIGGER refuse_update_of_journal_records"))
        session.execute(text("UPDATE journal_records SET actor = 'mallory' WHERE seq = 1"))

    result = an_hour_later.run("case", "verify", "--all", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["faults"][0]["seq"] == 1
    assert f"{case_id} record 1: hash" in result.stderr


def test_one_case_is_verified_by_its_id(an_hour_later: Shell, case_id: str) -> None:
    assert an_hour_later.run("case", "verify", case_id).stdout == "1 cases, 0 with faults\n"
    report = an_hour_later.json("case", "verify", case_id, "--deep")
    assert report == {"cases": 1, "faulty": 0, "faults": [], "compared": 4, "differences": []}


def test_deep_verification_tells_both_states(shell: Shell, family: str) -> None:
    with shell.store.transaction() as session:
        session.execute(text("DROP TRIGGER refuse_update_of_journal_payloads"))
        session.execute(text("UPDATE journal_payloads SET body = replace(body, '1.50', '9.99')"))

    plain, deeply = shell.run("case", "verify", "--all"), shell.run("case", "verify", "--all", "--deep")

    assert (plain.exit_code, deeply.exit_code) == (1, 1)
    assert "is the first that differs" not in plain.stderr
    assert "is the first that differs" in deeply.stderr
    assert "replayed state" in deeply.stderr
    assert shell.run("case", "verify", family, "--deep", "--json").exit_code == 1


@pytest.mark.parametrize("wrong", [(), ("--all", "x"), ("x", "--key", __file__), ("--all", "--bundle", __file__)])
def test_wrong_use_is_said(shell: Shell, wrong: tuple[str, ...]) -> None:
    result = shell.run("case", "verify", *wrong)

    assert (result.exit_code, result.stdout) == (2, "")
    assert "name a case" in result.stderr


@pytest.mark.parametrize("command", [("verify", "none"), ("export", "none"), ("export", "none", "--as", "nobody")])
def test_a_case_that_does_not_exist_is_a_sentence(shell: Shell, command: tuple[str, ...]) -> None:
    assert shell.run("case", *command).stdout == ""
    assert "There is no such case" in shell.refused("case", *command)


# ---- damage ----------------------------------------------------------------------------------------------------


def _damaged(store: Store, folder: Path, page: int) -> Path:
    """A copy of the database one page of which the disk has lost."""
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    copy = folder / f"damaged-{page}.db"
    shutil.copyfile(str(store.url.database), copy)
    with copy.open("r+b") as file:
        file.seek(page * size)
        file.write(b"\xa5" * size)
    return copy


def _pages_of(store: Store, table: str) -> list[int]:
    """The pages of a table or an index after its root, counted from 0 as in the file; the root where it has no other."""
    with store.engine.connect() as connection:
        try:
            query = "SELECT pageno FROM dbstat WHERE name = ? ORDER BY pageno"
            pages = [int(row[0]) - 1 for row in connection.exec_driver_sql(query, (table,))]
        except OperationalError:
            pytest.skip("this SQLite cannot say which page belongs to what")
    return pages


@pytest.fixture
def many(sqlite_store: Store, family: str) -> Store:
    """So many cases that their journal fills several pages."""
    with sqlite_store.transaction() as session:
        for number in range(25):
            make_case(session, "caller", title=f"เรื่อง {number}", data={"rate": 0.1})
    return sqlite_store


@pytest.mark.parametrize("table", ["journal_records", "journal_payloads", "cases", "case_states", "log_leaves"])
def test_of_a_damaged_database_everything_is_checked_that_can_be_read(many: Store, tmp_path: Path, table: str) -> None:
    Shell(many, tmp_path).json("audit", "checkpoint")
    page = _pages_of(many, table)[-1]
    damaged = Shell(f"sqlite:///{_damaged(many, tmp_path, page)}", tmp_path)

    result = damaged.run("case", "verify", "--all")

    damaged.store.close()
    assert result.exit_code == 1
    assert not isinstance(result.exception, Exception) or isinstance(result.exception, SystemExit), result.exception
    assert "unreadable: " in result.stderr
    told = re.search(r"note: (\d+) of (\d+) cases could be checked all the same, (\d+) without a fault", result.stderr)
    assert told is not None, result.stderr
    assert int(told[2]) == 27
    if table != "cases":
        assert int(told[1]) > 0


def test_no_damaged_page_ends_in_a_traceback_or_passes_for_sound_history(many: Store, tmp_path: Path) -> None:
    pages = {page for table in ("journal_records", "journal_payloads") for page in _pages_of(many, table)[-3:]}
    for page in pages:
        damaged = Shell(f"sqlite:///{_damaged(many, tmp_path, page)}", tmp_path)
        for arguments in (("--all",), ("--all", "--deep")):
            result = damaged.run("case", "verify", *arguments)
            assert result.exit_code == 1, (page, result.output)
            assert isinstance(result.exception, SystemExit), (page, result.exception)
        damaged.store.close()


def test_of_a_damaged_bundle_the_other_files_are_checked(shell: Shell, family: str, tmp_path: Path) -> None:
    bundle = tmp_path / "case.zip"
    export(shell, family, bundle)
    with zipfile.ZipFile(bundle) as archive:
        name = f"cases/{family}/states.jsonl"
        at = archive.getinfo(name).header_offset + 30 + len(name) + 20
    content = bytearray(bundle.read_bytes())
    content[at] ^= 0xFF
    bundle.write_bytes(content)

    result = shell.run("case", "verify", "--bundle", bundle)

    assert result.exit_code == 1
    assert f"{name}: the file is damaged" in result.stderr
    assert "cases could be checked all the same" in result.stderr


# ---- whose keys are believed -----------------------------------------------------------------------------------


def test_without_a_key_that_is_trusted_nothing_is_proven(shell: Shell, family: str, tmp_path: Path) -> None:
    bundle = tmp_path / "case.zip"
    export(shell, family, bundle)
    stranger = Shell(shell.store, tmp_path / "elsewhere")

    told = stranger.run("case", "verify", "--bundle", bundle)

    assert told.exit_code == 3
    assert told.stdout.splitlines()[-1] == (
        "RESULT nothing wrong was found, but it is NOT PROVEN: no trusted key says who signed it"
    )
    assert json.loads(stranger.run("case", "verify", "--bundle", bundle, "--json").stdout)["verdict"].startswith(
        "nothing wrong was found"
    )


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"no key", b"# nothing\n", b"a+00000000+AAAA\n", bytes(100), b"+++\n"]
)
def test_a_key_that_is_none_is_a_fault_and_no_traceback(
    shell: Shell, family: str, tmp_path: Path, content: bytes
) -> None:
    bundle, key = tmp_path / "case.zip", tmp_path / "key.txt"
    export(shell, family, bundle)
    key.write_bytes(content)

    said = shell.refused("case", "verify", "--bundle", bundle, "--key", key)
    assert "public key" in said or "UTF-8" in said
    code, said = run_script(bundle, "--key", str(key))
    assert code == 1
    assert said.startswith("FAULT")
    assert said.splitlines()[-1] == "RESULT does not hold"


def test_a_note_in_the_file_of_keys_is_left_out_here_and_there(shell: Shell, family: str, tmp_path: Path) -> None:
    bundle, key = tmp_path / "case.zip", tmp_path / "key.txt"
    export(shell, family, bundle)
    public_key_file(shell, key)
    key.write_text(f"  # from the safe\n# again\n\n{key.read_text(encoding='utf-8')}", encoding="utf-8")

    told = shell.run("case", "verify", "--bundle", bundle, "--key", key)
    code, said = run_script(bundle, "--key", str(key))

    assert (told.exit_code, code) == (0, 0)
    assert told.stdout.splitlines()[-1] == said.splitlines()[-1]


@pytest.mark.parametrize(
    "content", [b"", b"no archive", b"PK\x05\x06" + bytes(18)], ids=["empty", "no zip", "no files"]
)
def test_a_file_that_is_no_bundle_ends_in_the_same_words_here_and_there(
    shell: Shell, tmp_path: Path, content: bytes
) -> None:
    given = tmp_path / "given.zip"
    given.write_bytes(content)

    told = shell.run("case", "verify", "--bundle", given)
    code, said = run_script(given)
    as_json = shell.run("case", "verify", "--bundle", given, "--json")

    assert (told.exit_code, code) == (1, 1)
    assert told.stdout.splitlines()[-1] == said.splitlines()[-1] == "RESULT does not hold"
    assert json.loads(as_json.stdout)["verdict"] == "does not hold"


def test_this_machine_s_own_list_of_keys_may_be_damaged(shell: Shell, family: str, tmp_path: Path) -> None:
    bundle = tmp_path / "case.zip"
    export(shell, family, bundle)
    for content in (b"nonsense", b"\xff\n"):
        (tmp_path / "keys" / "trusted").write_bytes(content)
        shell.refused("case", "verify", "--bundle", bundle)
        shell.refused("audit", "verify")


def test_a_checkpoint_of_a_witness_is_compared_by_the_proof_that_the_office_prints(
    shell: Shell, family: str, tmp_path: Path
) -> None:
    bundle, kept, proof = (tmp_path / name for name in ("case.zip", "witness.txt", "proof.json"))
    export(shell, family, bundle)
    old = Forger.of(bundle).manifest["checkpoint"]["size"]
    with shell.store.transaction() as session:
        make_case(session, "callee")
    signed = shell.json("audit", "checkpoint")
    kept.write_text(signed["note"])

    told = shell.run("case", "verify", "--bundle", bundle, "--checkpoint", kept)
    assert (told.exit_code, told.stdout.strip().endswith("NOT compared with the given checkpoint")) == (3, True)
    assert f"osm-flow audit consistency {old} {signed['size']} --json" in told.stderr
    proof.write_text(shell.run("audit", "consistency", old, signed["size"], "--json").stdout)

    told = shell.run("case", "verify", "--bundle", bundle, "--checkpoint", kept, "--consistency", proof)
    assert (told.exit_code, told.stdout.strip().endswith("; compared with the given checkpoint")) == (0, True)


def test_a_kept_bundle_of_format_1_says_what_it_does_not_prove(shell: Shell) -> None:
    told = shell.run("case", "verify", "--bundle", GOLDEN / "hearing.zip", "--key", GOLDEN / "keys.txt")

    assert told.exit_code == 0
    assert told.stdout.endswith("RESULT everything holds\n")
    assert "nobody signed where the chains end" in told.stderr
