"""Small pictures for the demo's projects, drawn when they are needed: sky, ground, and as much of a building as is there."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw

_SIZE, _HORIZON = (160, 120), 74
_SKY, _GROUND, _RIVER = (188, 214, 232), (196, 164, 118), (122, 150, 140)
_WALL, _EDGE = (214, 206, 196), (120, 112, 104)


def picture(done: int, shade: int) -> bytes:
    """A PNG of a site of which so many per cent are built; `shade` tells the pictures of two sites apart."""
    width, height = _SIZE
    image = Image.new("RGB", _SIZE, _SKY)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, _HORIZON, width, _HORIZON + 30), _GROUND)
    draw.rectangle((0, _HORIZON + 31, width, height), _RIVER)
    top = _HORIZON - 52 * done // 100
    for left in range(36, 124, 22) if done else ():
        draw.rectangle((left, top, left + 21, _HORIZON - 1), _WALL, _EDGE)
    told = io.BytesIO()
    image.point(lambda part: max(0, part - shade)).save(told, "PNG")
    return told.getvalue()
