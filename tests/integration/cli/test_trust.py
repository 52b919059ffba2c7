"""Which keys a machine believes: through rotation, loss and restore, and when what should be a key is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import text

from osm_flow.domain.merkle_note import read_keys
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.people.hats import actor_named
from osm_flow.store.session import Store
from tests.bundles import run_script
from tests.factories import NOW, later, make_person
from tests.integration.cli.shell import Shell

NOT_PROVEN = "NOT PROVEN: no trusted key on this machine says who signed"


@pytest.fixture
def shell(an_hour_later: Shell, case_id: str) -> Shell:
    """An installation that signed its first checkpoint, of four records, with an administrator of the whole system."""
    with an_hour_later.store.transaction() as session:
        make_person(session, "ekachai", "admin", office_id=None)
    an_hour_later.json("audit", "checkpoint")
    return an_hour_later


def another_machine(shell: Shell, folder: Path, *kept: str) -> Shell:
    """The same database seen from another machine, which has these files of the first one's keys."""
    other = Shell(shell.store, folder, now=shell.context.now())
    (folder / "keys").mkdir(parents=True)
    for name in kept:
        shutil.copy(shell.context.data_dir / "keys" / name, folder / "keys" / name)
    return other


def go_on(store: Store, case_id: str) -> None:
    with store.transaction() as session:
        comment(session, case_id, actor_named(session, "boss", NOW.date()), later(9), body="ต่อ", key=None)


def public_key_file(shell: Shell, path: Path) -> Path:
    """The public keys as they were once printed and kept by another way than the database."""
    path.write_text(shell.run("audit", "keys", "list").stdout, encoding="utf-8")
    return path


# ---- rotation --------------------------------------------------------------------------------------------------


def test_another_machine_trusts_a_successor_when_somebody_says_so(shell: Shell, case_id: str, tmp_path: Path) -> None:
    other = another_machine(shell, tmp_path / "other", "trusted")
    assert other.run("audit", "verify").exit_code == 0
    shell.json("audit", "keys", "rotate", "--reason", "ครบปี", "--as", "ekachai")

    before = other.run("audit", "verify")
    trusted = other.json("audit", "keys", "trust", "--handed-over", "--reason", "เปลี่ยนตามรอบ", "--as", "ekachai")
    after = other.run("audit", "verify")

    assert before.exit_code == 1
    assert "handed over to it: osm-flow audit keys trust --handed-over" in before.stderr
    assert (after.exit_code, len(trusted["trusted"])) == (0, 1)
    again = other.refused("audit", "keys", "trust", "--handed-over", "--reason", "อีก", "--as", "ekachai")
    assert "trusted on this machine already" in again
    kinds = {item["kind"]: item for item in shell.json("audit", "administration")["items"]}
    assert (kinds["key.rotated"]["actor"], kinds["key.trusted"]["actor"]) == ("ekachai", "ekachai")
    assert kinds["key.trusted"]["changes"]["reason"]["new"] == "เปลี่ยนตามรอบ"
    assert kinds["key.rotated"]["changes"]["signed_before"]["new"] == 4


def test_a_key_that_nobody_handed_over_to_is_not_among_those(shell: Shell, tmp_path: Path) -> None:
    other = another_machine(shell, tmp_path / "other", "trusted")
    (active,) = shell.context.keyring.folder.glob("*.pem")
    active.unlink()
    shell.json("audit", "keys", "new", "--reason", "ดิสก์เสีย")

    refused = other.refused("audit", "keys", "trust", "--handed-over", "--reason", "x", "--as", "ekachai")

    assert "trusted on this machine already" in refused
    assert other.run("audit", "verify").exit_code == 1


# ---- loss ------------------------------------------------------------------------------------------------------


def test_a_lost_key_is_replaced_by_an_act_that_says_from_which_record_on(shell: Shell, case_id: str) -> None:
    keyring = shell.context.keyring
    (active,) = keyring.folder.glob("*.pem")
    active.unlink()
    go_on(shell.store, case_id)

    assert "not on this machine" in shell.refused("audit", "checkpoint")
    assert "do not allow" in shell.refused("audit", "keys", "new", "--reason", "ดิสก์เสีย", "--as", "anan")
    assert "Say why" in shell.refused("audit", "keys", "new", "--reason", " ", "--as", "ekachai")
    assert shell.run("audit", "verify").exit_code == 0
    made = shell.json("audit", "keys", "new", "--reason", "ดิสก์เสีย", "--as", "ekachai")

    verified = shell.run("audit", "verify")
    assert verified.exit_code == 0
    assert f"replaced the lost key {active.stem}" in verified.stderr
    assert "ดิสก์เสีย; records 1 to 4 of the log stand on checkpoints of keys before it" in verified.stderr
    assert "from record 5 on it stands alone" in verified.stderr
    (record,) = shell.json("audit", "administration", "--kind", "key.replaced")["items"]
    assert (record["actor"], record["changes"]["key"]["old"]) == ("ekachai", active.stem)
    assert record["changes"]["signed_before"]["new"] == 4
    assert made["key"].split("+")[1] == record["changes"]["key"]["new"]


