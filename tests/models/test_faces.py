"""Faces: found by both kinds of detector, turned upright, told apart, and what is said when there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from PIL import Image

from reprise.core.choices import ModelChoices
from reprise.core.gates import check_canaries
from reprise.core.items import ItemKind
from reprise.core.ports import Document, ReadingModel, TextModel
from reprise.core.spec import Execution, fingerprint
from reprise.errors import NoFace, NothingToSee, WeightsMissing, WeightsRefused
from reprise.models.face_alignment import SIDE, TEMPLATE, aligned, similarity
from reprise.models.face_detection import Candidates, faces_of, largest
from reprise.models.face_networks import Detector
from reprise.models.scene_persons import PersonPhoto, ScenePersons, why_disabled
from tests.models.drawn import landscape, saved
from tests.models.face_files import POINTS, Face, make_embedder, make_scrfd, make_yunet, picture_with

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

DETECTORS = {"yunet": make_yunet, "scrfd": make_scrfd}
ANNA, BERTA = 1, 2


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared: no test changes it."""
    folder = tmp_path_factory.mktemp("faces")
    for name, make in DETECTORS.items():
        make(folder / f"{name}.onnx")
    make_embedder(folder / "embedder.onnx")
    return folder


def chosen(
    files: Path, detector: str = "yunet", kind: type[Any] = PersonPhoto, **others: Any
) -> PersonPhoto | ScenePersons:
    choices: dict[str, Any] = {
        "person_model": "faces",
        "face_detector": str(files / f"{detector}.onnx"),
        "face_embedder": str(files / "embedder.onnx"),
    }
    model: PersonPhoto | ScenePersons = kind()
    model.configure(ModelChoices(**choices | others))
    return model


def vector(model: PersonPhoto | ScenePersons, image: Image.Image, folder: Path) -> Floats:
    model.load()
    prepared = model.read(Document(file=saved(image, folder / "one.png")))
    found: Floats = model.encode([prepared])[0]
    return found / np.linalg.norm(found)


# finding


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("stride", [8, 16, 32])
def test_a_face_is_found_where_it_is(files: Path, detector: str, stride: int) -> None:
    face = Face((7, 9), stride, ANNA)
    (found,) = Detector(files / f"{detector}.onnx").faces(picture_with(face))
    middle = (np.array(face.at) + 0.5) * stride
    np.testing.assert_allclose(found.box, [*(middle - 2 * stride), *(middle + 2 * stride)], atol=0.01)
    np.testing.assert_allclose(found.points, middle + POINTS * stride, atol=0.01)
    assert 0.99 < found.score <= 1.0


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("size", [(1280, 960), (960, 1280), (320, 200)])
def test_places_are_those_of_the_picture_whatever_its_size(
    files: Path, detector: str, size: tuple[int, int]
) -> None:
    scale = 640 / max(size)
    shown = picture_with(Face((6, 5), 32, ANNA), size=(round(size[0] * scale), round(size[1] * scale)))
    (found,) = Detector(files / f"{detector}.onnx").faces(shown.resize(size, Image.Resampling.NEAREST))
    middle = np.array([6.5, 5.5]) * 32
    np.testing.assert_allclose(found.box * scale, [*(middle - 64), *(middle + 64)], atol=0.1)
    np.testing.assert_allclose(found.points * scale, middle + POINTS * 32, atol=0.1)


@pytest.mark.parametrize("detector", DETECTORS)
def test_what_overlaps_is_one_face_and_the_largest_is_taken(files: Path, detector: str) -> None:
    faces = Detector(files / f"{detector}.onnx").faces(
        picture_with(Face((20, 10), 16, BERTA), Face((4, 14), 32, ANNA), Face((9, 9), 8, BERTA))
    )
    assert sorted(round(face.width) for face in faces) == [32, 64, 128]
    big = largest(faces)
    assert big is not None
    assert round(big.width) == 128
    assert Detector(files / f"{detector}.onnx").faces(landscape()) == []


