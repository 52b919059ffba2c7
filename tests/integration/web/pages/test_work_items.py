"""The page of one work item: what is asked, the form, what surrounds it, and every way of finishing or handing it on."""

from __future__ import annotations

import io

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.people.accounts import say_one_person
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.work_items import acts as work_items
from osm_flow.resources import resource_dir
from osm_flow.store.models import Draft, Person, Position, Project, WaitingMessage, WorkItem
from tests.factories import BPMN, NOW, OFFICE, SAID, deploy_tests, make_case, make_office, make_person, make_project
from tests.integration.web.conftest import Opened
from tests.integration.web.visits import Answer, Site, Visitor

pytestmark = pytest.mark.sampled


def prepare(session: Session) -> None:
    """One case whose draft waits; somsri and malee draft, wichai approves, an auditor reads, another office looks on."""
    make_office(session)
    make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
    deploy_tests(session, "review")
    starter = make_person(session, "somsri", "osm_strategy")
    make_person(session, "malee", "osm_strategy")
    make_person(session, "wichai", "osm_director")
    make_person(session, "auditor", "auditor")
    make_person(session, "foreigner", "osm_strategy", office_id="NE-U2")
    make_person(session, "planner", "province_planner", province_id="TH-41")
    make_case(session, actor=starter, title="แผนปี 2571")


@pytest.fixture
def site(opened: Opened) -> Site:
    return opened(prepare)


def open_item(site: Site) -> str:
    query = select(WorkItem.id).where(WorkItem.state.in_(("READY", "CLAIMED")))
    found: str = site.read(lambda session: session.scalars(query).one())
    return found


def draft_done(site: Site, username: str = "somsri", text: str = "ร่างแรก") -> None:
    """The first step is done, the check waits."""
    visitor, item = site.visit(username), open_item(site)
    visitor.post(f"/work-items/{item}/claim")
    answer = visitor.post(f"/work-items/{item}/complete", {"text": text})
    assert answer.status == 302, answer.text


def claimed(site: Site, username: str) -> tuple[Visitor, Answer]:
    visitor, item = site.visit(username), open_item(site)
    return visitor, visitor.follow(visitor.post(f"/work-items/{item}/claim"))


# ---- reading -----------------------------------------------------------------------------------------------------


def test_page_says_what_is_asked_and_where_it_belongs(site: Site) -> None:
    page = site.visit("malee").get(f"/work-items/{open_item(site)}")

    assert page.all("//h1")[0].text_content() == "ร่างแผน"
    assert "ทำงานนี้ให้เสร็จ" in page.words
    assert "แผนปี 2571" in page.words
    assert "REV" in page.words
    assert "รับงานก่อนแล้วจึงกรอก" in page.words


def test_form_cannot_be_sent_before_the_work_item_is_claimed(site: Site) -> None:
    page = site.visit("malee").get(f"/work-items/{open_item(site)}")

    assert page.all("//fieldset[@disabled]//textarea | //fieldset[@disabled]//input[@name='text']")
    assert not page.all("//button[@data-primary]")


def test_claiming_opens_the_form(site: Site) -> None:
    _, page = claimed(site, "malee")

    assert page.all("//button[@data-primary]")
    assert not page.all("//fieldset[@disabled]")


@pytest.mark.parametrize("path", ["/work-items/unknown", "/work-items/%00", "/attachments/99"])
def test_unknown_ids_are_not_found(site: Site, path: str) -> None:
    assert site.visit("malee").get(path).status == 404


def test_another_office_finds_nothing(site: Site) -> None:
    item, foreigner = open_item(site), site.visit("foreigner")

    posted = {"text": "x", "body": "x", "reason": "x", "due_date": "30/11/2569"}
    assert foreigner.get(f"/work-items/{item}").status == 404
    for act in ("claim", "release", "complete", "draft", "comments", "attachments", "delegate", "reassign", "due"):
        assert foreigner.post(f"/work-items/{item}/{act}", posted).status == 404, act


def test_an_auditor_reads_but_is_offered_nothing(site: Site) -> None:
    auditor, item = site.visit("auditor"), open_item(site)
    page = auditor.get(f"/work-items/{item}")

    assert page.status == 200
    assert not page.all("//main//form[not(contains(@class, 'work-form'))]")
    assert auditor.post(f"/work-items/{item}/claim").status == 403


