"""Checking that nobody chooses who checks their own work: no field that they fill says who does the check."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from osm_flow.domain.access.separation import STARTED_BY, elements_of
from osm_flow.domain.forms.schema import fields_of
from osm_flow.engine.errors import ExpressionFault
from osm_flow.engine.expressions import is_wrapped, names_in, parse, pieces
from osm_flow.engine.lint.examined import Ground
from osm_flow.engine.xml import BPMN, CAMUNDA, local_name, properties_of

_NAMING = ("assignee", "candidateUsers", "candidateGroups")
_OUTSIDE_OF_NAMES = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)


def check_checkers(ground: Ground, node: Any) -> None:
    """Check that whoever does a check or an approval is not named by a field of those whose work it is.

    A role of a province that is worked out names no person, and what a condition chooses from is drawn.
    """
    filled = dict(_filled_by_doers(ground, node))
    if not filled:
        return
    for attribute in _NAMING:
        for name in _naming(ground, node, node.get(f"{CAMUNDA}{attribute}")):
            if (doer := filled.get(name)) is not None:
                doer_called = ground.called(doer)
                th = f"ผู้ทำงาน {doer_called.th} กรอก {name} ซึ่งระบุผู้ตรวจงานของตนเอง ให้ระบุบทบาท หรือให้ผู้อื่นเป็นผู้กรอก"
                en = (
                    f"whoever does {doer_called.en} fills in {name}, which says who checks it: "
                    "name a role, or let somebody else fill it in"
                )
                ground.add(node, "chosen_checker", th, en)
                return


def _filled_by_doers(ground: Ground, node: Any) -> Iterator[tuple[str, Any]]:
    """The variables that the work checked here is done with: by name the element whose form fills them."""
    given = properties_of(node)
    names, document = elements_of(given.get("separate_from")), given.get("approves")
    for other in ground.nodes.values():
        own = properties_of(other)
        is_start = local_name(other) == "startEvent" and STARTED_BY in names
        is_judged = other.get("id") in names or (document is not None and own.get("document") == document)
        if other is node or not (is_start or is_judged):
            continue
        schema = ground.forms.get(other.get(f"{CAMUNDA}formKey") or own.get("form") or "")
        written = [*(fields_of(schema) if schema else ()), *filter(None, [own.get("collect")])]
        yield from ((name, other) for name in written)


def _naming(ground: Ground, node: Any, text: str | None) -> Iterator[str]:
    """The variables whose value says who it is; of a repetition, those of the list that it goes through."""
    lists = dict(_gone_through(node))
    try:
        for name in _named_in(text or ""):
            yield name
            yield from lists.get(name, ())
    except ExpressionFault:
        return  # told as an expression already


def _gone_through(node: Any) -> Iterator[tuple[str, set[str]]]:
    for holder in (node, *node.iterancestors()):
        loop = holder.find(f"{BPMN}multiInstanceLoopCharacteristics")
        if loop is not None and (variable := loop.get(f"{CAMUNDA}elementVariable")):
            yield variable, names_in(loop.get(f"{CAMUNDA}collection") or "[]")


def _named_in(text: str) -> Iterator[str]:
    if is_wrapped(text):
        yield from _people_of(parse(text))
        return
    for before, expression in pieces(text):
        if expression is not None and not before.endswith("@"):
            yield from _people_of(parse(expression))


def _people_of(tree: ast.AST) -> Iterator[str]:
    """The names in an expression whose value becomes part of who is named."""
    match tree:
        case ast.Name(id=name):
            yield name
        case ast.IfExp(body=body, orelse=orelse):
            yield from _people_of(body)
            yield from _people_of(orelse)
        case ast.Call(func=ast.Name(id="role"), args=[role, *_]):
            yield from _people_of(role)
        case ast.Call(args=args):
            for argument in args:
                yield from _people_of(argument)
        case ast.BinOp(left=ast.Constant(value=str(before)), op=ast.Add()) if before.endswith("@"):
            return
        case _:
            for child in ast.iter_child_nodes(tree):
                if not isinstance(child, _OUTSIDE_OF_NAMES):
                    yield from _people_of(child)
