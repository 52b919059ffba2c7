"""The rules that protect everyone: each test watches over a whole class of mistakes."""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
import json
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest
import yaml
from babel.messages.pofile import read_po
from click.testing import CliRunner
from flask import Flask
from jinja2 import Environment

import osm_flow
from osm_flow.app import create_app
from osm_flow.catalogues import FOLDER, catalogue
from osm_flow.cli import root as commands
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.engine import xml
from osm_flow.errors import OsmFlowError
from osm_flow.operations import paging
from osm_flow.operations.audit import search as history_search
from osm_flow.operations.cases import attachments
from osm_flow.operations.definitions import deployments
from osm_flow.operations.people import signing_in
from osm_flow.operations.privacy import erasure_search
from osm_flow.settings import Settings
from osm_flow.store.database import db
from osm_flow.store.quotas import MEGABYTE
from osm_flow.store.session import Store
from osm_flow.web.pages import player
from osm_flow.web.site import lifecycle
from osm_flow.web.site.access import rule_of
from osm_flow.web.site.i18n import LOCALES

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "osm_flow"
STATIC = PACKAGE / "web" / "static"
THAI = re.compile("[\u0e00-\u0e7f]")


@pytest.fixture
def site(sqlite_store: Store, tmp_path: Path) -> Flask:
    return create_app(Settings(env="test", secret_key="k" * 40, data_dir=tmp_path), store=sqlite_store)


@cache
def modules() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


# ---- who may enter ---------------------------------------------------------------------------------------------

# Routes that answer strangers; a new one is added here on purpose or not at all.
PUBLIC = {
    "static",
    "account.login",
    "account.log_in",
    "account.logout",
    "account.language",
    "incidents.alive",
    "incidents.ready",
}


def test_every_route_has_exactly_one_access_rule(site: Flask) -> None:
    rules = {rule.endpoint: rule_of(site.view_functions[rule.endpoint]) for rule in site.url_map.iter_rules()}

    assert {endpoint for endpoint, rule in rules.items() if rule is None} == set()
    assert {endpoint for endpoint, rule in rules.items() if rule and rule.public} == PUBLIC


def test_routes_that_change_things_are_posts_and_routes_that_read_are_gets(site: Flask) -> None:
    mixed = [
        rule.endpoint
        for rule in site.url_map.iter_rules()
        if {"GET", "POST"} <= (rule.methods or set()) or (rule.methods or set()) & {"PUT", "PATCH", "DELETE"}
    ]

    assert mixed == []


# ---- transactions ----------------------------------------------------------------------------------------------


def test_only_the_store_commits() -> None:
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    }

    assert found == {"store/session.py"}


def test_what_a_session_remembers_has_one_place() -> None:
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "info" and ast.unparse(node.value).endswith("session")
    }

    # For whom a session reads outlives a transaction on purpose: after a roll-back it must not read more than before.
    assert found == {"store/unit_of_work.py", "store/sensitive_cases.py"}


@pytest.mark.parametrize(
    ("text", "place"), [("pg_advisory", "store/advisory_locks.py"), ("on_conflict", "store/inserts.py")]
)
def test_what_both_databases_do_differently_has_one_place(text: str, place: str) -> None:
    code = (path for path in modules() if "migrations" not in path.parts)

    assert [path.relative_to(PACKAGE).as_posix() for path in code if text in path.read_text("utf-8")] == [place]


def test_nothing_asks_the_wall_clock_but_the_edge() -> None:
    """Time is an argument: only the place that puts the application together reads a clock."""
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"now", "utcnow", "today"}
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in {"datetime", "date"}
    }

    assert found <= {"app.py"}


# ---- shapes ----------------------------------------------------------------------------------------------------

MOST_PARAMETERS = 7
# One takes what a diagram says about a repetition, element by element; the other is on its way to a value.
MANY_PARAMETERS = {"engine/spiff/loops.py: __init__", "operations/work_items/acts.py: complete"}


def test_no_function_has_more_than_seven_parameters() -> None:
    """What travels together is a value. Commands have as many as click gives them."""
    found = {
        f"{path.relative_to(PACKAGE).as_posix()}: {node.name}"
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and parameters(node) > MOST_PARAMETERS and not is_command(node)
    }

    assert found <= MANY_PARAMETERS


def parameters(function: ast.FunctionDef) -> int:
    taken = function.args
    named = len([*taken.posonlyargs, *taken.args, *taken.kwonlyargs])
    return named + (taken.vararg is not None) + (taken.kwarg is not None)


