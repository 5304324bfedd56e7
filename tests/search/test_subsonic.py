"""Playlists sent to a server that speaks the documented protocol over real HTTP, and to some that do not."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import pytest

from reprise.core.items import InputState, Item, Tags
from reprise.errors import BadSetting, RemoteError, RemoteRefused, RemoteUnreachable, UsageError
from reprise.subsonic.connection import Connection
from reprise.subsonic.matching import SECONDS_APART, Song, best_match, song_of
from reprise.subsonic.playlists import SubsonicPlaylists
from tests.search.subsonic_server import MusicServer, Playlist, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "päss wörd&="
SECONDS = 0.4


def item(number: int, path: str = "", **tags: Any) -> Item:
    return Item(number, "ada", 1, (path or f"{number}.mp3").encode(), InputState(1, 1), Tags(**tags))


@pytest.fixture
def server() -> MusicServer:
    return MusicServer()


@pytest.fixture
def address(server: MusicServer) -> Iterator[str]:
    with serving(server) as found:
        yield found


def sender(
    address: str, user: str = "ada", password: str = PASSWORD, seconds: float = 10.0
) -> SubsonicPlaylists:
    return SubsonicPlaylists(address, user, password, seconds)


def stock(server: MusicServer, count: int) -> list[Item]:
    """Songs that the server has, and the same as items."""
    items = []
    for n in range(count):
        server.add(f"Song {n}", f"Artist {n % 7}", album="All", duration=100 + n)
        items.append(
            item(n + 1, title=f"Song {n}", artist=f"Artist {n % 7}", album="All", duration=100.4 + n)
        )
    return items


# what is sent arrives


def test_a_playlist_arrives_in_its_order(server: MusicServer, address: str) -> None:
    items = stock(server, 12)[::-1]
    sent = sender(address).send("Evening & <more>", items)
    [held] = server.playlists.values()
    assert (held.name, held.owner) == ("Evening & <more>", "ada")
    assert held.songs == [f"s{n:04d}" for n in range(11, -1, -1)]
    assert (sent.sent, sent.replaced, sent.not_found) == (12, False, ())


def test_the_users_own_playlist_of_that_name_is_replaced_and_others_are_let_be(
    server: MusicServer, address: str
) -> None:
    items = stock(server, 5)
    server.playlists["theirs"] = Playlist("theirs", "Evening", "bob", ["s0000"], public=True)
    server.playlists["other"] = Playlist("other", "Morning", "ada", ["s0001"])
    sender(address).send("Evening", items[:2])
    sent = sender(address).send("Evening", items[2:])
    assert sent.replaced
    assert server.playlists["theirs"].songs == ["s0000"]
    assert server.playlists["other"].songs == ["s0001"]
    assert [p.songs for p in server.playlists.values() if p.owner == "ada" and p.name == "Evening"] == [
        ["s0002", "s0003", "s0004"]
    ]


def test_several_playlists_of_one_name_are_a_question_to_the_user(server: MusicServer, address: str) -> None:
    items = stock(server, 2)
    for n in range(2):
        server.playlists[str(n)] = Playlist(str(n), "Evening", "ada", [])
    with pytest.raises(UsageError, match="2 playlists of yours are called 'Evening'"):
        sender(address).send("Evening", items)
    assert [p.songs for p in server.playlists.values()] == [[], []]


@pytest.mark.parametrize("takes_forms", [True, False])
@pytest.mark.parametrize("earlier", [True, False])
@pytest.mark.parametrize("tells", [True, False])
def test_a_long_list_goes_as_a_form_or_in_parts(
    server: MusicServer, address: str, takes_forms: bool, earlier: bool, tells: bool
) -> None:
    items = stock(server, 300)
    server.takes_forms, server.tells_new_playlists = takes_forms, tells
    if earlier:
        server.playlists["p"] = Playlist("p", "Long", "ada", ["s0007"])
    sent = sender(address).send("Long", items)
    [held] = server.playlists.values()
    assert held.songs == [f"s{n:04d}" for n in range(300)]
    assert (sent.sent, sent.replaced) == (300, earlier)
    assert max(map(len, server.addresses)) <= 2000
    writes = [verb for verb, method in server.asked if method in {"createPlaylist", "updatePlaylist"}]
    assert writes == ["POST"] if takes_forms else (len(writes) > 2 and set(writes) == {"GET"})


def test_a_short_list_asks_for_no_extension(server: MusicServer, address: str) -> None:
    sender(address).send("Short", stock(server, 3))
    assert ("GET", "createPlaylist") in server.asked
    assert "getOpenSubsonicExtensions" not in {method for _, method in server.asked}


def test_servers_that_leave_out_the_list_around_one_thing(server: MusicServer, address: str) -> None:
    server.lone_objects = True
    items = stock(server, 1)
    sender(address).send("One", items)
    assert sender(address).send("One", items).replaced
    assert len(server.playlists) == 1


def test_a_server_in_a_folder(server: MusicServer) -> None:
    server.folder = "/music"
    items = stock(server, 2)
    with serving(server) as address:
        for url in (address, f"{address}/", f"{address}/rest", f"{address}/rest/"):
            assert sender(url).send("Evening", items).sent == 2


@pytest.mark.parametrize("count", [2, 300])
def test_the_password_is_never_sent(server: MusicServer, address: str, count: int) -> None:
    sender(address).send("Evening", stock(server, count))
    assert "t" in server.parameters
    assert "p" not in server.parameters
    assert not any(quote_plus(PASSWORD) in sent or PASSWORD in sent for sent in server.texts)
    assert len(server.salts) == len(server.asked)  # the server refuses a salt that comes twice


# what is not found is told


def test_tracks_that_the_server_does_not_have_are_listed(server: MusicServer, address: str) -> None:
    items = stock(server, 4)
    stranger = item(9, "no/such song.mp3")
    sent = sender(address).send("Evening", [items[0], stranger, items[1]])
    assert sent.not_found == (stranger,)
    assert sent.sent == 2
    assert next(iter(server.playlists.values())).songs == ["s0000", "s0001"]


def test_a_server_with_none_of_the_tracks_gets_no_playlist(server: MusicServer, address: str) -> None:
    with pytest.raises(UsageError, match="the server has none of the 1 tracks"):
        sender(address).send("Evening", [item(1, title="Nothing")])
    assert server.playlists == {}


def test_a_title_that_thousands_share_is_found_by_its_artist(server: MusicServer, address: str) -> None:
    for n in range(1500):
        server.add("Intro", f"Band {n:04d}", duration=60)
    wanted = server.add("Intro", "Zappa", duration=60)
    sender(address).send("Evening", [item(1, title="Intro", artist="Zappa", duration=60.2)])
    assert next(iter(server.playlists.values())).songs == [wanted]


def test_pages_are_turned(server: MusicServer, address: str) -> None:
    for n in range(250):
        server.add("Intro", f"Band {n}", duration=60)
    sender(address).send("Evening", [item(1, title="Intro", artist="Band 240", duration=60.0)])
    assert next(iter(server.playlists.values())).songs == ["s0240"]


# which song is which


def song(number: int = 1, **facts: Any) -> Song:
    found = song_of(
        {"id": f"s{number}", "title": "Song", "artist": "Nina", "album": "Best", "duration": 200} | facts
    )
    assert found is not None
    return found


OURS: dict[str, Any] = {"title": "Song", "artist": "Nina", "album": "Best", "duration": 200.4}


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"title": "SONG"},
        {"artist": "nina  "},
        {"artist": "Nina feat. Bob"},
        {"artist": "Bob • Nina"},
        {"artist": ""},
        {"album": "Another one"},
        {"duration": 203},
        {"duration": None},
        {"path": "somewhere/else.mp3"},
    ],
)
def test_what_differs_only_in_writing_is_the_same_song(facts: dict[str, Any]) -> None:
    assert best_match(item(1, **OURS), [song(**facts)]) is not None


@pytest.mark.parametrize(
    "facts",
    [
        {"title": "Song (live)"},
        {"artist": "Bob"},
        {"duration": 200 + SECONDS_APART + 1},
        {"title": ""},
        {"artist": "", "duration": None},
    ],
)
def test_what_is_another_song_is_not_taken(facts: dict[str, Any]) -> None:
    assert best_match(item(1, **OURS), [song(**facts)]) is None


def test_the_likeliest_of_several_is_taken() -> None:
    ours = item(1, "Nina/Best/01 Song.mp3", **OURS)
    by_path = song(1, path="Nina/Best/01 Song.mp3", album="Other", duration=202)
    by_album, by_length, other = song(2, duration=202), song(3, album="x"), song(4, album="x", duration=202)
    assert best_match(ours, [other, by_length, by_album, by_path]) == by_path
    assert best_match(ours, [other, by_length, by_album]) == by_album
    assert best_match(ours, [other, by_length]) == by_length


def test_a_path_is_a_hint_and_no_proof() -> None:
    """Servers make paths up: an equal one of another song must not win."""
    ours = item(1, "Nina/Best/01 Song.mp3", **OURS)
    assert best_match(ours, [song(path="Nina/Best/01 Song.mp3", title="Another")]) is None
    assert best_match(ours, [song(path="Nina/Best/01 Song.mp3", duration=90)]) is None


def test_a_root_above_ours_or_below_is_no_trouble() -> None:
    ours = item(1, "Best/01 Song.mp3", title="Song")
    for path in ("Nina/Best/01 Song.mp3", "01 Song.mp3", "/music/Nina/Best/01 Song.mp3"):
        assert best_match(ours, [song(artist="", duration=None, path=path)]) is not None, path
    assert best_match(ours, [song(artist="", duration=None, path="Worst/01 Song.mp3")]) is None


def test_a_file_without_tags_is_known_by_its_name_and_length() -> None:
    ours = item(1, "Nina/Take five.mp3", duration=200.0)
    assert best_match(ours, [song(title="Take five", artist="[Unknown Artist]")]) is not None
    assert best_match(ours, [song(title="Take five", artist="", duration=None)]) is None


def test_a_track_of_a_cue_sheet_is_not_the_whole_file() -> None:
    ours = Item(1, "ada", 1, b"album.flac\x0002:100-200", InputState(1, 1), Tags(title="Song"))
    assert best_match(ours, [song(path="album.flac", artist="", duration=None)]) is None
    tagged = Item(1, "ada", 1, ours.path, InputState(1, 1), Tags(**OURS))
    assert best_match(tagged, [song(path="split/02.flac")]) is not None


def test_a_song_without_an_id_is_none() -> None:
    assert song_of({"title": "Song"}) is None


# servers that do not play along


@pytest.mark.parametrize(("user", "password"), [("ada", "wrong"), ("eve", PASSWORD), ("ada", PASSWORD + " ")])
def test_a_wrong_password_is_told_and_not_shown(
    server: MusicServer, address: str, user: str, password: str
) -> None:
    with pytest.raises(RemoteRefused, match="Wrong username or password") as told:
        sender(address, user, password).send("Evening", stock(server, 1))
    assert "subsonic_password" in told.value.cure
    assert password not in str(told.value) + told.value.cure
    assert [method for _, method in server.asked] == ["ping"]


def test_a_user_without_tokens_and_a_playlist_that_may_not_be_changed(
    server: MusicServer, address: str
) -> None:
    items = stock(server, 1)
    server.behaviour = "no tokens"
    with pytest.raises(RemoteRefused, match="LDAP") as told:
        sender(address).send("Evening", items)
    assert "user of the server's own" in told.value.cure
    server.behaviour = "read only"
    server.playlists["p"] = Playlist("p", "Evening", "ada", [])
    with pytest.raises(RemoteRefused, match="not authorized"):
        sender(address).send("Evening", items)


def test_a_server_that_is_down_is_told(server: MusicServer) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(
        RemoteUnreachable, match=r"127\.0\.0\.1 cannot be reached: Connection refused"
    ) as told:
        sender(f"http://127.0.0.1:{port}").send("Evening", stock(server, 1))
    assert "subsonic_url" in told.value.cure
    with pytest.raises(RemoteUnreachable, match="cannot be reached"):
        sender("http://no-such-host.invalid").send("Evening", stock(server, 1))


@pytest.mark.parametrize("behaviour", ["hangs", "drips", "drips its body"])
def test_a_server_that_hangs_or_drips_is_left_in_time(
    server: MusicServer, address: str, behaviour: str
) -> None:
    """A limit on each read alone would wait for a dripping server without end."""
    server.behaviour = behaviour
    began = time.monotonic()
    with pytest.raises(RemoteUnreachable, match=r"did not answer within 0\.4 s") as told:
        sender(address, seconds=SECONDS).send("Evening", stock(server, 1))
    assert time.monotonic() - began < 5
    assert "subsonic_timeout" in told.value.cure


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("page", r"does not speak the Subsonic API \(HTTP status 200\)"),
        ("list", "does not speak the Subsonic API"),
        ("broken", r"does not speak the Subsonic API \(HTTP status 502\)"),
        ("redirects", "sends us elsewhere"),
        ("endless", "sends more than 64 MB"),
        ("hangs up", "cannot be reached"),
    ],
)
def test_what_is_no_music_server_is_told(
    server: MusicServer, address: str, behaviour: str, message: str
) -> None:
    server.behaviour = behaviour
    with pytest.raises(RemoteError, match=message) as told:
        sender(address).send("Evening", stock(server, 1))
    assert told.value.cure
    if behaviour == "redirects":
        assert told.value.cure == "set subsonic_url to https://music.example.org/new"


def test_a_server_that_keeps_less_than_it_was_given_is_found_out(server: MusicServer, address: str) -> None:
    server.forgets = True
    with pytest.raises(RemoteError, match="holds 2 tracks in 'Evening', and 4 were sent"):
        sender(address).send("Evening", stock(server, 4))


def test_a_server_that_speaks_without_encryption_where_it_is_asked_for(
    server: MusicServer, address: str
) -> None:
    with pytest.raises(RemoteUnreachable, match="cannot be reached"):
        sender(address.replace("http:", "https:"), seconds=5).send("Evening", stock(server, 1))


@pytest.mark.parametrize(
    "url",
    [
        "music.example.org",
        "ftp://music.example.org",
        "http://",
        "http://ada:pw@music",
        "http://a:99999",
        "http://[1",
    ],
)
def test_an_address_that_is_none_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(BadSetting, match="subsonic_url") as told:
        Connection(url, 1.0)
    assert told.value.cure
    assert "pw" not in told.value.message


def test_nothing_to_send_is_told(address: str) -> None:
    for name, items in (("Evening", []), (" ", [item(1)])):
        with pytest.raises(UsageError, match="nothing to send"):
            sender(address).send(name, items)