def test_a_planner_of_a_province_does_not_see_work_that_is_not_theirs(site: Site) -> None:
    assert site.visit("planner").get(f"/work-items/{open_item(site)}").status == 404


# ---- finishing ---------------------------------------------------------------------------------------------------


def test_completing_says_so_and_moves_on(site: Site) -> None:
    malee, page = claimed(site, "malee")

    told = malee.follow(malee.submit(page, "/complete", text="ร่างของมาลี"))

    assert "ทำงาน ร่างแผน เสร็จแล้ว" in told.words


def test_the_next_work_item_opens_after_this_one(site: Site) -> None:
    def second(session: Session) -> str:
        case = make_case(session, title="เรื่องที่สอง")
        item = session.scalars(select(WorkItem).where(WorkItem.case_id == case.id)).one()
        return work_items.claim(session, item.id, actor_named(session, "malee", NOW.date()), NOW).id

    malee, page = claimed(site, "malee")
    other = site.arrange(second)

    answer = malee.submit(page, "/complete", text="ร่าง")

    assert answer.location == f"/work-items/{other}"
    assert "นี่คืองานถัดไปของคุณ" in malee.follow(answer).words


def test_a_missing_field_is_named_and_nothing_is_lost(site: Site) -> None:
    draft_done(site)
    wichai, page = claimed(site, "wichai")

    answer = wichai.submit(page, "/complete", reason="ยังไม่ครบถ้วน")

    assert answer.status == 422
    assert answer.all("//*[contains(@class, 'error-summary')]//a[@href]")
    assert "ยังไม่ครบถ้วน" in answer.text
    assert answer.all("//title")[0].text_content().startswith("มีข้อผิดพลาด")


@pytest.mark.parametrize(
    "extra",
    [
        {"typename": "x"},
        {"__class__.__init__": "x", "unknown": "y"},
        {"text": "ก" * 20_001},
        {"text": "มีศูนย์\0อยู่"},
    ],
)
def test_hostile_posts_are_answered_in_words(site: Site, extra: dict[str, str]) -> None:
    malee, _page = claimed(site, "malee")

    answer = malee.post(f"/work-items/{open_item(site)}/complete", {"text": "ร่าง", **extra})

    assert answer.status in (302, 422)
    if "typename" in extra or "\0" in extra.get("text", "") or len(extra.get("text", "")) > 20_000:
        assert answer.status == 422


def test_the_same_form_sent_twice_is_one_act(site: Site) -> None:
    malee, page = claimed(site, "malee")

    first = malee.submit(page, "/complete", text="ร่าง")
    again = malee.submit(page, "/complete", text="ร่าง")

    assert (first.status, again.status) == (302, 302)
    assert site.read(lambda session: session.query(WorkItem).count()) == 2


def test_losing_a_race_is_a_sentence_and_keeps_what_was_typed(site: Site) -> None:
    malee, page = claimed(site, "malee")
    item = open_item(site)

    def taken(session: Session) -> None:
        work_items.release(session, item, actor_named(session, "malee", NOW.date()), NOW)
        work_items.claim(session, item, actor_named(session, "somsri", NOW.date()), NOW)

    site.arrange(taken)
    answer = malee.submit(page, "/complete", text="ข้อความที่พิมพ์ไว้นาน")

    assert answer.status == 409
    assert "คุณsomsri" in answer.words
    assert "ข้อความที่พิมพ์ไว้นาน" in answer.text
    assert "เปิดหน้าล่าสุด" in answer.words


def test_a_lost_race_is_told_before_the_faults_of_the_form_and_keeps_what_was_typed(site: Site) -> None:
    draft_done(site)
    malee, page = claimed(site, "malee")
    item = open_item(site)

    def taken(session: Session) -> None:
        work_items.release(session, item, actor_named(session, "malee", NOW.date()), NOW)
        work_items.claim(session, item, actor_named(session, "wichai", NOW.date()), NOW)

    site.arrange(taken)
    answer = malee.submit(page, "/complete", reason="ยังไม่ได้เลือก แต่เขียนเหตุผลไว้แล้ว")

    assert answer.status == 409
    assert "คุณwichai" in answer.words
    assert answer.form("/complete").fields["reason"] == "ยังไม่ได้เลือก แต่เขียนเหตุผลไว้แล้ว"
    assert not answer.all("//*[contains(@class, 'error-summary')]")


