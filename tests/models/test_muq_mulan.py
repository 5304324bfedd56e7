"""MuQ-MuLan: both towers equal to the published code, clips, texts, and a folder put together from three repositories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from reprise.core.choices import Coverage, ModelChoices
from reprise.core.pooling import pool
from reprise.errors import TooShort, WeightsMissing, WeightsRefused
from reprise.media.decode import AudioFile
from reprise.models.muq_mulan import FILES, PARTS, MuqMulan
from reprise.models.muq_text import TextTower
from reprise.models.muq_towers import load_audio_tower
from reprise.models.registry import load_model
from tests.models.checkpoints import make_clap
from tests.models.hub_server import local_hub
from tests.models.muq_checkpoints import MULAN_CONFIG, fading_tones, make_mulan, make_muq
from tests.models.sounds import Sound, piece, write_stereo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from reprise.core.ports import Audio

    Floats = NDArray[np.float32]

RATE = 24_000
CLIP = 10 * RATE
TEXTS = ("a slow sad piano ballad", "heavy metal guitar solo.", "悲伤的钢琴曲", "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_mulan(tmp_path / "muq-mulan")


@pytest.fixture
def golden() -> Mapping[str, Floats]:
    """What the package ``muq`` 0.1.0 gave for the same tensors (``golden/make_muq.py``)."""
    with np.load(Path(__file__).parent / "golden" / "muq_mulan.npz") as file:
        return dict(file)


def model_of(weights: Path, coverage: Coverage = Coverage.WHOLE) -> MuqMulan:
    model = MuqMulan()
    model.configure(
        ModelChoices(weights=str(weights), coverage=coverage, device="cpu", precision="float32", offline=True)
    )
    return model


def loaded(weights: Path, coverage: Coverage = Coverage.WHOLE) -> MuqMulan:
    model = model_of(weights, coverage)
    model.load()
    return model


def reading(weights: Path) -> MuqMulan:
    model = model_of(weights)
    model.load_text()
    return model


def vector(model: MuqMulan, audio: Audio) -> Floats:
    """What the engine stores before it brings the vector to unit length."""
    outputs = [model.encode([window])[0] for window in model.windows(audio)]
    return pool(model.card.spec.pooling, outputs)


# -- sound --------------------------------------------------------------------------------------------------------


def test_a_track_has_the_published_codes_vector(folder: Path, golden: Mapping[str, Floats]) -> None:
    """Two clips and a half, of which the last is completed with the beginning."""
    track = Sound(fading_tones(25 * RATE, 3), RATE)
    model = loaded(folder.parent)
    clips = np.stack([model.encode([window])[0] for window in model.windows(track)])
    assert clips.shape == golden["clips"].shape == (3, 24)
    assert np.abs(clips - golden["clips"]).max() < 1e-5
    assert np.abs(vector(model, track) - golden["track"]).max() < 1e-5


@pytest.mark.parametrize("coverage", list(Coverage))
def test_a_short_track_has_the_published_codes_vector(
    folder: Path, golden: Mapping[str, Floats], coverage: Coverage
) -> None:
    track = Sound(fading_tones(25 * RATE, 3)[: 7 * RATE], RATE)
    assert np.abs(vector(loaded(folder.parent, coverage), track) - golden["short"]).max() < 1e-5


@pytest.mark.parametrize("seconds", [10.0, 30.0])
def test_a_track_of_whole_clips_is_cut_into_these(folder: Path, seconds: float) -> None:
    sound = piece(seconds, RATE)
    windows = np.concatenate(list(model_of(folder.parent).windows(Sound(sound, RATE))))
    assert np.array_equal(windows, sound)


def test_a_very_short_track_is_repeated(folder: Path) -> None:
    sound = piece(1.5, RATE)
    (window,) = model_of(folder.parent).windows(Sound(sound, RATE))
    assert np.array_equal(window, np.tile(sound, 7)[:CLIP])


@pytest.mark.parametrize("coverage", list(Coverage))
def test_repeating_does_not_make_a_track_long_enough(folder: Path, coverage: Coverage) -> None:
    with pytest.raises(TooShort, match=r"lasts 0\.40 s"):
        list(model_of(folder.parent, coverage).windows(Sound(piece(0.4, RATE), RATE)))


def test_sampled_it_hears_three_clips_of_the_track_itself(folder: Path) -> None:
    sound = piece(61.0, RATE)
    middles = [(2 * number + 1) * len(sound) // 6 for number in range(3)]
    windows = list(model_of(folder.parent, Coverage.SAMPLED).windows(Sound(sound, RATE)))
    assert len(windows) == 3
    for window, middle in zip(windows, middles, strict=True):
        assert np.array_equal(window, sound[middle - CLIP // 2 :][:CLIP])


def test_a_stereo_file_of_another_rate(folder: Path, tmp_path: Path) -> None:
    rate = 44_100
    path = str(write_stereo(tmp_path / "stereo.wav", piece(13.0, rate, 1), piece(13.0, rate, 2), rate))
    sound = np.concatenate(list(AudioFile(path, RATE).blocks()))
    clips = [sound[:CLIP], np.concatenate([sound[CLIP:], sound[: 2 * CLIP - len(sound)]])]
    with torch.inference_mode():
        expected = load_audio_tower(folder).eval()(torch.from_numpy(np.stack(clips))).numpy().mean(axis=0)
    assert np.allclose(vector(loaded(folder.parent), AudioFile(path, RATE)), expected, atol=1e-5)


def test_many_clips_at_once_are_the_clips_one_by_one(folder: Path) -> None:
    model = loaded(folder.parent)
    windows = [piece(10.0, RATE, seed) for seed in range(5)]
    together = np.stack(model.encode(windows))
    alone = np.stack([model.encode([window])[0] for window in windows])
    assert np.allclose(together, alone, atol=1e-5)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)


def test_another_hidden_state_can_be_the_one_that_is_used(tmp_path: Path) -> None:
    audio = MULAN_CONFIG["audio_model"]
    clip = torch.from_numpy(piece(10.0, RATE))[None]
    heard = []
    for layer in (-1, 3, 2):
        folder = make_mulan(tmp_path / str(layer), audio_model=audio | {"use_layer_idx": layer})
        with torch.inference_mode():
            heard.append(load_audio_tower(folder).eval()(clip))
    assert torch.equal(heard[0], heard[1])
    assert not torch.allclose(heard[0], heard[2], atol=1e-3)


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_half_precision_costs_little(folder: Path, precision: torch.dtype) -> None:
    model = loaded(folder.parent)
    windows = [*model.canaries(), piece(10.0, RATE)]
    exact = np.stack(model.encode(windows))
    network = model.build(folder).eval()
    with torch.inference_mode(), torch.autocast("cpu", dtype=precision):
        rough = network(torch.from_numpy(np.stack(windows))).numpy()
    assert rough.dtype == np.float32
    assert 0.9999 < (exact * rough).sum(axis=1).min() < 1.0


def test_compiled_by_openvino_the_ears_are_the_same(folder: Path) -> None:
    exact = loaded(folder.parent)
    compiled = MuqMulan()
    compiled.configure(
        ModelChoices(weights=str(folder.parent), engine="openvino", precision="float32", offline=True)
    )
    compiled.load()
    assert compiled.placement() == "cpu, openvino, float32"
    windows = [piece(10.0, RATE, seed) for seed in range(3)]
    assert np.allclose(compiled.encode(windows), exact.encode(windows), atol=1e-5)


def test_the_canaries_sound_nothing_alike(folder: Path) -> None:
    model = loaded(folder.parent)
    one, other = model.encode(model.canaries())
    assert one @ other < 0.999


# -- text ---------------------------------------------------------------------------------------------------------


def test_texts_have_the_published_codes_vectors(folder: Path, golden: Mapping[str, Floats]) -> None:
    model = reading(folder.parent)
    for text, expected in zip(TEXTS, golden["read"], strict=True):
        got = model.encode_text(text)
        assert got.shape == (24,)
        assert np.abs(got - expected).max() < 1e-5, text


def test_tokens_are_those_of_transformers(folder: Path, golden: Mapping[str, Floats]) -> None:
    tower = TextTower(folder)
    for text, expected in zip(TEXTS, golden["tokens"], strict=True):
        assert tower.tokens(text) == [number for number in expected.tolist() if number >= 0]


def test_what_goes_beyond_the_longest_text_is_left_out(folder: Path) -> None:
    """The tiny tower has 40 positions; two of them lie before the first token."""
    tower = TextTower(folder)
    tokens = tower.tokens("piano " * 60)
    assert (len(tokens), tokens[0], tokens[-1]) == (38, 0, 2)
    assert np.isclose(np.linalg.norm(tower.encode("piano " * 60)), 1, atol=1e-6)


def test_where_the_settings_say_nothing_they_are_the_published_codes(folder: Path) -> None:
    before = reading(folder.parent).encode_text("piano")
    transformer = dict(MULAN_CONFIG["text_transformer"])
    assert transformer.pop("ff_mult") == 4
    set_in(folder / "config.json", text_transformer=transformer)
    assert np.array_equal(reading(folder.parent).encode_text("piano"), before)


def test_reading_needs_no_ears_and_hearing_no_eyes(folder: Path) -> None:
    path = folder / "pytorch_model.bin"
    tensors = torch.load(path)
    torch.save({name: it for name, it in tensors.items() if not name.startswith("mulan.audio")}, path)
    assert reading(folder.parent).encode_text("piano").shape == (24,)
    torch.save({name: it for name, it in tensors.items() if not name.startswith("mulan.text")}, path)
    assert len(loaded(folder.parent).encode([piece(10.0, RATE)])[0]) == 24


def test_a_text_tower_without_a_layer_between(tmp_path: Path) -> None:
    """Where XLM-RoBERTa is as wide as the transformer, the published code has none."""
    narrow = MULAN_CONFIG["text_transformer"] | {"dim": 32}
    folder = make_mulan(tmp_path / "muq-mulan", text_transformer=narrow)
    assert not [name for name in torch.load(folder / "pytorch_model.bin") if ".text.proj." in name]
    assert reading(tmp_path).encode_text("piano").shape == (24,)


# -- the card and the folder --------------------------------------------------------------------------------------


def test_without_weights_the_card_is_of_what_is_published(tmp_path: Path) -> None:
    card = load_model("muq-mulan", ModelChoices(weights=str(tmp_path), coverage=Coverage.WHOLE)).card
    assert (card.spec.dimension, card.spec.weights) == (512, "missing")
    assert (card.licence, card.commercial_use, card.reads_text) == ("CC-BY-NC-4.0", False, True)
    assert card.coverage == "whole track in windows of 10 s"
    assert card.missing.split(", ") == list(FILES)


def test_with_weights_the_card_is_of_them(folder: Path) -> None:
    spec = model_of(folder.parent).card.spec
    assert spec.dimension == 24
    assert len(spec.weights) == 64


def test_another_tokenizer_is_another_fingerprint(folder: Path) -> None:
    before = model_of(folder.parent).card.spec.weights
    path = folder / "xlm-roberta-base" / "tokenizer.json"
    path.write_text(path.read_text() + "\n")
    assert model_of(folder.parent).card.spec.weights != before


def test_what_is_missing_is_said_by_the_repository_that_has_it(folder: Path) -> None:
    model = model_of(folder.parent)
    for name in FILES:
        (folder / name).unlink()
    with pytest.raises(WeightsMissing) as caught:
        model.fetch(lambda _: None)
    for repository, names, where in (
        ("OpenMuQ/MuQ-MuLan-large", "pytorch_model.bin, config.json", folder),
        ("OpenMuQ/MuQ-large-msd-iter", "config.json", folder / "MuQ-large-msd-iter"),
        ("FacebookAI/xlm-roberta-base", "config.json, tokenizer.json", folder / "xlm-roberta-base"),
    ):
        assert f"put {names} of {repository}, revision " in caught.value.cure
        assert caught.value.cure.count(f"into {where}") >= 1


def test_only_what_is_missing_is_asked_for(folder: Path) -> None:
    (folder / "xlm-roberta-base" / "tokenizer.json").unlink()
    with pytest.raises(WeightsMissing) as caught:
        model_of(folder.parent).load_text()
    assert caught.value.cure == (
        "put tokenizer.json of FacebookAI/xlm-roberta-base, revision "
        f"{PARTS['xlm-roberta-base'].revision}, into {folder / 'xlm-roberta-base'}"
    )


def test_the_folder_is_put_together_from_three_repositories(
    folder: Path, tmp_path: Path, golden: Mapping[str, Floats]
) -> None:
    """The hub on this machine knows one ``config.json`` for all: they are put in place by hand here."""
    target = tmp_path / "fetched" / "muq-mulan"
    for name in FILES:
        if name.endswith("config.json"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes((folder / name).read_bytes())
    files = {
        "pytorch_model.bin": (folder / "pytorch_model.bin").read_bytes(),
        "tokenizer.json": (folder / "xlm-roberta-base" / "tokenizer.json").read_bytes(),
    }
    said: list[str] = []
    with local_hub(files) as hub:
        model = MuqMulan()
        model.configure(ModelChoices(weights=str(target.parent), hub=hub.address, device="cpu"))
        model.fetch(said.append)
        asked = {path for _, path, _ in hub.requests}
    assert {path.split("/resolve/")[0].strip("/") for path in asked} == {
        "OpenMuQ/MuQ-MuLan-large",
        "FacebookAI/xlm-roberta-base",
    }
    assert any("CC-BY-NC-4.0, for non-commercial use only" in line for line in said)
    assert any("xlm-roberta-base: weights are MIT;" in line for line in said)
    model.load_text()
    assert np.abs(model.encode_text(TEXTS[0]) - golden["read"][0]).max() < 1e-5


# -- refusals -----------------------------------------------------------------------------------------------------


def set_in(path: Path, **settings: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


@pytest.mark.parametrize(
    ("file", "settings", "reason"),
    [
        ("config.json", {"audio_model": {"model_dim": 72}}, "wants 72 dimensions of MuQ, .* has 64"),
        ("config.json", {"audio_model": {"model_dim": 64, "use_layer_idx": 4}}, "hidden state 4 of MuQ's 4"),
        ("config.json", {"audio_transformer": {}}, r"missing: transformer.layers.10.\S+, .* more"),
        ("config.json", {"audio_transformer": None}, "does not describe MuQ-MuLan: TypeError"),
        (
            "config.json",
            {"audio_transformer": MULAN_CONFIG["audio_transformer"] | {"tf_depth": 3}},
            "missing: trans",
        ),
        ("MuQ-large-msd-iter/config.json", {"encoder_depth": 4}, r"missing: source.conformer.layers.3."),
        (
            "MuQ-large-msd-iter/config.json",
            {"label_rate": 50},
            r"MuQ-large-msd-iter/config.json has label_rate 50",
        ),
    ],
)
def test_settings_of_other_ears_are_refused(
    folder: Path, file: str, settings: dict[str, object], reason: str
) -> None:
    set_in(folder / file, **settings)
    with pytest.raises(WeightsRefused, match=reason):
        loaded(folder.parent)


@pytest.mark.parametrize(
    ("file", "settings", "reason"),
    [
        ("config.json", {"text_model": {"model_dim": 48}}, "wants 48 dimensions of XLM-RoBERTa, not 32"),
        (
            "config.json",
            {"text_transformer": MULAN_CONFIG["text_transformer"] | {"heads": 2}},
            "of another shape: t",
        ),
        ("xlm-roberta-base/config.json", {"model_type": "bert"}, "of the kind 'bert', not of XLM-RoBERTa"),
        ("xlm-roberta-base/config.json", {"num_attention_heads": 5}, "describes no network: "),
        ("xlm-roberta-base/config.json", {"hidden_size": "wide"}, "describes no XLM-RoBERTa: "),
        (
            "xlm-roberta-base/config.json",
            {"num_hidden_layers": 1},
            "of another network: source.encoder.layer.1.",
        ),
        ("xlm-roberta-base/config.json", {"vocab_size": 30}, "of another shape: source.embeddings.word"),
    ],
)
def test_settings_of_other_eyes_are_refused(
    folder: Path, file: str, settings: dict[str, object], reason: str
) -> None:
    set_in(folder / file, **settings)
    with pytest.raises(WeightsRefused, match=reason):
        reading(folder.parent)


def test_a_tokenizer_that_is_none_or_of_another_network_is_refused(folder: Path, tmp_path: Path) -> None:
    path = folder / "xlm-roberta-base" / "tokenizer.json"
    path.write_text('{"version": "1.0"}')
    with pytest.raises(WeightsRefused, match=r"tokenizer\.json is no tokenizer"):
        reading(folder.parent)
    path.write_bytes((make_clap(tmp_path / "clap") / "tokenizer.json").read_bytes())
    with pytest.raises(WeightsRefused, match=r"knows \d\d\d tokens, the network 120"):
        reading(folder.parent)


def test_the_settings_of_another_model_are_refused_before_anything_is_planned(folder: Path) -> None:
    muq = make_muq(folder.parent / "muq")
    (folder / "config.json").write_bytes((muq / "config.json").read_bytes())
    with pytest.raises(
        WeightsRefused, match=r"config\.json does not describe this model: KeyError\('mulan'\)"
    ):
        model_of(folder.parent).fetch(lambda _: None)


def test_tensors_of_another_model_are_refused(folder: Path, tmp_path: Path) -> None:
    clap = make_clap(tmp_path / "clap")
    (folder / "pytorch_model.bin").write_bytes((clap / "pytorch_model.bin").read_bytes())
    with pytest.raises(WeightsRefused, match=r"missing: proj\.bias"):
        loaded(folder.parent)
    with pytest.raises(WeightsRefused, match=r"missing: proj\.bias"):
        reading(folder.parent)


def test_truncated_weights_and_pickled_code_are_refused(folder: Path, tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "ran",)

    path = folder / "pytorch_model.bin"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsRefused, match="truncated"):
        loaded(folder.parent)
    torch.save({"mulan.audio.proj.bias": Attack()}, path)
    with pytest.raises(WeightsRefused):
        reading(folder.parent)
    assert not (tmp_path / "ran").exists()
