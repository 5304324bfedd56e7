"""Navidrome as a server that is followed: its scans, and which files its songs are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.core.following import ScanStatus
from reprise.subsonic.client import Client
from reprise.subsonic.connection import Connection
from reprise.subsonic.native import NativeApi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.core.following import Song, SongList, StopEvent


class Navidrome:
    """Implements ``core.following.MusicServer``. ``database`` lists the songs if given, else the server's own API."""

    def __init__(
        self, url: str, user: str, password: str, seconds: float, database: SongList | None = None
    ) -> None:
        """Opens nothing. Raises ``BadSetting`` for an address that is none."""
        connection = Connection(url, seconds)
        self._client = Client(connection, user, password)
        self._native = NativeApi(connection, user, password)
        self._database = database

    def songs(self) -> Iterator[Song]:
        return (self._database or self._native).songs()

    def status(self) -> ScanStatus:
        return _status(self._client.call("getScanStatus"))

    def start_scan(self, *, full: bool) -> None:
        self._client.call("startScan", ("fullScan", "true" if full else "false"))

    def scans(self, stop: StopEvent) -> Iterator[str]:
        """A word when a scan has ended, or when something was changed by hand."""
        scanning = False
        for name, content in self._native.events(stop):
            if name == "refreshResource":
                yield name
            elif name == "scanStatus" and isinstance(content, dict):
                before, scanning = scanning, bool(content.get("scanning"))
                if before and not scanning:
                    yield name


def _status(answer: object) -> ScanStatus:
    """Plain Subsonic promises ``scanning`` and ``count`` only: without a time the count is what changes."""
    told = answer.get("scanStatus") if hasattr(answer, "get") else None
    facts = told if isinstance(told, dict) else {}
    last = facts.get("lastScan") or facts.get("count") or ""
    return ScanStatus(bool(facts.get("scanning")), str(last), str(facts.get("error") or ""))
