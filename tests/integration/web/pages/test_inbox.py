"""The inbox: what waits for whom, filtered by the address, claimed one by one or many at once."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from tests.factories import make_case
from tests.integration.web.conftest import Opened
from tests.integration.web.three_drafts import prepare, waiting
from tests.integration.web.visits import Site


@pytest.fixture
def site(opened: Opened) -> Site:
    return opened(prepare)


def test_group_view_reads_like_sentences(site: Site) -> None:
    inbox = site.visit("malee").get("/inbox?view=groups")

    rows = [" ".join(row.text_content().split()) for row in inbox.all("//li[@data-row]")]
    assert len(rows) == 3
    assert all("ร่างแผน" in row and "คุณsomsri ส่งมาเมื่อ 20 พ.ย. 2569" in row for row in rows)
    assert any("แผนท่องเที่ยว" in row for row in rows)


def test_one_is_not_many_in_english(site: Site) -> None:
    malee = site.visit("malee", "en")

    def counted(text: str) -> list[str]:
        return [
            one.text_content() for one in malee.get(f"/inbox?view=groups&text={text}").all('//p[@class="list-count"]')
        ]

    assert counted("ทบทวน") == ["1 work item"]
    assert counted("") == ["3 work items"]


def test_counts_are_exact_on_every_tab(site: Site) -> None:
    malee = site.visit("malee")
    malee.post(f"/work-items/{waiting(site)[0]}/claim")

    tabs = malee.get("/inbox").all('//nav[@class="view-tabs"]/a')

    assert [" ".join(tab.text_content().split()) for tab in tabs] == ["งานของฉัน 1", "งานรอรับในกลุ่ม 2"]


def test_filters_live_in_the_address(site: Site) -> None:
    malee = site.visit("malee")

    assert len(malee.get("/inbox?view=groups&text=ทบทวน").all("//li[@data-row]")) == 1
    assert len(malee.get("/inbox?view=groups&stage=approval").all("//li[@data-row]")) == 0
    assert len(malee.get("/inbox?view=groups&stage=drafting&fy=2571").all("//li[@data-row]")) == 3
    assert malee.get("/inbox?view=groups&fy=2571").all('//option[@selected and @value="2571"]')


@pytest.mark.parametrize(
    "query", ["view=nonsense", "fy=abcd", "stage=none", "sort=sideways", "province=TH-XX", "overdue=7"]
)
def test_an_address_that_cannot_be_understood_still_opens_a_list(site: Site, query: str) -> None:
    assert site.visit("malee").get(f"/inbox?{query}").status == 200


def test_an_unreadable_page_key_is_refused_in_words(site: Site) -> None:
    answer = site.visit("malee").get("/inbox?after=%F0%9F%90%98")

    assert answer.status == 422
    assert "รายการ" in answer.words or "หน้า" in answer.words


def test_nothing_to_show_says_what_belongs_here(site: Site) -> None:
    assert "ไม่มีงานค้างในมือคุณ" in site.visit("malee").get("/inbox").words
    assert "ไม่มีงานตรงกับตัวกรอง" in site.visit("malee").get("/inbox?text=ไม่มีเลย").words


def test_bulk_claim_tells_the_outcome_of_each_and_offers_undo(site: Site) -> None:
    first, second, third = waiting(site)
    site.visit("somsri").post(f"/work-items/{second}/claim")
    malee = site.visit("malee")

    sent = malee.post("/inbox/bulk", {"act": "claim", "item": [first, second, third], "back": "/inbox?view=groups"})
    told = malee.follow(sent)

    results = [" ".join(one.text_content().split()) for one in told.all('//section[@id="bulk-result"]//li')]
    assert "ทำได้ 2 จาก 3 งาน" in told.words
    assert sum("รับแล้ว" in one for one in results) == 2
    assert any("คุณsomsri" in one for one in results)

    undone = malee.follow(malee.submit(told, "/inbox/bulk", act="release", item=[first, third]))
    assert "คืนเข้ากลุ่มแล้ว" in undone.words
    assert len(malee.get("/inbox").all("//li[@data-row]")) == 0


def test_bulk_results_are_told_once(site: Site) -> None:
    malee = site.visit("malee")
    malee.follow(malee.post("/inbox/bulk", {"claim": waiting(site)[0], "back": "/inbox"}))

    assert not malee.get("/inbox").all('//section[@id="bulk-result"]')


@pytest.mark.parametrize(
    "back", ["https://evil.example/inbox", "//evil.example/inbox", "/people", "javascript:alert(1)"]
)
def test_bulk_never_leads_elsewhere(site: Site, back: str) -> None:
    answer = site.visit("malee").post("/inbox/bulk", {"claim": waiting(site)[0], "back": back})

    assert answer.response.headers["Location"].startswith("/inbox")


def test_bulk_refuses_nothing_and_too_much_in_words(site: Site) -> None:
    malee = site.visit("malee")

    nothing = malee.follow(malee.post("/inbox/bulk", {"act": "claim", "back": "/inbox?view=groups"}))
    assert "เลือกงานอย่างน้อยหนึ่งงานก่อน" in nothing.words
    assert nothing.all("//li[@data-row]")
    assert "50" in malee.post("/inbox/bulk", {"act": "claim", "item": [str(n) for n in range(51)]}).words


def test_a_work_item_that_does_not_exist_fails_alone(site: Site) -> None:
    malee = site.visit("malee")

    told = malee.follow(
        malee.post("/inbox/bulk", {"act": "claim", "item": ["nothing", waiting(site)[0]], "back": "/inbox"})
    )

    assert "ทำได้ 1 จาก 2 งาน" in told.words


def test_team_view_is_for_heads(site: Site) -> None:
    assert "งานทั้งทีม 3" in site.visit("wichai").get("/inbox?view=team").words
    assert "งานทั้งทีม" not in site.visit("malee").get("/inbox").words
    assert not site.visit("malee").get("/inbox?view=team").all("//li[@data-row]")


def test_a_long_inbox_is_paged_by_key_and_keeps_its_filters(site: Site) -> None:
    def many(session: Session) -> None:
        for number in range(55):
            make_case(session, title=f"เรื่องที่ {number}")

    site.arrange(many)
    malee = site.visit("malee")

    first = malee.get("/inbox?view=groups&text=เรื่องที่")
    second = malee.get(first.all('//a[@rel="next"]/@href')[0])

    assert "55 งาน" in first.words
    seen = {row.get("data-row") for answer in (first, second) for row in answer.all("//li[@data-row]")}
    assert len(seen) == 55
    assert second.all('//input[@name="text" and @value="เรื่องที่"]')


def test_everything_is_english_for_those_who_read_english(site: Site) -> None:
    malee = site.visit("malee", "en")

    assert "What must I do now?" in malee.get("/").words
    inbox = malee.get("/inbox?view=groups").words
    assert "Sent by คุณsomsri on 20 Nov 2026" in inbox
    assert "To be claimed in my groups 3" in inbox


def test_strangers_are_sent_to_the_login_page(site: Site) -> None:
    answer = site.stranger().get("/inbox?view=groups")

    assert answer.status == 302
    assert answer.location == "/login"


def test_nul_characters_are_never_a_crash(site: Site) -> None:
    malee = site.visit("malee")

    for address in ("/inbox?province=%00", "/inbox?text=%00", "/cases?text=%00", "/inbox?%00=x"):
        refused = malee.get(address)
        assert (refused.status, "คำขอนี้อ่านไม่ได้" in refused.words) == (400, True)
    assert malee.get("/cases/%00").status == 404
    assert malee.post("/inbox/bulk", {"act": "claim", "item": ["\0a", waiting(site)[0]]}).status == 422
    assert malee.post(f"/work-items/{waiting(site)[1]}/delegate", {"to_username": "\0", "reason": "\0"}).status in (
        403,
        422,
    )
    assert malee.post("/cases/start/review", {"case_title": "แผน\0ใหม่", "case_office": "\0"}).status in (403, 422)
