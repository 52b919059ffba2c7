"""SARA AM in two pieces in any order, and days in more spellings, are found: what is kept for the search is normalised anew."""

from __future__ import annotations

from importlib import import_module

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Normalise anew what people typed, and the names and titles of work items and cases."""
    import_module("osm_flow.store.migrations.versions.0024_numbers_in_groups").upgrade()


def downgrade() -> None:
    """The older normal form finds nearly all of the newer one; nothing is changed."""
