"""The library's table: rows as they come into view, sorting, filters, explanations, and pages with buttons instead."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.conftest import PLAIN_USER, TRACKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

ROWS = 'div[role="row"].row-of'
MOST_ROWS_IN_THE_DOCUMENT = 200


def rows_of(page: Page) -> Locator:
    """Rows with a track in them."""
    return page.locator(f"{ROWS}:not([aria-busy])")


def column(page: Page, number: int) -> list[str]:
    """What stands in a column of the first rows, from the top."""
    rows = page.locator(ROWS).filter(has=page.get_by_role("gridcell"))
    texts = [
        (int(row.get_attribute("aria-rowindex") or 0), row.get_by_role("gridcell").nth(number).inner_text())
        for row in rows.all()[:12]
    ]
    return [text for _, text in sorted(texts)]


def test_a_long_table_holds_few_rows_and_reaches_its_end(enter: Callable[..., Page]) -> None:
    page = enter()
    grid = page.get_by_role("grid", name="Tracks")
    expect(page.get_by_text(f"{TRACKS:,} tracks")).to_be_visible()
    expect(rows_of(page).first).to_be_visible()
    grid.focus()
    for _ in range(10):
        page.keyboard.press("PageDown")
    expect(page.locator(f"{ROWS}.active")).to_be_in_viewport()
    page.keyboard.press("End")
    last = page.locator(f'{ROWS}[aria-rowindex="{TRACKS + 1}"]')
    expect(last).to_be_in_viewport()
    expect(last).not_to_have_attribute("aria-busy", "true")
    assert page.locator(ROWS).count() <= MOST_ROWS_IN_THE_DOCUMENT
    assert grid.get_attribute("aria-rowcount") == str(TRACKS + 1)


def test_a_click_on_a_head_sorts_and_a_second_turns_it_round(enter: Callable[..., Page]) -> None:
    page = enter()
    expect(rows_of(page).first).to_be_visible()
    head = page.get_by_role("columnheader", name="Title")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    expect(page).to_have_url(re.compile("sort=title"))
    expect(rows_of(page).first).to_contain_text(re.compile(r"^\s*After the"))
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(rows_of(page).first).to_contain_text(re.compile(r"^\s*Without"))
    titles = column(page, 1)
    assert titles == sorted(titles, key=str.casefold, reverse=True)


def test_filters_narrow_the_list_and_stay_in_the_address(enter: Callable[..., Page]) -> None:
    page = enter()
    page.get_by_role("combobox", name="Genre").select_option("Jazz")
    expect(page).to_have_url(re.compile("genre=Jazz"))
    jazz = page.get_by_role("gridcell", name="Jazz", exact=True)
    expect(jazz.first).to_be_visible()
    expect(page.get_by_role("gridcell", name="Techno", exact=True)).to_have_count(0)
    page.reload()
    expect(jazz.first).to_be_visible()
    page.get_by_role("searchbox").fill("no such words")
    expect(page.get_by_text("No track matches these filters.")).to_be_visible()
    page.get_by_role("button", name="Clear the filters").click()
    expect(page.get_by_text(f"{TRACKS:,} tracks")).to_be_visible()


def test_a_track_is_explained(enter: Callable[..., Page]) -> None:
    page = enter()
    rows_of(page).first.get_by_role("button", name="Actions for").click()
    page.get_by_role("menuitem", name="Explain").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("acoustic", exact=True)).to_be_visible()
    expect(dialog.get_by_text("done", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_pages_with_buttons_instead_of_scrolling(enter: Callable[..., Page]) -> None:
    page = enter()
    page.get_by_label("Page by page").check()
    pages = page.get_by_role("navigation", name="Pages")
    expect(pages).to_contain_text("Page 1 of")
    expect(rows_of(page)).to_have_count(100)
    first = rows_of(page).first.inner_text()
    pages.get_by_role("button", name="Next page").click()
    expect(pages).to_contain_text("Page 2 of")
    expect(page.locator(f'{ROWS}[aria-rowindex="2"]:not([aria-busy])')).not_to_have_text(first)
    assert rows_of(page).count() <= 100
    page.go_back()
    page.goto("/?paged=1&page=2")
    expect(page.get_by_role("navigation", name="Pages")).to_contain_text("Page 2 of")


def test_a_plain_user_has_the_library_and_nothing_of_the_administration(enter: Callable[..., Page]) -> None:
    page = enter(who=PLAIN_USER)
    expect(rows_of(page).first).to_be_visible()
    sections = page.get_by_role("navigation", name="Sections")
    expect(sections.get_by_role("link", name="Account")).to_be_visible()
    assert page.locator('a[href^="/admin"], a[href^="/users"]').count() == 0
    assert page.get_by_text("Admin").count() == 0
    answers = [page.request.get(f"/api/v1/{path}").status for path in ("users", "jobs", "settings", "doctor")]
    assert answers == [403, 403, 403, 403]
    for path in ("/admin", "/users"):
        page.goto(path)
        expect(page.get_by_role("heading", name="Only administrators may see this page.")).to_be_visible()
        assert page.locator('a[href^="/admin"], a[href^="/users"]').count() == 0
