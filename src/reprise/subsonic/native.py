"""Navidrome's own API: who we are, which files its songs are, and what it tells as it happens."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from reprise.core.following import Song
from reprise.errors import RemoteError, RemoteRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reprise.core.following import StopEvent
    from reprise.subsonic.connection import Connection, Reply

PAGE = 500
SILENCE_SECONDS = 45.0
"""The server says that it is there every 15 s; three times nothing is an end."""
CHANGES = frozenset({"scanStatus", "refreshResource"})


class NativeApi:
    """Logs in when it has to, and again when the token is over."""

    def __init__(self, connection: Connection, user: str, password: str) -> None:
        self._connection = connection
        self._user, self._password = user, password
        self._token = ""

    def songs(self) -> Iterator[Song]:
        """All songs whose files are there. Raises ``RemoteError`` kinds."""
        start = 0
        while True:
            query = urlencode({"_start": start, "_end": start + PAGE, "_sort": "id", "_order": "ASC"})
            page = self._content(self._asked(f"/api/song?{query}"))
            if not isinstance(page, list):
                raise self._strange()
            for song in page:
                if not song.get("missing"):
                    yield self._song(song)
            if len(page) < PAGE:
                return
            start += PAGE

    def events(self, stop: StopEvent) -> Iterator[tuple[str, Any]]:
        """Name and content of each event, until ``stop``. Raises ``RemoteError`` kinds."""
        try:
            yield from self._heard(stop)
        except RemoteError:
            if not stop.is_set():
                raise

    def _heard(self, stop: StopEvent) -> Iterator[tuple[str, Any]]:
        for last_try in (False, True):
            target = "/api/events"
            with self._connection.stream(target, self._signed(), SILENCE_SECONDS, stop) as (status, lines):
                if status == 200:
                    yield from _events(lines)
                    return
                if status != 401 or last_try:
                    raise RemoteError(
                        f"{self._connection.host} gives no events (HTTP status {status})",
                        cure="is it Navidrome? Its scans are asked for instead",
                    )
                self._token = ""

    def _asked(self, target: str) -> Reply:
        reply = self._connection.exchange("GET", target, headers=self._signed())
        if reply.status == 401:
            self._token = ""
            reply = self._connection.exchange("GET", target, headers=self._signed())
        return reply

    def _signed(self) -> dict[str, str]:
        if not self._token:
            self._token = self._login()
        return {"X-ND-Authorization": f"Bearer {self._token}"}

    def _login(self) -> str:
        form = json.dumps({"username": self._user, "password": self._password})
        reply = self._connection.exchange("POST", "/auth/login", form, kind="application/json")
        if reply.status in {401, 403}:
            raise RemoteRefused(
                f"{self._connection.host} does not let {self._user} in",
                cure="check the settings subsonic_user and subsonic_password",
            )
        content = self._content(reply)
        token = content.get("token") if isinstance(content, dict) else None
        if not token:
            raise self._strange()
        return str(token)

    def _content(self, reply: Reply) -> Any:
        if reply.status != 200:
            raise RemoteError(
                f"{self._connection.host} answers with HTTP status {reply.status}",
                cure="is it Navidrome? See its log",
            )
        try:
            return json.loads(reply.body)
        except ValueError as error:
            raise self._strange() from error

    def _song(self, song: Any) -> Song:
        try:
            root, path = os.fsencode(song.get("libraryPath") or ""), os.fsencode(song["path"])
            return Song(
                str(song["id"]), root, path, f"{song.get('size')} {song.get('updatedAt')} {song['path']}"
            )
        except (AttributeError, KeyError, TypeError, UnicodeEncodeError) as error:
            raise self._strange() from error

    def _strange(self) -> RemoteError:
        return RemoteError(
            f"{self._connection.host} does not answer as Navidrome does",
            cure="set navidrome_database to the path of its database, or update it",
        )


def _events(lines: Iterable[bytes]) -> Iterator[tuple[str, Any]]:
    """Server-sent events: fields up to an empty line."""
    name, data = "message", list[str]()
    for line in lines:
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        field, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif not text:
            yield name, _parsed("\n".join(data))
            name, data = "message", []


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