def test_the_address_of_a_refused_form_leads_back_to_the_page_when_it_is_opened_again(site: Site) -> None:
    malee, item = site.visit("malee"), open_item(site)
    rules = [rule.rule for rule in site.app.url_map.iter_rules() if "POST" in (rule.methods or ())]
    posted = [rule for rule in rules if rule.startswith("/work-items/<work_item_id>/")]
    assert "/work-items/<work_item_id>/complete" in posted

    for rule in posted:
        answer = malee.get(rule.replace("<work_item_id>", item))
        assert (answer.status, answer.location) == (302, f"/work-items/{item}")


def test_four_eyes_are_told_on_the_page(site: Site) -> None:
    draft_done(site, "malee")

    page = site.visit("malee").get(f"/work-items/{open_item(site)}")

    assert "ขั้นนี้ต้องให้คนอื่นตรวจ" in page.words
    assert not page.all("//button[@data-claim]")
    assert site.visit("malee").post(f"/work-items/{open_item(site)}/claim").status == 403


# ---- approving ---------------------------------------------------------------------------------------------------


def test_approver_sees_the_document_and_what_changed_since_the_last_version(site: Site) -> None:
    draft_done(site, text="ร่างแรก")
    wichai, page = claimed(site, "wichai")
    assert "ร่างแรก" in page.all("//section[contains(@class, 'paper')]")[0].text_content()
    wichai.submit(page, "/complete", approved="false", reason="ขอตัวเลข")
    draft_done(site, text="ร่างที่มีตัวเลข")

    paper = site.visit("wichai").get(f"/work-items/{open_item(site)}").all("//section[contains(@class, 'paper')]")[0]

    assert "มีการแก้ไข 1 ช่องจากฉบับก่อน" in " ".join(paper.text_content().split())
    assert [one.text_content() for one in paper.xpath(".//ins")] == ["ใหม่: ร่างที่มีตัวเลข"]
    assert [one.text_content() for one in paper.xpath(".//del")] == ["เดิม: ร่างแรก"]


def test_returned_work_comes_back_with_what_was_written_and_why(site: Site) -> None:
    draft_done(site, text="ร่างแรก")
    wichai, page = claimed(site, "wichai")
    wichai.submit(page, "/complete", approved="false", reason="ขอตัวเลขเพิ่ม")

    _, back = claimed(site, "somsri")

    assert "ร่างแรก" in back.all("//*[@name='text']")[0].value
    assert "ขอตัวเลขเพิ่ม" in back.all("//aside")[0].text_content()


def test_on_behalf_of_whom_is_written_on_the_button(site: Site) -> None:
    def stand_in(session: Session) -> None:
        director = session.scalars(select(Person).where(Person.username == "wichai")).one()
        acting = make_person(session, "suda")
        session.add(
            Position(
                person_id=acting.person_id,
                office_id=OFFICE,
                role="osm_director",
                kind="acting",
                for_person_id=director.id,
                valid_from=NOW.date(),
                letter="คำสั่งที่ 1/2569",
            )
        )

    draft_done(site)
    site.arrange(stand_in)
    _, page = claimed(site, "suda")

    assert "รักษาราชการแทน คุณwichai" in " ".join(page.all("//button[@data-primary]")[0].text_content().split())


# ---- drafts, comments, files -------------------------------------------------------------------------------------


def test_a_draft_comes_back_with_the_time_it_was_kept(site: Site) -> None:
    malee, page = claimed(site, "malee")
    token = page.all('//input[@name="csrf_token"]/@value')[0]
    item = open_item(site)

    kept = malee.client.post(
        f"/work-items/{item}/draft",
        data={"csrf_token": token, "text": "ยังไม่เสร็จ"},
        headers={"Accept": "application/json"},
    )
    again = malee.get(f"/work-items/{item}")

    assert kept.json is not None
    assert "20 พ.ย. 2569" in kept.json["time"]
    assert "ยังไม่เสร็จ" in again.text
    assert "บันทึกร่างแล้ว" in again.all("//*[@data-draft-state]")[0].text_content()


def test_a_draft_of_finished_work_is_refused_and_stays_on_the_page(site: Site) -> None:
    item = open_item(site)
    draft_done(site)
    malee = site.visit("somsri")

    told = malee.post(f"/work-items/{item}/draft", {"text": "ช้าไป"})
    token = malee.get("/me").all('//input[@name="csrf_token"]/@value')[0]
    script = malee.client.post(
        f"/work-items/{item}/draft", data={"csrf_token": token, "text": "x"}, headers={"Accept": "application/json"}
    )

    assert (told.status, script.status_code) == (409, 409)
    with site.store.reading() as session:
        assert (
            session.get(Draft, (item, session.scalars(select(Person.id).where(Person.username == "somsri")).one()))
            is None
        )


