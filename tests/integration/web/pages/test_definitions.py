"""Process definitions on pages: which there are, their versions and diagrams, and deploying with every refusal named."""

from __future__ import annotations

import io
from typing import Any

import pytest
from sqlalchemy.orm import Session

from osm_flow.store.models import Deployment, ProcessDefinition
from osm_flow.store.session import Store
from tests.factories import BPMN, deploy_tests, files, make_case, make_office, make_person
from tests.integration.web.visits import Site, open_site


@pytest.fixture
def site(store: Store) -> Site:
    site = open_site(store)

    def prepare(session: Session) -> None:
        make_office(session)
        deploy_tests(session, "review")
        make_person(session, "somsri", "osm_strategy")
        make_person(session, "root", "admin", office_id=None)
        make_case(session)

    site.arrange(prepare)
    return site


def uploads(*pairs: tuple[str, bytes]) -> list[Any]:
    return [(io.BytesIO(content), name) for name, content in pairs]


def stored(site: Site) -> tuple[int, int]:
    found: tuple[int, int] = site.read(lambda s: (s.query(Deployment).count(), s.query(ProcessDefinition).count()))
    return found


def test_list_and_versions_tell_how_many_cases_run(site: Site) -> None:
    somsri = site.visit("somsri")

    assert "ร่างและตรวจ" in somsri.get("/definitions").words
    page = somsri.get("/definitions/review")
    assert "1 เรื่องใช้อยู่" in page.words
    assert "ตรวจร่าง" in page.words


@pytest.mark.parametrize(
    "path", ["/definitions/none", "/definitions/review?version=9", "/definitions/review/9/picture"]
)
def test_unknown_definitions_are_not_found(site: Site, path: str) -> None:
    assert site.visit("somsri").get(path).status == 404


def test_a_diagram_is_given_to_the_viewer_and_as_a_file(site: Site) -> None:
    somsri = site.visit("somsri")

    picture = somsri.client.get("/definitions/review/1/picture").json
    download = somsri.client.get("/definitions/review/1/bpmn")

    assert picture is not None
    assert (picture["tokens"], picture["passed"]) == ([], {})
    assert download.data == (BPMN / "review.bpmn").read_bytes()
    assert "review-1.bpmn" in download.headers["Content-Disposition"]


def test_deploying_is_the_administrators(site: Site) -> None:
    assert site.visit("somsri").get("/definitions/deploy").status == 403
    assert site.visit("somsri").post("/definitions/deploy").status == 403
    assert "เพิ่มรุ่นใหม่" not in site.visit("somsri").get("/definitions").words


def test_a_new_version_is_added(site: Site) -> None:
    changed = {name: text.replace("ร่างแผน".encode(), "ยกร่างแผน".encode()) for name, text in files("review").items()}
    root = site.visit("root")

    told = root.follow(root.post("/definitions/deploy", {"files": uploads(*changed.items()), "note": "ชื่อชัดขึ้น"}))

    assert "เพิ่มรุ่นใหม่แล้ว 1 กระบวนงาน" in told.words
    assert stored(site) == (2, 2)
    assert "ชื่อชัดขึ้น" in root.get("/definitions/review").words


def test_the_same_files_again_add_nothing(site: Site) -> None:
    root = site.visit("root")

    told = root.follow(root.post("/definitions/deploy", {"files": uploads(*files("review").items())}))

    assert "เหมือนรุ่นล่าสุดอยู่แล้ว: review" in told.words
    assert stored(site) == (1, 1)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("bad.bpmn", b"<not xml", ""),
        ("bad.bpmn", b'<!DOCTYPE x [<!ENTITY a "b">]><definitions>&a;</definitions>', ""),
        ("note.txt", b"hello", "note.txt"),
        ("none.yaml", b"type: object", ""),
    ],
)
def test_refused_files_are_named_and_nothing_is_stored(site: Site, name: str, content: bytes, said: str) -> None:
    answer = site.visit("root").post("/definitions/deploy", {"files": uploads((name, content))})

    assert answer.status == 422
    assert "ไม่ได้เก็บไฟล์ใด" in answer.words
    assert said in answer.words
    assert stored(site) == (1, 1)


def test_a_refusal_names_the_element_and_says_what_to_do(site: Site) -> None:
    script = (BPMN / "review.bpmn").read_bytes().replace(b"bpmn:userTask", b"bpmn:scriptTask")

    answer = site.visit("root").post("/definitions/deploy", {"files": uploads(("review.bpmn", script)), "note": "ลองดู"})

    named = [one.text_content() for one in answer.all('//*[contains(@class, "error-summary")]//tbody//code')]
    assert answer.status == 422
    assert {"draft", "check"} <= set(named)
    assert answer.all('//input[@name="note" and @value="ลองดู"]')


def test_no_file_at_all_is_refused_in_words(site: Site) -> None:
    assert site.visit("root").post("/definitions/deploy").status == 422