def test_of_boxes_that_overlap_the_surest_is_kept() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [8, 0, 18, 10], [40, 0, 42, 2]], np.float32)
    scores = np.array([0.8, 0.9, 0.7, 0.4], np.float32)
    found = faces_of(Candidates(scores, boxes, np.zeros((4, 5, 2), np.float32)), 0.5)
    assert [round(face.score, 1) for face in found] == [0.9, 0.7]
    assert largest([]) is None


def test_a_detector_of_one_size_is_shown_that_size(tmp_path: Path) -> None:
    detector = Detector(make_yunet(tmp_path / "small.onnx", side=320))
    (found,) = detector.faces(picture_with(Face((6, 5), 32, ANNA), size=(320, 320)))
    assert round(found.width) == 128


# turning


@pytest.mark.parametrize("degrees", [0, 25, -80, 170])
@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_the_nearest_similarity_is_found(degrees: float, scale: float) -> None:
    turn = np.deg2rad(degrees)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = TEMPLATE @ matrix.T + [30.0, -12.0]
    found = similarity(TEMPLATE, moved)
    np.testing.assert_allclose(found, np.hstack([matrix, [[30.0], [-12.0]]]), atol=1e-9)


def test_a_face_is_never_mirrored() -> None:
    mirrored = TEMPLATE * [-1.0, 1.0]
    found = similarity(mirrored, TEMPLATE)
    assert np.linalg.det(found[:, :2]) > 0


@pytest.mark.parametrize("degrees", [0, 20, -35])
def test_faces_are_cut_out_as_insightface_cuts_them(degrees: float) -> None:
    """By OpenCV's ``warpAffine``; the same but for rounding, also where the picture ends."""
    image = landscape(300, 260)
    turn = np.deg2rad(degrees)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points = (TEMPLATE - 56) * 0.9 @ matrix.T + [100.0, 60.0]
    got = aligned(image, points)
    expected = cv2.warpAffine(np.asarray(image), similarity(points, TEMPLATE), (SIDE, SIDE), borderValue=0.0)
    inside = expected.any(-1) & got.any(-1)
    assert inside.mean() > 0.9
    difference = np.abs(got - expected)[inside]
    assert np.percentile(difference, 99) < 12  # both round places, to 1/32 of a pixel and finer
    assert difference.mean() < 1.0


# telling apart


@pytest.mark.parametrize("detector", DETECTORS)
def test_the_same_person_is_nearer_than_another(files: Path, tmp_path: Path, detector: str) -> None:
    photo = chosen(files, detector)
    frame = chosen(files, detector, ScenePersons)
    anna = vector(photo, picture_with(Face((5, 5), 32, ANNA)), tmp_path)
    berta = vector(photo, picture_with(Face((5, 5), 32, BERTA)), tmp_path)
    crowd = picture_with(Face((12, 8), 32, ANNA), Face((10, 30), 16, BERTA), size=(640, 640))
    seen = vector(frame, crowd.resize((1280, 1280), Image.Resampling.BICUBIC), tmp_path)
    assert seen @ anna > 0.98
    assert seen @ berta < 0.9
    assert anna.shape == (512,)


def test_a_photo_without_a_face_fails_and_a_frame_without_one_does_not(files: Path, tmp_path: Path) -> None:
    file = saved(landscape(), tmp_path / "one.png")
    photo, frame = chosen(files), chosen(files, kind=ScenePersons)
    with pytest.raises(NoFace, match="no face was found") as caught:
        photo.read(Document(file=file))
    assert (caught.value.code, caught.value.retryable) == ("no_face", False)
    assert "another photo" in caught.value.cure
    with pytest.raises(NothingToSee, match="no face was found"):
        frame.read(Document(file=file))


def test_a_face_of_a_few_pixels_is_none(files: Path, tmp_path: Path) -> None:
    small = picture_with(Face((9, 9), 8, ANNA)).resize((320, 320), Image.Resampling.NEAREST)
    with pytest.raises(NoFace, match="16 pixels wide, 24 are needed"):
        chosen(files).read(Document(file=saved(small, tmp_path / "one.png")))


