"""A real server, a real Chromium, people who are signed in, and pictures of what they see."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import httpx2
import pytest
from playwright.sync_api import expect, sync_playwright

from reprise.server.ui import DIST
from tests.browser import crowd
from tests.browser.watching import Watch
from tests.harness import PATIENCE_SECONDS, Home, plugin_environment, wait_for
from tests.server.running import PASSWORD, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.server.running import Running

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",  # for those who are root
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--use-gl=angle",  # WebGL without a graphics card
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
PLAIN_USER = "bob"
WIDE = (1280, 800)
PHONE = (390, 844)

PICTURES = os.environ.get("REPRISE_PICTURES", "")
"""Where to put pictures for the documentation; none are taken without it."""

TRACKS = 2500 if PICTURES else 600


def missing(what: str) -> NoReturn:
    """A developer may do without; the judgement of a change may not."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing")


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of this folder. Not of the session: its event loop is in the way of other tests'."""
    if not CHROMIUM.exists():
        missing(f"the browser {CHROMIUM}")
    if not (DIST / "index.html").exists():
        missing("the panel (python hatch_build.py)")
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


class Place:
    """A running server and those who are signed in there: their cookies, by name."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self.url = server.url
        self.cookies: dict[str | None, list[Any]] = {None: []}
        self.sign_in("admin")

    def sign_in(self, name: str, password: str = PASSWORD) -> None:
        """Without the form: ten tries in a minute are all that anybody has."""
        with self._client() as client:
            client.post("/auth/login", json={"name": name, "password": password}).raise_for_status()
            self.cookies[name] = [
                {"name": kept, "value": value, "url": self.url} for kept, value in client.cookies.items()
            ]

    @contextmanager
    def api(self, who: str = "admin") -> Iterator[httpx2.Client]:
        """The same person as a program."""
        with self._client() as client:
            for cookie in self.cookies[who]:
                client.cookies.set(cookie["name"], cookie["value"])
            yield client

    def _client(self) -> httpx2.Client:
        return httpx2.Client(
            base_url=f"{self.url}/api/v1", headers={"Origin": self.url}, timeout=PATIENCE_SECONDS
        )


class Visitors:
    """Opens pages of a place for whoever is signed in there; no page may have had a fault."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._watches: list[Watch] = []

    def enter(
        self,
        place: Place,
        path: str = "/",
        who: str | None = "admin",
        size: tuple[int, int] = WIDE,
        expecting: Sequence[str] = (),
        before: str | Path | None = None,
        scheme: Literal["light", "dark"] = "light",
    ) -> Page:
        """``expecting``: patterns of faults that are what the test is about; ``before``: a script that runs first."""
        context = self._browser.new_context(
            base_url=place.url,
            viewport={"width": size[0], "height": size[1]},
            locale="en-GB",
            reduced_motion="reduce",
            color_scheme=scheme,
        )
        self._contexts.append(context)
        context.add_cookies(place.cookies[who])
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        if before is not None:
            context.add_init_script(path=before) if isinstance(before, Path) else context.add_init_script(
                before
            )
        self._watches.append(Watch(context, place.url, expecting))
        page = context.new_page()
        page.goto(path)
        return page

    def close(self, *pages: Page) -> None:
        """Before their server ends: what they hear then is no fault."""
        for page in pages:
            page.context.close()

    def leave(self) -> list[str]:
        """Close all pages; returns what went wrong on them."""
        for context in self._contexts:
            context.close()
        return [fault for watch in self._watches for fault in watch.faults]


@pytest.fixture(scope="package")
def place(tmp_path_factory: pytest.TempPathFactory, plugin_path: list[str]) -> Iterator[Place]:
    """A server over a library that looks real, for tests that leave it as it is; a plain user is there as well."""
    home = Home(tmp_path_factory.mktemp("browser") / "home", plugin_environment(plugin_path))
    with home.app() as app:
        app.catalogue(create=True)
        crowd.fill(app, home.music, TRACKS)
    with running(home) as server:
        made = Place(server)
        with made.api() as client:
            asked = {"name": PLAIN_USER, "role": "user", "owner": "default"}
            client.get("/map").raise_for_status()  # it is drawn while other tests run
            once = client.post("/users", json=asked).raise_for_status().json()["password"]
        made.sign_in(PLAIN_USER, once)
        with made.api(PLAIN_USER) as client:
            client.post("/auth/password", json={"old": once, "new": PASSWORD}).raise_for_status()
        yield made


@pytest.fixture(scope="package")
def drawn_map(place: Place) -> None:
    """The map is there; it gives way to all else on the machine."""
    with place.api() as client:
        wait_for(lambda: client.get("/map").json()["state"] == "ready", 5 * PATIENCE_SECONDS)


@pytest.fixture
def visitors(chromium: Browser) -> Iterator[Visitors]:
    people = Visitors(chromium)
    try:
        yield people
    finally:
        faults = people.leave()
    assert faults == []


@pytest.fixture
def enter(visitors: Visitors, place: Place) -> Callable[..., Page]:
    """Opens a page of the standing server."""
    return partial(visitors.enter, place)


def picture(page: Page, name: str) -> None:
    """A picture for the documentation, when such are wished for."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", animations="disabled")
