"""Photos lose all that is no picture and not one pixel; what cannot be drawn, or is something else besides, is refused."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from osm_flow.documents.pictures import (
    MEDIA_TYPES,
    MOST_PIXELS,
    PhotoOfTwoKinds,
    PhotoTooLarge,
    PhotoUnreadable,
    read_photo,
)
from osm_flow.domain.pictures.stripping import TakenOff
from osm_flow.errors import Invalid
from tests.pictures import SECRET, photo, picture

KINDS = ["JPEG", "PNG", "WEBP"]


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("kind", KINDS)
def test_a_photo_loses_what_was_written_beside_it_and_no_pixel(kind: str, orientation: int) -> None:
    before = photo(kind, orientation)

    kept = read_photo(before)

    after = opened(kept.content)
    assert kept.media_type == MEDIA_TYPES[kind]
    assert after.tobytes() == opened(before).tobytes()
    assert dict(after.getexif()) == ({} if orientation == 1 else {0x0112: orientation})
    for trace in (SECRET, b"Camera", b"of Somchai", b"photographer", b"xmp"):
        assert trace not in kept.content
    assert {TakenOff.position, TakenOff.camera, TakenOff.words} <= set(kept.taken)
    again = read_photo(kept.content)
    assert again.content == kept.content


@pytest.mark.parametrize("kind", KINDS)
def test_the_small_one_is_upright_and_says_nothing(kind: str) -> None:
    kept = read_photo(photo(kind, 6))

    small = opened(kept.preview)
    assert (small.format, small.size) == ("JPEG", (48, 64))
    assert dict(small.getexif()) == {}
    assert SECRET not in kept.preview


@pytest.mark.parametrize("more", [{"progressive": True}, {"restart_marker_blocks": 2}, {"subsampling": 0}])
def test_every_way_of_writing_a_jpeg_is_read(more: dict[str, object]) -> None:
    before = photo("JPEG", **more)

    assert opened(read_photo(before).content).tobytes() == opened(before).tobytes()


def test_colours_stay_and_a_picture_without_notes_stays_as_it_is() -> None:
    file = io.BytesIO()
    picture().save(file, "JPEG", icc_profile=b"a profile of colours")

    kept = read_photo(file.getvalue())

    assert (kept.content, kept.taken) == (file.getvalue(), ())


def test_what_phones_put_behind_a_picture_goes() -> None:
    """A short film, or a second picture."""
    kept = read_photo(photo("JPEG", 1) + b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 20)

    assert TakenOff.more in kept.taken
    assert kept.content.endswith(b"\xff\xd9")
    assert b"ftyp" not in kept.content


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("a.exe", "MZ")
    return file.getvalue()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", ["zip", "script", "pdf"])
def test_a_file_of_two_kinds_is_refused(kind: str, other: str) -> None:
    before = photo(kind, 1)
    content = {
        "zip": before + archive(),
        "script": before + b"<script>alert(1)</script>",
        "pdf": before[:2] + b"\xff\xfe\x00\x0a%PDF-1.7" + before[2:] if kind == "JPEG" else before[:20] + b"%PDF-1.7",
    }[other]

    with pytest.raises(PhotoOfTwoKinds) as caught:
        read_photo(content)
    assert "file" in caught.value.fields


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_picture_is_refused(kind: str) -> None:
    before = photo(kind)

    for share in (0.1, 0.5, 0.9, 0.99):
        with pytest.raises(PhotoUnreadable):
            read_photo(before[: int(len(before) * share)])


@pytest.mark.parametrize(
    "content", [b"", b"GIF89a" + bytes(40), b"<svg/>", b"\xff\xd8\xff", b"\0\0\0\x18ftypheic" + bytes(99)]
)
def test_what_is_no_photo_is_refused(content: bytes) -> None:
    with pytest.raises(PhotoUnreadable):
        read_photo(content)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.mark.parametrize("side", [8_000, 60_000])
def test_a_picture_that_swells_is_refused_before_it_is_drawn(side: int) -> None:
    assert side * side > MOST_PIXELS
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    content = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(99_999))) + chunk(b"IEND", b"")
    )

    with pytest.raises(PhotoTooLarge):
        read_photo(content)


@given(st.sampled_from(KINDS), st.data())
@settings(max_examples=150)
def test_whatever_is_sent_is_kept_without_its_notes_or_refused_in_words(kind: str, data: st.DataObject) -> None:
    content = bytearray(photo(kind))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[place] = data.draw(st.integers(0, 255))
        else:
            content[place:place] = data.draw(st.binary(max_size=12))
    try:
        kept = read_photo(bytes(content))
    except Invalid:
        return
    assert 0x8825 not in opened(kept.content).getexif()
    assert opened(kept.preview).format == "JPEG"
