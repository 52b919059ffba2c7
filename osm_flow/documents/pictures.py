"""Photos as the office keeps them: only the picture, checked by drawing it, with a small one for pages."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

from PIL import Image, ImageOps

from osm_flow.domain.pictures.stripping import NoPicture, TakenOff, TwoThings, strip
from osm_flow.errors import Invalid

# Larger ones take more memory to draw than a small machine has to spare.
MOST_PIXELS = 50_000_000
MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
_PREVIEW, _QUALITY = (800, 800), 80
# What drawing a broken or hostile picture raises.
_BROKEN = (OSError, ValueError, SyntaxError, TypeError, LookupError, ArithmeticError, struct.error, zlib.error)


class PhotoUnreadable(Invalid):
    """This is no photo that can be drawn: a whole JPEG, PNG or WebP. Take it again, or save it as JPEG."""


class PhotoOfTwoKinds(Invalid):
    """This file is a picture and something else at once. Nothing was kept: open it in a picture program and save it as JPEG."""


class PhotoTooLarge(Invalid):
    """The photo has more than {millions} million pixels. Make it smaller and add it again."""

    status = 413


@dataclass(frozen=True)
class Photo:
    """A photo that may be kept: its bytes without what was taken off, its media type, and a small one as JPEG."""

    content: bytes
    media_type: str
    preview: bytes
    taken: tuple[TakenOff, ...]


def read_photo(content: bytes) -> Photo:
    """The photo alone. Raises PhotoUnreadable, PhotoOfTwoKinds, PhotoTooLarge."""
    try:
        stripped = strip(content)
    except NoPicture as error:
        raise _fault(PhotoUnreadable) from error
    except TwoThings as error:
        raise _fault(PhotoOfTwoKinds) from error
    try:
        with Image.open(io.BytesIO(stripped.content), formats=tuple(MEDIA_TYPES)) as image:
            if image.width * image.height > MOST_PIXELS:
                raise _fault(PhotoTooLarge)
            media_type = MEDIA_TYPES[str(image.format)]
            return Photo(stripped.content, media_type, _small(image), stripped.taken)
    except Image.DecompressionBombError as error:
        raise _fault(PhotoTooLarge) from error
    except _BROKEN as error:
        raise _fault(PhotoUnreadable) from error


def _fault(kind: type[Invalid]) -> Invalid:
    return kind(fields={"file": kind.__doc__ or ""}, millions=MOST_PIXELS // 1_000_000)


def _small(image: Image.Image) -> bytes:
    """The picture upright, as it is shown on pages; drawing it reads all of its data."""
    profile = image.info.get("icc_profile")
    image.draft("RGB", _PREVIEW)
    small = ImageOps.exif_transpose(image)
    small.thumbnail(_PREVIEW)
    if small.mode in ("RGBA", "LA", "PA", "P"):
        drawn = small.convert("RGBA")
        small = Image.new("RGB", drawn.size, "white")
        small.paste(drawn, mask=drawn.getchannel("A"))
    file = io.BytesIO()
    colours = {"icc_profile": profile} if profile and small.mode == "RGB" else {}
    small.convert("RGB").save(file, "JPEG", quality=_QUALITY, optimize=True, **colours)
    return file.getvalue()
