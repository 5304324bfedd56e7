"""A job from its estimate to its end, in a browser that is reloaded and whose server is killed in the middle."""

from __future__ import annotations

import re
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.conftest import Place, Visitors
from tests.harness import wait_for
from tests.server.running import free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

    from tests.harness import Home

SLOWLY = {"PLUGIN_MODELS_SECONDS": "0.1", "REPRISE_COMMIT_SECONDS": "0.1"}
LOST = (
    r"^net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|SOCKET_NOT_CONNECTED)",
)
"""What a page hears while there is no server."""

KEEP_PERCENTS = """
setInterval(() => {
  const bar = document.querySelector('progress[aria-label="The whole job"]')
  if (!bar || bar.position < 0) return
  const kept = JSON.parse(sessionStorage.percents ?? '[]')
  if (kept.at(-1) !== bar.value) sessionStorage.percents = JSON.stringify([...kept, bar.value])
}, 50)
"""
"""Each value that the bar has had, over reloads."""


@contextmanager
def serving(home: Home, port: int, **variables: str) -> Iterator[Place]:
    with running(home, port=port, **variables) as server:
        yield Place(server)


def library(place: Place, home: Home, files: int) -> int:
    """The music folder as a library, scanned: so many files."""
    with place.api() as client:
        number = client.post("/libraries", json={"path": str(home.music)}).raise_for_status().json()["id"]
        client.post(f"/libraries/{number}/scan", json={}).raise_for_status()
        wait_for(lambda: client.get(f"/libraries/{number}").json()["items"] == files)
    return int(number)


def tick(page: Page, *models: str) -> None:
    """Choose exactly these models."""
    boxes = page.get_by_role("group", name="Models").get_by_role("checkbox")
    expect(boxes.first).to_be_visible()
    for box in boxes.all():
        if box.is_checked():
            box.uncheck()
    for model in models:
        page.get_by_label(model, exact=True).check()


def start(page: Page) -> None:
    page.get_by_role("button", name="Start", exact=True).click()


def card(page: Page, state: str = "") -> Locator:
    """The job that is under way."""
    return page.get_by_role("article", name=re.compile(f"^Job on .*{state}"))


def finished(page: Page) -> int:
    """Operations that have their end, as the card says."""
    words = card(page).locator('[data-fact="operations"]').inner_text()
    return int(words.split(" of ")[0].replace(",", ""))


def percents(page: Page) -> list[float]:
    kept: list[float] = page.evaluate("() => JSON.parse(sessionStorage.percents ?? '[]')")
    return kept


def wait_until_finished(page: Page, operations: int) -> None:
    page.wait_for_function(
        """least => {
          const fact = document.querySelector('[data-fact="operations"]')
          return fact && parseInt(fact.textContent.replaceAll(',', '')) >= least
        }""",
        arg=operations,
    )


