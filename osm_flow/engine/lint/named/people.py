"""Checking who is named to do the work or to be told of it: people, roles, and roles of a province."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from osm_flow.engine.errors import ExpressionFault
from osm_flow.engine.expressions import always_is, constant_of, is_wrapped, parse, pieces
from osm_flow.engine.lint.examined import Ground
from osm_flow.engine.xml import CAMUNDA

# What stands for an expression in a text of which only the rest can be read.
_WORKED_OUT = "\0"


def check_people(ground: Ground, node: Any) -> None:
    """Check the people and roles that an element gives its work to."""
    for attribute in ("assignee", "candidateUsers", "candidateGroups"):
        _named(ground, node, attribute, node.get(f"{CAMUNDA}{attribute}"))
    check_candidates(ground, node, node.get(f"{CAMUNDA}candidateGroups"))


def _named(ground: Ground, node: Any, attribute: str, text: str | None) -> None:
    """Check who is named: an expression must give a name, and where several may stand a list of names."""
    before = len(ground.found)
    if text is not None and not text.strip(" ,\t\n"):
        en = f"camunda:{attribute} names nobody: write who it is, or remove it"
        ground.add(node, "people", f"camunda:{attribute} ไม่ได้ระบุใคร ให้เขียนชื่อหรือลบออก", en)
        return
    ground.value(node, text)
    if not text or not is_wrapped(text) or len(ground.found) > before:
        return
    kind, (is_constant, value) = always_is(text), constant_of(text)
    several = attribute != "assignee" and kind == "a list"
    named = isinstance(value, list) and all(isinstance(name, str) for name in value)
    if kind in (None, "a text") or (several and (named or not is_constant)):
        return
    en = f"camunda:{attribute} is {text[:80]}, which names nobody: write a name in quotes, or a variable that holds one"
    th = f"camunda:{attribute} เป็น {text[:80]} ซึ่งไม่ใช่ชื่อ ให้เขียนชื่อในเครื่องหมายคำพูด หรือตัวแปรที่เก็บชื่อ"
    ground.add(node, "people", th, en)


def check_candidates(ground: Ground, node: Any, text: str | None) -> None:
    """Check the roles and provinces that are written down: one that nobody can have would leave the work to nobody."""
    try:
        written = list(dict.fromkeys(_written(text))) if text else []
    except ExpressionFault:
        return  # told as an expression already
    pairs = [name.partition("@") for name in written if not name.startswith("user:")]
    _check_roles(ground, node, [role for role, _, _ in pairs])
    _check_provinces(ground, node, [p for _, _, p in pairs if p and _WORKED_OUT not in p])


def _check_roles(ground: Ground, node: Any, roles: list[str]) -> None:
    if ground.roles is None:
        return
    known = list(ground.roles)
    if unknown := list(dict.fromkeys(role for role in roles if role not in known)):
        near = [name for role in unknown for name in get_close_matches(role, known, 1)]
        names = ", ".join(unknown)
        th = f"ไม่มีใครทำหน้าที่ {names} ได้" + (f" หมายถึง {', '.join(near)} หรือไม่" if near else "")
        en = f"nobody who signs in has the role {names}" + (f": did you mean {', '.join(near)}?" if near else "")
        ground.add(node, "unknown_role", th, en)


def _check_provinces(ground: Ground, node: Any, provinces: list[str]) -> None:
    known = ground.offered.provinces
    if known is not None and (unknown := list(dict.fromkeys(name for name in provinces if name not in known))):
        names = ", ".join(unknown)
        en = f"there is no province {names}: a role of a province is written like province_planner@TH-41"
        ground.add(node, "unknown_province", f"ไม่มีจังหวัด {names} ให้เขียนเช่น province_planner@TH-41", en)


def _written(text: str) -> Iterator[str]:
    """The roles that a text or an expression names outright; a province that is worked out is left open."""
    if is_wrapped(text):
        yield from _roles_of(parse(text))
        return
    expressions = [expression for _, expression in pieces(text) if expression is not None]
    readable = _WORKED_OUT.join(before for before, _ in pieces(text))
    for part in readable.split(","):
        inside, name = expressions[: part.count(_WORKED_OUT)], part.strip()
        expressions = expressions[len(inside) :]
        if name == _WORKED_OUT:
            yield from _roles_of(parse(inside[0]))
        elif name and _WORKED_OUT not in name.partition("@")[0]:
            yield name


def _roles_of(tree: ast.expr) -> Iterator[str]:
    match tree:
        case ast.Constant(value=str(names)):
            yield from (name.strip() for name in names.split(",") if name.strip())
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.BoolOp(values=parts):
            for part in parts:
                yield from _roles_of(part)
        case ast.IfExp(body=body, orelse=orelse):
            yield from _roles_of(body)
            yield from _roles_of(orelse)
        case ast.Call(
            func=ast.Name(id="role"), args=[ast.Constant(value=str(name)), ast.Constant(value=str(province))]
        ):
            yield f"{name}@{province}"
        case ast.Call(func=ast.Name(id="role"), args=[ast.Constant(value=str(name)), *_]):
            yield name
        case ast.BinOp(left=ast.Constant(value=str(name)), op=ast.Add()) if "@" in name and "," not in name:
            yield name.strip() if name.partition("@")[2] else f"{name}{_WORKED_OUT}"
