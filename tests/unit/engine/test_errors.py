"""What can go wrong in the engine, as the rest of the product reads it."""

from __future__ import annotations

from osm_flow.engine.errors import DefinitionRefused, EngineFault, ExpressionFault, NotWaiting
from osm_flow.engine.values import Problem
from osm_flow.errors import Invalid, Refused


def problem(element: str, en: str) -> Problem:
    return Problem(element, "code", "ไทย", en)


def test_a_refused_definition_says_where_and_what() -> None:
    refused = DefinitionRefused([problem("a", "no way out"), problem("", "not a file")])

    assert str(refused) == "The definition cannot be used: a: no way out; not a file"
    assert isinstance(refused, Invalid)


def test_of_many_problems_the_first_five_are_said_and_all_are_kept() -> None:
    problems = [problem(f"a{number}", "wrong") for number in range(8)]
    refused = DefinitionRefused(problems)

    assert refused.problems == problems
    assert str(refused).count("wrong") == 5
    assert str(refused).endswith("a4: wrong")


def test_a_problem_with_braces_in_it_can_be_said() -> None:
    assert "${x" in str(DefinitionRefused([problem("a", "a ${ is not closed in ${x")]))


def test_a_fault_says_where_the_process_stopped_and_why() -> None:
    fault = EngineFault("approve", "no condition holds {here}")

    assert str(fault) == "The process could not go on at approve: no condition holds {here}"
    assert (fault.element, fault.reason) == ("approve", "no condition holds {here}")
    assert (fault.status, isinstance(fault, Refused)) == (409, True)


def test_what_nobody_waits_for_names_its_task() -> None:
    late = NotWaiting("task-1")

    assert (str(late), late.task_id, late.status) == ("The process does not wait for this any more.", "task-1", 409)


def test_an_expression_that_fails_quotes_itself() -> None:
    fault = ExpressionFault("x > ", "not an expression")

    assert str(fault) == "The expression x >  cannot be worked out: not an expression"
    assert (fault.expression, fault.reason, fault.status) == ("x > ", "not an expression", 422)