def test_a_job_outlives_a_reload_and_a_killed_server(home: Home, visitors: Visitors) -> None:
    home.add_many(160)
    port = free_port()
    with serving(home, port, **SLOWLY) as place:
        library(place, home, 160)
        page = visitors.enter(place, "/admin", expecting=LOST, before=KEEP_PERCENTS)
        asked: list[str] = []
        page.on(
            "request", lambda request: asked.append(f"{request.method} {request.url.removeprefix(place.url)}")
        )

        tick(page)
        start(page)
        expect(page.get_by_text("Tick at least one model.")).to_be_visible()
        assert "POST /api/v1/jobs" not in asked

        tick(page, "null", "null-b")
        estimate = page.get_by_role("complementary", name="Estimate")
        expect(estimate.get_by_text("320 operations", exact=True)).to_be_visible()
        expect(estimate).to_contain_text("on 160 tracks")
        start(page)
        expect(card(page, "running")).to_be_visible()
        wait_until_finished(page, 30)
        expect(page.get_by_role("progressbar", name="Model null", exact=True)).to_be_visible()
        expect(page.get_by_role("progressbar", name="Model null-b")).to_be_visible()
        expect(card(page).locator(".current")).to_have_text(re.compile(r"\[null\] t\d{4}"))

        page.reload()
        expect(card(page, "running")).to_be_visible()
        wait_until_finished(page, 60)
        with place.api() as client:
            [job] = client.get("/jobs").json()["items"]
        place.server.process.send_signal(signal.SIGKILL)
        place.server.process.wait()
        expect(page.get_by_text("reconnecting…", exact=True)).to_be_visible()
        expect(card(page)).to_be_visible()
        before = finished(page)
    with serving(home, port) as place:
        expect(page.get_by_text("live", exact=True)).to_be_visible()
        expect(page.get_by_text("No job is under way.")).to_be_visible()
        with place.api() as client:
            [same] = client.get("/jobs").json()["items"]
        assert same["id"] == job["id"]
        assert same["state"] == "completed"
        assert same["operations"]["done"] == 320 > before
        seen = percents(page)
        assert len(seen) > 5
        assert seen == sorted(seen)
        page.get_by_role("link", name="History").click()
        expect(page.get_by_role("row", name=re.compile("null, null-b"))).to_contain_text("completed")
        visitors.close(page)


def test_a_job_is_paused_resumed_cancelled_and_told_of(home: Home, visitors: Visitors) -> None:
    home.add_many(200)
    with serving(home, free_port(), **SLOWLY) as place:
        library(place, home, 200)
        page = visitors.enter(place, "/admin")
        tick(page, "null")
        start(page)
        wait_until_finished(page, 4)
        page.get_by_role("button", name="Pause").click()
        expect(card(page, "paused")).to_be_visible()
        page.get_by_role("button", name="Resume").click()
        expect(card(page, "running")).to_be_visible()
        reached = finished(page)
        wait_until_finished(page, reached + 4)
        other = visitors.enter(place, "/")  # the end is told on every page
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("dialog").get_by_role("button", name="Cancel the job").click()
        notices = page.get_by_role("region", name="Notices")
        for told in (notices, other.get_by_role("region", name="Notices")):
            expect(told).to_contain_text(re.compile(r"cancelled after \d+ operations"))
        expect(page.get_by_text("No job is under way.")).to_be_visible()
        notices.get_by_role("button", name="Dismiss").click()
        expect(notices.get_by_role("status")).to_have_count(0)
        visitors.close(page, other)


def test_failures_are_shown_with_their_cure_and_tried_again(home: Home, visitors: Visitors) -> None:
    home.add("good", "better")
    home.add("bad", "worse", content="raise")
    with serving(home, free_port()) as place:
        library(place, home, 4)
        page = visitors.enter(place, "/admin")
        tick(page, "null")
        start(page)
        notices = page.get_by_role("region", name="Notices")
        expect(notices).to_contain_text(re.compile(r"2 failed"))
        notices.get_by_role("link", name="See what failed").click()
        failure = page.get_by_role("listitem").filter(has_text="bad.mp3")
        expect(failure).to_contain_text("told to raise")
        expect(failure.locator(".hint").first).not_to_be_empty()
        expect(failure).to_contain_text("1 attempt")
        notices.get_by_role("button", name="Dismiss").first.click()
        (home.music / "bad.mp3").write_text("sound now")
        failure.get_by_role("button", name="Retry").click()
        expect(page.get_by_text("1 job was started.")).to_be_visible()
        expect(page.get_by_role("listitem").filter(has_text="bad.mp3")).to_have_count(0)
        worse = page.get_by_role("listitem").filter(has_text="worse.mp3")
        worse.get_by_role("button", name="Dismiss").click()
        expect(page.get_by_text("Nothing has failed.")).to_be_visible()
        page.get_by_label("also dismissed ones").check()
        expect(worse).to_contain_text("dismissed")
        visitors.close(page)
