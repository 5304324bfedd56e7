"""``reprise videos``: real small films become scenes with words and embeddings, once, whatever happens meanwhile."""

from __future__ import annotations

import importlib.util
import json
import shutil
import socket
from typing import TYPE_CHECKING

import pytest

from reprise.cli.main import main
from tests.cli.filmed import SCENES
from tests.cli.projector import Projector
from tests.harness import PATIENCE_SECONDS, wait_for
from tests.video.films import shots, write_film

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

INGESTED = {"video-scenes": 2, "scene-image": 5, "scene-persons": 10, "lexical": 5}


@pytest.fixture
def empty(tmp_path: Path) -> Projector:
    return Projector.made(tmp_path)


def test_a_folder_becomes_scenes_with_words_and_embeddings_once(empty: Projector, films: Path) -> None:
    lines = empty("videos", "add", films, "--json").lines
    assert empty.looked() == INGESTED
    assert [line["models"] for line in lines if line["event"] == "job_started"] == [
        ["video-scenes"],
        ["scene-image", "scene-persons", "lexical"],
    ]
    assert lines[-1]["event"] == "job_finished"
    assert lines[-1]["operations"]["done"] == sum(INGESTED.values())
    version = lines[-1]["spec_version"]
    assert {line["spec_version"] for line in lines} == {version}

    listed = empty("videos", "list", "--json").lines
    assert {line["path"]: (line["state"], line["scenes"], line["transcript"]) for line in listed} == {
        "boat.mp4": ("ready", 3, "sidecar"),
        "rain.mp4": ("ready", 2, ""),
    }
    video, *scenes = empty("videos", "show", empty.videos()["boat.mp4"], "--json").lines
    assert (video["width"], video["height"], video["has_audio"]) == (160, 120, True)
    assert "The red boat sails." in scenes[0]["transcript"]
    for scene in scenes:
        made = {model: (one["state"], one["made_by"]) for model, one in scene["embedded"].items()}
        assert made == {"scene-image": ("done", version), "lexical": ("done", version)}
        assert (empty.home / "media" / scene["thumbnail"]).is_file()
    shown = empty("videos", "show", empty.videos()["boat.mp4"]).out
    assert shown.startswith(f"spec {version}")
    assert shown.count(f"done, spec {version}") == 2 * SCENES["boat.mp4"]

    before = empty.rows_of("default"), empty.vectors_of("default")
    assert empty("videos", "add", films, "--json").done == 0
    assert empty("videos", "ingest", "--json").done == 0
    assert empty.looked() == {}
    assert (empty.rows_of("default")["inputs"], empty.vectors_of("default")) == (
        before[0]["inputs"],
        before[1],
    )


@pytest.mark.parametrize("model", ["video-scenes", "scene-persons"])
def test_killed_in_the_middle_the_same_command_goes_on(
    empty: Projector, taken_once: Projector, films: Path, model: str
) -> None:
    empty.killed("videos", "add", films, when=lambda: empty.noted(model) >= 2)
    taken_apart = empty.noted("video-scenes")
    empty("videos", "add", films)
    looked = empty.looked()
    assert looked["video-scenes"] - taken_apart <= (2 if model == "video-scenes" else 0)
    assert empty.read("SELECT COUNT(*) FROM ledger WHERE state <> 'done'") == [(0,)]
    assert empty.read("SELECT COUNT(*) FROM jobs WHERE active = 1") == [(0,)]
    expected = taken_once.vectors_of("default")
    found = empty.vectors_of("default")
    for name in ("scene-image", "scene-persons"):
        assert sorted(found[name].values()) == sorted(expected[name].values()), (
            "bit for bit as without the kill"
        )
    assert len(found["lexical"]) == 5


