"""How much an installation lets people keep. What is over is refused in words, and nothing that was there is lost."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Quotas:
    """Sizes are in bytes.

    draft         of what one person typed into the form of one work item, before it is completed
    drafts        that one person keeps at once
    file          of one attached file
    case_files    of all files of one case together, erased ones not counted
    office_files  of all files of the cases of one office together, erased ones not counted
    """

    draft: int = MEGABYTE
    drafts: int = 50
    file: int = 20 * MEGABYTE
    case_files: int = 500 * MEGABYTE
    office_files: int = 5 * 1024 * MEGABYTE


USUAL = Quotas()


def megabytes(size: int) -> str:
    """A size as people are told it: `20`, `0.5`."""
    return f"{size / MEGABYTE:.6g}"
