"""Downloads of every kind, with Thai names, through the real server and through a reader of the standards."""

from __future__ import annotations

import http.client
import io
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.http import parse_options_header

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.store.models import Case
from osm_flow.web.parts.downloads import disposition
from tests.factories import BPMN, NOW, files, make_case, make_office, make_person
from tests.integration.web.conftest import Opened
from tests.integration.web.visits import Site, Visitor
from tests.serving import refuse_unsendable, served

WEB = Path(__file__).parents[4] / "osm_flow" / "web"
KEY = "ร่างและตรวจ_ปี๒๕๗๐"


def prepare(session: Session) -> None:
    """One case of a process with a Thai id, which also begins the numbers of its cases."""
    make_office(session)
    make_person(session, "malee", "osm_strategy")
    make_person(session, "auditor", "auditor")
    diagram = (BPMN / "review.bpmn").read_text(encoding="utf-8")
    diagram = diagram.replace('id="review"', f'id="{KEY}"').replace('value="REV"', 'value="ร่าง"')
    forms = {name: content for name, content in files().items() if name.endswith(".yaml")}
    deploy(session, {"thai.bpmn": diagram.encode(), **forms}, SYSTEM, NOW)
    make_case(session, KEY)


@pytest.fixture
def site(opened: Opened) -> Site:
    return opened(prepare)


@pytest.fixture
def address(site: Site) -> Iterator[str]:
    with served(site.app) as address:
        yield address


def saved_as(header: str) -> str:
    """The name under which a reader of the standards saves it."""
    kind, parameters = parse_options_header(header)
    assert kind == "attachment"
    name = parameters.get("filename")
    assert name, header
    return name


def ask(address: str, visitor: Visitor, path: str, **values: str) -> tuple[int, str, bytes]:
    """Status, name and content of what the real server answers to this person: a POST of these values, if there are any."""
    cookie = visitor.client.get_cookie("osm_session")
    assert cookie
    headers = {"Cookie": f"osm_session={cookie.value}"}
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    try:
        if values:
            token = visitor.get("/me").all('//input[@name="csrf_token"]/@value')[0]
            cookie = visitor.client.get_cookie("osm_session")
            assert cookie
            headers = {"Cookie": f"osm_session={cookie.value}", "Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", path, urlencode({"csrf_token": token, **values}), headers)
        else:
            connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        header = answer.headers["Content-Disposition"]
        return answer.status, saved_as(header) if header else "", content
    finally:
        connection.close()


def case_of(site: Site) -> str:
    found: str = site.read(lambda session: session.scalars(select(Case.id)).one())
    return found


@pytest.mark.parametrize("name", ["บันทึก ที่ ๑๒.txt", "ร่าง 'สุดท้าย' 100%25 é.csv", "ก" * 180 + ".txt"])
def test_an_attachment_with_a_thai_name_comes_back_from_the_server(site: Site, address: str, name: str) -> None:
    malee = site.visit("malee")
    page = f"/cases/{case_of(site)}"

    malee.submit(malee.get(page), "/attachments", file=(io.BytesIO("บันทึก".encode()), name))
    link = malee.get(page).all("//a[starts-with(@href, '/attachments/')]/@href")[0]
    status, saved, content = ask(address, malee, link)

    assert (status, content.decode()) == (200, "บันทึก")
    assert saved == name


def test_the_diagram_of_a_process_with_a_thai_id_comes_from_the_server(site: Site, address: str) -> None:
    status, saved, content = ask(address, site.visit("malee"), f"/definitions/{quote(KEY)}/1/bpmn")

    assert (status, saved) == (200, f"{KEY}-1.bpmn")
    assert KEY in content.decode()


def test_whatever_is_taken_out_comes_from_the_server(site: Site, address: str) -> None:
    auditor = site.visit("auditor")
    number = site.read(lambda session: session.scalars(select(Case.business_key)).one())
    taken = {
        f"/audit/cases/{case_of(site)}/bundle": f"{number}.zip",
        "/audit/search/export/csv": "osm-flow-history-2026-11-20.csv",
        "/audit/search/export/xlsx": "osm-flow-history-2026-11-20.xlsx",
    }

    for path, name in taken.items():
        status, saved, content = ask(address, auditor, path, reason="ตรวจสอบประจำปี")
        assert (status, saved) == (200, name), path
        assert content, path
    status, saved, _ = ask(address, auditor, "/mining", reason="ตรวจสอบ", format="xes", process=KEY)
    assert (status, saved) == (200, "osm-flow-2026-11-20.xes")


def test_csv_in_windows_874_comes_back_byte_for_byte_and_says_so(site: Site, address: str) -> None:
    content, malee, page = "จังหวัด,จำนวน\r\nน่าน,๑๒\r\n".encode("cp874"), site.visit("malee"), f"/cases/{case_of(site)}"

    malee.submit(malee.get(page), "/attachments", file=(io.BytesIO(content), "ตาราง.csv"))
    link = malee.get(page).all("//a[starts-with(@href, '/attachments/')]/@href")[0]

    assert ask(address, malee, link) == (200, "ตาราง.csv", content)
    assert malee.client.get(link).headers["Content-Type"] == "text/csv; charset=windows-874"


@pytest.mark.parametrize("path", ["/", "/cases", f"/definitions/{KEY}", "/cases?text=แผน", "/login?next=/แผน"])
def test_pages_of_thai_addresses_come_from_the_server(site: Site, address: str, path: str) -> None:
    status, _, _ = ask(address, site.visit("malee"), quote(path, safe="/?="))

    assert status in (200, 302)


@given(st.text(max_size=120))
def test_any_name_at_all_can_stand_in_a_header(name: str) -> None:
    header = disposition(name)

    refuse_unsendable("200 OK", [("Content-Disposition", header)])
    plain = re.search(r'filename=("?)((?:[^"\\]|\\.)*?)\1(?:;|$)', header)
    assert plain
    assert plain[2].isascii()
    saved = saved_as(header)
    assert saved.strip(" .")
    assert not set(saved) & set("/\\\0\r\n\u202e\u200b")
    full = re.search(r"filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~%-]+)$", header)
    assert (unquote(full[1], errors="strict") if full else plain[2].replace("\\", "")) == saved


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.xes", "attachment; filename=a.xes"),
        ("a b.csv", 'attachment; filename="a b.csv"'),
        ("แผน.pdf", "attachment; filename=download.pdf; filename*=UTF-8''%E0%B9%81%E0%B8%9C%E0%B8%99.pdf"),
        ("แผน 2570", "attachment; filename=2570; filename*=UTF-8''%E0%B9%81%E0%B8%9C%E0%B8%99%202570"),
        ("50%25.pdf", "attachment; filename=50_25.pdf; filename*=UTF-8''50%2525.pdf"),
        ("a\r\nX: 1/b.txt", 'attachment; filename="a X: 1-b.txt"'),
        ("", "attachment; filename=download"),
    ],
)
def test_names_are_written_as_the_standards_say(name: str, header: str) -> None:
    assert disposition(name) == header


def test_nothing_else_in_the_site_names_a_download() -> None:
    for path in WEB.rglob("*.py"):
        if path.name != "downloads.py":
            assert not re.search(
                r"(?i)content-disposition|send_file|download_name", path.read_text(encoding="utf-8")
            ), path
