"""Following libraries: a file that comes is embedded by itself, one that moves keeps its item, nothing is forgotten."""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
import watchfiles

from reprise.core.job import Purpose
from reprise.sources import watching
from tests.following.navidrome_stand_in import PASSWORD, USER, StandIn, running
from tests.harness import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.following.conftest import Following
    from tests.harness import Home


def embedded(home: Home, count: int) -> None:
    wait_for(lambda: home.computed().total() >= count)
    wait_for(lambda: len(home.stored()) == count)


def item_at(home: Home, path: str) -> Any:
    with home.app() as app:
        [library] = app.catalogue().libraries.all("default")
        item = app.catalogue().items.by_path("default", library.id, os.fsencode(path))
        return item if item and item.missing_since is None else None


def test_a_new_file_is_embedded_by_itself_and_once(home: Home, following: Following) -> None:
    home.add("one")
    home.embed("--model", "null")
    with following():
        home.add("album/two")
        embedded(home, 2)
    assert set(home.computed().values()) == {1}
    with home.app() as app:
        job = app.catalogue().jobs.all("default", 1)[0]
        assert (job.request.purpose, job.asked_by, job.counters.done) == (Purpose.ARRIVALS, "scan", 1)


def test_what_came_while_the_server_was_down_is_found_when_it_starts(
    home: Home, following: Following
) -> None:
    home.add("one")
    home.run("libraries", "add", str(home.music))
    with following():
        embedded(home, 1)
    home.add("two")
    with following():
        embedded(home, 2)


def test_many_files_become_few_jobs_and_a_broken_one_is_told(home: Home, following: Following) -> None:
    home.run("libraries", "add", str(home.music))
    with following() as follower:
        for number in range(150):
            home.add(f"album/t{number:03d}")
        home.add("album/broken", content="raise")
        embedded(home, 150)
        wait_for(lambda: follower.recent_errors("default"))
        [error] = follower.recent_errors("default")
        assert error.path == "album/broken.mp3"
        assert follower.recent_errors("somebody else") == []
    with home.app() as app:
        assert len(app.catalogue().jobs.all("default", 100)) <= 6


def test_a_file_that_is_still_being_written_is_waited_for(home: Home, following: Following) -> None:
    home.run("libraries", "add", str(home.music))
    with following(watch_delay=1.5):
        with (home.music / "slow.mp3").open("w") as file:
            for _ in range(12):
                file.write("sound ")
                file.flush()
                time.sleep(0.25)
        embedded(home, 1)
    assert home.computed() == {"slow.mp3": 1}


def test_a_file_that_moves_keeps_its_item_and_costs_nothing(home: Home, following: Following) -> None:
    home.add("a/one", "b/two")
    home.embed("--model", "null")
    before = item_at(home, "a/one.mp3")
    with following():
        (home.music / "a/one.mp3").rename(home.music / "b/moved.mp3")
        after = wait_for(lambda: item_at(home, "b/moved.mp3"))
        assert after.id == before.id
        (home.music / "b").rename(home.music / "c")
        wait_for(lambda: item_at(home, "c/moved.mp3"))
        assert item_at(home, "c/moved.mp3").id == before.id
        (home.music / "c/two.mp3").unlink()
        wait_for(lambda: item_at(home, "c/two.mp3") is None)
    assert set(home.computed().values()) == {1}


def test_a_name_that_is_no_text_is_found_as_well(home: Home, following: Following) -> None:
    home.run("libraries", "add", str(home.music))
    with following():
        with open(os.path.join(os.fsencode(home.music), b"caf\xe9.mp3"), "w") as file:
            file.write("sound of an old disk")
        wait_for(lambda: item_at(home, "caf\udce9.mp3"))
        home.add("after")
        wait_for(lambda: home.computed()["after.mp3"])


def test_libraries_that_come_and_go_are_noticed(home: Home, following: Following) -> None:
    with following() as follower:
        home.add("one")
        with home.app() as app:
            library, _ = app.library_of(home.music)
        embedded(home, 1)
        with home.app() as app:
            app.catalogue().libraries.set_watch("default", library.id, watch=False)
        wait_for(lambda: not follower.all())