# the card


def test_the_card(files: Path) -> None:
    for kind, item in ((PersonPhoto, ItemKind.PHOTO), (ScenePersons, ItemKind.FRAME)):
        model = chosen(files, kind=kind)
        assert isinstance(model, ReadingModel)
        assert not isinstance(model, TextModel)
        card = model.card
        assert tuple(card.spec.subject) == (item, "image")
        assert (card.spec.dimension, card.missing, card.reads_text) == (512, "", False)
        assert (card.execution, card.commercial_use) == (Execution.PER_CORE, False)
        model.load()
        check_canaries(model.encode(model.canaries()), 512)
    assert why_disabled(ModelChoices(person_model="faces", face_detector="a", face_embedder="b")) == ""


def test_another_file_makes_vectors_stale(files: Path, tmp_path: Path) -> None:
    other = make_embedder(tmp_path / "other.onnx", seed=6)
    specs = [
        chosen(files).card.spec,
        chosen(files, "scrfd").card.spec,
        chosen(files, face_embedder=str(other)).card.spec,
    ]
    assert len({fingerprint(spec) for spec in specs}) == 3
    assert chosen(files, cache=str(tmp_path)).card.spec == specs[0]


@pytest.mark.parametrize("setting", ["face_detector", "face_embedder"])
def test_a_file_that_is_not_named_or_not_there_is_told(files: Path, setting: str) -> None:
    nothing: dict[str, Any] = {setting: ""}
    elsewhere: dict[str, Any] = {setting: "/nowhere/face.onnx"}
    unset, gone = chosen(files, **nothing), chosen(files, **elsewhere)
    assert f"the setting {setting} is empty" in unset.card.missing
    assert "/nowhere/face.onnx is not there" in gone.card.missing
    for model in (unset, gone):
        with pytest.raises(WeightsMissing, match=setting):
            model.load()
        with pytest.raises(WeightsMissing, match=setting):
            model.fetch(lambda _: None)
    named: dict[str, Any] = {"face_detector": "a", "face_embedder": "b"} | nothing
    reason = why_disabled(ModelChoices(person_model="faces", **named))
    assert f"set {setting}, or person_model to picture" in reason


# refusals


def test_a_detector_without_eyes_is_refused(files: Path, tmp_path: Path) -> None:
    make_scrfd(tmp_path / "bare.onnx", points=False)
    with pytest.raises(WeightsRefused, match=r"bare\.onnx: .*keypoints"):
        chosen(files, face_detector=str(tmp_path / "bare.onnx")).load()


def test_files_in_each_others_place_are_refused(files: Path) -> None:
    with pytest.raises(WeightsRefused, match="neither SCRFD nor YuNet"):
        chosen(files, face_detector=str(files / "embedder.onnx")).load()
    with pytest.raises(WeightsRefused, match="an embedder of faces"):
        chosen(files, face_embedder=str(files / "yunet.onnx")).load()


def test_an_embedder_of_another_kind_is_refused(files: Path, tmp_path: Path) -> None:
    short = make_embedder(tmp_path / "short.onnx", dimension=128)
    with pytest.raises(WeightsRefused, match=r"gives \(128,\) for a face, known is \(512,\)"):
        chosen(files, face_embedder=str(short)).load()
    large = make_embedder(tmp_path / "large.onnx", side=160)
    with pytest.raises(WeightsRefused, match="an embedder of faces"):
        chosen(files, face_embedder=str(large)).load()


@pytest.mark.parametrize("content", [b"", b"no ONNX file at all", b"\x08\x08"])
def test_a_file_that_is_no_onnx_is_refused(files: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    for setting in ("face_detector", "face_embedder"):
        broken: dict[str, Any] = {setting: str(path)}
        with pytest.raises(WeightsRefused, match=r"broken\.onnx is no ONNX file that runs"):
            chosen(files, **broken).load()
