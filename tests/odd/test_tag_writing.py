"""What mutagen stumbles over is a reason, not the end of a run; and nothing is unpacked that may be a bomb."""

from __future__ import annotations

import os
import struct
import tracemalloc
import zlib
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest
from mutagen.apev2 import APEv2

from reprise.errors import EmptyFile, TagsNotWritten
from reprise.media.tag_formats import NewTags
from reprise.media.tag_writing import write_tags
from tests.odd.headers import absurd
from tests.odd.sounds import healthy_audio
from tests.odd.tagged import MEGABYTE, frame, id3, text, without_id3

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Home

NEW = NewTags(128.0, "Am", -3.2, 0.9)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return healthy_audio(tmp_path_factory.mktemp("healthy"))


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize(("version", "flags"), [(4, 0x0009), (3, 0x0080)])
def test_a_compressed_frame_is_not_unpacked(
    nested: bool, version: int, flags: int, healthy: dict[str, bytes], tmp_path: Path
) -> None:
    """It stays as it is; or nothing is written, and the reason said."""
    bomb = frame("TXXX", struct.pack(">I", 4096) + zlib.compress(b"\3a\0" + bytes(64 * MEGABYTE)), flags)
    if version == 3:
        bomb = bomb[:4] + struct.pack(">I", len(bomb) - 10) + bomb[8:]
    if nested:
        bomb = frame("CHAP", b"a\0" + bytes(16) + bomb)
    path = tmp_path / "a.mp3"
    path.write_bytes(id3(text("TIT2", "A title") + bomb, version) + without_id3(healthy[".mp3"]))
    tracemalloc.start()
    try:
        with nullcontext() if version == 4 else pytest.raises(TagsNotWritten):
            write_tags(os.fsencode(path), NEW)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 16 * MEGABYTE
    assert bomb[10:] in path.read_bytes()


def test_what_mutagen_cannot_take_is_a_reason(healthy: dict[str, bytes], tmp_path: Path) -> None:
    said = set()
    for number, odd in enumerate(absurd(healthy)):
        path = tmp_path / f"{number}"
        path.write_bytes(odd.content)
        try:
            write_tags(os.fsencode(path), NEW)
        except TagsNotWritten as error:
            said.add(error.message)
            assert path.read_bytes() == odd.content
        except EmptyFile:
            assert not odd.content
    assert any("RecursionError" in message for message in said)
    assert any("struct.error" in message or "(error:" in message for message in said)


def test_numbers_that_no_database_takes_do_not_end_a_scan(healthy: dict[str, bytes], home: Home) -> None:
    huge = text("TIT2", "A title") + text("TRCK", "9" * 30) + text("TPOS", "9" * 25)
    home.music.joinpath("a.mp3").write_bytes(id3(huge) + without_id3(healthy[".mp3"]))
    wavpack = home.music / "b.wv"
    wavpack.write_bytes(healthy[".wv"])
    tags = APEv2(wavpack)  # type: ignore[no-untyped-call]
    tags["Track"] = "9" * 400
    tags.save()
    home.music.joinpath("c.mp3").write_bytes(healthy[".mp3"])
    ran = home.run_here("heard")
    assert ran.finished.operations == {"total": 3, "done": 3, "skipped": 0, "failed": 0}
