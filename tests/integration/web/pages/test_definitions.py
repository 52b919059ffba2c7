"""Process definitions on pages: which there are, their versions and diagrams, and deploying with every refusal named."""

from __future__ import annotations

import io
from typing import Any

import pytest
from sqlalchemy.orm import Session

from osm_flow.store.models import Deployment, ProcessDefinition
from tests.factories import BPMN, deploy_tests, files, make_case, make_office, make_person
from tests.integration.web.conftest import Opened
from tests.integration.web.visits import Site


def prepare(session: Session) -> None:
    make_office(session)
    deploy_tests(session, "review")
    make_person(session, "somsri", "osm_strategy")
    make_person(session, "boss", "osm_director")
    make_person(session, "root", "admin", office_id=None)
    make_case(session)


@pytest.fixture
def site(opened: Opened) -> Site:
    return opened(prepare)


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


def changed() -> list[Any]:
    return uploads(
        *((name, text.replace("ร่างแผน".encode(), "ยกร่างแผน".encode())) for name, text in files("review").items())
    )


def test_proposing_is_for_those_who_may(site: Site) -> None:
    somsri = site.visit("somsri")

    assert somsri.get("/definitions/proposals/new").status == 403
    assert somsri.post("/definitions/proposals").status == 403
    assert "ข้อเสนอรุ่นใหม่" not in somsri.get("/definitions").words


def test_a_new_version_takes_two_people(site: Site) -> None:
    boss, root = site.visit("boss"), site.visit("root")

    told = boss.follow(boss.post("/definitions/proposals", {"files": changed(), "note": "ชื่อชัดขึ้น"}))

    assert "ผู้ดูแลระบบกลางอีกคนต้อง" in told.words
    assert "จะเป็นรุ่น 2 แทนรุ่น 1" in told.words
    assert "/publish" not in told.text
    assert stored(site) == (1, 1)
    assert boss.post("/definitions/proposals/1/publish").status == 403
    assert "รอให้คุณตรวจและประกาศใช้" in root.get("/").words
    assert "รอให้คุณตรวจและประกาศใช้" not in boss.get("/").words
    picture = root.client.get("/definitions/proposals/1/files/review.bpmn/picture").json
    assert picture is not None
    assert "ยกร่างแผน" in picture["xml"]
    done = root.follow(root.post("/definitions/proposals/1/publish"))
    assert "ประกาศใช้รุ่นใหม่แล้ว 1 กระบวนงาน" in done.words
    assert stored(site) == (2, 2)
    assert "ชื่อชัดขึ้น" in root.get("/definitions/review").words
    assert root.post("/definitions/proposals/1/publish").status == 409


def test_who_proposed_cannot_publish_and_may_take_it_back(site: Site) -> None:
    root = site.visit("root")
    root.post("/definitions/proposals", {"files": changed()})

    assert "คุณเป็นผู้เสนอ" in root.get("/definitions/proposals/1").words
    assert root.post("/definitions/proposals/1/publish").status == 403
    assert root.post("/definitions/proposals/1/refuse", {"reason": " "}).status == 422
    told = root.follow(root.post("/definitions/proposals/1/refuse", {"reason": "ส่งผิดไฟล์"}))
    assert "ถอนข้อเสนอแล้ว" in told.words
    assert "ส่งผิดไฟล์" in told.words
    assert stored(site) == (1, 1)


def test_a_proposed_file_is_given_as_it_was_sent(site: Site) -> None:
    boss = site.visit("boss")
    boss.post("/definitions/proposals", {"files": changed()})

    answer = boss.client.get("/definitions/proposals/1/files/review.bpmn")

    assert "ยกร่างแผน".encode() in answer.data
    assert boss.get("/definitions/proposals/1/files/other.bpmn").status == 404
    assert boss.get("/definitions/proposals/9").status == 404


def test_the_same_files_again_are_no_proposal(site: Site) -> None:
    root = site.visit("root")

    answer = root.post("/definitions/proposals", {"files": uploads(*files("review").items())})

    assert answer.status == 422
    assert "เหมือนรุ่นล่าสุด" in answer.words
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
    answer = site.visit("root").post("/definitions/proposals", {"files": uploads((name, content))})

    assert answer.status == 422
    assert "ไม่ได้เก็บไฟล์ใด" in answer.words
    assert said in answer.words
    assert stored(site) == (1, 1)


def test_a_refusal_names_the_element_and_says_what_to_do(site: Site) -> None:
    script = (BPMN / "review.bpmn").read_bytes().replace(b"bpmn:userTask", b"bpmn:scriptTask")

    answer = site.visit("root").post(
        "/definitions/proposals", {"files": uploads(("review.bpmn", script)), "note": "ลองดู"}
    )

    named = [one.text_content() for one in answer.all('//*[contains(@class, "error-summary")]//tbody//code')]
    assert answer.status == 422
    assert {"draft", "check"} <= set(named)
    assert answer.all('//input[@name="note" and @value="ลองดู"]')


def test_no_file_at_all_is_refused_in_words(site: Site) -> None:
    assert site.visit("root").post("/definitions/proposals").status == 422


@pytest.mark.parametrize("locale", ["th", "en"])
def test_a_diagram_in_utf_16_is_shown_and_downloaded_like_any_other(site: Site, locale: str) -> None:
    text = (BPMN / "review.bpmn").read_text(encoding="utf-8").replace('encoding="UTF-8"', 'encoding="UTF-16"')
    content = files("review") | {"review.bpmn": text.replace("ร่างแผน", "ยกร่างแผน").encode("utf-16")}
    boss, root = site.visit("boss"), site.visit("root")
    for visitor in (boss, root):
        visitor.post("/language", {"locale": locale})

    boss.post("/definitions/proposals", {"files": uploads(*content.items())})
    proposed = boss.client.get("/definitions/proposals/1/files/review.bpmn/picture").json
    root.post("/definitions/proposals/1/publish")
    shown = root.client.get("/definitions/review/2/picture").json
    case_id = site.arrange(make_case).id

    for picture in (proposed, shown, boss.client.get(f"/cases/{case_id}/picture").json):
        assert picture is not None
        assert "ยกร่างแผน" in picture["xml"]
    assert "ยกร่างแผน".encode() in root.client.get("/definitions/review/2/bpmn").data
    assert stored(site) == (2, 2)