def test_one_film_is_broken_and_the_others_are_taken_in(
    empty: Projector, films: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "videos"
    shutil.copytree(films, folder)
    (folder / "broken.mp4").write_bytes(b"no film at all" * 100)
    (folder / "empty.mp4").touch()
    result = empty("videos", "add", folder, "--json", code=1)
    failed = {line["path"]: line for line in result.lines if line["event"] == "item_failed"}
    assert set(failed) == {"broken.mp4", "empty.mp4"}
    assert all(line["reason"] and line["cure"] for line in failed.values())
    assert {line["path"]: line["state"] for line in empty("videos", "list", "--json").lines} == {
        "boat.mp4": "ready",
        "broken.mp4": "failed",
        "empty.mp4": "failed",
        "rain.mp4": "ready",
    }
    shutil.copy(films / "rain.mp4", folder / "broken.mp4")
    (folder / "empty.mp4").unlink()
    assert empty("videos", "ingest", folder, "--json").lines[-1]["operations"]["failed"] == 0


def test_what_is_new_is_taken_in_alone(taken: Projector, films: Path, tmp_path: Path) -> None:
    folder = tmp_path / "more"
    folder.mkdir()
    write_film(folder / "first.mp4", shots(1.2, 1.2))
    taken("videos", "add", folder)
    assert taken.looked()["video-scenes"] == 1
    shutil.copy(films / "boat.mp4", folder / "second.mp4")
    taken("scan", folder)
    late = taken.videos()["second.mp4"]
    taken("videos", "ingest", "--video", late)
    assert taken.looked() == {"video-scenes": 1, "scene-image": 3, "scene-persons": 6, "lexical": 3}


def test_a_transcript_that_is_given_makes_only_the_words_anew(taken: Projector, tmp_path: Path) -> None:
    file = tmp_path / "words.ko.srt"
    file.write_text("1\n00:00:00,100 --> 00:00:02,500\n부산 바다\n", encoding="utf-8")
    rain = taken.videos()["rain.mp4"]
    told = taken("videos", "transcript", rain, file, "--json").event("transcript")
    assert told["segments"] == 1
    taken("videos", "ingest", "--video", rain)
    assert taken.looked() == {"lexical": 2}
    video, *scenes = taken("videos", "show", rain, "--json").lines
    assert video["transcript"] == "imported"
    assert all("부산 바다" in scene["transcript"] for scene in scenes)
    for arguments, reason in (
        ((rain, file, "--language", "klingonese"), "is no language"),
        ((rain, tmp_path / "none.srt"), "cannot be read"),
        ((9999, file), "no video 9999"),
    ):
        assert reason in taken("videos", "transcript", *arguments, code=2).err


def test_redoing_deletes_scenes_only_when_that_is_confirmed(taken: Projector) -> None:
    rain = taken.videos()["rain.mp4"]
    scenes = [line["scene_id"] for line in taken("videos", "show", rain, "--json").lines[1:]]
    before = taken.rows_of("default")
    refused = taken("videos", "redo", "--video", rain, code=2)
    assert "--confirm" in refused.err
    assert "reprise reprocess" in refused.err
    assert taken.rows_of("default") == before
    eve = taken.rows_of("eve"), taken.vectors_of("eve")
    taken("videos", "redo", "--video", rain, "--confirm")
    assert taken.looked() == {"video-scenes": 1, "scene-image": 2, "scene-persons": 4, "lexical": 2}
    after = [line["scene_id"] for line in taken("videos", "show", rain, "--json").lines[1:]]
    assert len(after) == 2
    assert not set(after) & set(scenes)
    assert not set(scenes) & set(taken.vectors_of("default")["scene-image"])
    assert (taken.rows_of("eve"), taken.vectors_of("eve")) == eve


def test_moving_out_and_into_another_installation(taken: Projector, films: Path, tmp_path: Path) -> None:
    file = tmp_path / "moving.jsonl"
    taken("videos", "export", file)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert {line["type"] for line in lines} == {"video", "transcript", "scene", "person", "photo"}
    assert taken("videos", "export", "-").out.encode() == file.read_bytes()
    other = Projector.made(tmp_path / "other")
    other("libraries", "add", films, "--kind", "video")
    other("scan", films)
    told = other("videos", "import", file, "--json").lines[-1]
    assert (told["videos"], told["scenes"], told["persons"], told["photos"]) == (2, 5, 1, 1)
    other("reprocess", "--scope", "all")
    assert other.looked() == {"person-photo": 1, "person": 1, "lexical": 5}
    assert list(other.vectors_of("default")["person"].values()) == list(
        taken.vectors_of("default")["person"].values()
    )
    (tmp_path / "bad.jsonl").write_text('{"type": "video", "video": "nowhere.mp4"}\nno JSON\n')
    refused = other("videos", "import", tmp_path / "bad.jsonl", code=1)
    assert "line 1: there is no video 'nowhere.mp4'" in refused.err
    assert "line 2: it is no JSON" in refused.err
    assert "cannot be read" in other("videos", "import", tmp_path / "none.jsonl", code=2).err


def test_stages_follow_each_other_in_a_servers_processes(empty: Projector, films: Path) -> None:
    """What a server starts is one job; the next one is in the queue when it ends."""
    empty("libraries", "add", films, "--kind", "video")
    assert "is for the server to run" in empty("scan", films, "--embed").out
    ran = []
    while waiting := empty.hosted():
        [(job_id, _, models)] = waiting
        ran.append(models)
        assert empty.resumed_as_hosted(job_id) == 0
    assert ran == [["video-scenes"], ["scene-image", "scene-persons", "lexical"]]
    assert empty.looked() == INGESTED
    assert "nothing is to be embedded" in empty("scan", films, "--embed").out
    empty("scan", films, "--embed", "--wait")
    assert empty.looked() == {}


def test_a_server_takes_in_by_itself_what_comes_into_a_library_that_it_watches(
    empty: Projector, films: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "watched"
    folder.mkdir()
    empty("libraries", "add", folder, "--kind", "video")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        empty.settings |= {"port": str(free.getsockname()[1]), "watch": "yes"}
    server = empty.started("serve")
    try:
        shutil.copy(films / "rain.mp4", folder / "new.mp4")
        wait_for(lambda: empty.noted("lexical") == 2, 4 * PATIENCE_SECONDS)
    finally:
        server.terminate()
        server.communicate()
    assert empty.looked() == {"video-scenes": 1, "scene-image": 2, "scene-persons": 4, "lexical": 2}


def test_everyday_commands_know_videos(taken: Projector, films: Path) -> None:
    assert "videos" in taken("status").out
    assert taken("status", "--json").lines[0]["libraries"][0]["kind"] == "video"
    assert "reprise videos ingest" in taken("embed", films, code=2).err
    assert taken("spaces", "verify", "--json").code == 0
    assert "FAULT" not in taken("doctor", code=None).out
    scene = taken("videos", "show", taken.videos()["boat.mp4"], "--json").lines[1]["scene_id"]
    explained = taken("explain", scene, "--json").lines[0]
    assert {one["model"] for one in explained["models"] if one["up_to_date"]} == {"scene-image", "lexical"}
    assert taken("errors").out.strip() == "nothing failed"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("show", "9999"), "no video 9999"),
        (("show", "x"), "'x' is not a valid integer"),
        (("ingest", "--video", "9999"), "no video 9999"),
        (("ingest", "--library", "9999"), "no library 9999"),
        (("ingest", "--library", "1", "--video", "1"), "exclude each other"),
        (("redo",), "name one FOLDER"),
        (("add", "/no/such/folder"), "does not exist"),
    ],
)
def test_wrong_arguments(
    taken_once: Projector,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    reason: str,
) -> None:
    monkeypatch.setenv("REPRISE_HOME", str(taken_once.home))
    with pytest.raises(SystemExit) as ended:
        main(["videos", *arguments])
    assert ended.value.code == 2
    assert reason in capsys.readouterr().err


def test_without_the_extra_nothing_is_begun(
    tmp_path: Path, films: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find: Callable[..., object] = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "scenedetect" else find(name, *more)
    )
    with pytest.raises(SystemExit) as ended:
        main(["videos", "add", str(films), "--home", str(tmp_path / "home")])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "videos need scenedetect" in said
    assert "pip install 'reprise[video]'" in said
    assert not (tmp_path / "home" / "catalogue.sqlite").exists()
