"""CLAP: what it hears, what it reads, one space for both, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from reprise.core.choices import Coverage, ModelChoices
from reprise.core.pooling import pool
from reprise.core.ports import TextModel, WindowedModel
from reprise.errors import CanaryFailed, Silent, TooShort, WeightsMissing, WeightsRefused
from reprise.media.decode import AudioFile
from reprise.models.clap import Clap, repeated
from reprise.models.clap_audio import LogMel, read_audio_tower
from reprise.models.clap_text import TextTower
from reprise.models.registry import load_model
from tests.models.checkpoints import CLAP_AUDIO, make_clap, make_mert
from tests.models.sounds import Sound, piece, write_stereo

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reprise.core.ports import Audio

    Floats = NDArray[np.float32]

RATE = 48_000
CLIP = 10 * RATE
GOLDEN = Path(__file__).parent / "golden" / "clap.npz"
TEXTS = ["a slow sad piano ballad", "a heavy metal guitar solo", "jazz", "Bjørk: 忙しい", ""]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared: no test changes it."""
    return make_clap(tmp_path_factory.mktemp("weights") / "clap")


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    return make_clap(tmp_path / "clap")


def chosen(weights: Path, coverage: Coverage = Coverage.WHOLE) -> Clap:
    model = Clap()
    model.configure(
        ModelChoices(weights=str(weights), coverage=coverage, device="cpu", precision="float32", offline=True)
    )
    return model


def loaded(weights: Path, coverage: Coverage = Coverage.WHOLE) -> Clap:
    model = chosen(weights, coverage)
    model.load()
    return model


def vector(model: Clap, audio: Audio) -> Floats:
    outputs = [model.encode([window])[0] for window in model.windows(audio)]
    return pool(model.card.spec.pooling, outputs)


class Upstream:
    """transformers' own model, feature extractor and tokenizer, as they come."""

    def __init__(self, folder: Path) -> None:
        from transformers import ClapFeatureExtractor, ClapModel, PreTrainedTokenizerFast

        network: Any = ClapModel.from_pretrained(folder, local_files_only=True)
        self._network = network.eval()
        self.extractor = ClapFeatureExtractor.from_pretrained(folder)
        self._tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
            tokenizer_file=str(folder / "tokenizer.json"), pad_token="<pad>", model_max_length=32
        )

    def audio(self, clip: Floats) -> Floats:
        heard = self.extractor(clip, sampling_rate=RATE, return_tensors="pt")
        with torch.inference_mode():
            found: Floats = self._network.get_audio_features(**heard).pooler_output[0].numpy()
        return found

    def text(self, text: str) -> Floats:
        read = self._tokenizer([text], return_tensors="pt", truncation=True)
        with torch.inference_mode():
            features = self._network.get_text_features(read.input_ids, read.attention_mask)
        found: Floats = features.pooler_output[0].numpy()
        return found


@pytest.fixture(scope="module")
def upstream(folder: Path) -> Upstream:
    return Upstream(folder)


# -- what it hears ------------------------------------------------------------------------------------------------


def signals() -> dict[str, Floats]:
    time = np.arange(CLIP) / RATE
    noise = np.random.default_rng(3).standard_normal(CLIP)
    made: dict[str, NDArray[Any]] = {
        "piece": piece(10.0, RATE),
        "one loud tone": 0.9 * np.sin(2 * np.pi * 1000 * time),
        "faint noise": 1e-5 * noise,
        "half of it silent": np.where(time < 5, 0.1 * noise, 0.0),
    }
    return {name: sound.astype(np.float32) for name, sound in made.items()}


@pytest.mark.parametrize("name", list(signals()))
def test_the_spectrogram_is_that_of_the_published_extractor(upstream: Upstream, name: str) -> None:
    sound = signals()[name]
    expected = upstream.extractor(sound, sampling_rate=RATE, return_tensors="np")["input_features"]
    got = LogMel()(torch.from_numpy(sound)[None]).numpy()
    assert got.shape == expected.shape == (1, 1, 1001, 64)
    assert np.abs(got - expected).max() < 1e-4  # decibels


