"""Acts that happen at the same moment, each in a thread of its own; none of them can fail or hang unseen."""

from __future__ import annotations

import threading
from collections.abc import Callable

SECONDS = 120


def at_once(*acts: Callable[[], object]) -> None:
    """Begin the acts together and wait for all of them; the first failure of one is raised here."""
    gate, failures = threading.Barrier(len(acts)), list[BaseException]()

    def run(act: Callable[[], object]) -> None:
        try:
            gate.wait(SECONDS)
            act()
        except BaseException as error:  # noqa: BLE001 (raised below, in the thread of the test)
            failures.append(error)

    threads = [threading.Thread(target=run, args=(act,), daemon=True) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert not any(thread.is_alive() for thread in threads), "one of the acts hangs"
    if failures:
        raise failures[0]
