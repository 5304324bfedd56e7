"""Following Navidrome (a stand-in for it): whose ids are whose, what its events start, what happens without them."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from reprise.core.following import NAVIDROME, Song, canonical_id
from reprise.engine.foreign import follow_songs
from reprise.errors import RemoteError, RemoteUnreachable
from reprise.sources.navidrome import NavidromeDatabase
from reprise.subsonic.navidrome import Navidrome
from tests.following.navidrome_stand_in import PASSWORD, USER, StandIn, running
from tests.harness import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness import Home


@pytest.fixture
def music(home: Home) -> StandIn:
    return StandIn(str(home.music))


@pytest.fixture
def server(music: StandIn) -> Iterator[Navidrome]:
    with running(music) as url:
        yield Navidrome(url, USER, PASSWORD, 20.0)


def test_an_id_of_before_the_change_of_encoding_is_the_new_one() -> None:
    assert canonical_id("KhehcqGKwAIL6Ux3Ah0yDC") == "6owyzFEyktb6jxHvAYbn6w"


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("6owyzFEyktb6jxHvAYbn6w", "6owyzFEyktb6jxHvAYbn6w"),
        ("00000000000000000000000000000001", "0000000000000000000001"),
        ("00000000-0000-0000-0000-00000000003e", "0000000000000000000010"),
        ("ffffffffffffffffffffffffffffffff", canonical_id("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF")),
        ("7N42dgm5tFLK9N8MT7fHC7", "7N42dgm5tFLK9N8MT7fHC7"),  # the largest there is: 2 ** 128 - 1
        ("al-12", "al-12"),
        ("", ""),
    ],
)
def test_the_canonical_form(given: str, canonical: str) -> None:
    assert canonical_id(given) == canonical
    assert canonical_id(canonical) == canonical


def test_its_own_api_lists_the_songs_that_are_there(music: StandIn, server: Navidrome) -> None:
    for number in range(1203):
        music.add(f"s{number:04d}", f"album/{number}.mp3", missing=number == 7)
    songs = list(server.songs())
    assert len(songs) == 1202
    assert songs[0][:3] == ("s0000", os.fsencode(music.root), b"album/0.mp3")
    assert music.logins == 1


def test_the_database_lists_the_same_songs_and_is_not_touched(music: StandIn, tmp_path: Path) -> None:
    music.add("a", "one/ä.mp3", 10)
    music.add("b", "one/gone.mp3", 10, missing=True)
    file = tmp_path / "navidrome.db"
    music.write_database(file)
    before = file.read_bytes()
    [song] = NavidromeDatabase(str(file)).songs()
    assert song[:3] == ("a", os.fsencode(music.root), "one/ä.mp3".encode())
    assert file.read_bytes() == before


def test_a_database_of_another_version_names_the_columns_that_it_lacks(
    music: StandIn, tmp_path: Path
) -> None:
    file = tmp_path / "navidrome.db"
    music.write_database(file)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("ALTER TABLE media_file DROP COLUMN missing")
        database.execute("ALTER TABLE library DROP COLUMN path")
    with pytest.raises(RemoteError, match=r"media_file\.missing, library\.path") as raised:
        list(NavidromeDatabase(str(file)).songs())
    assert raised.value.cure


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(RemoteUnreachable):
        list(NavidromeDatabase(str(tmp_path / "none.db")).songs())
    assert not list(tmp_path.glob("none*"))


def test_a_token_that_is_over_is_renewed(music: StandIn, server: Navidrome) -> None:
    music.add("a", "one.mp3")
    assert len(list(server.songs())) == 1
    music.token = "token-2"
    assert len(list(server.songs())) == 1
    assert music.logins == 2


def test_events_tell_of_scans_until_somebody_stops(music: StandIn, server: Navidrome) -> None:
    stop, heard = threading.Event(), list[str]()
    listener = threading.Thread(target=lambda: heard.extend(server.scans(stop)))
    listener.start()
    wait_for(lambda: music.listeners)
    music.tell("keepAlive", {})
    music.scanned()
    music.tell("scanStatus", {"scanning": False})  # no scan has begun since
    music.tell("refreshResource", {"song": ["a"]})
    wait_for(lambda: len(heard) >= 2)
    stop.set()
    listener.join(20)
    assert not listener.is_alive()
    assert heard[:2] == ["scanStatus", "refreshResource"]


def test_a_lost_connection_for_events_is_an_error(music: StandIn, server: Navidrome) -> None:
    music.gives_events = False
    with pytest.raises(RemoteError, match="no events"):
        list(server.scans(threading.Event()))


def test_songs_become_items_by_where_they_lie(home: Home) -> None:
    home.add("album/one", "album/two", "three")
    home.run("scan", str(home.music))
    with home.app() as app:
        catalogue, [library] = app.catalogue(), app.catalogue().libraries.all("default")
        root = os.fsencode(home.music)
        old = "KhehcqGKwAIL6Ux3Ah0yDC"
        songs = [
            Song(old, root, b"album/one.mp3", "1"),
            Song("b", b"/music", b"album/two.mp3", "1"),  # the same folder under another name, in a container
            Song("c", root, root + b"/three.mp3", "1"),  # absolute, as before version 0.55
            Song("d", root, b"album/unknown.mp3", "1"),
        ]
        look = follow_songs(catalogue, "default", [library], songs)
        assert [part.folder for part in look[library.id]] == [b"album"]
        one, two, three = (
            catalogue.items.by_path("default", library.id, path)
            for path in (b"album/one.mp3", b"album/two.mp3", b"three.mp3")
        )
        assert one is not None
        assert two is not None
        assert three is not None
        ids = catalogue.foreign_ids
        assert ids.item_of("default", NAVIDROME, old) == one.id
        assert ids.item_of("default", NAVIDROME, canonical_id(old)) == one.id
        assert ids.item_of("somebody else", NAVIDROME, old) is None
        assert ids.of_items("default", NAVIDROME, [one.id, two.id, three.id]) == {
            one.id: canonical_id(old),
            two.id: "b",
            three.id: "c",
        }
        # Nothing is asked again that has not changed; what is gone is forgotten.
        look = follow_songs(catalogue, "default", [library], songs[:2])
        assert not look
        assert ids.item_of("default", NAVIDROME, "c") is None


def test_a_stop_before_the_first_event_is_an_end_in_order(music: StandIn, server: Navidrome) -> None:
    stop = threading.Event()
    stop.set()
    assert list(server.scans(stop)) == []
