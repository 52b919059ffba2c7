"""The states of a project as people read them, in the order in which it passes through them, and which step it may take."""

from __future__ import annotations

from collections.abc import Mapping

from osm_flow.domain.states import ProjectState, SideState

# What the states are called, in Thai and English, with how they look: calm, good, waiting or ended.
_NAMES: Mapping[str, tuple[str, str, str]] = {
    ProjectState.concept: ("แนวคิด", "Concept", "off"),
    ProjectState.screened: ("ผ่านกลั่นกรอง", "Passed screening", "info"),
    ProjectState.screened_out: ("ไม่ผ่านกลั่นกรอง", "Did not pass screening", "off"),
    ProjectState.not_ready: ("รอความพร้อม", "Not ready", "warn"),
    ProjectState.in_plan: ("ในร่างแผน", "In the draft plan", "info"),
    ProjectState.endorsed: ("ก.บ.ก. เห็นชอบ", "Endorsed by the committee", "info"),
    ProjectState.y1: ("Y1 สนับสนุน", "Y1, supported", "ok"),
    ProjectState.y2: ("Y2 สำรอง", "Y2, in reserve", "warn"),
    ProjectState.n: ("N ไม่สนับสนุน", "N, not supported", "off"),
    ProjectState.requested: ("ในคำของบประมาณ", "In the budget request", "info"),
    ProjectState.in_act: ("ใน พ.ร.บ. งบประมาณ", "In the Budget Act", "ok"),
    ProjectState.allotted: ("จัดสรรแล้ว", "Allotted", "ok"),
    ProjectState.procuring: ("จัดซื้อจัดจ้าง", "Being procured", "info"),
    ProjectState.signed: ("ลงนามแล้ว", "Signed", "info"),
    ProjectState.working: ("ดำเนินงาน", "Being carried out", "info"),
    ProjectState.accepted: ("ตรวจรับครบ", "Accepted in full", "ok"),
    ProjectState.paid: ("เบิกครบ", "Paid in full", "ok"),
    ProjectState.handed_over: ("ส่งมอบสินทรัพย์แล้ว", "Assets handed over", "ok"),
    ProjectState.closed: ("ปิดโครงการ", "Closed", "ok"),
    ProjectState.supported: ("ได้รับการสนับสนุน", "Supported", "ok"),
    ProjectState.rejected: ("ไม่ได้รับการสนับสนุน", "Not supported", "off"),
    ProjectState.dropped: ("ไม่นำเข้าแผน", "Left out of the plan", "off"),
    ProjectState.cancelled: ("ยกเลิก", "Cancelled", "off"),
    ProjectState.lapsed: ("งบประมาณพับ", "Money lapsed", "late"),
}
_SIDE_NAMES: Mapping[str, tuple[str, str]] = {
    SideState.changing: ("ระหว่างขอเปลี่ยนแปลง", "A change is asked for"),
    SideState.carried: ("กันเงินเหลื่อมปี", "Money carried over"),
}

PROJECT_STATES = tuple(_NAMES)
SIDE_STATES = tuple(_SIDE_NAMES)

# Before anybody outside the office has decided: a plan that is revised may still describe the project anew.
PLANNED = (
    ProjectState.concept,
    ProjectState.screened,
    ProjectState.screened_out,
    ProjectState.not_ready,
    ProjectState.in_plan,
    ProjectState.endorsed,
    ProjectState.dropped,
)
# Of these, what a plan book is made of.
SHORTLISTED = (ProjectState.screened, ProjectState.in_plan, ProjectState.endorsed)
# What a project is decided to be, whoever judges it; the next who judge may decide otherwise.
JUDGED = (ProjectState.y1, ProjectState.y2, ProjectState.n, ProjectState.supported, ProjectState.rejected)
# From the request on a project only goes forward; steps that nobody told of are left out.
_COURSE = (
    ProjectState.requested,
    ProjectState.in_act,
    ProjectState.allotted,
    ProjectState.procuring,
    ProjectState.signed,
    ProjectState.working,
    ProjectState.accepted,
    ProjectState.paid,
    ProjectState.handed_over,
)
# Further than the Budget Act: work may begin on the interim budget before it is in force.
BEYOND_ACT = _COURSE[2:]
ENDED = (ProjectState.closed, ProjectState.cancelled, ProjectState.lapsed)
# Nothing is carried out of these, and nobody reports on them.
NOT_LIVE = (
    *PLANNED,
    ProjectState.n,
    ProjectState.rejected,
    *ENDED,
)
# The stage that a report names, as the state that it shows; `not_started` shows nothing new.
OF_STAGE: Mapping[str, ProjectState] = {
    **dict.fromkeys(("tor", "request", "announced", "evaluation", "appeal"), ProjectState.procuring),
    "signed": ProjectState.signed,
    "working": ProjectState.working,
    "accepted": ProjectState.accepted,
    "paid": ProjectState.paid,
    "handed_over": ProjectState.handed_over,
}
_BEGUN = (*_COURSE[2:], ProjectState.y1, ProjectState.requested, ProjectState.in_act, ProjectState.supported)
# From which states a project may step into one. Rework takes a planned project back; results come from several levels.
_FROM: Mapping[str, tuple[ProjectState, ...]] = {
    ProjectState.concept: PLANNED,
    ProjectState.screened: PLANNED,
    ProjectState.screened_out: PLANNED,
    ProjectState.not_ready: PLANNED,
    ProjectState.in_plan: PLANNED,
    ProjectState.dropped: PLANNED,
    ProjectState.endorsed: (ProjectState.in_plan,),
    **dict.fromkeys((ProjectState.y1, ProjectState.y2), (*PLANNED, *JUDGED)),
    # Whoever judges the request or the bill may still strike a project out.
    ProjectState.n: (*PLANNED, *JUDGED, ProjectState.requested),
    ProjectState.closed: (ProjectState.handed_over, ProjectState.paid),
    ProjectState.cancelled: tuple(state for state in ProjectState if state not in ENDED),
    ProjectState.lapsed: _BEGUN,
    ProjectState.requested: (ProjectState.y1, ProjectState.supported),
    ProjectState.in_act: (ProjectState.requested, ProjectState.y1, ProjectState.supported),
}


def may_step(state: str, wanted: str) -> bool:
    """Whether a project in this state may step into the wanted one; a state that nobody knows here is left by no step."""
    if wanted in _FROM:
        return state in _FROM[wanted]
    if wanted not in _COURSE or state not in (*_COURSE, ProjectState.y1, ProjectState.supported):
        return False
    return state not in _COURSE or _COURSE.index(ProjectState(state)) < _COURSE.index(ProjectState(wanted))


def state_name(state: str, locale: str = "th") -> str:
    """What a state is called; a state that a later version knows is shown as it is."""
    thai, english, _ = _NAMES.get(state, (state, state, ""))
    return english if locale == "en" else thai


def side_name(state: str, locale: str = "th") -> str:
    """What is going on beside the course of a project, in words."""
    thai, english = _SIDE_NAMES.get(state, (state, state))
    return english if locale == "en" else thai


def state_tone(state: str) -> str:
    """How a state looks: ok, info, warn, late or off."""
    return _NAMES.get(state, ("", "", "off"))[2]
