"""The tree over the log: roots and proofs that a stranger's checker accepts, whatever the size."""

from __future__ import annotations

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, event, select, text

from osm_flow.operations.audit.log import consistency, inclusion
from osm_flow.operations.audit.merkle_tree import Leaf, LogDamaged, LogTree, leaf_bytes
from osm_flow.store.models import LogNode
from osm_flow.store.session import Store
from tests.rfc6962 import includes, is_consistent, leaf_hash, root_of


def leaf_of(seq: int) -> Leaf:
    return Leaf("c" * 36, seq, f"{seq:064x}")


def fill(store: Store, count: int) -> list[bytes]:
    """Leaves that no record stands behind, and their hashes."""
    leaves = [leaf_of(seq) for seq in range(1, count + 1)]
    with store.transaction() as session:
        LogTree(session).append_entries(leaves)
    return [leaf_hash(leaf_bytes(leaf)) for leaf in leaves]


@given(st.text(), st.integers(0, 2**31), st.text("0123456789abcdef"))
def test_leaves_are_canonical_json(case_id: str, seq: int, hash_: str) -> None:
    assert leaf_bytes(Leaf(case_id, seq, hash_)) == rfc8785.dumps({"case_id": case_id, "seq": seq, "hash": hash_})


def test_roots_and_proofs_of_every_size_satisfy_a_stranger(sqlite_store: Store) -> None:
    leaves = fill(sqlite_store, 130)

    with sqlite_store.reading() as session:
        tree = LogTree(session)
        roots = [tree.root(size) for size in range(131)]
        assert roots == [root_of(leaves[:size]) for size in range(131)]
        for size in (1, 2, 3, 64, 65, 100, 130):
            for seq in range(1, size + 1):
                proof = inclusion(session, "c" * 36, seq, size)
                assert proof.position == seq - 1
                assert bytes.fromhex(proof.leaf) == leaves[seq - 1]
                path = [bytes.fromhex(step) for step in proof.path]
                assert includes(leaves[seq - 1], seq - 1, size, path, roots[size])
                assert not includes(leaves[seq - 1], seq - 1, size, path, roots[size - 1])
            for old in range(1, size + 1):
                steps = [bytes.fromhex(step) for step in consistency(session, old, size)]
                assert is_consistent(old, size, steps, roots[old], roots[size])
                assert not is_consistent(old, size, steps, roots[old - 1], roots[size])


def test_adding_piece_by_piece_gives_the_same_tree(store: Store) -> None:
    expected: list[bytes] = []
    for count in (1, 5, 58, 64, 1, 130):
        with store.transaction() as session:
            tree = LogTree(session)
            size = tree.get_size()
            new = [leaf_of(size + number) for number in range(1, count + 1)]
            tree.append_entries(new)
            expected += [leaf_hash(leaf_bytes(leaf)) for leaf in new]
    with store.reading() as session:
        assert LogTree(session).root() == root_of(expected)
        nodes = session.execute(select(LogNode.level, LogNode.position, LogNode.hash)).all()
    assert len(nodes) == 4 + 2 + 1
    for level, position, digest in nodes:
        width = 1 << level
        assert bytes.fromhex(digest) == root_of(expected[position * width : (position + 1) * width])


def test_a_root_reads_a_handful_of_rows_whatever_the_size(sqlite_store: Store) -> None:
    fill(sqlite_store, 5_000)
    statements: list[str] = []

    with sqlite_store.reading() as session:
        event.listen(session.get_bind(), "before_cursor_execute", lambda *a: statements.append(a[2]))
        tree = LogTree(session)
        hashed: list[bytes] = []
        plain = tree.hash_buff
        tree.hash_buff = lambda data: hashed.append(data) or plain(data)
        tree.root()

    assert len(hashed) < 64
    assert 0 < len([one for one in statements if "SELECT" in one]) <= 2 * 13


def test_an_empty_log_has_a_root_and_no_longer_one(store: Store) -> None:
    with store.reading() as session:
        assert LogTree(session).root() == root_of([])
        with pytest.raises(LogDamaged):
            LogTree(session).root(1)


def test_a_log_that_lost_a_leaf_gives_no_root(store: Store) -> None:
    fill(store, 70)
    with store.transaction() as session:
        on = "" if store.dialect == "sqlite" else " ON log_leaves"
        session.execute(text(f"DROP TRIGGER refuse_delete_of_log_leaves{on}"))
        session.execute(text("DELETE FROM log_leaves WHERE position = 65"))

    with store.reading() as session:
        tree = LogTree(session)
        with pytest.raises(LogDamaged):
            tree.root()
        assert tree.root(64) == root_of([leaf_hash(leaf_bytes(leaf_of(seq))) for seq in range(1, 65)])


def test_a_subtree_that_was_not_kept_is_worked_out_again(store: Store) -> None:
    leaves = fill(store, 200)
    with store.transaction() as session:
        session.execute(delete(LogNode))

    with store.reading() as session:
        assert LogTree(session).root() == root_of(leaves)
        assert includes(leaves[150], 150, 200, LogTree(session).audit_path(150, 200), root_of(leaves))
