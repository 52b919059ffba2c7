"""Whoever may do less than before, or has another way to do it, is told so in their notices."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from osm_flow.store.database import instant_text

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

positions = sa.table(
    "positions",
    sa.column("person_id", sa.Integer),
    sa.column("office_id", sa.String),
    sa.column("role", sa.String),
    sa.column("valid_to", sa.Date),
)
notifications = sa.table(
    "notifications",
    sa.column("person_id", sa.Integer),
    sa.column("kind", sa.String),
    sa.column("text_th", sa.Text),
    sa.column("text_en", sa.Text),
    sa.column("url", sa.String),
    sa.column("at", sa.String),
)

_HEADS = (
    "cluster_head",
    "cluster_deputy",
    "province_office_head",
    "osm_director",
    "osm_admin_head",
    "osm_strategy_head",
    "osm_me_head",
)
# Roles in an office, what they read in Thai and in English, and the page that it is about.
TOLD = (
    (
        ("admin",),
        "สิทธิ์ของผู้ดูแลระบบของกลุ่มจังหวัดเปลี่ยนไป การประกาศใช้แผนภาพ วันหยุดของทั้งประเทศ และการลงนามบันทึกรวม เป็นของผู้ดูแลระบบกลาง "
        "แผนภาพรุ่นใหม่เสนอได้ที่หน้าแบบกระบวนการ",
        "What an administrator of a cluster may do has changed: publishing diagrams, the nation's holidays and signing the log belong to "
        "administrators of the whole system. Propose new diagrams on the page of processes.",
        "/definitions",
    ),
    (
        ("osm_director", "osm_strategy_head", "osm_strategy", "osm_me_head", "osm_secretariat"),
        "วันหยุดที่คุณเพิ่มหรือแก้จากนี้ใช้กับกลุ่มจังหวัดของคุณเท่านั้น วันหยุดของทั้งประเทศเปลี่ยนได้โดยผู้ดูแลระบบกลาง",
        "Holidays that you add or change hold for your cluster only from now on; those of the whole country are changed by an administrator "
        "of the whole system.",
        "/calendar/holidays",
    ),
    (
        _HEADS,
        "มอบหมายให้ผู้อื่นรักษาราชการแทนหรือปฏิบัติราชการแทนได้เองที่หน้าบัญชีของฉัน และงานที่ส่งต่อได้เหลือเฉพาะงานในกลุ่มงานของคุณ "
        "ผู้รับต้องเป็นผู้มีสิทธิ์ทำงานนั้น",
        "You can let somebody act or sign for you yourself, on your account page. You hand on only work of your own section, and only to "
        "who may do it.",
        "/account",
    ),
)


def upgrade() -> None:
    """Tell the holders of posts that have not ended; in an empty database there is nobody to tell."""
    connection = op.get_bind()
    clock: datetime = connection.scalars(sa.select(sa.func.now())).one()
    now = clock.replace(tzinfo=UTC) if clock.tzinfo is None else clock.astimezone(UTC)
    held = sa.or_(positions.c.valid_to.is_(None), positions.c.valid_to >= now.date())
    for roles, text_th, text_en, url in TOLD:
        query = sa.select(positions.c.person_id).distinct()
        query = query.where(positions.c.role.in_(roles), positions.c.office_id.is_not(None), held)
        told = {"kind": "change", "text_th": text_th, "text_en": text_en, "url": url, "at": instant_text(now)}
        rows = [
            {"person_id": person_id, **told} for person_id in connection.scalars(query.order_by(positions.c.person_id))
        ]
        if rows:
            connection.execute(sa.insert(notifications), rows)


def downgrade() -> None:
    """What people were told stays with them."""
