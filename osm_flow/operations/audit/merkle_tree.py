"""The Merkle tree over the leaves of the log: RFC 6962 hashing by `pymerkle`, storage in our tables.

Full subtrees of 64 leaves and more are kept when they become full, so a root or a proof over any number of leaves reads
at most 64 leaves beside one hash for each level.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from pymerkle import BaseMerkleTree
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from osm_flow.errors import Refused
from osm_flow.store.models import LogLeaf, LogNode

_KEPT_LEVEL = 6
_BATCH = 5_000


class LogDamaged(Refused):
    """The audit log lacks leaves that it had. Run the verification of the log."""


class Leaf(NamedTuple):
    """What the log keeps of a journal record."""

    case_id: str
    seq: int
    hash: str


def leaf_bytes(leaf: Leaf) -> bytes:
    """The leaf as RFC 8785 JSON; written by the standard library, which spells text and small integers the same."""
    fields = {"case_id": leaf.case_id, "hash": leaf.hash, "seq": leaf.seq}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


class LogTree(BaseMerkleTree):  # type: ignore[misc]
    """The tree in the database of this session. Positions count from 0 here; the library's public ones from 1."""

    def __init__(self, session: Session) -> None:
        super().__init__("sha256")
        self._session = session

    def append_entries(self, entries: Iterable[Leaf]) -> int:
        """Add the leaves and every subtree that they fill; the new size."""
        size = self._get_size()
        stack = self._full_subtrees(size)
        for some in _batches(entries):
            nodes: list[dict[str, object]] = []
            for offset, leaf in enumerate(some):
                self._push(stack, size + offset, self.hash_buff(leaf_bytes(leaf)), nodes)
            rows = [{"position": size + offset, **leaf._asdict()} for offset, leaf in enumerate(some)]
            self._session.execute(insert(LogLeaf), rows)
            if nodes:
                self._session.execute(insert(LogNode), nodes)
            size += len(some)
        return size

    def root(self, size: int | None = None) -> bytes:
        """The root over the first `size` leaves. Raises LogDamaged when there are fewer."""
        current: int = self._get_size()
        if size is None:
            size = current
        if size > current:
            raise LogDamaged(size=size)
        root: bytes = self._get_root(0, size)
        return root

    def audit_path(self, position: int, size: int) -> list[bytes]:
        """The inclusion proof of RFC 6962, section 2.1.1, from the leaf's sibling upwards."""
        path: list[bytes] = self.prove_inclusion(position + 1, size).path
        return path[1:]

    def consistency_path(self, old: int, new: int) -> list[bytes]:
        """The consistency proof of RFC 6962, section 2.1.2.

        The library's own takes another way down when the old size is a power of two, so only its hashes are used.
        """
        return [self._get_root(*range_) for range_ in _consistency_ranges(old, 0, new, whole=True)]

    def _full_subtrees(self, size: int) -> list[bytes]:
        """The roots of the full subtrees that `size` leaves consist of, widest first."""
        roots, offset = [], 0
        for level in reversed(range(size.bit_length())):
            if size >> level & 1:
                roots.append(self._get_subroot(offset, 1 << level))
                offset += 1 << level
        return roots

    def _push(self, stack: list[bytes], position: int, digest: bytes, nodes: list[dict[str, object]]) -> None:
        stack.append(digest)
        level = 0
        while position >> level & 1:
            right, left = stack.pop(), stack.pop()
            stack.append(self.hash_pair(left, right))
            level += 1
            if level >= _KEPT_LEVEL:
                nodes.append({"level": level, "position": position >> level, "hash": stack[-1].hex()})

    # ---- what the library asks of its storage ------------------------------------------------------------------

    def _encode_entry(self, data: Leaf) -> bytes:
        return leaf_bytes(data)

    def _store_leaf(self, data: Leaf, digest: bytes) -> int:
        return self.append_entries([data])

    def _get_size(self) -> int:
        newest: int | None = self._session.scalar(select(func.max(LogLeaf.position)))
        return 0 if newest is None else newest + 1

    def _get_leaf(self, index: int) -> bytes:
        return self._get_leaves(index - 1, 1)[0]

    def _get_leaves(self, offset: int, width: int) -> list[bytes]:
        wanted = select(LogLeaf.case_id, LogLeaf.seq, LogLeaf.hash).where(
            LogLeaf.position >= offset, LogLeaf.position < offset + width
        )
        hashes = [
            self.hash_buff(leaf_bytes(Leaf(*row))) for row in self._session.execute(wanted.order_by(LogLeaf.position))
        ]
        if len(hashes) != width:
            raise LogDamaged(position=offset)
        return hashes

    def _get_subroot(self, offset: int, width: int) -> bytes:
        level = width.bit_length() - 1
        if level < _KEPT_LEVEL:
            root: bytes = self._get_subroot_uncached(offset, width)
            return root
        kept = select(LogNode.hash).where(LogNode.level == level, LogNode.position == offset >> level)
        if (digest := self._session.scalar(kept)) is not None:
            return bytes.fromhex(digest)
        half = width // 2
        pair: bytes = self.hash_pair(self._get_subroot(offset, half), self._get_subroot(offset + half, half))
        return pair


def _consistency_ranges(old: int, start: int, end: int, *, whole: bool) -> list[tuple[int, int]]:
    """SUBPROOF of RFC 6962 as ranges of leaves: `old` of those from `start` to `end` are in the old tree."""
    width = end - start
    if old == width:
        return [] if whole else [(start, end)]
    split = 1 << (width - 1).bit_length() - 1
    if old <= split:
        return [*_consistency_ranges(old, start, start + split, whole=whole), (start + split, end)]
    return [*_consistency_ranges(old - split, start + split, end, whole=False), (start, start + split)]


def _batches(entries: Iterable[Leaf]) -> Iterator[tuple[Leaf, ...]]:
    waiting = iter(entries)
    while some := tuple(islice(waiting, _BATCH)):
        yield some
