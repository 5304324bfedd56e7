"""Finding music on the command line: several seeds, exclusions, paths, radio, playlists saved and sent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import TRACKS, Reprise
from tests.search.subsonic_server import MusicServer, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Result, Studio
    from tests.harness import Home

PASSWORD = "swordfish 1"


def paths(result: Result) -> list[str]:
    return ["/".join(line["path"].split("/")[-2:]) for line in result.lines if line["event"] == "match"]


def test_several_seeds_with_weights(studio: Studio) -> None:
    plain = studio.reprise("similar", "One", "Two", "--json")
    assert len(plain.lines) == 4
    assert not {"Amber/one.mp3", "Amber/two.flac"} & set(paths(plain))
    first = studio.reprise("similar", "One", "Two", "--weight", 1, "--weight", 0.001, "--json")
    alone = [path for path in paths(studio.reprise("similar", "One", "--json")) if path != "Amber/two.flac"]
    assert paths(first) == alone
    any_of = studio.reprise("similar", "One", "Two", "--blend", "any", "--json")
    assert set(paths(any_of)) == set(paths(plain))
    told = studio.reprise("similar", "One", "Two", "--weight", 1, "--json", code=2).event("error")
    assert "2 tracks and 1 weights" in told["message"]
    assert (
        "above 0" in studio.reprise("similar", "One", "--weight", 0, "--json", code=2).event("error")["cure"]
    )


def test_what_is_excluded_or_unwanted(studio: Studio) -> None:
    blue = studio.reprise("similar", "One", "--exclude-folder", "Blue", "--json")
    assert paths(blue)
    assert {path.split("/")[0] for path in paths(blue)} == {"Amber"}
    [warning] = [line for line in blue.lines if line["event"] == "warning"]
    assert warning["message"] == "2 found: 3 in an excluded folder"
    artist = studio.reprise("similar", "One", "--exclude-artist", "AMBER", "--exclude", "Four", "--json")
    assert set(paths(artist)) == {"Blue/five.opus", "Blue/six.wav"}
    unlike = studio.reprise("similar", "One", "--not", "Two", "--json")
    plain = studio.reprise("similar", "One", "--json")
    before = {line["item_id"]: line["score"] for line in plain.lines}
    after = {line["item_id"]: line["score"] for line in unlike.lines}
    assert "Amber/two.flac" not in paths(unlike)
    assert all(after[item] <= before[item] for item in after)
    assert any(after[item] < before[item] for item in after)
    for wrong in (("--exclude-folder", "Green"), ("--exclude", "nobody"), ("--not", "nobody")):
        assert (
            studio.reprise("similar", "One", *wrong, "--json", code=2).event("error")["code"] == "not_found"
        )
    told = studio.reprise("similar", "One", "--exclude-artist", "Nobody", "-n", 2)
    assert "no track is by 'Nobody'" in told.err


def test_options_of_several_models_are_checked(studio: Studio) -> None:
    for wrong in (("--agree", "2"), ("--diversity", "2"), ("--merge", "mix"), ("--not-strength", "-1")):
        assert studio.reprise("similar", "One", *wrong, "--json", code=2).event("error")["code"] == "usage"
    varied = studio.reprise("similar", "One", "--diversity", 1, "--json")
    plain = studio.reprise("similar", "One", "--json")
    assert paths(varied)[0] == paths(plain)[0]
    assert sorted(paths(varied)) == sorted(paths(plain))
    assert paths(varied) != paths(plain)


def test_a_path_leads_from_one_track_to_the_other(studio: Studio) -> None:
    lines = studio.reprise("path", "One", "Six", "--steps", 2, "--json").lines
    assert [line["place"] for line in lines] == [1, 2, 3, 4]
    assert lines[0]["path"].endswith("Amber/one.mp3")
    assert lines[-1]["path"].endswith("Blue/six.wav")
    assert len({line["item_id"] for line in lines}) == 4
    assert lines[0]["score"] is None
    assert all(-1 <= line["score"] <= 1 for line in lines[1:])
    shown = studio.reprise("path", "One", "Six", "--steps", 50)
    assert "only 4 other tracks may be used" in shown.err
    assert "from Amber - One to " in shown.out
    assert "both ends" in studio.reprise("path", "One", "One", code=2).err


def test_a_radio_plays_everything_once(studio: Studio) -> None:
    lists = [paths(studio.reprise("radio", "One", "--seed", seed, "--json")) for seed in (1, 1, 2, 3)]
    assert set(lists[0]) == set(TRACKS) - {"Amber/one.mp3"}
    assert len(lists[0]) == 5
    assert lists[0] == lists[1]
    assert len({tuple(one) for one in lists}) > 1
    told = studio.reprise("radio", "One", "-n", 9, "--exclude-artist", "Blue", "--json")
    assert [line["message"] for line in told.lines if line["event"] == "warning"] == [
        "only 3 other tracks may be played"
    ]


def test_a_text_needs_a_model_that_reads(studio: Studio) -> None:
    for words in (("warm", "synths"), ("warm synths",)):
        error = studio.reprise("search", *words, "--model", "acoustic", "--json", code=2).event("error")
        assert error["message"] == "acoustic reads no text"
        assert "reprise models" in error["cure"]
    assert studio.reprise("search", "warm synths", "--json", code=2).event("error")["code"] == "usage"


def test_playlists_are_saved(studio: Studio, tmp_path: Path) -> None:
    target = tmp_path / "list.m3u8"
    shown = studio.reprise("similar", "One", "-n", 3, "--save", target)
    assert f"4 tracks saved in {target}" in shown.err
    printed = studio.reprise("similar", "One", "-n", 3, "--m3u")
    assert target.read_text() == printed.out
    saved = studio.reprise("path", "One", "Six", "--steps", 1, "--save", target, "--json").event(
        "playlist_saved"
    )
    assert saved == {"event": "playlist_saved", "file": str(target), "tracks": 3}
    assert target.read_text().count("#EXTINF") == 3
    song = studio.music / TRACKS[0]
    before = song.read_bytes()
    told = studio.reprise("radio", "One", "--save", song, "--json", code=2).event("error")
    assert "no playlist" in told["message"]
    assert song.read_bytes() == before


# sent to a server


@pytest.fixture
def server() -> MusicServer:
    music = MusicServer(users={"ada": PASSWORD})
    for title in ("One", "Two", "Three", "Four", "Five"):
        music.add(title, "Amber" if title in {"One", "Two", "Three"} else "Blue", duration=2)
    return music


@pytest.fixture
def connected(studio: Studio, server: MusicServer) -> Iterator[Reprise]:
    with serving(server) as address:
        given: dict[str, Any] = {
            "subsonic_url": address,
            "subsonic_user": "ada",
            "subsonic_password": PASSWORD,
            "subsonic_timeout": "20",
        }
        yield replace(studio.reprise, settings=given)


def test_a_playlist_is_sent_and_what_the_server_lacks_is_told(
    connected: Reprise, server: MusicServer
) -> None:
    sent = connected("similar", "One", "--send", "Like One", "--json", code=1)
    event = sent.event("playlist_sent")
    assert (event["name"], event["tracks"], event["replaced"]) == ("Like One", 5, False)
    assert [one["path"] for one in event["not_found"]] == ["Blue/six.wav"]
    [held] = server.playlists.values()
    titles = {song["id"]: song["title"] for song in server.songs}
    expected = [line["title"] for line in sent.lines if line["event"] == "match" and line["title"]]
    assert [titles[song] for song in held.songs] == ["One", *expected]
    again = connected("radio", "One", "-n", 2, "--exclude-folder", "Blue", "--send", "Like One")
    assert "the playlist 'Like One' was replaced: 3 tracks" in again.err
    assert len(server.playlists) == 1
    told = connected("similar", "One", "--send", "Like One", code=1)
    assert "the server does not have six (Blue/six.wav)" in told.err


def test_the_password_is_shown_nowhere(connected: Reprise) -> None:
    for arguments in (("settings",), ("settings", "--json"), ("doctor",)):
        shown = connected(*arguments, code=None)
        assert PASSWORD not in shown.out + shown.err
    listed = {line["name"]: line["value"] for line in connected("settings", "--json").lines}
    assert listed["subsonic_password"] == "(hidden)"
    assert listed["subsonic_user"] == "ada"
    wrong = replace(connected, settings={**connected.settings, "subsonic_password": "other 2"})
    error = wrong("similar", "One", "--send", "X", "--json", code=2)
    assert error.event("error")["code"] == "remote_refused"
    assert "other 2" not in error.out + error.err
    (connected.home / "config.toml").write_text("subsonic_password = 5550001\n")
    plain = Reprise(connected.home)("settings", "--json", code=2)
    assert "5550001" not in plain.out + plain.err
    assert plain.event("error")["code"] == "bad_setting"


def test_without_settings_it_says_which_are_missing(studio: Studio) -> None:
    error = studio.reprise("similar", "One", "--send", "X", "--json", code=2).event("error")
    assert "subsonic_url, subsonic_user, subsonic_password not set" in error["message"]
    assert error["code"] == "bad_setting"


# several models


def test_two_models_answer_together(home: Home) -> None:
    """P1-3: a question to two models came back empty."""
    home.add_many(30)
    assert home.embed("--model", "null", "--model", "null-b").code == 0
    alone = {
        model: [line["item_id"] for line in home.run("similar", "1", "--model", model, "-n", "29").events]
        for model in ("null", "null-b")
    }
    both = ("--model", "null", "--model", "null-b")
    fused = home.run("similar", "1", *both, "-n", "29").events
    expected = sorted(
        alone["null"],
        key=lambda item: (-sum(1 / (61 + listed.index(item)) for listed in alone.values()), item),
    )
    assert [line["item_id"] for line in fused] == expected
    assert fused[0]["model"] == "null,null-b"
    assert set(fused[0]["scores"]) == {"null", "null-b"}
    for merge in ("union", "intersection", "priority"):
        found = home.run("similar", "1", *both, "--merge", merge, "--agree", "2", "-n", "5")
        assert len(found.named("match")) == 5, merge
        assert found.named("warning") == []
    error = home.run("similar", "1", *both, "--agree", "3")
    assert (error.code, error.last["code"]) == (2, "usage")


def test_a_model_that_has_embedded_nothing_does_not_silence_the_other(home: Home) -> None:
    home.add_many(12)
    assert home.embed("--model", "null").code == 0
    found = home.run("similar", "1", "--model", "null", "--model", "null-b", "-n", "5")
    assert len(found.named("match")) == 5
    assert "nothing is embedded by null-b yet" in found.named("warning")[0]["message"]
