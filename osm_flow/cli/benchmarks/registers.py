"""The register of projects with twenty thousand projects of all offices: its pages, one act on a project, and checking the whole.

The projects are written as acts of the office write them: into books, each version with its digests, each entry chained.
"""

from __future__ import annotations

from datetime import datetime
from time import perf_counter, process_time
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from osm_flow.cli.benchmarks.bench import OFFICE, USERNAME, Answer, Bench, BenchOffice, Browser, ratio, spread, timed
from osm_flow.cli.benchmarks.diagrams import files
from osm_flow.cli.benchmarks.programs import run
from osm_flow.cli.benchmarks.stepping import begin
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.books.acts import BookAct, BookActKind
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.people import NewPosition
from osm_flow.operations.books.corrections import NewCorrection
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.people import positions
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.projects import acts as projects
from osm_flow.operations.projects import corrections
from osm_flow.operations.projects.record_type import book_of
from osm_flow.operations.rebuilding import requests
from osm_flow.store.models import Office, Project, Province, RecordChange

YEARS = (2569, 2570, 2571)
_WORKS = ("ปรับปรุงภูมิทัศน์", "ก่อสร้างถนน", "พัฒนาแหล่งน้ำ", "ส่งเสริมการท่องเที่ยว", "ยกระดับผ้าทอ", "อบรมเกษตรกร", "ขุดลอกคลอง")
_PLACES = (
    "ริมโขง",
    "หนองหาน",
    "ภูพระบาท",
    "ท่าเสด็จ",
    "บ้านเชียง",
    "ศรีสองรัก",
    "ท่าอุเทน",
    "โพนพิสัย",
    "สังคม",
    "เชียงคาน",
    "ปากชม",
)
_AGENCIES = ("แขวงทางหลวง", "โครงการชลประทาน", "สำนักงานเกษตรจังหวัด", "ที่ทำการปกครองจังหวัด", "สำนักงานพัฒนาชุมชนจังหวัด")
_COLOURS = ("green", "yellow", "red", "")


def register(bench: Bench) -> dict[str, Any]:
    """Time the pages of the register on each database, for who sees the projects of one office and for who sees all."""
    return {**{name: _pages(bench, name) for name in bench.databases()}, "aim_p95_ms": 100}


def _pages(bench: Bench, database: str) -> dict[str, Any]:
    count = bench.size(20_000, 1_000)
    with bench.office("register", database=database) as office:
        fill_registers(office, bench.now(), projects_=count, versions=1)
        settle(office)
        figures: dict[str, Any] = {"projects": count}
        with office.store.reading() as session:
            offices = list(session.scalars(select(Office.id).order_by(Office.id)))
            codes = list(session.scalars(select(Project.code).where(Project.office_id == OFFICE).limit(2)))
        with office.site() as browser:
            figures["of_one_office"] = _timed(bench, browser, codes[0])
            with office.store.transaction() as session:
                for id_ in offices:
                    if id_ != OFFICE:
                        position = NewPosition("osm_strategy", id_, valid_from=local_day(bench.now()))
                        positions.give_position(session, USERNAME, SYSTEM, bench.now(), position)
            figures["of_all_offices"] = _timed(bench, browser, codes[0])
    return figures


def _timed(bench: Bench, browser: Browser, code: str) -> dict[str, Any]:
    """Each page asked for again and again, in turn with the others and with a page that reads no register."""
    following = _next_page(browser.get("/projects?sort=name"))
    pages = {
        "nothing_of_registers": "/account",
        "first_page": "/projects",
        "next_page_by_name": following,
        "filtered": "/projects?" + urlencode({"fy": 2571, "state": "working", "colour": "red"}),
        "found_by_half_a_name": "/projects?" + urlencode({"text": "ภูมิทัศ โขง"}),
        "found_by_agency": "/projects?" + urlencode({"text": "ชลประทาน", "sort": "name"}),
        "not_found": "/projects?" + urlencode({"text": "ไม่มีชื่อนี้"}),
        "search_box": "/search?" + urlencode({"q": "ภูมิทัศน์ ริมโขง"}),
        "search_box_by_part_of_a_code": "/search?" + urlencode({"q": code[4:-1]}),
        "project": f"/projects/{code}",
    }
    timings: dict[str, list[float]] = {name: [] for name in pages}
    spent: dict[str, list[float]] = {name: [] for name in pages}
    for turn in range(bench.size(41, 2)):
        for name, path in pages.items():
            began = process_time()
            answer = browser.get(path)
            if answer.status != 200:
                raise RuntimeError(f"{path} was answered with {answer.status}")
            if turn:
                timings[name].append(answer.seconds)
                spent[name].append(process_time() - began)
    return {name: {**spread(seconds), "cpu_p50_ms": spread(spent[name])["p50_ms"]} for name, seconds in timings.items()}


def _next_page(answer: Answer) -> str:
    found = answer.links("after=")
    if not found:
        raise RuntimeError("the register has no second page")
    return found[0]


def act_on_record(bench: Bench) -> dict[str, Any]:
    """One correction of a project beside one comment on a case, in turn: rules, locks, chain, rows, one commit with fsync."""
    return {**{name: _acts(bench, name) for name in bench.databases()}, "aim_cpu_ratio": 1.5}


