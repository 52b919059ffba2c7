"""Random histories and random edits: the product and `verify.py` each catch every edit and pass every untouched bundle."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import random
import sqlite3
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.journal import Record, seal
from osm_flow.domain.merkle_note import Head, Note, Signature, VerifierKey
from osm_flow.operations.audit.log import inclusion, make_checkpoint
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.background.delivery import deliver_pending
from osm_flow.operations.cases import attachments
from osm_flow.operations.cases.acts import resume_case, suspend_case
from osm_flow.operations.cases.attachments import GivenFile
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.replay.verify import verify_case, verify_deep
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Case, JournalRecord, WorkItem
from osm_flow.store.session import Store
from tests import rfc6962
from tests.bundles import (
    Forger,
    cases_in,
    digest_of,
    hash_of,
    keys_of,
    product_faults,
    run_script,
    run_script_alone,
    verdict_of,
    write_bundle,
)
from tests.factories import NOW, deploy_tests, erase, make_case, make_office, make_person

pytestmark = pytest.mark.sampled

Rng = random.Random
HISTORIES = 6
PROFILE = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
DIAGRAMS = ("review", "caller", "callee", "provinces", "repeating")
# Files that are evidence. The others are for reading; only the manifest's digest speaks for them.
EVIDENCE = (
    "/journal.jsonl",
    "/payloads.jsonl",
    "/proof.json",
    "process.bpmn",
    "forms.json",
    "decisions.json",
    "checkpoint.txt",
    "keys.txt",
    "attachments/",
)


@dataclass(frozen=True)
class Honest:
    """Untouched bundles and the key that signed their checkpoint."""

    paths: list[Path]
    trusted: Path
    desk: Path
    database: Path
    ids: list[str]

    def bundle(self, number: int) -> Forger:
        return Forger.of(self.paths[number])

    def verdicts(self, forger: Forger, *, fitting: bool) -> tuple[int, list[str]]:
        path = forger.write(self.desk / "forged.zip", fitting=fitting)
        return self.verdicts_on(path)

    def verdicts_on(self, path: Path) -> tuple[int, list[str]]:
        """What verify.py and the product say of it; neither may raise."""
        code, _ = verdict_of(path, "--key", str(self.trusted))
        return code, product_faults(path, keys_of(self.trusted))

    def unsigned_verdict(self, forger: Forger, *arguments: str) -> tuple[int, str]:
        """What both say where the forger takes the manifest's signature away and makes all else fit."""
        forger.files.pop("manifest.sig", None)
        with contextlib.suppress(KeyError, ValueError, TypeError, AttributeError):
            forger.fit_player()
        try:
            path = forger.write(self.desk / "unsigned.zip")
        except (KeyError, ValueError, TypeError):
            path = forger.write(self.desk / "unsigned.zip", fitting=False)
        return verdict_of(path, *arguments)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Honest:
    """Cases that random people led through random courses, exported."""
    folder = tmp_path_factory.mktemp("honest")
    database = folder / "osm.db"
    database.write_bytes(sqlite_template.read_bytes())
    store = Store(f"sqlite:///{database}")
    keyring = Keyring(folder / "keys", "osm.example.go.th/journal")
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, *DIAGRAMS)
        for name, role in (("anan", "osm_strategy"), ("kanda", "osm_strategy"), ("boss", "osm_director")):
            make_person(session, name, role)
    ids = []
    for seed in range(HISTORIES):
        ids.append(random_history(store, Rng(seed)))
        with store.transaction() as session:  # so that the bundles carry proofs from earlier checkpoints
            make_checkpoint(session, NOW + timedelta(days=1, minutes=seed), SYSTEM, keyring=keyring)
    paths = [write_bundle(store, case_id, folder / f"{number}.zip", keyring) for number, case_id in enumerate(ids)]
    store.close()
    return Honest(paths, keyring.folder / "trusted", folder, database, ids)


def random_history(store: Store, rng: Rng) -> str:
    """A case in which people do whatever they may; some of what they wrote is erased at the end."""
    from osm_flow.operations.people.hats import actor_named

    at = NOW + timedelta(minutes=rng.randint(1, 1000))
    with store.transaction() as session:
        people = [actor_named(session, name, NOW.date()) for name in ("anan", "kanda", "boss")]
        data = {"rate": rng.choice([0.1, 1e-7, 1e21, 12, -3.5e-9]), "note": rng.choice(["ก", '\U0001f33e\n"', "<b>"])}
        case_id = make_case(session, rng.choice(["review", "caller", "repeating"]), now=at, data=data).id
        comment(session, case_id, people[0], at, body="ชื่อของผู้ร้อง", key=f"first {case_id}")
    deliver_pending(store, at, case_id)
    for number in range(rng.randint(4, 14)):
        at += timedelta(minutes=rng.randint(0, 90))
        with store.transaction() as session:
            family = list(session.scalars(select(Case).where(Case.root_case_id == case_id, Case.state == "ACTIVE")))
            if not family:
                break
            ids = [one.id for one in family]
            act(session, rng, rng.choice(family), people, at, number)
        deliver_pending(store, at, *ids)
    with store.transaction() as session:
        notes = select(JournalRecord).where(JournalRecord.kind == "case.commented")
        for record in session.scalars(
            notes.join(Case, Case.id == JournalRecord.case_id).where(Case.root_case_id == case_id)
        ):
            if rng.random() < 0.7:
                erase(session, record.case_id, [record.seq], SYSTEM, at, reason="PDPA")
    return case_id


def act(session: Any, rng: Rng, case: Case, people: list[Any], at: Any, number: int) -> None:
    person, key = rng.choice(people[:2]), f"{case.id}{number}"
    what = rng.choice(["work", "work", "work", "comment", "attach", "pause"])
    if what == "comment":
        comment(session, case.id, person, at, body=f"ความเห็น {rng.random()}", key=key)
    elif what == "attach":
        attachments.attach(session, case.id, person, at, GivenFile("ก.txt", f"{rng.random()}".encode()), key=key)
    elif what == "pause":
        suspend_case(session, case.id, SYSTEM, at, reason="รอ")
        resume_case(session, case.id, SYSTEM, at)
    else:
        query = select(WorkItem).where(WorkItem.case_id == case.id, WorkItem.state.in_(("READY", "CLAIMED")))
        for item in session.scalars(query.order_by(WorkItem.id).limit(1)):
            doer = next((one for one in people if one.person_id == item.assignee_id), None)
            doer = doer or next(one for one in rng.sample(people, 3) if may_do(session, item, one))
            if item.assignee_id is None and rng.random() < 0.4:
                work_items.claim(session, item.id, doer, at)
                return
            schema = work_items.form_of(session, item)
            fields = (schema or {}).get("properties", {})
            values: dict[str, Any] = {"approved": rng.random() < 0.4, "reason": "แก้"} if "approved" in fields else {}
            values |= {"text": f"ร่าง {rng.random()}"} if "text" in fields else {}
            complete(session, item.id, doer, at, Completion.of(values, key))


