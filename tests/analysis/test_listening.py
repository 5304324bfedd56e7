"""One decoding gives everything: the same embedding as ever, and what was heard beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from reprise.analysis.acoustic import embed_audio
from reprise.analysis.listening import listen
from reprise.core.analysis import Analysis
from reprise.core.choices import ModelChoices
from reprise.core.ports import ListeningModel
from reprise.core.spec import Execution, fingerprint
from reprise.demo.encode import write_audio
from reprise.errors import Silent, TooShort, Truncated
from reprise.media.decode import AudioFile
from reprise.models.acoustic import Acoustic
from reprise.models.analysis import ListeningAnalysis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

RATE = 22_050  # Hz, of what is analysed
FILE_RATE = 44_100  # Hz
BPM = 124.0


def music(seconds: float, lead: float = 0.0) -> Samples:
    """A four-to-the-floor kick, hats between and an A minor chord, shape (n, 2), after ``lead`` seconds of silence."""
    at = np.arange(round(seconds * FILE_RATE)) / FILE_RATE
    beat = np.mod(at, 60 / BPM)
    kick = 0.6 * np.sin(2 * np.pi * (50 + 60 * np.exp(-beat / 0.03)) * beat) * np.exp(-beat / 0.12)
    off = np.mod(at + 30 / BPM, 60 / BPM)
    hat = 0.1 * np.random.default_rng(1).standard_normal(len(at)) * np.exp(-off / 0.03)
    chord = sum(0.06 * np.sin(2 * np.pi * hertz * at) for hertz in (220.0, 261.63, 329.63, 440.0))
    left = kick + hat + chord
    sound = np.stack([left, 0.7 * left], axis=1)
    return np.concatenate([np.zeros((round(lead * FILE_RATE), 2)), sound]).astype(np.float32)


@pytest.fixture(scope="module")
def track(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 s of music after 2 s of silence."""
    return write_audio(tmp_path_factory.mktemp("heard") / "a.flac", music(40, 2.0), FILE_RATE)


def opened(path: Path) -> AudioFile:
    return AudioFile(str(path), RATE)


class Counted(AudioFile):
    """Says how often it was decoded as a whole."""

    passes = 0

    def blocks(self) -> Iterator[Samples]:
        type(self).passes += 1
        return super().blocks()


class Unseekable(AudioFile):
    """A container that counts nothing and leads no seek anywhere."""

    @property
    def vouched_seconds(self) -> float | None:
        return None

    def excerpt(self, start: int, samples: int) -> Samples | None:
        del start, samples
        return None


class MonoOnly:
    """Sound that is nothing but :class:`reprise.core.ports.Audio`."""

    sample_rate = RATE
    declared_seconds = None

    def __init__(self, path: Path) -> None:
        self._audio = opened(path)

    def blocks(self) -> Iterator[Samples]:
        return self._audio.blocks()


@pytest.mark.parametrize("suffix", [".mp3", ".flac", ".m4a"])
def test_the_embedding_is_the_acoustic_one_to_the_bit(suffix: str, tmp_path: Path) -> None:
    path = write_audio(tmp_path / f"a{suffix}", music(20), FILE_RATE)
    vector, _ = listen(opened(path))
    assert np.array_equal(vector, embed_audio(opened(path)))


def test_all_is_heard(track: Path) -> None:
    _, heard = listen(opened(track))
    assert heard.seconds == pytest.approx(42, abs=0.1)
    assert heard.whole
    assert heard.tempo is not None
    octaves = [BPM / heard.tempo.bpm, *(BPM / bpm for bpm, _ in heard.tempo.alternatives)]
    assert any(abs(octave - 1) < 0.01 for octave in octaves)
    assert heard.key is not None
    assert (heard.key.key.tonic, heard.key.key.minor) == (9, True)
    assert heard.loudness is not None
    assert -25 < heard.loudness.integrated < -5
    assert heard.loudness.true_peak < 6
    assert heard.lead_silence == pytest.approx(2.0, abs=0.1)
    assert heard.tail_silence == pytest.approx(0.0, abs=0.6)
    assert -50 <= heard.tuning <= 50
    assert heard.fingerprint
    assert Analysis.from_dict(heard.as_dict(), heard.fingerprint) == heard


def test_it_is_decoded_once(track: Path) -> None:
    Counted.passes = 0
    listen(Counted(str(track), RATE))
    assert Counted.passes == 1


def test_the_answer_is_the_same_each_time(track: Path) -> None:
    first, second = listen(opened(track)), listen(opened(track))
    assert np.array_equal(first[0], second[0])
    assert first[1] == second[1]


def test_sound_without_channels_has_no_loudness(track: Path) -> None:
    vector, heard = listen(MonoOnly(track))
    assert np.array_equal(vector, listen(opened(track))[0])
    assert (heard.loudness, heard.lead_silence, heard.tail_silence) == (None, None, None)
    assert heard.tempo is not None


