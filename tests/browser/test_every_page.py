"""What holds on every page: no serious fault for those who do not see, room on a phone, words in the reader's language."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, WIDE, missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

UI = Path(__file__).parents[2] / "ui"
AXE = UI / "node_modules" / "axe-core" / "axe.min.js"
WORDS = UI / "src" / "lib" / "i18n"

TABS = ("failures", "history", "schedules", "libraries", "settings")
PAGES = {
    "library": ("/", ".row-of:not([aria-busy])"),
    "library-paged": ("/?paged=1&genre=Jazz", ".row-of:not([aria-busy])"),
    "similar": ("/similar?item=1&not=9", "tbody tr .score"),
    "similar-words": ("/similar?q=", ".nothing"),
    "map": ("/map", "canvas"),
    "duplicates": ("/duplicates", ".none"),
    "rename": ("/rename", ".example code"),
    "rename-history": ("/rename?tab=history", "main .soft"),
    "admin": ("/admin", "form.start .sums"),
    **{f"admin-{tab}": (f"/admin?tab={tab}", ".content > *") for tab in TABS},
    "users": ("/users", "tbody tr"),
    "account": ("/account", "h2"),
}
FAULTS = """
async () => {
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
  const { violations } = await axe.run(document, { resultTypes: ['violations'] })
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html).join(' | ')}`)
}
"""
WIDER_THAN_THE_WINDOW = """
() => [document.scrollingElement, ...document.querySelectorAll('main, .page, .frame, dialog')]
  .filter((element) => element.scrollWidth > element.clientWidth + 1)
  .map((element) => `${element.tagName}.${element.className}: ${element.scrollWidth} > ${element.clientWidth}`)
"""
ALL_WORDS = """
() => {
  const words = []
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walk.nextNode()) if (!walk.currentNode.parentElement.closest('script, style, code')) words.push(walk.currentNode.data)
  for (const element of document.querySelectorAll('*'))
    for (const name of ['aria-label', 'title', 'placeholder', 'aria-valuetext', 'alt'])
      if (element.hasAttribute(name)) words.push(element.getAttribute(name))
  return [document.title, ...words].map((one) => one.trim().replace(/\\s+/g, ' ')).filter(Boolean)
}
"""


@pytest.fixture(scope="module")
def axe() -> Path:
    if not AXE.exists():
        missing("axe-core (npm ci in ui/)")
    return AXE


def settled(page: Page, selector: str) -> None:
    """What the page is about is there."""
    expect(page.locator(selector).first).to_be_visible()
    expect(page.locator("main [aria-busy=true]")).to_have_count(0)


def faults(page: Page) -> list[str]:
    """As it is looked at now, and on a phone."""
    found: list[str] = page.evaluate(FAULTS)
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    found += page.evaluate(FAULTS)
    found += page.evaluate(WIDER_THAN_THE_WINDOW)
    page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    return found


SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


@SCHEMES
@pytest.mark.parametrize("name", PAGES)
def test_pages_have_no_serious_fault(
    enter: Callable[..., Page], drawn_map: None, axe: Path, name: str, scheme: str
) -> None:
    path, selector = PAGES[name]
    page = enter(path, before=axe, scheme=scheme)
    settled(page, selector)
    assert faults(page) == []


@SCHEMES
def test_the_form_to_sign_in_has_no_serious_fault(enter: Callable[..., Page], axe: Path, scheme: str) -> None:
    page = enter("/", who=None, before=axe, scheme=scheme, expecting=[r"^401: GET .*/auth/me$"])
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert faults(page) == []


@SCHEMES
def test_menus_and_dialogs_have_no_serious_fault(enter: Callable[..., Page], axe: Path, scheme: str) -> None:
    page = enter("/", before=axe, scheme=scheme)
    settled(page, ".row-of:not([aria-busy])")
    row = page.locator(".row-of").nth(1)
    row.get_by_role("button", name="Actions for").click()
    assert page.evaluate(FAULTS) == []
    page.get_by_role("menuitem", name="Explain").click()
    expect(page.get_by_role("dialog").get_by_text("acoustic", exact=True)).to_be_visible()
    assert faults(page) == []
    page.keyboard.press("Escape")
    row.get_by_role("button", name="Play").click()
    row.get_by_role("checkbox").check()
    page.get_by_role("button", name="Make a playlist").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert faults(page) == []


def english_words() -> set[str]:
    """Words that only the English catalogue has, and names of keys; but for the name of the first owner."""
    catalogues = [json.loads((WORDS / f"{code}.json").read_text()) for code in ("en", "de")]
    ours, theirs = ({words for words in one.values() if "{" not in words} for one in catalogues)
    return ((ours - theirs) | set(catalogues[0])) - {"default"}


def test_german_is_complete_on_every_page(enter: Callable[..., Page], drawn_map: None) -> None:
    english = english_words()
    page = enter("/account")
    page.get_by_role("combobox", name="Language").select_option("de")
    expect(page.get_by_role("button", name="Passwort ändern")).to_be_visible()
    try:
        for path, selector in PAGES.values():
            page.goto(path)
            settled(page, selector)
            words = set(page.evaluate(ALL_WORDS))
            assert words & english == set(), path
            assert not [one for one in words if re.search(r"\{\w+\}", one)], path
        assert page.evaluate("() => document.documentElement.lang") == "de"
    finally:
        page.goto("/account")
        page.get_by_role("combobox", name="Sprache").select_option("en")
        expect(page.get_by_role("button", name="Change password")).to_be_visible()
