"""A picture without what is no picture: its pixels stay byte for byte, what cameras and programs wrote beside them goes.

Kept is a list of parts that draw the picture; whatever else there is goes, known or not, and so does what lies behind its
end. How the picture is held stays, for without it a phone's photo lies on its side.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from osm_flow.domain.pictures.exif import UPRIGHT, CameraNotes, orientation_alone, read_notes


class TakenOff(StrEnum):
    """What was in a file beside the picture."""

    position = "position"
    camera = "camera"
    words = "words"
    more = "more"


class NoPicture(ValueError):
    """The bytes are no whole picture of their kind."""


class TwoThings(ValueError):
    """The bytes are a picture and a file of another kind at once."""


@dataclass(frozen=True)
class Stripped:
    """The picture alone, and what was taken off."""

    content: bytes
    taken: tuple[TakenOff, ...]


@dataclass
class _Parts:
    kept: list[bytes] = field(default_factory=list)
    dropped: list[bytes] = field(default_factory=list)
    taken: set[TakenOff] = field(default_factory=set)
    notes: CameraNotes = field(default_factory=CameraNotes)

    def drop(self, part: bytes, what: TakenOff) -> None:
        self.dropped.append(part)
        self.taken.add(what)

    def hear(self, tiff: bytes) -> None:
        self.notes = read_notes(tiff)
        self.dropped.append(tiff)
        self.taken.add(TakenOff.camera)
        if self.notes.has_position:
            self.taken.add(TakenOff.position)

    def stripped(self, content: bytes) -> Stripped:
        return Stripped(content, tuple(one for one in TakenOff if one in self.taken))


# What makes a file of another kind of it, wherever readers of that kind look.
_ZIP_END, _ZIP_LOOKS_BACK = b"PK\x05\x06", 66_000
_PDF, _PDF_LOOKS = b"%PDF-", 1_024
_SCRIPT = re.compile(rb"<\s*(?:script|html|\?php|!doctype)", re.IGNORECASE)
_PNG = b"\x89PNG\r\n\x1a\n"


def strip(content: bytes) -> Stripped:
    """The picture alone. Raises NoPicture for what is no JPEG, PNG or WebP or is broken, TwoThings for a file of two kinds."""
    if _ZIP_END in content[-_ZIP_LOOKS_BACK:] or _PDF in content[:_PDF_LOOKS]:
        raise TwoThings
    try:
        if content.startswith(b"\xff\xd8\xff"):
            parts, done = _jpeg(content)
        elif content.startswith(_PNG):
            parts, done = _png(content)
        elif content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            parts, done = _webp(content)
        else:
            raise NoPicture
    except (struct.error, IndexError) as error:
        raise NoPicture from error
    if any(_SCRIPT.search(part) for part in parts.dropped if not _is_xmp(part)):
        raise TwoThings
    return parts.stripped(done)


def _is_xmp(part: bytes) -> bool:
    return b"adobe:ns:meta" in part[:1_024] or part.startswith(b"http://ns.adobe.com/")


# ---- JPEG (ITU T.81) ---------------------------------------------------------------------------------------------

_SCAN, _END = 0xDA, 0xD9
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
# Behind a scan: the next marker that is neither a stuffed zero nor a restart.
_NEXT = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)
_EXIF, _ICC, _ADOBE, _JFIF = b"Exif\0\0", b"ICC_PROFILE\0", b"Adobe", b"JFIF\0"


def _jpeg(content: bytes) -> tuple[_Parts, bytes]:
    parts, end = _Parts(), 0
    for marker, part, behind in _segments(content):
        body, end = part[4:], behind
        if marker == 0xE0 and body.startswith(_JFIF):
            # The picture that may lie in it is left out.
            parts.kept.append(b"\xff\xe0\x00\x10" + body[:12].ljust(12, b"\0") + b"\0\0")
            if any(body[12:]):
                parts.drop(body, TakenOff.more)
        elif marker == 0xE1 and body.startswith(_EXIF):
            parts.hear(body[len(_EXIF) :])
        elif (marker == 0xE2 and body.startswith(_ICC)) or (marker == 0xEE and body.startswith(_ADOBE)):
            parts.kept.append(part)
        elif marker == 0xFE or marker in (0xE1, 0xED):
            parts.drop(body, TakenOff.words)
        elif 0xE0 <= marker <= 0xEF:
            parts.drop(body, TakenOff.more)
        else:
            parts.kept.append(part)
    if content[end:].strip(b"\0"):
        parts.drop(content[end:], TakenOff.more)
    done = b"\xff\xd8" + _held(parts.notes) + b"".join(parts.kept)
    return parts, done


def _held(notes: CameraNotes) -> bytes:
    if notes.orientation == UPRIGHT:
        return b""
    body = _EXIF + orientation_alone(notes.orientation)
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def _segments(content: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Each marker with its segment, a scan with all its data, and where the next one begins; up to the end of the picture."""
    place = 2
    while True:
        if content[place] != 0xFF:
            raise NoPicture
        while content[place] == 0xFF:
            place += 1
        marker, place = content[place], place + 1
        if marker == _END:
            yield marker, b"\xff\xd9", place
            return
        if marker in _ALONE or marker == 0:
            raise NoPicture
        (length,) = struct.unpack_from(">H", content, place)
        if length < 2 or place + length > len(content):
            raise NoPicture
        begun, place = place - 2, place + length
        if marker == _SCAN:
            following = _NEXT.search(content, place)
            if following is None:
                raise NoPicture
            place = following.start()
        yield marker, b"\xff" + content[begun + 1 : place], place


