"""MERT: HuBERT with MERT's tensors, its windows, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from reprise.core.choices import Coverage, ModelChoices
from reprise.core.pooling import pool
from reprise.core.ports import WindowedModel
from reprise.errors import WeightsMissing, WeightsRefused
from reprise.media.decode import AudioFile
from reprise.models.mert import Mert, MertEnriched
from reprise.models.mert_encoder import LayersSideBySide, MeanOfLayers, read_hubert
from reprise.models.registry import load_model
from tests.models.checkpoints import MERT_CONFIG, make_clap, make_mert
from tests.models.plain_hubert import PlainHubert
from tests.models.sounds import Sound, piece, write_stereo

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from reprise.core.ports import Audio
    from reprise.models.network import Network

    Floats = NDArray[np.float32]

RATE = 24_000
CONTEXT = 5 * RATE
GOLDEN = Path(__file__).parent / "golden" / "mert.npz"
LARGE = {"do_stable_layer_norm": True}
SIZES = pytest.mark.parametrize("settings", [{}, LARGE], ids=["95M", "330M"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_mert(tmp_path / "mert")


def loaded(model: Network, weights: Path, coverage: Coverage = Coverage.WHOLE) -> Network:
    model.configure(
        ModelChoices(weights=str(weights), coverage=coverage, device="cpu", precision="float32", offline=True)
    )
    model.load()
    return model


def vector(model: Network, audio: Audio) -> Floats:
    """What the engine stores before it brings the vector to unit length."""
    outputs = [model.encode([window])[0] for window in model.windows(audio)]
    return pool(model.card.spec.pooling, outputs)


def reference(folder: Path) -> Callable[[Floats], NDArray[np.float64]]:
    """transformers' HuBERT and feature extractor as they come: a window to the mean over time of each state."""
    from transformers import HubertModel, Wav2Vec2FeatureExtractor

    network: Any = HubertModel.from_pretrained(folder, local_files_only=True)
    network.eval()
    extractor = Wav2Vec2FeatureExtractor.from_pretrained(folder)

    def states(window: Floats) -> NDArray[np.float64]:
        heard = extractor(window, sampling_rate=RATE, return_tensors="np").input_values
        with torch.inference_mode():
            output = network(torch.from_numpy(np.asarray(heard, np.float32)), output_hidden_states=True)
        found = [state[0].numpy() for state in output.hidden_states]
        found[-1] = output.last_hidden_state[0].numpy()
        return np.stack([state.astype(np.float64).mean(axis=0) for state in found])

    return states