def is_command(function: ast.FunctionDef) -> bool:
    return any(
        "click" in ast.unparse(decorator) or ".command" in ast.unparse(decorator)
        for decorator in function.decorator_list
    )


# ---- the journal -----------------------------------------------------------------------------------------------

# They stand alone: the checker beside a bundle imports nothing of ours, and a migration keeps what it was written with.
SPELLING_KINDS = ("domain/record_kinds.py", "operations/bundles/files/verify.py", "store/migrations/")


def test_kinds_of_record_are_spelled_in_one_place() -> None:
    kinds = {kind.value: kind for kind in RecordKind}
    spelled = [
        f"{place}:{node.lineno}: write RecordKind.{kinds[node.value].name} instead of {node.value!r}"
        for path, tree in modules().items()
        if not (place := path.relative_to(PACKAGE).as_posix()).startswith(SPELLING_KINDS)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in kinds
    ]

    assert not spelled, "\n".join(spelled)


def test_pages_ask_the_database_nothing_themselves() -> None:
    """They call operations; only the place that opens and ends a request's transaction knows whose it is."""
    web = {path: tree for path, tree in modules().items() if path.is_relative_to(PACKAGE / "web")}
    imports = {
        path.name
        for path, tree in web.items()
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom) and "sqlalchemy" in ast.unparse(node)
    }
    calls = {
        node.attr
        for tree in web.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "g.session"
    }

    assert (imports, calls) == ({"lifecycle.py"}, {"rollback"})


# ---- what others typed -----------------------------------------------------------------------------------------

# By these a text would be taken for code: of a page, of Python, of a shell, or of a database.
TAKEN_FOR_CODE = re.compile(r"\|\s*safe\b|autoescape\s+false|\bMarkup\(|render_template_string|from_string\(")


def test_nothing_is_put_on_a_page_as_it_was_typed() -> None:
    """Every template escapes what it shows, and none is made of what somebody typed."""
    web = [path for path in modules() if path.is_relative_to(PACKAGE / "web")]
    texts = {
        path: path.read_text(encoding="utf-8") for path in [*(ROOT / "templates").rglob("*"), *web] if path.is_file()
    }

    assert len(texts) > 100
    assert [str(path) for path, text in texts.items() if TAKEN_FOR_CODE.search(text)] == []