# ---- PNG (ISO 15948) ---------------------------------------------------------------------------------------------

_DRAWING = frozenset(
    {
        b"IHDR",
        b"PLTE",
        b"IDAT",
        b"IEND",
        b"tRNS",
        b"gAMA",
        b"cHRM",
        b"sRGB",
        b"iCCP",
        b"sBIT",
        b"bKGD",
        b"pHYs",
        b"cICP",
    }
)


def _png(content: bytes) -> tuple[_Parts, bytes]:
    parts, place, kind = _Parts(), len(_PNG), b""
    while kind != b"IEND":
        (length,) = struct.unpack_from(">I", content, place)
        kind, body = content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        (check,) = struct.unpack_from(">I", content, place + 8 + length)
        if zlib.crc32(kind + body) != check:
            raise NoPicture
        chunk, place = content[place : place + 12 + length], place + 12 + length
        if kind in _DRAWING:
            parts.kept.append(chunk)
        elif kind == b"eXIf":
            parts.hear(body)
        elif kind in (b"tEXt", b"zTXt", b"iTXt", b"tIME"):
            parts.drop(body, TakenOff.words)
        else:
            parts.drop(body, TakenOff.more)
    if content[place:].strip(b"\0"):
        parts.drop(content[place:], TakenOff.more)
    if parts.kept[0][4:8] != b"IHDR":
        raise NoPicture
    head, *others = parts.kept
    return parts, b"".join([_PNG, head, _chunk_of(parts.notes), *others])


def _chunk_of(notes: CameraNotes) -> bytes:
    if notes.orientation == UPRIGHT:
        return b""
    body = b"eXIf" + orientation_alone(notes.orientation)
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


# ---- WebP (RFC 9649) ---------------------------------------------------------------------------------------------

_OF_WEBP = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP"})
_SAYS_EXIF, _SAYS_XMP = 0x08, 0x04


def _webp(content: bytes) -> tuple[_Parts, bytes]:
    parts, place = _Parts(), 12
    end = 8 + struct.unpack_from("<I", content, 4)[0]
    if end > len(content):
        raise NoPicture
    while place + 8 <= end:
        kind = content[place : place + 4]
        (length,) = struct.unpack_from("<I", content, place + 4)
        body = content[place + 8 : place + 8 + length]
        if len(body) != length:
            raise NoPicture
        if kind in _OF_WEBP:
            parts.kept.append(_piece(kind, body))
        elif kind == b"EXIF":
            parts.hear(body.removeprefix(_EXIF))
        elif kind == b"XMP ":
            parts.drop(body, TakenOff.words)
        elif kind in (b"ANIM", b"ANMF"):
            raise NoPicture
        else:
            parts.drop(body, TakenOff.more)
        place += 8 + length + length % 2
    if content[end:].strip(b"\0"):
        parts.drop(content[end:], TakenOff.more)
    return parts, _together(parts)


def _together(parts: _Parts) -> bytes:
    kept = list(parts.kept)
    if kept and kept[0][:4] == b"VP8X":
        says = kept[0][8] & ~(_SAYS_EXIF | _SAYS_XMP)
        if parts.notes.orientation != UPRIGHT:
            says |= _SAYS_EXIF
            kept.append(_piece(b"EXIF", orientation_alone(parts.notes.orientation)))
        kept[0] = kept[0][:8] + bytes([says]) + kept[0][9:]
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _piece(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
