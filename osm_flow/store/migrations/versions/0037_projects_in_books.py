"""Projects move into books: one entry for each office and year says what the register said so far; contracts move along."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa
from alembic import op

from osm_flow.domain.books.sealing import (
    BookName,
    SealedChange,
    SealedEntry,
    digest_of_changes,
    seal_change,
    seal_entry,
)
from osm_flow.domain.journal import GENESIS, canonical, digest_payload
from osm_flow.domain.search import searchable

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_KIND = "projects"
_TEXTS = ("as_of", "stage", "forecast_finish")
_PERCENT = ("physical_plan", "physical_actual")
_MONEY = (
    "budget_act",
    "allocated",
    "after_change",
    "committed",
    "disbursed",
    "contract_value",
    "leftover",
    "forecast_disburse",
)


def upgrade() -> None:
    """Write the entries, fill the columns that are new, and take away the table of contracts."""
    op.add_column("projects", sa.Column("contracted", sa.Numeric(14, 2), nullable=True))
    op.add_column("projects", sa.Column("search", sa.Text(), server_default="", nullable=False))
    op.add_column("projects", sa.Column("agency_key", sa.String(512), server_default="", nullable=False))
    op.create_index("ix_projects_fiscal_year_code", "projects", ["fiscal_year", "code"])
    connection = op.get_bind()
    tables = sa.MetaData()
    tables.reflect(
        connection, only=["projects", "contracts", "books", "book_entries", "record_changes", "change_bodies", "to_log"]
    )
    projects = tables.tables["projects"]
    contracts = _contracts(connection, tables.tables["contracts"])
    at = _now(connection)
    codes = list(connection.scalars(sa.select(projects.c.code)))
    registers = sa.select(projects.c.office_id, projects.c.fiscal_year).distinct()
    for office_id, year in connection.execute(registers.order_by(projects.c.office_id, projects.c.fiscal_year)).all():
        name = BookName(_KIND, office_id, year)
        here = (projects.c.office_id == office_id, projects.c.fiscal_year == year)
        rows = connection.execute(sa.select(projects).where(*here).order_by(projects.c.code)).mappings().all()
        told = [(row, contracts.get(row["id"], [])) for row in rows]
        if not connection.scalar(
            sa.select(tables.tables["books"].c.id).where(tables.tables["books"].c.name == str(name))
        ):
            _write(connection, tables, name, at, told, _next_number(name, codes))
        for row, known in told:
            values = _columns(row, known)
            connection.execute(projects.update().where(projects.c.id == row["id"]).values(**values))
    op.drop_table("contracts")


def downgrade() -> None:
    """The contracts get their table back; the books stay, and so does what the register says now."""
    connection = op.get_bind()
    if connection.execute(sa.text("SELECT 1 FROM book_entries WHERE act != 'migrated'")).first():
        raise RuntimeError("there are entries in the books; an earlier version cannot keep them")
    _make_contracts()
    tables = sa.MetaData()
    tables.reflect(connection, only=["projects", "contracts", "record_changes", "change_bodies", "book_entries"])
    projects, contracts = tables.tables["projects"], tables.tables["contracts"]
    for row in connection.execute(sa.select(projects.c.id, projects.c.code)).all():
        for contract in _newest_contracts(connection, tables, row.code):
            values = {name: contract[name] for name in ("contract_no", "value", "sign_date", "end_date")}
            days = {name: date.fromisoformat(values[name]) for name in ("sign_date", "end_date")}
            told = {"value": Decimal(values["value"]), "case_id": contract["case"], "at": _now(connection)}
            connection.execute(contracts.insert(), [{**values, **days, **told, "project_id": row.id}])
    op.drop_index("ix_projects_fiscal_year_code", "projects")
    op.drop_column("projects", "agency_key")
    op.drop_column("projects", "search")
    op.drop_column("projects", "contracted")


def _now(connection: sa.Connection) -> str:
    """The time of the database, as instants are kept."""
    if connection.dialect.name == "sqlite":
        written = connection.exec_driver_sql("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')").scalar_one()
        return f"{written}000Z"
    moment: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def _newest_contracts(connection: sa.Connection, tables: sa.MetaData, code: str) -> list[dict[str, Any]]:
    bodies = tables.tables["change_bodies"]
    mine = sa.select(bodies.c.body).where(bodies.c.kind == _KIND, bodies.c.record_id == code)
    body = connection.execute(mine.order_by(bodies.c.version.desc()).limit(1)).scalar_one_or_none()
    return [row for row in json.loads(body or "{}").get("contracts", []) if "case" in row]


def _make_contracts() -> None:
    op.create_table(
        "contracts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("contract_no", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("sign_date", sa.Date(), nullable=False),
        sa.Column("end_date", sa.Date(), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_contracts_case_id_cases")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_contracts_project_id_projects")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contracts")),
    )
    op.create_index(
        op.f("ix_contracts_project_id_contract_no"), "contracts", ["project_id", "contract_no"], unique=True
    )
    op.create_index(op.f("ix_contracts_case_id"), "contracts", ["case_id"])


def _contracts(connection: sa.Connection, table: sa.Table) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in connection.execute(sa.select(table).order_by(table.c.id)).mappings():
        found.setdefault(row["project_id"], []).append(row)
    return found


def _write(
    connection: sa.Connection,
    tables: sa.MetaData,
    name: BookName,
    at: str,
    projects: list[tuple[Any, list[Any]]],
    next_number: int,
) -> None:
    books = tables.tables["books"]
    values = {"name": str(name), **vars(name), "seq": 1, "head_at": at, "next_number": next_number}
    made = list(_changes(projects))
    entry = SealedEntry(
        book=str(name),
        seq=1,
        at=at,
        act="migrated",
        actor="system",
        actor_role=None,
        on_behalf_of=None,
        cause={"migration": revision},
        told={"rows": len(projects), **_beside(projects)},
        reason_digest=None,
        confirmed=None,
        changes_digest=digest_of_changes([hash_ for _, hash_, _, _ in made]),
        prev_hash=GENESIS,
    )
    hash_ = seal_entry(entry)
    book_id = connection.execute(books.insert().values(**values, head=hash_).returning(books.c.id)).scalar_one()
    kept = {field: value for field, value in vars(entry).items() if field != "book"}
    kept |= {"cause": canonical(entry.cause).decode(), "told": canonical(entry.told).decode()}
    connection.execute(tables.tables["book_entries"].insert(), [{**kept, "book_id": book_id, "hash": hash_}])
    for change, sealed, salt, body in made:
        row = {field: value for field, value in vars(change).items() if field != "record"}
        key = {"kind": change.kind, "record_id": change.record, "version": change.version}
        connection.execute(
            tables.tables["record_changes"].insert(), [{**row, **key, "book_id": book_id, "seq": 1, "hash": sealed}]
        )
        connection.execute(
            tables.tables["change_bodies"].insert(),
            [{**key, "salt": salt, "body": body, "personal_salt": "", "personal": ""}],
        )
    connection.execute(tables.tables["to_log"].insert(), [{"chain": str(name), "seq": 1, "hash": hash_, "at": at}])


def _changes(projects: list[tuple[Any, list[Any]]]) -> Iterator[tuple[SealedChange, str, str, str]]:
    """The first version of each project, in the order of the codes as texts compare in Python."""
    for row, contracts in sorted(projects, key=lambda pair: str(pair[0]["code"])):
        salt, body = secrets.token_hex(16), canonical(_body(row, contracts)).decode()
        change = SealedChange(_KIND, row["code"], 1, 1, digest_payload(salt, body), None, GENESIS)
        yield change, seal_change(change), salt, body


def _next_number(name: BookName, codes: list[str]) -> int:
    """Beyond every number that any register has given a code of this book's series."""
    series = re.compile(rf"PRJ-{re.escape(name.office_id)}-{name.year}-([0-9]{{1,6}})")
    return max((int(found[1]) for code in codes if (found := series.fullmatch(code))), default=0) + 1


