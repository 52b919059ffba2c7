"""What people spell in several ways is found by one spelling."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osm_flow.domain.search import asked, holds_words, searchable, typed_text


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("น\u0e4d\u0e49า", "น้ำ"),  # NIKHAHIT, tone, SARA AA
        ("น\u0e49\u0e4dา", "น้ำ"),  # tone, NIKHAHIT, SARA AA
        ("น\u0e33\u0e49", "น้ำ"),  # SARA AM before its tone
        ("ค\u0e32\u0e4d", "คำ"),  # SARA AA before NIKHAHIT
        ("น\u0e49\u0e32\u0e4d", "น้ำ"),  # tone, SARA AA, NIKHAHIT
        ("น\u0e32\u0e49\u0e4d", "น้ำ"),  # SARA AA, tone, NIKHAHIT
        ("น\u0e32\u0e4d\u0e49", "น้ำ"),  # SARA AA, NIKHAHIT, tone
        ("น\u0e4d\u0e32\u0e49", "น้ำ"),  # NIKHAHIT, SARA AA, tone
        ("ส\u0e32\u0e4dเร็จ", "สำเร็จ"),
        ("ก\u0e32\u0e4dหนด", "กำหนด"),
        ("เเผน", "แผน"),  # two SARA E for one SARA AE
        ("ปี ๒๕๗๑", "ปี 2571"),
        ("  REV-NE-U1  ", "rev-ne-u1"),
        ("Straße", "strasse"),
    ],
)
def test_spellings_meet(typed: str, kept: str) -> None:
    assert searchable(typed) == searchable(kept) == kept


def test_nothing_is_nothing() -> None:
    assert searchable(None, "", None) == ""


PLAIN = "น้ำท่วมจังหวัดน่าน ที่ดินต่างๆ"


@pytest.mark.parametrize(
    "spelled",
    [
        "น้ำ\u200bท่วม\u200bจังหวัด\u2060น่าน ที่ดินต่างๆ",  # zero-width space, word joiner
        "\ufeff\u202aน้ำท่วมจังหวัดน่าน\u202c ที่ดินต่างๆ",  # byte order mark, direction signs
        "น้\u00adำท่วมจังหวัดน่าน\u00a0ที่ดินต่างๆ",  # soft hyphen, no-break space
        "น\u0e33\u0e49ท่วมจังหวัดน่าน ท\u0e48\u0e35ดินต่างๆ",  # tone before its vowel, SARA AM before its tone
        "น้ำท่่วมจังหวัดน่าน ที่่ดินต่างๆ",  # doubled tones
        "น้ำท่วมจัังหวัดน่าน ที่ดินต่างๆ",  # a doubled vowel
        "น ้าท่วมจังหวัดน่าน ท ี่ดินต่างๆ",  # a PDF that lost the ring of SARA AM, blanks before marks
        "น\uf70b\u0e4dาท่วมจังหวัดน่าน ท\uf702\uf70aดินต่างๆ",  # glyphs of the private use area
        "น้ำท่วมจังหวัดน่าน ที่ดินต่าง ๆ",
        "น้ำท่วม จังหวัดน่าน\nที่ดินต่างๆ".replace("ท่วม จ", "ท่วมจ"),
    ],
)
def test_what_looks_the_same_is_the_same(spelled: str) -> None:
    assert searchable(spelled) == PLAIN
    assert holds_words(f"เรื่อง {spelled} อื่น", PLAIN)
    assert holds_words(f"เรื่อง {PLAIN} อื่น", spelled)


@pytest.mark.parametrize(
    ("kept", "looked_for"),
    [
        ("งบ ๑,๒๕๐,๐๐๐.๕๐ บาท", "1250000.50"),
        (1250000.5, "๑,๒๕๐,๐๐๐.๕๐"),
        (1250000.0, "1,250,000.00"),
        (1250000, "1,250,000"),
        ("2026-11-20", "๒๐ พ.ย. ๒๕๖๙"),
        ("ประชุม 20 พฤศจิกายน 2569 บ่าย", "20/11/2569"),
        ("ประชุม 20/11/2569", "วันที่ 20 เดือนพฤศจิกายน พ.ศ. 2569"),
        ("ประชุม 20/11/2569", "วันศุกร์ที่ 20 พฤศจิกายน พุทธศักราช ๒๕๖๙"),
        ("ประชุม 20/11/2569", "20 November 2026"),
        ("ประชุม 20/11/2569", "20 พฤศจิกา 2569"),
        ("วันที่ 20 เดือนพฤศจิกายน พ.ศ. 2569", "20/11/2569"),
        ("on 20 November 2026", "๒๐/๑๑/๒๕๖๙"),
        ("ลงวันที่ ๑ ธันวา ๒๕๖๙", "1/12/2569"),
        ("ประชุม 20/11/2569", "20 พฤศจิกายน พ.ศ. ๒๕๖๙"),
        ("ลงวันที่ ๕ ส.ค. ๖๙", "5 สิงหาคม 2569"),
        ("ประชุม 20 พฤศจิกายน 2569", "พฤศจิกายน 2569"),
        ("ลงวันที่ ๕ ส.ค. ๖๙", "5/8/69"),
        ("ลงวันที่ 5/8/69", "๕ สิงหาคม ๒๕๖๙"),
        ("งบ 24,000,000/- บาท", "24000000"),
        ("งบ 24000000 บาท", "๒๔,๐๐๐,๐๐๐.-"),
        ("โทร 0812345678", "๐๘๑-๒๓๔๕๖๗๘"),
        ("โทร ๐๘๑-๒๓๔๕๖๗๘ ต่อ 5", "0812345678"),
        ("โทร 081 234 5678", "081-234-5678"),
        ("โทร (053) 123-456", "053123456"),
        ("บัตร 1-2345-67890-12-3", "1234567890123"),
        (1234567890123, "1-2345-67890-12-3"),
        ("โทร 081–2345678", "โทร 081‑234‑5678"),  # dashes of word processors
    ],
)
def test_numbers_and_dates_are_found_however_they_are_written(kept: object, looked_for: str) -> None:
    found = typed_text({"a": [kept]})

    assert any(spelling in found for spelling in asked(looked_for))


@pytest.mark.parametrize(
    ("kept", "looked_for"),
    [("12,345", "1234"), ("1.10.2", "1.1.2"), ("20/11/2569", "20/12/2569"), ("15", "1-5"), ("2569-2570", "25692570")],
)
def test_what_differs_is_not_the_same(kept: str, looked_for: str) -> None:
    assert not any(spelling == searchable(kept) for spelling in asked(looked_for))


@pytest.mark.parametrize("text", ["\u200b", "\u200b \ufeff", "", " "])
def test_nothing_seen_is_nothing_asked(text: str) -> None:
    assert asked(text) == []


@given(st.text(alphabet="นก \u0e31\u0e32\u0e33\u0e34\u0e47\u0e48\u0e49\u0e4d", max_size=12))
@settings(max_examples=2000)
def test_marks_in_any_order_come_to_one_order(text: str) -> None:
    once = searchable(text).split("\n")[0]

    assert searchable(once).split("\n")[0] == once


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
def test_the_normal_form_is_its_own_normal_form(text: str) -> None:
    once = searchable(text).split("\n")[0]

    assert searchable(once).split("\n")[0] == once
