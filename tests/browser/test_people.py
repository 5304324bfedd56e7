"""People: the first sign-in with a password that is good once, new users, refusals, the keyboard alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE
from tests.browser.test_library import rows_of
from tests.server.running import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

NOBODY_YET = (r"^401: GET .*/auth/me$",)
"""A page asks who it is for."""


def enter_as(page: Page, name: str, password: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_a_new_user_signs_in_once_and_chooses_a_password(enter: Callable[..., Page]) -> None:
    admin = enter("/users")
    admin.get_by_label("Name", exact=True).fill("carla")
    admin.get_by_role("button", name="Add", exact=True).click()
    once = admin.get_by_label("Shown once").input_value()
    expect(admin.get_by_role("row", name=re.compile("^carla"))).to_contain_text("must choose a password")

    page = enter("/map", who=None, expecting=(*NOBODY_YET, r"^401: POST .*/auth/login$"))
    expect(page).to_have_url(re.compile(r"/login\?next="))
    enter_as(page, "carla", "not the password")
    expect(page.get_by_role("alert")).to_contain_text("Name or password is wrong.")
    enter_as(page, "carla", once)
    expect(page).to_have_url(re.compile("/account"))
    expect(page.get_by_text("Choose a password of your own before you go on.")).to_be_visible()
    page.get_by_label("Present password").fill(once)
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password again").fill(PASSWORD + "?")
    expect(page.get_by_text("The two new passwords differ.")).to_be_visible()
    page.get_by_label("New password again").fill(PASSWORD)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("The password has been changed.")).to_be_visible()
    page.get_by_role("link", name="Library").click()
    expect(page.get_by_role("grid", name="Tracks").or_(page.get_by_text("no tracks")).first).to_be_visible()
    page.get_by_role("link", name="Account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()

    admin.get_by_role("button", name="Remove carla").click()
    admin.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(admin.get_by_role("row", name=re.compile("^carla"))).to_have_count(0)


@pytest.mark.parametrize("size", [(1280, 800), PHONE], ids=["wide", "phone"])
def test_the_keyboard_alone_signs_in_and_plays(enter: Callable[..., Page], size: tuple[int, int]) -> None:
    page = enter("/", who=None, size=size, expecting=NOBODY_YET)
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("admin")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    grid = page.get_by_role("grid", name="Tracks")
    expect(rows_of(page).first).to_be_visible()
    tab_to(page, "div[role=grid]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".row-of.active")).to_have_attribute("aria-rowindex", "4")
    assert grid.get_attribute("aria-activedescendant") == page.locator(".row-of.active").get_attribute("id")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Player").get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press(" ")
    expect(
        page.get_by_role("region", name="Player").get_by_role("button", name="Play", exact=True)
    ).to_be_visible()


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until what is meant has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement?.matches(selector)", selector):
            return
    raise AssertionError(f"Tab does not reach {selector}")
