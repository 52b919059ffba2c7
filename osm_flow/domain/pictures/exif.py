"""What a camera writes beside a picture (EXIF, a small TIFF): how the picture is held, and whether it says where it was taken."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_ORIENTATION, _GPS = 0x0112, 0x8825
_SHORT = 3
# A directory of a camera has some dozen entries.
_MOST_ENTRIES = 1_000
UPRIGHT = 1


@dataclass(frozen=True)
class CameraNotes:
    """How the picture is held (1 to 8, 1 is upright), and whether its position is noted."""

    orientation: int = UPRIGHT
    has_position: bool = False


def read_notes(tiff: bytes) -> CameraNotes:
    """What the notes say; an upright picture without a position where they cannot be read."""
    try:
        return _read(tiff)
    except (struct.error, ValueError):
        return CameraNotes()


def orientation_alone(orientation: int) -> bytes:
    """Notes that say how the picture is held and nothing else."""
    return b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, _ORIENTATION, _SHORT, 1, orientation, 0, 0)


def _read(tiff: bytes) -> CameraNotes:
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        raise ValueError("no notes of a camera")
    (start,) = struct.unpack_from(f"{order}I", tiff, 4)
    (count,) = struct.unpack_from(f"{order}H", tiff, start)
    orientation, has_position = UPRIGHT, False
    for number in range(min(count, _MOST_ENTRIES)):
        place = start + 2 + 12 * number
        tag, kind = struct.unpack_from(f"{order}HH", tiff, place)
        if tag == _GPS:
            has_position = True
        elif tag == _ORIENTATION and kind == _SHORT:
            (said,) = struct.unpack_from(f"{order}H", tiff, place + 8)
            orientation = said if 1 <= said <= 8 else UPRIGHT
    return CameraNotes(orientation, has_position)