def test_no_text_becomes_a_program() -> None:
    """Nothing is unpickled, evaluated by Python or given to a shell; programs are started by the benchmarks alone."""
    called = {
        f"{path.relative_to(PACKAGE).as_posix()}: {ast.unparse(node.func)}"
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and re.fullmatch(
            r"(builtins\.)?(eval|exec|compile|__import__)|os\.(system|popen|exec\w*|spawn\w*)|subprocess\.\w+|"
            r"(pickle|marshal|shelve|dill)\.\w+|yaml\.(load|unsafe_load|full_load)",
            ast.unparse(node.func),
        )
    }

    started = {place for place in called if "subprocess" in place}
    assert {place for place in started if not place.startswith("cli/benchmarks/")} == set()
    assert called - started == {"operations/definitions/deployments.py: yaml.load"}
    assert issubclass(deployments._Loader, yaml.SafeLoader | getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def test_scripts_put_no_text_on_a_page_as_markup() -> None:
    """Texts are set as texts; nothing is kept in the browser, taken from another window, or looked up in a plain object."""
    scripts = [*STATIC.glob("js/*.js"), *PACKAGE.rglob("bundles/files/*.js")]
    markup = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|srcdoc|\beval\(|Function\(\s*[\"'`]"
        r"|postMessage|localStorage|sessionStorage|indexedDB|document\.cookie|__proto__|= \{\};"
    )
    found = {
        f"{path.name}: {line.strip()}"
        for path in scripts
        for line in path.read_text(encoding="utf-8").splitlines()
        if markup.search(line)
    }

    assert len(scripts) > 6
    assert found == {"player.js: sheet.innerHTML = item.sheet;"}  # which the server made by a template


def test_no_page_asks_where_a_value_came_from() -> None:
    """What stands in an address and what was typed into a form are never read from one place."""
    found = {
        f"{path.relative_to(PACKAGE).as_posix()}:{node.lineno}"
        for path, tree in modules().items()
        if path.is_relative_to(PACKAGE / "web")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and ast.unparse(node) in {"request.values", "request.data", "request.get_json"}
    }

    assert found == set()


# By these a program reaches others; what they lie in is all that the product connects to.
REACHES_OUT = {
    "socket",
    "ssl",
    "smtplib",
    "ftplib",
    "poplib",
    "imaplib",
    "xmlrpc",
    "http",
    "asyncio",
    "httpx",
    "requests",
}


def test_the_product_connects_to_mail_and_database_alone() -> None:
    """The scheduler asks for the name of its machine; the benchmarks measure the site on this machine."""
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
        if name.partition(".")[0] in REACHES_OUT or name.startswith("urllib.request")
    }
    scheduler = (PACKAGE / "scheduler.py").read_text(encoding="utf-8")

    assert {place for place in found if not place.startswith("cli/benchmarks/")} == {"notify/smtp.py", "scheduler.py"}
    assert set(re.findall(r"socket\.\w+", scheduler)) == {"socket.gethostname"}


def test_the_program_writes_its_log_to_one_place() -> None:
    """docs/auditing.md lists every log; none is opened elsewhere."""
    opening = re.compile(r"(logging\.|handlers\.)?(\w*Handler|basicConfig|addHandler|fileConfig|dictConfig)$")
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and opening.match(ast.unparse(node.func).rpartition(".")[2])
        if "logging" in ast.unparse(node.func) or "Handler" in ast.unparse(node.func)
    }
    told = (ROOT / "docs" / "auditing.md").read_text(encoding="utf-8").partition("## Which logs there are")[2]

    assert found == {"logs.py"}
    assert set(re.findall(r"`([a-z]+_[a-z]+|accesses)`", told)) <= set(db.metadata.tables)
    assert set(re.findall(r"OSM_\w+_DAYS", told)) == {"OSM_READ_DAYS", "OSM_EVENT_DAYS"}


# ---- layers ----------------------------------------------------------------------------------------------------


def test_layers_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert answer.returncode == 0, answer.stdout


# The engine is one thing to everybody else; the tables are, because one import makes the metadata whole.
FACES = {"engine/__init__.py", "store/models/__init__.py"}


def test_a_name_is_imported_from_where_it_is_defined() -> None:
    """No module but the two faces imports a name of ours only to pass it on, and nobody takes one from a passer-by."""
    passed_on = {
        f"{path.relative_to(PACKAGE).as_posix()}: {name}"
        for path, tree in modules().items()
        if path.relative_to(PACKAGE).as_posix() not in FACES
        for name in names_of_ours(tree) - names_used(tree)
    }
    imported = {name_of(path): names_of_ours(tree) for path, tree in modules().items()}
    faces = {name_of(PACKAGE / face) for face in FACES}
    taken = {
        f"{path.relative_to(ROOT).as_posix()}: {module}.{name}"
        for path, tree in {**modules(), **modules_of_tests()}.items()
        for module, name in names_taken(tree)
        if module not in faces and name in imported.get(module, set()) and f"{module}.{name}" not in imported
    }

    assert (passed_on, taken) == (set(), set())


def names_of_ours(tree: ast.Module) -> set[str]:
    """The names that a module imports from modules of ours."""
    return {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("osm_flow")
        for alias in node.names
    }


def names_used(tree: ast.Module) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def names_taken(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """What a module takes from others of ours: `from module import name`, and `module.name` of an imported module."""
    known = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("osm_flow"):
            for alias in node.names:
                yield node.module or "", alias.name
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
            yield known[node.value.id], node.attr


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules_of_tests() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "tests").rglob("*.py"))}


def test_the_package_itself_holds_a_version_and_nothing_else() -> None:
    assert {name for name in vars(osm_flow) if not name.startswith("__")} <= {path.stem for path in PACKAGE.iterdir()}


# ---- words -----------------------------------------------------------------------------------------------------


def thai_in_templates() -> Iterator[tuple[str, str, bool]]:
    """Place, text, and whether it is a string in an expression (translated) or bare text (not)."""
    environment = Environment(extensions=["jinja2.ext.do"], autoescape=True)
    for path in sorted((ROOT / "templates").rglob("*.html")):
        for line, kind, value in environment.lex(path.read_text(encoding="utf-8")):
            if kind in {"string", "data"} and THAI.search(value):
                place = f"{path.relative_to(ROOT)}:{line}"
                yield place, (ast.literal_eval(value) if kind == "string" else value.strip()), kind == "string"


def test_templates_say_nothing_that_is_not_translated() -> None:
    bare = [
        (place, text) for place, text, is_string in thai_in_templates() if not is_string and 'lang="th"' not in text
    ]

    assert bare == []


