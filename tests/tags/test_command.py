"""``reprise tags``: shown, written on request, and nothing has to be heard again."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from reprise.catalog.analyses import write_analyses
from reprise.cli.main import cli
from reprise.core.analysis import Analysis, HeardKey, HeardTempo, Loudness
from reprise.core.items import Tags
from reprise.core.musical_key import MusicalKey
from reprise.core.records import KnownFile
from reprise.media.fields import read_fields
from reprise.tagging import Tagging, write_heard
from tests.tags.files import audio

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Home

HEARD = Analysis(
    seconds=1.0,
    whole=True,
    tempo=HeardTempo(127.8, 0.9, ((63.9, 0.2),)),
    key=HeardKey(MusicalKey(9, minor=True), 0.4),
    loudness=Loudness(-11.5, 3.0, -0.2),
    lead_silence=0.0,
    tail_silence=0.0,
    tuning=0.0,
)


@pytest.fixture
def crate(home: Home) -> Home:
    """Four tracks of which it is known what they sound like, as after ``reprise analyze``."""
    audio(home.music, ".mp3", Tags(title="No tempo", artist="A"), name="a")
    audio(home.music, ".flac", Tags(title="Half", artist="B", bpm=64.0, key="8A"), name="b")
    audio(home.music, ".m4a", Tags(title="Far off", artist="C", bpm=100.0), name="c")
    audio(home.music, ".mka", Tags(title="Odd", artist="D"), name="d")
    home.run_here("null")
    listen(home)
    return home


def listen(home: Home, heard: Analysis = HEARD) -> None:
    """What a job of the model ``analysis`` leaves in the catalogue."""
    space = home.space()
    with home.app() as app:
        catalogue: Any = app.catalogue()
        rows = list(map(KnownFile._make, catalogue.items.files(app.owner, 1)))
        items = catalogue.items.get(app.owner, [row.item_id for row in rows])
        with catalogue._database.transaction() as transaction:
            found = [(item.id, item.state, heard) for item in items.values()]
            write_analyses(transaction, app.owner, space.id, found, time.time())


def tags(home: Home, *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    result = CliRunner().invoke(
        cli, ["tags", str(home.music), "--home", str(home.state), "--json", *arguments], standalone_mode=False
    )
    assert result.exception is None, result.output
    return result.return_value, [json.loads(line) for line in result.stdout.splitlines()], result.stderr


def contents(home: Home) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in home.music.iterdir()}


def test_nothing_is_written_without_being_asked(crate: Home) -> None:
    before = contents(crate)
    code, lines, _ = tags(crate)
    assert code == 0
    by_name = {os.path.basename(line["path"]): line for line in lines[:-1]}
    assert by_name["a.mp3"]["tempo"] == {"tag": None, "heard": 127.8, "wins": ["128", "audio"]}
    assert by_name["b.flac"]["tempo"]["wins"] == ["64", "tag"]
    assert "double" in by_name["b.flac"]["notes"][0]
    assert by_name["b.flac"]["key"]["wins"] == ["Am", "tag"]
    assert by_name["c.m4a"]["tempo"]["wins"] == ["100", "tag"]
    assert lines[-1] == {
        "event": "tags_finished", "dry_run": False, "files": 4, "heard": 4, "written": 0, "kept": 0, "failed": 0,
        "interrupted": False,
    }  # fmt: skip
    _, lines, _ = tags(crate, "--verify", "--notation", "camelot")
    assert lines[2]["tempo"]["wins"] == ["128", "audio"]
    assert lines[2]["key"]["wins"] == ["8A", "audio"]
    assert contents(crate) == before


def test_a_dry_run_tells_what_a_run_does(crate: Home) -> None:
    before = contents(crate)
    _, foreseen, _ = tags(crate, "--write", "tempo,key", "--dry-run")
    assert contents(crate) == before
    code, done, _ = tags(crate, "--write", "tempo,key")
    assert [line["changed"] for line in foreseen[:3]] == [line["changed"] for line in done[:3]]
    assert code == 1  # Matroska
    assert done[3]["code"] == "tags_not_written"
    assert done[3]["cure"]


def test_what_is_written_and_that_nothing_has_to_be_heard_again(crate: Home) -> None:
    code, lines, _ = tags(crate, "--write", "tempo,key,gain")
    assert code == 1
    assert [line["changed"] for line in lines[:3]] == [["tempo", "key", "gain"], ["gain"], ["key", "gain"]]
    assert [line["kept"] for line in lines[:3]] == [[], ["tempo"], ["tempo"]]
    fields = {name: read_fields(os.fsencode(crate.music / name)) for name in ("a.mp3", "b.flac", "c.m4a")}
    assert [(found.tags.bpm, found.tags.key) for found in fields.values()] == [
        (128, "Am"),
        (64, "8A"),
        (100, "Am"),
    ]
    assert fields["a.mp3"].tag("replaygain_track_gain") == "-6.50 dB"
    before = crate.computed()
    ran = crate.run_here("null")
    scan = ran.named("scan_finished")[0]
    assert (scan.changed, scan.retagged, scan.touched, scan.new, scan.missing) == (0, 0, 0, 0, 0)
    assert ran.finished.operations["done"] == 0
    assert crate.computed() == before
    with crate.app() as app:
        item = app.catalogue().items.by_path(app.owner, 1, b"a.mp3")
        assert item is not None
        assert (item.tags.bpm, item.tags.key) == (128, "Am")
        assert app.catalogue().analyses.count(app.owner) == 4
    _, lines, _ = tags(crate, "--write", "tempo,key,gain")
    assert lines[-1]["written"] == 0


def test_when_the_catalogue_was_not_told_the_scan_finds_out_for_nothing(
    crate: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a kill -9 between the writing and the telling."""
    monkeypatch.setattr("reprise.tagging._Walk.flush", lambda _self: None)
    tags(crate, "--write", "tempo,key", "--overwrite")
    before = crate.computed()
    ran = crate.run_here("null")
    assert ran.named("scan_finished")[0].retagged == 3
    assert crate.computed() == before
    with crate.app() as app:
        assert app.catalogue().analyses.count(app.owner) == 4


