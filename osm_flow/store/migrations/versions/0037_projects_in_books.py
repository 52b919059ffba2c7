"""Projects move into books: one entry for each office and year says what the register said so far; contracts move along."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
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
    registers = sa.select(projects.c.office_id, projects.c.fiscal_year).distinct()
    for office_id, year in connection.execute(registers.order_by(projects.c.office_id, projects.c.fiscal_year)).all():
        here = (projects.c.office_id == office_id, projects.c.fiscal_year == year)
        rows = connection.execute(sa.select(projects).where(*here).order_by(projects.c.code)).mappings().all()
        _write(
            connection,
            tables,
            BookName(_KIND, office_id, year),
            at,
            [(row, contracts.get(row["id"], [])) for row in rows],
        )
        for row in rows:
            known = contracts.get(row["id"], [])
            values: dict[str, Any] = {"search": searchable(row["name_th"], row["agency_th"], row["code"])}
            values["agency_key"] = searchable(row["agency_th"])[:512]
            values["contracted"] = sum((contract["value"] for contract in known), Decimal(0)) if known else None
            connection.execute(projects.update().where(projects.c.id == row["id"]).values(**values))
    op.drop_table("contracts")


def downgrade() -> None:
    """The contracts get their table back; the books stay, and so does what the register says now."""
    connection = op.get_bind()
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
    connection: sa.Connection, tables: sa.MetaData, name: BookName, at: str, projects: list[tuple[Any, list[Any]]]
) -> None:
    books = tables.tables["books"]
    number = max((int(found[1]) for row, _ in projects if (found := _numbered(name, row["code"]))), default=0)
    values = {"name": str(name), **vars(name), "seq": 1, "head_at": at, "next_number": number + 1}
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
        told={"rows": len(projects)},
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


def _numbered(name: BookName, code: str) -> re.Match[str] | None:
    return re.fullmatch(rf"PRJ-{re.escape(name.office_id)}-{name.year}-(\d+)", code)


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
    """The newest report, of which the register did not say of which quarter it was."""
    kept = json.loads(row["last_report"]) if row["last_report"] else None
    if not isinstance(kept, dict):
        return {}
    results = kept.pop("kpi_results", None)
    report = {name: _amount(value) if name in _MONEY else value for name, value in kept.items()}
    if row["colour"]:
        report["colour"] = row["colour"]
    columns = ("kpi", "actual", "source")
    listed = [item for item in results if isinstance(item, dict)] if isinstance(results, list) else []
    rows = [{name: item[name] for name in columns if item.get(name) is not None} for item in listed]
    return {"reports": [report], "kpi_results": [item for item in rows if item]}


def _contract(row: Any) -> dict[str, Any]:
    return {
        "contract_no": row["contract_no"],
        "value": _amount(row["value"]),
        "sign_date": str(row["sign_date"]),
        "end_date": str(row["end_date"]),
        "case": row["case_id"],
    }


def _amount(value: Any) -> str | None:
    return None if value is None else f"{Decimal(str(value)):.2f}"
