"""The video library in a browser: from a video to its scenes, from words to a scene, persons, and the reprocess button."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, PLAIN_USER, Place, Visitors, picture
from tests.browser.test_every_page import (
    ALL_WORDS,
    AXE,
    FAULTS,
    SCHEMES,
    WIDER_THAN_THE_WINDOW,
    english_words,
)
from tests.harness import Home, plugin_environment, wait_for
from tests.server.running import PASSWORD, running
from tests.video.films import shots, write_film

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

WORDS = """1
00:00:01,000 --> 00:00:03,000
A lighthouse blinks above the harbour.

2
00:00:12,000 --> 00:00:14,000
The baker kneads dough before sunrise.
"""
GERMAN = "if (location.protocol !== 'about:') localStorage.setItem('reprise.locale', 'de')"
PAGES = {
    "videos": ("/videos", "tbody tr"),
    "scenes": ("/scenes?q=harbour", "article.scene"),
    "people": ("/people", "ul.persons"),
    "pipeline": ("/admin?tab=pipeline", "tbody tr"),
}


@pytest.fixture(scope="module")
def cinema(tmp_path_factory: pytest.TempPathFactory, plugin_path: list[str]) -> Iterator[Place]:
    """A server over two short videos that have been taken in; a plain user is there as well."""
    home = Home(tmp_path_factory.mktemp("cinema") / "home", plugin_environment(plugin_path))
    folder = home.folder / "videos"
    folder.mkdir()
    write_film(folder / "harbour.webm", shots(8, 8, 8), codec="libvpx")
    (folder / "harbour.srt").write_text(WORDS)
    write_film(folder / "quiet.webm", shots(3), codec="libvpx")
    with running(home) as server:
        place = Place(server)
        with place.api() as client:
            library = client.post(
                "/libraries", json={"path": str(folder), "kind": "video"}
            ).raise_for_status()
            client.post("/videos/ingest", json={"library_id": library.json()["id"]}).raise_for_status()
            asked = {"name": PLAIN_USER, "role": "user", "owner": "default"}
            once = client.post("/users", json=asked).raise_for_status().json()["password"]
            wait_for(
                lambda: found(client, "harbour") and not client.get("/jobs?state=running").json()["items"]
            )
        place.sign_in(PLAIN_USER, once)
        with place.api(PLAIN_USER) as client:
            client.post("/auth/password", json={"old": once, "new": PASSWORD}).raise_for_status()
        yield place


def found(client: Any, words: str) -> list[Any]:
    answer = client.post("/scenes/search", json={"query": words})
    results: list[Any] = answer.json()["results"] if answer.status_code == 200 else []
    return results


def seconds(page: Page) -> float:
    """Where the player is."""
    at: float = page.locator("video").evaluate("(video) => video.currentTime")
    return at


def test_a_click_on_a_scene_plays_it(cinema: Place, visitors: Visitors) -> None:
    page = visitors.enter(cinema, "/")
    page.get_by_role("link", name="Videos").click()
    expect(page.get_by_role("status").filter(has_text="2 videos")).to_be_visible()
    page.get_by_role("link", name="harbour.webm").click()
    expect(page).to_have_url(re.compile(r"video=\d+"))
    scenes = page.get_by_role("article", name=re.compile("^Scene"))
    expect(scenes).to_have_count(3)
    expect(scenes.first).to_contain_text("lighthouse")
    expect(scenes.first.locator("img")).to_have_js_property("complete", True)
    assert scenes.first.locator("img").evaluate("(image) => image.naturalWidth") > 0
    page.get_by_role("button", name=re.compile("Play scene 2")).click()
    wait_for(lambda: seconds(page) >= 8)
    picture(page, "video")
    scenes.nth(1).get_by_role("button", name="Embeddings").click()
    expect(scenes.nth(1).get_by_role("list", name="Embeddings")).to_contain_text("up to date")


def test_words_lead_to_the_moment_in_which_they_are_said(cinema: Place, visitors: Visitors) -> None:
    page = visitors.enter(cinema, "/scenes")
    page.get_by_role("searchbox", name="What you look for").fill("dough sunrise")
    page.get_by_role("button", name="Search", exact=True).click()
    first = page.locator("article.scene").first
    expect(first).to_contain_text("The baker kneads dough")
    expect(first).to_contain_text("your words are in it")
    picture(page, "scenes")
    first.get_by_role("link").click()
    expect(page.locator("video")).to_be_visible()
    wait_for(lambda: seconds(page) >= 8)


def test_weights_always_sum_to_all(cinema: Place, visitors: Visitors) -> None:
    page = visitors.enter(cinema, "/scenes?q=harbour")
    page.get_by_text("How much each channel counts").click()
    shares = page.locator("output")
    before = shares.all_inner_texts()
    page.get_by_role("slider", name="What is seen").press("End")
    expect(shares.nth(1)).to_have_text("80%")
    after = [int(text.rstrip("%")) for text in shares.all_inner_texts()]
    assert abs(sum(after) - 100) <= 2, (before, after)
    page.get_by_role("button", name="Keep for me").click()
    expect(page.get_by_role("button", name="Kept")).to_be_disabled()
    page.reload()
    page.get_by_text("How much each channel counts").click()
    expect(shares.nth(1)).to_have_text("80%")
    page.get_by_role("button", name="As usual").click()
    page.get_by_role("button", name="Keep for me").click()
    expect(page.get_by_role("button", name="Kept")).to_be_visible()


def test_words_that_people_write_are_found(cinema: Place, visitors: Visitors) -> None:
    page = visitors.enter(cinema, "/videos")
    page.get_by_role("link", name="quiet.webm").click()
    page.get_by_role("button", name="Edit words").first.click()
    form = page.get_by_role("dialog")
    form.get_by_label("What is seen").fill("Ein roter Leuchtturm im Nebel")
    form.get_by_label("Tags").fill("nebel, meer")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("article").first).to_contain_text("roter Leuchtturm")
    page.get_by_role("button", name="Bring up to date").click()
    expect(page.get_by_text("It is in the queue")).to_be_visible()
    with cinema.api() as client:
        wait_for(lambda: found(client, "Leuchtturm Nebel"))


def test_a_person_and_their_photos(cinema: Place, visitors: Visitors, tmp_path: Path) -> None:
    from PIL import Image

    photo, broken = tmp_path / "maria.png", tmp_path / "broken.png"
    image = Image.effect_noise((200, 200), 80).convert("RGB")
    image.save(photo)
    broken.write_bytes(b"no picture at all")
    page = visitors.enter(cinema, "/people", expecting=[r"^422: POST .*/photos"])
    page.get_by_role("textbox", name="Name").fill("María")
    page.get_by_role("button", name="Add person").click()
    expect(page.get_by_role("region", name="María")).to_be_visible()
    page.get_by_label("Add photos").set_input_files([photo])
    expect(page.get_by_role("region", name="María").get_by_text("ready", exact=True)).to_be_visible()
    expect(page.get_by_text("can be found", exact=True)).to_be_visible()
    page.get_by_label("Add photos").set_input_files([broken])
    expect(page.get_by_role("alert")).to_be_visible()
    picture(page, "people")


def test_the_reprocess_button_asks_first_and_tells_the_version(cinema: Place, visitors: Visitors) -> None:
    page = visitors.enter(cinema, "/admin?tab=pipeline")
    version = page.get_by_role("region", name="Pipeline of videos").locator(".badge").first.inner_text()
    assert re.match(r"\d{4}-\d{2}-\d{2}", version)
    button = page.get_by_role("button", name="Reprocess embeddings")
    button.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 videos")
    expect(dialog).to_contain_text(version)
    expect(dialog).to_contain_text("running it twice changes nothing")
    dialog.get_by_role("button", name="Back").or_(dialog.get_by_role("button", name="Cancel")).first.click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    button.click()
    sent: list[Any] = []
    page.on(
        "request",
        lambda request: sent.append(request.post_data_json) if request.method == "POST" else None,
    )
    page.get_by_role("dialog").get_by_role("button", name="Reprocess", exact=True).click()
    expect(page.get_by_text(f"2 videos are in the queue for version {version}.")).to_be_visible()
    assert sent == [{"scope": "all", "force": False}]
    newest = page.get_by_role("region", name="Newest run")
    expect(newest).to_contain_text(version)
    expect(newest).to_contain_text("completed")
    expect(button).to_be_enabled()
    picture(page, "pipeline")


def test_a_refused_reprocess_is_told(cinema: Place, visitors: Visitors) -> None:
    page = visitors.enter(cinema, "/admin?tab=pipeline", expecting=[r"^409: POST .*/reprocess-embeddings"])
    refusal = '{"code": "job_conflict", "message": "run 7 is under way", "cure": "let it end"}'
    page.route(
        "**/admin/reprocess-embeddings",
        lambda route: (
            route.fulfill(status=409, body=refusal, content_type="application/json")
            if route.request.method == "POST"
            else route.continue_()
        ),
    )
    page.get_by_role("button", name="Reprocess embeddings").click()
    page.get_by_role("dialog").get_by_role("button", name="Reprocess", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("run 7 is under way")


def test_plain_users_look_and_search_and_start_nothing(cinema: Place, visitors: Visitors) -> None:
    page = visitors.enter(cinema, "/videos", who=PLAIN_USER)
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.get_by_role("button", name="Take in what is new")).to_have_count(0)
    page.get_by_role("link", name="harbour.webm").click()
    expect(page.get_by_role("article", name=re.compile("^Scene")).first).to_be_visible()
    expect(page.get_by_role("button", name="Bring up to date")).to_have_count(0)


def test_music_alone_shows_no_videos(home: Home, visitors: Visitors) -> None:
    with running(home) as server:
        page = visitors.enter(Place(server), "/")
        expect(page.get_by_role("link", name="Duplicates")).to_be_visible()
        expect(page.get_by_role("link", name="Videos")).to_have_count(0)
        visitors.close(page)


@SCHEMES
@pytest.mark.parametrize("name", PAGES)
def test_pages_of_videos_have_no_serious_fault(
    cinema: Place, visitors: Visitors, name: str, scheme: Any
) -> None:
    path, selector = PAGES[name]
    page = visitors.enter(cinema, path, before=AXE, scheme=scheme)
    expect(page.locator(selector).first).to_be_visible()
    assert page.evaluate(FAULTS) == []
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    assert page.evaluate(FAULTS) == []
    assert page.evaluate(WIDER_THAN_THE_WINDOW) == []


def test_german_is_complete_on_pages_of_videos(cinema: Place, visitors: Visitors) -> None:
    page = visitors.enter(cinema, "/account", before=GERMAN)
    expect(page.get_by_role("button", name="Passwort ändern")).to_be_visible()
    for path, selector in PAGES.values():
        page.goto(path)
        expect(page.locator(selector).first).to_be_visible()
        words = set(page.evaluate(ALL_WORDS))
        assert words & english_words() == set(), path
        assert not [one for one in words if re.search(r"\{\w+\}", one)], path
