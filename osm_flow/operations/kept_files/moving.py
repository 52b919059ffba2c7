"""Moving files to where this database keeps them: out of attachments and lists of earlier versions, and out of a copied database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from hashlib import sha256

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, undefer

from osm_flow.operations.background import leases
from osm_flow.operations.background.leases import Tally
from osm_flow.operations.imports import list_files
from osm_flow.store import file_store
from osm_flow.store.file_store import FileDamaged, Place
from osm_flow.store.models import Attachment, FileContent, ImportFile, KeptFile
from osm_flow.store.session import Store, lock_case

# Few enough that nobody who works meanwhile waits for it: each is one transaction.
FILES_A_ROUND = 20


def move_files(
    store: Store,
    now: datetime,
    owner: str,
    limit: int = FILES_A_ROUND,
    *,
    is_stopping: Callable[[], bool] = leases.never,
) -> Tally:
    """Move up to `limit` files; each is whole in one place or the other, whenever this ends.

    What is not what was attached stays where it is: the comparing of tables names it.
    """
    moves: list[Callable[[Session], bool]] = [
        partial(_move_attachment, attachment_id=one) for one in _attachments(store)
    ]
    moves += [partial(_move_list, number=one) for one in _lists(store)]
    moves += [partial(_move_content, digest=one) for one in _contents(store)]
    tally = Tally()
    for move in moves:
        if is_stopping() or tally.done >= limit:
            break
        with store.transaction() as session:
            tally += Tally(done=1) if move(session) else Tally()
    return tally


def _attachments(store: Store) -> list[int]:
    with store.reading() as session:
        held = select(Attachment.id).where(Attachment.file.is_(None), func.length(Attachment.content) > 0)
        return list(session.scalars(held.order_by(Attachment.id)))


def _lists(store: Store) -> list[int]:
    with store.reading() as session:
        held = select(ImportFile.id).where(ImportFile.file.is_(None), func.length(ImportFile.content) > 0)
        return list(session.scalars(held.order_by(ImportFile.id)))


def _contents(store: Store) -> list[str]:
    """The files that lie in the table of a database that has a folder."""
    with store.reading() as session:
        if file_store.folder_of(session) is None:
            return []
        return list(session.scalars(select(FileContent.sha256).order_by(FileContent.sha256)))


def _move_attachment(session: Session, attachment_id: int) -> bool:
    case_id = session.scalar(select(Attachment.case_id).where(Attachment.id == attachment_id))
    if case_id is None:
        return False
    lock_case(session, case_id)  # as whoever erases does
    query = select(Attachment).where(Attachment.id == attachment_id).options(undefer(Attachment.content))
    kept = session.scalars(query, execution_options={"populate_existing": True}).one_or_none()
    if kept is None or kept.file is not None or not kept.content:
        return False
    if sha256(kept.content).hexdigest() != kept.sha256:
        return False
    kept.file = file_store.keep(session, kept.content, kept.media_type)
    kept.content = b""
    return True


def _move_list(session: Session, number: int) -> bool:
    # As whoever confirms or erases it does.
    query = select(ImportFile).where(ImportFile.id == number).options(undefer(ImportFile.content)).with_for_update()
    row = session.scalars(query, execution_options={"populate_existing": True}).one_or_none()
    if row is None or row.file is not None or not row.content or sha256(row.content).hexdigest() != row.sha256:
        return False
    row.file, row.content = list_files.keep(session, row.content), None
    return True


def _move_content(session: Session, digest: str) -> bool:
    row = session.get(KeptFile, digest, with_for_update=True)
    if row is None or row.place != Place.database:
        return False
    try:
        content = file_store.read(session, digest)
    except FileDamaged:
        return False
    session.execute(delete(FileContent).where(FileContent.sha256 == digest))
    file_store.keep(session, content, row.type)
    return True