def may_do(session: Any, item: WorkItem, person: Any) -> bool:
    from osm_flow.domain.access.policy import Verb, decide
    from osm_flow.operations.policy_facts import work_item_facts

    return decide(person, Verb.complete, work_item_facts(session, item, person)).allowed


# ---- untouched ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(HISTORIES))
def test_untouched_bundles_pass(honest: Honest, number: int) -> None:
    assert honest.verdicts_on(honest.paths[number]) == (0, [])
    assert honest.verdicts(honest.bundle(number), fitting=True) == (0, [])
    assert run_script_alone(honest.paths[number], "--key", str(honest.trusted))[0] == 0


# ---- edits -------------------------------------------------------------------------------------------------------

Edit = Callable[[Honest, Forger, random.Random], None]


def change_a_record(_: Honest, forger: Forger, rng: Rng) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        line = rng.choice(lines)
        name = rng.choice([key for key in line if key != "definition"])
        old = line[name]
        options = [
            "boss",
            "",
            None,
            7,
            1.5,
            True,
            [],
            "0" * 64,
            "2026-11-20T02:00:00.000000Z",
            old,
            f"{old}x",
            "\u202e",
        ]
        line[name] = rng.choice([value for value in options if value != old or type(value) is not type(old)])

    forger.edit(rng.choice(forger.ids()), change)


def change_the_definition_of_a_record(_: Honest, forger: Forger, rng: Rng) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        name = rng.choice(["key", "version", "sha256"])
        rng.choice(lines)["definition"][name] = {"key": "other", "version": 99, "sha256": "a" * 64}[name]

    forger.edit(rng.choice(forger.ids()), change)


def put_in_a_record(_: Honest, forger: Forger, rng: Rng) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        new = {**rng.choice(lines), "actor": "nobody"}
        lines.insert(rng.randrange(len(lines) + 1), new)

    forger.edit(rng.choice(forger.ids()), change)


def double_a_record(_: Honest, forger: Forger, rng: Rng) -> None:
    forger.edit(rng.choice(forger.ids()), lambda lines: lines.insert(rng.randrange(len(lines)), rng.choice(lines)))


def take_out_a_record(_: Honest, forger: Forger, rng: Rng) -> None:
    forger.edit(rng.choice(forger.ids()), lambda lines: lines.pop(rng.randrange(len(lines))))


def swap_records(_: Honest, forger: Forger, rng: Rng) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        assume(len(lines) > 1)
        one, other = rng.sample(range(len(lines)), 2)
        lines[one], lines[other] = lines[other], lines[one]

    forger.edit(rng.choice(forger.ids()), change)


def truncate(_: Honest, forger: Forger, rng: Rng) -> None:
    """The newest records and their payloads and states, as if they had never been."""
    case_id = rng.choice(forger.ids())
    keep = rng.randrange(len(forger.lines(case_id)))
    for name in ("journal", "payloads", "states"):
        forger.put_lines(case_id, [line for line in forger.lines(case_id, name) if line["seq"] <= keep], name)


def cut_the_journal(_: Honest, forger: Forger, rng: Rng) -> None:
    name = f"cases/{rng.choice(forger.ids())}/journal.jsonl"
    forger.files[name] = forger.files[name][: rng.randrange(len(forger.files[name]))]


def swap_payloads(_: Honest, forger: Forger, rng: Rng) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        assume(len(lines) > 1)
        one, other = rng.sample(lines, 2)
        one["body"], other["body"], one["salt"], other["salt"] = other["body"], one["body"], other["salt"], one["salt"]

    forger.edit(rng.choice(forger.ids()), change, "payloads")


def change_a_payload(_: Honest, forger: Forger, rng: Rng) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        line = rng.choice(lines)
        body = json.loads(line["body"])
        body["data"]["forged"] = rng.choice([1, 1.5, "ปลอม", None])
        line["body"] = rfc8785.dumps(body).decode()
        if rng.random() < 0.5:
            line["salt"] = rng.randbytes(16).hex()

    forger.edit(rng.choice(forger.ids()), change, "payloads")


def spell_a_payload_otherwise(_: Honest, forger: Forger, rng: Rng) -> None:
    """The same values in other bytes, with a digest that fits them."""
    case_id = rng.choice(forger.ids())
    forger.edit(case_id, lambda lines: rng.choice(lines).update(body=" {}"), "payloads")
    if rng.random() < 0.5:
        forger.seal_again(case_id)


def take_out_a_payload(_: Honest, forger: Forger, rng: Rng) -> None:
    forger.edit(rng.choice(forger.ids()), lambda lines: lines.pop(rng.randrange(len(lines))), "payloads")


def put_back_an_erased_payload(_: Honest, forger: Forger, rng: Rng) -> None:
    case_id = rng.choice(forger.ids())
    lines = forger.lines(case_id, "payloads")
    gone = {line["seq"] for line in forger.lines(case_id)} - {line["seq"] for line in lines}
    assume(gone)
    lines.append({**lines[0], "seq": gone.pop()})
    forger.put_lines(case_id, sorted(lines, key=lambda line: line["seq"]), "payloads")


def change_a_definition(_: Honest, forger: Forger, rng: Rng) -> None:
    name = rng.choice([name for name in forger.files if name.startswith("definitions/")])
    if name.endswith(".bpmn"):
        forger.files[name] = (
            forger.files[name].replace(b"osm_strategy", b"osm_director").replace(b"<bpmn:", b"<bpmn: ", 1)
        )
    else:
        forger.files[name] = rfc8785.dumps({**json.loads(forger.files[name]), "forged": {}}) + b"\n"