def test_half_precision_leaves_the_spectrogram_alone() -> None:
    sound = torch.from_numpy(piece(10.0, RATE))[None]
    front_end = LogMel()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = front_end(sound)
    assert torch.equal(rough, front_end(sound))


@pytest.mark.parametrize("name", list(signals()))
def test_a_clip_is_heard_as_upstream_hears_it(folder: Path, upstream: Upstream, name: str) -> None:
    sound = signals()[name]
    with torch.inference_mode():
        got = read_audio_tower(folder).eval()(torch.from_numpy(sound)[None])[0].numpy()
    assert got.shape == (16,)
    assert np.allclose(got, upstream.audio(sound), atol=1e-5)


def test_the_golden_vectors_have_not_drifted(folder: Path) -> None:
    """A change here is a change of meaning: raise the epoch, then make the file anew (golden/make_clap.py)."""
    golden = np.load(GOLDEN)
    with torch.inference_mode():
        audio = read_audio_tower(folder).eval()(torch.from_numpy(piece(10.0, RATE))[None])[0].numpy()
    assert np.allclose(audio, golden["audio"], atol=1e-5)
    assert np.allclose(TextTower(folder).encode("the sad guitar"), golden["text"], atol=1e-5)


def test_many_clips_at_once_are_the_clips_one_by_one(folder: Path) -> None:
    model = loaded(folder.parent)
    clips = [piece(10.0, RATE, seed) for seed in range(4)]
    together = np.stack(model.encode(clips))
    alone = np.stack([model.encode([clip])[0] for clip in clips])
    assert np.allclose(together, alone, atol=1e-5)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)


def test_half_precision_costs_little(folder: Path) -> None:
    model = loaded(folder.parent)
    clips = [*model.canaries(), piece(10.0, RATE)]
    exact = np.stack(model.encode(clips))
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        rough = read_audio_tower(folder).eval()(torch.from_numpy(np.stack(clips))).numpy()
    assert 0.999 < (exact * rough).sum(1).min() < 1.0


def test_the_canaries_sound_nothing_alike(folder: Path) -> None:
    model = loaded(folder.parent)
    one, other = model.encode(model.canaries())
    assert one @ other < 0.999


@pytest.mark.long
def test_openvino_gives_the_same_numbers(folder: Path) -> None:
    model, other = loaded(folder.parent), Clap()
    other.configure(
        ModelChoices(weights=str(folder.parent), device="cpu", precision="float32", engine="openvino")
    )
    other.load()
    assert "openvino" in other.placement()
    clips = [piece(10.0, RATE, seed) for seed in range(3)]
    assert np.allclose(np.stack(model.encode(clips)), np.stack(other.encode(clips)), atol=1e-4)


# -- tracks -------------------------------------------------------------------------------------------------------


def test_a_whole_track_is_the_mean_of_its_clips(folder: Path, upstream: Upstream, tmp_path: Path) -> None:
    rate = 44_100
    left, right = piece(24.0, rate, 1), piece(24.0, rate, 2)
    path = str(write_stereo(tmp_path / "stereo.wav", left, right, rate))
    sound = np.concatenate(list(AudioFile(path, RATE).blocks()))
    starts = [0, CLIP, len(sound) - CLIP]
    expected = np.mean([upstream.audio(sound[start : start + CLIP]) for start in starts], axis=0)
    got = vector(loaded(folder.parent), AudioFile(path, RATE))
    assert np.allclose(got, expected, atol=1e-5)


