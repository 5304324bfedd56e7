"""CLIP and SigLIP 2: the way from a picture to pixels, both towers, one space for pictures and texts, and refusals."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from reprise.core.choices import ModelChoices
from reprise.core.items import ItemKind
from reprise.core.ports import Document, DownloadableModel, ReadingModel, TextModel
from reprise.core.spec import Execution, fingerprint
from reprise.errors import NotAPicture, WeightsMissing, WeightsRefused
from reprise.models.clip_image import ClipPictures
from reprise.models.scene_image import SceneImage
from reprise.models.scene_persons import PersonPhoto, ScenePersons
from reprise.models.siglip_image import SiglipPictures
from tests.models.checkpoints import make_text_model
from tests.models.drawn import landscape, saved
from tests.models.hub_server import local_hub
from tests.models.picture_checkpoints import SIDE, make_clip, make_siglip

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image

    Floats = NDArray[np.float32]

METHODS = ["clip", "siglip2"]
MAKERS = {"clip": make_clip, "siglip2": make_siglip}
DIMENSIONS = {"clip": 16, "siglip2": 32}
TEXTS = ["A photo of a CAT on a red sofa", "two people talk", "a dog", "dog " * 80, ""]
SHAPES = [(320, 180), (180, 320), (32, 32), (333, 101), (47, 33), (1, 9), (20, 16)]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared: no test changes it."""
    folder = tmp_path_factory.mktemp("weights")
    for method, make in MAKERS.items():
        make(folder / method)
    return folder


@pytest.fixture
def own(tmp_path: Path) -> Path:
    for method, make in MAKERS.items():
        make(tmp_path / method)
    return tmp_path


def chosen(weights: Path, method: str, **others: Any) -> SceneImage:
    choices: dict[str, Any] = {"device": "cpu", "precision": "float32", "offline": True} | others
    model = SceneImage()
    model.configure(ModelChoices(weights=str(weights), image_model=method, **choices))
    return model


def loaded(weights: Path, method: str, **choices: Any) -> SceneImage:
    model = chosen(weights, method, **choices)
    model.load()
    return model


class Upstream:
    """transformers' own model, image processor and tokenizer, as they come."""

    def __init__(self, folder: Path, method: str) -> None:
        import transformers

        clip = method == "clip"
        kind: Any = transformers.CLIPModel if clip else transformers.SiglipModel
        processor: Any = transformers.CLIPImageProcessorPil if clip else transformers.SiglipImageProcessorPil
        self.network = kind.from_pretrained(folder, local_files_only=True).eval()
        self.processor = processor.from_pretrained(folder, local_files_only=True)
        end = "<|endoftext|>" if clip else "<eos>"
        wrapped: Any = transformers.PreTrainedTokenizerFast
        self._tokenizer = wrapped(
            tokenizer_file=str(folder / "tokenizer.json"),
            eos_token=end,
            pad_token=end if clip else "<pad>",
            model_max_length=24 if clip else 16,
            padding_side="right",
        )
        self._clip = clip

    def pixels(self, image: Image.Image) -> Floats:
        found: Floats = self.processor(image, return_tensors="np")["pixel_values"][0]
        return found

    def pictures(self, images: list[Image.Image]) -> Floats:
        batch = torch.from_numpy(np.stack([self.pixels(image) for image in images]))
        with torch.inference_mode():
            return _unit(self.network.get_image_features(pixel_values=batch))

    def texts(self, texts: list[str]) -> Floats:
        """In one padded batch, as the models' cards recommend: SigLIP's in lower case and to the full length."""
        given = texts if self._clip else [text.lower() for text in texts]
        padding = True if self._clip else "max_length"
        batch = self._tokenizer(given, padding=padding, truncation=True, return_tensors="pt")
        mask = {"attention_mask": batch.attention_mask} if self._clip else {}
        with torch.inference_mode():
            return _unit(self.network.get_text_features(input_ids=batch.input_ids, **mask))


def _unit(output: Any) -> Floats:
    found: Floats = torch.nn.functional.normalize(output.pooler_output, dim=-1).numpy()
    return found


@pytest.fixture(scope="module")
def upstream(weights: Path) -> dict[str, Upstream]:
    return {method: Upstream(weights / method, method) for method in METHODS}


