"""Errors raised on purpose: one sentence, the data that made it, and how it is answered."""

from __future__ import annotations

import copy

import pytest

from osm_flow.errors import Forbidden, Invalid, NotFound, OsmFlowError, Refused


class TooMany(Refused):
    """At most {limit} of {what} are allowed.

    Further lines are for whoever reads the code.
    """


class StillTooMany(TooMany):
    """There are {limit} already."""

    status = 423


def test_an_error_says_the_first_line_of_its_docstring_with_its_data_in_it() -> None:
    error = TooMany(limit=3, what="files")

    assert str(error) == "At most 3 of files are allowed."
    assert error.message == "At most {limit} of {what} are allowed."
    assert (error.limit, error.what) == (3, "files")
    assert error.details == {"limit": 3, "what": "files"}


def test_an_error_may_bring_its_own_sentence() -> None:
    error = Refused("Not on {day}.", day="Sunday")

    assert (str(error), error.message) == ("Not on Sunday.", "Not on {day}.")


def test_braces_in_a_sentence_or_in_its_data_stay_as_they_are() -> None:
    assert str(Refused("a { that is not closed")) == "a { that is not closed"
    assert str(TooMany(limit="{limit}", what="${x")) == "At most {limit} of ${x are allowed."


def test_what_an_error_does_not_know_it_does_not_have() -> None:
    error = TooMany(limit=3, what="files")

    with pytest.raises(AttributeError, match="nothing"):
        _ = error.nothing
    assert getattr(error, "nothing", "else") == "else"
    assert not hasattr(OsmFlowError(), "limit")


def test_the_fields_at_fault_are_named_where_there_are_some() -> None:
    assert Invalid(fields={"name": "Too long."}).fields == {"name": "Too long."}
    assert Invalid().fields == {}


@pytest.mark.parametrize(
    ("kind", "status"), [(OsmFlowError, 400), (Forbidden, 403), (NotFound, 404), (Refused, 409), (Invalid, 422)]
)
def test_each_kind_of_refusal_has_its_answer(kind: type[OsmFlowError], status: int) -> None:
    error = kind()

    assert error.status == status
    assert str(error).endswith(".")
    assert isinstance(error, OsmFlowError)


def test_a_more_special_error_is_answered_in_its_own_way() -> None:
    assert str(StillTooMany(limit=3)) == "There are 3 already."
    assert (StillTooMany(limit=3).status, TooMany(limit=3, what="").status) == (423, 409)
    assert isinstance(StillTooMany(limit=3), TooMany)


def test_a_copy_of_an_error_says_the_same() -> None:
    error = copy.copy(TooMany(limit=3, what="files"))

    assert (str(error), error.limit) == ("At most 3 of files are allowed.", 3)
