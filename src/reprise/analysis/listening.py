"""One decoding, one spectrum: everything that is heard of a track, and its acoustic embedding."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from reprise.analysis.acoustic import embed
from reprise.analysis.cues import find_cues
from reprise.analysis.fingerprint import fingerprint
from reprise.analysis.key import hear_key, tuning_cents
from reprise.analysis.loudness import LoudnessMeter
from reprise.analysis.silence import SilenceMeter
from reprise.analysis.spectrum import analyse
from reprise.analysis.tempo import hear_tempo
from reprise.core.analysis import Analysis
from reprise.core.ports import NativeAudio, SeekableAudio
from reprise.errors import Silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from reprise.analysis.spectrum import Spectrum
    from reprise.core.analysis import HeardTempo, Loudness
    from reprise.core.ports import Audio

    Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Part:
    """``samples`` samples from ``start`` on, at ``rate`` Hz."""

    start: int
    samples: int
    rate: int

    @property
    def span(self) -> tuple[float, float]:
        """Where it begins and ends, in seconds."""
        return self.start / self.rate, (self.start + self.samples) / self.rate


def listen(audio: Audio, excerpt_seconds: float = 0.0) -> tuple[Samples, Analysis]:
    """Decode once and hear everything: the acoustic embedding, shape (181,), unit length, and the analysis.

    ``excerpt_seconds``: only so much from the middle, by seeking; 0 for the whole. A track that is no longer than that,
    or silent in its middle, is heard as a whole. Loudness needs a :class:`NativeAudio`.

    Raises ``TooShort``, ``Silent`` and whatever decoding raises.
    """
    part = _middle(audio, excerpt_seconds) if excerpt_seconds else None
    if part is not None:
        try:
            return _listen_to_part(audio, part)
        except Silent:
            pass
    return _listen_to_all(audio)


def _listen_to_all(audio: Audio) -> tuple[Samples, Analysis]:
    ears = _Ears()
    with _tapped(audio, ears):
        spectrum = analyse(audio)
    return embed(spectrum), _analysis(spectrum, ears, 0.0, whole=True)


def _listen_to_part(audio: Audio, part: _Part) -> tuple[Samples, Analysis]:
    sound, ears = _sought(audio, part) or _counted(audio, part)
    spectrum = analyse(_Sound(sound, part.rate))
    return embed(spectrum), _analysis(spectrum, ears, part.span[0], whole=False)


def _analysis(spectrum: Spectrum, ears: _Ears, start: float, *, whole: bool) -> Analysis:
    """``start``: seconds of the track that lie before what was heard. A part has no ends, and no form to find cues in."""
    lead, tail = ears.silence if whole else (None, None)
    tempo = hear_tempo(spectrum)
    return Analysis(
        seconds=spectrum.seconds,
        whole=whole,
        tempo=_from_the_start(tempo, start),
        key=hear_key(spectrum, from_the_start=whole),
        loudness=ears.loudness,
        lead_silence=lead,
        tail_silence=tail,
        tuning=tuning_cents(spectrum),
        cues=find_cues(spectrum, tempo) if whole else (),
        fingerprint=fingerprint(spectrum),
    )


def _from_the_start(tempo: HeardTempo | None, start: float) -> HeardTempo | None:
    """With the place of a beat told from where the track begins, not from where the part does."""
    if tempo is None or tempo.first_beat is None:
        return tempo
    return replace(tempo, first_beat=tempo.first_beat + start)


class _Ears:
    """A tap that measures what only the file's own channels tell, between two times in seconds."""

    def __init__(self, span: tuple[float, float] = (0.0, math.inf)) -> None:
        self._span = span
        self._heard = 0  # samples
        self._loudness: LoudnessMeter | None = None
        self._silence: SilenceMeter | None = None

    def __call__(self, rate: int, block: Samples) -> None:
        length = block.shape[1]
        first, end = (min(max(0.0, edge * rate - self._heard), length) for edge in self._span)
        self._heard += length
        if end > first:
            self._measure(rate, block[:, int(first) : int(end)])

    @property
    def loudness(self) -> Loudness | None:
        return self._loudness.result() if self._loudness else None

    @property
    def silence(self) -> tuple[float | None, float | None]:
        """Seconds at the start and at the end."""
        return self._silence.result() if self._silence else (None, None)

    def _measure(self, rate: int, block: Samples) -> None:
        if self._loudness is None or self._silence is None:
            self._loudness, self._silence = LoudnessMeter(rate, len(block)), SilenceMeter(rate, len(block))
        self._loudness.add(block)
        self._silence.add(block)


@contextmanager
def _tapped(audio: Audio, ears: _Ears) -> Iterator[None]:
    """While this lasts, ``ears`` hear what is decoded of ``audio``, if it has channels to be heard."""
    if not isinstance(audio, NativeAudio):
        yield
        return
    audio.tap(ears)
    try:
        yield
    finally:
        audio.tap(None)


def _middle(audio: Audio, seconds: float) -> _Part | None:
    """The part to listen to; ``None`` when that is all there is."""
    rate = audio.sample_rate
    wanted, total = round(seconds * rate), _length(audio)
    return None if total <= wanted else _Part((total - wanted) // 2, wanted, rate)


def _length(audio: Audio) -> int:
    """Samples. What the container does not count is counted by decoding it once more, in constant memory."""
    vouched = audio.vouched_seconds if isinstance(audio, SeekableAudio) else None
    return round(vouched * audio.sample_rate) if vouched else sum(map(len, audio.blocks()))


def _sought(audio: Audio, part: _Part) -> tuple[Samples, _Ears] | None:
    """The part by seeking; ``None`` where that leads nowhere."""
    if not isinstance(audio, SeekableAudio):
        return None
    ears = _Ears()
    with _tapped(audio, ears):
        sound = audio.excerpt(part.start, part.samples)
    return None if sound is None else (sound, ears)


def _counted(audio: Audio, part: _Part) -> tuple[Samples, _Ears]:
    """The part by decoding everything; so what is broken anywhere says so."""
    ears, position, kept = _Ears(part.span), 0, [np.zeros(0, np.float32)]
    with _tapped(audio, ears):
        for block in audio.blocks():
            first, end = part.start - position, part.start + part.samples - position
            kept.append(block[max(0, first) : max(0, end)].copy())
            position += len(block)
    return np.concatenate(kept), ears


class _Sound:
    """Samples as :class:`reprise.core.ports.Audio`."""

    def __init__(self, samples: Samples, sample_rate: int) -> None:
        self._samples = samples
        self.sample_rate = sample_rate

    @property
    def declared_seconds(self) -> float:
        return len(self._samples) / self.sample_rate

    def blocks(self) -> Iterator[Samples]:
        yield self._samples
