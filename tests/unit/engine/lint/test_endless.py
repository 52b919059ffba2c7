"""Ways back on which nobody is waited for, though an event or a task lies on them."""

from __future__ import annotations

import pytest

from tests.unit.engine.diagrams import (
    around,
    boundary,
    catch,
    diagram,
    end,
    error,
    escalation,
    flows,
    manual,
    many,
    on,
    refused,
    start,
    sub,
    throw,
    timer,
    xor,
)

ROOTS = error("oops") + error("other") + escalation("up") + escalation("down")


def thrower(*inner: str, path: str = "ss > se", last: str = "") -> str:
    return sub("sp", start("ss"), *inner, last or end("se", on("error", "oops")), flows(path))


def back(host: str, event: str, *others: str, path: str = "s > x > sp > e; b > x") -> bytes:
    return diagram(start(), xor("x"), host, event, *others, end(), flows(path), roots=ROOTS)


def nested(path: str) -> str:
    inner = sub("inner", start("is"), end("ie", on("error", "oops")), flows("is > ie"))
    return sub("sp", start("ss"), inner, end("se"), flows(path))


def turning(*inner: str, via: str = "t") -> bytes:
    return around(xor("g"), *inner, xor("h", "e"), path=f"s > g > {via} > h; h > g [x]; h > e")


UP = on("escalation", "up")
ENDLESS = {
    "error": back(thrower(), boundary("b", "sp", on("error", "oops"))),
    "any error": back(thrower(), boundary("b", "sp", on("error"))),
    "escalation": back(thrower(last=end("se", UP)), boundary("b", "sp", UP)),
    "escalation beside": back(thrower(last=end("se", UP)), boundary("b", "sp", UP, cancel=False)),
    "escalation on the way": back(
        thrower(throw("t", UP), manual("m"), path="ss > t > m > se", last=end("se")),
        boundary("b", "sp", UP, cancel=False),
    ),
    "error on one of two ways": back(
        thrower(xor("c", "se"), manual("m"), end("me"), path="ss > c > se; c > m [y]; m > me"),
        boundary("b", "sp", on("error", "oops")),
    ),
    "error of a nested subprocess": back(nested("ss > inner > se"), boundary("b", "sp", on("error", "oops"))),
    "empty list": turning(manual("t", many("${[]}"))),
    "no instances": turning(manual("t", many(number="0"))),
    "PT0S": turning(catch("t", timer("PT0S"))),
    "P0D": turning(catch("t", timer("P0D"))),
    "quoted period of nought": turning(catch("t", timer("${'PT0S'}"))),
    "past date": turning(catch("t", timer("2020-01-01T00:00:00+07:00", "timeDate"))),
    "deadline of nought": back(manual("sp"), boundary("b", "sp", timer("PT0S"))),
}
RESTING = {
    "a task before the error": back(thrower(manual("m"), path="ss > m > se"), boundary("b", "sp", on("error", "oops"))),
    "a task after the error": back(
        thrower(), boundary("b", "sp", on("error", "oops")), manual("m"), path="s > x > sp > e; b > m > x"
    ),
    "another error": back(thrower(), boundary("b", "sp", on("error", "other"))),
    "an error that leads to an end": back(
        thrower(), boundary("b", "sp", on("error", "oops")), end("f"), path="s > x > sp > e; b > f"
    ),
    "an error caught inside": back(
        nested("ss > inner > se; ib > se").replace(
            "</bpmn:subProcess>", "</bpmn:subProcess>" + boundary("ib", "inner", on("error", "oops")), 1
        ),
        boundary("b", "sp", on("error", "oops")),
    ),
    "a list": turning(manual("t", many("${[1]}"))),
    "a second": turning(catch("t", timer("PT1S"))),
    "a period worked out": turning(catch("t", timer("${wait}"))),
    "a deadline": back(manual("sp"), boundary("b", "sp", timer("P1D"))),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_way_back_without_a_rest_is_refused(name: str) -> None:
    assert [code for _, code in refused(ENDLESS[name])] == ["endless_loop"]


@pytest.mark.parametrize("name", RESTING)
def test_a_way_back_with_a_rest_is_let_be(name: str) -> None:
    assert "endless_loop" not in [code for _, code in refused(RESTING[name])]
