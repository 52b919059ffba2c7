"""Whoever manages people, or hands on work, is told what employee numbers and two people mean for them."""

from __future__ import annotations

from importlib import import_module

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

# Roles, what they read in Thai and in English, and the page that it is about.
TOLD = (
    (
        ("admin",),
        "บัญชีผู้ใช้มีเลขประจำตัวเจ้าหน้าที่แล้ว บัญชีเดิมใช้งานได้ตามปกติ เพิ่มเลขเมื่อสะดวก ส่วนบัญชีใหม่ของเจ้าหน้าที่ต้องมีเลขก่อนกำหนดตำแหน่งแรก "
        "บัญชีที่เป็นของคนเดียวกันนับเป็นคนเดียวในขั้นที่ต้องใช้สองคน",
        "Accounts have an employee number now. Those of before work as they did; add the number when convenient. A new account of staff needs "
        "one before its first post. Accounts of one person count as one wherever two people are needed.",
        "/people/without-number",
    ),
    (
        (
            "cluster_head",
            "cluster_deputy",
            "province_office_head",
            "osm_director",
            "osm_admin_head",
            "osm_strategy_head",
            "osm_me_head",
            "admin",
        ),
        "จากนี้ผู้ที่ทำงานชิ้นหนึ่งส่งต่อหรือมอบงานตรวจของงานนั้นให้ผู้อื่นไม่ได้ และตำแหน่งที่ผู้นั้นให้หรือยืนยันระหว่างนั้นใช้ตรวจงานของผู้นั้นไม่ได้ "
        "ให้ผู้ที่ไม่ได้ทำงานนั้นดำเนินการแทน",
        "From now on, whoever did a piece of work does not hand on the work item that checks it, and a post that they gave or confirmed "
        "meanwhile is no post to check it. Somebody who has no hand in it does so instead.",
        "/inbox",
    ),
)


def upgrade() -> None:
    """Tell once whoever holds such a post today or later."""
    import_module("osm_flow.store.migrations.versions.0029_told_of_what_is_seen").tell(TOLD)


def downgrade() -> None:
    """What people were told stays with them, so it is not told a second time."""
