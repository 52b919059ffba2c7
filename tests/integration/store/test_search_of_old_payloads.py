"""A database from before the search gets the text of its old payloads, and its journal is append-only again."""

from __future__ import annotations

import json

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from osm_flow.domain.search import typed_text
from osm_flow.operations.replay.verify import verify_all
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Case, JournalPayload, JournalRecord, WorkItem
from osm_flow.store.session import Store
from osm_flow.store.upgrade import MIGRATIONS
from tests.factories import NOW, deploy_tests, items_of, make_case, make_office, make_person


def test_the_migration_fills_in_what_people_typed_before(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        anan = make_person(session, "anan", "osm_strategy")
        case = make_case(session)
        complete(session, items_of(session, case)[0].id, anan, NOW, Completion.of({"text": "นํ้าท่วม"}))
    migration = ScriptDirectory(str(MIGRATIONS)).get_revision("0011").module
    writing = store.engine.execution_options(osm_begin="IMMEDIATE")
    with writing.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        migration._refuse_updates(False)
        connection.execute(text("UPDATE journal_payloads SET search = ''"))
        migration._refuse_updates(True)
        migration._fill()

    with store.reading() as session:
        same = (JournalPayload.case_id == JournalRecord.case_id) & (JournalPayload.seq == JournalRecord.seq)
        query = select(JournalRecord.actor, JournalPayload).join(JournalPayload, same).order_by(JournalRecord.seq)
        found = [(actor, row.search, json.loads(row.body)["data"]) for actor, row in session.execute(query)]
        assert [faults for _, faults in verify_all(session)] == [[]]
    assert [(actor, search) for actor, search, _ in found] == [("system", ""), ("anan", "น้ำท่วม")]
    assert found[1][1] == typed_text(found[1][2])
    with pytest.raises(DBAPIError, match="append-only"), store.transaction() as session:
        session.execute(text("UPDATE journal_payloads SET search = ''"))


@pytest.mark.parametrize(
    ("revision", "typed", "old", "found"),
    [
        # The oldest normal form knew no zero-width signs, and no dates.
        ("0019", "นัด\u200bหมาย ๒๐ พ.ย. ๒๕๖๙", "นัด\u200bหมาย 20 พ.ย. 2569", "นัดหมาย 2026-11-20"),
        # The one after it knew no numbers in groups.
        (
            "0024",
            "โทร ๐๘๑-๒๓๔๕๖๗๘ ๒๐ พ.ย. ๒๕๖๙",
            "โทร 081-2345678 20 พ.ย. 2569\nโทร 081-2345678 2026-11-20",
            "โทร 0812345678",
        ),
        # The one after that knew SARA AM in two pieces in one order only, and no months in full English words.
        (
            "0027",
            "น\u0e49\u0e32\u0e4dท่วม 20 November 2026",
            "น\u0e49\u0e32\u0e4dท่วม 20 november 2026",
            "น้ำท่วม 2026-11-20",
        ),
    ],
)
def test_what_an_earlier_version_kept_is_found_as_it_is_asked_for_now(
    store: Store, revision: str, typed: str, old: str, found: str
) -> None:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        anan = make_person(session, "anan", "osm_strategy")
        case = make_case(session, title=typed)
        complete(session, items_of(session, case)[0].id, anan, NOW, Completion.of({"text": typed}))
    migration = ScriptDirectory(str(MIGRATIONS)).get_revision(revision).module
    writing = store.engine.execution_options(osm_begin="IMMEDIATE")
    with writing.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        first = ScriptDirectory(str(MIGRATIONS)).get_revision("0019").module
        first._refuse_updates(False)
        connection.execute(text("UPDATE journal_payloads SET search = :old WHERE search != ''"), {"old": old})
        first._refuse_updates(True)
        for table in ("cases", "work_items"):
            connection.execute(text(f"UPDATE {table} SET search = :old"), {"old": old})  # noqa: S608 (two names above)
        migration.upgrade()

    with store.reading() as session:
        kept = session.scalars(select(JournalPayload.search).where(JournalPayload.search != "")).all()
        kept += session.scalars(select(Case.search)).all() + session.scalars(select(WorkItem.search)).all()
        assert [faults for _, faults in verify_all(session)] == [[]]
    assert len(kept) >= 4
    assert all(found in search for search in kept)
    with pytest.raises(DBAPIError, match="append-only"), store.transaction() as session:
        session.execute(text("UPDATE journal_payloads SET search = ''"))
