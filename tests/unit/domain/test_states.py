"""Cases and work items take only the steps that their states allow."""

from __future__ import annotations

import pytest

from osm_flow.domain.states import (
    CaseStatus,
    CaseStepRefused,
    WorkItemStatus,
    WorkItemStepRefused,
    next_case_state,
    next_work_item_state,
)

CASE_STEPS = {
    ("ACTIVE", "SUSPENDED"),
    ("ACTIVE", "COMPLETED"),
    ("ACTIVE", "CANCELLED"),
    ("SUSPENDED", "ACTIVE"),
    ("SUSPENDED", "CANCELLED"),
}
WORK_ITEM_STEPS = {
    ("READY", "CLAIMED"),
    ("READY", "CANCELLED"),
    ("CLAIMED", "READY"),
    ("CLAIMED", "CLAIMED"),
    ("CLAIMED", "COMPLETED"),
    ("CLAIMED", "CANCELLED"),
}


@pytest.mark.parametrize("current", CaseStatus)
@pytest.mark.parametrize("wanted", CaseStatus)
def test_steps_of_a_case(current: CaseStatus, wanted: CaseStatus) -> None:
    if (current, wanted) in CASE_STEPS:
        assert next_case_state(current, wanted, case_id="c") == wanted
    else:
        with pytest.raises(CaseStepRefused, match=f"{current}.*{wanted}"):
            next_case_state(current, wanted, case_id="c")


@pytest.mark.parametrize("current", WorkItemStatus)
@pytest.mark.parametrize("wanted", WorkItemStatus)
def test_steps_of_a_work_item(current: WorkItemStatus, wanted: WorkItemStatus) -> None:
    if (current, wanted) in WORK_ITEM_STEPS:
        assert next_work_item_state(current, wanted, work_item_id="w") == wanted
    else:
        with pytest.raises(WorkItemStepRefused, match=f"{current}.*{wanted}"):
            next_work_item_state(current, wanted, work_item_id="w")
