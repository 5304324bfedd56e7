"""What must not happen on a page while a test uses it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response

AFTER_AN_ANSWER = "Failed to load resource"
"""Chromium says so of every refusal as well; the refusals themselves are judged here."""

GIVEN_UP = "net::ERR_ABORTED"
"""The page itself gave the request up."""


class Watch:
    """Collects errors of the console and of pages, broken policies, refusals, and questions to other hosts.

    ``expected``: patterns of faults that are what a test is about.
    """

    def __init__(self, context: BrowserContext, url: str, expected: Sequence[str] = ()) -> None:
        self.faults: list[str] = []
        self._url = url
        self._expected = expected
        context.on("console", self._console)
        context.on("weberror", lambda error: self._note(f"error on the page: {error.error}"))
        context.on("request", self._request)
        context.on("requestfailed", self._failed)
        context.on("response", self._response)

    def _note(self, fault: str) -> None:
        if not any(re.search(pattern, fault) for pattern in self._expected):
            self.faults.append(fault)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and AFTER_AN_ANSWER not in message.text:
            self._note(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self._url, "data:", "blob:")):
            self._note(f"asked another host: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != GIVEN_UP:
            self._note(f"{request.failure}: {request.method} {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self._note(f"{response.status}: {response.request.method} {response.url}")
