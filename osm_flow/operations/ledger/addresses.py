"""Names that people choose and that become a part of an address: one that leads to a page of the site already is refused.

Which addresses there are the site knows, which lies above; the application connects it when it is put together.
"""

from __future__ import annotations

from collections.abc import Callable

# The names that pages have where an address has a part of this name (`username` in `/people/<username>`).
NamesOfPages = Callable[[str], frozenset[str]]

_CONNECTED: list[NamesOfPages] = []


class AddressesNotConnected(RuntimeError):
    """The application was not put together: nobody says which addresses there are."""


def connect(names_of_pages: NamesOfPages) -> None:
    """Say who knows the addresses of the site; the last one who was connected is asked."""
    _CONNECTED[:] = [names_of_pages]


def is_a_page(part: str, name: str) -> bool:
    """Whether this name leads to a page where an address has a part of this kind. Raises AddressesNotConnected."""
    if not _CONNECTED:
        raise AddressesNotConnected(part)
    return name in _CONNECTED[0](part)
