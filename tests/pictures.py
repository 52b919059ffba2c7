"""Photos as phones send them, for tests: with a position, a camera, words and more beside the picture."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

SECRET = "โทรศัพท์ของสมชาย".encode()
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><photographer>" + SECRET + b"</photographer></x:xmpmeta>"


def picture(width: int = 64, height: int = 48) -> Image.Image:
    """A picture whose every corner has a colour of its own, so that one that was turned is noticed."""
    image = Image.new("RGB", (width, height), "white")
    for x in range(width):
        for y in range(height):
            image.putpixel((x, y), (x * 255 // width, y * 255 // height, (x * y) % 256))
    return image


def notes(orientation: int = 6) -> bytes:
    """What a phone writes: the camera, how it was held, where it was."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Camera " + "of Somchai"
    exif[0x8825] = {1: "N", 2: (17.0, 52.0, 41.0), 3: "E", 4: (102.0, 44.0, 28.0)}
    return exif.tobytes()


def photo(kind: str = "JPEG", orientation: int = 6, **more: Any) -> bytes:
    """A photo of this kind with all of it."""
    file = io.BytesIO()
    given: dict[str, Any] = {"exif": notes(orientation), **more}
    if kind == "PNG":
        words = PngInfo()
        words.add_text("Comment", SECRET.decode())
        words.add_itxt("XML:com.adobe.xmp", XMP.decode())
        given["pnginfo"] = words
    else:
        given["xmp"] = XMP
        given |= {"comment": SECRET} if kind == "JPEG" else {"lossless": True}
    picture().save(file, kind, **given)
    return file.getvalue()
