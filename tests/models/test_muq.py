"""MuQ: equal to the published code layer by layer, its windows, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from reprise.core.choices import Coverage, ModelChoices
from reprise.core.pooling import pool
from reprise.errors import WeightsMissing, WeightsRefused
from reprise.media.decode import AudioFile
from reprise.models.muq import Muq, MuqEnriched
from reprise.models.muq_encoder import Encoder, Shape, load_encoder, mel_filters
from reprise.models.registry import load_model
from tests.models.checkpoints import make_mert
from tests.models.muq_checkpoints import MUQ_CONFIG, MUQ_PUBLISHED, make_muq, muq_layout
from tests.models.sounds import Sound, piece, write_stereo

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from reprise.core.ports import Audio
    from reprise.models.network import Network

    Floats = NDArray[np.float32]

RATE = 24_000
GOLDEN = Path(__file__).parent / "golden" / "muq.npz"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_muq(tmp_path / "muq")


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
    """A window to the mean over time of the last hidden state, which the golden test compares with the published code."""
    encoder = load_encoder(folder).eval()

    def heard(window: Floats) -> NDArray[np.float64]:
        with torch.inference_mode():
            frames = encoder(torch.from_numpy(window)[None])[0].numpy()
        return np.asarray(frames.astype(np.float64).sum(axis=0) / len(frames))

    return heard


def golden_encoder(folder: Path) -> tuple[Encoder, Any]:
    return load_encoder(folder).eval(), np.load(GOLDEN)


# -- the network --------------------------------------------------------------------------------------------------


def test_every_layer_is_what_the_published_code_gives(folder: Path) -> None:
    """``golden/make_muq.py`` ran the package ``muq`` 0.1.0 with the same tensors."""
    encoder, golden = golden_encoder(folder)
    with torch.inference_mode():
        layers = encoder.layers(torch.from_numpy(golden["waveforms"]))
    assert len(layers) == len(golden["layers"]) == MUQ_CONFIG["encoder_depth"] + 1
    for got, expected in zip(layers, golden["layers"], strict=True):
        assert got.shape == expected.shape == (2, 28, 64)
        assert np.abs(got.numpy() - expected).max() < 1e-5


def test_the_spectrum_is_torchaudios(folder: Path) -> None:
    encoder, golden = golden_encoder(folder)
    mel = encoder.spectrum(torch.from_numpy(golden["waveforms"])).numpy()
    assert mel.shape == golden["mel"].shape == (2, 128, 110)
    assert np.abs(mel - golden["mel"]).max() < 1e-5


def test_silence_is_minus_100_decibels(folder: Path) -> None:
    encoder, _ = golden_encoder(folder)
    stat = MUQ_CONFIG["stat"]
    expected = (-100 - stat["melspec_2048_mean"]) / stat["melspec_2048_std"]
    assert np.allclose(encoder.spectrum(torch.zeros(1, RATE)).numpy(), expected, atol=1e-6)


def test_mel_filters_are_triangles_between_neighbours_in_mel() -> None:
    """From the definition, in double precision."""
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 12_000 / 700), 130) / 2595) - 1)
    hertz = np.arange(1025) * RATE / 2048
    filters = mel_filters().numpy()
    for band in (0, 1, 40, 127):
        left, middle, right = edges[band : band + 3]
        expected = np.interp(hertz, [left, middle, right], [0, 1, 0], left=0, right=0)
        assert np.abs(filters[:, band] - expected).max() < 2e-5


def test_at_its_published_size_the_layout_has_the_published_files_length() -> None:
    """1,333,825,096 bytes is what the hub gives as the length of ``model.safetensors`` at the pinned revision.

    A safetensors file is eight bytes, a header that names every tensor with its shape and place, and the numbers: any
    tensor too many or too few, of another shape, or with a name of another length would show.
    """
    layout = muq_layout(MUQ_PUBLISHED)
    counters = {name for name in layout if name.endswith("num_batches_tracked")}
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in sorted(layout, key=lambda name: (name not in counters, name)):  # wide numbers lie first
        begin = end
        end += int(np.prod(layout[name])) * (8 if name in counters else 4)
        kind = "I64" if name in counters else "F32"
        header[name] = {"dtype": kind, "shape": list(layout[name]), "data_offsets": [begin, end]}
    words = len(json.dumps(header, separators=(",", ":")))
    assert 8 + words + -words % 8 + end == 1_333_825_096


def test_that_length_is_counted_as_safetensors_counts(folder: Path) -> None:
    path = folder / "model.safetensors"
    words = int.from_bytes(path.read_bytes()[:8], "little")
    header = json.loads(path.read_bytes()[8 : 8 + words])
    compact = len(json.dumps(header, separators=(",", ":")))
    assert compact + -compact % 8 == words
    names = [name for name in header if name != "__metadata__"]
    by_place = sorted(names, key=lambda name: header[name]["data_offsets"][0])
    assert by_place == sorted(names, key=lambda name: (not name.endswith("num_batches_tracked"), name))


def test_the_published_size_has_316_million_parameters() -> None:
    with torch.device("meta"):
        encoder = Encoder(Shape.of(MUQ_PUBLISHED, Path("config.json")))
    assert round(sum(parameter.numel() for parameter in encoder.parameters()) / 1e6) == 316


def test_where_the_settings_say_nothing_they_are_the_published_codes(tmp_path: Path) -> None:
    silent = {
        name: value for name, value in MUQ_PUBLISHED.items() if not name.startswith(("encoder", "conv_dim"))
    }
    path = tmp_path / "config.json"
    assert Shape.of(silent, path) == Shape.of(MUQ_PUBLISHED, path)
    assert Muq().dimension(silent) == 1024


def test_many_windows_at_once_are_the_windows_one_by_one(folder: Path) -> None:
    model = loaded(Muq(), folder.parent, Coverage.SAMPLED)
    windows = [piece(10.0, RATE, seed) for seed in range(5)]
    together = np.stack(model.encode(windows))
    alone = np.stack([model.encode([window])[0] for window in windows])
    assert together.shape == (5, 64)
    assert np.allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_half_precision_costs_little(folder: Path, precision: torch.dtype) -> None:
    model = loaded(Muq(), folder.parent, Coverage.SAMPLED)
    windows = [*model.canaries(), piece(10.0, RATE)]
    exact = np.stack(model.encode(windows))
    network = model.build(folder).eval()
    with torch.inference_mode(), torch.autocast("cpu", dtype=precision):
        rough = network(torch.from_numpy(np.stack(windows))).numpy()
    assert rough.dtype == np.float32
    cosines = (exact * rough).sum(1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(rough, axis=1)
    assert 0.9999 < cosines.min() < 1.0


def test_compiled_by_openvino_it_is_the_same_network(folder: Path) -> None:
    """Spectrum included: what is compiled takes waveforms."""
    exact = loaded(Muq(), folder.parent, Coverage.SAMPLED)
    compiled = Muq()
    compiled.configure(
        ModelChoices(
            weights=str(folder.parent),
            coverage=Coverage.SAMPLED,
            engine="openvino",
            precision="float32",
            offline=True,
        )
    )
    compiled.load()
    assert compiled.placement() == "cpu, openvino, float32"
    windows = [piece(10.0, RATE, seed) for seed in range(3)]
    assert np.allclose(compiled.encode(windows), exact.encode(windows), atol=1e-5)


def test_tensors_of_half_precision_become_single(folder: Path) -> None:
    path = folder / "model.safetensors"
    save_file(
        {name: it.half() if it.is_floating_point() else it for name, it in load_file(path).items()}, path
    )
    assert {parameter.dtype for parameter in load_encoder(folder).parameters()} == {torch.float32}


# -- tracks -------------------------------------------------------------------------------------------------------


def test_a_whole_track_is_the_mean_of_its_windows_of_thirty_seconds(folder: Path, tmp_path: Path) -> None:
    rate = 44_100
    left, right = piece(67.0, rate, 1), piece(67.0, rate, 2)
    path = str(write_stereo(tmp_path / "stereo.wav", left, right, rate))
    sound = np.concatenate(list(AudioFile(path, RATE).blocks()))
    heard = reference(folder)
    starts = [0, 30 * RATE, len(sound) - 30 * RATE]
    expected = np.mean([heard(sound[start : start + 30 * RATE]) for start in starts], axis=0)
    got = vector(loaded(Muq(), folder.parent), AudioFile(path, RATE))
    assert got.shape == (64,)
    assert np.allclose(got, expected, atol=1e-5)


def test_sampled_it_hears_three_windows_of_ten_seconds(folder: Path) -> None:
    sound = piece(61.0, RATE)
    heard = reference(folder)
    middles = [(2 * number + 1) * len(sound) // 6 for number in range(3)]
    expected = np.mean([heard(sound[middle - 5 * RATE :][: 10 * RATE]) for middle in middles], axis=0)
    got = vector(loaded(Muq(), folder.parent, Coverage.SAMPLED), Sound(sound, RATE))
    assert np.allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize(("coverage", "seconds"), [(Coverage.WHOLE, 30), (Coverage.SAMPLED, 10)])
def test_a_short_track_is_filled_up_with_silence(folder: Path, coverage: Coverage, seconds: int) -> None:
    sound = piece(1.7, RATE)
    expected = reference(folder)(np.pad(sound, (0, seconds * RATE - len(sound))))
    got = vector(loaded(Muq(), folder.parent, coverage), Sound(sound, RATE))
    assert np.allclose(got, expected, atol=1e-5)


def test_the_sources_vector_is_rebuilt_from_nothing_but_its_definition(tmp_path: Path) -> None:
    """Windows of 120 s every 15 s and one at the end; mean, distance of the quartiles, mean difference."""
    folder = make_muq(tmp_path / "muq", encoder_depth=1, conv_dim=4)
    sound = piece(147.0, RATE)
    heard = reference(folder)
    rows = np.stack([heard(sound[start * RATE :][: 120 * RATE]) for start in (0, 15, 27)])
    low, middle, high = np.sort(rows, axis=0)
    # Of three values the quartiles lie half way between the middle one and its neighbours.
    spread = ((middle + high) / 2 - (low + middle) / 2) / 1.34898
    change = ((rows[1] - rows[0]) + (rows[2] - rows[1])) / 2
    expected = np.concatenate([rows.sum(axis=0) / 3, spread, change])
    got = vector(loaded(MuqEnriched(), folder.parent), Sound(sound, RATE))
    assert got.shape == (3 * 64,)
    assert np.linalg.norm(got[64:128]) > 1e-3
    assert np.allclose(got, expected, atol=1e-5)


def test_the_sources_vector_of_a_short_track_has_no_spread_and_no_change(tmp_path: Path) -> None:
    folder = make_muq(tmp_path / "muq", encoder_depth=1, conv_dim=4)
    got = vector(loaded(MuqEnriched(), folder.parent, Coverage.SAMPLED), Sound(piece(3.0, RATE), RATE))
    assert np.linalg.norm(got[:64]) > 1
    assert not got[64:].any()


def test_the_canaries_sound_nothing_alike(folder: Path) -> None:
    model = loaded(Muq(), folder.parent)
    one, other = model.encode(model.canaries())
    assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) < 0.999


# -- the card -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "dimension"), [("muq", 1024), ("muq-enriched", 3072)])
def test_without_weights_the_card_is_of_what_is_published(tmp_path: Path, name: str, dimension: int) -> None:
    card = load_model(name, ModelChoices(weights=str(tmp_path), coverage=Coverage.WHOLE)).card
    assert (card.spec.dimension, card.spec.weights) == (dimension, "missing")
    assert (card.licence, card.commercial_use, card.reads_text) == ("CC-BY-NC-4.0", False, False)
    assert card.missing == "model.safetensors, config.json"
    assert len(card.revision) == 40


def test_coverage_is_said(tmp_path: Path) -> None:
    def coverage(name: str, choice: Coverage) -> str:
        return load_model(name, ModelChoices(weights=str(tmp_path), coverage=choice)).card.coverage

    assert coverage("muq", Coverage.WHOLE) == "whole track in windows of 30 s"
    assert coverage("muq", Coverage.SAMPLED) == "3 windows of 10 s"
    assert coverage("muq-enriched", Coverage.SAMPLED) == "windows of 120 s every 15 s"


def test_both_models_share_one_folder_of_weights(folder: Path) -> None:
    specs = [
        load_model(name, ModelChoices(weights=str(folder.parent))).card.spec
        for name in ("muq", "muq-enriched")
    ]
    assert [spec.dimension for spec in specs] == [64, 192]
    assert specs[0].weights == specs[1].weights != "missing"


# -- refusals -----------------------------------------------------------------------------------------------------


def set_in(path: Path, **settings: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def conformer(**settings: object) -> dict[str, object]:
    return {"w2v2_config": MUQ_CONFIG["w2v2_config"] | settings}


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"label_rate": 50}, "has label_rate 50; known is 25"),
        ({"hop_length": 320}, "has hop_length 320; known is 240"),
        ({"n_mels": 80}, "has n_mels 80; known is 128"),
        (conformer(position_embeddings_type="relative"), "position_embeddings_type 'relative'"),
        (conformer(hidden_act="gelu"), "has hidden_act 'gelu'; known is 'swish' or 'silu'"),
        (conformer(conv_depthwise_kernel_size=30), "30, which has no middle"),
        (conformer(num_attention_heads=5), "encoder_dim is 64, no multiple of 10"),
        (conformer(num_attention_heads=0), "num_attention_heads is 0"),
        (conformer(num_attention_heads=8), "of another shape: conformer.embed_positions.inv_freq$"),
        ({"encoder_dim": 72}, "of another shape: conformer.embed_positions.inv_freq, .* more"),
        ({"encoder_depth": 4}, r"missing: conformer.layers.3.\S+, .* more"),
        ({"encoder_depth": 2}, "of another network: conformer.layers.2"),
        ({"stat": {}}, "does not describe a MuQ encoder: KeyError"),
        ({"w2v2_config": 7}, "does not describe a MuQ encoder: TypeError"),
    ],
)
def test_settings_of_another_network_are_refused(
    folder: Path, settings: dict[str, object], reason: str
) -> None:
    set_in(folder / "config.json", **settings)
    with pytest.raises(WeightsRefused, match=reason):
        loaded(Muq(), folder.parent)


def test_the_settings_of_another_model_are_refused_by_name(folder: Path, tmp_path: Path) -> None:
    mert = make_mert(tmp_path / "mert")
    (folder / "config.json").write_bytes((mert / "config.json").read_bytes())
    model = Muq()
    model.configure(ModelChoices(weights=str(folder.parent), offline=True))
    with pytest.raises(WeightsRefused, match=r"config\.json does not describe this model: KeyError"):
        model.fetch(lambda _: None)


@pytest.mark.parametrize("dimension", ["large", -1, None, True])
def test_a_senseless_dimension_is_refused_before_anything_is_planned(folder: Path, dimension: object) -> None:
    set_in(folder / "config.json", encoder_dim=dimension)
    model = Muq()
    model.configure(ModelChoices(weights=str(folder.parent), offline=True))
    with pytest.raises(
        WeightsRefused, match=rf"config\.json does not describe this model: .*is {dimension!r}"
    ):
        model.fetch(lambda _: None)
    assert model.card.spec.weights == "refused"


def test_tensors_of_another_model_are_refused(folder: Path, tmp_path: Path) -> None:
    mert = make_mert(tmp_path / "mert")
    save_file(torch.load(mert / "pytorch_model.bin"), folder / "model.safetensors")
    with pytest.raises(WeightsRefused, match=r"missing: conformer.*of another network: encoder"):
        loaded(Muq(), folder.parent)


def test_a_missing_tensor_is_named(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    del tensors["model.conformer.layers.1.self_attn.linear_k.bias"]
    save_file(tensors, path)
    with pytest.raises(WeightsRefused, match=r"missing: conformer.layers.1.self_attn.linear_k.bias$"):
        loaded(Muq(), folder.parent)


def test_truncated_and_missing_weights_are_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-2_000])
    with pytest.raises(WeightsRefused, match="truncated"):
        loaded(Muq(), folder.parent)
    path.unlink()
    with pytest.raises(WeightsMissing, match=r"model\.safetensors"):
        loaded(Muq(), folder.parent)
