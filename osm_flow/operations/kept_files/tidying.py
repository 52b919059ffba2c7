"""Deleting the bytes of files that no row names: released by an erasure, or left behind by whoever died before the commit."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.operations.background import leases
from osm_flow.operations.background.leases import Tally
from osm_flow.store import file_store
from osm_flow.store.file_folder import FileFolder
from osm_flow.store.file_store import Place
from osm_flow.store.models import KeptFile
from osm_flow.store.session import Store

logger = logging.getLogger(__name__)

# How long a file must have lain there before it counts as left behind: it is written before the row that names it.
LEFT_AFTER = timedelta(days=1)
FILES_A_ROUND = 50
_AT_ONCE = 500


def delete_released(
    store: Store,
    now: datetime,
    owner: str,
    limit: int = FILES_A_ROUND,
    *,
    is_stopping: Callable[[], bool] = leases.never,
) -> Tally:
    """Delete up to `limit` files that an erasure released."""
    with store.reading() as session:
        released = select(KeptFile.sha256).where(KeptFile.place == Place.gone)
        digests = session.scalars(released.order_by(KeptFile.sha256).limit(limit)).all()
    return _delete_each(store, digests, is_stopping)


def delete_left_behind(
    store: Store,
    now: datetime,
    owner: str,
    limit: int = FILES_A_ROUND,
    *,
    is_stopping: Callable[[], bool] = leases.never,
) -> Tally:
    """Delete up to `limit` files that no row ever named, and what was never written to its end."""
    folder = file_store.folder_beside(store.url)
    if folder is None:
        return Tally()
    tally = _delete_each(store, list(islice(_left_behind(store, folder), limit)), is_stopping)
    return tally + Tally(done=folder.drop_unfinished(older_than=LEFT_AFTER.total_seconds()))


def _delete_each(store: Store, digests: Sequence[str], is_stopping: Callable[[], bool]) -> Tally:
    """Each goes under the turn of those who write: nobody keeps the same file meanwhile."""
    tally = Tally()
    for digest in digests:
        if is_stopping():
            break
        try:
            with store.transaction() as session:
                tally += Tally(done=1) if _delete(session, digest) else Tally()
        except OSError:
            # Left, not failed: a scanner may hold it open now, and the next round tries again.
            logger.exception("file could not be deleted", extra={"sha256": digest})
            tally += Tally(left=1)
    return tally


def _left_behind(store: Store, folder: FileFolder) -> Iterator[str]:
    """The digests of files that have lain in the folder for long and that no row names."""
    lying = folder.digests(older_than=LEFT_AFTER.total_seconds())
    with store.reading() as session:
        while some := list(islice(lying, _AT_ONCE)):
            named = set(session.scalars(select(KeptFile.sha256).where(KeptFile.sha256.in_(some))))
            yield from (digest for digest in some if digest not in named)


def _delete(session: Session, digest: str) -> bool:
    """Whether the file was deleted. The row goes only with this transaction: until then the next sweep tries again."""
    row = session.get(KeptFile, digest, with_for_update=True)
    folder = file_store.folder_of(session)
    if folder is None or (row is not None and row.place != Place.gone):
        return False
    folder.delete(digest)
    if row is not None:
        session.delete(row)
    return True
