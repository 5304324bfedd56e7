"""Files that are not what they seem: each is a row with a reason or honestly analysed, and the rest goes on."""

from __future__ import annotations

import os
import random
import struct
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest

from reprise.demo.encode import write_audio
from tests.cli.conftest import RATE, Reprise, tune

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

GOOD = ("good one.mp3", "good two.flac")
REASONS = {
    "truncated.mp3": "truncated",
    "cut off.m4a": "truncated",
    "empty.mp3": "empty_file",
    "words.mp3": "not_audio",
    "picture.flac": "not_audio",
    "sealed.m4a": "not_audio",
    "noise.ogg": "not_audio",
    "ten hours.wav": "truncated",
    "one sample.wav": "too_short",
    "silence.flac": "silent",
    "film without sound.mp4": "no_audio_stream",
}
HONEST = {"dsd.dsf": 2.0, "film.mp4": 3.0, "clip.webm": 3.0, "a wave.MP3": 2.0}
"""Seconds of sound in what is odd, and music all the same."""


def fill(folder: Path) -> None:
    folder.mkdir()
    for seed, name in enumerate(GOOD):
        write_audio(folder / name, tune(seed, 3.0), RATE)
    mp3 = write_audio(folder.parent / "whole.mp3", tune(5, 8.0), RATE).read_bytes()
    m4a = write_audio(folder.parent / "whole.m4a", tune(6, 8.0), RATE).read_bytes()
    noise = random.Random(4)
    odd = {
        "truncated.mp3": mp3[: len(mp3) // 2],
        "cut off.m4a": m4a[: len(m4a) // 2],
        "empty.mp3": b"",
        "words.mp3": b"These are the words of a song, and not its sound.\n" * 50,
        "picture.flac": b"\x89PNG\r\n\x1a\n" + noise.randbytes(5000),
        "sealed.m4a": b"Salted__" + noise.randbytes(100_000),
        "noise.ogg": noise.randbytes(100_000),
        "ten hours.wav": wav(tune(7, 3.0), stated_seconds=36_000),
        "one sample.wav": wav(np.full(1, 0.5, np.float32)),
        "a wave.MP3": wav(tune(8, 2.0)),
        "dsd.dsf": dsf(2.0),
    }
    for name, content in odd.items():
        (folder / name).write_bytes(content)
    write_audio(folder / "silence.flac", np.zeros(3 * RATE, np.float32), RATE)
    film(folder / "film.mp4", "mpeg4", "aac")
    film(folder / "clip.webm", "libvpx", "libopus")
    film(folder / "film without sound.mp4", "mpeg4", "")
    os.mkfifo(folder / "pipe.mp3")
    (folder / "folder.mp3").mkdir()


def wav(samples: NDArray[np.float32], stated_seconds: float | None = None) -> bytes:
    """16 bit mono; the header may promise more than there is."""
    data = np.round(samples * 32_000).astype("<i2").tobytes()
    stated = len(data) if stated_seconds is None else int(stated_seconds * RATE) * 2
    shape = struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
    head = struct.pack("<4sI4s4sI", b"RIFF", 36 + stated, b"WAVE", b"fmt ", 16)
    return head + shape + struct.pack("<4sI", b"data", stated) + data


def dsf(seconds: float, rate: int = 2_822_400) -> bytes:
    """A sine of 440 Hz as one bit per sample (a delta-sigma modulator of first order), mono, in DSD Stream File form."""
    at = np.arange(int(seconds * rate)) / rate
    total = np.floor(np.cumsum(0.5 + 0.3 * np.sin(2 * np.pi * 440 * at)))
    bits = np.diff(total, prepend=0.0).astype(np.uint8)
    data = np.packbits(bits, bitorder="little").tobytes()
    data += b"\x69" * (-len(data) % 4096)
    shape = struct.pack("<4sQIIIIIIQII", b"fmt ", 52, 1, 0, 1, 1, rate, 1, len(bits), 4096, 0)
    size = 28 + 52 + 12 + len(data)
    return (
        struct.pack("<4sQQQ", b"DSD ", 28, size, 0)
        + shape
        + struct.pack("<4sQ", b"data", 12 + len(data))
        + data
    )


def film(path: Path, picture: str, sound: str) -> None:
    """Three seconds of grey, with a tune or without."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream(picture, rate=10)
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        audio: Any = container.add_stream(sound, rate=48_000, layout="mono") if sound else None
        grey = np.full((64, 64, 3), 99, np.uint8)
        for _ in range(30):
            container.mux(video.encode(av.VideoFrame.from_ndarray(grey, "rgb24")))
        container.mux(video.encode(None))
        if audio is not None:
            samples = tune(9, 3.0, 48_000).reshape(1, -1)
            resampler = av.AudioResampler(audio.format, "mono", 48_000, audio.codec_context.frame_size or 960)
            frame = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
            frame.sample_rate = 48_000
            for part in [*resampler.resample(frame), *resampler.resample(None)]:
                container.mux(audio.encode(part))
            container.mux(audio.encode(None))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd") / "music"
    fill(folder)
    return folder


@pytest.mark.parametrize("way", [(), ("--fast",)], ids=["whole", "fast"])
def test_each_is_a_row_with_a_reason_or_honestly_analysed(
    way: tuple[str, ...], corpus: Path, reprise: Reprise
) -> None:
    lines = reprise("analyze", corpus, "--json", *way, code=1).lines
    end = lines[-1]
    assert (end["event"], end["state"]) == ("job_finished", "completed_with_errors")
    failed = {
        line["path"]: (line["code"], line["reason"], line["cure"])
        for line in lines
        if line["event"] == "item_failed" and not line["will_retry"]
    }
    assert {path: code for path, (code, _, _) in failed.items()} == REASONS
    assert all(reason and cure for _, reason, cure in failed.values())
    heard = {line["path"].rpartition("/")[2]: line for line in lines if line["event"] == "analysis"}
    assert heard.keys() == {*GOOD, *HONEST}
    for name, seconds in HONEST.items():
        assert heard[name]["seconds"] == pytest.approx(seconds, abs=0.15), name
        assert heard[name]["loudness"] is not None, name
    assert end["operations"] == {
        "total": len(GOOD) + len(HONEST) + len(REASONS),
        "done": len(heard),
        "skipped": 0,
        "failed": len(REASONS),
    }
    rows = reprise.read("SELECT COUNT(*) FROM ledger WHERE state = 'failed' AND error_message <> ''")
    assert rows == [(len(REASONS),)]
    assert reprise.read("SELECT COUNT(*) FROM analyses") == [(len(heard),)]


def test_one_bit_sound_is_heard_as_it_sounds(corpus: Path, reprise: Reprise, tmp_path: Path) -> None:
    """A sine of 440 Hz at 0.6 of full scale, in any form: loudness to half a LU."""
    folder = tmp_path / "music"
    folder.mkdir()
    os.link(corpus / "dsd.dsf", folder / "dsd.dsf")
    at = np.arange(2 * 44_100) / 44_100
    write_audio(folder / "plain.flac", (0.6 * np.sin(2 * np.pi * 440 * at)).astype(np.float32), 44_100)
    one_bit, plain = (
        line["loudness"]["integrated"]
        for line in reprise("analyze", folder, "--json").lines
        if line["event"] == "analysis"
    )
    assert one_bit == pytest.approx(plain, abs=0.5)


def test_more_sound_than_is_allowed_is_refused(tmp_path: Path, render: Callable[..., Path]) -> None:
    reprise = Reprise(tmp_path / "home", {"max_audio_hours": "0.01"})
    render(tmp_path / "music" / "endless.flac", 1, seconds=60.0)
    render(tmp_path / "music" / "song.flac", 2)
    lines = reprise("analyze", tmp_path / "music", "--json", code=1).lines
    assert [line["code"] for line in lines if line["event"] == "item_failed"] == ["too_long"]
    assert lines[-1]["operations"]["done"] == 1
