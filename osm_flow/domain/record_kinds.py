"""What a record of a case's journal says has happened: the kinds of record, spelled as the journal has them."""

from __future__ import annotations

from enum import StrEnum


class RecordKind(StrEnum):
    """The kinds of journal record. Journals are never rewritten: the text of a kind stays what it is for ever."""

    case_started = "case.started"
    case_suspended = "case.suspended"
    case_resumed = "case.resumed"
    case_cancelled = "case.cancelled"
    case_commented = "case.commented"
    case_attached = "case.attached"
    case_replanned = "case.replanned"
    case_held = "case.held"
    case_hold_lifted = "case.hold_lifted"
    case_marked_sensitive = "case.marked_sensitive"
    case_unmarked_sensitive = "case.unmarked_sensitive"
    case_unmark_proposed = "case.unmark_proposed"
    case_unmark_withdrawn = "case.unmark_withdrawn"
    case_reader_named = "case.reader_named"
    case_reader_removed = "case.reader_removed"
    work_item_completed = "work_item.completed"
    work_item_claimed = "work_item.claimed"
    work_item_released = "work_item.released"
    work_item_delegated = "work_item.delegated"
    work_item_reassigned = "work_item.reassigned"
    work_item_due_moved = "work_item.due_moved"
    work_item_follow_up_set = "work_item.follow_up_set"
    work_item_priority_set = "work_item.priority_set"
    work_item_escalated = "work_item.escalated"
    message_received = "message.received"
    timer_fired = "timer.fired"
    service_finished = "service.finished"
    child_ended = "child.ended"
    child_escalated = "child.escalated"
    incident_opened = "incident.opened"
    incident_retried = "incident.retried"
    incident_resolved = "incident.resolved"
    payloads_erased = "payloads.erased"
