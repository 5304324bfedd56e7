"""The Subsonic protocol: who we are, what is asked, what is answered. https://opensubsonic.netlify.app/docs/"""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from reprise.errors import RemoteError, RemoteRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reprise.subsonic.connection import Connection, Reply

VERSION = "1.16.1"
CLIENT = "reprise"
SALT_BYTES = 8

LONGEST_TARGET = 2000
"""Characters of an address that every server and proxy takes."""

WRONG_LOGIN = 40
NO_TOKENS = 41
NOT_ALLOWED = 50
CURES = {
    WRONG_LOGIN: "check the settings subsonic_user and subsonic_password",
    NO_TOKENS: "this user's password is kept elsewhere (LDAP): give Reprise a user of the server's own",
    NOT_ALLOWED: "give the user the right to do this, or use another one",
}


class Client:
    """Calls methods of the API as one user. The password itself never leaves this process."""

    def __init__(self, connection: Connection, user: str, password: str) -> None:
        self._connection = connection
        self.user = user
        self._password = password
        self._extensions: frozenset[str] | None = None

    def call(self, method: str, *parameters: tuple[str, str]) -> Mapping[str, Any]:
        """The content of the answer. Raises ``RemoteRefused``, ``RemoteUnreachable``, ``RemoteError``."""
        query = urlencode([*self._signature(), *parameters])
        return self._answer(self._connection.exchange("GET", f"/rest/{method}?{query}"))

    def call_with_form(self, method: str, *parameters: tuple[str, str]) -> Mapping[str, Any]:
        """As ``call``, with as many parameters as you like. Only for a server that says it takes forms."""
        form = urlencode([*self._signature(), *parameters])
        return self._answer(self._connection.exchange("POST", f"/rest/{method}", form))

    def fits(self, method: str, *parameters: tuple[str, str]) -> bool:
        """Whether a plain call of this length is understood everywhere."""
        query = urlencode([*self._signature(), *parameters])
        return len(f"{self._connection.folder}/rest/{method}?{query}") <= LONGEST_TARGET

    @property
    def takes_forms(self) -> bool:
        """Whether the server knows the extension ``formPost``. An older one does not know the question either."""
        if self._extensions is None:
            try:
                told = self.call("getOpenSubsonicExtensions").get("openSubsonicExtensions")
            except RemoteError:
                told = []
            self._extensions = frozenset(str(one.get("name")) for one in objects(told))
        return "formPost" in self._extensions

    def _signature(self) -> list[tuple[str, str]]:
        salt = secrets.token_hex(SALT_BYTES)
        token = hashlib.md5((self._password + salt).encode(), usedforsecurity=False).hexdigest()
        return [("u", self.user), ("t", token), ("s", salt), ("v", VERSION), ("c", CLIENT), ("f", "json")]

    def _answer(self, reply: Reply) -> Mapping[str, Any]:
        host = self._connection.host
        if reply.location and 300 <= reply.status < 400:
            raise RemoteError(
                f"{host} sends us elsewhere", cure=f"set subsonic_url to {_place(reply.location)}"
            )
        try:
            content = json.loads(reply.body)["subsonic-response"]
            status = content["status"]
        except (ValueError, TypeError, KeyError) as error:
            raise RemoteError(
                f"{host} does not speak the Subsonic API (HTTP status {reply.status})",
                cure="is the setting subsonic_url right? It ends before /rest",
            ) from error
        if status != "ok":
            raise self._refusal(content.get("error") or {})
        found: Mapping[str, Any] = content
        return found

    def _refusal(self, error: Mapping[str, Any]) -> RemoteError:
        code, message = error.get("code"), error.get("message") or "without a reason"
        kind = RemoteRefused if code in CURES else RemoteError
        return kind(
            f"{self._connection.host} refuses: {message} (code {code})",
            cure=CURES.get(code, "see the server's log") if isinstance(code, int) else "see the server's log",
        )


def _place(location: str) -> str:
    """Where a redirect leads, without what the API adds and without our signature."""
    parts = urlsplit(location)
    return urlunsplit((parts.scheme, parts.netloc, parts.path.partition("/rest/")[0], "", ""))


def objects(value: Any) -> list[Mapping[str, Any]]:
    """A list of objects as the API gives it: some servers leave out the list around a single one."""
    if isinstance(value, dict):
        return [value]
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
