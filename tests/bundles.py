"""Bundles for tests: a family of cases with everything in it, its bundle, both checkers, and a forger's workshop."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.books.acts import BookAct, BookActKind, Confirmation, NewVersion
from osm_flow.domain.books.sealing import BookName
from osm_flow.domain.merkle_note import Head, Note, Signature, VerifierKey, read_keys
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.background.delivery import deliver_pending
from osm_flow.operations.books import acts as books
from osm_flow.operations.books.sets import keep_set
from osm_flow.operations.bundles import checking as bundle_checking
from osm_flow.operations.bundles import writing as bundle_writing
from osm_flow.operations.bundles.checking import Verifier
from osm_flow.operations.bundles.player import shown_data
from osm_flow.operations.bundles.reading import OF_RECORDS, BundleUnreadable
from osm_flow.operations.cases import attachments
from osm_flow.operations.cases.attachments import GivenFile
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import ChangeBody, EntryReason, Office
from osm_flow.store.session import Store
from tests import rfc6962
from tests.factories import OFFICE, deploy_tests, erase, items_of, later, make_case, make_office, make_person

SCRIPT = Path(bundle_writing.__file__).parent / "files" / "verify.py"
GENESIS = "0" * 64
GOLDEN = Path(__file__).parent / "golden"


def make_family(store: Store) -> str:
    """A case that called another: completions, a claim, an attachment, comments (one of them erased), a child that ended."""
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "caller", "callee")
        anan = make_person(session, "anan", "osm_strategy")
        case_id = make_case(
            session, "caller", title="งานแม่ \U0001f33e", data={"rate": 0.1, "tiny": 1e-7, "huge": 1.5e300}
        ).id
    deliver_pending(store, later(1), case_id)
    with store.transaction() as session:
        from osm_flow.store.models import Case

        child = next(case for case in session.query(Case).all() if case.parent_case_id == case_id)
        comment(session, child.id, anan, later(2), body="ชื่อของผู้ร้อง", key="c1")
        attachments.attach(session, child.id, anan, later(3), GivenFile("a.csv", b"a,b\n1,2\n"), key="a1")
        item = items_of(session, child)[0]
        work_items.claim(session, item.id, anan, later(4))
        complete(session, item.id, anan, later(5), Completion.of({"text": "1.50"}, "k1"))
        child_id = child.id
    deliver_pending(store, later(6), child_id, case_id)
    with store.transaction() as session:
        erase(session, child_id, [2], SYSTEM, later(7), reason="คำขอตาม PDPA")
    return case_id


BOOK = BookName("projects", OFFICE, 2571)


def make_book(store: Store) -> str:
    """A book of six entries: halves that name people, one of them and a reason erased, an import, a set decided on."""
    act, system = BookActKind, SYSTEM

    def write(session: Session, minute: int, what: BookAct, **records: dict[str, Any]) -> None:
        versions = [NewVersion(code, values) for code, values in records.items()]
        books.write(session, BOOK, what, system, later(minute), versions)

    road = {"name": "ถนนริมโขง \U0001f33e", "requested": 1250000.5, "contact_name": "นางสมศรี"}
    with store.transaction() as session:
        if session.get(Office, OFFICE) is None:
            make_office(session)
        many = {f"P{number}": {"name": f"โครงการ {number}"} for number in range(3, 12)}
        write(session, 1, BookAct(act.registered, {"record": "P1"}), P2={"name": "สอง"}, P1=road)
        second = Confirmation("kanya", "osm_director", None)
        corrected = BookAct(act.corrected, {"record": "P1"}, reason="พิมพ์ผิด", confirmation=second)
        write(session, 2, corrected, P1={**road, "name": "ถนนเลียบโขง", "contact_name": "นายสมชาย"})
        write(session, 3, BookAct(act.imported, {"import": "0" * 64}, told={"rows": 9}), **many)
        chosen = keep_set(session, "projects", ["P1", "P2", "P10"])
        decided = BookAct(act.changed, {"case": GENESIS, "seq": 7}, reason="มติที่ประชุม", told={"sets": [chosen]})
        write(session, 4, decided, P2={"name": "สองใหม่", "contact_name": "นางสาวใจดี"})
        erased = {"erased": {"P1": [1]}, "erased_reasons": [2]}
        write(session, 5, BookAct(act.erased, {"record": "P1"}, reason="คำขอตาม PDPA", told=erased))
        write(session, 6, BookAct(act.changed, {"record": "P3"}), P3={"name": "สาม"})
        body = update(ChangeBody).where(ChangeBody.record_id == "P1", ChangeBody.version == 1)
        session.execute(body.values(personal="", personal_salt=""))
        session.execute(delete(EntryReason).where(EntryReason.seq == 2))
    return str(BOOK)


def write_book(store: Store, name: str, path: Path, keyring: Keyring | None) -> Path:
    """The bundle of a book, as the command writes it."""
    with store.transaction() as session:
        bundle_writing.prepare_chain_export(session, name, SYSTEM, later(60), reason="ตรวจสอบ", keyring=keyring)
    with store.reading() as session, path.open("wb") as file:
        bundle_writing.write_chain_bundle(session, name, file, keyring=keyring)
    return path


def write_bundle(store: Store, case_id: str, path: Path, keyring: Keyring | None, *, payloads: bool = True) -> Path:
    """The bundle, as the command writes it."""
    with store.transaction() as session:
        bundle_writing.prepare_export(session, case_id, SYSTEM, later(60), reason="ตรวจสอบ", keyring=keyring)
    with store.reading() as session, path.open("wb") as file:
        bundle_writing.write_bundle(session, case_id, file, payloads=payloads, keyring=keyring)
    return path


def checker() -> ModuleType:
    """verify.py as a module; it shares nothing with the product."""
    spec = importlib.util.spec_from_file_location("bundle_verify", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_CHECKER = checker()


def run_script(path: Path, *arguments: str) -> tuple[int, str]:
    """verify.py's exit code and what it printed, in this process."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = _CHECKER.main([str(path), *arguments])
    return code, said.getvalue()


