"""``reprise rename``, as it is called: plan, presets, check, context."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from reprise.cli.rename.faults import pointed
from reprise.cli.rename.table import differing
from reprise.core.analysis import Analysis, HeardKey
from reprise.core.items import Tags
from reprise.core.musical_key import MusicalKey
from reprise.core.renaming import RowStatus
from reprise.demo.encode import write_audio
from reprise.errors import BadTemplate
from reprise.rename.planfile import PlanReader
from reprise.rename.values import FIELDS
from tests.cli.conftest import RATE, Reprise, tune

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def reprise(tmp_path: Path) -> Reprise:
    return Reprise(tmp_path / "home")


@pytest.fixture
def music(tmp_path: Path, track: Callable[..., Path]) -> Path:
    folder = tmp_path / "music"
    track(folder / "x" / "1.mp3", artist="Boards of Canada", title="Roygbiv", bpm="84", key="Gm")
    track(folder / "x" / "2.flac", artist="Aphex Twin", title="Xtal")
    track(folder / "Aphex Twin - Xtal.ogg")
    return folder


def test_a_plan_is_shown_and_nothing_is_renamed(reprise: Reprise, music: Path) -> None:
    before = sorted(music.rglob("*"))
    result = reprise("rename", "plan", music)
    assert "Boards of Canada - Roygbiv [6A 84].mp3" in result.out
    assert "2 files to rename, 1 as they should be, 0 refused" in result.out
    assert "Aphex Twin - Xtal.ogg" not in result.out
    assert sorted(music.rglob("*")) == before
    assert not (reprise.home / "catalogue.sqlite").exists()


def test_a_plan_is_written(reprise: Reprise, music: Path, tmp_path: Path) -> None:
    result = reprise("rename", "plan", music, "--preset", "simple", "--output", tmp_path / "new.plan")
    assert "reprise rename apply" in result.err
    with PlanReader(tmp_path / "new.plan") as plan:
        assert plan.header.root == os.fsencode(music)
        assert plan.header.counts[RowStatus.RENAME] == 2
        assert [row.new for row in plan.rows()] == [
            b"Aphex Twin - Xtal.ogg", b"Boards of Canada - Roygbiv.mp3", b"Aphex Twin - Xtal.flac",
        ]  # fmt: skip


def test_scripts_get_every_row_and_the_counts(reprise: Reprise, music: Path) -> None:
    lines = reprise("rename", "plan", music, "--limit", "1", "--json").lines
    assert [line["event"] for line in lines] == ["plan_row"] * 3 + ["plan_finished"]
    assert lines[1]["values"]["artist"] == ["Boards of Canada", "tag"]
    assert {name: lines[-1][name] for name in ("rename", "unchanged", "refused", "total")} == {
        "rename": 2, "unchanged": 1, "refused": 0, "total": 3,
    }  # fmt: skip


def test_refused_rows_are_told_and_the_exit_code_is_1(reprise: Reprise, music: Path) -> None:
    (music / "x" / "3.mp3").symlink_to("1.mp3")
    result = reprise("rename", "plan", music, code=1)
    assert "it is a link" in result.out
    assert "1 refused" in result.out
    assert reprise("rename", "plan", music, "--json", code=1).lines[-1]["refused"] == 1


def test_rows_are_limited_for_people(reprise: Reprise, music: Path) -> None:
    assert "… and 1 row more" in reprise("rename", "plan", music, "-n", "1").out
    assert "more" not in reprise("rename", "plan", music, "-n", "0").out


def test_only_the_folder_itself(reprise: Reprise, music: Path) -> None:
    lines = reprise("rename", "plan", music, "--no-recursive", "--json").lines
    assert [line["old"] for line in lines if line["event"] == "plan_row"] == ["Aphex Twin - Xtal.ogg"]


def test_a_bad_template_is_shown_with_its_place(reprise: Reprise, music: Path) -> None:
    result = reprise("rename", "plan", music, "--template", "{artist} / {titel}", code=2)
    assert "  {artist} / {titel}\n           ^\n" in result.err
    assert "character 10 of the template" in result.err
    (line,) = reprise("rename", "plan", music, "--template", "{titel}", "--json", code=2).lines
    assert line["code"] == BadTemplate.code


@pytest.mark.parametrize(
    "arguments",
    [("--preset", "none"), ("--preset", "dj", "--template", "{title}"), ("--output", "/nowhere/at/all")],
)
def test_what_can_not_be_planned(reprise: Reprise, music: Path, arguments: tuple[str, ...]) -> None:
    assert "cure" in reprise("rename", "plan", music, *arguments, code=2).err


def test_a_folder_that_is_not_there(reprise: Reprise, tmp_path: Path) -> None:
    assert "does not exist" in reprise("rename", "plan", tmp_path / "none", code=2).err


def test_a_file_that_is_no_plan_is_never_replaced(reprise: Reprise, music: Path) -> None:
    song = music / "x" / "1.mp3"
    before = song.read_bytes()
    assert "no plan" in reprise("rename", "plan", music, "--output", song, code=2).err
    assert song.read_bytes() == before


def test_settings_choose_the_template_and_the_notation(reprise: Reprise, music: Path) -> None:
    reprise.settings.update(rename_template="{key} {title}", key_display="both")
    assert "Gm 6A Roygbiv.mp3" in reprise("rename", "plan", music).out


def test_a_library_leaves_out_what_it_excludes_and_hears(reprise: Reprise, tmp_path: Path) -> None:
    music = tmp_path / "music"
    for name in ("song", "left-out"):
        music.mkdir(exist_ok=True)
        write_audio(music / f"{name}.flac", tune(1, 20.0), RATE, tags=Tags(artist="A", title=name))
    reprise.embed(music, "--exclude", "left-*")
    heard = Analysis(20.0, True, None, HeardKey(MusicalKey(9, minor=True), 0.9), None, None, None, 0.0)
    with closing(sqlite3.connect(reprise.home / "catalogue.sqlite")) as catalogue:
        catalogue.execute(
            "INSERT INTO analyses (item_id, owner, spec, digest, at, whole, facts, fingerprint)"
            " SELECT id, owner, 'spec', digest, 0, 1, ?, x'' FROM items",
            (json.dumps(heard.as_dict()),),
        )
        catalogue.commit()
    plan = ("rename", "plan", music, "--template", "{title} [{camelot}]", "--json")
    lines = reprise(*plan).lines
    assert [(line["old"], line["new"]) for line in lines[:-1]] == [("song.flac", "song [8A].flac")]
    assert lines[0]["values"]["camelot"] == ["8A", "audio"]
    assert reprise(*plan, "--no-audio").lines[0]["new"] == "song.flac"
    shutil.copy(music / "left-out.flac", music / "song.flac")
    assert reprise(*plan).lines[0]["new"] == "left-out (2).flac"


def test_check(reprise: Reprise, music: Path) -> None:
    assert reprise("rename", "check", "{track} - {title}").out == "08 - Roygbiv.mp3\n"
    shown = reprise("rename", "check", "{artist} [{bpm}]", "--file", music / "x" / "1.mp3")
    assert shown.out == "Boards of Canada [84].mp3\n"
    bad = reprise("rename", "check", "{artst}", code=2)
    assert bad.out.splitlines()[:2] == ["  {artst}", "   ^^^^^"]
    facts = reprise("rename", "check", "{artst}", "--json", code=2).lines[0]
    assert facts["valid"] is False
    assert facts["faults"][0]["position"] == 1
    warned = reprise("rename", "check", "{title}  {artist}", "--json").lines[0]
    assert [fault["severity"] for fault in warned["faults"]] == ["warning"]


def test_presets_and_fields(reprise: Reprise) -> None:
    assert "{artist} - {title}{mix_paren} [{camelot} {bpm}]" in reprise("rename", "presets").out
    presets = reprise("rename", "presets", "--json").lines
    assert {"dj", "album", "simple", "rekordbox", "traktor", "serato"} <= {one["id"] for one in presets}
    assert all(one["example"] for one in presets)
    assert {one["name"] for one in reprise("rename", "presets", "--fields", "--json").lines} == FIELDS.keys()
    assert "{tag:NAME}" in reprise("rename", "presets", "--fields").out


def test_context(reprise: Reprise, tmp_path: Path, track: Callable[..., Path]) -> None:
    for number in (1, 2, 3):
        track(tmp_path / "m" / "Album" / f"{number}.mp3", title="T", album="X", track=number)
        track(tmp_path / "m" / f"{number}.mp3", title=f"S{number}")
    lines = reprise("rename", "context", tmp_path / "m", "--json").lines
    assert [(line["name"], line["kind"], line["level"]) for line in lines] == [
        ("[Root Files]", "singles", "high"), ("Album", "album", "high"),
    ]  # fmt: skip
    assert "tracks 1 to 3" in reprise("rename", "context", tmp_path / "m").out


def test_help_loads_no_command() -> None:
    import subprocess

    script = (
        "import sys; from reprise.cli.main import cli\n"
        "cli.main(['rename', '--help'], standalone_mode=False)\n"
        "print([name for name in sys.modules if name.startswith('reprise.cli.rename.')], 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[] False"


def test_where_names_differ() -> None:
    assert differing("01 a.mp3", "02 ab.mp3") == (slice(1, 4), slice(1, 5))
    assert differing("a.mp3", "a.mp3") == (slice(5, 5), slice(5, 5))
    assert differing("aa.mp3", "a.mp3") == (slice(1, 2), slice(1, 1))


def test_a_caret_stands_below_wide_letters_too() -> None:
    assert pointed("日本{x}", 3, 1)[1] == "       ^"
