"""Music2Latent: the encoder against upstream's tensors, the adapters against computations of their own."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
import torch

from reprise.core import pooling
from reprise.core.choices import Coverage, ModelChoices
from reprise.core.ports import WindowedModel
from reprise.errors import WeightsMissing, WeightsRefused
from reprise.media.decode import AudioFile
from reprise.models.music2latent import HOP, WINDOW, Music2Latent, Music2LatentEnriched
from reprise.models.music2latent_encoder import Encoder, MeanFeatures, Shape, Spectrum, load_encoder
from reprise.models.registry import load_model
from tests.models.checkpoints import make_music2latent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

GOLDEN = Path(__file__).parent / "golden" / "music2latent.npz"
RATE = 44_100


class Samples:
    """Sound in memory as :class:`reprise.core.ports.Audio`, in blocks of odd length."""

    sample_rate = RATE

    def __init__(self, samples: Floats) -> None:
        self._samples = samples
        self.declared_seconds = len(samples) / RATE

    def blocks(self) -> Iterator[Floats]:
        for start in range(0, len(self._samples), 70_001):
            yield self._samples[start : start + 70_001]


def noise(seconds: float, seed: int = 5) -> Floats:
    """Noise whose loudness and colour move."""
    count = int(seconds * RATE)
    time = np.arange(count) / RATE
    rough = np.random.default_rng(seed).standard_normal(count)
    smooth = np.convolve(rough, np.ones(64) / 8, "same")
    mixed = np.where(np.sin(time) > 0, rough, smooth)
    moving: Floats = (0.1 * mixed * (1.2 + np.sin(1.7 * time))).astype(np.float32)
    return moving


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    make_music2latent(folder / "music2latent")
    return folder


def loaded(name: str, weights: Path, **choices: Any) -> WindowedModel:
    model = load_model(name, ModelChoices(weights=str(weights), device="cpu", precision="float32", **choices))
    assert isinstance(model, WindowedModel)
    model.load()
    return model


@pytest.fixture(scope="module")
def mean_model(weights: Path) -> WindowedModel:
    return loaded("music2latent", weights, coverage=Coverage.WHOLE)


@pytest.fixture(scope="module")
def enriched_model(weights: Path) -> WindowedModel:
    return loaded("music2latent-enriched", weights)


@pytest.fixture(scope="module")
def encoder(weights: Path) -> Encoder:
    return load_encoder(weights / "music2latent" / "music2latent.pt").eval()


def vector(model: WindowedModel, audio: Any) -> Floats:
    """As the engine makes it, one window at a time."""
    outputs = [model.encode([window])[0] for window in model.windows(audio)]
    return pooling.pool(model.card.spec.pooling, outputs)


def test_the_encoder_equals_upstreams() -> None:
    golden = np.load(GOLDEN)
    tensors = {
        name.removeprefix("encoder."): torch.from_numpy(golden[name])
        for name in golden.files
        if name.startswith("encoder.")
    }
    shape = Shape.of(tensors)
    assert shape == Shape(levels=(8,) * 5, bottleneck=16, depth=4, latents=16)
    network = Encoder(shape).eval()
    network.load_state_dict(tensors)
    with torch.inference_mode():
        spectra = Spectrum()(torch.from_numpy(golden["sound"]))
        features, latents = network.features(spectra), network.latents(spectra)
    np.testing.assert_allclose(spectra[:, :, ::37, ::5], golden["spectra"], atol=1e-5)
    np.testing.assert_allclose(features, golden["features"], atol=1e-5)
    np.testing.assert_allclose(latents, golden["latents"], atol=1e-5)
    assert golden["latents"].std() > 0.1, "the golden tensors say something"


def test_the_published_size_is_the_default() -> None:
    with torch.device("meta"):
        network = Encoder()
    assert sum(parameter.numel() for parameter in network.parameters()) == 16_261_568
    shape = Shape.of(network.state_dict())
    assert (shape.features, shape.latents) == (8192, 64)


def test_silence_is_a_number() -> None:
    spectra = Spectrum()(torch.zeros(1, WINDOW))
    assert torch.equal(spectra, torch.zeros(1, 2, 1024, 856))


def test_blocks_follow_each_other_without_a_gap() -> None:
    """The spectra of the windows, one after the other, are those of the whole: as upstream cuts a long file."""
    sound = torch.from_numpy(noise((HOP + WINDOW) / RATE + 0.001))[None]
    whole = Spectrum()(sound)
    first, second = Spectrum()(sound[:, :WINDOW]), Spectrum()(sound[:, HOP : HOP + WINDOW])
    assert first.shape[-1] == 856
    torch.testing.assert_close(whole, torch.cat([first, second], -1), atol=1e-6, rtol=0)


def test_cards(tmp_path: Path, weights: Path) -> None:
    for kind, dimension, pool in ((Music2Latent, 8192, "mean"), (Music2LatentEnriched, 576, "enriched")):
        model = kind()
        model.configure(ModelChoices(weights=str(weights), coverage=Coverage.SAMPLED))
        card = model.card
        assert (card.spec.dimension, card.spec.pooling, card.spec.sample_rate) == (dimension, pool, 44_100)
        assert (card.licence, card.commercial_use, card.missing) == ("CC-BY-NC-4.0", False, "")
        assert ("spread", "3" if kind is Music2Latent else "0") in card.spec.options
        model.configure(ModelChoices(weights=str(tmp_path)))
        assert model.card.missing == "music2latent.pt"
        with pytest.raises(WeightsMissing):
            model.load()


def test_many_windows_at_once_are_as_one_by_one(
    mean_model: WindowedModel, enriched_model: WindowedModel
) -> None:
    windows = [noise(WINDOW / RATE + 0.01, seed)[:WINDOW] for seed in (1, 2)]
    for model in (mean_model, enriched_model):
        together = np.stack(list(model.encode(windows)))
        alone = np.stack([model.encode([window])[0] for window in windows])
        scale = np.abs(alone).max()  # latents are handed out 17 times as large as the network makes them
        np.testing.assert_allclose(together / scale, alone / scale, atol=1e-5)
        assert np.abs(together[0] - together[1]).max() > 1e-2 * scale


def independent_spectra(sound: Floats) -> Floats:
    """(2, 1024, frames) by NumPy in double precision, of all frames that begin and end within the sound."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2048) / 2048)
    count = (len(sound) - 2048) // 512 + 1
    frames = np.stack([sound[512 * n : 512 * n + 2048] * hann for n in range(count)])
    spectra = np.fft.rfft(frames)[:, :1024].T
    compressed = 0.34 * np.abs(spectra) ** 0.65 * np.exp(1j * np.angle(spectra))
    return np.stack([compressed.real, compressed.imag]).astype(np.float32)


