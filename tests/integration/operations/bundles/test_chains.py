"""A book in a bundle: what it holds, and that product and `verify.py` name the same of whatever somebody changes in it.

The forger here is the worst one: an insider with a key and a log of their own, whom the verifier trusts. What they change fits,
down to the signatures; what contradicts itself is a fault all the same.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import Decision
from osm_flow.domain.books.acts import BookAct, BookActKind, NewVersion
from osm_flow.errors import Forbidden
from osm_flow.operations.audit.log import make_checkpoint
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.books import acts as books
from osm_flow.operations.books import corrections
from osm_flow.operations.books.corrections import NewCorrection
from osm_flow.operations.books.exporting import BookUnknown, BookUnreadable
from osm_flow.operations.books.versions import newest_of
from osm_flow.operations.bundles import writing as bundle_writing
from osm_flow.operations.bundles.writing import Unsigned
from osm_flow.operations.ledger.access_log import ExportReasonMissing
from osm_flow.store.models import Access, ChangeBody
from osm_flow.store.session import Store
from tests.bundles import (
    BOOK,
    GENESIS,
    Forger,
    make_book,
    product_faults,
    run_script,
    run_script_alone,
    verdict_of,
    write_book,
)
from tests.factories import OFFICE, later, make_person

Rng = random.Random
Lines = list[dict[str, Any]]
FOLDER = f"chains/book/{BOOK}"
EXAMPLES = int(os.environ.get("OSM_AGREEMENT", "60"))


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys", "osm.example.go.th/journal")


@pytest.fixture
def key(keyring: Keyring) -> tuple[str, str]:
    return "--key", str(keyring.folder / "trusted")


def test_a_book_leaves_whole_and_both_checkers_pass_it(
    store: Store, keyring: Keyring, key: tuple[str, str], tmp_path: Path
) -> None:
    path = write_book(store, make_book(store), tmp_path / "book.zip", keyring)

    code, said = run_script_alone(path, *key)
    assert (code, verdict_of(path, *key)) == (0, (0, "holds up to record 6 of 6 (2026-11-20T02:06:00.000000Z)"))
    assert f"chain book {BOOK}: 6 records, 2 texts beside it erased: holds" in said
    assert verdict_of(path)[0] == 3
    bundle = Forger.of(path)
    assert {name for name in bundle.files if name.startswith("chains/")} == {
        f"{FOLDER}/{name}" for name in ("journal.jsonl", "changes.jsonl", "payloads.jsonl", "sets.jsonl", "proof.json")
    }
    everything = b"".join(bundle.files.values()).decode()
    assert "นางสาวใจดี" in everything
    assert "นางสมศรี" not in everything
    assert "พิมพ์ผิด" not in everything
    records = [change["record"] for change in bundle.book_lines("changes")]
    assert records[3:12] == ["P10", "P11", "P3", "P4", "P5", "P6", "P7", "P8", "P9"]
    assert write_again(store, tmp_path / "2.zip", keyring) is None
    assert (tmp_path / "2.zip").read_bytes() == path.read_bytes()


def write_again(store: Store, path: Path, keyring: Keyring) -> Unsigned | None:
    """The bundle as it is written now, without another checkpoint."""
    with store.reading() as session, path.open("wb") as file:
        return bundle_writing.write_chain_bundle(session, str(BOOK), file, keyring=keyring)


def test_what_is_newer_than_the_checkpoint_waits_and_an_erasure_that_waits_leaves_the_bundle_unsigned(
    store: Store, keyring: Keyring, key: tuple[str, str], tmp_path: Path
) -> None:
    write_book(store, make_book(store), tmp_path / "book.zip", keyring)
    with store.transaction() as session:
        act = BookAct(BookActKind.changed, {"record": "P3"})
        books.write(session, BOOK, act, SYSTEM, later(70), [NewVersion("P3", {"name": "ใหม่"})])
    path = tmp_path / "2.zip"
    assert write_again(store, path, keyring) is None
    assert verdict_of(path, *key) == (0, "holds up to record 6 of 6 (2026-11-20T02:06:00.000000Z)")

    with store.transaction() as session:
        act = BookAct(BookActKind.erased, {"record": "P1"}, told={"erased": {"P1": [2]}})
        books.write(session, BOOK, act, SYSTEM, later(71), [])
        body = update(ChangeBody).where(ChangeBody.record_id == "P1", ChangeBody.version == 2)
        session.execute(body.values(personal="", personal_salt=""))
    assert write_again(store, path, keyring) is Unsigned.late
    assert verdict_of(path, *key, "--allow-newer")[0] == 1
    with store.transaction() as session:
        make_checkpoint(session, later(72), SYSTEM, keyring=keyring)
    assert write_again(store, path, keyring) is None
    assert verdict_of(path, *key)[0] == 0


def test_corrections_that_were_proposed_leave_as_entries_that_change_nothing(
    store: Store, keyring: Keyring, key: tuple[str, str], tmp_path: Path
) -> None:
    write_book(store, make_book(store), tmp_path / "book.zip", keyring)
    may = Decision(True)
    with store.transaction() as session:
        anan, boss = make_person(session, "anan", "osm_strategy"), make_person(session, "boss2", "osm_director")
        for minute, amount in ((70, 7), (72, 8)):
            version = newest_of(session, BOOK.kind, ["P3"])["P3"].version
            wanted = NewCorrection({"requested": amount}, version, "พิมพ์ผิด")
            corrections.correct(session, BOOK, anan, later(minute), "P3", wanted, may)
            if amount == 7:
                corrections.confirm(session, BOOK, 7, boss, later(71), "P3", may)
        corrections.withdraw(session, BOOK, 9, boss, later(73), "", may)
        make_checkpoint(session, later(74), SYSTEM, keyring=keyring)

    path = tmp_path / "2.zip"
    assert write_again(store, path, keyring) is None
    assert verdict_of(path, *key)[0] == 0
    told = [(entry["act"], entry["actor"]) for entry in Forger.of(path).book_lines("journal")]
    assert told[6:] == [("proposed", "anan"), ("corrected", "anan"), ("proposed", "anan"), ("withdrawn", "boss2")]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE book_entries SET actor = 'boss' WHERE seq = 2",
        "UPDATE record_changes SET schema = 9 WHERE record_id = 'P2' AND version = 2",
        "UPDATE change_bodies SET body = '{}' WHERE record_id = 'P2' AND version = 2",
        "UPDATE change_bodies SET personal = '', personal_salt = '' WHERE record_id = 'P1' AND version = 2",
        "UPDATE change_bodies SET personal = '{}', personal_salt = '00' WHERE record_id = 'P1' AND version = 1",
        "DELETE FROM entry_reasons WHERE seq = 4",
        "DELETE FROM record_sets",
        "UPDATE record_sets SET members = '[]'",
        "DELETE FROM record_changes WHERE record_id = 'P3' AND version = 2",
        "UPDATE books SET head = 'x'",
    ],
)
def test_a_book_that_does_not_hold_is_written_and_not_signed(
    sqlite_store: Store, keyring: Keyring, key: tuple[str, str], tmp_path: Path, change: str
) -> None:
    write_book(sqlite_store, make_book(sqlite_store), tmp_path / "book.zip", keyring)
    without_guards(sqlite_store, change)

    path = tmp_path / "2.zip"
    assert write_again(sqlite_store, path, keyring) is Unsigned.unsound
    assert verdict_of(path, *key)[0] == 1


def without_guards(store: Store, change: str) -> None:
    """What somebody with the database in hand does, past triggers and keys."""
    with store.transaction() as session:
        for name in session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            session.execute(text(f'DROP TRIGGER "{name}"'))
        session.execute(text("PRAGMA defer_foreign_keys = ON"))
        session.execute(text(change))
        if change.startswith("DELETE FROM record_changes"):
            session.execute(text("DELETE FROM change_bodies WHERE record_id = 'P3' AND version = 2"))


def test_an_entry_that_cannot_be_read_ends_the_export_with_its_number(
    sqlite_store: Store, keyring: Keyring, tmp_path: Path
) -> None:
    make_book(sqlite_store)
    without_guards(sqlite_store, "UPDATE book_entries SET told = 'x' WHERE seq = 2")

    with pytest.raises(BookUnreadable, match="Entry 2"):
        write_again(sqlite_store, tmp_path / "book.zip", keyring)


def test_who_exports_a_book_sees_the_audit_of_all_and_says_why(store: Store, keyring: Keyring) -> None:
    name = make_book(store)

    def prepare(actor: Actor, reason: str, book: str = name) -> None:
        with store.transaction() as session:
            bundle_writing.prepare_chain_export(session, book, actor, later(9), reason=reason, keyring=keyring)

    with store.transaction() as session:
        of_office = make_person(session, "somsri", "auditor", office_id=OFFICE)
        of_all = make_person(session, "malee", "auditor", office_id=None)
    with pytest.raises(Forbidden):
        prepare(of_office, "ตรวจ")
    with pytest.raises(ExportReasonMissing):
        prepare(of_all, " ")
    for unknown in ("projects/NE-U1/2999", "letters/NE-U1/2571", "nothing"):
        with pytest.raises(BookUnknown):
            prepare(of_all, "ตรวจ", unknown)
    prepare(of_all, "ตรวจประจำปี")
    with store.reading() as session:
        read = session.scalars(select(Access)).one()
    assert (read.kind, read.subject, read.actor, read.reason) == ("book.exported", name, "malee", "ตรวจประจำปี")


# ---- the worst forger --------------------------------------------------------------------------------------------


class Insider:
    """A forger with a key that the verifier trusts, at a genuine bundle of a book."""

    def __init__(self, bundle: Path, folder: Path) -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        self.bundle, self.folder = bundle, folder

    def start(self) -> Forger:
        forger = Forger.of(self.bundle)
        forger.private = self.private
        return forger

    def forge(self, forger: Forger, *, sealing: bool = True, proven: int | None = None) -> Path:
        """The bundle as the forger leaves it, who signs last of all."""
        if sealing:
            forger.seal_book_again()
        forger.sign_book(proven)
        (self.folder / "keys.txt").write_bytes(forger.files["keys.txt"])
        return forger.write(self.folder / "forged.zip")

    def judge(self, path: Path, *, allowed: bool = False) -> int:
        """The exit code of who trusts the forger, of which both say the same with the last line."""
        return verdict_of(path, "--key", str(self.folder / "keys.txt"), *(("--allow-newer",) if allowed else ()))[0]


@pytest.fixture(scope="module")
def insider(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Insider:
    folder = tmp_path_factory.mktemp("insider")
    (folder / "osm.db").write_bytes(sqlite_template.read_bytes())
    store = Store(f"sqlite:///{folder / 'osm.db'}")
    path = write_book(store, make_book(store), folder / "book.zip", Keyring(folder / "keys", "osm.example/journal"))
    store.close()
    return Insider(path, folder)


def test_what_fits_in_all_is_what_the_forger_was_trusted_with(insider: Insider) -> None:
    assert insider.judge(insider.forge(insider.start())) == 0


def where(lines: Lines, **wanted: Any) -> dict[str, Any]:
    return next(line for line in lines if all(line[key] == value for key, value in wanted.items()))


def without(lines: Lines, **wanted: Any) -> None:
    lines.remove(where(lines, **wanted))


def told(entry: int, value: Any) -> Callable[[Lines], Any]:
    return lambda lines: lines[entry - 1].__setitem__("told", value)


ERASED: dict[str, Any] = {"erased": {"P1": [1]}, "erased_reasons": [2]}
# What was done to which file, whether the forger seals it all again, and a word of what both say of it.
FORGERIES: dict[str, tuple[str, Callable[[Lines], Any], bool, str]] = {
    "an entry taken out": ("journal", lambda lines: lines.pop(3), False, "entry 4"),
    "an entry doubled": ("journal", lambda lines: lines.insert(3, lines[3]), False, "entry 5"),
    "two entries exchanged": ("journal", lambda lines: lines.insert(2, lines.pop(3)), False, "entry 3"),
    "a fork": ("journal", lambda lines: lines.insert(3, {**lines[3], "actor": "x"}), False, "changed"),
    "an entry changed": ("journal", lambda lines: lines[2].update(actor="kanya"), False, "changed"),
    "an entry of another book": ("journal", lambda lines: lines[2].update(book="projects/NE-U2/2571"), True, "book"),
    "times that do not rise": ("journal", lambda lines: lines[2].update(at=lines[1]["at"]), True, "later"),
    "a time that is none": ("journal", lambda lines: lines[2].update(at="now"), True, "no entry|lines are none"),
    "another field": ("journal", lambda lines: lines[2].update(more=1), True, "no entry|lines are none"),
    "no second person": ("journal", lambda lines: lines[1].update(confirmed={}), True, "no entry|lines are none"),
    "a gap that is sealed": ("journal", lambda lines: lines.pop(2), True, "entry 3"),
    "a change taken out": ("changes", lambda lines: lines.pop(5), False, "sealed"),
    "a change taken out of a thread": ("changes", lambda lines: lines.pop(0), True, "version before|thread"),
    "a change put in": ("changes", lambda lines: lines.insert(1, {**lines[0], "record": "P11"}), False, "sealed"),
    "a change under no entry": ("changes", lambda lines: lines.append({**lines[0], "seq": 9}), True, "no entry"),
    "a change moved": ("changes", lambda lines: lines.insert(0, lines.pop(1)), True, "moved"),
    "a change of another kind": ("changes", lambda lines: lines[4].update(kind="letters"), True, "kind"),
    "a version left out": (
        "changes",
        lambda lines: where(lines, record="P1", version=2).update(version=3),
        True,
        "version",
    ),
    "a change changed": ("changes", lambda lines: lines[4].update(schema=99), False, "changed"),
    "a half changed": ("payloads", lambda lines: lines[0].update(body="{}"), False, "changed"),
    "a half that is no JSON": ("payloads", lambda lines: lines[0].update(body="x"), True, "JSON"),
    "a half that is no object": ("payloads", lambda lines: lines[0].update(body="[]"), True, "JSON"),
    "a half spelled otherwise": ("payloads", lambda lines: lines[0].update(body='{"a": 1}'), True, "JSON"),
    "an ordinary half taken out": ("payloads", lambda lines: lines.pop(0), True, "gone"),
    "a personal half taken out": (
        "payloads",
        lambda lines: without(lines, record="P1", part="personal"),
        True,
        "gone",
    ),
    "a half of nothing": ("payloads", lambda lines: lines.append({**lines[-1], "record": "P99"}), True, "nothing"),
    "a half twice": ("payloads", lambda lines: lines.insert(0, lines[0]), True, "doubled"),
    "a part that there is not": ("payloads", lambda lines: lines[0].update(part="more"), True, "none"),
    "a salt that is none": ("payloads", lambda lines: lines[0].update(salt="AB" * 16), True, "none"),
    "a reason changed": ("payloads", lambda lines: where(lines, part="reason").update(body="x"), False, "changed"),
    "a reason taken out": ("payloads", lambda lines: without(lines, part="reason", seq=4), True, "gone"),
    "an erased half put back": (
        "payloads",
        lambda lines: lines.insert(1, {**lines[0], "part": "personal"}),
        True,
        "erased by law",
    ),
    "an erasure unsaid": ("journal", told(5, {"erased_reasons": [2]}), True, "gone"),
    "an erased reason unsaid": ("journal", told(5, {"erased": {"P1": [1]}}), True, "gone"),
    "an erasure by another act": ("journal", lambda lines: lines[4].update(act="changed"), True, "gone"),
    "an erasure of what comes later": (
        "journal",
        lambda lines: (lines[0].update(act="erased", told=ERASED), lines[4].update(told={})),
        True,
        "gone",
    ),
    "an erasure of another version": ("journal", told(5, {**ERASED, "erased": {"P1": [2]}}), True, "gone"),
    "an erasure in another form": ("journal", told(5, {**ERASED, "erased": [["P1", 1]]}), True, "gone"),
    "a set taken out": ("sets", lambda lines: lines.pop(), True, "missing"),
    "a set changed": ("sets", lambda lines: lines[0]["members"].pop(), True, "set"),
    "a set that nobody names": ("journal", told(4, {}), True, "no entry names"),
    "a set of another size": (
        "journal",
        lambda lines: lines[3]["told"]["sets"][0].update(count=2),
        True,
        "set",
    ),
    "a set in another form": ("sets", lambda lines: lines[0].update(members={}), True, "none"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_contradicts_itself_is_a_fault_in_both_although_it_is_signed(insider: Insider, forgery: str) -> None:
    name, change, sealing, said = FORGERIES[forgery]
    forger = insider.start()
    lines = forger.book_lines(name)
    change(lines)
    forger.put_book_lines(name, lines)

    path = insider.forge(forger, sealing=sealing)
    assert insider.judge(path) == 1
    shown = run_script(path, "--key", str(insider.folder / "keys.txt"))[1]
    assert any(word in shown for word in said.split("|")), shown
    assert any(word in " ".join(product_faults(path)) for word in said.split("|")), product_faults(path)


@pytest.mark.parametrize("name", ["journal", "changes", "payloads", "sets", "proof"])
def test_a_file_of_the_book_that_is_missing_is_a_fault(insider: Insider, name: str) -> None:
    forger = insider.start()
    forger.sign_book()
    del forger.files[f"{FOLDER}/{name}.json{'' if name == 'proof' else 'l'}"]
    path = forger.write(insider.folder / "forged.zip")

    assert verdict_of(path)[0] == 1


def test_entries_that_no_proof_covers_are_a_fault_and_excuse_nothing(insider: Insider) -> None:
    """The erasing entry is the fifth of six."""
    for proven, codes in ((6, (0, 0)), (5, (1, 1)), (4, (1, 1)), (1, (1, 1))):
        found = tuple(
            insider.judge(insider.forge(insider.start(), proven=proven), allowed=allowed) for allowed in (False, True)
        )
        assert (proven, found) == (proven, codes)
    for proven, code in ((5, 0), (4, 1)):
        forger = insider.start()
        forger.private, private = None, forger.private
        forger.files.pop("manifest.sig")
        forger.private = private
        forger.sign_book(proven)
        forger.private = None
        (insider.folder / "keys.txt").write_bytes(forger.files["keys.txt"])
        path = forger.write(insider.folder / "forged.zip")
        key = ("--key", str(insider.folder / "keys.txt"))
        assert verdict_of(path, *key)[0] == 1
        assert (proven, verdict_of(path, *key, "--allow-newer")[0]) == (proven, code)


def test_a_book_that_ends_before_its_proof_is_a_fault(insider: Insider) -> None:
    forger = insider.start()
    forger.sign_book()
    entries, changes = forger.book_lines("journal")[:-1], forger.book_lines("changes")[:-1]
    forger.put_book_lines("journal", entries)
    forger.put_book_lines("changes", changes)
    forger.put_book_lines("payloads", forger.book_lines("payloads")[:-1])
    path = forger.write(insider.folder / "forged.zip")

    assert verdict_of(path)[0] == 1
    assert "the record that the proof speaks of is not in the journal" in run_script(path)[1]
    assert "the record that the proof speaks of is not in the journal" in " ".join(product_faults(path))


VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    1,
    7,
    1e21,
    "",
    "x",
    "P1",
    "body",
    "personal",
    "erased",
    GENESIS,
    [],
    {},
    [1],
)


def change_a_value(value: Any, rng: Rng) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.9:
        name = rng.choice(sorted(value))
        return {**value, name: change_a_value(value[name], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        at = rng.randrange(len(value))
        return [*value[:at], *([change_a_value(value[at], rng)] * rng.choice([0, 1, 1, 2])), *value[at + 1 :]]
    return rng.choice([*VALUES, value, f"{value}0"])


@given(seed=st.integers(0, 2**32))
@settings(max_examples=2 * EXAMPLES, deadline=None)
def test_of_whatever_a_trusted_forger_signs_both_say_the_same(insider: Insider, seed: int) -> None:
    """Here not all is a fault: what they changed may fit."""
    rng, forger = Rng(seed), insider.start()
    for _ in range(rng.choice([1, 1, 2, 3])):
        name = rng.choice(["journal", "journal", "changes", "payloads", "payloads", "sets"])
        lines = forger.book_lines(name)
        if not lines:
            continue
        at = rng.randrange(len(lines))
        done = rng.randrange(6)
        if done < 3:
            lines[at] = change_a_value(lines[at], rng)
        elif done == 3:
            lines.pop(at)
        elif done == 4:
            lines.insert(rng.randrange(len(lines)), lines[at])
        else:
            lines.append(lines.pop(at))
        forger.put_book_lines(name, lines)
    try:
        path = insider.forge(forger, proven=rng.choice([None, None, 5]))
    except (TypeError, KeyError, AttributeError, ValueError, IndexError):
        return  # what cannot be sealed is no forgery; the random edits of `test_agreement` leave it unsealed
    insider.judge(path, allowed=rng.random() < 0.5)
