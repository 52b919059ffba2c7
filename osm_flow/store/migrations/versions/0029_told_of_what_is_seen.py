"""Whoever reads less than before is told so in their notices: parties outside, and people of the provinces."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from osm_flow.store.database import instant_text

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

people = sa.table("people", sa.column("id", sa.Integer), sa.column("locked_at", sa.String))
positions = sa.table(
    "positions",
    sa.column("person_id", sa.Integer),
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

# Roles, what they read in Thai and in English, and the page that it is about.
Told = tuple[tuple[str, ...], str, str, str]
TOLD: tuple[Told, ...] = (
    (
        ("agency_owner", "kbk_member", "local_gov"),
        "จากนี้คุณเห็นเฉพาะงานที่ส่งถึงหน่วยงานหรือตัวคุณ พร้อมเอกสารที่งานนั้นแสดงให้ดู "
        "ไม่เห็นหน้าเรื่อง ประวัติ และงานของหน่วยงานอื่น งานทั้งหมดของคุณอยู่ในกล่องงาน",
        "From now on you see only the work items that are sent to your agency or to you, with the papers that they show. The pages and "
        "histories of cases, and the work of others, are not shown any more. All your work is in your inbox.",
        "/inbox",
    ),
    (
        ("province_governor", "province_planner", "prov_treasury"),
        "จากนี้คุณเห็นเฉพาะเรื่องของจังหวัดคุณ และงานที่ส่งถึงจังหวัดหรือตัวคุณ เรื่องที่ถามหลายจังหวัดพร้อมกัน "
        "เห็นเฉพาะงานส่วนของจังหวัดคุณ งานทั้งหมดของคุณอยู่ในกล่องงาน",
        "From now on you see only the cases of your province, and the work items that are sent to it or to you. Of a case that asks several "
        "provinces you see the work item of yours. All your work is in your inbox.",
        "/inbox",
    ),
)


def upgrade() -> None:
    tell(TOLD)


def tell(notices: tuple[Told, ...]) -> None:
    """Tell once whoever holds such a post today or later; in an empty database there is nobody to tell."""
    connection = op.get_bind()
    clock: datetime = connection.scalars(sa.select(sa.func.now())).one()
    now = clock.replace(tzinfo=UTC) if clock.tzinfo is None else clock.astimezone(UTC)
    held = sa.or_(positions.c.valid_to.is_(None), positions.c.valid_to >= now.date())
    for roles, text_th, text_en, url in notices:
        told = {"kind": "change", "text_th": text_th, "text_en": text_en, "url": url, "at": instant_text(now)}
        already = sa.select(notifications.c.person_id).where(
            notifications.c.kind == "change", notifications.c.text_th == text_th
        )
        query = sa.select(positions.c.person_id).distinct().join(people, people.c.id == positions.c.person_id)
        query = query.where(positions.c.role.in_(roles), held, people.c.locked_at.is_(None))
        query = query.where(positions.c.person_id.not_in(already)).order_by(positions.c.person_id)
        if rows := [{"person_id": person_id, **told} for person_id in connection.scalars(query).all()]:
            connection.execute(sa.insert(notifications), rows)


def downgrade() -> None:
    """What people were told stays with them, so it is not told a second time."""
