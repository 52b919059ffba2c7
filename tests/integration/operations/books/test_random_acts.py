"""Random acts on the register of an office: whatever people did to it, its books prove every row, set and bundle of it.

A run that fails is repeated by its seed; `OSM_RANDOM_ACTS` is how many seeds are tried on each database.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.books.acts import BookAct, BookActKind
from osm_flow.errors import OsmFlowError
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.books.checks import check_books
from osm_flow.operations.books.corrections import NewCorrection
from osm_flow.operations.books.sets import keep_set
from osm_flow.operations.books.versions import newest_of
from osm_flow.operations.cases.attachments import GivenFile
from osm_flow.operations.comparing.administration import record_as_found
from osm_flow.operations.comparing.checks import compare
from osm_flow.operations.imports import acts as imports
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.privacy import erasure_requests, erasure_search, retention
from osm_flow.operations.projects import corrections, project_files
from osm_flow.operations.projects.acts import revise
from osm_flow.operations.projects.project_files import NewPaper, NewPhoto
from osm_flow.operations.projects.record_type import KIND
from osm_flow.operations.rebuilding.rounds import carry_out
from osm_flow.store.models import Case, Correction, ImportFile, Project, RecordChange, RecordFile, RecordSet
from osm_flow.store.session import Store
from tests.bundles import BOOK, Forger, hash_of, product_faults, run_script, write_book
from tests.factories import NOW, deploy_tests, later, make_case, make_office, make_person, make_project
from tests.integration.operations.imports.conftest import Importing
from tests.integration.operations.project_topics.test_progress import work
from tests.integration.operations.rebuilding.test_rounds import agreed
from tests.pictures import photo

Rng = random.Random
SEEDS = range(int(os.environ.get("OSM_RANDOM_ACTS", "3")))
# Minutes from act to act: all of them come before what is asked for and exported afterwards.
STEP = 0.125
CONTACTS = ("นายสมชาย ใจดี", "นางสมศรี มีสุข", "นางสาวกาญจนา ทองคำ")
AGENCIES = ("แขวงทางหลวง", "ชลประทาน")


@dataclass
class Office:
    """An office at work: what it does next comes from the seed."""

    store: Store
    rng: Rng
    minute: float = 1
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def now(self) -> datetime:
        """The moment of the act, later than that of the act before."""
        self.minute += STEP
        return later(self.minute)

    def begin(self) -> None:
        """People, a case that moves projects on, and projects that it may move."""
        with self.store.transaction() as session:
            make_office(session)
            for name, role in (("anan", "osm_strategy"), ("head", "osm_strategy_head"), ("boss", "osm_director")):
                make_person(session, name, role)
            make_person(session, "root", "admin")
            for name in ("first", "second"):
                make_person(session, name, "admin", office_id=None)
            deploy_tests(session, "review")
            make_case(session)
            for number in range(1, 6):
                state = self.rng.choice(["endorsed", "requested", "allotted", "working"])
                contact = {"contact_name": self.rng.choice(CONTACTS)}
                make_project(session, f"P{number}", state=state, approved=900, **contact)
            record_as_found(session, NOW)

    def act(self, what: Act) -> None:
        """One act of one transaction, which may be refused."""
        name = what.__name__
        try:
            with self.store.transaction() as session:
                what(self, session)
        except OsmFlowError as error:
            self.refused[f"{name}: {type(error).__name__}"] += 1
        else:
            self.done[name] += 1

    def who(self, session: Session, name: str) -> Actor:
        return actor_named(session, name, NOW.date())

    def code(self, session: Session) -> str:
        return self.rng.choice(session.scalars(select(Project.code).order_by(Project.code)).all())

    def one_of(self, rows: Any) -> Any:
        """One of these rows; where there is none, nothing can be done, as if it were refused."""
        if not (found := list(rows)):
            raise NothingThere
        return self.rng.choice(found)


class NothingThere(OsmFlowError):
    """There is nothing to act on."""


def by_case(office: Office, session: Session) -> None:
    case_id, rng = session.scalars(select(Case.id)).one(), office.rng
    code, amount = office.code(session), rng.randint(1, 900)
    row = {"project": code, "result": rng.choice(["Y1", "Y2"]), "amount_requested": 1000, "amount_supported": amount}
    concept = {"name": f"โครงการใหม่ {rng.randint(1, 9)}", "agency": rng.choice(AGENCIES), "budget_total": amount}
    replies = [{"province": "TH-41", "concepts": [{"project_concept": concept, "screening": {"outcome": "pass"}}]}]
    listed = {"name": concept["name"], "agency": concept["agency"], "amount": amount}
    judged = {"level": "subcommittee", "decided_on": "2027-01-10", "items": [row]}
    topics: list[tuple[str, dict[str, Any], dict[str, str]]] = [
        ("register_projects", {"concept_replies": replies, "plan_assembly": {"projects": [listed]}}, {}),
        ("move_projects", {}, {"project_state": rng.choice(["endorsed", "requested", "closed"])}),
        ("record_results", {"subcommittee_result": judged}, {}),
        ("record_quarter", {"quarter": 1, "reports": [{"project": code, "report": {"disbursed": amount}}]}, {}),
        ("record_year_end", {"year_end": {"items": [{"project": code, "decision": "carry", "balance": 5}]}}, {}),
    ]
    topic, data, properties = rng.choice(topics)
    work(session, case_id, topic, data, **properties)


def by_decision(office: Office, session: Session) -> None:
    """A change that was decided on a set of records, which its entry names."""
    codes = session.scalars(select(Project.code).order_by(Project.code)).all()
    kept = keep_set(session, KIND, office.rng.sample(codes, min(len(codes), office.rng.randint(1, 4))))
    act = BookAct(BookActKind.changed, {"record": codes[0]}, reason="มติที่ประชุม", told={"sets": [kept]})
    changes = {"requested": office.rng.randint(1, 10**6), "contact_name": office.rng.choice(CONTACTS)}
    revise(session, BOOK, act, SYSTEM, office.now, {office.rng.choice(codes): changes})


def propose(office: Office, session: Session) -> None:
    code, rng = office.code(session), office.rng
    fields = rng.choice([{"requested": rng.randint(1, 10**6)}, {"rationale": f"น้ำท่วม {rng.random()}"}])
    new = NewCorrection(fields, newest_of(session, KIND, [code])[code].version, "พิมพ์ผิด")
    corrections.correct(session, code, office.who(session, "anan"), office.now, new)


def decide(office: Office, session: Session) -> None:
    waiting = select(Correction).where(Correction.decided_seq.is_(None)).order_by(Correction.record_id)
    row = office.one_of(session.scalars(waiting))
    if office.rng.random() < 0.6:
        corrections.confirm(session, row.record_id, row.seq, office.who(session, "head"), office.now)
    else:
        corrections.withdraw(session, row.record_id, row.seq, office.who(session, "anan"), office.now, reason="ไม่ใช่")


def bring_in(office: Office, session: Session) -> None:
    rng, importing = office.rng, Importing(session, office.who(session, "anan"))
    names = [f"นำเข้า {rng.randint(1, 99)}" for _ in range(3)]
    names += [f"โครงการ P{rng.randint(1, 5)}"] if rng.random() < 0.5 else []
    rows = [(name, AGENCIES[0], "อุดรธานี", 2571, rng.randint(1, 10**6)) for name in names]
    row = importing.upload(*rows)
    importing.answer(row, {number: "new" for number in range(2, 6) if rng.random() < 0.2})
    importing.confirm(row, office.now)


def undo(office: Office, session: Session) -> None:
    """The newest list is taken back: on older ones something stands soon."""
    row = office.one_of(session.scalars(select(ImportFile).order_by(ImportFile.id.desc()).limit(1)))
    imports.take_back(session, row.id, office.who(session, "anan"), office.now, "ผิดชีต")


def erase(office: Office, session: Session) -> None:
    root, words = office.who(session, "root"), office.rng.choice(CONTACTS)
    found = office.one_of([[one.text.name for one in erasure_search.find_texts(session, root, words)]])
    asked = erasure_requests.ask(session, root, office.now, words=words, records=[], reason="คำขอ", texts=found)
    erasure_requests.approve(session, asked.id, office.who(session, "boss"), office.now)


def add_file(office: Office, session: Session) -> None:
    code, anan, rng = office.code(session), office.who(session, "anan"), office.rng
    if rng.random() < 0.5:
        about = NewPhoto("before", date(2026, 11, 2), "ก่อนปรับปรุง")
        project_files.add_photo(session, code, anan, office.now, GivenFile("a.jpg", photo("JPEG")), about, key=None)
    else:
        given = GivenFile("a.pdf", b"%PDF-1.7\n1 0 obj\n" + rng.randbytes(20))
        project_files.add_paper(session, code, anan, office.now, given, NewPaper("contract", "สัญญา"), key=None)


def take_file_back(office: Office, session: Session) -> None:
    row = office.one_of(session.scalars(select(RecordFile).order_by(RecordFile.record_id, RecordFile.sha256)))
    anan = office.who(session, "anan")
    project_files.take_back(session, row.record_id, row.sha256, anan, office.now, reason="ผิดไฟล์")


def hold(office: Office, session: Session) -> None:
    root = office.who(session, "root")
    if office.rng.random() < 0.5:
        row = office.one_of(retention.current_holds(session, root)).row
        retention.lift_hold(session, row.id, root, office.now, reason="จบคดี")
    else:
        retention.hold_in_books(session, (str(BOOK), office.code(session)), root, office.now, reason="คดี")


Act = Callable[[Office, Session], None]
# How often each is tried in a run, in an order that comes from the seed.
OFTEN: dict[Act, int] = {
    by_case: 8,
    by_decision: 6,
    propose: 8,
    decide: 5,
    bring_in: 3,
    undo: 3,
    erase: 3,
    add_file: 5,
    take_file_back: 2,
    hold: 2,
}


def registered(session: Session) -> list[tuple[Any, ...]]:
    """Every row of the register, but for the numbers that the database gives to rows."""
    table = Project.__table__
    columns = [column for column in table.columns if column.name != "id"]
    return [tuple(row) for row in session.execute(select(*columns).order_by(table.c.code))]


def require_proven(session: Session) -> None:
    """Tables say what the chains say, chains hold, and each set is that of its members as they stand in the books."""
    assert [one.en for one in compare(session)] == []
    assert check_books(session).faults == []
    known = {
        (row.record_id, row.version): row.hash
        for row in session.execute(select(RecordChange.record_id, RecordChange.version, RecordChange.hash))
    }
    for kept in session.scalars(select(RecordSet)):
        members = json.loads(kept.members)
        assert sha256(rfc8785.dumps(members)).hexdigest() == kept.digest
        assert len(members) == kept.count
        assert all(known[record, version] == hash_ for record, version, hash_ in members)


def put_back(store: Store) -> int:
    """How many rows two administrators have put back from the books."""
    with store.reading() as session:
        admins = (actor_named(session, "first", NOW.date()), actor_named(session, "second", NOW.date()))
    outcome = carry_out(store, agreed(store, admins, "projects"), admins[0], later(40))
    assert outcome.left == []
    return len(outcome.put_back)


def scramble(session: Session, rng: Rng) -> None:
    """The register as somebody with the database in hand leaves it: rows gone, others said to be of another kind."""
    codes = session.scalars(select(Project.code).order_by(Project.code)).all()
    gone = codes if rng.random() < 0.3 else rng.sample(codes, len(codes) // 2)
    session.execute(delete(Project).where(Project.code.in_(gone)))
    session.execute(update(Project).values(state="closed", requested=1, name_th="ปลอม", search="ปลอม"))


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_was_done_the_books_prove_it(store: Store, tmp_path: Path, seed: int) -> None:
    office = Office(store, Rng(seed))
    office.begin()
    acts = [what for what, often in OFTEN.items() for _ in range(often)]
    office.rng.shuffle(acts)
    for what in acts:
        office.act(what)
    told = f"seed {seed}: {dict(office.done)}, refused {dict(office.refused)}"
    assert len(office.done) >= 6, told
    assert office.done.total() > office.refused.total(), told

    with store.reading() as session:
        require_proven(session)
        before = registered(session)
    assert put_back(store) == 0
    with store.transaction() as session:
        scramble(session, office.rng)
    assert put_back(store) > 0
    with store.reading() as session:
        assert registered(session) == before
        require_proven(session)

    keyring = Keyring(tmp_path / "keys", "osm.example.go.th/journal")
    path = write_book(store, str(BOOK), tmp_path / "book.zip", keyring)
    assert product_faults(path) == []
    code, said = run_script(path, "--key", str(keyring.folder / "trusted"))
    assert code == 0, said
    require_caught(path, tmp_path / "forged.zip", office.rng)


def require_caught(genuine: Path, path: Path, rng: Rng) -> None:
    """Each fault that is planted is named by product and script, of a bundle that has no signature to break."""
    for plant in (None, edit_a_body, remove_an_entry, fork, edit_a_set):
        forger = Forger.of(genuine)
        del forger.files["manifest.sig"]
        if plant is not None and not plant(forger, rng):
            continue
        forger.write(path)
        code, said = run_script(path)
        if plant is None:
            assert (code, product_faults(path)) == (3, []), said
        else:
            assert (code, bool(product_faults(path))) == (1, True), (plant.__name__, said)


def edit_a_body(forger: Forger, rng: Rng) -> bool:
    lines = forger.book_lines("payloads")
    line = rng.choice([one for one in lines if one["part"] == "body"])
    line["body"] = rfc8785.dumps({**json.loads(line["body"]), "requested": -7}).decode()
    forger.put_book_lines("payloads", lines)
    return True


def remove_an_entry(forger: Forger, rng: Rng) -> bool:
    lines = forger.book_lines("journal")
    del lines[rng.randrange(len(lines) - 1)]
    forger.put_book_lines("journal", lines)
    return True


def fork(forger: Forger, rng: Rng) -> bool:
    """Two entries with one predecessor, each of which is sealed."""
    lines = forger.book_lines("journal")
    at = rng.randrange(len(lines))
    twin = {**lines[at], "actor": "kanya"}
    lines.insert(at + rng.randrange(2), {**twin, "hash": hash_of(twin)})
    forger.put_book_lines("journal", lines)
    return True


def edit_a_set(forger: Forger, rng: Rng) -> bool:
    """One member less; nothing where no decision named a set."""
    if not (lines := forger.book_lines("sets")):
        return False
    rng.choice(lines)["members"].pop()
    forger.put_book_lines("sets", lines)
    return True
