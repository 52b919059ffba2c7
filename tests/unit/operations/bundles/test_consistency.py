"""Proofs that one checkpoint continues another, as the product, `verify.py` and a third opinion read them."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from osm_flow.operations.audit.merkle_tree import continues
from tests import rfc6962
from tests.bundles import checker

verify = checker()


def proof(old: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962, section 2.1.2, over leaf hashes."""
    if old == len(leaves):
        return [] if whole else [rfc6962.root_of(leaves)]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= split:
        return [*proof(old, leaves[:split], whole=whole), rfc6962.root_of(leaves[split:])]
    return [*proof(old - split, leaves[split:], whole=False), rfc6962.root_of(leaves[:split])]


@given(size=st.integers(2, 70), seed=st.integers(0, 1000))
@settings(max_examples=150, deadline=None)
def test_proofs_are_those_of_the_standard(size: int, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311
    leaves = [rng.randbytes(32) for _ in range(size)]
    old = rng.randrange(1, size)
    roots = rfc6962.root_of(leaves[:old]), rfc6962.root_of(leaves)
    path = proof(old, leaves)
    damaged = [path, path[:-1], [*path, path[-1]], path[::-1], [rng.randbytes(32), *path[1:]], []]

    for given_path in damaged:
        for first, second in ((old, size), (old, size + 1), (old + 1, size), (size, old)):
            ends = (first, roots[0]), (second, roots[1])
            third = first <= second and rfc6962.is_consistent(first, second, given_path, *roots)
            assert continues(*ends, given_path) == third
            assert verify.continues(*ends, given_path) == third
    assert continues((old, roots[0]), (size, roots[1]), path)
    assert not continues((old, rng.randbytes(32)), (size, roots[1]), path)
    assert continues((size, roots[1]), (size, roots[1]), [])
    assert not continues((0, roots[0]), (size, roots[1]), path)
