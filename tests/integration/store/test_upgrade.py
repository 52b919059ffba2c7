"""Bringing tables up to date: from nothing or from before, once, whoever else does it at the same moment."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import DBAPIError

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.people import NewPerson
from osm_flow.operations.books.checks import check_books
from osm_flow.operations.books.versions import versions_of
from osm_flow.operations.cases.attachments import get_attachment
from osm_flow.operations.comparing.checks import compare
from osm_flow.operations.imports import queries
from osm_flow.operations.kept_files.moving import move_files
from osm_flow.operations.ledger.access_checks import check_chain
from osm_flow.operations.people.accounts import create_person
from osm_flow.operations.people.hats import actor_named
from osm_flow.store.database import db
from osm_flow.store.models import (
    Access,
    AccessRecord,
    Attachment,
    Book,
    BookEntry,
    KeptFile,
    LoginAttempt,
    Notification,
    Person,
    Project,
)
from osm_flow.store.session import Store
from osm_flow.store.upgrade import MIGRATIONS, current_revision, newest_revision, upgrade
from tests.factories import NOW, deploy_tests, make_case, make_office, make_person
from tests.factories import OFFICE as OFFICE_ID
from tests.together import at_once

ALL = sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("0*.py"))
BEFORE = "0012"
NAMES_ARE_READ = next(path.name[:4] for path in (MIGRATIONS / "versions").glob("*_names_as_they_are_seen.py"))
OFFICE = "INSERT INTO offices VALUES ('NE-U1', 'กลุ่มจังหวัดทดสอบ', 'Test cluster', 'ภาค', 'Region')"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A database of either kind without a table."""
    if request.param == "sqlite":
        store = Store(f"sqlite:///{tmp_path / 'new.db'}")
        yield store
        store.close()
        return
    make: Callable[[], Store] = request.getfixturevalue("new_postgresql")
    store = make()
    with store.transaction() as session:
        session.execute(text("DROP SCHEMA public CASCADE"))
        session.execute(text("CREATE SCHEMA public"))
    yield store