def test_bundles_say_before_and_after_a_loss_whose_signature_they_bear(
    shell: Shell, case_id: str, tmp_path: Path
) -> None:
    before, after = tmp_path / "before.zip", tmp_path / "after.zip"
    old = public_key_file(shell, tmp_path / "old.txt")
    shell.run("case", "export", case_id, "--bundle", before, "--reason", "ตรวจ")
    next(shell.context.keyring.folder.glob("*.pem")).unlink()
    shell.json("audit", "keys", "new", "--reason", "ดิสก์เสีย")
    both = public_key_file(shell, tmp_path / "both.txt")
    shell.run("case", "export", case_id, "--bundle", after, "--reason", "ตรวจ")

    def verdicts(bundle: Path, keys: Path) -> set[int]:
        return {
            run_script(bundle, "--key", str(keys))[0],
            shell.run("case", "verify", "--bundle", bundle, "--key", keys).exit_code,
        }

    assert (verdicts(before, old), verdicts(before, both)) == ({0}, {0})
    assert (verdicts(after, old), verdicts(after, both)) == ({1}, {0})


def test_a_database_that_forgot_its_keys_gets_no_first_key_unasked(shell: Shell, case_id: str) -> None:
    checkpoints = shell.context.keyring.copies
    assert len(list(checkpoints.glob("*.txt"))) == 1
    forge(shell.store, "DELETE FROM signing_keys", "DELETE FROM log_checkpoints")

    assert "the database knows no key" in shell.refused("audit", "checkpoint")
    assert len(list(shell.context.keyring.folder.glob("*.pem"))) == 1
    shell.json("audit", "keys", "new", "--reason", "ฐานข้อมูลเสีย", "--as", "ekachai")

    verified = shell.run("audit", "verify")
    assert verified.exit_code == 1
    assert "key: the keys before" in verified.stderr
    assert "replaced the keys before it" in verified.stderr


# ---- restore on a new machine ------------------------------------------------------------------------------------


def test_a_new_machine_believes_nobody_before_somebody_says_whom(shell: Shell, case_id: str, tmp_path: Path) -> None:
    paper = public_key_file(shell, tmp_path / "paper.txt")
    foreign = tmp_path / "foreign.txt"
    other = another_machine(shell, tmp_path / "new")
    stranger = other.context.keyring.make("osm.example.go.th/journal")
    foreign.write_text(f"{stranger}\n", encoding="utf-8")
    shutil.rmtree(other.context.keyring.folder)

    for command in (("audit", "verify"), ("case", "verify", "--all")):
        result = other.run(*command)
        assert (result.exit_code, NOT_PROVEN in result.stdout) == (3, True)
    listed = other.run("audit", "keys", "list")
    assert listed.stdout.startswith("# NOT TRUSTED HERE osm.example.go.th/journal+")
    assert "nobody should take them from this list" in listed.stderr
    copied = tmp_path / "copied.txt"
    copied.write_text(listed.stdout, encoding="utf-8")
    asked = ("audit", "keys", "trust")
    said = ("--reason", "จากกระดาษในตู้เซฟ", "--as", "ekachai")
    assert "there is no public key in it" in other.refused(*asked, copied, *said)
    assert "none of those in this database" in other.refused(*asked, foreign, *said)
    assert "do not allow" in other.refused(*asked, paper, "--reason", "x", "--as", "anan")
    assert other.run("audit", "verify").exit_code == 3

    other.json(*asked, paper, *said)

    assert other.run("audit", "verify").exit_code == 0
    assert other.run("case", "verify", "--all").exit_code == 0
    assert "not on this machine" in other.refused("audit", "checkpoint")  # the list is restored, the private key is not
    other.json("audit", "keys", "new", "--reason", "เครื่องเก่าไหม้", "--as", "ekachai")
    assert other.run("audit", "verify").exit_code == 0


