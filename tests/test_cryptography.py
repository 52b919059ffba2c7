"""docs/cryptography.md lists what the code asks for, and nothing weak is asked for where it matters."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

from argon2 import extract_parameters
from argon2.low_level import Type

from osm_flow.operations.people import signing_in

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "osm_flow"
DOCUMENT = ROOT / "docs" / "cryptography.md"
_MODULES = {"argon2", "cryptography", "hashlib", "hmac", "itsdangerous", "pymerkle", "random", "secrets", "ssl", "uuid"}
# Errors, types, encodings of keys, and comparing: none of them decides how strong anything is.
_NO_ALGORITHM = re.compile(
    r"\.exceptions\.|\.serialization\.|ssl\.(SSLContext|SSLError)|uuid\.(UUID|NAMESPACE_\w+)|hmac\.compare_digest"
)


# What people read out on the telephone, the name of a process among those of one machine, and what accounts of one person share.
NO_SECRETS = {
    "web/site/errors.py: secrets.token_hex(4)",
    "scheduler.py: secrets.token_hex(4)",
    "operations/people/accounts.py: secrets.token_hex(8)",
}


@cache
def asked_for() -> dict[str, set[str]]:
    """Each algorithm that the package takes from a library, with the modules that do, as paths."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for name in _taken(tree):
            if not _NO_ALGORITHM.search(name):
                found[re.sub(r"cryptography\..*\.(\w+\.\w+)$", r"cryptography…\1", name)].add(
                    path.relative_to(ROOT).as_posix()
                )
    return found


def _taken(tree: ast.Module) -> set[str]:
    """`library.name` of what a module takes from the libraries of cryptography and chance."""
    called: dict[str, str] = {}
    taken = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            called |= {alias.asname or alias.name: alias.name for alias in node.names if alias.name in _MODULES}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in _MODULES:
            taken |= {f"{node.module}.{alias.name}" for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in called:
            taken.add(f"{called[node.value.id]}.{node.attr}")
    return taken


def listed() -> dict[str, set[str]]:
    """Each algorithm of the first table, as code asks for it, with the modules that are named."""
    table = DOCUMENT.read_text(encoding="utf-8").partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    return {row[1].strip("`"): set(re.findall(r"`([^`]+\.py)`", row[3])) for row in rows}


def test_every_algorithm_that_is_used_is_listed_with_modules_that_use_it() -> None:
    used = asked_for()
    rows = {name: modules for name, modules in listed().items() if name != "Flask's own default"}

    assert rows.keys() == used.keys()
    assert len(rows) > 10
    for name, modules in rows.items():
        assert modules, name
        assert modules <= used[name], name


# The check sums that pictures of the format PNG have; nothing is proven by them.
_OF_A_FORMAT = "osm_flow/domain/pictures/stripping.py"


def test_no_weak_digest_is_asked_for() -> None:
    weak = re.compile(r"\b(md4|md5|sha1|SHA1|MD5|sha224|crc32|DES|ARC4|RC4|ECB|Blowfish|SSLv\d|TLSv1(_1)?)\b")
    found = {
        f"{path.relative_to(ROOT).as_posix()}:{node.lineno}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(ROOT).as_posix() != _OF_A_FORMAT
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute | ast.Name | ast.alias)
        and weak.search(
            node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", getattr(node, "name", ""))
        )
    }

    assert found == set()


def test_nothing_that_must_be_secret_comes_from_predictable_chance() -> None:
    """Repeatable chance is for the simulator and the examples of forms; secrets have 128 bits at least."""
    used = asked_for()
    lengths = {
        f"{path.relative_to(PACKAGE).as_posix()}: {ast.unparse(node)}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and re.fullmatch(r"(secrets\.)?token_(hex|bytes|urlsafe)", ast.unparse(node.func))
    }
    short = {place for place in lengths if int((re.search(r"\((\d+)\)", place) or ["", "0"])[1]) < 16}

    assert {name for name in used if name.startswith("random.")} == {"random.Random"}
    assert all(re.match(r"osm_flow/(engine/simulation|domain/forms)/", module) for module in used["random.Random"])
    assert len(lengths) > 3
    assert short == NO_SECRETS


def test_passwords_are_hashed_as_the_standard_asks() -> None:
    """OWASP ASVS 5.0, appendix C: Argon2id with three passes takes 12 MiB at least, with two 19, with one 46."""
    least = {1: 47_104, 2: 19_456}
    for hashed in (signing_in.hash_password("a long enough one", "nobody"), signing_in._NOBODYS_HASH):
        parameters = extract_parameters(hashed)
        assert parameters.type is Type.ID
        assert parameters.memory_cost >= least.get(parameters.time_cost, 12_288)
        assert parameters.salt_len >= 16
        assert parameters.hash_len >= 32
