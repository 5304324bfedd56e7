"""What listening to a track tells besides its embedding: tempo, key, loudness, silence, cues and a fingerprint."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reprise.core.musical_key import MusicalKey

if TYPE_CHECKING:
    from collections.abc import Mapping

REFERENCE_LUFS = -18.0
"""What ReplayGain 2.0 brings every track to."""


@dataclass(frozen=True, slots=True)
class HeardTempo:
    """``bpm`` beats per minute; ``confidence`` 0 to 1 that it is right in this octave.

    ``alternatives`` are (bpm, strength), best first, without ``bpm`` itself: half, double and whatever else fits the
    beat; strengths are shares of the whole, 0 to 1. ``first_beat``: seconds from the start of the file to a beat, or
    ``None`` when that was not heard.
    """

    bpm: float
    confidence: float
    alternatives: tuple[tuple[float, float], ...] = ()
    first_beat: float | None = None


@dataclass(frozen=True, slots=True)
class HeardKey:
    """``confidence`` 0 to 1: how far ``key`` is ahead of ``second``, the next best."""

    key: MusicalKey
    confidence: float
    second: MusicalKey | None = None


@dataclass(frozen=True, slots=True)
class Loudness:
    """EBU R 128: ``integrated`` in LUFS, ``range`` in LU (Tech 3342), ``true_peak`` in dBTP."""

    integrated: float
    range: float
    true_peak: float

    @property
    def gain(self) -> float:
        """ReplayGain 2.0 of the track in dB."""
        return REFERENCE_LUFS - self.integrated


class CueKind(StrEnum):
    INTRO = "intro"
    DROP = "drop"
    BREAKDOWN = "breakdown"


@dataclass(frozen=True, slots=True)
class Cue:
    """A place to jump to. ``seconds`` from the start of the file; ``strength`` 0 to 1, how clear the change is."""

    kind: CueKind
    seconds: float
    strength: float


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was heard of one track.

    ``seconds`` of sound that were heard, ``whole`` whether that is all there is. What cannot be told is ``None``: the
    tempo of a drone, the key of drums, the loudness of what is shorter than 0.4 s. ``lead_silence`` and
    ``tail_silence``: seconds of silence at the ends, ``None`` when the end was not heard. ``tuning`` in cents from
    A = 440 Hz, -50 to 50. ``fingerprint``: for comparing sounds, see ``reprise.analysis.fingerprint``.
    """

    seconds: float
    whole: bool
    tempo: HeardTempo | None
    key: HeardKey | None
    loudness: Loudness | None
    lead_silence: float | None
    tail_silence: float | None
    tuning: float
    cues: tuple[Cue, ...] = ()
    fingerprint: bytes = field(default=b"", repr=False)

    def as_dict(self) -> dict[str, Any]:
        """All but the fingerprint, as plain JSON values; :meth:`from_dict` is the way back."""
        return {
            "seconds": self.seconds,
            "whole": self.whole,
            "tempo": _tempo_dict(self.tempo),
            "key": _key_dict(self.key),
            "loudness": _loudness_dict(self.loudness),
            "lead_silence": self.lead_silence,
            "tail_silence": self.tail_silence,
            "tuning": self.tuning,
            "cues": [
                {"kind": cue.kind.value, "seconds": cue.seconds, "strength": cue.strength}
                for cue in self.cues
            ],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], fingerprint: bytes = b"") -> Analysis:
        return cls(
            seconds=values["seconds"],
            whole=values["whole"],
            tempo=_tempo(values["tempo"]),
            key=_key(values["key"]),
            loudness=_loudness(values["loudness"]),
            lead_silence=values["lead_silence"],
            tail_silence=values["tail_silence"],
            tuning=values["tuning"],
            cues=tuple(Cue(CueKind(cue["kind"]), cue["seconds"], cue["strength"]) for cue in values["cues"]),
            fingerprint=fingerprint,
        )


def _tempo_dict(tempo: HeardTempo | None) -> dict[str, Any] | None:
    if tempo is None:
        return None
    return {
        "bpm": tempo.bpm,
        "confidence": tempo.confidence,
        "alternatives": [{"bpm": bpm, "strength": strength} for bpm, strength in tempo.alternatives],
        "first_beat": tempo.first_beat,
    }


def _tempo(values: Mapping[str, Any] | None) -> HeardTempo | None:
    if values is None:
        return None
    alternatives = tuple((other["bpm"], other["strength"]) for other in values["alternatives"])
    return HeardTempo(values["bpm"], values["confidence"], alternatives, values["first_beat"])


def _key_dict(heard: HeardKey | None) -> dict[str, Any] | None:
    if heard is None:
        return None
    key, second = heard.key, heard.second
    return {
        "name": key.name,
        "camelot": key.camelot,
        "open_key": key.open_key,
        "tonic": key.tonic,
        "minor": key.minor,
        "confidence": heard.confidence,
        "second": None if second is None else second.name,
    }


def _key(values: Mapping[str, Any] | None) -> HeardKey | None:
    if values is None:
        return None
    second = MusicalKey.parse(values["second"]) if values["second"] else None
    return HeardKey(MusicalKey(values["tonic"], minor=values["minor"]), values["confidence"], second)


def _loudness_dict(loudness: Loudness | None) -> dict[str, Any] | None:
    if loudness is None:
        return None
    return {
        "integrated": loudness.integrated,
        "range": loudness.range,
        "true_peak": loudness.true_peak,
        "gain": loudness.gain,
    }


def _loudness(values: Mapping[str, Any] | None) -> Loudness | None:
    if values is None:
        return None
    return Loudness(values["integrated"], values["range"], values["true_peak"])
