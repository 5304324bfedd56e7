"""Renaming in a browser: from the folder to the new names and back, in one that is reloaded in the middle, by keys alone."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, PLAIN_USER, Place, Visitors
from tests.browser.test_every_page import (
    ALL_WORDS,
    AXE,
    FAULTS,
    SCHEMES,
    WIDER_THAN_THE_WINDOW,
    english_words,
)
from tests.harness import wait_for
from tests.server.renamed import many, tagged
from tests.server.running import free_port, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from tests.harness import Home

MOST_ROWS_IN_THE_DOCUMENT = 200
ROWS = 'div[role="row"].row-of'
TEMPLATE = "{artist} - {title}"


@contextmanager
def serving(home: Home) -> Iterator[Place]:
    """A server with the music folder as its library."""
    with running(home, port=free_port()) as server:
        place = Place(server)
        with place.api() as client:
            client.post("/libraries", json={"path": str(home.music)}).raise_for_status()
        yield place


def fill(music: Path, count: int = 5) -> None:
    tagged(music / "Björk" / "01.mp3", "Björk", "Hunter")
    tagged(music / "Björk" / "Live" / "joga.mp3", "Björk", "Jóga (Live Mix)")
    tagged(music / "Moby - Go.mp3", "Moby", "Go")
    many(music / "Many", count)


def names(music: Path) -> set[str]:
    return {path.name for path in music.rglob("*.mp3")}


def write(page: Page, template: str) -> None:
    page.get_by_label("Template", exact=True).fill(template)


def preview(page: Page, template: str = TEMPLATE) -> Locator:
    """The table of a new plan."""
    write(page, template)
    page.get_by_role("button", name="Preview", exact=True).click()
    grid = page.get_by_role("grid", name="Old and new names")
    expect(grid).to_be_visible()
    expect(page.locator(f"{ROWS}:not([aria-busy])").first).to_be_visible()
    return grid


def carry_out(page: Page, words: str) -> None:
    page.get_by_role("button", name=words).click()
    page.get_by_role("dialog").get_by_role("button", name="Rename now").click()


def card(page: Page, state: str) -> Locator:
    return page.get_by_role("article", name=f"Renaming, {state}")


def test_from_the_folder_to_new_names_and_back(home: Home, visitors: Visitors) -> None:
    fill(home.music)
    before = names(home.music)
    with serving(home) as place:
        page = visitors.enter(place, "/rename")
        page.get_by_role("list", name="Folders in music").get_by_role("button", name="Björk").click()
        expect(page).to_have_url(re.compile("folder=Bj"))
        expect(page.get_by_role("button", name="Live")).to_contain_text("1 file")

        write(page, "{artist} - {oops}")
        fault = page.locator(".fault.error")
        expect(fault).to_contain_text("oops")
        expect(page.locator(".mirror .error")).to_have_text(re.compile("oops"))
        expect(page.get_by_role("button", name="Preview", exact=True)).to_be_disabled()
        page.get_by_role("button", name="Suggest a template").click()
        expect(page.get_by_text("no album in the tags").first).to_be_visible()
        page.get_by_role("button", name=re.compile("^Use ")).first.click()
        expect(page.locator(".fault")).to_have_count(0)

        preview(page)
        expect(page.locator(ROWS)).to_have_count(2)
        row = page.locator(ROWS).filter(has_text="01")
        expect(row.locator("ins")).to_have_text(re.compile("Björk - Hunter"))
        expect(row.locator("del")).to_have_text(re.compile("01"))
        row.get_by_role("button", name="Details of 01.mp3").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("row", name="artist Björk the tag")).to_be_visible()
        page.keyboard.press("Escape")
        page.get_by_role("searchbox", name="Search names").fill("hunter")
        expect(page.locator(ROWS)).to_have_count(1)
        page.get_by_role("searchbox", name="Search names").fill("")

        page.get_by_label("only the ticked").check()
        expect(page.get_by_role("button", name="Rename 0 files…")).to_be_disabled()
        page.locator(ROWS).filter(has_text="01").get_by_role("checkbox").check()
        carry_out(page, "Rename 1 file…")
        expect(card(page, "done")).to_contain_text("1 of 1 files")
        assert names(home.music) == before - {"01.mp3"} | {"Björk - Hunter.mp3"}

        card(page, "done").get_by_role("button", name="Undo").click()
        page.get_by_role("dialog").get_by_role("button", name="Undo").click()
        expect(card(page, "undone")).to_be_visible()
        assert names(home.music) == before
        page.get_by_role("button", name="Done before").click()
        expect(page.get_by_role("button", name=re.compile("undone"))).to_be_visible()
        visitors.close(page)


def test_thousands_of_rows_a_reload_in_the_middle_and_a_cancel(home: Home, visitors: Visitors) -> None:
    count = 12_000
    many(home.music, count)
    before = names(home.music)
    with serving(home) as place:
        page = visitors.enter(place, "/rename")
        grid = preview(page)
        expect(page.get_by_text(f"This preview is long: {count:,} files.")).to_be_visible()
        grid.focus()
        page.keyboard.press("End")
        last = page.locator(f'{ROWS}[aria-rowindex="{count + 1}"]')
        expect(last).to_be_in_viewport()
        expect(last).to_contain_text(f"Title {count - 1:05d}")
        assert page.locator(ROWS).count() <= MOST_ROWS_IN_THE_DOCUMENT
        carry_out(page, f"Rename {count:,} files…")
        expect(card(page, "running")).to_be_visible()
        page.reload()
        busy = page.get_by_role("article", name=re.compile("^Renaming, (running|done|cancelled)"))
        expect(busy).to_be_visible()
        page.goto("/rename")  # whoever comes anew sees what is under way
        expect(busy.or_(page.get_by_role("heading", name="Which files"))).to_be_visible()
        cancel = page.get_by_role("article").get_by_role("button", name="Cancel")
        if cancel.count():
            cancel.click()
        with place.api() as client:
            [session] = client.get("/rename/sessions").json()["items"]
            path = f"/rename/sessions/{session['id']}"
            wait_for(lambda: client.get(path).json()["state"] in {"cancelled", "done"})
            done = client.get(path).json()["done"]
            assert len(names(home.music) - before) == done > 0
        page.goto(f"/rename?session={session['id']}")
        ended = card(page, "cancelled").or_(card(page, "done"))
        expect(ended).to_contain_text(f"{done:,} of {count:,} files")
        back = ended.get_by_role("button", name=re.compile("Take it back|Undo")).first
        back.click()
        sure = page.get_by_role("dialog").get_by_role("button", name="Undo")
        if sure.count():
            sure.click()
        expect(card(page, "undone")).to_be_visible()
        assert names(home.music) == before
        visitors.close(page)


def test_by_keys_alone(home: Home, visitors: Visitors) -> None:
    fill(home.music)
    with serving(home) as place:
        page = visitors.enter(place, "/rename")
        folders = page.get_by_role("list", name="Folders in music")
        folders.get_by_role("button").first.focus()
        for key in ("ArrowDown", "ArrowUp", "ArrowRight"):
            page.keyboard.press(key)
        expect(page.get_by_role("list", name="Folders in Björk").get_by_role("button")).to_be_focused()
        page.keyboard.press("ArrowLeft")
        expect(folders.get_by_role("button").first).to_be_focused()
        page.get_by_label("Template", exact=True).focus()
        page.keyboard.press("Control+a")
        page.keyboard.type(TEMPLATE)
        button = page.get_by_role("button", name="Preview", exact=True)
        expect(button).to_be_enabled()
        button.focus()
        page.keyboard.press("Enter")
        grid = page.get_by_role("grid", name="Old and new names")
        expect(page.locator(f"{ROWS}:not([aria-busy])").first).to_be_visible()
        grid.focus()
        page.keyboard.press("End")
        row = page.locator(f"{ROWS}.active")
        expect(row).to_have_attribute("aria-selected", "true")
        page.keyboard.press("x")
        expect(row).to_have_attribute("aria-selected", "false")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        apply = page.get_by_role("button", name=re.compile("^Rename 6 files"))
        apply.focus()
        page.keyboard.press("Enter")
        page.get_by_role("dialog").get_by_role("button", name="Rename now").focus()
        page.keyboard.press("Enter")
        expect(card(page, "done")).to_contain_text("6 of 6 files")
        visitors.close(page)


@SCHEMES
def test_no_serious_fault_with_a_plan_and_a_phone_and_german(
    home: Home, visitors: Visitors, scheme: Literal["light", "dark"]
) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is missing")
    fill(home.music)
    with serving(home) as place:
        page = visitors.enter(place, "/rename", before=AXE, scheme=scheme)
        preview(page)
        page.get_by_text("Fields", exact=True).click()
        assert page.evaluate(FAULTS) == []
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        assert page.evaluate(FAULTS) + page.evaluate(WIDER_THAN_THE_WINDOW) == []
        page.locator(ROWS).first.get_by_role("button").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert page.evaluate(FAULTS) == []
        page.keyboard.press("Escape")
        page.evaluate("() => localStorage.setItem('reprise.locale', 'de')")
        page.reload()
        expect(page.locator(f"{ROWS}:not([aria-busy])").first).to_be_visible()
        assert set(page.evaluate(ALL_WORDS)) & english_words() == set()
        visitors.close(page)


def test_plain_users_do_not_rename(enter: Callable[..., Page]) -> None:
    page = enter("/rename", who=PLAIN_USER)
    expect(page.get_by_role("heading", name="Only administrators may see this page.")).to_be_visible()
    assert page.locator('a[href^="/rename"]').count() == 0