def test_whoever_begins_a_new_key_first_trusts_the_old_one_afterwards(shell: Shell, tmp_path: Path) -> None:
    paper = public_key_file(shell, tmp_path / "paper.txt")
    other = another_machine(shell, tmp_path / "new")
    other.json("audit", "keys", "new", "--reason", "เครื่องเก่าไหม้", "--as", "ekachai")

    between = other.run("audit", "verify")
    other.json("audit", "keys", "trust", paper, "--reason", "จากพยาน", "--as", "ekachai")

    assert between.exit_code == 1
    assert "is none of those that are trusted here; who got it by another way" in between.stderr
    assert other.run("audit", "verify").exit_code == 0


def test_the_whole_way_of_a_restore_with_the_program_itself(shell: Shell, case_id: str, tmp_path: Path) -> None:
    """As an administrator does it by docs/operations.md: backup, another machine, its keys, and what the checks say."""
    paper, old, new = tmp_path / "paper.txt", tmp_path, tmp_path / "machine"
    shell.json("backup", old / "backup.db")
    public_key_file(shell, paper)
    program = Path(sys.executable).with_name("osm-flow")
    database = new / "osm-flow.db"

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        given = {"OSM_ENV": "production", "OSM_SECRET_KEY": "s" * 40 + "ecret" * 5, "OSM_DATA_DIR": str(new)}
        given |= {"OSM_DATABASE_URL": f"sqlite:///{database}", "OSM_BASE_URL": "https://osm.example.go.th"}
        words = [str(program), *map(str, arguments)]
        return subprocess.run(words, env={**os.environ, **given}, capture_output=True, text=True, check=False)

    restored = run("restore", old / "backup.db")
    unproven = run("case", "verify", "--all")
    trusted = run("audit", "keys", "trust", paper, "--reason", "จากกระดาษในตู้เซฟ", "--as", "ekachai")
    proven = run("audit", "verify")
    (new / "keys" / "trusted").write_text("nonsense\n", encoding="utf-8")
    garbage = run("audit", "verify")

    assert restored.returncode == 0, restored.stderr
    assert (unproven.returncode, NOT_PROVEN in unproven.stdout) == (3, True)
    assert trusted.stdout.startswith("trusted on this machine from now on: osm.example.go.th/journal+"), trusted.stderr
    assert (proven.returncode, proven.stdout.strip().endswith(" 0 faults")) == (0, True), proven.stderr
    assert garbage.returncode == 1
    assert garbage.stderr.startswith("Error: The list of trusted keys on this machine cannot be read")
    assert "Traceback" not in unproven.stderr + proven.stderr + garbage.stderr


# ---- what is no key ----------------------------------------------------------------------------------------------


def forge(store: Store, *statements: str, **values: object) -> None:
    with store.transaction() as session:
        for (trigger,) in session.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            session.execute(text(f"DROP TRIGGER {trigger}"))
        for statement in statements:
            session.execute(text(statement), values)


def in_database(column: str, value: object) -> Callable[[Shell], None]:
    statement = f"UPDATE signing_keys SET {column} = :value"  # noqa: S608
    return lambda shell: forge(shell.store, statement, value=value)


def in_private_key(content: bytes | None) -> Callable[[Shell], None]:
    def change(shell: Shell) -> None:
        (path,) = shell.context.keyring.folder.glob("*.pem")
        path.unlink()
        if content is None:
            path.mkdir()
        else:
            path.write_bytes(content)

    return change


def in_list(content: bytes | None) -> Callable[[Shell], None]:
    def change(shell: Shell) -> None:
        path = shell.context.keyring.folder / "trusted"
        path.unlink()
        if content is None:
            path.mkdir()
        else:
            path.write_bytes(content)

    return change


NO_POINT = (2).to_bytes(32, "little").hex()  # 32 bytes, and no point of the curve
LOCKED = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAg=\n-----END ENCRYPTED PRIVATE KEY-----\n"
PLACES: dict[str, Callable[[Shell], None]] = {
    **{f"public_key {value!r}": in_database("public_key", value) for value in ("zz", "", NO_POINT, b"\xff")},
    **{f"name {value!r}": in_database("name", value) for value in ("two words", "a\nb", b"\xff")},
    **{f"pem {value!r:.20}": in_private_key(value) for value in (b"nonsense", LOCKED, None)},
    **{f"list {value!r}": in_list(value) for value in (b"nonsense\n", b"\xff\xfe", None)},
}
# What signs, exports or proves nothing where the key is none, and says so in a sentence.
ACTS: list[tuple[object, ...]] = [
    ("audit", "checkpoint"),
    ("audit", "keys", "rotate"),
    ("audit", "verify"),
    ("case", "verify", "--all"),
]
# What says so, or does what can be done all the same.
OTHERS: list[tuple[object, ...]] = [
    ("audit", "keys", "list"),
    ("audit", "keys", "trust", "--handed-over", "--reason", "x", "--as", "ekachai"),
    ("audit", "repair", "--reason", "x"),
    ("audit", "rebuild", "--reason", "x"),
    ("audit", "accept-older", "--reason", "x", "--as", "ekachai"),
    ("db", "verify"),
    ("scheduler", "--once"),
]