def migrate(store: Store, way: Callable[[Config, str], object], revision: str) -> None:
    """Go to a certain revision, as `alembic` would."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with store.engine.execution_options(osm_begin="IMMEDIATE").begin() as connection:
        config.attributes["connection"] = connection
        way(config, revision)


def tables(store: Store) -> set[str]:
    return set(inspect(store.engine).get_table_names())


def test_there_is_one_head_and_the_numbers_rise() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    revisions = [script.revision for script in scripts.walk_revisions()]

    assert scripts.get_heads() == [newest_revision()]
    assert revisions == sorted(revisions, reverse=True)
    names = [path.name for path in (MIGRATIONS / "versions").glob("*.py")]
    assert all(re.fullmatch(r"\d{4}_[a-z0-9_]+\.py", name) for name in names)


def test_upgrading_twice_changes_nothing(store: Store) -> None:
    assert upgrade(store) == []
    assert current_revision(store) == newest_revision()


def test_an_empty_database_gets_every_table(empty_store: Store) -> None:
    assert current_revision(empty_store) is None

    assert upgrade(empty_store) == ALL

    assert current_revision(empty_store) == newest_revision() == ALL[-1]
    assert tables(empty_store) == {*db.metadata.tables, "alembic_version"}


def test_only_what_is_missing_is_run_and_rows_stay(empty_store: Store) -> None:
    migrate(empty_store, command.upgrade, BEFORE)
    with empty_store.transaction() as session:
        session.execute(text(OFFICE))

    assert upgrade(empty_store) == [revision for revision in ALL if revision > BEFORE]

    with empty_store.reading() as session:
        assert session.execute(text("SELECT name_th FROM offices")).scalars().all() == ["กลุ่มจังหวัดทดสอบ"]


OLD_PROJECTS = [
    # code, colour, last report, contracts
    ("PRJ-NE-U1-2571-0003", "not_reported", '{"as_of": "2027-12-31", "disbursed": 100, "kpi_results": []}', 2),
    (
        "BKK-1",
        "red",
        '{"as_of": "31", "budget_act": "-", "disbursed": 100.005, "kpi_results": [{"kpi": "x", "zz": 1}]}',
        0,
    ),
    ("PRJ-NE-U1-2571-9999999999", None, "broken {", 0),
    ("P4", "", None, 0),
]


def test_projects_move_into_books_as_they_were(store: Store) -> None:
    """Nothing is said that was not; the tables are what their books say; codes go on behind all that were given."""
    with store.transaction() as session:
        make_office(session)
        make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
        deploy_tests(session, "review")
        case_id = make_case(session).id
    migrate(store, command.downgrade, "0036")
    with store.engine.execution_options(osm_begin="IMMEDIATE").begin() as connection:
        for number, (code, colour, report, contracts) in enumerate(OLD_PROJECTS, 1):
            values = {"id": number, "code": code, "colour": colour, "report": report}
            connection.execute(
                text(
                    "INSERT INTO projects (id, code, office_id, fiscal_year, name_th, agency_th, budget_type, requested,"
                    " committed, disbursed, result, state, colour, last_report) VALUES (:id, :code, 'NE-U1', 2571, 'โครงการ',"
                    " 'หน่วยงาน', 'other', 12.5, 0, 0, '', 'working', :colour, :report)"
                ),
                values,
            )
            for contract in range(contracts):
                connection.execute(
                    text(
                        "INSERT INTO contracts (id, project_id, contract_no, value, sign_date, end_date, case_id, at)"
                        " VALUES (:id, :project, :no, 7.25, '2026-12-01', '2027-06-30', :case, '2026-12-01T00:00:00.000000Z')"
                    ),
                    {"id": number * 10 + contract, "project": number, "no": f"{contract}/2571", "case": case_id},
                )

    upgrade(store)

    with store.reading() as session:
        assert list(compare(session, ["projects"])) == []
        assert check_books(session).faults == []
        first = versions_of(session, "projects", OLD_PROJECTS[0][0])[0]
        told = json.loads(session.scalars(select(BookEntry.told)).one())
        assert session.scalars(select(Book.next_number)).one() == 4
        figures = json.loads(session.scalars(select(Project.last_report).where(Project.code == "BKK-1")).one() or "")
    assert first.values["reports"] == [{"quarter": 1, "as_of": "2027-12-31", "disbursed": 100}]
    assert [row["value"] for row in first.values["contracts"]] == [7.25, 7.25]
    assert first.act == "migrated"
    assert told["contracts_entered"] == {OLD_PROJECTS[0][0]: ["2026-12-01T00:00:00.000000Z"] * 2}
    assert told["unreadable"] == {"BKK-1": ["budget_act"], OLD_PROJECTS[2][0]: ["last_report"]}
    assert figures["disbursed"] in (100, 100.01)

    # Taken back and done once more, it says the same and needs no second entry.
    migrate(store, command.downgrade, "0036")
    upgrade(store)
    with store.reading() as session:
        assert list(compare(session, ["projects"])) == []
        assert check_books(session).faults == []


def test_an_account_goes_to_the_office_that_made_it(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        for username, actor in (("of_office", make_person(session, "root", "admin")), ("of_all", SYSTEM)):
            create_person(session, actor, NOW, NewPerson(username, "ใครคนหนึ่ง"))

    migrate(store, command.downgrade, "0020")
    assert upgrade(store)[0] == "0021"

    with store.reading() as session:
        found = dict(session.execute(select(Person.username, Person.office_id)).all())
    assert found == {"root": None, "of_office": OFFICE_ID, "of_all": None}


def test_whoever_may_do_less_is_told_so_once(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        for username, role, office_id in (
            ("own", "admin", OFFICE_ID),
            ("whole", "admin", None),
            ("boss", "osm_director", OFFICE_ID),
            ("anan", "osm_strategy", OFFICE_ID),
            ("seer", "auditor", OFFICE_ID),
        ):
            make_person(session, username, role, office_id=office_id)

    migrate(store, command.downgrade, "0024")
    migrate(store, command.upgrade, "0025")

    with store.reading() as session:
        query = select(Person.username, Notification.url).join(Notification, Notification.person_id == Person.id)
        told = sorted(tuple(row) for row in session.execute(query))
        assert all(all(texts) for texts in session.execute(select(Notification.text_th, Notification.text_en)))
    assert told == [
        ("anan", "/calendar/holidays"),
        ("boss", "/account"),
        ("boss", "/calendar/holidays"),
        ("own", "/definitions"),
    ]
    assert "0025" not in upgrade(store)


def test_whoever_sees_less_is_told_so_once(store: Store) -> None:
    outside = ("agency_owner", "kbk_member", "local_gov")
    provincial = ("province_governor", "province_planner", "prov_treasury")
    with store.transaction() as session:
        make_office(session)
        for role in (*outside, *provincial, "osm_strategy", "auditor"):
            make_person(session, role, role)
        make_person(session, "both", "agency_owner", "kbk_member", "province_planner")
        make_person(session, "gone", "agency_owner")
        make_person(session, "past", "agency_owner")
        session.execute(text("UPDATE people SET locked_at = '2026-01-01T00:00:00.000000Z' WHERE username = 'gone'"))
        ended = "UPDATE positions SET valid_to = '2026-01-02' WHERE person_id = (SELECT id FROM people WHERE username = :one)"
        session.execute(text(ended), {"one": "past"})

    def told() -> list[tuple[str, bool]]:
        with store.reading() as session:
            query = select(Person.username, Notification).join(Notification, Notification.person_id == Person.id)
            rows = session.execute(query.where(Notification.text_th.contains("คุณเห็นเฉพาะ"))).all()
            assert all(notice.text_en for _, notice in rows)
            return sorted((username, "จังหวัดคุณ" in notice.text_th) for username, notice in rows)

    expected = [*((role, False) for role in outside), *((role, True) for role in provincial)]
    for _ in range(2):  # a second upgrade, after a step back, tells nobody twice
        migrate(store, command.downgrade, "0028")
        assert "0029" in upgrade(store)
        assert told() == sorted([*expected, ("both", False), ("both", True)])
    assert upgrade(store) == []


def test_reads_of_before_are_carried_over_into_the_chain(store: Store) -> None:
    with store.transaction() as session:
        make_person(session, "malee", "auditor", office_id=None)
    migrate(store, command.downgrade, "0030")
    insert = "INSERT INTO accesses (at, actor, role, office_id, kind, subject, case_id, reason, details) VALUES "
    with store.transaction() as session:
        for number in range(3):
            values = f"('2026-10-0{number + 1}T03:00:00.000000Z', 'malee', 'auditor', NULL, 'audit.searched', '/audit', NULL, '', 'text=ก')"
            session.execute(text(insert + values))
        for name in ("malee", "รหัสผ่าน ของฉัน"):
            attempt = "INSERT INTO login_attempts (username, address, at, succeeded, note) VALUES "
            session.execute(text(attempt + f"('{name}', '::1', '2026-10-01T03:00:00.000000Z', false, '')"))

    assert upgrade(store)[0] == "0031"

    with store.reading() as session:
        assert check_chain(session).faults == []
        records = session.scalars(select(AccessRecord).order_by(AccessRecord.seq)).all()
        told = [(record.seq, record.kind, json.loads(record.told)) for record in records]
        assert told == [
            (number, "audit.searched", {"carried_over": True, "since": f"2026-10-0{number}T03:00:00.000000Z"})
            for number in (1, 2, 3)
        ]
        assert set(session.scalars(select(Access.details))) == {"text=ก"}
        assert session.scalars(select(LoginAttempt.username).order_by(LoginAttempt.id)).all() == ["malee", "?"]


def test_who_manages_people_or_hands_on_work_is_told_of_persons_once(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        for role in ("admin", "osm_director", "osm_strategy", "agency_owner"):
            make_person(session, role, role)

    for _ in range(2):
        migrate(store, command.downgrade, "0031")
        assert "0032" in upgrade(store)
        with store.reading() as session:
            query = select(Person.username, Notification.url).join(Notification, Notification.person_id == Person.id)
            told = sorted(tuple(row) for row in session.execute(query))
        assert told == [("admin", "/inbox"), ("admin", "/people/without-number"), ("osm_director", "/inbox")]


def test_of_nodes_that_start_at_once_one_does_the_work(empty_store: Store) -> None:
    other = Store(empty_store.url.render_as_string(hide_password=False))
    done: list[list[str]] = []

    at_once(lambda: done.append(upgrade(empty_store)), lambda: done.append(upgrade(other)))

    other.close()
    assert sorted(done) == [[], ALL]


def test_an_upgrade_that_fails_leaves_the_tables_as_they_were(empty_store: Store) -> None:
    with empty_store.transaction() as session:
        session.execute(text("CREATE TABLE witnesses (id INTEGER)"))

    with pytest.raises(DBAPIError, match="witnesses"):
        upgrade(empty_store)

    assert tables(empty_store) == {"witnesses"}
    assert current_revision(empty_store) is None


def test_every_migration_can_be_taken_back(store: Store) -> None:
    migrate(store, command.downgrade, "base")

    assert tables(store) == {"alembic_version"}
    assert upgrade(store) == ALL


def test_a_folder_that_does_not_exist_is_made(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'var' / 'osm.db'}")
    try:
        assert upgrade(store)
    finally:
        store.close()


@pytest.mark.parametrize(
    ("kept", "read"),
    [
        ("\u202eสมศรี\u202c ใจ\u200bงาม", "สมศรี ใจงาม"),
        ("สมศรี\u2028ใจงาม\ufeff", "สมศรี ใจงาม"),
        ("สมศรี  ใจงาม", "สมศรี  ใจงาม"),
        ("\u200b", "\u200b"),
        ("", ""),
    ],
)
def test_names_of_an_earlier_version_are_kept_as_they_are_read(empty_store: Store, kept: str, read: str) -> None:
    migrate(empty_store, command.upgrade, ALL[ALL.index(NAMES_ARE_READ) - 1])
    with empty_store.transaction() as session:
        session.execute(
            text(
                "INSERT INTO people (username, display_name, locale, session_epoch, created_at) "
                "VALUES ('somsri', :name, 'th', 0, :at)"
            ),
            {"name": kept, "at": NOW.isoformat() if empty_store.engine.dialect.name == "sqlite" else NOW},
        )
    upgrade(empty_store)

    with empty_store.reading() as session:
        assert session.scalar(text("SELECT display_name FROM people")) == read


def test_files_of_an_earlier_version_are_read_at_once_and_moved_later(store: Store) -> None:
    """The upgrade writes no row anew; a sweep moves the bytes."""
    before = f"{int(next(path.name[:4] for path in (MIGRATIONS / 'versions').glob('*_files.py'))) - 1:04}"
    content = "บันทึกการประชุม".encode()
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        case_id, person_id = make_case(session).id, make_person(session, "anan", "osm_strategy").person_id
    migrate(store, command.downgrade, before)
    values = {"case": case_id, "person": person_id, "size": len(content), "digest": sha256(content).hexdigest()}
    with store.engine.execution_options(osm_begin="IMMEDIATE").begin() as connection:
        connection.execute(
            text(
                "INSERT INTO attachments (case_id, person_id, filename, media_type, size, sha256, content, at)"
                " VALUES (:case, :person, 'a.txt', 'text/plain', :size, :digest, :content, '2026-12-01T00:00:00.000000Z')"
            ),
            {**values, "content": content},
        )

    upgrade(store)

    for moved in (1, 0):
        with store.reading() as session:
            kept = session.scalars(select(Attachment)).one()
            assert get_attachment(session, kept.id, actor_named(session, "anan", NOW.date())).content == content
        assert move_files(store, NOW, "a").done == moved
    with store.reading() as session:
        assert session.scalars(select(KeptFile.sha256)).one() == values["digest"]


def test_lists_that_wait_are_there_after_the_upgrade_and_their_files_are_moved(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        anan = make_person(session, "anan", "osm_strategy")
    migrate(store, command.downgrade, "0044")
    with store.engine.execution_options(osm_begin="IMMEDIATE").begin() as connection:
        connection.execute(
            text(
                "INSERT INTO imports (id, kind, office_id, person_id, filename, sha256, size, content, choices, at)"
                " VALUES (1, 'projects', 'NE-U1', :person, 'a.csv', :sha256, 4, :content, '{}', '2026-12-01T00:00:00.000000Z')"
            ),
            {"person": anan.person_id, "sha256": sha256(b"a,b\n").hexdigest(), "content": b"a,b\n"},
        )

    assert upgrade(store)[:2] == ["0045", "0046"]

    def fetched() -> bytes:
        with store.reading() as session:
            return queries.list_of(session, 1, actor_named(session, "anan", NOW.date())).fetch()

    assert fetched() == b"a,b\n"
    assert move_files(store, NOW, "me").done == 1
    assert fetched() == b"a,b\n"
    with pytest.raises(RuntimeError, match="store of files"):
        migrate(store, command.downgrade, "0044")
    assert fetched() == b"a,b\n"
