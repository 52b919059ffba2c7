"""`osm-flow privacy`: personal data are found, kept and erased by two people from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from osm_flow.operations.cases.attachments import GivenFile
from osm_flow.operations.imports import acts
from osm_flow.operations.imports.acts import GivenList
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.projects import project_files
from osm_flow.operations.projects.project_files import NewPhoto
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, make_project
from tests.integration.cli.shell import NAME, Shell
from tests.pictures import photo
from tests.workbooks import HEAD, ROW, workbook

WORD = "command"
WHO = "นายสมปอง ดีงาม"


@pytest.fixture
def shell(an_hour_later: Shell) -> Shell:
    return an_hour_later


def test_personal_data_are_found_asked_for_and_erased(
    shell: Shell, sqlite_store: Store, case_id: str, tmp_path: Path
) -> None:
    found = shell.json("privacy", "find", NAME, "--as", "root")["items"]
    assert [(one["case_id"], one["seq"]) for one in found] == [(case_id, 2)]
    asked = shell.json("privacy", "erase", NAME, "--case", case_id, "--reason", "คำขอ 1", "--as", "root")
    assert asked["left"] == []
    assert shell.run("privacy", "approve", str(asked["id"]), "--as", "root").exit_code == 1
    assert shell.json("privacy", "approve", str(asked["id"]), "--as", "boss")["state"] == "DONE"

    assert shell.json("privacy", "requests")["items"][0]["state"] == "DONE"
    assert NAME.encode() not in Path(str(sqlite_store.url.database)).read_bytes()
    assert shell.run("case", "verify", "--all", "--deep").exit_code == 0
    assert [one["details"] for one in shell.json("privacy", "accesses")["items"]] == [""]


def test_who_asks_for_one_record_is_told_where_else_the_words_stand(shell: Shell, case_id: str) -> None:
    others = shell.json("privacy", "find", WORD, "--as", "root")["items"]
    assert len(others) > 1
    one = f"{others[0]['case_id']}:{others[0]['seq']}"
    asked = shell.json(
        "privacy", "erase", WORD, "--case", case_id, "--record", one, "--reason", "คำขอ 1", "--as", "root"
    )
    assert asked["left"] == [f"{other['case_id']}:{other['seq']}" for other in others[1:]]
    said = shell.run("privacy", "erase", WORD, "--case", case_id, "--record", one, "--reason", "คำขอ 2", "--as", "root")
    assert f"also stand in {len(others) - 1} records" in said.stdout


def test_holds_and_ages_from_the_command_line(shell: Shell, case_id: str) -> None:
    assert shell.json("privacy", "due") == {"items": [], "next": None}
    assert shell.run("privacy", "hold", "--reason", "x", "--as", "root").exit_code == 2
    assert shell.run("privacy", "hold", "--case", case_id, "--reason", "คดี", "--as", "root").exit_code == 0
    refused = shell.run("privacy", "erase", NAME, "--case", case_id, "--reason", "คำขอ 1", "--as", "root")
    assert (refused.exit_code, "legal hold" in refused.stderr) == (1, True)
    assert shell.run("privacy", "lift", "1", "--reason", "จบ", "--as", "root").exit_code == 0
    assert shell.run("privacy", "hold", "--person", "anan", "--reason", "สอบ", "--as", "root").exit_code == 0
    asked = shell.json(
        "privacy",
        "erase",
        "-",
        "--case",
        case_id,
        "--whole",
        "--record",
        f"{case_id}:4",
        "--reason",
        "ครบอายุ",
        "--as",
        "root",
    )
    assert [item["seq"] for item in asked["items"]] == [4]
    assert shell.json("privacy", "refuse", str(asked["id"]), "--as", "root")["state"] == "WITHDRAWN"


def test_a_search_is_an_access_that_is_recorded(shell: Shell, case_id: str) -> None:
    found = shell.run("privacy", "find", NAME, "--as", "root").stdout
    shell.run("privacy", "find", NAME, "--case", case_id, "--as", "boss")

    assert f"{case_id}:2" in found
    accesses = shell.json("privacy", "accesses")["items"]
    assert [(one["actor"], one["kind"], one["details"]) for one in accesses] == [
        ("boss", "privacy.searched", NAME),
        ("root", "privacy.searched", NAME),
    ]
    for wanted, count in (("--actor boss", 1), ("--kind case.viewed", 0), (f"--case {case_id}", 0)):
        assert len(shell.json("privacy", "accesses", *wanted.split())["items"]) == count, wanted


def test_a_search_for_a_user_name_is_for_the_name_of_that_person(shell: Shell, case_id: str) -> None:
    shell.run("privacy", "find", "anan", "--as", "root")

    assert shell.json("privacy", "accesses")["items"][0]["details"] == "คุณanan"


def test_requests_are_listed_by_their_state(shell: Shell, case_id: str) -> None:
    number = shell.json("privacy", "erase", NAME, "--case", case_id, "--reason", "คำขอ 1", "--as", "root")["id"]

    assert [item["id"] for item in shell.json("privacy", "requests", "--state", "ASKED")["items"]] == [number]
    assert shell.json("privacy", "requests", "--state", "DONE")["items"] == []
    assert shell.run("privacy", "requests").stdout.split() == [str(number), "ASKED", "root", "คำขอ", "1"]
    assert shell.run("privacy", "refuse", number, "--as", "boss").stdout == f"request {number}: REFUSED\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("find", "x"), 2),
        (("find", "x", "--as", "nobody"), 1),
        (("find", "x", "--as", "anan"), 1),
        (("erase", "x", "--case", "none", "--reason", "ก", "--as", "root"), 1),
        (("approve", "99", "--as", "boss"), 1),
        (("refuse", "99", "--as", "boss"), 1),
        (("hold", "--case", "c", "--person", "p", "--reason", "ก", "--as", "root"), 2),
        (("hold", "--case", "none", "--reason", "ก", "--as", "root"), 1),
        (("hold", "--person", "nobody", "--reason", "ก", "--as", "root"), 1),
        (("lift", "1", "--reason", "ก", "--as", "root"), 1),
    ],
)
@pytest.mark.usefixtures("case_id")
def test_refusals_and_wrong_use(shell: Shell, arguments: tuple[str, ...], code: int) -> None:
    result = shell.run("privacy", *arguments)

    assert (result.exit_code, result.stdout) == (code, "")
    assert isinstance(result.exception, SystemExit)
    assert shell.json("privacy", "accesses")["items"] == []


def test_a_photo_of_a_project_is_erased_from_the_command_line(shell: Shell, sqlite_store: Store, case_id: str) -> None:
    with sqlite_store.transaction() as session:
        make_project(session, "P1")
        anan, about = actor_named(session, "anan", NOW.date()), NewPhoto("before", None, "หน้าคน")
        project_files.add_photo(session, "P1", anan, NOW, GivenFile("a.jpg", photo()), about, key=None)
    (file,) = shell.json("privacy", "files", "P1", "--as", "root")["items"]
    asked = shell.json("privacy", "erase", "-", "--whole", "--text", file["text"], "--reason", "คำขอ 1", "--as", "root")
    assert shell.json("privacy", "approve", str(asked["id"]), "--as", "boss")["state"] == "DONE"

    assert shell.json("privacy", "files", "P1", "--as", "root")["items"] == []
    assert "no book and no record" in shell.run("privacy", "files", "P0", "--as", "root").stderr
    assert shell.run("privacy", "files", "P1", "--as", "anan").exit_code == 1


def test_an_uploaded_list_is_found_and_erased_from_the_command_line(
    shell: Shell, sqlite_store: Store, case_id: str
) -> None:
    with sqlite_store.transaction() as session:
        given = GivenList("projects", OFFICE, "บัญชี.xlsx", workbook([HEAD, (f"บ้าน {WHO}", *ROW[1:])]))
        number = acts.upload(session, actor_named(session, "anan", NOW.date()), NOW, given).id
    (one,) = shell.json("privacy", "find", WHO, "--as", "root")["lists"]
    assert (one["list"], one["filename"], one["in_file"], one["held"]) == (number, "บัญชี.xlsx", True, False)
    assert f"list {number}" in shell.run("privacy", "find", WHO, "--as", "root").stdout
    assert shell.run("privacy", "erase", WHO, "--reason", "คำขอ 1", "--as", "root").exit_code == 2
    asked = shell.json("privacy", "erase", WHO, "--list", str(number), "--reason", "คำขอ 1", "--as", "root")
    assert (asked["left"], asked["lists"][0]["list"]) == ([], number)
    assert shell.json("privacy", "approve", str(asked["id"]), "--as", "boss")["state"] == "DONE"

    assert shell.json("privacy", "requests")["items"][0]["lists"] == [{"list": number, "done": True}]
    assert shell.json("privacy", "find", WHO, "--as", "root")["lists"] == []


def test_who_erases_elsewhere_is_told_of_lists(shell: Shell, sqlite_store: Store, case_id: str) -> None:
    with sqlite_store.transaction() as session:
        given = GivenList("projects", OFFICE, "บัญชี.xlsx", workbook([HEAD, (f"บ้าน {NAME}", *ROW[1:])]))
        number = acts.upload(session, actor_named(session, "anan", NOW.date()), NOW, given).id
    asked = shell.json("privacy", "erase", NAME, "--case", case_id, "--reason", "คำขอ 1", "--as", "root")
    assert asked["left"] == [f"list {number}"]
