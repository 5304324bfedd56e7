"""Short healthy files of every format that is read, made anew: what the odd ones are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import av
import numpy as np

from reprise.core.items import Tags
from reprise.demo.encode import ENCODINGS, write_audio
from tests.video.films import shots, write_film

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RATE = 22_050  # Hz
SECONDS = 2.0
TAGS = Tags(title="Süße Träume", artist="椎名林檎", album="An album", track=3, year=2003, genre="Rock")

AUDIO = (*ENCODINGS, ".alac.m4a", ".aac", ".mp2", ".ac3", ".tta", ".au", ".caf")
VIDEO = (".mp4", ".mkv", ".webm", ".avi", ".mov", ".ts")

_WITH_PYAV = {
    ".alac.m4a": ("ipod", "alac", "s16p"),
    ".aac": ("adts", "aac", "fltp"),
    ".mp2": ("mp2", "mp2", "s16"),
    ".ac3": ("ac3", "ac3", "fltp"),
    ".tta": ("tta", "tta", "s16"),
    ".au": ("au", "pcm_s16be", "s16"),
    ".caf": ("caf", "pcm_s16be", "s16"),
}
"""Container, codec and format of samples of what ``write_audio`` does not write."""

_CODECS = {".webm": "libvpx"}
"""Of pictures; the others hold MPEG-4."""


def tune(seed: int, seconds: float = SECONDS) -> NDArray[np.float32]:
    """Chords and noise that sound like no other seed's."""
    chance = np.random.default_rng(seed)
    at = np.arange(round(seconds * RATE)) / RATE
    pitches = chance.uniform(80, 2000, 4)
    wave = sum(chance.uniform(0.05, 0.2) * np.sin(2 * np.pi * pitch * at) for pitch in pitches)
    pulse = 0.5 + 0.5 * np.sin(2 * np.pi * chance.uniform(1, 6) * at)
    return np.asarray(wave * pulse + 0.02 * chance.standard_normal(len(at)), np.float32)


def healthy_audio(folder: Path) -> dict[str, bytes]:
    """The bytes of a file of each format, by its suffix."""
    found = {}
    for seed, suffix in enumerate(AUDIO):
        path = folder / f"whole{suffix}"
        if suffix in _WITH_PYAV:
            _write(path, suffix, tune(seed))
        else:
            write_audio(path, tune(seed), RATE, tags=TAGS)
        found[suffix] = path.read_bytes()
    return found


def healthy_videos(folder: Path) -> dict[str, bytes]:
    """The same for containers of videos: two shots, with sound where the container takes it."""
    found = {}
    for suffix in VIDEO:
        path = folder / f"whole{suffix}"
        sound = 0.0 if suffix == ".webm" else 1.0
        write_film(
            path, shots(0.8, 0.8), size=(64, 48), fps=10, codec=_CODECS.get(suffix, "mpeg4"), sound=sound
        )
        found[suffix] = path.read_bytes()
    return found


def _write(path: Path, suffix: str, samples: NDArray[np.float32]) -> None:
    container, codec, form = _WITH_PYAV[suffix]
    with av.open(str(path), "w", format=container) as file:
        stream: Any = file.add_stream(codec, rate=44_100, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "fltp", "mono")
        frame.sample_rate = RATE
        resampler = av.AudioResampler(form, "mono", 44_100, stream.codec_context.frame_size or 1024)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
