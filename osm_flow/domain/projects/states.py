"""The states of a project as people read them, in the order in which a project passes through them."""

from __future__ import annotations

from osm_flow.domain.states import ProjectState

# What the states are called, in Thai and English, with how they look: calm, good, waiting or ended.
_NAMES: dict[str, tuple[str, str, str]] = {
    ProjectState.concept: ("แนวคิด", "Concept", "off"),
    ProjectState.supported: ("ได้รับการสนับสนุน", "Supported", "ok"),
    ProjectState.rejected: ("ไม่ได้รับการสนับสนุน", "Not supported", "off"),
    ProjectState.requested: ("ในคำของบประมาณ", "In the budget request", "info"),
    "signed": ("ลงนามแล้ว", "Signed", "info"),
    ProjectState.working: ("ดำเนินงาน", "Being carried out", "info"),
    ProjectState.not_ready: ("รอความพร้อม", "Not ready", "warn"),
    ProjectState.dropped: ("ไม่นำเข้าแผน", "Left out of the plan", "off"),
    ProjectState.cancelled: ("ยกเลิก", "Cancelled", "off"),
    ProjectState.lapsed: ("งบประมาณพับ", "Money lapsed", "late"),
    ProjectState.closed: ("ปิดโครงการ", "Closed", "ok"),
}

PROJECT_STATES = tuple(_NAMES)


def state_name(state: str, locale: str = "th") -> str:
    """What a state is called; a state that a later version knows is shown as it is."""
    thai, english, _ = _NAMES.get(state, (state, state, ""))
    return english if locale == "en" else thai


def state_tone(state: str) -> str:
    """How a state looks: ok, info, warn, late or off."""
    return _NAMES.get(state, ("", "", "off"))[2]
