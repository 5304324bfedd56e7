"""The method ``faces``: a detector finds faces, an embedder tells them apart; both are ONNX files that you name.

The detector is SCRFD or YuNet (``face_detection.py``), the embedder one of ArcFace's kind: faces of 112 x 112 pixels,
turned by five points, to 512 numbers (Deng et al. 2019, arXiv 1801.07698).
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from reprise.core.spec import Execution, ModelCard, Subject
from reprise.errors import ItemError, ModelLoadFailed, WeightsMissing, WeightsRefused
from reprise.models.pictures import canary_pictures, read_picture
from reprise.models.remembered import Digests
from reprise.models.soundless import soundless_spec
from reprise.models.weights import MISSING, REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from reprise.core.choices import ModelChoices
    from reprise.core.ports import Document, Vectors
    from reprise.models.face_detection import Face
    from reprise.models.face_networks import Detector, Embedder

SMALLEST = 24.0
"""Pixels of the shorter side of a face's box; what is smaller says nothing of whose it is."""

MEMORY_MB = 500
EPOCH = 1


class FacePictures:
    """``reprise.models.picture_methods.PictureMethod``. ``faceless``: what a picture without a face raises."""

    def __init__(self, choices: ModelChoices, faceless: type[ItemError]) -> None:
        self._choices = choices
        self._faceless = faceless
        self._embedder: Embedder | None = None

    def card(self, name: str, summary: str, subject: Subject) -> ModelCard:
        from reprise.models.face_networks import DIMENSION

        weights, missing = self._found()
        return ModelCard(
            name=name,
            summary=f"{summary}, by the largest face",
            spec=soundless_spec(
                name,
                subject,
                dimension=DIMENSION,
                weights=weights,
                epoch=EPOCH,
                options=(("person_model", "faces"),),
            ),
            execution=Execution.PER_CORE,
            licence="of the files that you name; InsightFace's are for non-commercial research",
            source="face_detector, face_embedder",
            memory_mb=MEMORY_MB,
            commercial_use=False,
            coverage="the largest face",
            missing=missing,
            facts=(
                ("method", "faces: a detector (SCRFD or YuNet), an embedder (ArcFace's kind), both ONNX"),
                ("finds", "the same face; of several faces in a picture the largest"),
                ("pitfall", f"faces of less than {SMALLEST:g} pixels count as none"),
            ),
        )

    def _found(self) -> tuple[str, str]:
        """Digest of both files, and what is missing or wrong."""
        try:
            return self._digest(), ""
        except WeightsMissing as error:
            return MISSING, error.message
        except WeightsRefused as error:
            return REFUSED, error.message

    def _digest(self) -> str:
        folder = self._choices.cache
        digests = Digests(Path(folder) / "digests.json") if folder else None
        whole = hashlib.sha256()
        for path in self._files():
            try:
                whole.update((digests.sha256(path) if digests else _sha256(path)).encode())
            except OSError as error:
                raise WeightsRefused(f"{path} cannot be read: {error.strerror}") from error
        return whole.hexdigest()

    def _files(self) -> tuple[Path, Path]:
        """Detector and embedder. Raises ``WeightsMissing``."""
        detector = _named("face_detector", self._choices.face_detector)
        return detector, _named("face_embedder", self._choices.face_embedder)

    def fetch(self, told: Callable[[str], None]) -> None:  # noqa: ARG002 - there is nothing to tell
        """Nobody fetches them; raises ``WeightsMissing`` and ``WeightsRefused`` when they are not there."""
        self._digest()

    def load(self) -> None:
        from reprise.models.face_networks import Embedder

        _ = self._detector
        self._embedder = Embedder(self._files()[1])

    def load_text(self) -> None:
        raise ModelLoadFailed("faces are compared with faces: no text is read")

    def read(self, document: Document) -> NDArray[np.float32]:
        """The largest face, upright: shape (112, 112, 3), 0 to 255. The detector is opened with the first picture."""
        from reprise.models.face_alignment import aligned

        picture = read_picture(document.file)
        return aligned(picture, self._largest(picture).points)

    def _largest(self, picture: Image) -> Face:
        from reprise.models.face_detection import largest

        face = largest(self._detector.faces(picture))
        if face is None:
            raise self._faceless("no face was found in the picture")
        if face.width < SMALLEST:
            raise self._faceless(f"the largest face is {face.width:.0f} pixels wide, {SMALLEST:g} are needed")
        return face

    @cached_property
    def _detector(self) -> Detector:
        from reprise.models.face_networks import Detector

        return Detector(self._files()[0])

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> Vectors:
        import numpy as np

        if self._embedder is None:
            raise RuntimeError("faces are encoded before the models are loaded")
        return np.stack([self._embedder.vector(face) for face in prepared])

    def encode_text(self, text: str) -> NDArray[np.float32]:
        raise ModelLoadFailed(f"faces are compared with faces: no text is read: {text!r}")

    def canaries(self) -> Sequence[NDArray[np.float32]]:
        import numpy as np

        from reprise.models.face_alignment import SIDE

        return [picture.astype(np.float32) for picture in canary_pictures(SIDE)]


def _named(setting: str, path: str) -> Path:
    if not path:
        raise WeightsMissing(
            f"the setting {setting} is empty",
            cure=f"set {setting} to an ONNX file, or person_model to picture",
        )
    if not Path(path).is_file():
        raise WeightsMissing(
            f"{setting}: {path} is not there", cure=f"put the file there, or set {setting} anew"
        )
    return Path(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
