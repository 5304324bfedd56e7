"""The model ``acoustic``: the same recording is found in any coding, styles group, and nothing drifts."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reprise.analysis.acoustic import DIMENSION, GROUPS, combine, embed_audio, measure
from reprise.analysis.calibration import CALIBRATION
from reprise.analysis.document import markdown
from reprise.analysis.harmony import describe_harmony
from reprise.analysis.spectrum import HOP, SAMPLE_RATE, analyse
from reprise.core.spec import Execution, fingerprint
from reprise.demo.compose import render
from reprise.demo.encode import write_audio
from reprise.demo.styles import STYLES, style_named
from reprise.errors import Silent, TooShort
from reprise.media.decode import AudioFile
from reprise.models.acoustic import Acoustic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Sound = NDArray[np.float32]

GOLDEN = Path(__file__).parent / "data" / "acoustic_golden.json"
PAGE = Path(__file__).parents[1] / "docs" / "acoustic.md"
SUFFIXES = (".flac", ".mp3", ".m4a", ".ogg", ".opus")
SEEDS = range(16)
SECONDS = 12.0
ENCODED_RATE = 32_000
"""Hz: encoders are what this test spends its time on, and they cost by the sample."""


@dataclass
class Given:
    """Samples as :class:`reprise.core.ports.Audio`, cut into blocks of the given lengths in turn."""

    samples: Sound
    cuts: tuple[int, ...] = (65_536,)
    sample_rate: int = SAMPLE_RATE
    declared_seconds: float | None = None

    def blocks(self) -> Iterator[Sound]:
        start, turn = 0, 0
        while start < len(self.samples):
            stop = start + self.cuts[turn % len(self.cuts)]
            yield self.samples[start:stop]
            start, turn = stop, turn + 1


def rendered(style: str, seed: int, seconds: float = SECONDS) -> Sound:
    piece = render(style_named(style), seed, seconds, SAMPLE_RATE)
    return np.asarray(piece.samples.mean(axis=1), np.float32)


def vector(samples: Sound) -> Sound:
    return embed_audio(Given(samples))


def noise(seconds: float, level: float = 0.1) -> Sound:
    count = int(seconds * SAMPLE_RATE)
    return np.random.default_rng(0).standard_normal(count).astype(np.float32) * np.float32(level)


def sine(hertz: float, seconds: float) -> Sound:
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return np.asarray(0.5 * np.sin(2 * np.pi * hertz * time), np.float32)


# -- the vector ------------------------------------------------------------------------------------------------


def test_the_vector_has_unit_length_and_the_promised_dimension() -> None:
    got = vector(rendered("house", 1))
    assert got.shape == (DIMENSION,)
    assert got.dtype == np.float32
    assert np.linalg.norm(got) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("cuts", [(1,), (37, 4096, 1, 100_000), (1152,), (10_000_000,)])
def test_it_does_not_depend_on_how_blocks_are_cut(cuts: tuple[int, ...]) -> None:
    samples = rendered("rock", 2, 3.0 if cuts == (1,) else SECONDS)
    assert np.array_equal(embed_audio(Given(samples, cuts)), vector(samples))


@pytest.mark.parametrize("decibels", [-40, -12, 6, 20])
def test_it_does_not_depend_on_the_level(decibels: float) -> None:
    samples = rendered("swing", 3)
    louder = samples * np.float32(10 ** (decibels / 20))
    assert vector(samples) @ vector(louder) > 0.9999


def test_silence_around_a_track_hardly_counts() -> None:
    samples = rendered("reggae", 4, 20.0)
    quiet = np.zeros(2 * SAMPLE_RATE, np.float32)
    assert vector(samples) @ vector(np.concatenate([quiet, samples, quiet])) > 0.97


def test_the_golden_vector_has_not_drifted() -> None:
    """A change here is a change of meaning: raise the epoch, then write the file anew (see ``write_golden``)."""
    golden = json.loads(GOLDEN.read_text())
    got = vector(rendered(golden["style"], golden["seed"]))
    assert np.allclose(got, golden["vector"], atol=2e-3)
    assert float(got @ np.array(golden["vector"])) > 0.9999


def write_golden() -> None:
    row = {"style": "house", "seed": 77}
    numbers = [round(float(value), 5) for value in vector(rendered("house", 77))]
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps({**row, "vector": numbers}) + "\n")


# -- recall and styles, on encoded files --------------------------------------------------------------------------


@dataclass(frozen=True)
class Corpus:
    """``styles`` (n,); ``vectors`` by variant, each (n, dimension)."""

    styles: NDArray[np.intp]
    vectors: dict[str, Sound]


def _variants(folder: Path, style: int, seed: int) -> dict[str, Sound]:
    """One piece in every encoding, and its FLAC at other levels and with its ends cut off."""
    piece = render(STYLES[style], seed, SECONDS, ENCODED_RATE)
    out = {}
    for suffix in SUFFIXES:
        path = write_audio(folder / f"{style}-{seed}{suffix}", piece.samples, piece.sample_rate)
        out[suffix] = embed_audio(AudioFile(str(path), SAMPLE_RATE))
    sound = np.concatenate(list(AudioFile(str(folder / f"{style}-{seed}.flac"), SAMPLE_RATE).blocks()))
    second = SAMPLE_RATE
    out["-12 dB"] = vector(sound * np.float32(0.25))
    out["+6 dB, clipped"] = vector(np.clip(sound * 2, -1.0, 1.0))
    out["first second cut"] = vector(sound[second:])
    out["last second cut"] = vector(sound[:-second])
    out["1 s cut at both ends"] = vector(sound[second:-second])
    return out


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("corpus")
    jobs = [(style, seed) for seed in SEEDS for style in range(len(STYLES))]
    assert len(jobs) >= 200
    with ThreadPoolExecutor(2) as pool:
        rows = list(pool.map(lambda job: _variants(folder, *job), jobs))
    vectors = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    return Corpus(np.array([style for style, _ in jobs]), vectors)


VARIANTS = (
    *SUFFIXES[1:],
    "-12 dB",
    "+6 dB, clipped",
    "first second cut",
    "last second cut",
    "1 s cut at both ends",
)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_same_recording_is_always_the_nearest(corpus: Corpus, variant: str) -> None:
    nearest = np.argmax(corpus.vectors[variant] @ corpus.vectors[".flac"].T, axis=1)
    assert np.array_equal(nearest, np.arange(len(nearest)))


@pytest.mark.parametrize("one", SUFFIXES)
def test_codecs_find_each_other(corpus: Corpus, one: str) -> None:
    for other in SUFFIXES:
        nearest = np.argmax(corpus.vectors[one] @ corpus.vectors[other].T, axis=1)
        assert np.array_equal(nearest, np.arange(len(nearest))), other


def test_styles_group_far_above_chance(corpus: Corpus) -> None:
    vectors = corpus.vectors[".flac"]
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -2.0)
    precision = (corpus.styles[similarity.argmax(axis=1)] == corpus.styles).mean()
    assert precision > 0.9, "chance is 0.07"


def test_different_tracks_are_spread_out(corpus: Corpus) -> None:
    vectors = corpus.vectors[".flac"]
    similarity = vectors @ vectors.T
    between = similarity[~np.eye(len(vectors), dtype=bool)]
    assert abs(float(between.mean())) < 0.1
    assert float(between.std()) > 0.15


def test_long_cuts_of_longer_tracks() -> None:
    """Five seconds off either end of 40, as another edition of a recording may lack them."""
    pieces = [rendered(style.name, seed, 40.0) for style in STYLES for seed in range(4)]
    whole = np.stack([vector(piece) for piece in pieces])
    for cut in (slice(5 * SAMPLE_RATE, None), slice(None, -5 * SAMPLE_RATE)):
        parts = np.stack([vector(piece[cut]) for piece in pieces])
        own = np.sum(parts * whole, axis=1)
        assert own.min() > 0.8
        assert np.array_equal(np.argmax(parts @ whole.T, axis=1), np.arange(len(pieces)))


# -- what the numbers mean ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hertz", "key"), [(440.0, 9), (261.63, 0), (369.99, 6)])
def test_chroma_of_a_sine_is_its_note(hertz: float, key: int) -> None:
    harmony = describe_harmony(analyse(Given(sine(hertz, 3.0))))
    assert int(np.argmax(harmony.chroma)) == key
    assert harmony.tuning == pytest.approx(0.0, abs=0.08)


def test_tuning_is_found() -> None:
    flat = 440.0 * 2 ** (-0.3 / 12)
    harmony = describe_harmony(analyse(Given(sine(flat, 3.0))))
    assert harmony.tuning == pytest.approx(-0.3, abs=0.1)
    assert int(np.argmax(harmony.chroma)) == 9


def test_levels_are_calibrated() -> None:
    spectrum = analyse(Given(sine(1000.0, 2.0) * 2))
    assert spectrum.own_level == pytest.approx(0.0, abs=0.1), "a full-scale sine is 0 dBFS"
    assert spectrum.seconds == pytest.approx(2.0)
    assert spectrum.peak == pytest.approx(1.0, abs=1e-3)


# -- bad and odd input --------------------------------------------------------------------------------------------


def test_too_short_says_how_short() -> None:
    with pytest.raises(TooShort, match=r"0\.300 s of sound, less than 0\.5 s"):
        vector(sine(440.0, 0.3))
    with pytest.raises(TooShort, match=r"0\.000 s"):
        vector(np.zeros(0, np.float32))


def test_silence_says_how_silent() -> None:
    with pytest.raises(Silent, match=r"3\.0 s of sound peak at -inf dBFS, below -80 dBFS"):
        vector(np.zeros(3 * SAMPLE_RATE, np.float32))
    with pytest.raises(Silent, match=r"peak at -86 dBFS"):
        vector(sine(440.0, 1.0) * np.float32(1e-4))


def test_another_rate_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="22050 Hz, not 44100 Hz"):
        embed_audio(Given(sine(440.0, 1.0), sample_rate=44_100))


def _odd_sounds() -> dict[str, Sound]:
    click = np.zeros(2 * SAMPLE_RATE, np.float32)
    click[-3] = 1.0
    broken = noise(2.0)
    broken[1000:1010] = np.nan
    broken[5000] = np.inf
    return {
        "half a second": noise(0.5),
        "direct current": np.full(SAMPLE_RATE, 0.5, np.float32),
        "one click at the end": click,
        "inaudibly low": sine(15.0, 2.0),
        "one sine": sine(440.0, 2.0),
        "white noise": noise(5.0),
        "integers as floats": noise(2.0) * np.float32(32_768),
        "absurdly loud": noise(1.0) * np.float32(1e30),
        "not numbers": broken,
        "barely there": noise(2.0) * np.float32(2e-3),
        "a segment and a little": noise((64 * HOP + 3000) / SAMPLE_RATE),
    }


@pytest.mark.parametrize("name", _odd_sounds())
def test_odd_sounds_give_a_usable_vector(name: str) -> None:
    got = vector(_odd_sounds()[name])
    assert np.isfinite(got).all()
    assert np.linalg.norm(got) == pytest.approx(1.0, abs=1e-5)


def test_two_hours_need_bounded_memory() -> None:
    class TwoHours:
        sample_rate = SAMPLE_RATE
        declared_seconds = 7200.0

        def blocks(self) -> Iterator[Sound]:
            block = noise(SAMPLE_RATE * 3 / SAMPLE_RATE)
            for turn in range(2400):
                yield block * np.float32(0.2 + turn % 7)

    embed_audio(Given(noise(1.0)))  # imports and tables are not the point
    tracemalloc.start()
    try:
        spectrum = analyse(TwoHours())
        values = measure(spectrum)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert spectrum.seconds == pytest.approx(7200.0)
    assert np.isfinite(combine(values)).all()
    assert peak < 100e6


# -- the table, the page, the model -------------------------------------------------------------------------------


def test_the_table_is_whole() -> None:
    assert sum(len(group.dimensions) for group in GROUPS) == DIMENSION
    assert {group.name for group in GROUPS} == set(CALIBRATION)
    values = measure(analyse(Given(rendered("techno", 1, 5.0))))
    assert list(values) == [group.name for group in GROUPS]
    for group in GROUPS:
        assert len(group.centre) == len(group.scale) == len(group.dimensions) == len(values[group.name])
        assert min(group.scale) > 0
        assert group.source
        assert group.formula


def test_the_page_is_the_table() -> None:
    assert PAGE.read_text() == markdown(), "run: python -m reprise.analysis.document > docs/acoustic.md"


def test_the_card() -> None:
    card = Acoustic().card
    assert card.name == card.spec.model == "acoustic"
    assert card.spec.dimension == DIMENSION
    assert (card.spec.sample_rate, card.spec.hop) == (SAMPLE_RATE, HOP)
    assert card.execution is Execution.PER_CORE
    assert len(fingerprint(card.spec)) == 64


def test_prepare_does_all_and_encode_stacks() -> None:
    model = Acoustic()
    model.load()
    one, other = model.canaries()
    rows = model.encode([one, other])
    assert rows.shape == (2, DIMENSION)
    assert np.array_equal(rows[1], other)
    assert float(one @ other) < 0.5, "canaries sound nothing alike"


def test_importing_the_model_imports_nothing_heavy() -> None:
    code = (
        "import sys, reprise.models.acoustic as a; a.Acoustic();"
        "print([name for name in ('numpy', 'scipy', 'av', 'reprise.analysis') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