def test_a_draft_is_nobody_elses_and_goes_when_the_work_is_done(site: Site) -> None:
    malee, page = claimed(site, "malee")
    malee.post(f"/work-items/{open_item(site)}/draft", {"text": "ความลับของมาลี"})

    assert "ความลับของมาลี" not in site.visit("somsri").get(f"/work-items/{open_item(site)}").text
    malee.submit(page, "/complete", text="เสร็จ")
    assert site.read(lambda session: session.query(Draft).count()) == 0


def test_comments_are_read_by_the_next_person(site: Site) -> None:
    malee, page = claimed(site, "malee")

    malee.submit(page, "/comments", body="<script>alert(1)</script> ช่วยดูข้อ 3")
    shown = site.visit("wichai").get(f"/work-items/{open_item(site)}")

    assert "ช่วยดูข้อ 3" in shown.all("//*[@class='comment-body']")[0].text_content()
    assert "<script>alert(1)" not in shown.text


def test_an_attachment_is_kept_and_given_back_as_a_download(site: Site) -> None:
    malee, page = claimed(site, "malee")

    malee.submit(page, "/attachments", file=(io.BytesIO("บันทึก".encode()), "บันทึก.txt"))
    link = malee.get(f"/work-items/{open_item(site)}").all("//ul[@class='attachment-list']//a/@href")[0]
    answer = malee.client.get(link)

    assert answer.get_data(as_text=True) == "บันทึก"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert site.visit("foreigner").get(link).status == 404


def test_a_file_that_is_not_what_it_says_is_refused_in_words(site: Site) -> None:
    malee, page = claimed(site, "malee")

    answer = malee.submit(page, "/attachments", file=(io.BytesIO(b"MZ\x90"), "แผน.pdf"))

    assert answer.status == 422
    assert not site.visit("malee").get(f"/work-items/{open_item(site)}").all("//ul[@class='attachment-list']")


def test_no_file_at_all_is_refused_in_words(site: Site) -> None:
    malee, page = claimed(site, "malee")

    assert "เลือกไฟล์ก่อน" in malee.submit(page, "/attachments").words


# ---- handing on --------------------------------------------------------------------------------------------------


def test_release_keeps_the_draft_and_puts_it_back(site: Site) -> None:
    malee, page = claimed(site, "malee")

    told = malee.follow(malee.submit(page, "/release"))

    assert "ร่างของคุณยังอยู่" in told.words
    assert "ยังไม่มีผู้รับงานนี้" in malee.get(f"/work-items/{open_item(site)}").words


def test_delegating_needs_a_reason_and_a_person(site: Site) -> None:
    malee, page = claimed(site, "malee")

    assert malee.submit(page, "/delegate", to_username="somsri", reason=" ").status == 422
    assert malee.submit(page, "/delegate", to_username="nobody", reason="ลา").status == 422
    told = malee.follow(malee.submit(page, "/delegate", to_username="somsri", reason="ลาพักผ่อน"))
    assert "มอบงาน ร่างแผน ให้ คุณsomsri แล้ว" in told.words


def test_a_head_moves_the_due_date_in_buddhist_years(site: Site) -> None:
    wichai = site.visit("wichai")
    page = wichai.get(f"/work-items/{open_item(site)}")

    told = wichai.follow(wichai.submit(page, "/due", due_date="30/11/2569", reason="หนังสือ มท 0211.3/ว 9"))

    assert "30 พ.ย. 2569" in told.words
    assert "เหลือ 6 วันทำการ" in told.words


