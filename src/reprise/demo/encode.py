"""Writes audio files of the common formats with tags, through PyAV's encoders."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise.core.items import Tags

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import av
    import numpy as np
    from av.audio.stream import AudioStream
    from numpy.typing import NDArray

LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""FFmpeg's layout by number of channels."""


MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
"""Hz."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a suffix is written. ``kbps`` is the default bit rate, 0 where the format has none.

    ``rates`` lists the sample rates in Hz that the encoder takes (empty: any); ``channels`` those it takes; ``options``
    choose the quicker of an encoder's ways, two to three times as fast and good enough to listen to.
    """

    container: str
    codec: str
    kbps: int = 0
    rates: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()
    options: tuple[tuple[str, str], ...] = ()


ENCODINGS = {
    ".mp3": Encoding("mp3", "libmp3lame", 192, MP3_RATES, (1, 2), (("compression_level", "7"),)),
    ".m4a": Encoding("ipod", "aac", 160, options=(("aac_coder", "fast"),)),
    # The wheel's own Vorbis encoder knows stereo only; mono is written to both channels.
    ".ogg": Encoding("ogg", "vorbis", 160, channels=(2,), options=(("strict", "experimental"),)),
    ".opus": Encoding(
        "opus", "libopus", 96, (48000, 24000, 16000, 12000, 8000), options=(("compression_level", "5"),)
    ),
    ".flac": Encoding("flac", "flac"),
    ".wav": Encoding("wav", "pcm_s16le"),
    ".aiff": Encoding("aiff", "pcm_s16be"),
    ".wma": Encoding("asf", "wmav2", 160, (22050, 32000, 44100, 48000), (1, 2)),
    ".wv": Encoding("wv", "wavpack"),
    ".mka": Encoding("matroska", "flac"),
}
"""What :func:`write_audio` can write, by suffix."""


def write_audio(
    path: Path,
    samples: NDArray[np.float32],
    sample_rate: int,
    *,
    tags: Tags | None = None,
    kbps: int | None = None,
) -> Path:
    """Write one audio file in the format of its suffix.

    The file appears under its name only when it is complete. The same arguments give the same bytes.

    Args:
        path: where; the suffix is one of :data:`ENCODINGS`, the folder exists.
        samples: shape (n,) or (n, channels), nominal range -1 to 1; beyond it is clipped.
        sample_rate: of the samples, Hz; resampled when the codec cannot keep it (Opus: 48,000).
        tags: written as the format's own tags; ``duration`` is ignored.
        kbps: bit rate in kilobits per second, for the lossy formats.

    Returns:
        ``path``.

    Raises:
        ValueError: the suffix is not one of :data:`ENCODINGS`.
    """
    encoding = ENCODINGS.get(path.suffix.lower())
    if encoding is None:
        raise ValueError(
            f"cannot write {path.suffix!r}: one of {', '.join(sorted(ENCODINGS))} can be written"
        )
    half = path.with_name(f".{path.name}.part")
    try:
        names = metadata(tags or Tags(), path.suffix.lower())
        _write(half, encoding, samples, sample_rate, names=names, kbps=kbps or encoding.kbps)
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)
    return path


def _write(
    path: Path,
    encoding: Encoding,
    samples: NDArray[np.float32],
    sample_rate: int,
    *,
    names: dict[str, str],
    kbps: int,
) -> None:
    import av
    from av.audio.stream import AudioStream

    channels = 1 if samples.ndim == 1 else samples.shape[1]
    written = channels if channels in (encoding.channels or (channels,)) else max(encoding.channels)
    # "bitexact" leaves out random serial numbers and the date: the same samples give the same file.
    options = {"fflags": "+bitexact", **({"write_id3v2": "1"} if encoding.container == "aiff" else {})}
    with av.open(str(path), "w", format=encoding.container, container_options=options) as container:
        container.metadata.update(names)
        stream = container.add_stream(
            encoding.codec,
            rate=_nearest_rate(encoding.rates, sample_rate),
            layout=LAYOUTS[written],
            options={"flags": "+bitexact", **dict(encoding.options)},
        )
        assert isinstance(stream, AudioStream)
        if kbps:
            stream.bit_rate = kbps * 1000
        _encode(container, stream, _frames(samples.reshape(len(samples), channels), sample_rate))


def _encode(
    container: av.container.OutputContainer, stream: AudioStream, frames: Iterator[av.AudioFrame]
) -> None:
    for frame in frames:
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _frames(samples: NDArray[np.float32], sample_rate: int) -> Iterator[av.AudioFrame]:
    """Frames of a second in packed floats; the encoder's own resampler makes of them what the codec takes."""
    import av
    import numpy as np

    layout = LAYOUTS[samples.shape[1]]
    for start in range(0, len(samples), sample_rate):
        block = np.clip(samples[start : start + sample_rate], -1.0, 1.0)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.reshape(1, -1)), "flt", layout)
        frame.sample_rate = sample_rate
        frame.pts = start
        yield frame


def _nearest_rate(rates: tuple[int, ...], sample_rate: int) -> int:
    return min(rates, key=lambda rate: abs(rate - sample_rate)) if rates else sample_rate


def metadata(tags: Tags, suffix: str) -> dict[str, str]:
    """The tags under the names that FFmpeg's writer of this format knows; what is missing is left out."""
    names = {
        "title": tags.title,
        "artist": tags.artist,
        "album": tags.album,
        "album_artist": tags.album_artist,
        "genre": tags.genre,
        "date": tags.year,
        "track": tags.track,
        "disc": tags.disc,
        **_tempo_and_key(tags, suffix),
    }
    return {name: str(value) for name, value in names.items() if value is not None}


def _tempo_and_key(tags: Tags, suffix: str) -> dict[str, str | int | float | None]:
    whole = None if tags.bpm is None else round(tags.bpm)
    if suffix in {".mp3", ".aiff"}:
        return {"TBPM": whole, "TKEY": tags.key}
    if suffix == ".m4a":
        return {"tmpo": whole}  # the writer knows no key
    if suffix in {".flac", ".ogg", ".opus"}:
        return {"BPM": tags.bpm, "INITIALKEY": tags.key}
    return {}
