"""The rules of the engine, by number: a record is replayed by the rules that its `engine_version` names.

1  Up to November 2026. The library predicts what may come, each arrival at a join decides for itself, states keep names
   in the order of their coming.
2  Only tokens live; joins are asked when nothing else can run on; names in a state are sorted (ADR 0008). Expressions
   and decision tables work decimals out in tens, and true or false is no number (`arithmetic`).
3  What instances of a repeated activity wrote is kept where their branch ends in the same step in which another comes to
   an end; rules 2 forgot it.

A case goes on by the newest rules, whatever it began with: `tokens.adopt` makes its state one of rules 2.
"""

from __future__ import annotations

import re

TOKENS = 2
DECIMALS = 2
ENDS = 3
RULES = 3
_NAMED = re.compile(r"/rules (\d+)$")


def rules_of(engine_version: str) -> int:
    """The rules of the engine that wrote a record. Versions from before rules had a number followed rules 1."""
    match = _NAMED.search(engine_version)
    return int(match.group(1)) if match else 1