def _beside(projects: list[tuple[Any, list[Any]]]) -> dict[str, Any]:
    """What the register had and no record can say: when contracts were entered, and figures that are no amounts."""
    entered = {row["code"]: [str(contract["at"]) for contract in contracts] for row, contracts in projects if contracts}
    unread = {row["code"]: names for row, _ in projects if (names := _unreadable(row))}
    return {**({"contracts_entered": entered} if entered else {}), **({"unreadable": unread} if unread else {})}


def _last_report(row: Any) -> dict[str, Any]:
    try:
        kept = json.loads(row["last_report"] or "{}")
    except ValueError:
        return {}
    return kept if isinstance(kept, dict) else {}


def _unreadable(row: Any) -> list[str]:
    said = _last_report(row)
    names = [name for name in said if name != "kpi_results" and _figure(name, said[name]) is None]
    return names + (["last_report"] if row["last_report"] and not said else [])


def _figure(name: str, value: Any) -> Any:
    """A figure of a report as a record keeps it; None for what is none."""
    if name in _MONEY:
        return _amount(value)
    if name in _TEXTS:
        return value if isinstance(value, str) and len(value) <= 64 and "\0" not in value else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**53
    return value if name in _PERCENT and is_number else None


def _quarter(row: Any, as_of: Any) -> int | None:
    """Of which quarter of the fiscal year the last report tells: the one that had ended on its day."""
    try:
        day = date.fromisoformat(as_of)
    except (TypeError, ValueError):
        return None
    begins = date(row["fiscal_year"] - 544, 10, 1)
    months = (day.year - begins.year) * 12 + day.month - begins.month
    last_day = (day + timedelta(days=1)).month != day.month
    ended = (months + (1 if last_day else 0)) // 3
    return ended if 1 <= ended <= 4 else None


