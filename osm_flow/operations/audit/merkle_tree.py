"""The Merkle tree over the leaves of the log: RFC 6962 hashing by `pymerkle`, storage in our tables.

Full subtrees of 64 leaves and more are kept when they become full, so a root or a proof over any number of leaves reads
at most 64 leaves beside one hash for each level.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from hashlib import sha256
from itertools import islice
from typing import Any, NamedTuple

from pymerkle import BaseMerkleTree
from sqlalchemy import Row, delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from osm_flow.errors import Refused
from osm_flow.store.models import LogLeaf, LogNode

_KEPT_LEVEL = 6
_BATCH = 5_000


class LogDamaged(Refused):
    """The audit log lacks leaves that it had. Run the verification of the log."""


class TreeDamaged(LogDamaged):
    """The hashes kept beside the leaves of the audit log are not theirs. Nothing is signed or proven by them before an administrator has them made again: osm-flow audit rebuild."""


class Leaf(NamedTuple):
    """What the log keeps of a journal record."""

    case_id: str
    seq: int
    hash: str


def leaf_bytes(leaf: Leaf) -> bytes:
    """The leaf as RFC 8785 JSON; written by the standard library, which spells text and small integers the same."""
    fields = {"case_id": leaf.case_id, "hash": leaf.hash, "seq": leaf.seq}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


class Node(NamedTuple):
    """The hash of a full subtree of 2^level leaves, as it is kept."""

    level: int
    position: int
    hash: str


@dataclass
class GrowingTree:
    """A tree while its leaves come one after another: the roots of the full subtrees that it consists of, widest first."""

    size: int = 0
    subtrees: list[bytes] = field(default_factory=list)

    def grow(self, leaf: Leaf) -> list[Node]:
        """Add a leaf; the subtrees to be kept that it fills."""
        self.subtrees.append(sha256(b"\x00" + leaf_bytes(leaf)).digest())
        filled, level = [], 0
        while self.size >> level & 1:
            right, left = self.subtrees.pop(), self.subtrees.pop()
            self.subtrees.append(_pair(left, right))
            level += 1
            if level >= _KEPT_LEVEL:
                filled.append(Node(level, self.size >> level, self.subtrees[-1].hex()))
        self.size += 1
        return filled

    def root(self) -> bytes:
        """The root over the leaves so far."""
        if not self.subtrees:
            return sha256().digest()
        return reduce(lambda right, left: _pair(left, right), reversed(self.subtrees))


def _pair(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class LogTree(BaseMerkleTree):  # type: ignore[misc]
    """The tree in the database of this session. Positions count from 0 here; the library's public ones from 1."""

    def __init__(self, session: Session) -> None:
        super().__init__("sha256")
        self._session = session

    def append_entries(self, entries: Iterable[Leaf]) -> int:
        """Add the leaves and every subtree that they fill; the new size."""
        size = self._get_size()
        tree = GrowingTree(size, self._full_subtrees(size))
        for some in _batches(entries):
            rows = [{"position": tree.size + offset, **leaf._asdict()} for offset, leaf in enumerate(some)]
            nodes = [node for leaf in some for node in tree.grow(leaf)]
            self._session.execute(insert(LogLeaf), rows)
            self._keep(nodes)
        return tree.size

    def _keep(self, nodes: list[Node]) -> None:
        if not nodes:
            return
        try:
            self._session.execute(insert(LogNode), [node._asdict() for node in nodes])
        except IntegrityError as error:  # the hash of a subtree that was not full yet
            raise TreeDamaged from error

    def rebuild(self) -> None:
        """Make the kept subtrees anew, from the leaves alone. Raises LogDamaged where a leaf is none."""
        self._session.execute(delete(LogNode))
        tree = GrowingTree()
        for some in _batches(self.leaves()):
            self._keep([node for leaf in some for node in tree.grow(leaf)])

    def leaves(self, start: int = 0, stop: int | None = None) -> Iterator[Leaf]:
        """The leaves from a position on, up to before another. Raises LogDamaged where one is missing or is none."""
        wanted = select(LogLeaf.position, LogLeaf.case_id, LogLeaf.seq, LogLeaf.hash).order_by(LogLeaf.position)
        if start:
            wanted = wanted.where(LogLeaf.position >= start)
        if stop is not None:
            wanted = wanted.where(LogLeaf.position < stop)
        with self._session.execute(wanted.execution_options(yield_per=10_000)) as rows:
            for expected, row in enumerate(rows, start):
                if row.position != expected:
                    raise LogDamaged(position=expected)
                yield leaf_of(row)

    def root_of_leaves(self, known: int = 0, size: int | None = None) -> bytes:
        """The root over the first `size` leaves (None: all), of which those from `known` on are hashed anew.

        Kept subtrees are believed below `known` alone: it is the size of a signed root that they lead to, or 0.
        """
        tree = GrowingTree(known, self._full_subtrees(known))
        for leaf in self.leaves(known, size):
            tree.grow(leaf)
        return tree.root()

    def leads_to(self, root: bytes, size: int) -> bool:
        """Whether the first `size` leaves have this root. Raises TreeDamaged where they have, and the kept hashes have not."""
        if size > self._get_size():
            return False
        if self.root(size) == root:
            return True
        if self.root_of_leaves(size=size) == root:
            raise TreeDamaged
        return False

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

    # ---- what the library asks of its storage ------------------------------------------------------------------

    def _encode_entry(self, data: Leaf) -> bytes:
        return leaf_bytes(data)

    def _store_leaf(self, data: Leaf, digest: bytes) -> int:
        return self.append_entries([data])

    def _get_size(self) -> int:
        newest: int | None = self._session.scalar(select(func.max(LogLeaf.position)))
        if newest is None:
            return 0
        if type(newest) is not int:
            raise LogDamaged
        return newest + 1

    def _get_leaf(self, index: int) -> bytes:
        return self._get_leaves(index - 1, 1)[0]

    def _get_leaves(self, offset: int, width: int) -> list[bytes]:
        wanted = select(LogLeaf.case_id, LogLeaf.seq, LogLeaf.hash).where(
            LogLeaf.position >= offset, LogLeaf.position < offset + width
        )
        hashes = [
            self.hash_buff(leaf_bytes(leaf_of(row))) for row in self._session.execute(wanted.order_by(LogLeaf.position))
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
            return _digest_of(digest)
        half = width // 2
        pair: bytes = self.hash_pair(self._get_subroot(offset, half), self._get_subroot(offset + half, half))
        return pair


# ---- proofs -----------------------------------------------------------------------------------------------------


def root_of(leaf: bytes, position: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to (RFC 9162, 2.1.3.2); None for a path that does not fit.

    The library only checks proofs in its own form, which says more than RFC 6962's.
    """
    if not 0 <= position < size:
        return None
    node, last, digest = position, size - 1, sha256(b"\x00" + leaf).digest()
    for sibling in path:
        if last == 0:
            return None
        if node % 2 or node == last:
            digest = sha256(b"\x01" + sibling + digest).digest()
            while node and node % 2 == 0:
                node, last = node // 2, last // 2
        else:
            digest = sha256(b"\x01" + digest + sibling).digest()
        node, last = node // 2, last // 2
    return digest if last == 0 else None


def continues(old: tuple[int, bytes], new: tuple[int, bytes], path: Sequence[bytes]) -> bool:
    """Whether a proof shows that the log of size and root `new` begins with that of `old` (RFC 9162, 2.1.4.2)."""
    (first, old_root), (second, new_root) = old, new
    if not 0 < first < second:
        return (first, old_root) == (second, new_root) and not path
    hashes = [old_root, *path] if first.bit_count() == 1 else list(path)
    if not hashes:
        return False
    node, last = first - 1, second - 1
    while node % 2:
        node, last = node // 2, last // 2
    was = now = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if node % 2 or node == last:
            was, now = (sha256(b"\x01" + sibling + digest).digest() for digest in (was, now))
            while node and node % 2 == 0:
                node, last = node // 2, last // 2
        else:
            now = sha256(b"\x01" + now + sibling).digest()
        node, last = node // 2, last // 2
    return (was, now, last) == (old_root, new_root, 0)


# ---- rows -------------------------------------------------------------------------------------------------------


def leaf_of(row: Row[*tuple[Any, ...]]) -> Leaf:
    """The leaf of a row. Raises LogDamaged where its columns hold what no leaf has."""
    leaf = Leaf(row.case_id, row.seq, row.hash)
    if (type(leaf.case_id), type(leaf.seq), type(leaf.hash)) != (str, int, str):
        raise LogDamaged
    return leaf


def _digest_of(kept: Any) -> bytes:
    try:
        digest = bytes.fromhex(kept)
    except (ValueError, TypeError):
        raise TreeDamaged from None
    if len(digest) != 32:
        raise TreeDamaged
    return digest


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