def test_sampled_it_hears_five_clips_spread_over_the_track(folder: Path, upstream: Upstream) -> None:
    sound = piece(71.0, RATE)
    middles = [(2 * number + 1) * len(sound) // 10 for number in range(5)]
    expected = np.mean([upstream.audio(sound[middle - CLIP // 2 :][:CLIP]) for middle in middles], axis=0)
    got = vector(loaded(folder.parent, Coverage.SAMPLED), Sound(sound, RATE))
    assert np.allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("coverage", list(Coverage))
@pytest.mark.parametrize("seconds", [0.7, 3.0, 6.0, 9.99])
def test_a_short_track_is_repeated_as_upstream_repeats_it(
    folder: Path, upstream: Upstream, coverage: Coverage, seconds: float
) -> None:
    sound = piece(seconds, RATE)
    got = vector(loaded(folder.parent, coverage), Sound(sound, RATE))
    assert np.allclose(got, upstream.audio(sound), atol=1e-5)


def test_a_track_that_lies_of_its_length_is_repeated_by_its_true_one(
    folder: Path, upstream: Upstream
) -> None:
    audio = Sound(piece(3.0, RATE), RATE)
    audio.declared_seconds = 200.0
    got = vector(loaded(folder.parent, Coverage.SAMPLED), audio)
    assert np.allclose(got, upstream.audio(piece(3.0, RATE)), atol=1e-5)


def test_repeats_are_whole() -> None:
    window = np.array([1, 2, 3, 0, 0, 0, 0, 0], np.float32)
    assert repeated(window, 3).tolist() == [1, 2, 3, 1, 2, 3, 0, 0]
    assert repeated(window, 8) is window


def test_silence_and_next_to_nothing_are_named(folder: Path) -> None:
    model = chosen(folder.parent)
    with pytest.raises(Silent):
        list(model.windows(Sound(np.zeros(3 * RATE, np.float32), RATE)))
    with pytest.raises(TooShort):
        list(model.windows(Sound(piece(0.2, RATE), RATE)))


# -- what it reads ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [*TEXTS, "sad guitar " * 60])
def test_a_text_is_read_as_upstream_reads_it(folder: Path, upstream: Upstream, text: str) -> None:
    model = chosen(folder.parent)
    model.load_text()
    got = model.encode_text(text)
    assert got.shape == (16,)
    assert got.dtype == np.float32
    assert np.allclose(got, upstream.text(text), atol=1e-5)


def test_reading_loads_nothing_that_hears(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers

    def refused(*_: Any) -> None:
        raise AssertionError("the audio tower was made")

    monkeypatch.setattr(transformers.ClapAudioModelWithProjection, "__init__", refused)
    monkeypatch.setattr(transformers.ClapModel, "__init__", refused)
    model = chosen(folder.parent)
    model.load_text()
    names = [name for name, _ in model._text._network.named_parameters()]  # type: ignore[union-attr]
    assert {name.split(".")[0] for name in names} == {"text_model", "text_projection"}
    assert np.linalg.norm(model.encode_text("jazz")) == pytest.approx(1)


def test_a_tower_that_says_the_same_of_everything_is_refused(own_folder: Path) -> None:
    """As the published larger_clap_music: every tensor is there, and no text differs from another."""
    path = own_folder / "pytorch_model.bin"
    tensors = torch.load(path)
    tensors["text_model.pooler.dense.weight"] *= 1e-3
    torch.save(tensors, path)
    with pytest.raises(CanaryFailed, match=r"says the same of 'a heavy metal guitar solo'") as caught:
        chosen(own_folder.parent).load_text()
    assert "larger_clap_general" in str(caught.value.cure)


# -- the card -----------------------------------------------------------------------------------------------------


def test_the_card_says_that_it_reads_and_may_be_sold(tmp_path: Path, folder: Path) -> None:
    model = load_model("clap", ModelChoices(weights=str(tmp_path)))
    assert isinstance(model, TextModel)
    assert isinstance(model, WindowedModel)
    card = model.card
    assert (card.spec.dimension, card.spec.weights) == (512, "missing")
    assert (card.licence, card.commercial_use, card.reads_text) == ("Apache-2.0", True, True)
    assert (card.coverage, card.spec.sample_rate) == ("5 windows of 10 s", RATE)
    assert len(card.revision) == 40
    assert chosen(folder.parent).card.spec.dimension == 16


# -- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "settings", "reason"),
    [
        ("config.json", {"model_type": "clip"}, "of the kind 'clip', not of CLAP"),
        ("config.json", {"audio_config": {"enable_fusion": True}}, "fused CLAP"),
        ("config.json", {"audio_config": {"depths": "four"}}, "describes no network: StrictData"),
        (
            "config.json",
            {"audio_config": CLAP_AUDIO | {"patch_stride": 0}},
            "describes no network: ZeroDivision",
        ),
        (
            "config.json",
            {"audio_config": CLAP_AUDIO | {"num_attention_heads": [3, 3, 3, 3]}},
            "describes no network: .*not a multiple of the number of attention heads",
        ),
        ("config.json", {"projection_dim": 24}, "of another shape: audio_projection.linear1.bias"),
        ("preprocessor_config.json", {"sampling_rate": 44_100}, "sampling_rate is 44100, .* with 48000"),
        ("preprocessor_config.json", {"truncation": "fusion"}, "truncation is 'fusion'"),
        ("preprocessor_config.json", {"frequency_min": 0}, "frequency_min is 0"),
    ],
)
def test_settings_of_another_network_are_refused(
    own_folder: Path, file: str, settings: dict[str, object], reason: str
) -> None:
    path = own_folder / file
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))
    with pytest.raises(WeightsRefused, match=reason) as caught:
        loaded(own_folder.parent)
    assert file in caught.value.message


def test_the_card_says_what_is_wrong_with_the_settings(own_folder: Path) -> None:
    path = own_folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"projection_dim": "wide"}))
    assert "projection_dim is 'wide' instead of a number" in chosen(own_folder.parent).card.missing
    with pytest.raises(WeightsRefused):
        chosen(own_folder.parent).load_text()


