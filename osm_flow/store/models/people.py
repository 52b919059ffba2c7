"""Offices, provinces, people, and the positions they hold over periods."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, String, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from osm_flow.store.database import Instant, Model


class Office(Model):
    """The Office of Strategy Management of one provincial cluster; `id` is the cluster code (NE-U1)."""

    __tablename__ = "offices"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    name_th: Mapped[str] = mapped_column(String(255))
    name_en: Mapped[str] = mapped_column(String(255))
    region_th: Mapped[str] = mapped_column(String(64))
    region_en: Mapped[str] = mapped_column(String(64))

    provinces: Mapped[list[Province]] = relationship(back_populates="office", order_by="Province.id")


class Province(Model):
    """A province; `id` is its ISO 3166-2 code (TH-41)."""

    __tablename__ = "provinces"

    id: Mapped[str] = mapped_column(String(8), primary_key=True)
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"), index=True)
    name_th: Mapped[str] = mapped_column(String(64))
    name_en: Mapped[str] = mapped_column(String(64))
    abbr_th: Mapped[str] = mapped_column(String(8))
    is_centre: Mapped[bool] = mapped_column(default=False)

    office: Mapped[Office] = relationship(back_populates="provinces")


class Person(Model):
    """The account of someone who signs in. Locking raises `session_epoch`, which ends every session at its next request.

    `office_id` is the office that made the account; it counts until the person holds a first position.
    The records of administration have a digest of `display_name` with `name_salt`, which goes when the name has to be erased.
    `employee_number` is kept here alone, in its one spelling; of accounts that are not locked one has it.
    `one_person` is the same text for all accounts of one person, and None for who has a single one.
    """

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    display_name: Mapped[str] = mapped_column(String(255))
    name_salt: Mapped[str] = mapped_column(String(32), default="", server_default="")
    email: Mapped[str | None] = mapped_column(String(255))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    locale: Mapped[str] = mapped_column(String(8), default="th")
    office_id: Mapped[str | None] = mapped_column(String(16))
    employee_number: Mapped[str | None] = mapped_column(String(32))
    one_person: Mapped[str | None] = mapped_column(String(32), index=True)
    session_epoch: Mapped[int] = mapped_column(default=0)
    locked_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)

    positions: Mapped[list[Position]] = relationship(back_populates="person", foreign_keys="Position.person_id")

    __table_args__ = (
        Index(
            None,
            "employee_number",
            unique=True,
            sqlite_where=text("locked_at IS NULL"),
            postgresql_where=text("locked_at IS NULL"),
        ),
    )


class Position(Model):
    """A person carries a role in an office (and perhaps one province or agency) over a period, both days included.

    `kind`: substantive, acting (รักษาราชการแทน: has the powers of the post) or delegated (ปฏิบัติราชการแทน: signs on
    behalf of `for_person_id`). `letter` names the order that made it. While it `waits` for a second person it is not held;
    `given_by` is the user name of the first, `confirmed_by` that of the second.
    """

    __tablename__ = "positions"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    office_id: Mapped[str | None] = mapped_column(ForeignKey("offices.id"), index=True)
    province_id: Mapped[str | None] = mapped_column(ForeignKey("provinces.id"))
    role: Mapped[str] = mapped_column(String(64))
    title_th: Mapped[str] = mapped_column(String(255), default="")
    title_en: Mapped[str] = mapped_column(String(255), default="")
    kind: Mapped[str] = mapped_column(String(16), default="substantive")
    for_person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    letter: Mapped[str | None] = mapped_column(String(255))
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    waits: Mapped[bool] = mapped_column(default=False, server_default=false())
    given_by: Mapped[str | None] = mapped_column(String(64))
    given_at: Mapped[datetime | None] = mapped_column(Instant)
    confirmed_by: Mapped[str | None] = mapped_column(String(64))
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)

    person: Mapped[Person] = relationship(back_populates="positions", foreign_keys=[person_id])
    for_person: Mapped[Person | None] = relationship(foreign_keys=[for_person_id])

    __table_args__ = (Index(None, "office_id", "role", "province_id"),)


class LoginAttempt(Model):
    """A failed or successful sign-in, counted by every web process alike to slow down guessing."""

    __tablename__ = "login_attempts"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64), index=True)
    address: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime] = mapped_column(Instant, index=True)
    succeeded: Mapped[bool] = mapped_column()
    note: Mapped[str] = mapped_column(Text, default="")
