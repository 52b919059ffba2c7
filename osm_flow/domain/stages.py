"""The stages of the annual cycle, in the order in which a year passes through them.

A stage is one entry of `STAGES`: lists can be narrowed to it, the track of a case shows it in its place, and pages call
it by its name. A diagram says with the property `stage` which of its steps belong to one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """A stage: the key that diagrams and tables hold, and what people call it."""

    key: str
    th: str
    en: str


_ALL = (
    Stage("hearing", "รับฟังความคิดเห็น", "Public hearing"),
    Stage("drafting", "ยกร่างแผน", "Plan drafting"),
    Stage("integration", "บูรณาการระดับจังหวัด", "Provincial integration"),
    Stage("approval", "การเห็นชอบของ ก.บ.ก.", "Committee approval"),
    Stage("submission", "ส่งแผนและคำของบประมาณ", "Plan submission and budget request"),
    Stage("monitoring", "ติดตามรายไตรมาส", "Quarterly monitoring"),
    Stage("recommendation", "ข้อเสนอแนะการแก้ไข", "Corrective recommendation"),
)
STAGES: dict[str, Stage] = {stage.key: stage for stage in _ALL}


def stage_name(key: str, locale: str) -> str:
    """The name of a stage in this language; a key that an older diagram named stands for itself."""
    stage = STAGES.get(key)
    if stage is None:
        return key
    return stage.en if locale == "en" else stage.th