def swap_definitions(_: Honest, forger: Forger, rng: Rng) -> None:
    digests = sorted({name.split("/")[1] for name in forger.files if name.startswith("definitions/")})
    assume(len(digests) > 1)
    one, other = rng.sample(digests, 2)
    for part in ("process.bpmn", "forms.json", "decisions.json"):
        names = f"definitions/{one}/{part}", f"definitions/{other}/{part}"
        forger.files[names[0]], forger.files[names[1]] = forger.files[names[1]], forger.files[names[0]]


def hash_a_suffix_again(_: Honest, forger: Forger, rng: Rng) -> None:
    """Another actor or another value, and every digest, hash, link and the manifest made to fit."""
    case_id = rng.choice(forger.ids())
    lines = forger.lines(case_id)
    number = rng.randrange(len(lines))
    if rng.random() < 0.5:
        lines[number]["actor"] = "somebody"
        forger.put_lines(case_id, lines)
    else:
        payloads = forger.lines(case_id, "payloads")
        payloads[number % len(payloads)]["salt"] = rng.randbytes(16).hex()
        forger.put_lines(case_id, payloads, "payloads")
    forger.seal_again(case_id)


def forge_everything(honest: Honest, forger: Forger, rng: Rng) -> None:
    """Rewrite a case, build a log of one's own over it, sign it with a key of one's own, and put that key in."""
    hash_a_suffix_again(honest, forger, rng)
    sign_a_log_of_ones_own(forger, rng)


def sign_with_another_key(_: Honest, forger: Forger, rng: Rng) -> None:
    text = forger.files["checkpoint.txt"].decode().rpartition("\n\n")[0] + "\n"
    put_signature(forger, text, rng)


def change_the_checkpoint(_: Honest, forger: Forger, rng: Rng) -> None:
    """A checkpoint from the future, of another root, of another log, or with a signature of something else."""
    body, _, signatures = forger.files["checkpoint.txt"].decode().rpartition("\n\n")
    origin, size, root = body.split("\n")[:3]
    signature = signatures.split(" ")[2].strip()
    options = [
        (origin, str(int(size) + 1), root, signature),
        (origin, str(int(size) * 1000), root, signature),
        (origin, size, base64.b64encode(rng.randbytes(32)).decode(), signature),
        (f"{origin}x", size, root, signature),
        (origin, size, root, base64.b64encode(base64.b64decode(signature)[:4] + rng.randbytes(64)).decode()),
        (origin, f"0{size}", root, signature),
        (origin, size, root, ""),
        (origin, "-1", root, signature),
    ]
    origin, size, root, signature = rng.choice(options)
    name = signatures.split(" ")[1]
    forger.files["checkpoint.txt"] = f"{origin}\n{size}\n{root}\n\n\u2014 {name} {signature}\n".encode()


def change_a_proof(_: Honest, forger: Forger, rng: Rng) -> None:
    name = rng.choice([name for name in forger.files if name.endswith("/proof.json")])
    proof = json.loads(forger.files[name])
    key = rng.choice(sorted(proof))
    old = proof[key]
    options = [0, -1, old + 1 if isinstance(old, int) else 1, "0" * 64, [], ["0" * 64], None, 2**52, "x", [7]]
    proof[key] = rng.choice([value for value in options if value != old])
    forger.files[name] = rfc8785.dumps(proof) + b"\n"


def leave_the_checkpoint_out(_: Honest, forger: Forger, rng: Rng) -> None:
    """As if there had never been one."""
    for name in [
        name for name in forger.files if name.endswith("/proof.json") or name in ("checkpoint.txt", "keys.txt")
    ]:
        del forger.files[name]
    forger.files["manifest.json"] = rfc8785.dumps({**forger.manifest, "checkpoint": None})


def take_out_a_file(_: Honest, forger: Forger, rng: Rng) -> None:
    names = [name for name in forger.files if name.startswith(("cases/", "definitions/", "attachments/", "ch", "k"))]
    name = rng.choice([name for name in names if not name.endswith(("journal.jsonl", "states.jsonl"))])
    del forger.files[name]


def put_in_a_record_of_another_case(honest: Honest, forger: Forger, rng: Rng) -> None:
    other = honest.bundle(rng.randrange(HISTORIES))
    foreign = rng.choice(other.lines(rng.choice(other.ids())))
    case_id = rng.choice(forger.ids())
    assume(foreign["case_id"] != case_id)
    forger.edit(case_id, lambda lines: lines.insert(rng.randrange(len(lines) + 1), foreign))


def take_out_an_ended_child(_: Honest, forger: Forger, rng: Rng) -> None:
    parent, *children = forger.ids()
    ended = [line for line in forger.lines(parent) if line["kind"] == "child.ended"]
    assume(children and ended)
    for name in [name for name in forger.files if name.startswith(f"cases/{children[0]}/")]:
        del forger.files[name]
    manifest = forger.manifest
    manifest["chains"] = [about for about in manifest["chains"] if about["id"] != children[0]]
    forger.files["manifest.json"] = rfc8785.dumps(manifest)


def spell_the_keys_otherwise(_: Honest, forger: Forger, rng: Rng) -> None:
    keys = forger.files["keys.txt"]
    options = [keys[:-1], keys[:-1] + b"\x0b", keys + b"\n", b" " + keys, keys[:-1] + b" now\n", b"# x\n" + keys]
    forger.files["keys.txt"] = rng.choice(options)


def flip_a_bit(_: Honest, forger: Forger, rng: Rng) -> None:
    names = [name for name in forger.files if any(part in name for part in EVIDENCE) and forger.files[name]]
    name = rng.choice(names)
    content = bytearray(forger.files[name])
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    forger.files[name] = bytes(content)


EDITS: list[Edit] = [
    change_a_record,
    change_the_definition_of_a_record,
    put_in_a_record,
    double_a_record,
    take_out_a_record,
    swap_records,
    truncate,
    cut_the_journal,
    swap_payloads,
    change_a_payload,
    spell_a_payload_otherwise,
    take_out_a_payload,
    put_back_an_erased_payload,
    change_a_definition,
    swap_definitions,
    hash_a_suffix_again,
    forge_everything,
    sign_with_another_key,
    change_the_checkpoint,
    change_a_proof,
    leave_the_checkpoint_out,
    take_out_a_file,
    put_in_a_record_of_another_case,
    take_out_an_ended_child,
    spell_the_keys_otherwise,
    flip_a_bit,
]


