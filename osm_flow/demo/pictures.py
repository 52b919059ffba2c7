"""Small pictures for the demo's projects, drawn when they are needed: sky, ground, and as much of a building as is there."""

from __future__ import annotations

import struct
import zlib

_WIDTH, _HEIGHT, _HORIZON = 160, 120, 74
_SKY, _GROUND, _RIVER = (188, 214, 232), (196, 164, 118), (122, 150, 140)
_WALL, _EDGE = (214, 206, 196), (120, 112, 104)


def picture(done: int, shade: int) -> bytes:
    """A PNG of a site of which so many per cent are built; `shade` tells the pictures of two sites apart."""
    top = _HORIZON - 52 * done // 100
    rows = b"".join(b"\0" + b"".join(bytes(_colour(x, y, top, shade)) for x in range(_WIDTH)) for y in range(_HEIGHT))
    head = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 2, 0, 0, 0)
    parts = (_part(b"IHDR", head), _part(b"IDAT", zlib.compress(rows, 9)), _part(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _colour(x: int, y: int, top: int, shade: int) -> tuple[int, ...]:
    if 36 <= x < 124 and top <= y < _HORIZON:
        colour = _EDGE if (x - 36) % 22 in (0, 21) or y == top else _WALL
    elif y < _HORIZON:
        colour = _SKY
    else:
        colour = _RIVER if y > _HORIZON + 30 else _GROUND
    return tuple(max(0, part - shade) for part in colour)


def _part(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