def run_script_alone(path: Path, *arguments: str) -> tuple[int, str]:
    """The same in a Python of its own that sees the standard library only."""
    command = [sys.executable, "-I", "-S", str(SCRIPT), str(path), *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert answer.stderr == ""
    return answer.returncode, answer.stdout


def product_faults(path: Path, trusted: list[VerifierKey] | None = None, *, replaying: bool = True) -> list[str]:
    """What the product says is wrong."""
    try:
        report = bundle_checking.check_bundle(path, trusted=trusted, replaying=replaying)
    except BundleUnreadable as error:
        return [str(error)]
    return [f"{fault.seq} {fault.code}: {fault.message}" for fault in report.faults]


def verdict_of(path: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and last line of verify.py, which are those of the product, too; `arguments` are verify.py's own."""
    code, said = run_script(path, *arguments)
    assert "Traceback" not in said
    options = dict(zip(arguments[::2], arguments[1::2], strict=False))
    read = {name: Path(options[name]).read_bytes() for name in ("--checkpoint", "--consistency") if name in options}
    given = Verifier(
        keys_of(Path(options["--key"])) if "--key" in options else None,
        read.get("--checkpoint"),
        read.get("--consistency"),
        allows_newer="--allow-newer" in arguments,
    )
    last = said.splitlines()[-1]
    assert last.startswith("RESULT ")
    told = (code, last.removeprefix("RESULT "))
    assert told == _product_verdict(path, given), said
    return told


def _product_verdict(path: Path, given: Verifier) -> tuple[int, str]:
    try:
        report = bundle_checking.check_bundle(path, given=given)
    except BundleUnreadable:
        return 1, "does not hold"
    if report.verdict.faults and report.verdict.is_first:
        # How many there are depends on how they are counted.
        return int(report.verdict.outcome), run_script(path)[1].splitlines()[-1].removeprefix("RESULT ")
    return int(report.verdict.outcome), str(report.verdict)


def keys_of(path: Path) -> list[VerifierKey]:
    return read_keys(path.read_text().splitlines())


@dataclass
class Forger:
    """A bundle taken apart, to be changed and put together again with a manifest that fits."""

    files: dict[str, bytes]
    order: list[str] = field(default_factory=list)
    # A key of the forger's own, which signs the manifest when it is put together.
    private: Ed25519PrivateKey | None = None

    @classmethod
    def of(cls, path: Path) -> Forger:
        with zipfile.ZipFile(path) as archive:
            return cls({name: archive.read(name) for name in archive.namelist()}, archive.namelist())

    @property
    def manifest(self) -> dict[str, Any]:
        return json.loads(self.files["manifest.json"])  # type: ignore[no-any-return]

    def ids(self) -> list[str]:
        """The cases, the exported one first."""
        return [about["id"] for about in cases_in(self.manifest)]

    def lines(self, case_id: str, name: str = "journal") -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.files[f"cases/{case_id}/{name}.jsonl"].splitlines()]

    def put_lines(self, case_id: str, lines: list[dict[str, Any]], name: str = "journal") -> None:
        self.files[f"cases/{case_id}/{name}.jsonl"] = b"".join(rfc8785.dumps(line) + b"\n" for line in lines)

    def edit(self, case_id: str, change: Callable[[list[dict[str, Any]]], None], name: str = "journal") -> None:
        lines = self.lines(case_id, name)
        change(lines)
        self.put_lines(case_id, lines, name)

    def seal_again(self, case_id: str, start: int = 1) -> None:
        """Number, digest, link and hash the records from `start` on as if they had always been so."""
        bodies = {line["seq"]: line for line in self.lines(case_id, "payloads")}
        lines = self.lines(case_id)
        for number, line in enumerate(lines, start=1):
            if number < start:
                continue
            line["prev_hash"] = lines[number - 2]["hash"] if number > 1 else GENESIS
            if (payload := bodies.get(line["seq"])) is not None:
                line["payload_digest"] = digest_of(payload)
            line["seq"] = number
            line["hash"] = hash_of(line)
        self.put_lines(case_id, lines)

    def book_lines(self, name: str) -> list[dict[str, Any]]:
        """The lines of one of the files of the book: `journal`, `changes`, `payloads` or `sets`."""
        content = self.files.get(f"chains/book/{BOOK}/{name}.jsonl", b"")
        return [json.loads(line) for line in content.splitlines()]

    def put_book_lines(self, name: str, lines: list[dict[str, Any]]) -> None:
        self.files[f"chains/book/{BOOK}/{name}.jsonl"] = b"".join(rfc8785.dumps(line) + b"\n" for line in lines)

    def seal_book_again(self) -> None:
        """Digest, link, seal and hash the texts, changes and entries of the book as if they had always been so."""
        texts = {(one["seq"], one["record"], one["part"]): digest_of(one) for one in self.book_lines("payloads")}
        entries, changes, threads = self.book_lines("journal"), self.book_lines("changes"), dict[str, str]()
        for change in changes:
            seq, record = change["seq"], change["record"]
            change["digest"] = texts.get((seq, record, "body"), change["digest"])
            change["personal_digest"] = texts.get((seq, record, "personal"), change["personal_digest"])
            change["prev_hash"] = threads.get(record, GENESIS)
            sealed = {key: value for key, value in change.items() if key != "seq"}
            threads[record] = change["hash"] = hash_of(sealed)
        before = GENESIS
        for entry in entries:
            under = [change["hash"] for change in changes if change["seq"] == entry["seq"]]
            entry["changes_digest"] = sha256(rfc8785.dumps(under)).hexdigest()
            entry["reason_digest"] = texts.get((entry["seq"], "", "reason"), entry["reason_digest"])
            entry["prev_hash"] = before
            before = entry["hash"] = hash_of(entry)
        self.put_book_lines("journal", entries)
        self.put_book_lines("changes", changes)

    def sign_book(self, proven: int | None = None) -> None:
        """Put the book into a log of the forger's own, up to this entry (None: the newest), under a checkpoint of theirs."""
        assert self.private is not None
        entries = self.book_lines("journal")[:proven]
        leaves = [leaf_of(str(BOOK), entry["seq"], entry["hash"]) for entry in entries]
        key = VerifierKey("forger.example/journal", self.private.public_key().public_bytes_raw())
        text = str(Head(key.name, len(leaves), rfc6962.root_of(leaves)))
        note = Note(text, (Signature(key.name, key.key_hash, self.private.sign(text.encode())),))
        self.files |= {"checkpoint.txt": str(note).encode(), "keys.txt": f"{key}\n".encode()}
        self.files.pop("consistency.json", None)
        last = entries[-1]
        proof = {"case_id": str(BOOK), "seq": last["seq"], "hash": last["hash"]}
        proof |= {"position": len(leaves) - 1, "size": len(leaves), "path": path_to_last(leaves)}
        self.files[f"chains/book/{BOOK}/proof.json"] = rfc8785.dumps(proof) + b"\n"
        head = {"size": len(leaves), "root": rfc6962.root_of(leaves).hex()}
        self.files["manifest.json"] = rfc8785.dumps(self.manifest | {"checkpoint": head}) + b"\n"

    def fit_player(self) -> None:
        """Let the page that shows the cases show the files as they are now."""
        page = self.files["player.html"].decode()
        old = page.partition('id="data">')[2].partition("</script>")[0]
        cases = []
        for case_id in self.ids():
            payloads = {line["seq"]: json.loads(line["body"]) for line in self.lines(case_id, "payloads")}
            shown = json.loads(self.files[f"cases/{case_id}/case.json"])
            states = self.lines(case_id, "states")
            cases.append({"case": shown, "records": self.lines(case_id), "states": states, "payloads": payloads})
        named = {line["definition"]["sha256"] for case_id in self.ids() for line in self.lines(case_id)}
        texts = {name: self.files[f"definitions/{name}/process.bpmn"].decode("utf-8", "replace") for name in named}
        checkpoint = self.files["checkpoint.txt"].decode("utf-8", "replace") if "checkpoint.txt" in self.files else None
        forms = {name: json.loads(self.files[f"definitions/{name}/forms.json"]) for name in named}
        held = forms if "forms" in json.loads(old) else None
        of_records = [
            [json.loads(line) for line in self.files[name].splitlines()] for name in OF_RECORDS if name in self.files
        ]
        sets = _shown_sets(*of_records) if len(of_records) == len(OF_RECORDS) else None
        data = json.dumps(shown_data(cases, texts, checkpoint, held, sets), ensure_ascii=False).replace("<", "\\u003c")
        self.files["player.html"] = page.replace(old, data).encode()

    def _fit_manifest(self) -> None:
        manifest = self.manifest
        for about in cases_in(manifest):
            lines = self.lines(about["id"])
            about["records"], about["head"] = len(lines), lines[-1]["hash"] if lines else GENESIS
        for about in manifest.get("chains", ()):
            if about["kind"] == "book" and (lines := self.book_lines("journal")):
                about["records"], about["head"] = len(lines), lines[-1]["hash"]
        manifest["files"] = {
            name: {"sha256": sha256(content).hexdigest(), "size": len(content)}
            for name, content in self.files.items()
            if name not in ("manifest.json", "manifest.sig")
        }
        self.files["manifest.json"] = rfc8785.dumps(manifest) + b"\n"
        if self.private is not None:
            origin = self.files["checkpoint.txt"].decode().partition("\n")[0]
            key = VerifierKey(origin, self.private.public_key().public_bytes_raw())
            text = f"{origin}\nosm-flow-bundle/2\n{sha256(self.files['manifest.json']).hexdigest()}\n"
            note = Note(text, (Signature(origin, key.key_hash, self.private.sign(text.encode())),))
            self.files["manifest.sig"] = str(note).encode()

    def write(self, path: Path, *, fitting: bool = True) -> Path:
        """Put it together; `fitting`: the manifest names the files, heads and numbers as they are now."""
        if fitting:
            self._fit_manifest()
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self.files.items():
                archive.writestr(name, content)
        return path


def cases_in(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """What a manifest of either format says of its cases."""
    listed: list[dict[str, Any]] = manifest.get("cases", manifest.get("chains"))
    return [about for about in listed if about.get("kind", "case") == "case"]


def leaf_of(chain: str, seq: int, hash_: str) -> bytes:
    return rfc6962.leaf_hash(rfc8785.dumps({"case_id": chain, "hash": hash_, "seq": seq}))


def path_to_last(leaves: list[bytes]) -> list[str]:
    """The audit path of the newest leaf."""
    if len(leaves) < 2:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return [*path_to_last(leaves[split:]), rfc6962.root_of(leaves[:split]).hex()]


def hash_of(line: dict[str, Any]) -> str:
    return sha256(rfc8785.dumps({key: value for key, value in line.items() if key != "hash"})).hexdigest()


def digest_of(payload: dict[str, Any]) -> str:
    return sha256(bytes.fromhex(payload["salt"]) + payload["body"].encode()).hexdigest()


def _shown_sets(sets: list[Any], versions: list[Any]) -> dict[str, Any]:
    """What the player is given of sets of records, however they were forged."""
    said = {line["hash"]: json.loads(line["body"]) for line in versions if "hash" in line}
    return {one["digest"]: {record: said.get(hash_) for record, _, hash_ in one["members"]} for one in sets}