@pytest.mark.parametrize(
    "refusal", [OSError(28, "No space left on device"), RuntimeError("Too many open files")]
)
def test_where_the_system_cannot_watch_the_folder_is_polled(
    home: Home,
    following: Following,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    refusal: Exception,
) -> None:
    real = watchfiles.watch

    def limited(*paths: Any, force_polling: bool, **options: Any) -> Any:
        if not force_polling:
            raise refusal
        return real(*paths, force_polling=True, **options)

    monkeypatch.setattr(watchfiles, "watch", limited)
    home.run("libraries", "add", str(home.music))
    with caplog.at_level(logging.WARNING), following(watch_poll_seconds=0.3) as follower:
        wait_for(lambda: follower.all()[0].polls)
        home.add("one")
        embedded(home, 1)
    assert "inotify" in caplog.text


def test_network_mounts_are_told_from_disks(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda1 / ext4 rw 0 0\nnas:/music /mnt/my\\040nas nfs4 rw 0 0\n//nas/x /mnt/smb cifs rw 0 0\n"
        "me@nas: /mnt/ssh fuse.sshfs rw 0 0\n/dev/sdb1 /mnt/ssh/disk xfs rw 0 0\n"
    )
    kinds = {
        folder: watching.remote_kind(folder.encode(), str(mounts))
        for folder in (
            "/srv/me",
            "/mnt/my nas/a",
            "/mnt/my nasty",
            "/mnt/smb",
            "/mnt/ssh/a",
            "/mnt/ssh/disk/a",
        )
    }
    assert list(kinds.values()) == ["", "nfs4", "", "cifs", "fuse.sshfs", ""]
    assert watching.remote_kind(b"/srv/me", str(tmp_path / "none")) == ""


def test_a_folder_that_comes_back_is_followed_again(
    home: Home, following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reprise.server.followed.AGAIN_SECONDS", 0.2)
    home.add("one")
    home.embed("--model", "null")
    away = home.music.with_name("away")
    with following() as follower:
        home.music.rename(away)
        wait_for(follower.trouble)
        assert item_at(home, "one.mp3") is not None
        away.rename(home.music)
        wait_for(lambda: not follower.trouble())
        home.add("two")
        embedded(home, 2)


def _server(url: str) -> dict[str, object]:
    return {"subsonic_url": url, "subsonic_user": USER, "subsonic_password": PASSWORD}


@pytest.mark.parametrize("events", [True, False])
def test_a_scan_of_the_music_server_brings_its_new_songs(
    home: Home, following: Following, monkeypatch: pytest.MonkeyPatch, events: bool
) -> None:
    monkeypatch.setattr(watching, "remote_kind", lambda _root: "nfs4")  # nobody tells of changes there
    home.add("one")
    home.run("libraries", "add", str(home.music))
    music = StandIn(str(home.music), gives_events=events)
    music.add("song1", "one.mp3")
    ids = {"seconds": 3600.0 if events else 0.2}
    with running(music) as url, following(watch_poll_seconds=ids["seconds"], **_server(url)) as follower:
        server = follower.server
        assert server is not None
        wait_for(lambda: item_of(home, "song1"))
        wait_for(lambda: server.how == ("events" if events else "asking"))
        if events:
            wait_for(lambda: music.listeners)
        home.add("album/two")
        music.add("song2", "album/two.mp3")
        music.scanned()
        embedded(home, 2)
        wait_for(lambda: item_of(home, "song2"))
        assert item_of(home, "song2") == item_at(home, "album/two.mp3").id
        server.start_scan(full=True)
        assert music.scans_wanted == ["true"]


def test_a_lost_connection_to_the_music_server_is_made_again(home: Home, following: Following) -> None:
    home.add("one")
    home.run("libraries", "add", str(home.music))
    music = StandIn(str(home.music))
    with running(music) as url, following(**_server(url)) as follower:
        wait_for(lambda: music.listeners)
        music.hang_up()
        wait_for(lambda: not music.listeners)
        music.add("song1", "one.mp3")
        music.last_scan += 1
        wait_for(lambda: item_of(home, "song1"))
        wait_for(lambda: music.listeners)
        assert follower.server is not None
        wait_for(lambda: not follower.trouble())


def item_of(home: Home, foreign_id: str) -> int | None:
    with home.app() as app:
        return app.catalogue().foreign_ids.item_of("default", "navidrome", foreign_id)
