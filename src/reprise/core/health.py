"""How the parts of a running process are: the words of every health page."""

from __future__ import annotations

from dataclasses import dataclass

OK, DEGRADED, OFF = "ok", "degraded", "off"


@dataclass(frozen=True, slots=True)
class Component:
    """One thing that a process needs, and how it is. ``OFF``: not used here, or not looked at yet."""

    name: str
    status: str
    detail: str = ""
    cure: str = ""