@pytest.mark.parametrize("tower", ["audio", "text"])
def test_tensors_of_another_model_are_refused(own_folder: Path, tmp_path: Path, tower: str) -> None:
    mert = make_mert(tmp_path / "mert")
    (own_folder / "pytorch_model.bin").write_bytes((mert / "pytorch_model.bin").read_bytes())
    model = chosen(own_folder.parent)
    with pytest.raises(WeightsRefused, match=f"missing: {tower}_model"):
        (model.load if tower == "audio" else model.load_text)()


def test_a_missing_tensor_of_one_tower_is_named_and_the_other_works(own_folder: Path) -> None:
    path = own_folder / "pytorch_model.bin"
    tensors = torch.load(path)
    del tensors["text_model.pooler.dense.bias"]
    torch.save(tensors, path)
    with pytest.raises(WeightsRefused, match=r"missing: text_model.pooler.dense.bias$"):
        chosen(own_folder.parent).load_text()
    assert len(loaded(own_folder.parent).encode([piece(10.0, RATE)])) == 1


def test_what_the_network_computes_itself_need_not_be_in_the_file(
    own_folder: Path, upstream: Upstream
) -> None:
    path = own_folder / "pytorch_model.bin"
    computed = ("position_ids", "token_type_ids", "relative_position_index", "num_batches_tracked")
    tensors = torch.load(path)
    left = {name: tensor for name, tensor in tensors.items() if not name.endswith(computed)}
    assert len(tensors) - len(left) == 8
    torch.save(left, path)
    model = loaded(own_folder.parent)
    model.load_text()
    assert np.allclose(model.encode([piece(10.0, RATE)])[0], upstream.audio(piece(10.0, RATE)), atol=1e-5)
    assert np.allclose(model.encode_text("jazz"), upstream.text("jazz"), atol=1e-5)


@pytest.mark.parametrize("content", ["{}", "no JSON", json.dumps({"model": {"type": "BPE"}})])
def test_a_file_that_is_no_tokenizer_is_refused(own_folder: Path, content: str) -> None:
    (own_folder / "tokenizer.json").write_text(content)
    with pytest.raises(WeightsRefused, match=r"tokenizer.json is no tokenizer"):
        chosen(own_folder.parent).load_text()


def test_a_tokenizer_with_more_words_than_the_network_is_refused(own_folder: Path) -> None:
    path = own_folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    tokenizer["model"]["vocab"] |= {f"word{number}": 1000 + number for number in range(90)}
    path.write_text(json.dumps(tokenizer))
    with pytest.raises(WeightsRefused, match=r"knows 385 tokens, the network 320"):
        chosen(own_folder.parent).load_text()


def test_truncated_and_missing_weights_are_refused(own_folder: Path) -> None:
    path = own_folder / "pytorch_model.bin"
    path.write_bytes(path.read_bytes()[:-2_000])
    with pytest.raises(WeightsRefused, match="truncated"):
        loaded(own_folder.parent)
    (own_folder / "tokenizer.json").unlink()
    with pytest.raises(WeightsMissing, match=r"tokenizer\.json"):
        chosen(own_folder.parent).load_text()
