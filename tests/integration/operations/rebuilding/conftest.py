"""What the tests of comparing have: databases in which something happened, and somebody who changes them past all rules."""

from __future__ import annotations

from tests.integration.operations.comparing.conftest import told, vandal
from tests.integration.operations.comparing.test_administration import run

__all__ = ["run", "told", "vandal"]
