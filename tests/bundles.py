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

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.merkle_note import Note, Signature, VerifierKey, read_keys
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.background.delivery import deliver_pending
from osm_flow.operations.bundles import checking as bundle_checking
from osm_flow.operations.bundles import writing as bundle_writing
from osm_flow.operations.bundles.checking import Verifier
from osm_flow.operations.bundles.player import shown_data
from osm_flow.operations.bundles.reading import BundleUnreadable
from osm_flow.operations.cases import attachments
from osm_flow.operations.cases.attachments import GivenFile
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.session import Store
from tests.factories import deploy_tests, erase, items_of, later, make_case, make_office, make_person

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
        data = json.dumps(shown_data(cases, texts, checkpoint, held), ensure_ascii=False).replace("<", "\\u003c")
        self.files["player.html"] = page.replace(old, data).encode()

    def _fit_manifest(self) -> None:
        manifest = self.manifest
        for about in cases_in(manifest):
            lines = self.lines(about["id"])
            about["records"], about["head"] = len(lines), lines[-1]["hash"] if lines else GENESIS
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


def hash_of(line: dict[str, Any]) -> str:
    return sha256(rfc8785.dumps({key: value for key, value in line.items() if key != "hash"})).hexdigest()


def digest_of(payload: dict[str, Any]) -> str:
    return sha256(bytes.fromhex(payload["salt"]) + payload["body"].encode()).hexdigest()