def _columns(row: Any, contracts: list[Any]) -> dict[str, Any]:
    """What the table says of the project from now on: the same as is made of its record."""
    body = _body(row, contracts)
    values: dict[str, Any] = {"search": searchable(row["name_th"], row["agency_th"], row["code"])}
    values |= {"agency_key": searchable(row["agency_th"])[:512], "last_report": None}
    values["contracted"] = (
        sum((Decimal(one["value"]) for one in body.get("contracts", [])), Decimal(0)) if contracts else None
    )
    reports = body.get("reports")
    if reports:
        report = {
            name: _number(value) if name in _MONEY else value for name, value in reports[0].items() if name != "quarter"
        }
        if body.get("kpi_results"):
            columns = ("kpi", "actual", "source")
            report["kpi_results"] = [
                {name: one[name] for name in columns if name in one} for one in body["kpi_results"]
            ]
        values["last_report"] = json.dumps(report, ensure_ascii=False, sort_keys=True)
    return values | {"result": row["result"] or None, "colour": row["colour"] or None}


def _number(amount: str) -> int | float:
    value = Decimal(amount)
    return int(value) if value == value.to_integral_value() else float(value)


def _body(row: Any, contracts: list[Any]) -> dict[str, Any]:
    """What the register said of the project; amounts as text with two decimals."""
    said = {
        "name": row["name_th"],
        "agency": row["agency_th"],
        "province": row["province_id"],
        "budget_type": row["budget_type"],
        **{name: _amount(row[name]) for name in ("requested", "approved", "committed", "disbursed")},
        "result": row["result"],
        "state": row["state"],
        "colour": row["colour"],
        "contracts": [_contract(contract) for contract in contracts],
        **_report(row),
    }
    return {name: value for name, value in said.items() if value not in (None, "", [])}


def _report(row: Any) -> dict[str, Any]:
    """The newest report; the register did not say of which quarter it was."""
    kept = _last_report(row)
    results = kept.pop("kpi_results", None)
    report = {name: figure for name, value in kept.items() if (figure := _figure(name, value)) is not None}
    if not report:
        return {}
    quarter = _quarter(row, report.get("as_of"))
    known = {} if quarter is None else {"quarter": quarter}
    listed = [item for item in results if isinstance(item, dict)] if isinstance(results, list) else []
    rows = [{**known, **_kpi_result(item)} for item in listed if _kpi_result(item)]
    return {"reports": [{**known, **report}], "kpi_results": rows}


def _kpi_result(item: dict[str, Any]) -> dict[str, Any]:
    texts = {
        name: item[name] for name in ("kpi", "source") if isinstance(item.get(name), str) and len(item[name]) <= 255
    }
    actual = item.get("actual")
    is_number = isinstance(actual, int | float) and not isinstance(actual, bool) and abs(actual) < 2**53
    return {
        name: value for name, value in {**texts, **({"actual": actual} if is_number else {})}.items() if value != ""
    }


def _contract(row: Any) -> dict[str, Any]:
    return {
        "contract_no": row["contract_no"],
        "value": _amount(row["value"]),
        "sign_date": str(row["sign_date"]),
        "end_date": str(row["end_date"]),
        "case": row["case_id"],
    }


def _amount(value: Any) -> str | None:
    """An amount as a record keeps it; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        amount = Decimal(str(value))
        return f"{amount:.2f}" if amount.is_finite() and abs(amount) < 10**12 - 1 else None
    except InvalidOperation:
        return None
