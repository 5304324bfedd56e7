"""The services of a server, in the order in which they start."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.server.house import House, Service


def services_of(house: House) -> Sequence[Service]:
    """Made here, started by the house."""
    del house
    return []
