"""Decision tables (DMN 1.3, one table a file): hit policies UNIQUE, FIRST and COLLECT over the same expressions."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from osm_flow.domain.json import JSON
from osm_flow.engine.arithmetic import Unfit, is_number
from osm_flow.engine.errors import DefinitionRefused, ExpressionFault
from osm_flow.engine.expressions import CALENDAR_FUNCTIONS, always_is, constant_faults, constant_of, evaluate, parse
from osm_flow.engine.rules import DECIMALS, RULES
from osm_flow.engine.sentences.drawn import Sentence
from osm_flow.engine.sentences.habits import explained
from osm_flow.engine.sentences.misread import misread
from osm_flow.engine.values import Problem
from osm_flow.engine.xml import encoding_fault, local_name, read_xml

_COMPARISON = re.compile(r"^(<=|>=|!=|<|>|==|=)\s*(.+)$", re.DOTALL)
_NEGATION = re.compile(r"^not\s*\((.*)\)$", re.DOTALL)
_CELL = "__cell__"
_INSTEAD = {
    "ANY": ("FIRST", "FIRST"),
    "PRIORITY": ("FIRST โดยเรียงแถวสำคัญก่อน", "FIRST, with the most important row first"),
    "RULE ORDER": ("COLLECT", "COLLECT"),
    "OUTPUT ORDER": ("COLLECT", "COLLECT"),
}


@dataclass(frozen=True)
class DecisionRule:
    """A row of a decision table: the conditions and the outputs, as expressions, and the cells as they are written."""

    name: str
    number: int
    cells: tuple[str, ...]
    tests: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class DecisionTable:
    """A decision table that has been checked: input expressions, their labels, output names, and rules."""

    key: str
    name: str
    hit_policy: str
    inputs: tuple[str, ...]
    labels: tuple[str, ...]
    outputs: tuple[str, ...]
    rules: tuple[DecisionRule, ...]


def _nodes(node: Any, name: str) -> list[Any]:
    return [child for child in node if isinstance(child.tag, str) and local_name(child) == name]


def _text(node: Any) -> str:
    texts = _nodes(node, "text")
    return (texts[0].text or "").strip() if texts else ""


@lru_cache(maxsize=64)
def read_decision(xml: bytes) -> DecisionTable:
    """Read and check a decision table. Raises DefinitionRefused naming the rule and the cell."""
    root = read_xml(xml)
    decisions = _nodes(root, "decision")
    tables = [t for d in decisions for t in _nodes(d, "decisionTable")]
    if local_name(root) != "definitions" or len(decisions) != 1 or len(tables) != 1:
        raise _refused("", "one_table", "ไฟล์ต้องมีตารางการตัดสินใจหนึ่งตาราง", "the file must hold one decision table")
    decision, table = decisions[0], tables[0]
    policy = table.get("hitPolicy", "UNIQUE")
    key, name = decision.get("id", ""), decision.get("name") or decision.get("id", "")
    if policy not in ("UNIQUE", "FIRST", "COLLECT") or table.get("aggregation"):
        raise _refused(key, "hit_policy", *_other_policy(policy, table.get("aggregation")), name)
    inputs = tuple(_input_expression(key, name, i) for i in _nodes(table, "input"))
    labels = tuple(_label(node, text) for node, text in zip(_nodes(table, "input"), inputs, strict=True))
    outputs = tuple(o.get("name") or "" for o in _nodes(table, "output"))
    if not inputs or not all(outputs) or len(set(outputs)) < len(outputs):
        en = "the table needs inputs and outputs of different names"
        raise _refused(key, "columns", "ตารางต้องมีข้อมูลเข้า และผลลัพธ์ที่มีชื่อไม่ซ้ำกัน", en, name)
    rows = enumerate(_nodes(table, "rule"), 1)
    rules = tuple(_rule(row, number, labels, outputs) for number, row in rows)
    return DecisionTable(key, name, policy, inputs, labels, outputs, rules)


def _other_policy(policy: str, aggregation: str | None) -> tuple[str, str]:
    if policy == "COLLECT" and aggregation:
        th = f"ไม่รองรับการรวม {aggregation} ใช้ COLLECT แล้วรวมในนิพจน์ เช่น total(result, 'amount')"
        return th, f"{aggregation} is not supported: use COLLECT, and an expression such as total(result, 'amount')"
    th, en = _INSTEAD.get(policy, ("UNIQUE, FIRST หรือ COLLECT", "UNIQUE, FIRST or COLLECT"))
    return f"ไม่รองรับนโยบาย {policy} ใช้ {th} แทน", f"the hit policy {policy} is not supported: use {en}"


def _label(node: Any, expression: str) -> str:
    return str(node.get("label") or expression)


def decision_problems(xml: bytes) -> list[Problem]:
    """What is wrong with a decision table, before any process uses it: also what could be read and would be ignored."""
    try:
        table = read_decision(xml)
        root = read_xml(xml)
    except DefinitionRefused as refused:
        return refused.problems
    fault = encoding_fault(root)
    return [fault] if fault is not None else [*_ignored(table, root), *_constants(table)]


def _ignored(table: DecisionTable, root: Any) -> Iterator[Problem]:
    """What the file holds and no case would ever ask."""
    for node in root.iter():
        kind = local_name(node) if isinstance(node.tag, str) else ""
        if kind == "defaultOutputEntry":
            th = "ไม่รองรับผลลัพธ์เริ่มต้น ให้เพิ่มแถวสุดท้ายที่ทุกช่องเป็น - และใช้ FIRST"
            en = "a default output would be ignored: add a last row of - and use FIRST"
            yield Problem(table.key, "ignored", th, en, name=table.name)
        elif kind in ("inputValues", "outputValues"):
            th = "รายการค่าที่อนุญาตไม่มีผล ให้ตรวจค่าในแบบฟอร์ม"
            en = "allowed values have no effect here: check them in the form"
            yield Problem(table.key, "ignored", th, en, "warning", table.name)
        language = (node.get("expressionLanguage") or "feel").lower() if kind else "feel"
        if "feel" not in language:
            en = f"expressions in {language} are not supported: write them in the dialect of this system"
            yield Problem(table.key, "language", f"ไม่รองรับนิพจน์ภาษา {language}", en, name=table.name)


def _constants(table: DecisionTable) -> Iterator[Problem]:
    """The cells that can be read and could never be worked out, or never match: found before any case asks."""
    for label, text in zip(table.labels, table.inputs, strict=True):
        if (why := misread(text) or _in_words(_certain_fault(text))) is not None:
            yield _cell_problem(table.key, "", label, text, why)
    for rule in table.rules:
        where, element = f"{rule.number}", rule.name or table.key
        for label, cell, test in zip(table.labels, rule.cells, rule.tests, strict=True):
            if (why := misread(cell) or _in_words(_certain_fault(test) or unmatched(cell, test))) is not None:
                yield _cell_problem(element, where, label, cell, why)
        for output, text in zip(table.outputs, rule.outputs, strict=True):
            if (why := misread(text) or _in_words(_certain_fault(text))) is not None:
                yield _cell_problem(element, where, output, text, why)


def _certain_fault(text: str) -> str | None:
    """Why an expression of a table can be worked out for no values at all; the calendar answers no table."""
    asked = {n.func.id for n in ast.walk(parse(text)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    if calendar := sorted(asked & CALENDAR_FUNCTIONS):
        return f"{calendar[0]}() asks the calendar, which no table can: work the date out before, in the diagram"
    return next(iter(constant_faults(text)), None)


def unmatched(cell: str, test: str) -> str | None:
    """Why a cell that can be read matches no value, whatever the variables are; None: it may match."""
    tree = parse(test)
    if isinstance(tree, ast.BinOp) or always_is(test) not in (None, "true or false"):
        return "a test with ? must be true or false"
    for part in ast.walk(tree):
        if isinstance(part, ast.Compare) and isinstance(part.comparators[0], ast.Tuple) and _is_equality(part):
            return "round brackets hold no values: write the values without them, with commas"
        if isinstance(part, ast.BoolOp) and all(_is_plain(value) for value in part.values):
            several = ", ".join(ast.unparse(value) for value in part.values).replace("'", '"')
            return f"several values are written with commas between them: {several}"
        if isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.Not) and _is_plain(part.operand):
            return f"all other values are written so: not({ast.unparse(part.operand)})".replace("'", '"')
    constants = _compared_with(tree)
    if constants is None or any(_holds(test, value) for value in _around(constants)):
        return None
    interval = _interval(cell.strip())
    return "no value lies in this range" if interval is not None else "no value can match"


def _is_equality(tree: ast.Compare) -> bool:
    return isinstance(tree.ops[0], ast.Eq | ast.NotEq)


def _is_plain(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Constant) and not isinstance(tree.value, bool | None)


def _compared_with(tree: ast.expr) -> list[Any] | None:
    """The constants with which the value of a cell is compared; None where more than such comparisons is asked."""
    match tree:
        case ast.BoolOp(values=parts):
            found = [_compared_with(part) for part in parts]
            return None if None in found else [value for part in found for value in part or ()]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _compared_with(operand)
        case ast.Compare(left=ast.Name(id=name), ops=[op], comparators=[side]) if name == _CELL:
            given, value = constant_of(ast.unparse(side))
            is_plain = not isinstance(value, list | dict) or isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn)
            return [value] if given and is_plain else None
        case ast.Constant(value=True):
            return [True]
    return None


def _around(constants: list[Any]) -> Iterator[Any]:
    """Values of each kind, among them those compared with and those beside and between them."""
    yield from (*constants, None, True, False, 0, "", [], {})
    for group in constants:
        yield from group if isinstance(group, list | dict) else ()
    numbers = sorted(value for value in constants if is_number(value))
    for low, high in pairwise([*numbers[:1], *numbers, *numbers[-1:]]):
        yield from (low - 1, (low + high) / 2, high + 1)
    for text in (value for value in constants if isinstance(value, str)):
        yield from (f"{text}\0", text[:-1], f"{text}ฮ")
    yield from ([value] for value in constants)


def _holds(test: str, value: Any) -> bool:
    try:
        return evaluate(test, {_CELL: value}) is True
    except ExpressionFault:
        return False


def _in_words(reason: str | None) -> Sentence | None:
    """The reason of a cell that can be read: there is nothing to write in another way."""
    return explained("", reason) if reason is not None else None


_RANGE = Sentence(
    "ช่วงเขียนเช่น [1..5] และคั่นหลายค่าด้วยจุลภาค", "a range is written like [1..5], and several values with commas"
)


def _unread(text: str, reason: str) -> Sentence:
    """The reason of a cell that cannot be read, with what to write instead."""
    if (meant := misread(text)) is not None:
        return meant
    if ".." not in _blanked(text):
        return explained(text, reason)
    plain = explained("", reason)
    return Sentence(f"{plain.th}: {_RANGE.th}", f"{plain.en}: {_RANGE.en}")


def _cell_problem(element: str, row: str, column: str, text: str, why: Sentence) -> Problem:
    shown = text[:80].encode(errors="backslashreplace").decode()
    th = (f"แถวที่ {row} " if row else "") + f"ช่อง {column}: {shown} ใช้ไม่ได้ ({why.th})"
    en = (f"row {row}, " if row else "") + f"column {column}: {shown} cannot be used: {why.en}"
    return Problem(element, "expression", th, en)


def _input_expression(key: str, name: str, node: Any) -> str:
    expressions = _nodes(node, "inputExpression")
    expression = _text(expressions[0]) if expressions else ""
    try:
        parse(expression)
    except ExpressionFault as fault:
        raise DefinitionRefused(
            [_cell_problem(key, "", node.get("label") or name, expression, _unread(expression, fault.reason))]
        ) from None
    return expression


def _rule(row: Any, number: int, labels: tuple[str, ...], outputs: tuple[str, ...]) -> DecisionRule:
    name = row.get("id", "")
    cells = tuple(_text(e) for e in _nodes(row, "inputEntry"))
    values = tuple(_text(e) or "null" for e in _nodes(row, "outputEntry"))
    if len(cells) != len(labels) or len(values) != len(outputs):
        en = f"row {number} has not one cell for each column"
        raise _refused(name, "cells", f"แถวที่ {number} มีจำนวนช่องไม่ตรงกับตาราง", en)
    tests = tuple(_read(_condition, cell, name, number, label) for cell, label in zip(cells, labels, strict=True))
    for value, output in zip(values, outputs, strict=True):
        _read(_parsed, value, name, number, output)
    return DecisionRule(name, number, cells, tests, values)


def _read(reading: Callable[[str], str], text: str, name: str, number: int, column: str) -> str:
    try:
        return _parsed(reading(text))
    except ExpressionFault as fault:
        raise DefinitionRefused([_cell_problem(name, str(number), column, text, _unread(text, fault.reason))]) from None


def _parsed(text: str) -> str:
    parse(text)
    return text


def _refused(element: str, code: str, th: str, en: str, name: str = "") -> DefinitionRefused:
    return DefinitionRefused([Problem(element, code, th, en, name=name)])


# ---- cells -------------------------------------------------------------------------------------------------------------


def _condition(cell: str) -> str:
    """The expression over `__cell__` that a cell stands for. Raises ExpressionFault for a part that is no expression."""
    cell = cell.strip()
    if cell in ("", "-"):
        return "True"
    negated = _NEGATION.match(cell)
    if negated:
        if not _closes_at_end(cell):
            raise ExpressionFault(cell, "not(…) stands alone in its cell")
        if negated.group(1).strip() in ("", "-"):
            raise ExpressionFault(cell, "not() needs something to negate")
        return f"not ({_condition(negated.group(1))})"
    return " or ".join(f"({_single(part)})" for part in _split(cell))


def _closes_at_end(cell: str) -> bool:
    """Whether the bracket behind `not` is closed by the last sign of the cell, and not before."""
    depth = 0
    for place, sign in enumerate(_blanked(cell)):
        depth += (sign == "(") - (sign == ")")
        if sign == ")" and depth <= 0:
            return place == len(cell) - 1
    return True  # brackets of ranges may stand open, `not(]1..5))`: read as a whole, else refused


def _blanked(text: str) -> str:
    """The text with every quoted part in it replaced by as many blanks."""
    return _QUOTED.sub(lambda found: " " * len(found.group()), text)


_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")


def _single(part: str) -> str:
    interval = _interval(part)
    if interval is not None:
        opening, low, high, closing = interval
        above = ">=" if opening == "[" else ">"
        below = "<=" if closing == "]" else "<"
        parse(low)
        parse(high)
        return f"{_CELL} is not None and {_CELL} {above} ({low}) and {_CELL} {below} ({high})"
    comparison = _COMPARISON.match(part)
    if comparison:
        operator = {"=": "=="}.get(comparison.group(1), comparison.group(1))
        known = "" if operator in ("==", "!=") else f"{_CELL} is not None and "
        parse(comparison.group(2))
        return f"{known}{_CELL} {operator} ({comparison.group(2)})"
    if "?" in _blanked(part):
        places = [place for place, sign in enumerate(_blanked(part)) if sign == "?"]
        for place in reversed(places):
            part = f"{part[:place]}{_CELL}{part[place + 1 :]}"
        parse(part)
        return part
    parse(part)  # alone first: `1) or (1` must not become a part of the whole
    return f"{_CELL} == ({part})"


def _interval(part: str) -> tuple[str, str, str, str] | None:
    """The brackets and ends of a range such as `[1..5]`, `]1..5[`, `(a..b)`; None for anything else."""
    if len(part) < 2 or part[0] not in "[(]" or part[-1] not in "])[":
        return None
    inner, depth = _blanked(part)[1:-1], 0
    for place, sign in enumerate(inner):
        depth += (sign in "([{") - (sign in ")]}")
        if depth < 0:
            return None
        if depth == 0 and inner.startswith("..", place):
            low, high = part[1 : place + 1].strip(), part[place + 3 : -1].strip()
            return (part[0], low, high, part[-1]) if low and high else None
    return None


def _split(cell: str) -> list[str]:
    """The parts of a cell between commas; a comma in quotes, in brackets or in a range divides nothing."""
    signs, parts, begin, depth = _blanked(cell), [], 0, 0
    for place, sign in enumerate(signs):
        first = not signs[begin:place].strip()
        if first and sign == "]":  # a range may begin so
            depth += 1
        elif sign == "[" and depth == 1 and _closes_range(signs, begin, place):
            depth -= 1
        elif sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
        elif sign == "," and depth == 0:
            parts.append(cell[begin:place].strip())
            begin = place + 1
    return [*parts, cell[begin:].strip()]


def _closes_range(signs: str, begin: int, place: int) -> bool:
    """Whether a `[` ends the range that began with this part: two dots stand before it, and no value follows."""
    return ".." in signs[begin:place] and signs[place + 1 :].lstrip()[:1] in ("", ",", ")")


# ---- asking ------------------------------------------------------------------------------------------------------------


def evaluate_decision(xml: bytes, data: JSON, rules: int = RULES) -> list[JSON]:
    """The outputs of the rules that match, in table order, by these rules of the engine.

    Raises ExpressionFault that names the row and the cell, or for UNIQUE with two matches.
    """
    table = read_decision(xml)
    asked = [evaluate(expression, data, rules=rules) for expression in table.inputs]
    hits: list[JSON] = []
    for rule in table.rules:
        if not all(_matches(table, rule, column, value, data, rules) for column, value in enumerate(asked)):
            continue
        hits.append(_outputs(table, rule, data, rules))
        if table.hit_policy == "FIRST":
            break
        if table.hit_policy == "UNIQUE" and len(hits) > 1:
            raise ExpressionFault(table.key, f"two rules match, the second is {rule.name}, but the table is UNIQUE")
    return hits


def _matches(table: DecisionTable, rule: DecisionRule, column: int, value: Any, data: JSON, rules: int) -> bool:
    try:
        found = evaluate(rule.tests[column], {**data, _CELL: value}, rules=rules)
    except ExpressionFault as fault:
        # A value that is not there or is true or false lies in no range and is on no side of a number.
        if rules >= DECIMALS and isinstance(value, bool | None) and isinstance(fault.__cause__, Unfit):
            return False
        raise _in_cell(table, rule, table.labels[column], rule.cells[column], fault) from None
    if rules >= DECIMALS and not isinstance(found, bool | None):
        reason = "a test with ? must be true or false"
        raise _in_cell(table, rule, table.labels[column], rule.cells[column], ExpressionFault("", reason))
    return bool(found)


def _outputs(table: DecisionTable, rule: DecisionRule, data: JSON, rules: int) -> JSON:
    row: JSON = {}
    for output, text in zip(table.outputs, rule.outputs, strict=True):
        try:
            row[output] = evaluate(text, data, rules=rules)
        except ExpressionFault as fault:
            raise _in_cell(table, rule, output, text, fault) from None
    return row


def _in_cell(
    table: DecisionTable, rule: DecisionRule, column: str, cell: str, fault: ExpressionFault
) -> ExpressionFault:
    return ExpressionFault(f"{table.key}, row {rule.number}, column {column}: {cell[:80]}", fault.reason)