def test_overwriting_and_the_time_of_change(crate: Home) -> None:
    os.utime(crate.music / "c.m4a", ns=(10**18, 10**18))
    crate.run_here("null")
    _, lines, _ = tags(crate, "--write", "tempo", "--overwrite", "--keep-mtime")
    assert [line["changed"] for line in lines[:3]] == [["tempo"]] * 3
    assert (crate.music / "c.m4a").stat().st_mtime_ns == 10**18
    ran = crate.run_here("null")
    assert ran.named("scan_finished")[0].changed == 0


def test_a_file_that_changed_after_it_was_heard_is_left_alone(crate: Home) -> None:
    path = crate.music / "a.mp3"
    path.write_bytes(path.read_bytes() + b"more")
    content = path.read_bytes()
    code, lines, _ = tags(crate, "--write", "tempo")
    assert code == 1
    assert "changed since it was heard" in lines[0]["reason"]
    assert path.read_bytes() == content


def test_one_that_is_gone_and_one_that_is_broken_cost_themselves_only(crate: Home) -> None:
    (crate.music / "a.mp3").unlink()
    _, lines, _ = tags(crate, "--write", "key")
    assert [line.get("code") for line in lines[:4]] == ["vanished", None, None, "tags_not_written"]
    assert lines[2]["changed"] == ["key"]


def test_the_gain_of_a_part_is_not_written(crate: Home) -> None:
    with sqlite3.connect(crate.state / "catalogue.sqlite") as database:
        database.execute("UPDATE analyses SET facts = json_set(facts, '$.whole', json('false'))")
    database.close()
    _, lines, _ = tags(crate, "--write", "gain")
    assert lines[-1]["written"] == 0


def test_tracks_of_a_cue_sheet_share_their_files_tags(home: Home) -> None:
    audio(home.music, ".flac", name="album")
    (home.music / "album.cue").write_text(
        'FILE "album.flac" WAVE\n TRACK 01 AUDIO\n  TITLE "One"\n  INDEX 01 00:00:00\n'
        ' TRACK 02 AUDIO\n  TITLE "Two"\n  INDEX 01 00:00:37\n'
    )
    home.run_here("null")
    listen(home)
    before = contents(home)
    code, lines, _ = tags(home, "--write", "tempo")
    assert code == 1
    assert all("cue sheet" in line["reason"] for line in lines[:-1])
    assert len(lines) == 3
    assert contents(home) == before
    assert tags(home)[0] == 0


def test_it_stops_between_files(crate: Home) -> None:
    with crate.app() as app:
        counts = write_heard(app, 1, b"", Tagging(("tempo", "key")), lambda _row: None, stop=lambda: True)
    assert (counts.files, counts.written, counts.interrupted) == (1, 1, True)
    assert crate.run_here("null").named("scan_finished")[0].retagged == 0


def test_ctrl_c_ends_with_130_and_a_sound_catalogue(crate: Home) -> None:
    for number in range(200):
        os.link(crate.music / "a.mp3", crate.music / f"x{number}.mp3")
    for number in range(200):  # each a file of its own
        path = crate.music / f"x{number}.mp3"
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
    crate.run_here("null")
    listen(crate)
    process = crate.start("tags", str(crate.music), "--write", "tempo,key")
    assert process.stdout is not None
    with process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        lines = [json.loads(line) for line in process.stdout.read().splitlines()]
    assert process.returncode == 130
    assert lines[-1]["interrupted"]
    assert 0 < lines[-1]["written"] < 200
    scan = crate.run_here("null").named("scan_finished")[0]
    assert (scan.retagged, scan.changed) == (0, 0)


def test_for_people(crate: Home) -> None:
    run = CliRunner().invoke
    home = ["--home", str(crate.state)]
    shown = run(cli, ["tags", str(crate.music), *home], standalone_mode=False)
    assert "64 (tag)" in shown.stdout
    assert "128 (audio)" in shown.stdout
    foreseen = run(
        cli, ["tags", str(crate.music), "--write", "tempo,key", "--dry-run", *home], standalone_mode=False
    )
    assert "would be written" in foreseen.stderr
    done = run(cli, ["tags", str(crate.music), "--write", "tempo,key", *home], standalone_mode=False)
    assert (
        "2 files written, of 4 heard, 2 say something else and are kept (--overwrite), 1 failed"
        in done.stderr
    )
    assert "cure:" in done.stderr


def test_wrong_words(crate: Home) -> None:
    for wrong in (["--write", "title"], ["--write", ""], ["--overwrite"], ["--notation", "morse"]):
        result = CliRunner().invoke(cli, ["tags", str(crate.music), "--home", str(crate.state), *wrong])
        assert result.exit_code == 2


def test_a_folder_of_no_library(home: Home, tmp_path: Path) -> None:
    outcome = home.run("tags", str(tmp_path))
    assert outcome.code == 2
    assert outcome.last["event"] == "error"


def test_a_folder_that_was_not_heard(home: Home) -> None:
    audio(home.music, ".mp3", Tags(title="T", bpm=90.0))
    home.run_here("null")
    shown = CliRunner().invoke(
        cli, ["tags", str(home.music), "--home", str(home.state)], standalone_mode=False
    )
    assert "reprise analyze" in shown.stderr
    assert "90 (tag)" in shown.stdout
