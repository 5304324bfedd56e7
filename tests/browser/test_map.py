"""The map: points that are really drawn, their names, a click that plays, a line around tracks that makes a playlist."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import av
import numpy as np
from playwright.sync_api import expect

from tests.browser.conftest import PLAIN_USER, TRACKS, picture
from tests.browser.test_similar import HEARD

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Locator, Page

SATURATED = 60
"""Between the strongest and the weakest channel of a pixel: points have colours, the page is grey."""


def opened(page: Page) -> Locator:
    """The canvas, drawn."""
    canvas = page.get_by_role("application")
    expect(canvas).to_be_visible()
    page.wait_for_function("() => performance.getEntriesByName('map-drawn').length > 0")
    return canvas


def coloured(canvas: Locator) -> int:
    """How many of the canvas's pixels have a colour, as it is seen."""
    with av.open(io.BytesIO(canvas.screenshot()), mode="r") as shot:
        frame = next(shot.decode(video=0)).to_ndarray(format="rgb24").astype(int)
    return int(np.count_nonzero(np.ptp(frame, axis=2) > SATURATED))


def aim(page: Page, canvas: Locator) -> None:
    """Move the mouse over the map until it is on a point."""
    box = canvas.bounding_box()
    assert box
    for down in np.linspace(0.3, 0.7, 12):
        for across in np.linspace(0.3, 0.7, 12):
            page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
            if canvas.evaluate(
                "canvas => new Promise(done => setTimeout(() => done(canvas.matches('.pointing'))))"
            ):
                return
    raise AssertionError("there is no point in the middle of the map")


def test_points_are_drawn_named_and_played(enter: Callable[..., Page], drawn_map: None) -> None:
    page = enter("/map", scheme="dark")
    canvas = opened(page)
    expect(page.get_by_text(f"{TRACKS:,} tracks", exact=True)).to_be_visible()
    assert (
        coloured(canvas) > TRACKS / 2
    )  # several pixels each; points lie upon points, and some colours are pale
    picture(page, "map")
    page.get_by_role("combobox", name="Colour by").select_option("cluster")
    expect(page).to_have_url(re.compile("by=cluster"))
    aim(page, canvas)
    name = page.locator(".tip")
    expect(name).to_be_visible()
    artist, _, title = name.inner_text().partition(" - ")
    page.mouse.down()
    page.mouse.up()
    player = page.get_by_role("region", name="Player")
    expect(player).to_contain_text(title)
    expect(player).to_contain_text(artist)
    page.wait_for_function(HEARD)


def test_a_line_around_tracks_makes_a_playlist(
    enter: Callable[..., Page], drawn_map: None, tmp_path: Path
) -> None:
    page = enter("/map", who=PLAIN_USER)
    canvas = opened(page)
    page.get_by_role("button", name="Select", exact=True).first.click()
    box = canvas.bounding_box()
    assert box
    corners = [(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9), (0.1, 0.12)]
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=8)
    page.mouse.up()
    said = page.get_by_text(re.compile(r"tracks? selected"))
    expect(said).to_be_visible()
    count = int(re.sub(r"\D", "", said.inner_text()))
    assert 1 < count <= TRACKS
    page.get_by_role("button", name="Playlist…").click()
    dialog = page.get_by_role("dialog")
    with page.expect_download() as coming:
        dialog.get_by_role("button", name="Save as M3U").click()
    kept = tmp_path / "list.m3u8"
    coming.value.save_as(kept)
    assert len([line for line in kept.read_text().splitlines() if line.startswith("#EXTINF:")]) == count


def test_the_map_goes_by_keys(enter: Callable[..., Page], drawn_map: None) -> None:
    page = enter("/map")
    canvas = opened(page)
    canvas.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    spoken = page.locator(".host").get_by_role("status")
    expect(spoken).not_to_be_empty()
    title = spoken.inner_text().partition(" - ")[2]
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Player")).to_contain_text(title)