@pytest.mark.parametrize("typed", ["31/02/2569", "พรุ่งนี้", "2026-11-30T99", "", "1/1/999999"])
def test_a_date_that_cannot_be_read_is_refused_in_words(site: Site, typed: str) -> None:
    wichai = site.visit("wichai")
    page = wichai.get(f"/work-items/{open_item(site)}")

    answer = wichai.submit(page, "/due", due_date=typed, reason="เลื่อน")

    assert answer.status == 422


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("15 ม.ค. 26", "กรอกปี พ.ศ. ให้ครบ 4 หลัก"),
        ("15/1/26", "กรอกปี พ.ศ. ให้ครบ 4 หลัก"),
        ("15 ม.ค. 2526", "ย้อนหลังเกินหนึ่งปี"),
        ("15 ม.ค. 2400", "ย้อนหลังเกินหนึ่งปี"),
        ("15 ม.ค. 2596", "ล่วงหน้าเกินยี่สิบปี"),
        ("วันพุธที่ 30 พฤศจิกายน 2569", "วันในสัปดาห์ไม่ตรงกับวันที่"),
    ],
)
@pytest.mark.parametrize(
    ("who", "act", "field"), [("wichai", "/due", "due_date"), ("malee", "/follow-up", "follow_up_date")]
)
def test_a_slip_of_the_pen_in_a_date_is_told_and_kept(
    site: Site, who: str, act: str, field: str, typed: str, told: str
) -> None:
    visitor, page = claimed(site, "malee") if who == "malee" else (site.visit(who), None)
    page = page or visitor.get(f"/work-items/{open_item(site)}")
    reason = {"reason": "เลื่อน"} if act == "/due" else {}

    answer = visitor.submit(page, act, **{field: typed}, **reason)

    assert answer.status == 422
    assert told in answer.words
    assert (field, typed) in answer.form(act).form_values()


@pytest.mark.parametrize("typed", ["30/11/69", "๓๐ พ.ย. ๖๙", "วันจันทร์ที่ 30 พฤศจิกายน 2569 เวลา 09.00 น."])
def test_dates_are_read_as_papers_write_them(site: Site, typed: str) -> None:
    wichai = site.visit("wichai")

    told = wichai.follow(
        wichai.submit(wichai.get(f"/work-items/{open_item(site)}"), "/due", due_date=typed, reason="หนังสือ")
    )

    assert "30 พ.ย. 2569" in told.words


def test_a_head_reassigns_and_the_draftsman_may_not(site: Site) -> None:
    malee, page = claimed(site, "malee")
    assert not [form for form in page.page.forms if (form.get("action") or "").endswith("/reassign")]
    assert malee.post(f"/work-items/{open_item(site)}/reassign", {"to_username": "malee", "reason": "x"}).status == 403

    wichai = site.visit("wichai")
    told = wichai.follow(
        wichai.submit(wichai.get(f"/work-items/{open_item(site)}"), "/reassign", to_username="somsri", reason="แบ่งงาน")
    )
    assert "เปลี่ยนผู้รับผิดชอบงาน ร่างแผน แล้ว" in told.words


def test_who_did_it_is_not_offered_to_choose_who_checks_it(site: Site) -> None:
    """Whoever posts all the same reads why, and in whichever of their accounts."""
    site.arrange(lambda session: make_person(session, "somsri.admin", "admin"))
    site.arrange(lambda session: say_one_person(session, "somsri", SYSTEM, NOW, other_username="somsri.admin"))
    draft_done(site)
    item = open_item(site)
    for username in ("somsri", "somsri.admin"):
        visitor = site.visit(username)
        page = visitor.get(f"/work-items/{item}")
        assert not [form for form in page.page.forms if (form.get("action") or "").endswith(("/reassign", "/complete"))]
        answer = visitor.post(f"/work-items/{item}/reassign", {"to_username": "malee", "reason": "ลา"})
        assert answer.status == 403

    assert "ไม่มีใครเลือกผู้ตรวจงานของตนเองได้" in answer.words
    assert site.read(lambda session: session.get_one(WorkItem, item).assignee_id) is None


def test_a_follow_up_date_sets_it_aside(site: Site) -> None:
    malee, page = claimed(site, "malee")

    told = malee.follow(malee.submit(page, "/follow-up", follow_up_date="25/11/2569"))

    assert "จะเตือนงานนี้อีกครั้ง 25 พ.ย. 2569" in told.words
    assert "พักไว้ถึง 25 พ.ย. 2569" in malee.get("/inbox").words


def test_finished_work_reads_as_finished(site: Site) -> None:
    item = open_item(site)
    draft_done(site, "malee")

    page = site.visit("somsri").get(f"/work-items/{item}")

    assert "คุณmalee ทำงานนี้เสร็จแล้วเมื่อ 20 พ.ย. 2569" in page.words
    assert not page.all("//button[@data-primary]")
    late = site.visit("somsri").post(f"/work-items/{item}/claim")
    assert late.status == 409
    assert late.all('//main//*[contains(@class,"flash-warning")]')
    assert "ทำงานนี้เสร็จแล้วเมื่อ" in late.words