def _acts(bench: Bench, database: str) -> dict[str, Any]:
    with bench.office("act_on_record", database=database) as office:
        fill_registers(office, bench.now(), projects_=bench.size(20_000, 360), versions=1)
        actor = office.actor()
        with office.store.transaction() as session:
            deploy(session, files("rework"), SYSTEM, bench.now())
            case_id = begin(session, actor, bench.now()).id
            code = session.scalars(select(Project.code).where(Project.office_id == OFFICE).limit(1)).one()

        def act(number: int) -> None:
            new = NewCorrection({"rationale": f"เหตุผลที่ {number}"}, number, "พิมพ์ผิด")
            with office.store.transaction() as session:
                corrections.correct(session, code, actor, bench.now(), new)

        def say(number: int) -> None:
            with office.store.transaction() as session:
                comment(session, case_id, actor, bench.now(), body=f"ความเห็นที่ {number}", key=None)

        timings: tuple[list[float], list[float]] = ([], [])
        spent: tuple[list[float], list[float]] = ([], [])
        for number in range(1, bench.size(301, 8)):
            for which in ((0, 1), (1, 0))[number % 2]:
                began = process_time()
                timings[which].append(timed((act, say)[which], number))
                spent[which].append(process_time() - began)
        with office.store.reading() as session:
            written = session.scalar(select(func.max(RecordChange.version)).where(RecordChange.record_id == code))
    return {
        "act": spread(timings[0]),
        "comment": spread(timings[1]),
        "ratio": ratio(timings[0], timings[1]),
        "act_cpu": spread(spent[0]),
        "comment_cpu": spread(spent[1]),
        "cpu_ratio": ratio(spent[0], spent[1]),
        "versions": written,
    }


def check_of_records(bench: Bench) -> dict[str, Any]:
    """Check the books and compare the tables after a hundred thousand changes, and make every row of the table anew.

    Each is a program of its own, whose memory the kernel tells; beside it the same with a tenth of the changes, so that
    one sees whether memory grows with them.
    """
    many = bench.size(20_000, 360)
    figures = {size: _checked(bench, projects_) for size, projects_ in (("tenth", many // 10), ("whole", many))}
    growth = [figures[size]["rebuild"]["peak_mb"] for size in ("whole", "tenth")]
    return {**figures, "memory_ratio": round(growth[0] / growth[1], 2) if all(growth) else None, "aim_seconds": 60}


def _checked(bench: Bench, projects_: int) -> dict[str, Any]:
    name = f"check_of_records_{projects_}"
    with bench.office(name) as office:
        for second in ("asks", "confirms"):
            office.administrator(second)
        fill_registers(office, bench.now(), projects_=projects_, versions=5)
        with office.store.reading() as session:
            changes = session.scalar(select(func.count()).select_from(RecordChange))
        office.store.close()
        figures: dict[str, Any] = {"changes": changes}
        figures["verify"] = _told(run(office, "db", "verify", "--only", "projects"))
        with office.store.transaction() as session:
            session.execute(update(Project).values(disbursed=Project.disbursed + 1))
            asking = actor_named(session, "asks", local_day(bench.now()))
            requests.ask(session, asking, bench.now(), tables=("projects",), reason="วัด")
        office.store.close()
        figures["rebuild"] = _told(run(office, "db", "rebuild", "1", "--as", "confirms"))
    return figures


def _told(measured: tuple[float, float | None]) -> dict[str, Any]:
    return {"seconds": round(measured[0], 2), "peak_mb": measured[1]}


# ---- projects by the thousand --------------------------------------------------------------------------------------


def fill_registers(office: BenchOffice, now: datetime, *, projects_: int, versions: int) -> float:
    """So many projects in the books of every office and year, each with so many versions; seconds."""
    began = perf_counter()
    with office.store.reading() as session:
        provinces = _provinces(session)
    books = [(id_, year) for year in YEARS for id_ in sorted(provinces)]
    for place, (id_, year) in enumerate(books):
        mine = range(place, projects_, len(books))
        codes = {f"PRJ-{id_}-{year}-{number:05}": number for number in mine}
        with office.store.transaction() as session:
            first = {code: _values(number, provinces[id_]) for code, number in codes.items()}
            imported = BookAct(BookActKind.imported, {"import": "bench"})
            projects.register(session, book_of(id_, year), imported, SYSTEM, now, first)
        for version in range(1, versions):
            changed = BookAct(BookActKind.changed, {"import": "bench"})
            new = {code: {"disbursed": version * 1000 + number} for code, number in codes.items()}
            with office.store.transaction() as session:
                projects.revise(session, book_of(id_, year), changed, SYSTEM, now, new)
    return perf_counter() - began


def settle(office: BenchOffice) -> None:
    """Have PostgreSQL look at what it has now, as it does by itself once it is idle; SQLite never does."""
    office.store.close()
    if office.store.dialect == "postgresql":
        with office.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def _provinces(session: Session) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for id_, office_id in session.execute(select(Province.id, Province.office_id).order_by(Province.id)):
        found.setdefault(office_id, []).append(id_)
    return found


def _values(number: int, provinces: list[str]) -> dict[str, Any]:
    work, place = _WORKS[number % len(_WORKS)], _PLACES[number % len(_PLACES)]
    values = {
        "name": f"โครงการ{work}{place} ระยะที่ {number % 5 + 1} หมู่ที่ {number % 97 + 1}",
        "agency": f"{_AGENCIES[number % len(_AGENCIES)]} แห่งที่ {number % 40 + 1}",
        "province": provinces[number % len(provinces)],
        "budget_type": "capital",
        "requested": 1_000_000 + number,
        "state": ("working", "concept", "supported")[number % 3],
    }
    return {**values, **({"colour": colour} if (colour := _COLOURS[number % 4]) else {})}
