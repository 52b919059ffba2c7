"""How long a long list of projects takes to be imported, and how much memory."""

from __future__ import annotations

import ctypes
import gc
import io
import platform
from hashlib import sha256
from pathlib import Path
from time import process_time
from typing import Any

import xlsxwriter

from osm_flow.cli.benchmarks.bench import OFFICE, Bench, BenchOffice, timed
from osm_flow.operations.imports import acts, list_files, queries
from osm_flow.operations.imports.acts import GivenList, ImportCounts
from osm_flow.operations.projects.record_type import KIND

_HEAD = (
    "ที่",
    "ชื่อโครงการ",
    "หน่วยงาน",
    "จังหวัด",
    "ปีงบประมาณ",
    "วงเงินที่ขอ (บาท)",
    "วงเงินที่ได้รับ (บาท)",
    "เบิกจ่าย (บาท)",
    "หมายเหตุ",
)


def import_list(bench: Bench) -> dict[str, Any]:
    """Seconds from the file to the preview, and from confirming to the commit; the highest memory of this process meanwhile."""
    figures = {name: _imported(bench, name) for name in bench.databases()}
    return {**figures, "aim_seconds": 20, "aim_mb": 300}


def _imported(bench: Bench, database: str) -> dict[str, Any]:
    """A list of new projects, then the same list with other figures: what it changes is read and compared first."""
    rows = bench.size(20_000, 200)
    with bench.office("import_list", database=database) as office:
        lists = {"new": _workbook(rows), "changed": _workbook(rows, spent=7)}
        return {"rows": rows, **{name: _one_list(bench, office, content) for name, content in lists.items()}}


def _one_list(bench: Bench, office: BenchOffice, content: bytes) -> dict[str, Any]:
    actor = office.actor()
    _forget_peak()
    number = 0
    counts = ImportCounts(0, 0, 0)

    def upload() -> None:
        nonlocal number
        with office.store.transaction() as session:
            number = acts.upload(session, actor, bench.now(), GivenList(KIND, OFFICE, "list.xlsx", content)).id

    def preview() -> str:
        with office.store.reading() as session:
            return queries.preview(session, number, actor).digest

    def confirm() -> None:
        nonlocal counts
        with office.store.reading() as session:
            read = queries.read(session, number, actor)
        with office.store.transaction() as session:
            counts = acts.confirm(session, number, actor, bench.now(), seen, read)

    uploaded, previewed = timed(upload), timed(preview)
    seen = preview()
    began = process_time()
    confirmed = timed(confirm)
    spent = process_time() - began
    list_files.forget([sha256(content).hexdigest()])
    return {
        "upload_seconds": round(uploaded, 1),
        "preview_seconds": round(previewed, 1),
        "confirm_seconds": round(confirmed, 1),
        "confirm_cpu_seconds": round(spent, 1),
        "added": counts.added,
        "changed": counts.changed,
        "peak_mb": _peak(),
    }


def _workbook(rows: int, *, spent: int = 0) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("บัญชี")
        sheet.write_row(0, 0, _HEAD)
        for row in range(1, rows + 1):
            name, agency = f"โครงการปรับปรุงถนนสายที่ {row} ตำบลในเมือง", f"แขวงทางหลวงที่ {row % 40}"
            place, year = ("จ.อุดรธานี", "เลย")[row % 2], 2569 + row % 3
            sheet.write_row(row, 0, (row, name, agency, place, year, f"{row:,}.50", row, row + spent, "–"))
    return file.getvalue()


_STATUS, _FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def _forget_peak() -> None:
    """Have the kernel count the highest memory from here on, where it can: without what was measured before."""
    gc.collect()
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)
    if _FORGET.exists():
        _FORGET.write_text("5", encoding="ascii")


def _peak() -> int | None:
    """The highest memory of this process, in MB, as the kernel tells it; None where it does not."""
    lines = _STATUS.read_text(encoding="ascii").splitlines() if _STATUS.exists() else []
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM:")), None)