def test_reading_never_writes(site: Site) -> None:
    def version(session: Session) -> list[tuple[str, int, int]]:
        return [(one.id, one.version, one.case.seq) for one in session.query(WorkItem).all()]

    before = site.read(version)
    for path in ("/", "/inbox", f"/work-items/{open_item(site)}", "/team", "/cases"):
        site.visit("wichai").get(path)

    assert site.read(version) == before


# ---- small forms -------------------------------------------------------------------------------------------------


def test_urgency_is_set_by_a_head_and_shown(site: Site) -> None:
    item = open_item(site)
    wichai = site.visit("wichai")

    page = wichai.submit(wichai.get(f"/work-items/{item}"), "/priority", priority="80")

    assert "ด่วนมาก" in wichai.follow(page).words
    assert site.read(lambda session: session.get_one(WorkItem, item).priority) == 80
    for nonsense in ("81", "", "0050" + "1" * 5000):
        assert wichai.submit(wichai.get(f"/work-items/{item}"), "/priority", priority=nonsense).status == 422


def test_a_small_form_says_its_fault_in_place_and_keeps_what_was_typed(site: Site) -> None:
    item = open_item(site)
    wichai = site.visit("wichai")

    answer = wichai.submit(wichai.get(f"/work-items/{item}"), "/due", due_date="31/2/2569", reason="รอข้อมูลจังหวัด")

    assert answer.status == 422
    assert answer.all("//h1")[0].text_content() == "ร่างแผน"
    assert answer.form("/due").form_values()[2:] == [("due_date", "31/2/2569"), ("reason", "รอข้อมูลจังหวัด")]
    assert answer.all("//details[@open]//*[@role='alert']")


def test_staff_take_over_what_another_holds_with_a_reason(site: Site) -> None:
    claimed(site, "malee")
    item = open_item(site)

    def give_hat(session: Session) -> None:
        person = session.scalars(select(Person).where(Person.username == "wichai")).one()
        session.add(Position(person_id=person.id, office_id=OFFICE, role="osm_strategy", valid_from=NOW.date()))

    site.arrange(give_hat)
    wichai = site.visit("wichai")
    page = wichai.get(f"/work-items/{item}")
    form = page.all("//form[contains(@class, 'take-over')]")[0]

    answer = wichai.post(form.get("action"), dict(form.form_values()) | {"reason": "ผู้รับงานลา"})

    assert answer.status == 302
    assert wichai.get(f"/work-items/{item}").all("//button[@data-primary]")


# ---- work that came back -----------------------------------------------------------------------------------------


def judged(site: Site, *, approved: bool, reason: str) -> None:
    wichai, item = site.visit("wichai"), open_item(site)
    wichai.post(f"/work-items/{item}/claim")
    answer = wichai.post(f"/work-items/{item}/complete", {"approved": "yes" if approved else "no", "reason": reason})
    assert answer.status == 302, answer.text


def test_why_it_came_back_stands_above_the_form(site: Site) -> None:
    draft_done(site)
    judged(site, approved=False, reason="เพิ่มตัวชี้วัดของทุกจังหวัด")

    page = site.visit("somsri").get(f"/work-items/{open_item(site)}")

    (told,) = page.all('//div[@id="form"]/section[@id="returned"][following-sibling::form]')
    words = " ".join(told.text_content().split())
    assert "ส่งกลับมาให้แก้ไข" in words
    assert "คุณwichai" in words
    assert "20 พ.ย. 2569" in words
    assert "เพิ่มตัวชี้วัดของทุกจังหวัด" in words
    english = site.visit("somsri", "en").get(f"/work-items/{open_item(site)}")
    assert "Returned for revision" in english.all('string(//section[@id="returned"])')


def test_what_comes_for_the_first_time_or_goes_on_was_not_returned(site: Site) -> None:
    assert not site.visit("somsri").get(f"/work-items/{open_item(site)}").all('//section[@id="returned"]')
    draft_done(site)
    assert not site.visit("wichai").get(f"/work-items/{open_item(site)}").all('//section[@id="returned"]')