# Those after which the files contradict each other, whoever signed what.
CONTRADICTING = [
    *EDITS[: EDITS.index(hash_a_suffix_again)],
    change_a_proof,
    take_out_a_file,
    put_in_a_record_of_another_case,
    take_out_an_ended_child,
    spell_the_keys_otherwise,
    flip_a_bit,
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
@given(number=st.integers(0, HISTORIES - 1), seed=st.integers(0, 2**32), fitting=st.booleans())
@settings(PROFILE, max_examples=16)
def test_both_checkers_catch_every_edit(honest: Honest, edit: Edit, number: int, seed: int, fitting: bool) -> None:
    """`fitting`: the forger brings the manifest up to date as well."""
    forger = honest.bundle(number)
    before = dict(forger.files)
    edit(honest, forger, Rng(seed))
    assume(forger.files != before)
    try:
        code, faults = honest.verdicts(forger, fitting=fitting)
    except (KeyError, ValueError, TypeError):
        code, faults = honest.verdicts(forger, fitting=False)

    assert code == 1, "verify.py passed it"
    assert faults, "the product passed it"
    for arguments in ((), ("--key", str(honest.trusted), "--allow-newer")):
        code, told = honest.unsigned_verdict(forger, *arguments)
        assert code == 1 or (edit not in CONTRADICTING and "NOT PROVEN" in told), told


# ---- edits by somebody who knows all but the key -----------------------------------------------------------------


def add_record(forger: Forger, case_id: str, rng: Rng, kind: str, data: dict[str, Any]) -> None:
    """One record more, which fits those before it in everything."""
    lines, payloads, states = (forger.lines(case_id, name) for name in ("journal", "payloads", "states"))
    body = rfc8785.dumps({"command": None, "data": data, "lookups": {}}).decode()
    payload = {"seq": len(lines) + 1, "salt": rng.randbytes(16).hex(), "body": body}
    at = datetime.fromisoformat(lines[-1]["at"]) + timedelta(seconds=1)
    line = {**lines[-1], "kind": kind, "actor": rng.choice(["boss", "anan"]), "on_behalf_of": None}
    line |= {"seq": len(lines) + 1, "at": f"{at:%Y-%m-%dT%H:%M:%S.%fZ}", "prev_hash": lines[-1]["hash"]}
    line["payload_digest"] = digest_of(payload)
    line["hash"] = hash_of(line)
    if len(states) == len(lines):
        states.append({**states[-1], "seq": len(lines) + 1, "passed": [], "set": {}, "unset": []})
    forger.put_lines(case_id, [*lines, line])
    forger.put_lines(case_id, [*payloads, payload], "payloads")
    forger.put_lines(case_id, states, "states")


def append_records(_: Honest, forger: Forger, rng: Rng) -> None:
    """An approval after the end of a history that is closed."""
    case_id = rng.choice(forger.ids())
    for _number in range(rng.randint(1, 3)):
        add_record(forger, case_id, rng, "case.commented", {"body": "เห็นชอบ"})


def erase_falsely(_: Honest, forger: Forger, rng: Rng) -> None:
    """A payload taken out, and a record of one's own that says that the law wanted it so."""
    case_id = rng.choice(forger.ids())
    payloads = forger.lines(case_id, "payloads")
    gone = rng.choice(payloads)["seq"]
    add_record(forger, case_id, rng, "payloads.erased", {"erased": [gone], "reason": "PDPA"})
    forger.edit(case_id, lambda lines: lines.remove(next(one for one in lines if one["seq"] == gone)), "payloads")
    forger.put_lines(case_id, [one for one in forger.lines(case_id, "states") if one["seq"] < gone], "states")
    if gone == 1:
        forget_names(forger, case_id)


def forget_names(forger: Forger, case_id: str) -> None:
    name = f"cases/{case_id}/case.json"
    shown = {key: value for key, value in json.loads(forger.files[name]).items() if key not in ("title", "people")}
    forger.files[name] = rfc8785.dumps(shown) + b"\n"


def prove_an_older_record(honest: Honest, forger: Forger, case_id: str, rng: Rng) -> int:
    """A genuine proof of a record before the newest, which whoever reads the log can make; its number."""
    assume(len(forger.lines(case_id)) > 1)
    seq = rng.randrange(1, len(forger.lines(case_id)))
    store = Store(f"sqlite:///{honest.database}")
    with store.reading() as session:
        proof = inclusion(session, case_id, seq, forger.manifest["checkpoint"]["size"])
    store.close()
    known = {"case_id": case_id, "seq": seq, "hash": forger.lines(case_id)[seq - 1]["hash"]}
    known |= {"position": proof.position, "size": proof.size, "path": proof.path}
    forger.files[f"cases/{case_id}/proof.json"] = rfc8785.dumps(known) + b"\n"
    return seq


def rewrite_what_follows_an_older_proof(honest: Honest, forger: Forger, rng: Rng) -> None:
    """Another approver, in records after one that is proven."""
    case_id = rng.choice(forger.ids())
    seq = prove_an_older_record(honest, forger, case_id, rng)

    def change(lines: list[dict[str, Any]]) -> None:
        for line in lines[seq:]:
            line["actor"] = "boss" if line["actor"] != "boss" else "anan"

    forger.edit(case_id, change)
    forger.seal_again(case_id, seq + 1)


def cut_at_an_older_proof(honest: Honest, forger: Forger, rng: Rng) -> None:
    """The newest records as if they had never been, and a genuine proof of what is then the newest."""
    case_id = rng.choice(forger.ids())
    seq = prove_an_older_record(honest, forger, case_id, rng)
    for name in ("journal", "payloads", "states"):
        forger.put_lines(case_id, [line for line in forger.lines(case_id, name) if line["seq"] <= seq], name)


def leave_out_a_child(forger: Forger, rng: Rng) -> tuple[str, str]:
    """A child without a trace in the list of chains; its parent and the task."""
    called = [about for about in cases_in(forger.manifest) if about["parent_case_id"] in forger.ids()]
    assume(called)
    child = rng.choice(called)
    for name in [name for name in forger.files if name.startswith(f"cases/{child['id']}/")]:
        del forger.files[name]
    put_manifest(forger, chains=[about for about in forger.manifest["chains"] if about["id"] != child["id"]])
    drop_unnamed(forger)
    return child["parent_case_id"], child["parent_task_id"]


def drop_unnamed(forger: Forger) -> None:
    """Take out the definitions and attachments that no record names any more."""
    named = {line["definition"]["sha256"] for case_id in forger.ids() for line in forger.lines(case_id)}
    bodies = [line["body"] for case_id in forger.ids() for line in forger.lines(case_id, "payloads")]
    for name in list(forger.files):
        kind, _, rest = name.partition("/")
        is_named = rest.partition("/")[0] in named if kind == "definitions" else any(rest in body for body in bodies)
        if kind in ("definitions", "attachments") and not is_named:
            del forger.files[name]


def put_manifest(forger: Forger, **values: Any) -> None:
    forger.files["manifest.json"] = rfc8785.dumps({**forger.manifest, **values}) + b"\n"


def leave_out_a_running_child(_: Honest, forger: Forger, rng: Rng) -> None:
    leave_out_a_child(forger, rng)


def say_that_a_child_had_not_begun(_: Honest, forger: Forger, rng: Rng) -> None:
    parent, task = leave_out_a_child(forger, rng)
    put_manifest(forger, not_started=[{"parent_case_id": parent, "parent_task_id": task}])


def hide_the_parent(_: Honest, forger: Forger, rng: Rng) -> None:
    """A child alone, with a list of chains that says nothing of its parent."""
    called = [about for about in cases_in(forger.manifest) if about["parent_case_id"] is not None]
    assume(called)
    child = rng.choice(called)
    for case_id in forger.ids():
        if case_id != child["id"]:
            for name in [name for name in forger.files if name.startswith(f"cases/{case_id}/")]:
                del forger.files[name]
    alone = {**child, "parent_case_id": None, "parent_task_id": None}
    put_manifest(forger, root=child["id"], chains=[alone])
    name = f"cases/{child['id']}/case.json"
    shown = {**json.loads(forger.files[name]), "parent_case_id": None, "parent_task_id": None}
    forger.files[name] = rfc8785.dumps(shown) + b"\n"
    drop_unnamed(forger)


def change_what_is_said_of_a_case(_: Honest, forger: Forger, rng: Rng) -> None:
    name = f"cases/{rng.choice(forger.ids())}/case.json"
    shown = json.loads(forger.files[name])
    options: list[dict[str, Any]] = [
        {"state": "CANCELLED" if shown["state"] != "CANCELLED" else "ACTIVE"},
        {"outcome": "ไม่อนุมัติ"},
        {"fiscal_year": 2400},
        {"office_id": "XX"},
    ]
    if shown.get("people"):
        options.append({"people": dict.fromkeys(shown["people"], "ผู้อื่น")})
    forger.files[name] = rfc8785.dumps(shown | rng.choice(options)) + b"\n"


def change_a_state_as_told(_: Honest, forger: Forger, rng: Rng) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        assume(lines)
        rng.choice(lines)["passed"] = ["approve"]

    forger.edit(rng.choice(forger.ids()), change, "states")


def change_a_file_that_people_run_or_read(_: Honest, forger: Forger, rng: Rng) -> None:
    name = rng.choice(["README.txt", "verify.py", "player.html"])
    content = forger.files[name]
    options = [content + b"\n", content.replace("การ".encode(), b"x").replace(b"FAULT", b"note "), b" " + content]
    forger.files[name] = rng.choice([one for one in options if one != content])


def change_the_proofs_of_consistency(_: Honest, forger: Forger, rng: Rng) -> None:
    assume("consistency.json" in forger.files)
    found = json.loads(forger.files["consistency.json"])
    if rng.random() < 0.3:
        del forger.files["consistency.json"]
        return
    if rng.random() < 0.5:
        found["proofs"][0]["root"] = rng.randbytes(32).hex()
    else:
        found["hashes"][0] = rng.randbytes(32).hex()
    forger.files["consistency.json"] = rfc8785.dumps(found) + b"\n"


def pass_for_format_1(_: Honest, forger: Forger, rng: Rng) -> None:
    """As if nobody signed manifests yet."""
    old = {key: value for key, value in forger.manifest.items() if key not in ("chains", "not_started")}
    old["format"] = "osm-flow-bundle/1"
    old["cases"] = [{key: one[key] for key in one if key != "kind"} for one in cases_in(forger.manifest)]
    forger.files["manifest.json"] = rfc8785.dumps(old) + b"\n"
    for name in ("manifest.sig", "consistency.json"):
        forger.files.pop(name, None)
    change_what_is_said_of_a_case(_, forger, rng)


def forge_all_and_sign_it(honest: Honest, forger: Forger, rng: Rng) -> None:
    """Another story, a log of one's own over it, and everything signed by a key of one's own, which lies in the bundle."""
    rng.choice([append_records, change_what_is_said_of_a_case, hash_a_suffix_again])(honest, forger, rng)
    sign_a_log_of_ones_own(forger, rng)


def sign_another_manifest(_: Honest, forger: Forger, rng: Rng) -> None:
    """The genuine signature with something added, or the same text under another key."""
    content = forger.files["manifest.sig"].decode()
    private = Ed25519PrivateKey.from_private_bytes(rng.randbytes(32))
    text, _blank, line = content.rpartition("\n\n")
    stranger = VerifierKey("osm.example.go.th/journal", private.public_key().public_bytes_raw())
    signature = Signature(stranger.name, stranger.key_hash, private.sign(f"{text}\n".encode()))
    alone = Note(f"{text}\n", (signature,))
    options = [content + str(alone).rpartition("\n\n")[2], str(alone), f"{text}\n\n{line}{line}", content[:-1]]
    forger.files["manifest.sig"] = rng.choice(options).encode()


INSIDER: list[Edit] = [
    append_records,
    erase_falsely,
    rewrite_what_follows_an_older_proof,
    cut_at_an_older_proof,
    leave_out_a_running_child,
    say_that_a_child_had_not_begun,
    hide_the_parent,
    change_what_is_said_of_a_case,
    change_a_state_as_told,
    change_a_file_that_people_run_or_read,
    change_the_proofs_of_consistency,
    pass_for_format_1,
    forge_all_and_sign_it,
    sign_another_manifest,
]
# What is caught even without a key, and where what is newer than the signature is taken.
SEEN_BY_ALL = (erase_falsely, leave_out_a_running_child, hide_the_parent, pass_for_format_1)


@pytest.mark.parametrize("edit", INSIDER, ids=lambda edit: edit.__name__)
@given(number=st.integers(0, HISTORIES - 1), seed=st.integers(0, 2**32), fitting=st.booleans(), signed=st.booleans())
@settings(PROFILE, max_examples=16)
def test_who_knows_all_but_the_key_is_caught_by_both(
    honest: Honest, edit: Edit, number: int, seed: int, fitting: bool, signed: bool
) -> None:
    """`fitting`: all that can be made to fit does; `signed`: the signature of before is left where it was."""
    forger = honest.bundle(number)
    before = dict(forger.files)
    edit(honest, forger, Rng(seed))
    assume(forger.files != before)
    if fitting and forger.files["player.html"] == before["player.html"]:
        forger.fit_player()
    if not signed and edit is not sign_another_manifest and forger.private is None:
        forger.files.pop("manifest.sig", None)
    path = forger.write(honest.desk / "insider.zip", fitting=edit is not sign_another_manifest)
    key = ("--key", str(honest.trusted))

    assert verdict_of(path, *key)[0] == 1
    assert product_faults(path, keys_of(honest.trusted))
    for arguments in ((), (*key, "--allow-newer")):
        code, told = verdict_of(path, *arguments)
        assert code == 1 or (edit not in SEEN_BY_ALL and "NOT PROVEN" in told), told


# ---- any value anywhere ------------------------------------------------------------------------------------------

VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    7,
    2.0**53,
    1.5,
    1e20,
    1e300,
    "",
    "x",
    "0" * 64,
    "a" * 64,
    "\u202e",
    "\U0001f33e",
    [],
    {},
    [1],
    {"a": 1},
    "2026-11-20T02:00:00.000000Z",
    "administration",
    "case",
    "child",
    ["x"],
    [[]],
    "osm-flow-bundle/1",
)


