"""Pictures for the documentation that no other test takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from reprise.demo.library import make_demo_library
from tests.browser.conftest import PICTURES, picture
from tests.browser.test_jobs import card, library, serving, start, tick
from tests.browser.test_rename import preview
from tests.server.running import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.conftest import Visitors
    from tests.harness import Home


pytestmark = pytest.mark.skipif(not PICTURES, reason="no pictures are wished for (REPRISE_PICTURES)")

FAR_ENOUGH = """
() => {
  const fact = (name) => document.querySelector(`[data-fact="${name}"]`)?.textContent ?? ''
  return parseInt(fact('operations')) > 4 && (/\\d/.test(fact('eta')) || parseInt(fact('operations')) > 20)
}
"""
"""When the job will be done is known, or it is nearly so."""


def test_the_real_model_at_work_on_the_demo_library(home: Home, visitors: Visitors) -> None:
    make_demo_library(home.music)
    with serving(home, free_port(), REPRISE_COMMIT_SECONDS="0.1", PYTHONPATH="") as place:
        library(place, home, 28)
        page = visitors.enter(place, "/admin", scheme="dark", size=(1280, 900))
        tick(page, "acoustic")
        start(page)
        page.wait_for_function(FAR_ENOUGH)
        expect(card(page, "running").locator(".current")).not_to_be_empty()
        picture(page, "admin")
        expect(page.get_by_text("No job is under way.")).to_be_visible()
        visitors.close(page)


def test_new_names_for_the_demo_library(home: Home, visitors: Visitors) -> None:
    make_demo_library(home.music)
    with serving(home, free_port(), PYTHONPATH="") as place:
        library(place, home, 28)
        home.run("analyze", str(home.music))
        page = visitors.enter(place, "/rename", size=(1280, 900))
        preview(page, "{artist} - {title}< ({mix})>< [{camelot} {bpm}]>").scroll_into_view_if_needed()
        picture(page, "rename")
        visitors.close(page)


def test_the_library(enter: Callable[..., Page]) -> None:
    page = enter("/?sort=duration&order=desc")
    expect(page.get_by_role("img", name="acoustic: done").first).to_be_visible()
    picture(page, "library")