def test_every_thai_sentence_on_pages_has_its_english() -> None:
    known = catalogue("en")
    missing = {
        text: place
        for place, text, is_string in [*thai_in_templates(), *thai_in_web()]
        if is_string and text not in known.single and text not in known.plural
    }

    assert missing == {}


def thai_in_web() -> Iterator[tuple[str, str, bool]]:
    for path, tree in modules().items():
        if path.is_relative_to(PACKAGE / "web"):
            said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
                    inside = [
                        part for part in ast.walk(tree) if isinstance(part, ast.JoinedStr) and node in part.values
                    ]
                    if THAI.search(node.value) and not inside:
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value, True


def test_every_error_has_its_thai() -> None:
    for found in pkgutil.walk_packages(osm_flow.__path__, "osm_flow."):
        if ".migrations" not in found.name:
            importlib.import_module(found.name)
    known = catalogue("th").single

    missing = {
        f"{error.__module__}.{error.__name__}": sentence
        for error in descendants(OsmFlowError)
        if error.__module__.startswith("osm_flow.") and "__doc__" in vars(error)
        if (sentence := inspect.cleandoc(error.__doc__ or "").splitlines()[0]) not in known
    }

    assert missing == {}


def descendants(error: type[OsmFlowError]) -> Iterator[type[OsmFlowError]]:
    yield error
    for child in error.__subclasses__():
        yield from descendants(child)


@pytest.mark.parametrize("locale", LOCALES)
def test_catalogues_agree_and_keep_their_places(locale: str) -> None:
    """No message is translated in two ways, and every `%(name)s` or `{name}` is in both."""
    places = re.compile(r"%\(\w+\)s|(?<!\{)\{\w+\}(?!\})")
    seen: dict[object, object] = {}
    for path in sorted((FOLDER / locale).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=locale):
                if not message.id:
                    continue
                assert message.string, f"{path.name}: {message.id} has no translation"
                assert seen.setdefault(message.id, message.string) == message.string, f"{path.name}: {message.id}"
                if isinstance(message.id, str):
                    wanted, given = (sorted(set(places.findall(str(each)))) for each in (message.id, message.string))
                    assert wanted == given, f"{path.name}: {message.id}"


def test_the_glossary_has_one_line_for_each_word() -> None:
    lines = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    words = [word.strip() for line in lines if line.startswith("| ") for word in line.split("|")[1].split(",")]

    assert sorted(word for word in set(words) if words.count(word) > 1) == []


# ---- files -----------------------------------------------------------------------------------------------------


def test_vendored_files_are_the_ones_that_were_recorded() -> None:
    vendor = STATIC / "vendor"
    recorded = {
        name: digest
        for entry in json.loads((vendor / "vendor.json").read_text())
        for name, digest in entry["files"].items()
    }
    found = {
        path.relative_to(vendor).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in vendor.rglob("*")
        if path.is_file() and path.name != "vendor.json"
    }

    assert found == recorded
    assert all((vendor / name.split("/")[0] / "LICENSE").is_file() for name in recorded)


def test_our_scripts_and_styles_reach_for_nothing_outside() -> None:
    ours = [*STATIC.glob("css/*.css"), *STATIC.glob("js/*.js")]

    assert ours
    assert [
        path.name for path in ours if re.search(r"https?://(?!www\.w3\.org/)", path.read_text(encoding="utf-8"))
    ] == []
    assert [path.name for path in STATIC.glob("js/*.js") if re.search(r"\beval\(|new Function", path.read_text())] == []


def test_every_setting_is_documented() -> None:
    names = {"OSM_" + field.name.upper() for field in fields(Settings)}
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

    assert {name for name in names if name not in text} == set()


def test_what_takes_long_is_documented_with_the_bounds_that_it_has() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    told = text.partition("## What takes long")[2].partition("\n## ")[0]
    bounds = (
        f"pages of {paging.MOST} rows",
        f"up to {history_search.MOST_EXPORTED:,} records",
        f"{erasure_search.MOST_FOUND} records",
        f"{player.MOST_MOMENTS} moments",
        f"{xml.MAX_BYTES // 1_000_000} MB and {xml.MAX_DEPTH} levels",
        f"may send {lifecycle.STRANGERS_BYTES // 1_000} kB",
        f"takes {signing_in._hasher.memory_cost // 1024} MiB",
    )

    assert [bound for bound in bounds if bound not in told] == []