def change_anything(value: Any, rng: Rng) -> Any:
    """The value with something at some place in it taken out, put in, doubled or made something else."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        name = rng.choice(sorted(value))
        what = rng.random()
        if what < 0.1:
            return {key: item for key, item in value.items() if key != name}
        if what < 0.2:
            return {**value, rng.choice(["more", "seq", "part", "people", "digests"]): rng.choice(VALUES)}
        return {**value, name: change_anything(value[name], rng)}
    if isinstance(value, list) and value and rng.random() < 0.85:
        at, what = rng.randrange(len(value)), rng.random()
        if what < 0.1:
            return value[:at] + value[at + 1 :]
        if what < 0.2:
            return [*value[:at], value[at], *value[at:]]
        return [*value[:at], change_anything(value[at], rng), *value[at + 1 :]]
    if isinstance(value, str) and value.startswith("{") and rng.random() < 0.8:
        return rfc8785.dumps(change_anything(json.loads(value), rng)).decode()
    return rng.choice(VALUES)


def change_a_json_file(forger: Forger, rng: Rng) -> str:
    """Any value in any file of JSON; the name of the file."""
    name = rng.choice([name for name in sorted(forger.files) if name.endswith((".json", ".jsonl"))])
    lines = forger.files[name].splitlines()
    at = rng.randrange(len(lines)) if lines else 0
    with contextlib.suppress(IndexError, ValueError):  # no lines, or a number that only its digits say
        lines[at] = rfc8785.dumps(change_anything(json.loads(lines[at]), rng))
    forger.files[name] = b"".join(line + b"\n" for line in lines)
    return name


@given(number=st.integers(0, HISTORIES - 1), seed=st.integers(0, 2**32), sealing=st.booleans())
@settings(PROFILE, max_examples=150)
def test_of_any_edit_both_checkers_say_the_same(honest: Honest, number: int, seed: int, sealing: bool) -> None:
    """Without a key, where only what the files say of each other tells; `sealing`: digests and hashes fit again."""
    forger, rng = honest.bundle(number), Rng(seed)
    before = dict(forger.files)
    names = [change_a_json_file(forger, rng) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    if sealing:
        with contextlib.suppress(Exception):
            forger.seal_again(rng.choice(forger.ids()))
    assume(forger.files != before)
    if "manifest.json" in names:
        path = forger.write(honest.desk / "any.zip", fitting=False)
        assert verdict_of(path)[0] == 1  # the manifest is not the one that was signed
        forger.files.pop("manifest.sig")
        verdict_of(forger.write(honest.desk / "any.zip", fitting=False))
    else:
        honest.unsigned_verdict(forger)
    assert (
        verdict_of(
            honest.desk / ("any.zip" if "manifest.json" in names else "unsigned.zip"), "--key", str(honest.trusted)
        )[0]
        == 1
    )


@given(number=st.integers(0, HISTORIES - 1), seed=st.integers(0, 2**32), share=st.floats(0, 1))
@settings(PROFILE, max_examples=150)
@example(number=0, seed=0, share=0.0)
def test_damaged_archives_never_pass_as_something_else(honest: Honest, number: int, seed: int, share: float) -> None:
    """Raw bytes of the ZIP file changed or cut: no traceback, and what passes still holds the same files."""
    rng = Rng(seed)
    whole = bytearray(honest.paths[number].read_bytes())
    for _ in range(rng.randint(1, 4)):
        whole[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
    if rng.random() < 0.3:
        del whole[int(len(whole) * share) :]
    path = honest.desk / "damaged.zip"
    path.write_bytes(whole)

    code, faults = honest.verdicts_on(path)

    for passed in (code == 0, not faults):
        assert not passed or Forger.of(path).files == honest.bundle(number).files


# ---- in the database ---------------------------------------------------------------------------------------------


def change_a_column(connection: sqlite3.Connection, case_id: str, seq: int, rng: Rng) -> None:
    column = rng.choice(
        ["kind", "actor", "actor_role", "on_behalf_of", "element", "engine_version", "payload_digest", "hash"]
    )
    connection.execute(f"UPDATE journal_records SET {column} = 'forged' WHERE case_id = ? AND seq = ?", (case_id, seq))  # noqa: S608


def delete_a_record(connection: sqlite3.Connection, case_id: str, seq: int, rng: Rng) -> None:
    connection.execute("DELETE FROM journal_records WHERE case_id = ? AND seq = ?", (case_id, seq))


def insert_a_record(connection: sqlite3.Connection, case_id: str, seq: int, rng: Rng) -> None:
    columns = "case_id, at, kind, actor, actor_role, on_behalf_of, element, task_id, payload_digest, definition_key, "
    columns += "definition_version, definition_sha256, engine_version, state_digest, prev_hash, hash"
    newest = connection.execute("SELECT max(seq) FROM journal_records WHERE case_id = ?", (case_id,)).fetchone()[0]
    source = "journal_records WHERE case_id = ? AND seq = ?"
    copy = f"INSERT INTO journal_records (seq, {columns}) SELECT ?, {columns} FROM {source}"  # noqa: S608
    connection.execute(copy, (newest + 1, case_id, seq))


def exchange_records(connection: sqlite3.Connection, case_id: str, seq: int, rng: Rng) -> None:
    other = seq + 1 if seq == 1 else seq - 1
    for old, new in ((seq, -1), (other, seq), (-1, other)):
        connection.execute("UPDATE journal_records SET seq = ? WHERE case_id = ? AND seq = ?", (new, case_id, old))


def exchange_payloads(connection: sqlite3.Connection, case_id: str, seq: int, rng: Rng) -> None:
    other = seq + 1 if seq == 1 else seq - 1
    for old, new in ((seq, -1), (other, seq), (-1, other)):
        connection.execute("UPDATE journal_payloads SET seq = ? WHERE case_id = ? AND seq = ?", (new, case_id, old))


def delete_a_payload(connection: sqlite3.Connection, case_id: str, seq: int, rng: Rng) -> None:
    connection.execute("DELETE FROM journal_payloads WHERE case_id = ? AND seq = ?", (case_id, seq))


def change_the_deployed_definition(connection: sqlite3.Connection, case_id: str, seq: int, rng: Rng) -> None:
    where = "id = (SELECT definition_id FROM cases WHERE id = ?)"
    connection.execute(f"UPDATE process_definitions SET xml = xml || ' ' WHERE {where}", (case_id,))  # noqa: S608


def truncate_in_place(connection: sqlite3.Connection, case_id: str, seq: int, rng: Rng) -> None:
    """The newest record and all that points at it, except what the log over all cases knows."""
    newest, before = connection.execute(
        "SELECT seq, hash FROM journal_records WHERE case_id = ? ORDER BY seq DESC LIMIT 2", (case_id,)
    ).fetchall()
    for table in ("journal_records", "journal_payloads"):
        connection.execute(f"DELETE FROM {table} WHERE case_id = ? AND seq = ?", (case_id, newest[0]))  # noqa: S608
    connection.execute("UPDATE cases SET seq = ?, head = ? WHERE id = ?", (*before, case_id))
    connection.execute("UPDATE case_states SET seq = ? WHERE case_id = ?", (before[0], case_id))


def hash_it_all_again(connection: sqlite3.Connection, case_id: str, seq: int, rng: Rng) -> None:
    """Another actor, and every hash, link and head made to fit; the states are the recorded ones."""
    connection.execute("UPDATE journal_records SET actor = 'forged' WHERE case_id = ? AND seq = ?", (case_id, seq))
    connection.row_factory = sqlite3.Row
    before = "0" * 64
    for row in connection.execute(
        "SELECT * FROM journal_records WHERE case_id = ? ORDER BY seq", (case_id,)
    ).fetchall():
        fields = {name: row[name] for name in Record.__dataclass_fields__}
        record = Record(**{**fields, "prev_hash": before})
        change = "UPDATE journal_records SET prev_hash = ?, hash = ? WHERE case_id = ? AND seq = ?"
        connection.execute(change, (before, before := seal(record), case_id, row["seq"]))
    connection.execute("UPDATE cases SET head = ? WHERE id = ?", (before, case_id))


def write_nonsense(connection: sqlite3.Connection, case_id: str, seq: int, rng: Rng) -> None:
    """What no program of ours would write into a column."""
    column = rng.choice(["seq", "at", "definition_version", "hash", "prev_hash", "state_digest", "actor"])
    value = rng.choice(["nonsense", b"\xff\x00", 1.5, "\x00"])
    where = "case_id = ? AND seq = ?"
    connection.execute(f"UPDATE journal_records SET {column} = ? WHERE {where}", (value, case_id, seq))  # noqa: S608


def write_nonsense_beside(connection: sqlite3.Connection, case_id: str, seq: int, rng: Rng) -> None:
    table, column, where = rng.choice(
        [
            ("journal_payloads", "body", "case_id"),
            ("journal_payloads", "salt", "case_id"),
            ("cases", "seq", "id"),
            ("cases", "head", "id"),
            ("case_states", "snapshot", "case_id"),
            ("case_states", "digest", "case_id"),
        ]
    )
    value = rng.choice(["nonsense", b"\xff\x00", 1.5])
    connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where} = ?", (value, case_id))  # noqa: S608


DATABASE_EDITS = [
    write_nonsense,
    write_nonsense_beside,
    change_a_column,
    delete_a_record,
    insert_a_record,
    exchange_records,
    exchange_payloads,
    delete_a_payload,
    change_the_deployed_definition,
    truncate_in_place,
    hash_it_all_again,
]


@pytest.mark.parametrize("edit", DATABASE_EDITS, ids=lambda edit: edit.__name__)
@given(number=st.integers(0, HISTORIES - 1), seed=st.integers(0, 2**32))
@settings(PROFILE, max_examples=8)
def test_the_product_catches_every_edit_of_its_database(honest: Honest, edit: Any, number: int, seed: int) -> None:
    """By somebody who dropped the triggers; `verify_deep` agrees with `verify_case`."""
    rng, case_id = Rng(seed), honest.ids[number]
    path = honest.desk / f"forged-{uuid.uuid4().hex}.db"
    path.write_bytes(honest.database.read_bytes())
    connection = sqlite3.connect(path, isolation_level=None)
    for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {trigger}")
    present = connection.execute("SELECT seq FROM journal_payloads WHERE case_id = ?", (case_id,)).fetchall()
    edit(connection, case_id, rng.choice(present)[0], rng)
    connection.close()
    store = Store(f"sqlite:///{path}")

    with store.reading() as session:
        plain, deeply = verify_case(session, case_id), verify_deep(session, case_id).faults

    store.close()
    assert plain
    assert [(fault.seq, fault.code) for fault in deeply] == [(fault.seq, fault.code) for fault in plain]


# ---- hostile containers ------------------------------------------------------------------------------------------


LINK = zipfile.ZipInfo("attachments/" + "a" * 64)
LINK.external_attr = 0o120777 << 16
PUT_IN: dict[str, list[tuple[str | zipfile.ZipInfo, bytes]]] = {
    "outside": [("../../outside.txt", b"x")],
    "absolute": [("/etc/passwd", b"x")],
    "backslash": [("cases\\..\\x", b"x")],
    "doubled": [("manifest.json", b"{}")],
    "link": [(LINK, b"/etc/passwd")],
    "bomb": [("attachments/" + "b" * 64, bytes(64 << 20))],
    "many": [(f"x{number}", b"") for number in range(100_001)],
}
PUT_INSTEAD = {
    "deep": ("journal.jsonl", b"[" * 200_000 + b"\n"),
    "deep manifest": ("manifest.json", b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"\n"),
    "huge number": ("manifest.json", b'{"a":' + b"9" * 10_000 + b"}\n"),
}
WHOLE = {"text": b"this is no zip\0", "nothing": b"", "no files": b"PK\5\6" + bytes(18)}


def hostile(name: str, honest: Honest) -> bytes:
    if name in WHOLE:
        return WHOLE[name]
    files = honest.bundle(0).files
    if name in PUT_INSTEAD:
        end, content = PUT_INSTEAD[name]
        files = {known: content if known.endswith(end) else kept for known, kept in files.items()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for known, content in [*files.items(), *PUT_IN.get(name, [])]:
            archive.writestr(known, content)
    return out.getvalue().replace(b"README.txt", b"READM\0.txt") if name == "NUL in a name" else out.getvalue()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", [*PUT_IN, *PUT_INSTEAD, *WHOLE, "NUL in a name"])
def test_hostile_containers_are_refused_in_a_sentence(honest: Honest, name: str) -> None:
    path = honest.desk / "hostile.zip"
    path.write_bytes(hostile(name, honest))

    code, said = run_script_alone(path)

    assert code == 1
    assert "FAULT" in said
    assert product_faults(path)
    assert not (honest.desk.parent / "outside.txt").exists()


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    code, said = run_script_alone(tmp_path / "none.zip")

    assert code == 1
    assert "cannot be read" in said


def test_with_a_key_of_its_own_a_forged_bundle_passes_and_the_checker_says_what_that_is_worth(honest: Honest) -> None:
    """The reason for --key: without one, only the forger vouches for the forgery."""
    forger, rng = honest.bundle(0), Rng(7)
    case_id = forger.ids()[0]
    forger.edit(case_id, lambda lines: lines[-1].update(actor="somebody"))
    forger.seal_again(case_id)
    sign_a_log_of_ones_own(forger, rng)
    forger.fit_player()
    path = forger.write(honest.desk / "own.zip")

    code, said = run_script(path)

    assert code == 3
    assert said.splitlines()[-1].endswith("it is NOT PROVEN: no trusted key says who signed it")
    assert "proves nothing about WHO signed" in said
    assert run_script(path, "--key", str(honest.trusted))[0] == 1


def test_a_checkpoint_of_a_witness_is_compared(honest: Honest) -> None:
    own = honest.bundle(0).files["checkpoint.txt"]
    (honest.desk / "same.txt").write_bytes(own)
    origin, size, root, *rest = own.decode().split("\n")
    forked = "\n".join([origin, size, base64.b64encode(b"\1" * 32).decode(), *rest])
    (honest.desk / "forked.txt").write_text(forked)
    newer = "\n".join([origin, str(int(size) + 5), root, *rest])
    (honest.desk / "newer.txt").write_text(newer)

    answers = {
        name: run_script(honest.paths[0], "--checkpoint", str(honest.desk / f"{name}.txt"))
        for name in ("same", "forked", "newer")
    }

    same = verdict_of(honest.paths[0], "--checkpoint", str(honest.desk / "same.txt"), "--key", str(honest.trusted))
    assert same[0] == 0
    assert same[1].endswith("; compared with the given checkpoint")
    assert answers["forked"][0] == 1
    assert "forked" in answers["forked"][1]
    assert answers["newer"][0] == 3
    assert "consistency" in answers["newer"][1]


def test_the_public_key_may_be_a_pem_file(honest: Honest) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = Ed25519PublicKey.from_public_bytes(keys_of(honest.trusted)[0].public)
    pem = honest.desk / "key.pem"
    pem.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    assert run_script(honest.paths[0], "--key", str(pem))[0] == 0


# ---- the forger's workshop ---------------------------------------------------------------------------------------


def sign_a_log_of_ones_own(forger: Forger, rng: Rng) -> None:
    """A tree over the records as they are now, its head and the manifest signed by a key of one's own."""
    forger.files.pop("consistency.json", None)
    leaves = [
        rfc8785.dumps({"case_id": case_id, "seq": line["seq"], "hash": line["hash"]})
        for case_id in forger.ids()
        for line in forger.lines(case_id)
    ]
    hashes = [rfc6962.leaf_hash(leaf) for leaf in leaves]
    root = rfc6962.root_of(hashes)
    position = 0
    for case_id in forger.ids():
        lines = forger.lines(case_id)
        position += len(lines)
        proof = {
            "case_id": case_id,
            "seq": lines[-1]["seq"],
            "hash": lines[-1]["hash"],
            "position": position - 1,
            "size": len(leaves),
            "path": [one.hex() for one in audit_path(position - 1, hashes)],
        }
        forger.files[f"cases/{case_id}/proof.json"] = rfc8785.dumps(proof) + b"\n"
    manifest = {**forger.manifest, "checkpoint": {"size": len(leaves), "root": root.hex()}}
    forger.files["manifest.json"] = rfc8785.dumps(manifest) + b"\n"
    put_signature(forger, str(Head("osm.example.go.th/journal", len(leaves), root)), rng)


def audit_path(position: int, hashes: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1."""
    if len(hashes) == 1:
        return []
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    if position < split:
        return [*audit_path(position, hashes[:split]), rfc6962.root_of(hashes[split:])]
    return [*audit_path(position - split, hashes[split:]), rfc6962.root_of(hashes[:split])]


def put_signature(forger: Forger, text: str, rng: Rng) -> None:
    private = forger.private = Ed25519PrivateKey.from_private_bytes(rng.randbytes(32))
    key = VerifierKey("osm.example.go.th/journal", private.public_key().public_bytes_raw())
    signature = Signature(key.name, key.key_hash, private.sign(text.encode()))
    forger.files["checkpoint.txt"] = str(Note(text, (signature,))).encode()
    forger.files["keys.txt"] = f"{key}\n".encode()


def test_a_payload_digest_is_over_the_salt_and_the_body(honest: Honest) -> None:
    forger = honest.bundle(0)
    case_id = forger.ids()[0]
    digests = {line["seq"]: line["payload_digest"] for line in forger.lines(case_id)}

    assert all(digest_of(line) == digests[line["seq"]] for line in forger.lines(case_id, "payloads"))
