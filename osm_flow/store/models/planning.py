"""The dates of the cycle, the projects it carries and the letters it sends."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Date, ForeignKey, Index, Numeric, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from osm_flow.store.database import Instant, Model


class FiscalDate(Model):
    """A milestone of the fiscal calendar of an office: `plan_submit` of FY 2571 is on this date, says this letter.

    `status`: planned, announced or actual.
    """

    __tablename__ = "fiscal_calendar"

    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"), primary_key=True)
    fiscal_year: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    date: Mapped[date] = mapped_column(Date)
    status: Mapped[str] = mapped_column(String(16), default="planned")
    letter: Mapped[str] = mapped_column(String(255), default="")


class CalendarChange(Model):
    """A date that moved: from, to, by which letter."""

    __tablename__ = "calendar_changes"

    id: Mapped[int] = mapped_column(primary_key=True)
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"), index=True)
    fiscal_year: Mapped[int] = mapped_column()
    key: Mapped[str] = mapped_column(String(64))
    old_date: Mapped[date | None] = mapped_column(Date)
    new_date: Mapped[date] = mapped_column(Date)
    letter: Mapped[str] = mapped_column(String(255))
    actor: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(Instant)


class DeclaredDay:
    """What a day that was made working or free says of itself."""

    is_working: Mapped[bool] = mapped_column()
    name_th: Mapped[str] = mapped_column(String(255))
    name_en: Mapped[str] = mapped_column(String(255), default="")
    source: Mapped[str] = mapped_column(String(255), default="")


class HolidayOverride(DeclaredDay, Model):
    """A day that the cabinet made working or free against the holiday rules, for every office."""

    __tablename__ = "holiday_overrides"

    day: Mapped[date] = mapped_column(Date, primary_key=True)


class OfficeHoliday(DeclaredDay, Model):
    """A day that is working or free in one office only, such as one that its province declared."""

    __tablename__ = "office_holidays"

    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)


class Project(Model):
    """A project of the cluster plan in one fiscal year, amounts in baht with two decimals: what its record says, for lists.

    Written by `operations/books` alone, which can make it anew. `last_report` is JSON: the figures of the newest quarterly
    report, with which the next one begins; `contracted` is the sum of its contracts, `agency_key` the agency's name as names are compared.
    """

    __tablename__ = "projects"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(32), unique=True)
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"))
    fiscal_year: Mapped[int] = mapped_column()
    name_th: Mapped[str] = mapped_column(String(512))
    agency_th: Mapped[str] = mapped_column(String(255))
    province_id: Mapped[str | None] = mapped_column(ForeignKey("provinces.id"))
    budget_type: Mapped[str] = mapped_column(String(32))
    requested: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    approved: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    committed: Mapped[Decimal] = mapped_column(Numeric(14, 2), default=Decimal(0))
    disbursed: Mapped[Decimal] = mapped_column(Numeric(14, 2), default=Decimal(0))
    result: Mapped[str | None] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(32), default="concept")
    colour: Mapped[str | None] = mapped_column(String(16))
    last_report: Mapped[str | None] = mapped_column(Text)
    contracted: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    search: Mapped[str] = mapped_column(Text, default="")
    agency_key: Mapped[str] = mapped_column(String(512), default="")

    __table_args__ = (
        # The two orders of the register: of one office, and of all.
        Index("ix_projects_of_office_in_order", "office_id", text("fiscal_year DESC"), "code"),
        Index("ix_projects_in_order", text("fiscal_year DESC"), "code"),
        Index(None, "name_th", "code"),
        Index(None, "province_id", "office_id"),
    )


class OutgoingLetter(Model):
    """A letter that a send task asked for. Its number is given at signing, never before and never twice."""

    __tablename__ = "outgoing_letters"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    task_id: Mapped[str] = mapped_column(String(36), unique=True)
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"))
    fiscal_year: Mapped[int] = mapped_column()
    recipient: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    body: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(Instant)
