"""What a case asks of others, and what stops a part of it: the kinds of outbox entry and of incident."""

from __future__ import annotations

from enum import StrEnum


class EntryKind(StrEnum):
    """What an entry of the outbox asks for. Entries for people go through a channel and have its name instead."""

    child_start = "child_start"
    child_end = "child_end"
    child_cancel = "child_cancel"
    child_escalation = "child_escalation"
    message = "message"  # a thrown message, before anybody knows who receives it
    message_to = "message_to"  # the same for one waiting case
    message_start = "message_start"  # the same for a process that begins with it
    notice = "notice"
    replan = "replan"


class IncidentKind(StrEnum):
    """What went wrong. A channel's entry that cannot be sent has the channel's name instead."""

    engine = "engine"  # the diagram met something that it cannot handle
    timer = "timer"
    service = "service"
    delivery = "delivery"
    reminder = "reminder"
    signing = "signing"  # the audit log cannot be signed; of no case
    no_candidate = "no_candidate"
    uncaught_error = "uncaught_error"
    standstill = "standstill"  # a join that no token can reach any more


def in_both_languages(th: str, en: str) -> str:
    """A sentence as an incident keeps it when it is known in both languages."""
    return f"{th}\n{en}"


def in_language(kind: str, message: str, locale: str) -> str:
    """The message of an incident in the reader's language; one that is known in a single language as it is."""
    th, divided, en = message.partition("\n")
    if not divided or kind not in (IncidentKind.standstill, IncidentKind.uncaught_error, IncidentKind.signing):
        return message
    return en if locale == "en" else th