# pictures


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", SHAPES)
def test_pixels_are_those_of_the_published_processor(
    weights: Path, upstream: dict[str, Upstream], tmp_path: Path, method: str, shape: tuple[int, int]
) -> None:
    image = landscape(*shape)
    got = chosen(weights, method).read(Document(file=saved(image, tmp_path / "one.png")))
    assert got.shape == (3, SIDE, SIDE)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, upstream[method].pixels(image), atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_a_picture_is_seen_as_upstream_sees_it(
    weights: Path, upstream: dict[str, Upstream], tmp_path: Path, method: str
) -> None:
    images = [landscape(200, 120, seed) for seed in range(5)]
    model = loaded(weights, method)
    prepared = [
        model.read(Document(file=saved(image, tmp_path / f"{number}.png")))
        for number, image in enumerate(images)
    ]
    found = model.encode(prepared)
    assert found.shape == (5, DIMENSIONS[method])
    np.testing.assert_allclose(found, upstream[method].pictures(images), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-6)
    for number, each in enumerate(prepared):
        np.testing.assert_array_equal(found[number], model.encode([each])[0])


@pytest.mark.parametrize("method", METHODS)
def test_preparing_needs_no_pytorch_and_no_weights(weights: Path, tmp_path: Path, method: str) -> None:
    """Processes that read pictures run beside the one that encodes, one for each core."""
    import subprocess
    import sys

    file = saved(landscape(), tmp_path / "one.png")
    program = (
        "import sys\n"
        "from reprise.core.choices import ModelChoices\n"
        "from reprise.core.ports import Document\n"
        "from reprise.models.scene_image import SceneImage\n"
        "model = SceneImage()\n"
        f"model.configure(ModelChoices(weights={str(weights)!r}, image_model={method!r}))\n"
        f"print(model.read(Document(file={file!r})).shape)\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == f"(3, {SIDE}, {SIDE})", done.stderr


@pytest.mark.parametrize("method", METHODS)
def test_the_canaries_look_nothing_alike(weights: Path, method: str) -> None:
    model = loaded(weights, method)
    one, other = model.encode(model.canaries())
    assert one @ other < 0.999


def test_what_is_no_picture_fails_alone(weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0 and no more")
    with pytest.raises(NotAPicture):
        chosen(weights, "clip").read(Document(file=str(path).encode()))


@pytest.mark.long
@pytest.mark.parametrize("method", METHODS)
def test_openvino_gives_the_same_numbers(weights: Path, tmp_path: Path, method: str) -> None:
    model, other = loaded(weights, method), loaded(weights, method, engine="openvino")
    pictures = [
        model.read(Document(file=saved(landscape(seed=seed), tmp_path / "one.png"))) for seed in range(3)
    ]
    assert np.allclose(model.encode(pictures), other.encode(pictures), atol=1e-4)


# texts


@pytest.mark.parametrize("method", METHODS)
def test_texts_are_read_as_upstream_reads_them(
    weights: Path, upstream: dict[str, Upstream], method: str
) -> None:
    model = chosen(weights, method)
    assert isinstance(model, TextModel)
    model.load_text()
    found = np.stack([model.encode_text(text) for text in TEXTS])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, upstream[method].texts(TEXTS), atol=1e-5)


def test_siglip_reads_as_transformers_own_tokenizer_does(
    weights: Path, upstream: dict[str, Upstream]
) -> None:
    """Its class brings texts into lower case, which ``tokenizer.json`` alone does not."""
    from reprise.models.siglip_towers import SiglipText

    tower = SiglipText(weights / "siglip2")
    np.testing.assert_array_equal(tower.encode("A Photo of a CAT"), tower.encode("a photo of a cat"))
    assert not np.array_equal(tower.encode("a cat"), tower.encode("a dog"))


@pytest.mark.parametrize("method", METHODS)
def test_reading_texts_loads_nothing_that_sees(
    weights: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import transformers

    def refused(*_: Any, **__: Any) -> None:
        raise AssertionError("the tower that sees was made")

    for kind in ("CLIPVisionModelWithProjection", "CLIPModel", "SiglipVisionModel", "SiglipModel"):
        monkeypatch.setattr(getattr(transformers, kind), "__init__", refused)
    model = chosen(weights, method)
    model.load_text()
    assert np.linalg.norm(model.encode_text("a cat")) == pytest.approx(1.0, abs=1e-6)


# the card


@pytest.mark.parametrize(
    ("method", "dimension", "licence", "size"),
    [("clip", 512, "MIT", 608), ("siglip2", 768, "Apache-2.0", 1535)],
)
def test_the_card_without_weights(
    tmp_path: Path, method: str, dimension: int, licence: str, size: int
) -> None:
    model = chosen(tmp_path, method)
    card = model.card
    assert (card.spec.dimension, card.spec.weights) == (dimension, "missing")
    assert (card.licence, card.commercial_use, card.reads_text) == (licence, True, True)
    assert card.missing.split(", ") == [
        "model.safetensors",
        "config.json",
        "preprocessor_config.json",
        "tokenizer.json",
    ]
    assert (card.execution, len(card.revision)) == (Execution.EXCLUSIVE, 40)
    assert dict(card.facts)["weights MB"] == str(size)
    with pytest.raises(WeightsMissing, match=r"model\.safetensors"):
        model.load()
    with pytest.raises(WeightsMissing, match="offline"):
        model.fetch(lambda _: None)


def test_what_makes_vectors_stale(weights: Path, tmp_path: Path) -> None:
    make_clip(tmp_path / "other" / "clip", seed=99)
    shutil.copytree(weights / "clip", tmp_path / "copy" / "clip")
    specs = [
        chosen(weights, "clip").card.spec,
        chosen(weights, "siglip2").card.spec,
        chosen(tmp_path / "other", "clip").card.spec,
        chosen(weights, "descriptor").card.spec,
    ]
    assert len({fingerprint(spec) for spec in specs}) == 4
    elsewhere = {"device": "cuda", "precision": "auto", "cache": str(tmp_path)}
    again = chosen(tmp_path / "copy", "clip", **elsewhere).card.spec
    assert fingerprint(again) == fingerprint(specs[0]), "the same weights elsewhere, on another device"


def test_persons_are_compared_by_the_same_network(weights: Path, tmp_path: Path) -> None:
    """``person_model`` = picture: photo and scene go the same way, so that their vectors can be compared."""
    file = saved(landscape(), tmp_path / "one.png")
    found = []
    for kind in (ScenePersons, PersonPhoto):
        model = kind()
        model.configure(
            ModelChoices(weights=str(weights), image_model="clip", device="cpu", precision="float32")
        )
        assert isinstance(model, ReadingModel)
        assert isinstance(model, DownloadableModel)
        assert not isinstance(model, TextModel)
        assert model.card.spec.subject.kind in {ItemKind.FRAME, ItemKind.PHOTO}
        model.load()
        found.append(model.encode([model.read(Document(file=file))])[0])
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("method", METHODS)
def test_the_weights_come_from_a_hub(weights: Path, tmp_path: Path, method: str) -> None:
    published = (ClipPictures if method == "clip" else SiglipPictures).published
    files = {name: (weights / method / name).read_bytes() for name in published.files}
    with local_hub(files) as hub:
        model = chosen(
            tmp_path / "got", method, offline=False, hub=hub.address, cache=str(tmp_path / "cache")
        )
        told: list[str] = []
        model.fetch(told.append)
    assert published.licence in told[0]
    model.load()
    assert model.card.spec == chosen(weights, method).card.spec


# refusals


def change(path: Path, **settings: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


@pytest.mark.parametrize(
    ("method", "file", "settings", "reason"),
    [
        ("clip", "config.json", {"model_type": "siglip"}, "of the kind 'siglip', not of CLIP"),
        ("clip", "config.json", {"projection_dim": 24}, "of another shape: visual_projection.weight"),
        ("clip", "config.json", {"vision_config": {"num_attention_heads": 7}}, "describes no network"),
        ("clip", "config.json", {"vision_config": {"num_hidden_layers": "two"}}, "describes no network"),
        (
            "clip",
            "preprocessor_config.json",
            {"size": 64, "crop_size": 64},
            "64 pixels, the network takes 32",
        ),
        ("clip", "preprocessor_config.json", {"crop_size": 30}, "crop_size is 30, size 32"),
        ("clip", "preprocessor_config.json", {"do_resize": False}, "do_resize is False"),
        ("clip", "preprocessor_config.json", {"resample": 0}, "resample is 0"),
        ("clip", "preprocessor_config.json", {"image_std": [0, 1, 1]}, "not of three colours"),
        ("clip", "preprocessor_config.json", {"size": {"longest_edge": 32}}, "how pictures are prepared"),
        ("siglip2", "config.json", {"model_type": "siglip2"}, "any shape .NaFlex."),
        ("siglip2", "config.json", {"model_type": "clip"}, "of the kind 'clip', not of SigLIP"),
        ("siglip2", "preprocessor_config.json", {"rescale_factor": 1.0}, "rescale_factor is 1.0"),
        ("siglip2", "preprocessor_config.json", {"size": {"shortest_edge": 32}}, "of any shape"),
    ],
)
def test_settings_of_another_network_are_refused(
    own: Path, method: str, file: str, settings: dict[str, Any], reason: str
) -> None:
    path = own / method / file
    if "vision_config" in settings:
        settings = {
            "vision_config": json.loads(path.read_text())["vision_config"] | settings["vision_config"]
        }
    change(path, **settings)
    with pytest.raises(WeightsRefused, match=reason) as caught:
        loaded(own, method)
    assert file in caught.value.message


@pytest.mark.parametrize("method", METHODS)
def test_the_card_says_what_is_wrong_with_the_settings(own: Path, method: str) -> None:
    settings = {"projection_dim": "wide"} if method == "clip" else {"vision_config": {"hidden_size": "wide"}}
    change(own / method / "config.json", **settings)
    model = chosen(own, method)
    assert "'wide' instead of a number" in model.card.missing
    assert model.card.spec.weights == "refused"
    with pytest.raises(WeightsRefused):
        model.fetch(lambda _: None)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("tower", ["vision", "text"])
def test_tensors_of_another_model_are_refused(own: Path, tmp_path: Path, method: str, tower: str) -> None:
    other = make_text_model(tmp_path / "other")
    (own / method / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    model = chosen(own, method)
    with pytest.raises(WeightsRefused, match=r"does not fit the network of config\.json: missing: "):
        (model.load if tower == "vision" else model.load_text)()


@pytest.mark.parametrize("method", METHODS)
def test_a_missing_tensor_of_one_tower_is_named_and_the_other_works(own: Path, method: str) -> None:
    path = own / method / "model.safetensors"
    tensors = load_file(path)
    del tensors["text_model.final_layer_norm.bias"]
    save_file(tensors, path)
    with pytest.raises(WeightsRefused, match=r"missing: .*final_layer_norm\.bias$"):
        chosen(own, method).load_text()
    model = loaded(own, method)
    assert len(model.encode(model.canaries())) == 2


def test_positions_that_older_files_hold_are_passed_over(own: Path, upstream: dict[str, Upstream]) -> None:
    path = own / "clip" / "model.safetensors"
    positions = torch.arange(17)[None]
    save_file(load_file(path) | {"vision_model.embeddings.position_ids": positions}, path)
    model = loaded(own, "clip")
    image = landscape(32, 32)
    got = model.encode([model.method.preprocessing.pixels(image)])  # type: ignore[attr-defined]
    np.testing.assert_allclose(got, upstream["clip"].pictures([image]), atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_a_truncated_file_is_refused(own: Path, method: str) -> None:
    path = own / method / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(WeightsRefused, match="truncated"):
        loaded(own, method)


def test_a_tokenizer_of_another_model_is_refused(own: Path) -> None:
    clip, siglip = (own / method / "tokenizer.json" for method in METHODS)
    siglip.write_bytes(clip.read_bytes())
    with pytest.raises(WeightsRefused, match=r"tokenizer\.json knows|has no <pad>"):
        chosen(own, "siglip2").load_text()
    clip.write_text("{}")
    with pytest.raises(WeightsRefused, match="is no tokenizer"):
        chosen(own, "clip").load_text()