def independent_windows(sound: Floats, window: int, hop: int) -> list[Floats]:
    if len(sound) < window:
        return [np.append(sound, np.zeros(window - len(sound), np.float32))]
    starts = [n * hop for n in range((len(sound) - window) // hop + 1)]
    if starts[-1] + window < len(sound):
        starts.append(len(sound) - window)
    return [sound[start : start + window] for start in starts]


def independent_latents(encoder: Encoder, sound: Floats) -> Floats:
    """(T, 64), scaled as upstream's ``encode`` scales them."""
    spectra = independent_spectra(sound)
    spectra = spectra[..., : spectra.shape[-1] // 8 * 8]
    with torch.inference_mode():
        latents: Floats = (encoder.latents(torch.from_numpy(spectra)[None])[0].T / 0.06).numpy()
    return latents


def independent_enriched(encoder: Encoder, sound: Floats) -> Floats:
    latents = np.concatenate(
        [independent_latents(encoder, w) for w in independent_windows(sound, WINDOW, HOP)]
    )
    channels = latents.astype(np.complex128).T  # (64, T), as the source takes them
    rows = np.concatenate([channels.real, channels.imag, np.abs(channels)])
    middle = np.array([np.percentile(row, 75) - np.percentile(row, 25) for row in rows]) / 1.34898
    change = np.array([np.diff(row).mean() for row in rows])
    return np.concatenate([rows.mean(axis=1), middle, change]).astype(np.float32)


def assert_same_direction(found: Floats, expected: Floats) -> None:
    """Equal after the gate has brought both to unit length."""
    np.testing.assert_allclose(found / np.linalg.norm(found), expected / np.linalg.norm(expected), atol=1e-5)


@pytest.mark.parametrize("seconds", [23.7, 1.3])
def test_the_enriched_vector_equals_an_independent_one(
    seconds: float, enriched_model: WindowedModel, encoder: Encoder
) -> None:
    sound = noise(seconds)
    found = vector(enriched_model, Samples(sound))
    assert found.shape == (576,)
    assert_same_direction(found, independent_enriched(encoder, sound))
    assert not found.reshape(3, 3, 64)[:, 1].any(), "latents are real"
    assert found.reshape(3, 3, 64)[:, [0, 2]].any(axis=2).all()


def test_the_mean_vector_equals_an_independent_one(mean_model: WindowedModel, encoder: Encoder) -> None:
    sound = noise(23.7)
    means = []
    for window in independent_windows(sound, WINDOW, HOP):
        with torch.inference_mode():
            features = encoder.features(torch.from_numpy(independent_spectra(window))[None])
        means.append(features[0].numpy().mean(axis=1, dtype=np.float64))
    found = vector(mean_model, Samples(sound))
    assert found.shape == (8192,)
    assert_same_direction(found, np.mean(means, axis=0).astype(np.float32))


def write_wav(path: Path, channels: Floats, rate: int) -> Path:
    """Channels of shape (2, n) as a stereo WAV of 32-bit floats."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_f32le", rate=rate, layout="stereo")
        interleaved = np.ascontiguousarray(channels.T.reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout="stereo")
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_a_stereo_file_at_48_khz(tmp_path: Path, enriched_model: WindowedModel, encoder: Encoder) -> None:
    """What the decoder makes of a file is what is embedded: left and right differ, their mean is heard."""
    left, right = noise(12.0, 1), noise(12.0, 2)
    path = write_wav(tmp_path / "stereo.wav", np.stack([left, right]), 48_000)
    heard = np.concatenate(list(AudioFile(str(path), RATE).blocks()))
    assert abs(len(heard) - 12.0 * RATE * RATE / 48_000) < 100
    found = vector(enriched_model, AudioFile(str(path), RATE))
    assert_same_direction(found, independent_enriched(encoder, heard))


def test_a_track_that_is_sampled_hears_three_places(weights: Path) -> None:
    model = loaded("music2latent", weights, coverage=Coverage.SAMPLED)
    sound = noise(60.0)
    windows = list(model.windows(Samples(sound)))
    middles = [len(sound) * part // 6 for part in (1, 3, 5)]
    expected = [sound[middle - WINDOW // 2 : middle - WINDOW // 2 + WINDOW] for middle in middles]
    assert len(windows) == 3
    for window, place in zip(windows, expected, strict=True):
        np.testing.assert_array_equal(window, place)


def test_half_precision_stays_close(encoder: Encoder) -> None:
    network = MeanFeatures(encoder)
    windows = torch.from_numpy(np.stack([noise(WINDOW / RATE + 0.01, seed)[:WINDOW] for seed in (1, 2)]))
    with torch.inference_mode():
        exact = network(windows)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = network(windows).float()
    assert torch.nn.functional.cosine_similarity(exact, half).min() > 0.999
    assert not torch.equal(exact, half)


def rename_numpy(path: Path) -> None:
    """As an older NumPy pickled its scalars, and as the published file was."""
    with zipfile.ZipFile(path) as archive:
        entries = [(entry.filename, archive.read(entry)) for entry in archive.infolist()]
    renamed = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries:
            renamed += content.count(b"cnumpy._core.multiarray\nscalar")
            archive.writestr(name, content.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"))
    assert renamed == 1


def test_numbers_of_the_training_do_no_harm(tmp_path: Path) -> None:
    path = make_music2latent(tmp_path) / "music2latent.pt"
    rename_numpy(path)
    before = torch.serialization.get_safe_globals()
    assert isinstance(load_encoder(path), Encoder)
    assert set(torch.serialization.get_safe_globals()) == set(before), "allowed for this file only"


def test_other_weights_are_refused(tmp_path: Path) -> None:
    path = make_music2latent(tmp_path / "music2latent") / "music2latent.pt"
    generator = torch.load(path, weights_only=False)["gen_state_dict"]
    faults: list[tuple[Any, str]] = [
        ({"model": generator}, "gen_state_dict"),
        ({"gen_state_dict": {"encoder.layers.0.weight": torch.zeros(2)}}, "no encoder of Music2Latent"),
        ({"gen_state_dict": without(generator, "encoder.gain.scale")}, "missing: gain.scale"),
        ({"gen_state_dict": generator | {"encoder.extra": torch.zeros(1)}}, "of another network: extra"),
        (
            {"gen_state_dict": generator | {"encoder.conv_inp.weight": torch.zeros(8, 1, 3, 3)}},
            "of another shape: conv_inp.weight",
        ),
    ]
    for saved, reason in faults:
        torch.save(saved, path)
        with pytest.raises(WeightsRefused, match=reason):
            load_encoder(path)


def without(tensors: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: tensor for key, tensor in tensors.items() if key != name}


def test_a_smaller_network_is_refused(tmp_path: Path) -> None:
    make_music2latent(tmp_path / "music2latent", levels=(8, 8, 8, 8, 8))
    with pytest.raises(WeightsRefused, match="gives 256 features and 64 latents"):
        loaded("music2latent", tmp_path)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = make_music2latent(tmp_path / "music2latent") / "music2latent.pt"
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(WeightsRefused, match=r"music2latent\.pt"):
        loaded("music2latent", tmp_path)


class Malice:
    """Unpickled by a careless reader, this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_code_in_the_file_is_not_run(tmp_path: Path) -> None:
    path = make_music2latent(tmp_path / "music2latent") / "music2latent.pt"
    saved = torch.load(path, weights_only=False) | {"extra": Malice(tmp_path / "ran")}
    torch.save(saved, path)
    with pytest.raises(WeightsRefused):
        loaded("music2latent", tmp_path)
    assert not (tmp_path / "ran").exists()
