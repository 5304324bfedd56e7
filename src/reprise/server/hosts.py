"""The names under which the server may be asked."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from reprise.errors import BadSetting

if TYPE_CHECKING:
    from reprise.settings import Settings


def listed(text: str) -> list[str]:
    """What stands between the commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


class Hosts:
    """The names under which the server may be asked.

    A page elsewhere can make a browser take its own name for this server's address (DNS rebinding), but it cannot
    take the name of others: so names are checked. Addresses are nobody's to rebind.
    """

    _SHAPE = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?")

    def __init__(self, settings: Settings) -> None:
        given = set(listed(settings.text("allowed_hosts")))
        self._any = "*" in given
        for name in given - {"*"}:
            if not self._name(name):
                raise BadSetting(f"allowed_hosts: {name!r} is no name", cure="names, with commas between")
        self._names = {self._name(name) for name in {*given, settings.text("host"), "localhost"}}

    def allows(self, host: str) -> bool:
        """Whether a ``Host`` header is ours."""
        name = self._name(host)
        if not name:
            return False
        return self._any or name in self._names or name.endswith(".localhost") or _is_address(name)

    def _name(self, host: str) -> str:
        """Without the port, in small letters; empty for what is no host."""
        shape = self._SHAPE.fullmatch(host)
        return shape[1].strip("[]").rstrip(".").lower() if shape else ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
