"""Thai names come in the order of the dictionary, whatever the database is."""

from __future__ import annotations

import pytest

from osm_flow.domain.thai_order import thai_order


@pytest.mark.parametrize(
    "ordered",
    [
        # The 20 provinces of the north east, as the Royal Institute lists them.
        "กาฬสินธุ์ ขอนแก่น ชัยภูมิ นครพนม นครราชสีมา บึงกาฬ บุรีรัมย์ มหาสารคาม มุกดาหาร ยโสธร ร้อยเอ็ด เลย ศรีสะเกษ สกลนคร สุรินทร์ "
        "หนองคาย หนองบัวลำภู อำนาจเจริญ อุดรธานี อุบลราชธานี",
        "กะ กา กาน ก่าน ก้าน กาม กิน เกา แก ไก่ ขา",
        "ปา ป่า ป้า ป๊า ป๋า ปาก",
        "อาสา เอก แอน โอภาส ไอรีน ฮานา",
        "2 ๓ Anan malee กมล",
    ],
)
def test_names_are_in_order(ordered: str) -> None:
    names = ordered.split()
    mixed = names[1::2] + names[::2]

    assert sorted(mixed, key=thai_order) == names


def test_signs_that_nobody_sees_move_no_name() -> None:
    names = ["ก\u200bา", "กิ", "\u2060กะ"]

    assert sorted(names, key=thai_order) == ["\u2060กะ", "ก\u200bา", "กิ"]