def test_erased_words_leave_who_and_when(site: Site) -> None:
    draft_done(site)
    judged(site, approved=False, reason="ชื่อของบุคคล")
    site.arrange(lambda session: session.execute(text("DELETE FROM journal_payloads WHERE seq >= 4")))

    told = site.visit("somsri").get(f"/work-items/{open_item(site)}").all('string(//section[@id="returned"])')

    assert "คุณwichai" in told
    assert "ชื่อของบุคคล" not in told


# ---- forms about a record of the office ------------------------------------------------------------------------


ROADS = "โครงการถนนเลียบโขง"
ACTIVITIES = [{"name": "เขื่อน", "budget": 600, "q1": 600}]


def prepare_change(session: Session) -> None:
    """A case waits for a request to change one of two projects of one name."""
    make_office(session)
    keys = ("change_request", "project_baseline")
    forms = {f"{key}.yaml": (resource_dir("forms") / f"{key}.yaml").read_bytes() for key in keys}
    deploy(session, {"changing.bpmn": (BPMN / "changing.bpmn").read_bytes(), **forms}, SYSTEM, NOW)
    starter = make_person(session, "somsri", "osm_strategy")
    make_project(session, "P1", name=ROADS, province="TH-41", approved=1000)
    make_project(session, "P2", name=ROADS, province="TH-39", approved=2000, activities=ACTIVITIES)
    make_case(session, "changing", starter, title="เปลี่ยนแปลงโครงการ")


def test_a_change_is_drawn_from_the_register_and_what_moved_there_is_marked(opened: Opened) -> None:
    """Chosen by code, read-only beside the new value, nothing retyped; who is second sees what the first wrote and chooses."""
    site = opened(prepare_change)
    somsri = site.visit("somsri")
    waiting = site.read(lambda session: session.scalars(select(WaitingMessage)).one())
    path = f"/cases/{waiting.case_id}/answers/{waiting.task_id}"

    first = somsri.get(path)
    offered = first.all('//select[@id="choose-record"]/option/text()')
    assert offered[1:] == [
        f"{code} {ROADS} · แขวงทางหลวง · {name}" for code, name in (("P1", "อุดรธานี"), ("P2", "หนองบัวลำภู"))
    ]
    assert not first.all('//*[@name="reason"]')  # nothing to fill in before it is said for which project
    page = somsri.get(f"{path}?project=P2")
    assert page.all('//input[@type="hidden" and @name="project"]/@value') == ["P2"]
    assert page.all('//input[@name="budget_after"]/@value') == ["2,000.00"]
    assert "ในทะเบียนตอนนี้: 2,000.00 บาท" in page.words
    assert page.all('//*[@name="activities-0-name"]')[0].text.strip() == "เขื่อน"
    wrong = somsri.submit(page, path, change_type="T1", reason="น้ำป่า", budget_after="1800", **SAID)
    assert wrong.status == 422
    assert wrong.all('//input[@name="budget_after"]/@value') == ["1800"]
    assert "ในทะเบียนตอนนี้: 2,000.00 บาท" in wrong.words
    said = {"past_cutoff": "false", "bb_agreement_required": "false", "commit_ready": "true"}
    sent = somsri.submit(wrong, path, effect="ไม่กระทบ", **said)
    assert sent.status == 302, sent.words

    item = open_item(site)
    somsri.post(f"/work-items/{item}/claim")
    page = somsri.get(f"/work-items/{item}")
    assert page.all('//input[@name="_record"]/@value') == ["P2@1"]
    assert page.all('//input[@name="budget_after"]/@value') == ["1,800.00"]
    site.arrange(lambda session: make_project(session, "P2", name=ROADS, province="TH-39", approved=2500))
    said = {"effective_on": "20/11/2569", "budget_after": "1900", "cancelled": "false"}
    late = somsri.submit(page, f"/work-items/{item}/complete", **said)
    assert late.status == 409
    assert "มีผู้แก้ไขข้อมูลนี้ในทะเบียนระหว่างที่เปิดแบบอยู่" in late.words
    assert "ในทะเบียนตอนนี้: 2,500.00 บาท" in late.words
    assert late.all('//input[@name="budget_after"]/@value') == ["1900"]
    assert late.all('//input[@name="_record"]/@value') == ["P2@2"]
    done = somsri.submit(late, f"/work-items/{item}/complete")
    assert done.status == 302, done.words

    approved = dict(site.read(lambda session: session.execute(select(Project.code, Project.approved)).all()))
    assert {code: float(amount) for code, amount in approved.items()} == {"P1": 1000, "P2": 1900}