def test_the_middle_by_seeking(track: Path) -> None:
    Counted.passes = 0
    _, heard = listen(Counted(str(track), RATE), 20.0)
    assert Counted.passes == 0
    assert heard.seconds == pytest.approx(20, abs=0.01)
    assert not heard.whole
    assert (heard.lead_silence, heard.tail_silence, heard.cues) == (None, None, ())
    _, whole = listen(opened(track))
    assert whole.loudness is not None
    assert heard.loudness is not None
    assert heard.loudness.integrated == pytest.approx(whole.loudness.integrated, abs=0.3)
    assert heard.key is not None
    assert whole.key is not None
    assert heard.key.key == whole.key.key


def test_a_beat_of_a_part_is_told_from_the_start_of_the_track(track: Path) -> None:
    _, heard = listen(opened(track), 20.0)
    assert heard.tempo is not None
    assert heard.tempo.first_beat is not None
    assert 11 <= heard.tempo.first_beat < 31


def test_the_middle_of_what_cannot_be_sought(track: Path) -> None:
    sought, sought_heard = listen(opened(track), 20.0)
    counted, counted_heard = listen(Unseekable(str(track), RATE), 20.0)
    assert sought @ counted > 0.9999
    assert counted_heard.seconds == sought_heard.seconds
    assert not counted_heard.whole
    assert counted_heard.loudness is not None
    assert sought_heard.loudness is not None
    assert counted_heard.loudness.integrated == pytest.approx(sought_heard.loudness.integrated, abs=0.05)
    mono, mono_heard = listen(MonoOnly(track), 20.0)
    assert np.array_equal(mono, counted)
    assert mono_heard.loudness is None


@pytest.mark.parametrize("seconds", [42.0, 90.0])
def test_a_track_that_is_no_longer_than_the_part_is_heard_whole(track: Path, seconds: float) -> None:
    vector, heard = listen(opened(track), seconds)
    assert heard.whole
    assert heard.lead_silence is not None
    assert np.array_equal(vector, listen(opened(track))[0])


def test_a_track_that_is_silent_in_its_middle_is_heard_whole(tmp_path: Path) -> None:
    sound = music(30)
    sound[8 * FILE_RATE : 22 * FILE_RATE] = 0.0
    _, heard = listen(opened(write_audio(tmp_path / "a.flac", sound, FILE_RATE)), 10.0)
    assert heard.whole
    assert heard.seconds == pytest.approx(30, abs=0.1)


def test_what_is_no_music_says_so(tmp_path: Path) -> None:
    silent = write_audio(tmp_path / "a.flac", np.zeros((5 * FILE_RATE, 2), np.float32), FILE_RATE)
    with pytest.raises(Silent):
        listen(opened(silent))
    with pytest.raises(Silent):
        listen(opened(silent), 2.0)
    short = write_audio(tmp_path / "b.wav", music(1)[:1000], FILE_RATE)
    with pytest.raises(TooShort):
        listen(opened(short))
    with pytest.raises(TooShort):
        listen(opened(short), 2.0)
    whole = write_audio(tmp_path / "c.flac", music(20), FILE_RATE).read_bytes()
    half = tmp_path / "half.flac"
    half.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Truncated):
        listen(opened(half))


def test_the_shortest_that_is_heard_at_all(tmp_path: Path) -> None:
    """Half a second: no tempo, no loudness range, and nothing breaks."""
    path = write_audio(tmp_path / "a.wav", music(0.6), FILE_RATE)
    vector, heard = listen(opened(path))
    assert np.isfinite(vector).all()
    assert heard.tempo is None
    assert heard.seconds == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize("kind", ["tone", "noise", "clicks", "constant"])
def test_odd_sounds_give_an_answer(kind: str, tmp_path: Path) -> None:
    at = np.arange(10 * FILE_RATE) / FILE_RATE
    sound = {
        "tone": 0.5 * np.sin(2 * np.pi * 440 * at),
        "noise": 0.2 * np.random.default_rng(2).standard_normal(len(at)),
        "clicks": (np.arange(len(at)) % (FILE_RATE // 2) == 0) * 0.9,
        "constant": np.full(len(at), 0.5),
    }[kind]
    path = write_audio(tmp_path / "a.wav", np.stack([sound, sound], axis=1).astype(np.float32), FILE_RATE)
    vector, heard = listen(opened(path))
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert Analysis.from_dict(heard.as_dict(), heard.fingerprint) == heard


def test_the_model_is_the_acoustic_one_and_tells_more(track: Path) -> None:
    model = ListeningAnalysis()
    assert isinstance(model, ListeningModel)
    vector, heard = model.listen(opened(track))
    assert heard.whole
    assert np.array_equal(model.encode([vector]), Acoustic().encode([Acoustic().prepare(opened(track))]))
    assert np.array_equal(model.prepare(opened(track)), vector)
    assert model.card.execution is Execution.PER_CORE
    assert model.card.name == model.card.spec.model == "analysis"


def test_a_part_is_another_spec(track: Path) -> None:
    whole, part = ListeningAnalysis(), ListeningAnalysis()
    whole.configure(ModelChoices())
    part.configure(ModelChoices(analysis_excerpt=20.0))
    prints = {fingerprint(model.card.spec) for model in (whole, part, ListeningAnalysis(), Acoustic())}
    assert len(prints) == 3
    assert part.card.coverage == "20 s from the middle"
    assert not part.listen(opened(track))[1].whole