def enriched(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """(windows, D) to (3 D,), from the definition."""
    ordered = np.sort(matrix, axis=0)

    def quantile(share: float) -> NDArray[np.float64]:
        place = share * (len(matrix) - 1)
        low = int(place)
        high = min(low + 1, len(matrix) - 1)
        return np.asarray(ordered[low] + (place - low) * (ordered[high] - ordered[low]))

    change = np.diff(matrix, axis=0).mean(axis=0) if len(matrix) > 1 else np.zeros(matrix.shape[1])
    spread = (quantile(0.75) - quantile(0.25)) / 1.34898
    return np.concatenate([matrix.sum(axis=0) / len(matrix), spread, change])


# -- the network --------------------------------------------------------------------------------------------------


@SIZES
def test_it_is_the_network_written_down_from_its_description(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    folder = make_mert(tmp_path, **settings)
    sound = torch.from_numpy(piece(2.0, RATE))
    plain = PlainHubert(torch.load(folder / "pytorch_model.bin"), MERT_CONFIG | settings)
    expected = plain.states(sound).mean(dim=1)
    network = LayersSideBySide(*read_hubert(folder)).eval()
    with torch.inference_mode():
        assert torch.allclose(network(sound[None])[0], expected.flatten(), atol=2e-5)
        mean = MeanOfLayers(*read_hubert(folder)).eval()(sound[None])[0]
    assert torch.allclose(mean, expected.mean(dim=0), atol=2e-5)


@SIZES
def test_the_golden_states_have_not_drifted(tmp_path: Path, settings: dict[str, Any]) -> None:
    """A change here is a change of meaning: raise the epoch, then make the file anew (golden/make_mert.py)."""
    golden = np.load(GOLDEN)["large" if settings else "small"]
    network = LayersSideBySide(*read_hubert(make_mert(tmp_path, **settings))).eval()
    with torch.inference_mode():
        got = network(torch.from_numpy(piece(1.0, RATE))[None])[0].numpy()
    assert np.allclose(got, golden.ravel(), atol=2e-5)


def test_tensors_under_the_names_of_a_newer_pytorch_are_the_same_network(
    folder: Path, tmp_path: Path
) -> None:
    newer = make_mert(tmp_path / "newer")
    tensors = torch.load(newer / "pytorch_model.bin")
    prefix = "encoder.pos_conv_embed.conv."
    for old, new in (("weight_g", "original0"), ("weight_v", "original1")):
        tensors[f"{prefix}parametrizations.weight.{new}"] = tensors.pop(prefix + old)
    del tensors["masked_spec_embed"]
    torch.save(tensors, newer / "pytorch_model.bin")
    sound = torch.from_numpy(piece(1.0, RATE))[None]
    with torch.inference_mode():
        one, other = (MeanOfLayers(*read_hubert(place)).eval()(sound) for place in (folder, newer))
    assert torch.equal(one, other)


def test_tensors_of_half_precision_become_single(folder: Path) -> None:
    path = folder / "pytorch_model.bin"
    torch.save({name: tensor.half() for name, tensor in torch.load(path).items()}, path)
    network, _ = read_hubert(folder)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


def test_loudness_and_offset_do_not_matter_where_the_preprocessor_says_so(folder: Path) -> None:
    sound = torch.from_numpy(piece(1.0, RATE))[None]
    with torch.inference_mode():
        network = MeanOfLayers(*read_hubert(folder)).eval()
        quiet = network(0.003 * sound + 0.1)
        assert torch.allclose(quiet, network(sound), atol=1e-3)
        path = folder / "preprocessor_config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"do_normalize": False}))
        plain = MeanOfLayers(*read_hubert(folder)).eval()
        assert not torch.allclose(plain(0.003 * sound + 0.1), quiet, atol=1e-2)


def test_many_windows_at_once_are_the_windows_one_by_one(folder: Path) -> None:
    model = loaded(Mert(), folder.parent)
    windows = [piece(5.0, RATE, seed) for seed in range(7)]
    together = np.stack(model.encode(windows))
    alone = np.stack([model.encode([window])[0] for window in windows])
    assert together.shape == (7, 32)
    assert np.allclose(together, alone, atol=1e-5)


def test_half_precision_costs_little(folder: Path) -> None:
    model = loaded(Mert(), folder.parent)
    windows = [*model.canaries(), piece(5.0, RATE)]
    exact = np.stack(model.encode(windows))
    network = model.build(folder).eval()
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        rough = network(torch.from_numpy(np.stack(windows))).numpy()
    assert rough.dtype == np.float32
    cosines = (exact * rough).sum(1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(rough, axis=1)
    assert 0.999 < cosines.min() < 1.0


@pytest.mark.long
def test_openvino_gives_the_same_numbers(folder: Path) -> None:
    model = loaded(Mert(), folder.parent)
    other = Mert()
    other.configure(
        ModelChoices(weights=str(folder.parent), device="cpu", precision="float32", engine="openvino")
    )
    other.load()
    assert "openvino" in other.placement()
    windows = [piece(5.0, RATE, seed) for seed in range(3)]
    assert np.allclose(np.stack(model.encode(windows)), np.stack(other.encode(windows)), atol=1e-4)


# -- tracks -------------------------------------------------------------------------------------------------------


def test_a_whole_track_is_the_mean_of_its_windows_of_five_seconds(folder: Path, tmp_path: Path) -> None:
    rate = 44_100
    left, right = piece(13.0, rate, 1), piece(13.0, rate, 2)
    path = str(write_stereo(tmp_path / "stereo.wav", left, right, rate))
    sound = np.concatenate(list(AudioFile(path, RATE).blocks()))
    states = reference(folder)
    starts = [0, CONTEXT, len(sound) - CONTEXT]
    expected = np.mean([states(sound[start : start + CONTEXT]).mean(axis=0) for start in starts], axis=0)
    got = vector(loaded(Mert(), folder.parent), AudioFile(path, RATE))
    assert got.shape == (32,)
    assert np.allclose(got, expected, atol=1e-5)


def test_sampled_it_hears_six_windows_spread_over_the_track(folder: Path) -> None:
    sound = piece(61.0, RATE)
    states = reference(folder)
    middles = [(2 * number + 1) * len(sound) // 12 for number in range(6)]
    expected = np.mean(
        [states(sound[middle - CONTEXT // 2 :][:CONTEXT]).mean(axis=0) for middle in middles], axis=0
    )
    got = vector(loaded(Mert(), folder.parent, Coverage.SAMPLED), Sound(sound, RATE))
    assert np.allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("coverage", list(Coverage))
def test_a_short_track_is_filled_up_with_silence(folder: Path, coverage: Coverage) -> None:
    sound = piece(1.7, RATE)
    expected = reference(folder)(np.pad(sound, (0, CONTEXT - len(sound)))).mean(axis=0)
    got = vector(loaded(Mert(), folder.parent, coverage), Sound(sound, RATE))
    assert np.allclose(got, expected, atol=1e-5)


def test_the_sources_vector_is_rebuilt_from_nothing_but_its_definition(tmp_path: Path) -> None:
    """Windows of 30 s every 5 s and one at the end, all states side by side, mean, spread and change."""
    folder = make_mert(tmp_path / "mert-330m", **LARGE)
    sound = piece(47.0, RATE)
    states = reference(folder)
    starts = [0, 5, 10, 15, 17]  # seconds
    rows = [states(sound[start * RATE : (start + 30) * RATE]).ravel() for start in starts]
    got = vector(loaded(MertEnriched(), tmp_path), Sound(sound, RATE))
    assert got.shape == (3 * 4 * 32,)
    assert np.allclose(got, enriched(np.stack(rows)), atol=2e-5)


def test_the_sources_vector_of_a_short_track_has_no_spread_and_no_change(tmp_path: Path) -> None:
    make_mert(tmp_path / "mert-330m", **LARGE)
    got = vector(loaded(MertEnriched(), tmp_path, Coverage.SAMPLED), Sound(piece(3.0, RATE), RATE))
    assert np.linalg.norm(got[:128]) > 1
    assert not got[128:].any()


def test_the_canaries_sound_nothing_alike(folder: Path) -> None:
    model = loaded(Mert(), folder.parent)
    one, other = model.encode(model.canaries())
    assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) < 0.999


# -- the card -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "dimension"), [("mert", 768), ("mert-enriched", 76_800)])
def test_without_weights_the_card_is_of_what_is_published(tmp_path: Path, name: str, dimension: int) -> None:
    card = load_model(name, ModelChoices(weights=str(tmp_path), coverage=Coverage.WHOLE)).card
    assert (card.spec.dimension, card.spec.weights) == (dimension, "missing")
    assert (card.licence, card.commercial_use, card.reads_text) == ("CC-BY-NC-4.0", False, False)
    assert card.missing == "pytorch_model.bin, config.json, preprocessor_config.json"
    assert len(card.revision) == 40


def test_the_variant_of_the_source_is_never_sampled(tmp_path: Path) -> None:
    cards = [
        load_model("mert-enriched", ModelChoices(weights=str(tmp_path), coverage=coverage)).card
        for coverage in Coverage
    ]
    assert cards[0].spec == cards[1].spec
    assert cards[0].coverage == "windows of 30 s every 5 s"


def test_with_weights_the_card_is_of_them(folder: Path) -> None:
    spec = load_model("mert", ModelChoices(weights=str(folder.parent))).card.spec
    assert spec.dimension == 32
    assert len(spec.weights) == 64


# -- refusals -----------------------------------------------------------------------------------------------------


def set_in(path: Path, **settings: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


@pytest.mark.parametrize(
    ("file", "settings", "reason"),
    [
        ("config.json", {"feature_extractor_cqt": True}, "sets feature_extractor_cqt: it hears a constant-Q"),
        ("config.json", {"deepnorm": True}, "sets deepnorm: its layers add up by DeepNorm"),
        ("config.json", {"model_type": "data2vec-audio"}, "of the kind 'data2vec-audio', not of MERT"),
        ("config.json", {"num_attention_heads": 5}, "describes no network: .*divisible by num_heads"),
        ("config.json", {"hidden_act": 3}, "describes no network: "),
        ("config.json", {"conv_stride": [5, 2]}, "describes no network: "),
        ("config.json", {"hidden_size": 48}, "of another shape: encoder.layer_norm.bias"),
        ("config.json", {"num_hidden_layers": 4}, r"missing: encoder.layers.3.\S+, .* and 13 more"),
        ("config.json", {"num_hidden_layers": 2}, "of another network: encoder.layers.2."),
        ("preprocessor_config.json", {"sampling_rate": 16_000}, "sound at 16000 Hz; MERT v1 hears 24000"),
    ],
)
def test_settings_of_another_network_are_refused(
    folder: Path, file: str, settings: dict[str, object], reason: str
) -> None:
    set_in(folder / file, **settings)
    with pytest.raises(WeightsRefused, match=reason) as caught:
        loaded(Mert(), folder.parent)
    assert file in caught.value.message


def test_the_card_says_what_is_wrong_with_the_settings(folder: Path) -> None:
    set_in(folder / "config.json", hidden_size="large")
    model = load_model("mert", ModelChoices(weights=str(folder.parent), offline=True))
    assert "hidden_size is 'large' instead of a number" in model.card.missing
    assert isinstance(model, WindowedModel)
    with pytest.raises(WeightsRefused):
        model.load()


def test_tensors_of_another_model_are_refused(folder: Path, tmp_path: Path) -> None:
    clap = make_clap(tmp_path / "clap")
    (folder / "pytorch_model.bin").write_bytes((clap / "pytorch_model.bin").read_bytes())
    with pytest.raises(WeightsRefused, match=r"missing: encoder.*of another network: audio_model"):
        loaded(Mert(), folder.parent)


def test_a_missing_tensor_is_named(folder: Path) -> None:
    path = folder / "pytorch_model.bin"
    tensors = torch.load(path)
    del tensors["encoder.layers.1.attention.k_proj.bias"]
    torch.save(tensors, path)
    with pytest.raises(WeightsRefused, match=r"missing: encoder.layers.1.attention.k_proj.bias$"):
        loaded(Mert(), folder.parent)


def test_truncated_and_missing_weights_are_refused(folder: Path) -> None:
    path = folder / "pytorch_model.bin"
    path.write_bytes(path.read_bytes()[:-2_000])
    with pytest.raises(WeightsRefused, match="truncated"):
        loaded(Mert(), folder.parent)
    path.unlink()
    with pytest.raises(WeightsMissing, match=r"pytorch_model\.bin"):
        loaded(Mert(), folder.parent)


def test_pickled_code_is_not_run(folder: Path, tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "ran",)  # type: ignore[return-value]

    torch.save({"encoder.layer_norm.weight": Attack()}, folder / "pytorch_model.bin")
    with pytest.raises(WeightsRefused):
        loaded(Mert(), folder.parent)
    assert not (tmp_path / "ran").exists()