def test_every_kind_of_file_that_may_be_attached_is_documented() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    told = text.partition("## Files that people attach")[2].partition("\n## ")[0]
    kinds = {
        kind for line in re.findall(r"^\| `[^|]*\|", told, re.MULTILINE) for kind in re.findall(r"`\.(\w+)`", line)
    }

    assert kinds == {*attachments.MEDIA_TYPES, "jpeg"}
    assert {"OSM_FILE_MB", "OSM_CASE_FILES_MB", "OSM_OFFICE_FILES_MB"} <= set(re.findall(r"OSM_\w+", told))
    assert f"{attachments.MOST_UNPACKED // MEGABYTE:,} MB" in told
    assert f"{attachments.MOST_PARTS:,} parts" in told


def test_every_command_helps(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("osm-flow")
    environ = {**os.environ, "OSM_DATA_DIR": str(tmp_path)}
    answer = subprocess.run([program, "--help"], capture_output=True, text=True, env=environ, check=True)
    names = re.findall(r"^  (\w+)  ", answer.stdout, re.MULTILINE)

    assert {"serve", "scheduler", "db", "demo", "user", "process", "case", "timer", "incident"} <= set(names)
    for name in names:
        helped = CliRunner().invoke(commands, [name, "--help"])
        assert helped.exit_code == 0, f"{name}: {helped.output}"


def test_locks_name_no_index_and_pin_every_dependency() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        pins = re.findall(r"^([a-z0-9._-]+)(?:\[[a-z]+\])?==", text, re.MULTILINE)
        assert len(pins) > 30
        assert text.count("--hash=sha256:") >= len(pins)


# ---- two persons -----------------------------------------------------------------------------------------------

# Who did the first of two acts.
_FIRST = {"asked_by", "given_by", "proposed_by", "proposed_by_id", "named_by", "decided_by"}
# Where all accounts of the actor are looked at to no such end: what is one's own, or is shown as such.
_OWN = {
    "operations/ledger/access_log.py",
    "operations/definitions/proposals.py",
    "operations/people/accounts.py",
    "operations/replay/moments.py",
    "store/second_persons.py",
    "web/pages/people.py",
}


def test_who_is_a_second_person_is_asked_in_one_place() -> None:
    """Names compared by hand forget another account, in whose place an act was done, or both."""
    looked_at, compared = set(), set()
    for path, tree in modules().items():
        name = path.relative_to(PACKAGE).as_posix()
        for node in ast.walk(tree):
            looked_at |= {name} if isinstance(node, ast.Attribute) and node.attr == "usernames" else set()
            is_test = isinstance(node, ast.Compare) and not any(isinstance(op, ast.Is | ast.IsNot) for op in node.ops)
            is_call = isinstance(node, ast.Call) and re.search(
                r"\.(isdisjoint|intersection|__contains__)$", ast.unparse(node.func)
            )
            if (is_test or is_call) and _FIRST & {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}:
                compared.add(f"{name}: {ast.unparse(node)}")

    assert looked_at == _OWN
    assert compared == set()


# ---- sensitive cases -------------------------------------------------------------------------------------------


def _names_in(name: str) -> set[str]:
    """The modules of the product in which this name is used."""
    return {
        path.relative_to(PACKAGE).as_posix()
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id == name
    }


def test_who_reads_past_closed_cases_is_known() -> None:
    """Every other statement of a page leaves them out by itself; each of these shows no more than a number, or decides."""
    assert _names_in("EVERYTHING") == {
        "operations/bundles/writing.py",
        "operations/cases/acts.py",
        "operations/cases/attachments.py",
        "operations/cases/incidents.py",
        "operations/policy_facts.py",
        "operations/privacy/retention.py",
        "operations/privacy/erasure_requests.py",
        "operations/privacy/sensitivity.py",
        "store/file_store.py",
        "store/sensitive_cases.py",
    }


def test_facts_of_cases_are_gathered_in_one_place() -> None:
    """Facts that somebody puts together by hand would know nothing of the circle of a sensitive case."""
    made = {
        path.relative_to(PACKAGE).as_posix()
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"CaseFacts", "WorkItemFacts"}
    }
    assert made == {"operations/policy_facts.py"}


def test_pages_open_no_session_that_reads_more_than_they_may() -> None:
    opened = {
        path.relative_to(PACKAGE).as_posix()
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "reading" and path.relative_to(PACKAGE).parts[0] == "web"
    }
    # A refusal is counted as one of what is there: that alone is asked, and nothing of it shown.
    assert opened == {"web/site/lifecycle.py", "web/site/recorded_reads.py"}
