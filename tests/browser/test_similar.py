"""Search by tracks: pick one by a few letters, see what is near, hear it, keep it as a playlist."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.conftest import PLAIN_USER, picture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

HEARD = "() => { const sound = document.querySelector('audio'); return sound.readyState >= 2 && sound.currentTime > 0 }"
"""The browser has decoded sound and is further than its start."""


def pick(page: Page, letters: str) -> str:
    """Choose the first proposal for these letters; returns what it is called."""
    page.get_by_role("combobox", name="Find a track to start from").fill(letters)
    option = page.get_by_role("listbox").get_by_role("option").first
    name = " ".join(option.inner_text().split())
    option.click()
    return name


def results(page: Page) -> Page:
    expect(page.get_by_text(re.compile(r"^\d+ tracks?, by acoustic"))).to_be_visible()
    return page


def test_a_track_is_picked_by_letters_and_what_is_near_it_plays(enter: Callable[..., Page]) -> None:
    page = enter("/similar")
    pick(page, "lantern")
    expect(page.get_by_role("list", name="Starting from").get_by_role("listitem")).to_have_count(1)
    rows = results(page).locator("tbody tr")
    expect(rows).to_have_count(25)
    scores = [float(text) for text in rows.locator(".value").all_inner_texts()]
    assert scores == sorted(scores, reverse=True)
    second = rows.nth(1)
    title = second.locator(".title").inner_text()
    second.get_by_role("button", name="Play").click()
    player = page.get_by_role("region", name="Player")
    expect(player).to_contain_text(title)
    page.wait_for_function(HEARD)
    picture(page, "similar")
    player.get_by_role("button", name="Next track").click()
    expect(player).not_to_contain_text(title)
    page.wait_for_function(HEARD)
    player.get_by_role("button", name="Pause").click()
    page.wait_for_function("() => document.querySelector('audio').paused")


def test_the_question_is_in_the_address_and_can_be_turned_away_from_a_track(
    enter: Callable[..., Page],
) -> None:
    page = enter("/similar?item=1", who=PLAIN_USER)
    first = results(page).locator("tbody tr").first
    near = first.locator(".title").inner_text()
    first.get_by_role("button", name="Actions for").click()
    page.get_by_role("menuitem", name="Less like this").click()
    expect(page).to_have_url(re.compile("not="))
    expect(page.get_by_role("list", name="Away from").get_by_role("listitem")).to_contain_text(near)
    page.reload()
    expect(page.get_by_role("list", name="Away from").get_by_role("listitem")).to_contain_text(near)


def test_results_are_kept_as_a_playlist(enter: Callable[..., Page], tmp_path: Path) -> None:
    page = enter("/similar?item=1&count=10", who=PLAIN_USER)
    expect(results(page).locator("tbody tr")).to_have_count(10)
    page.get_by_role("button", name="Make a playlist").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("Evening")
    with page.expect_download() as coming:
        dialog.get_by_role("button", name="Save as M3U").click()
    assert coming.value.suggested_filename == "Evening.m3u8"
    kept = tmp_path / "Evening.m3u8"
    coming.value.save_as(kept)
    lines = kept.read_text().splitlines()
    assert lines[0] == "#EXTM3U"
    assert len([line for line in lines if line.startswith("#EXTINF:")]) == 10
    assert len([line for line in lines if line.endswith(".mp3")]) == 10
    expect(dialog.get_by_text("The file has been made.")).to_be_visible()


def test_words_need_a_model_that_reads_them(enter: Callable[..., Page]) -> None:
    page = enter("/similar")
    page.get_by_role("button", name="By words").click()
    expect(page.get_by_text("No model that reads words has been run yet")).to_be_visible()
