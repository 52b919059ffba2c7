"""The house stays one that people find their way in: sizes of rooms, faces, words, the picture, where tests lie."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "osm_flow"
# What Alembic numbers, and what a stranger runs without us.
NOT_OURS_TO_NAME = ("migrations", "files")
# Words that are not said for one idea and are the right ones for another: the log over all journals, the team of an
# office, what click calls a context, what the linter finds, the chain of cases that called each other, a backup restored.
OTHERWISE_MEANT = {"chain", "context", "log", "problem", "restore", "team"}


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name below it."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if not set(NOT_OURS_TO_NAME) & set(path.relative_to(PACKAGE).parts):
            name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
            found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def named() -> dict[str, ast.Module]:
    """The modules that have a name of their own: all but the packages' own files."""
    return {name: tree for name, tree in modules().items() if not name.endswith("__init__")}


def folders() -> dict[str, set[str]]:
    """The modules of each folder, by the folder's dotted name."""
    inside: dict[str, set[str]] = defaultdict(set)
    for name in named():
        folder, _, module = name.rpartition(".")
        inside[folder].add(module)
    return inside


def rooms() -> dict[str, set[str]]:
    """The folders that are rooms: a subject inside a layer. Pages, models and commands are one to a subject instead."""
    flat = {"", "cli", "cli.benchmarks", "demo", "documents", "domain", "notify", "store", "store.models", "web.pages"}
    return {folder: inside for folder, inside in folders().items() if folder not in flat}


# ---- sizes -----------------------------------------------------------------------------------------------------


def test_a_room_holds_one_subject() -> None:
    sizes = {room: len(inside) for room, inside in rooms().items()}

    assert {room: size for room, size in sizes.items() if size > 10} == {}
    assert {room: size for room, size in sizes.items() if size < 2} == {}
    assert sizes["operations"] <= 6


def test_no_folder_is_a_hall() -> None:
    assert {folder: len(inside) for folder, inside in folders().items() if len(inside) > 20} == {}


def test_no_modules_import_each_other_in_a_circle() -> None:
    known = set(modules())
    graph = {name: set(_imports(name, tree, known)) - {name} for name, tree in modules().items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" <- ".join(error.args[1])) from None


def _imports(name: str, tree: ast.Module, known: set[str]) -> Iterator[str]:
    """The modules of ours that a module imports when it runs."""
    skipped = {
        id(inner)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for inner in ast.walk(block)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and id(node) not in skipped and (node.module or "").startswith("osm_flow"):
            base = (node.module or "").removeprefix("osm_flow").lstrip(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".lstrip(".")
                for wanted in (inner, f"{inner}.__init__", base, f"{base}.__init__"):
                    if wanted in known:
                        yield wanted
                        break


def test_few_functions_ask_for_more_than_seven_things() -> None:
    functions = [
        (name, node)
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = [f"{name}.{node.name}" for name, node in functions if _parameters(node) > 7]

    assert len(functions) > 2_000
    assert len(long) / len(functions) < 0.006, long


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    asked = node.args
    return len([*asked.posonlyargs, *asked.args, *asked.kwonlyargs, *filter(None, (asked.vararg, asked.kwarg))])


def test_the_formatter_decides() -> None:
    places = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in (PACKAGE, ROOT / "tests")
        for path in sorted(folder.rglob("*.py"))
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if "fmt: skip" in line or "fmt: off" in line
    ]

    assert len(places) < 20, places


# ---- names and words -------------------------------------------------------------------------------------------


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        name
        for name, tree in named().items()
        if not re.match(r"^[A-Z`].{15,}[.:]$", (ast.get_docstring(tree) or "").partition("\n")[0])
    ]

    assert silent == []


def test_rooms_have_no_face() -> None:
    """Who wants something imports it from the module that defines it; only the engine speaks for its modules."""
    faces = [
        name
        for name, tree in modules().items()
        if name.endswith("__init__") and name.removesuffix(".__init__") in rooms()
        if any(not isinstance(node, ast.Expr) for node in tree.body)
    ]

    assert faces == ["engine.__init__"]


def test_a_word_has_one_home() -> None:
    """No two public classes share a name: a word of the glossary is defined once."""
    homes: dict[str, list[str]] = defaultdict(list)
    for name, tree in modules().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(name)

    assert {word: places for word, places in homes.items() if len(places) > 1} == {}


def glossary() -> list[tuple[str, list[str]]]:
    """Each entry of the glossary: its word and what not to say instead."""
    rows = []
    for line in (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == 4 and not set(cells[0]) <= {"-", " "} and cells[0] != "Word":
            rows.append((cells[0], [word.strip() for word in re.sub(r"\(.*?\)", "", cells[3]).split(",")]))
    return rows


def test_the_glossary_says_each_word_once() -> None:
    words = [word.strip() for entry, _ in glossary() for word in re.sub(r"\(.*?\)", "", entry).split(",")]

    assert len(words) > 50
    assert sorted({word for word in words if words.count(word) > 1}) == []


def test_no_module_or_class_is_called_what_the_glossary_does_not_say() -> None:
    avoided = {word for _, instead in glossary() for word in instead} - {""}
    said = {word for entry, _ in glossary() for word in re.findall(r"[a-z]+", entry.lower())}
    called: dict[str, list[str]] = defaultdict(list)
    for name, tree in named().items():
        classes = (node.name for node in tree.body if isinstance(node, ast.ClassDef))
        for word in (name.rpartition(".")[2], *(re.sub(r"(?<!^)(?=[A-Z])", " ", each).lower() for each in classes)):
            called[word.replace("_", " ")].append(name)

    assert {word: called[word] for word in avoided - said - OTHERWISE_MEANT if word in called} == {}


# ---- the picture and the tests ---------------------------------------------------------------------------------


def test_the_picture_shows_every_room() -> None:
    picture = (ROOT / "docs" / "images" / "house.svg").read_text(encoding="utf-8")
    shown = set(re.findall(r"[a-z_]+", picture))

    assert {room for room in rooms() if not set(room.split(".")) <= shown} == set()


def test_the_architecture_lists_every_module_of_operations() -> None:
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    missing = [
        f"{room}.{module}"
        for room, inside in rooms().items()
        if room.startswith("operations.")
        for module in inside
        if not re.search(rf"\|\s*`{room.split('.')[1]}`.*`{module}`", text)
    ]

    assert missing == []


def test_the_test_of_a_module_is_found_by_its_name() -> None:
    """`osm_flow/a/b.py` is tested by `tests/unit/a/test_b.py` or `tests/integration/a/test_b.py`."""
    wanted = {name: Path(*name.split(".")[:-1], f"test_{name.rpartition('.')[2]}.py") for name in named()}
    lost = [
        name
        for name, path in wanted.items()
        if not any((ROOT / "tests" / kind / path).exists() for kind in ("unit", "integration"))
    ]

    assert len(lost) / len(wanted) <= 0.2, sorted(lost)
