"""Makes the golden histories anew: `python -m tests.golden.make [FOLDER]`, from the root of a checkout.

The whole year of the acceptance test is worked through once more, with a delegation, a suspension, comments, an
attachment and two erasures on top, and for each shipped process the longest case is exported. The kept files are
histories of released versions: a later version must verify them deeply. Regenerate them only when the format of bundles
changed, or when a change of the engine is known to give other states, and say so in the change log; otherwise add new
ones beside the old. `python -m tests.golden.make --book FOLDER` makes the history of a book alone.
"""

from __future__ import annotations

import random
import secrets
import sys
import tempfile
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from osm_flow.app import connect_rooms
from osm_flow.demo import loading
from osm_flow.demo.cast import OFFICE
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.people import NewPosition, PositionKind
from osm_flow.operations.audit.log import make_checkpoint
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.bundles import writing as bundle_writing
from osm_flow.operations.cases.acts import resume_case, suspend_case
from osm_flow.operations.cases.attachments import GivenFile, attach
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.definitions.deployments import deploy, shipped_files
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.people.positions import give_position
from osm_flow.operations.work_items import acts as work_items
from osm_flow.store.models import Case, JournalRecord, ProcessDefinition
from osm_flow.store.session import Store
from osm_flow.store.upgrade import upgrade
from tests.acceptance import test_year as story
from tests.acceptance.driver import DAY, Year
from tests.bundles import make_book, write_book
from tests.factories import erase

HERE = Path(__file__).parent
_RNG = random.Random(2571)  # noqa: S311 (salts and ids that come out the same each time, for histories that are public)


def main(folder: Path) -> None:
    _make_chance_repeatable()
    with tempfile.TemporaryDirectory() as desk:
        store = Store(f"sqlite:///{desk}/golden.db")
        upgrade(store)
        year = _laid_out(store)
        _on_top_of(year, "draft_the_plan_that_is_returned_once", _delegate_and_pause)
        story.test_a_whole_year(year)
        keyring = Keyring(Path(desk) / "keys", "golden.osm-flow.example/journal")
        with store.transaction() as session:  # so that the bundles carry a proof from an earlier checkpoint
            make_checkpoint(session, year.now, SYSTEM, keyring=keyring)
        _erase(year)
        for key, case_id in _longest_cases(store).items():
            _export(year, case_id, folder / f"{key}.zip", keyring)
        _export_administration(year, folder / "administration.zip", keyring)
        (folder / "keys.txt").write_text((keyring.folder / "trusted").read_text(encoding="utf-8"), encoding="utf-8")
        store.close()


def make_history_of_a_book(folder: Path) -> None:
    """A small book with all that a book can have: halves that name people, erasures, a second person, an import, a set."""
    _make_chance_repeatable()
    with tempfile.TemporaryDirectory() as desk:
        store = Store(f"sqlite:///{desk}/golden.db")
        upgrade(store)
        keyring = Keyring(Path(desk) / "keys", "golden.osm-flow.example/journal")
        write_book(store, make_book(store), folder / "projects.zip", keyring)
        (folder / "keys.txt").write_text((keyring.folder / "trusted").read_text(encoding="utf-8"), encoding="utf-8")
        store.close()


def _make_chance_repeatable() -> None:
    secrets.token_hex = lambda nbytes=32: _RNG.randbytes(nbytes or 32).hex()  # type: ignore[assignment]
    uuid.uuid4 = lambda: uuid.UUID(bytes=_RNG.randbytes(16), version=4)  # type: ignore[assignment]


def _laid_out(store: Store) -> Year:
    with store.transaction() as session:
        deploy(session, shipped_files(), SYSTEM, story.BEGINS - DAY)
        loading.furnish(session, story.LAID_OUT_FOR)
        delegation = NewPosition(
            "cluster_head",
            OFFICE,
            date(2027, 10, 1),
            date(2028, 12, 31),
            kind=PositionKind.delegated,
            for_username="somchai",
            letter="คำสั่งจังหวัดอุดรธานี ที่ 4620/2570",
        )
        give_position(session, "pornthip", SYSTEM, story.BEGINS, delegation)
    return Year(store, story.BEGINS)


def _on_top_of(year: Year, scene: str, extra: Callable[[Session, Year], None]) -> None:
    """Let something more happen before a scene of the year."""
    play = getattr(story, scene)

    def both(played: Year) -> None:
        with year.store.transaction() as session:
            extra(session, year)
        year.pass_on()
        play(played)

    setattr(story, scene, both)


def _delegate_and_pause(session: Session, year: Year) -> None:
    """Somebody takes the work, hands it to a colleague, who finds the case stopped for a day."""
    item = year.find(session, "set_frame")
    anucha, kanya, boss = (actor_named(session, name, year.now.date()) for name in ("anucha", "kanya", "thanakorn"))
    work_items.claim(session, item.id, anucha, year.now)
    work_items.delegate(session, item.id, anucha, year.now, to_username="kanya", reason="ไปราชการ 3 วัน")
    comment(session, item.case_id, kanya, year.now, body="ผู้ร้องชื่อ นายสมมุติ ใจดี โทร 042-000-000", key="golden-1")
    attach(
        session,
        item.case_id,
        kanya,
        year.now,
        GivenFile("กรอบนโยบาย.txt", "กรอบ ปี 2571\n".encode()),
        key="golden-2",
    )
    suspend_case(session, item.case_id, boss, year.now, reason="รอหนังสือ ก.น.บ.")
    resume_case(session, item.case_id, boss, year.now + timedelta(minutes=1), reason="ได้รับหนังสือแล้ว")


def _erase(year: Year) -> None:
    """Erase a comment, which leaves the replay whole, and something typed into a form, which ends it there."""
    with year.store.transaction() as session:
        for kind, key in (("case.commented", "plan_drafting"), ("work_item.completed", "hearing")):
            query = select(JournalRecord).join(Case, Case.id == JournalRecord.case_id).join(ProcessDefinition)
            query = query.where(JournalRecord.kind == kind, ProcessDefinition.key == key)
            record = session.scalars(query.order_by(JournalRecord.at.desc()).limit(1)).one()
            erase(session, record.case_id, [record.seq], SYSTEM, year.now, reason="คำขอของเจ้าของข้อมูลตาม PDPA")


def _longest_cases(store: Store) -> dict[str, str]:
    with store.reading() as session:
        query = select(ProcessDefinition.key, Case.id, func.max(Case.seq)).join(Case).group_by(ProcessDefinition.key)
        return {row.key: row.id for row in session.execute(query)}


def _export(year: Year, case_id: str, path: Path, keyring: Keyring) -> None:
    with year.store.transaction() as session:
        bundle_writing.prepare_export(session, case_id, SYSTEM, year.now, reason="golden history", keyring=keyring)
    with year.store.reading() as session, path.open("wb") as file:
        bundle_writing.write_bundle(session, case_id, file, keyring=keyring)
    print(f"{path.name}: {path.stat().st_size} bytes")


def _export_administration(year: Year, path: Path, keyring: Keyring) -> None:
    with year.store.transaction() as session:
        bundle_writing.prepare_chain_export(
            session, "administration", SYSTEM, year.now, reason="golden history", keyring=keyring
        )
    with year.store.reading() as session, path.open("wb") as file:
        bundle_writing.write_chain_bundle(session, "administration", file, keyring=keyring)
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    connect_rooms()
    if sys.argv[1:2] == ["--book"]:
        make_history_of_a_book(Path(sys.argv[2]) if len(sys.argv) > 2 else HERE / "books")
    else:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