def without_traceback(result: Result, *words: object) -> Result:
    assert result.exception is None or isinstance(result.exception, SystemExit), (words, result.exception)
    return result


@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_key_is_said_in_a_sentence_wherever_it_lies(
    shell: Shell, case_id: str, tmp_path: Path, place: str
) -> None:
    good = tmp_path / "good.zip"
    shell.run("case", "export", case_id, "--bundle", good, "--reason", "ตรวจ")
    go_on(shell.store, case_id)
    PLACES[place](shell)

    for words in ACTS:
        result = without_traceback(shell.run(*words), place, *words)
        if not (place.startswith("pem") and "verify" in words):  # to verify needs no private key
            assert result.exit_code == 1, (place, words, result.output)
            assert "key" in result.stderr, (place, words, result.stderr)
    for words in OTHERS:
        without_traceback(shell.run(*words), place, *words)
    for number, words in enumerate(
        (("case", "export", case_id), ("audit", "export"), ("audit", "export", "--chain", "reads"))
    ):
        bundle = tmp_path / f"{number}.zip"
        result = without_traceback(shell.run(*words, "--bundle", bundle, "--reason", "ตรวจ"), place, *words)
        if place.startswith(("public_key", "name")):
            assert (result.exit_code, bundle.exists()) == (1, False)
        else:  # another machine may have the key: it goes out unsigned
            assert result.exit_code == 0, result.output
            assert run_script(bundle)[0] == 3
    result = without_traceback(shell.run("case", "verify", "--bundle", good), place)
    assert result.exit_code == (1 if place.startswith("list") else 0)
    assert result.stdout.splitlines()[-1].startswith(
        "RESULT does not hold" if place.startswith("list") else "RESULT holds"
    )


BROUGHT: dict[str, bytes] = {
    "nothing": b"",
    "nonsense": b"nonsense\n",
    "no text": b"\xff\xfe\x00",
    "only comments": b"# a+b+c\n",
    "another hash": b"osm.example.go.th/journal+00000000+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
    "no base64": b"osm.example.go.th/journal+00000000+@@@\n",
    "PEM of nothing": b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    "PEM of no base64": b"-----BEGIN PUBLIC KEY-----\n@@\n-----END PUBLIC KEY-----\n",
}


@pytest.mark.parametrize("name", BROUGHT)
def test_a_file_without_a_key_is_a_fault_in_both_checkers(
    shell: Shell, case_id: str, tmp_path: Path, name: str
) -> None:
    bundle, keys = tmp_path / "case.zip", tmp_path / "brought.txt"
    shell.run("case", "export", case_id, "--bundle", bundle, "--reason", "ตรวจ")
    keys.write_bytes(BROUGHT[name])

    product = without_traceback(shell.run("case", "verify", "--bundle", bundle, "--key", keys))
    code, said = run_script(bundle, "--key", str(keys))

    assert (product.exit_code, code) == (1, 1)
    assert product.stdout.splitlines()[-1] == said.splitlines()[-1] == "RESULT does not hold"
    assert "key" in product.stderr
    assert "FAULT" in said
    assert without_traceback(shell.run("audit", "verify", "--trust", keys)).exit_code == 1
    assert "This is no public key" in shell.refused("audit", "keys", "trust", keys, "--reason", "x", "--as", "ekachai")


def test_a_key_in_pem_is_taken_by_product_and_script_alike(shell: Shell, case_id: str, tmp_path: Path) -> None:
    bundle, pem, other = tmp_path / "case.zip", tmp_path / "key.pem", tmp_path / "other.pem"
    shell.run("case", "export", case_id, "--bundle", bundle, "--reason", "ตรวจ")
    (mine,) = read_keys((shell.context.keyring.folder / "trusted").read_text().splitlines())
    stranger = shell.context.keyring.make("elsewhere")
    for path, key in ((pem, mine), (other, stranger)):
        public = Ed25519PublicKey.from_public_bytes(key.public)
        path.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    for path, expected in ((pem, 0), (other, 1)):
        product = shell.run("case", "verify", "--bundle", bundle, "--key", path)
        code, said = run_script(bundle, "--key", str(path))
        assert (product.exit_code, code) == (expected, expected), product.output
        assert product.stdout.splitlines()[-1] == said.splitlines()[-1]
    assert shell.run("audit", "verify", "--trust", pem).exit_code == 0
    assert shell.run("audit", "verify", "--trust", other).exit_code == 1
