"""Rows of forms that lie in records: written with the act, shown as they were decided on, and carried by the case's bundle."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.books.acts import BookAct, BookActKind
from osm_flow.domain.books.form_rows import is_reference
from osm_flow.domain.json import JSON
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.books.form_rows import rows_behind
from osm_flow.operations.books.sets import members_of
from osm_flow.operations.books.versions import values_of, versions_of
from osm_flow.operations.cases.acts import StartInvalid
from osm_flow.operations.cases.queries import case_documents
from osm_flow.operations.comparing.checks import compare
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.projects.acts import revise
from osm_flow.operations.projects.record_type import book_of
from osm_flow.operations.replay.verify import verify_deep
from osm_flow.operations.work_items.acts import context_of, variables_of
from osm_flow.operations.work_items.completing import Completion, FormInvalid, complete
from osm_flow.store.models import BookEntry, Case, JournalPayload, JournalRecord, RecordSet
from osm_flow.store.session import Store
from tests.bundles import Forger, product_faults, run_script, write_bundle
from tests.factories import (
    NOW,
    OFFICE,
    deploy_tests,
    files,
    items_of,
    later,
    make_case,
    make_office,
    make_person,
    make_project,
)

ROWS = [
    {"project": "P2", "result": "Y1", "amount": 250_000.5},
    {"project": "P1", "result": "Y1", "amount": 1_000},
]
FORM: JSON = {"level": "knb", "decided_on": "2027-01-10", "items": ROWS}
SHOWN = [
    {"project": "P1", "name": "โครงการ P1", "result": "Y1", "amount": 1_000},
    {"project": "P2", "name": "โครงการ P2", "result": "Y1", "amount": 250_000.5},
]


@pytest.fixture
def case_id(store: Store) -> str:
    with store.transaction() as session:
        make_office(session)
        make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
        deploy_tests(session, "judging")
        make_person(session, "anan", "osm_strategy")
        make_person(session, "boss", "osm_director")
        for code in ("P1", "P2", "P3"):
            make_project(session, code)
        make_project(session, "OTHER-YEAR", fiscal_year=2570)
        make_project(session, "ELSEWHERE", office_id="NE-U2", province="TH-47")
        return make_case(session, "judging").id


def finish(store: Store, case_id: str, who: str, values: JSON, minutes: int = 1, key: str | None = None) -> str:
    with store.transaction() as session:
        item = items_of(session, session.get_one(Case, case_id))[0]
        actor = actor_named(session, who, NOW.date())
        complete(session, item.id, actor, later(minutes), Completion.of(values, key))
        return item.id


def payloads(store: Store, case_id: str) -> list[tuple[int, JSON]]:
    with store.reading() as session:
        query = select(JournalPayload.seq, JournalPayload.body).where(JournalPayload.case_id == case_id)
        return [(seq, json.loads(body)) for seq, body in session.execute(query.order_by(JournalPayload.seq))]


def test_the_rows_are_written_into_the_records_and_the_case_keeps_their_set(store: Store, case_id: str) -> None:
    finish(store, case_id, "anan", FORM)

    seq, said = next((seq, body) for seq, body in payloads(store, case_id) if body.get("about", {}).get("sets"))
    kept = said["data"]["items"]
    assert is_reference(kept)
    assert kept["summary"] == {"result": {"Y1": 2, "N": 0}, "amount": 251_000.5}
    assert (kept["count"], kept["into"], kept["which"]) == (2, "results", {"level": "knb"})
    assert said["about"]["sets"] == [{"name": "items", "kind": "projects", "digest": kept["set"], "count": 2}]
    with store.reading() as session:
        assert rows_behind(session, kept) == SHOWN
        assert [one.record for one in members_of(session, kept["set"])] == ["P1", "P2"]
        newest = versions_of(session, "projects", "P2")[-1]
        record = session.scalars(
            select(JournalRecord).where(JournalRecord.case_id == case_id, JournalRecord.seq == seq)
        ).one()
        assert (newest.cause, newest.actor, newest.actor_role) == (
            {"case": case_id, "seq": seq},
            record.actor,
            record.actor_role,
        )
        assert newest.values["results"] == [
            {"level": "knb", "decided_on": "2027-01-10", "result": "Y1", "amount_supported": 250_000.5}
        ]
        assert len(versions_of(session, "projects", "P3")) == 1
        assert list(compare(session)) == []
        assert verify_deep(session, case_id).faults == []


def test_who_judges_later_sees_the_rows_as_they_were_decided_on(store: Store, case_id: str) -> None:
    finish(store, case_id, "anan", FORM)
    with store.transaction() as session:
        act = BookAct(BookActKind.changed, {"record": "P1"})
        revise(session, book_of(OFFICE, 2571), act, SYSTEM, later(2), {"P1": {"name": "ชื่อใหม่", "results": []}})

    with store.reading() as session:
        case = session.get_one(Case, case_id)
        item = items_of(session, case)[0]
        assert item.element == "check"
        assert variables_of(session, item)["judged"]["items"]["count"] == 2
        assert context_of(session, item)["judged"]["items"] == SHOWN
        assert [document.values["items"] for document in case_documents(session, case)] == [SHOWN]

    finish(store, case_id, "boss", {"approved": True, "reason": ""}, 3)
    named = [body["about"]["sets"] for _, body in payloads(store, case_id) if body.get("about", {}).get("sets")]
    assert len(named) == 2
    assert named[0] == named[1]


def test_gateways_read_the_summary(store: Store, case_id: str) -> None:
    finish(store, case_id, "anan", {**FORM, "items": [ROWS[0], {"project": "P1", "result": "N"}]})

    with store.reading() as session:
        case = session.get_one(Case, case_id)
        assert (case.state, case.outcome) == ("COMPLETED", "some_rejected")
        assert values_of(session, "projects", "P1")["results"] == [  # type: ignore[index]
            {"level": "knb", "decided_on": "2027-01-10", "result": "N"}
        ]


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([ROWS[0], {"project": "NOBODY", "result": "Y1"}], "items.1.project"),
        ([{"project": "OTHER-YEAR", "result": "Y1"}], "items.0.project"),
        ([{"project": "ELSEWHERE", "result": "Y1"}], "items.0.project"),
        ([{"project": "โครงการ P1", "result": "Y1"}], "items.0.project"),
        ([ROWS[0], ROWS[1], ROWS[0]], "items.2.project"),
    ],
)
def test_a_row_that_names_no_record_of_the_register_or_one_twice_is_refused_and_nothing_is_kept(
    store: Store, case_id: str, rows: list[JSON], place: str
) -> None:
    before = payloads(store, case_id)

    with pytest.raises(FormInvalid) as refused:
        finish(store, case_id, "anan", {**FORM, "items": rows})

    assert set(refused.value.fields) == {place}
    assert payloads(store, case_id) == before
    with store.reading() as session:
        assert session.scalars(select(RecordSet)).all() == []
        assert len(versions_of(session, "projects", "P1")) == 1


def test_the_same_sending_twice_is_one_act_and_the_same_rows_again_are_the_same_set(store: Store, case_id: str) -> None:
    item_id = finish(store, case_id, "anan", FORM, key="k1")
    with store.transaction() as session:
        anan = actor_named(session, "anan", NOW.date())
        complete(session, item_id, anan, later(2), Completion.of(FORM, "k1"))
    with store.reading() as session:
        entries = len(session.scalars(select(BookEntry)).all())
    finish(store, case_id, "boss", {"approved": False, "reason": "ตรวจใหม่"}, 3)
    finish(store, case_id, "anan", FORM, 4)

    digests = {
        body["data"]["items"]["set"] for _, body in payloads(store, case_id) if is_reference(body["data"].get("items"))
    }
    assert len(digests) == 1
    with store.reading() as session:
        assert len(session.scalars(select(BookEntry)).all()) == entries
        assert verify_deep(session, case_id).faults == []


def results_of(store: Store, code: str) -> list[JSON]:
    with store.reading() as session:
        found: list[JSON] = (values_of(session, "projects", code) or {}).get("results", [])
        return found


@pytest.mark.parametrize(
    ("again", "left"),
    [
        ({**FORM, "items": ROWS[:1]}, {"P1": [], "P2": ["knb"]}),
        ({**FORM, "items": []}, {"P1": [], "P2": []}),
        ({**FORM, "level": "bb"}, {"P1": ["bb"], "P2": ["bb"]}),
        ({**FORM, "level": "bb", "items": ROWS[1:]}, {"P1": ["bb"], "P2": []}),
    ],
)
def test_what_a_revision_strikes_out_its_record_says_no_more(
    store: Store, case_id: str, again: JSON, left: dict[str, list[str]]
) -> None:
    with store.transaction() as session:
        act = BookAct(BookActKind.changed, {"record": "P1"})
        kept = {"level": "subcommittee", "result": "Y1"}
        revise(session, book_of(OFFICE, 2571), act, SYSTEM, later(0), {"P1": {"results": [kept]}})
    finish(store, case_id, "anan", FORM)
    finish(store, case_id, "boss", {"approved": False, "reason": "ตรวจใหม่"}, 2)
    finish(store, case_id, "anan", again, 3)

    levels = {code: [row["level"] for row in results_of(store, code)] for code in ("P1", "P2")}
    assert levels == {"P1": ["subcommittee", *left["P1"]], "P2": left["P2"]}
    with store.reading() as session:
        assert list(compare(session)) == []
        assert verify_deep(session, case_id).faults == []


def test_what_others_wrote_since_a_revision_does_not_strike_out(store: Store, case_id: str) -> None:
    finish(store, case_id, "anan", FORM)
    finish(store, case_id, "boss", {"approved": False, "reason": "ตรวจใหม่"}, 2)
    with store.transaction() as session:
        act = BookAct(BookActKind.changed, {"record": "P1"})
        theirs = {"level": "knb", "result": "N"}
        revise(session, book_of(OFFICE, 2571), act, SYSTEM, later(3), {"P1": {"results": [theirs]}})
    finish(store, case_id, "anan", {**FORM, "items": ROWS[:1]}, 4)

    assert results_of(store, "P1") == [{"level": "knb", "result": "N"}]


def test_nobody_begins_a_case_with_rows_of_records(store: Store, case_id: str) -> None:
    finish(store, case_id, "anan", FORM)
    with store.reading() as session:
        judged = variables_of(session, items_of(session, session.get_one(Case, case_id))[0])["judged"]

    with store.transaction() as session, pytest.raises(StartInvalid):
        make_case(session, "judging", data={"of_others": [judged]})


def test_no_rows_are_a_set_of_nothing(store: Store, case_id: str) -> None:
    finish(store, case_id, "anan", {**FORM, "items": []})

    with store.reading() as session:
        item = items_of(session, session.get_one(Case, case_id))[0]
        assert variables_of(session, item)["judged"]["items"]["count"] == 0
        assert context_of(session, item)["judged"]["items"] == []
        assert list(compare(session)) == []


def test_a_case_that_began_before_the_mark_finishes_with_its_rows_and_gateways_read_them(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        make_person(session, "anan", "osm_strategy")
        for code in ("P1", "P2"):
            make_project(session, code)
        form = yaml.safe_load(files("judging")["judged.yaml"])
        del form["properties"]["items"]["x-records"]
        before = {**files("judging"), "judged.yaml": yaml.safe_dump(form, allow_unicode=True).encode()}
        deploy(session, before, SYSTEM, NOW)
        case_id = make_case(session, "judging").id
        deploy(session, files("judging"), SYSTEM, later(1))

    rows = [*ROWS[:1], {"project": "nobody's", "result": "N"}]
    finish(store, case_id, "anan", {**FORM, "items": rows})

    said = next(body["data"] for _, body in payloads(store, case_id) if "items" in body["data"])
    assert said["items"] == rows
    with store.reading() as session:
        assert session.get_one(Case, case_id).outcome == "some_rejected"
        assert len(versions_of(session, "projects", "P2")) == 1
        assert verify_deep(session, case_id).faults == []


# ---- in a bundle -------------------------------------------------------------------------------------------------


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys", "osm.example.go.th/journal")


@pytest.fixture
def bundle(store: Store, case_id: str, tmp_path: Path, keyring: Keyring) -> Path:
    finish(store, case_id, "anan", FORM)
    return write_bundle(store, case_id, tmp_path / "case.zip", keyring)


def test_the_bundle_of_a_case_has_the_records_that_it_decided_on(bundle: Path, keyring: Keyring) -> None:
    files = Forger.of(bundle).files
    versions = [json.loads(line) for line in files["records/versions.jsonl"].splitlines()]

    assert "manifest.sig" in files
    assert [(one["record"], one["version"]) for one in versions] == [("P1", 2), ("P2", 2)]
    assert json.loads(versions[1]["body"])["results"][0]["amount_supported"] == "250000.50"
    data = files["player.html"].decode().partition('id="data">')[2].partition("</script>")[0]
    assert [records.keys() for records in json.loads(data)["sets"].values()] == [{"P1", "P2"}]
    assert product_faults(bundle) == []
    code, said = run_script(bundle, "--key", str(keyring.folder / "trusted"))
    assert (code, said.splitlines()[-1].startswith("RESULT holds")) == (0, True)


def _lines(files: dict[str, bytes], name: str, change: Callable[[list[Any]], None]) -> None:
    lines = [json.loads(line) for line in files[name].splitlines()]
    change(lines)
    spelled = [json.dumps(one, ensure_ascii=False, sort_keys=True, separators=(",", ":")) for one in lines]
    files[name] = "".join(f"{one}\n" for one in spelled).encode()


def _say(lines: list[Any]) -> None:
    lines[1]["body"] = lines[1]["body"].replace("250000.50", "990000.50")


FORGERIES: dict[str, Callable[[dict[str, bytes]], object]] = {
    "what a version says": lambda files: _lines(files, "records/versions.jsonl", _say),
    "a version is gone": lambda files: _lines(files, "records/versions.jsonl", lambda lines: lines.pop(0)),
    "a version twice": lambda files: _lines(files, "records/versions.jsonl", lambda lines: lines.append(lines[0])),
    "another schema": lambda files: _lines(files, "records/versions.jsonl", lambda lines: lines[0].update(schema=9)),
    "a member is gone": lambda files: _lines(files, "records/sets.jsonl", lambda lines: lines[0]["members"].pop()),
    "the set is gone": lambda files: _lines(files, "records/sets.jsonl", lambda lines: lines.clear()),
    "another set": lambda files: _lines(
        files, "records/sets.jsonl", lambda lines: lines.append({"digest": "f" * 64, "members": []})
    ),
    "members in another order": lambda files: _lines(
        files, "records/sets.jsonl", lambda lines: lines[0]["members"].reverse()
    ),
    "no line": lambda files: _lines(files, "records/versions.jsonl", lambda lines: lines.insert(0, {})),
    "both files are gone": lambda files: [files.pop(f"records/{name}.jsonl") for name in ("sets", "versions")],
}


@pytest.mark.parametrize("name", FORGERIES)
def test_what_was_changed_in_the_records_of_a_bundle_is_found_by_both_checkers(
    bundle: Path, tmp_path: Path, name: str
) -> None:
    forger = Forger.of(bundle)
    FORGERIES[name](forger.files)
    forger.files.pop("manifest.sig")
    forger.fit_player()
    path = forger.write(tmp_path / "forged.zip")

    faults = product_faults(path)
    code, said = run_script(path)

    assert any("set" in fault or "says" in fault or "line" in fault for fault in faults), faults
    assert code == 1, said
