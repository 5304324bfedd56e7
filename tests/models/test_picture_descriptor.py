"""The picture descriptor: what it finds alike, what not, and that its numbers stay the same; and reading pictures."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from reprise.core.choices import ModelChoices
from reprise.core.gates import check_canaries
from reprise.core.items import ItemKind
from reprise.core.ports import Document, ReadingModel
from reprise.core.spec import Execution
from reprise.errors import ModelLoadFailed, NotAPicture, Vanished
from reprise.models import pictures
from reprise.models.picture_descriptor import COLOURS, DIMENSION, EDGES, LAYOUT, SIDE, describe, oklab
from reprise.models.pictures import read_picture
from reprise.models.scene_image import SceneImage
from reprise.models.scene_persons import PersonPhoto, ScenePersons, why_disabled
from tests.models.drawn import landscape, saved

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

GOLDEN = Path(__file__).parent / "golden" / "picture_descriptor.npz"


def chosen() -> SceneImage:
    model = SceneImage()
    model.configure(ModelChoices())
    model.load()
    return model


def vector(file: bytes) -> Floats:
    model = chosen()
    found: Floats = model.encode([model.read(Document(file=file))])[0]
    return found


def cosine(one: Floats, other: Floats) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def square(seed: int) -> NDArray[np.uint8]:
    return np.asarray(landscape(SIDE, SIDE, seed))


# what it finds alike


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "a JPEG of low quality": lambda image: jpeg(image, 25),
    "half as large": lambda image: image.resize((image.width // 2, image.height // 2)),
    "four times as large": lambda image: image.resize((image.width * 4, image.height * 4)),
    "a little brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.1),
    "without its rim": lambda image: image.crop((8, 5, image.width - 8, image.height - 5)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_same_picture_is_found_however_it_was_saved(tmp_path: Path, change: str) -> None:
    for seed in range(4):
        image = landscape(seed=seed)
        one = vector(saved(image, tmp_path / "one.png"))
        other = vector(saved(CHANGES[change](image), tmp_path / "other.png"))
        assert cosine(one, other) > 0.93


def test_other_pictures_are_far(tmp_path: Path) -> None:
    vectors = [vector(saved(landscape(seed=seed), tmp_path / "one.png")) for seed in range(12)]
    between = [cosine(one, other) for number, one in enumerate(vectors) for other in vectors[number + 1 :]]
    assert np.median(between) < 0.4
    assert max(between) < 0.85


def test_the_nearest_is_the_same_scene_in_another_light(tmp_path: Path) -> None:
    images = [landscape(seed=seed) for seed in range(20)]
    stored = np.stack([vector(saved(image, tmp_path / "one.jpg", quality=80)) for image in images])
    stored /= np.linalg.norm(stored, axis=1, keepdims=True)
    for number, image in enumerate(images):
        darker = ImageEnhance.Brightness(image).enhance(0.85)
        query = vector(saved(darker, tmp_path / "query.png"))
        assert int(np.argmax(stored @ query)) == number


def test_each_part_tells_something_of_its_own() -> None:
    """Colours alone change when hues are exchanged; edges alone when a picture without colour is turned."""
    base = square(3)
    one, other = describe(base), describe(base[..., ::-1].copy())
    edges = slice(LAYOUT + COLOURS, LAYOUT + COLOURS + EDGES)
    assert cosine(one[LAYOUT : LAYOUT + COLOURS], other[LAYOUT : LAYOUT + COLOURS]) < 0.9
    stripes = np.broadcast_to((np.arange(SIDE) // 6 % 2 * 200)[:, None, None], (SIDE, SIDE, 3)).astype(
        np.uint8
    )
    lying, standing = describe(stripes), describe(stripes.transpose(1, 0, 2).copy())
    assert cosine(lying[edges], standing[edges]) < 0.2
    assert cosine(lying[LAYOUT : LAYOUT + COLOURS], standing[LAYOUT : LAYOUT + COLOURS]) > 0.95


@pytest.mark.parametrize("level", [0, 1, 128, 254, 255])
def test_a_flat_picture_has_a_vector_that_can_be_stored(level: int) -> None:
    flat = np.full((SIDE, SIDE, 3), level, np.uint8)
    found = describe(flat)
    assert np.isfinite(found).all()
    assert 0.3 < np.linalg.norm(found) <= 1.0001
    noisy = np.clip(flat + np.random.default_rng(1).integers(-1, 2, flat.shape), 0, 255).astype(np.uint8)
    assert cosine(found, describe(noisy)) > 0.93, "noise must not be taken for edges"


def test_colours_are_those_of_oklab() -> None:
    """bottosson.github.io/posts/oklab: white is (1, 0, 0); red, green and blue as its table of sRGB has them."""
    colours = np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
    expected = [
        [1.0, 0.0, 0.0],
        [0.0, 0.0, 0.0],
        [0.62796, 0.22486, 0.12585],
        [0.86644, -0.23389, 0.17950],
        [0.45201, -0.03246, -0.31153],
    ]
    np.testing.assert_allclose(oklab(colours), expected, atol=1e-4)


# its numbers


def test_golden_vectors() -> None:
    golden = np.load(GOLDEN)
    for seed in (1, 2):
        found = describe(square(seed))
        assert found.shape == (DIMENSION,) == (336,)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, golden[f"seed{seed}"], atol=2e-6)


def test_the_same_picture_has_the_same_vector_to_the_bit_in_any_company() -> None:
    model = chosen()
    prepared = [square(seed).astype(np.float32) for seed in range(4)]
    together = model.encode(prepared)
    for number, each in enumerate(prepared):
        np.testing.assert_array_equal(together[number], model.encode([each])[0])


# the models


def test_the_default_needs_no_weights() -> None:
    for kind, name, subject in (
        (SceneImage, "scene-image", (ItemKind.SCENE, "image")),
        (ScenePersons, "scene-persons", (ItemKind.FRAME, "image")),
        (PersonPhoto, "person-photo", (ItemKind.PHOTO, "image")),
    ):
        model = kind()
        model.configure(ModelChoices())
        assert isinstance(model, ReadingModel)
        card = model.card
        assert (card.name, tuple(card.spec.subject)) == (name, subject)
        assert (card.spec.weights, card.spec.dimension, card.missing) == ("none", DIMENSION, "")
        assert (card.execution, card.reads_text) == (Execution.PER_CORE, False)
        assert "no faces" in dict(card.facts)["finds"]
        model.load()
        check_canaries(model.encode(model.canaries()), DIMENSION)
    assert why_disabled(ModelChoices()) == ""


def test_the_descriptor_reads_no_text() -> None:
    with pytest.raises(ModelLoadFailed, match="reads no text") as caught:
        chosen().load_text()
    assert "clip" in caught.value.cure


# reading pictures


def test_a_picture_is_turned_as_its_camera_was_held(tmp_path: Path) -> None:
    image = landscape(60, 40)
    straight = np.asarray(image)
    held = {6: image.transpose(Image.Transpose.ROTATE_90), 3: image.transpose(Image.Transpose.ROTATE_180)}
    for orientation, stored in held.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        found = read_picture(saved(stored, tmp_path / "held.png", exif=exif))
        np.testing.assert_array_equal(np.asarray(found), straight)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "I;16", "1"])
def test_pictures_of_every_mode_are_read(tmp_path: Path, mode: str) -> None:
    image = landscape(40, 30).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = image.convert("I").convert("I;16")
    file = saved(image, tmp_path / ("one.tif" if mode == "CMYK" else "one.png"))
    assert (read_picture(file).mode, read_picture(file).size) == ("RGB", (40, 30))


@pytest.mark.parametrize(
    "content", [b"", b"no picture", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"]
)
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(NotAPicture, match="no picture that can be read"):
        read_picture(str(path).encode())


def test_a_picture_that_ends_early_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    saved(landscape(), path)
    path.write_bytes(path.read_bytes()[:-4000])
    with pytest.raises(NotAPicture, match=r"(?i)truncated"):
        read_picture(str(path).encode())


def test_a_picture_of_too_many_pixels_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_PIXELS", 1000)
    with pytest.raises(NotAPicture, match="too large: 320 x 180"):
        read_picture(saved(landscape(), tmp_path / "one.png"))


def test_a_picture_that_is_gone_may_come_back(tmp_path: Path) -> None:
    with pytest.raises(Vanished):
        read_picture(str(tmp_path / "gone.jpg").encode())
