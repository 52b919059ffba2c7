"""What differs between two JSON values, leaf by leaf."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Path = tuple[str | int, ...]
_ABSENT = object()


@dataclass(frozen=True)
class Difference:
    """One value that was added, removed or changed; `path` leads to it from the top. What is not there is None."""

    path: Path
    kind: Literal["added", "removed", "changed"]
    old: Any
    new: Any


def differences(old: Any, new: Any) -> Iterator[Difference]:
    """The differences between two objects, in the order of names; objects that appear or go are told leaf by leaf."""
    yield from _compare((), old, new)


def _compare(path: Path, old: Any, new: Any) -> Iterator[Difference]:
    if is_same(old, new):
        return
    before, after = _parts(old), _parts(new)
    # An object that became a list, or a text, is one change; it has no leaves in common with what it was.
    alike = type(old) is type(new) or old is _ABSENT or new is _ABSENT
    if alike and (before or after):
        for key in sorted({**before, **after}):
            yield from _compare((*path, key), before.get(key, _ABSENT), after.get(key, _ABSENT))
        return
    kind: Literal["added", "removed", "changed"] = (
        "added" if old is _ABSENT else "removed" if new is _ABSENT else "changed"
    )
    yield Difference(path, kind, None if old is _ABSENT else old, None if new is _ABSENT else new)


def is_same(old: Any, new: Any) -> bool:
    """Whether two values are equal as JSON: `true` is not 1, but 1.0 is 1."""
    if isinstance(old, bool) is not isinstance(new, bool):
        return False
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(is_same(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(is_same, old, new))
    return bool(old == new)


def _parts(value: Any) -> dict[Any, Any]:
    if isinstance(value, dict):
        return value
    return dict(enumerate(value)) if isinstance(value, list) else {}
