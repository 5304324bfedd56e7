"""The two networks of faces in onnxruntime, on the CPU, with the threads that the process was given."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from reprise.errors import ExtraMissing, WeightsRefused
from reprise.models import face_alignment
from reprise.models.face_detection import SIDE, faces_of, layout_of
from reprise.models.pictures import import_pillow

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL.Image import Image

    from reprise.models.face_detection import Face

DIMENSION = 512
"""Of a face's vector."""


class Detector:
    """Raises ``WeightsRefused`` for a file that is no detector known here, and ``ExtraMissing``."""

    def __init__(self, path: Path) -> None:
        self._session = _open(path)
        (entry, *others) = self._session.get_inputs()
        shape = entry.shape
        if others or len(shape) != 4 or shape[1] != 3:
            raise WeightsRefused(f"{path} takes {shape}, a face detector (1, 3, height, width)")
        height, width = (size if isinstance(size, int) and size > 0 else SIDE for size in shape[2:])
        self._path, self._input, self._size = path, entry.name, (height, width)
        try:
            self._layout = layout_of(self._outputs(np.zeros((1, 3, height, width), np.float32)))
            self._layout.candidates(self._outputs(np.zeros((1, 3, height, width), np.float32)), height, width)
        except WeightsRefused as error:
            raise WeightsRefused(f"{path}: {error.message}") from error

    def faces(self, picture: Image) -> list[Face]:
        """In pixels of the picture, the surest first."""
        height, width = self._size
        scale = min(width / picture.width, height / picture.height)
        box = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        square = np.zeros((height, width, 3), np.float32)
        square[: box[1], : box[0]] = np.asarray(picture.resize(box, import_pillow().Resampling.BILINEAR))
        found = self._layout.candidates(self._outputs(self._layout.blob(square)), height, width)
        faces = faces_of(found, self._layout.least_score)
        return [face._replace(box=face.box / scale, points=face.points / scale) for face in faces]

    def _outputs(self, blob: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        names = [output.name for output in self._session.get_outputs()]
        try:
            return dict(zip(names, self._session.run(names, {self._input: blob}), strict=True))
        except Exception as error:  # the library's errors have no base but this
            raise WeightsRefused(f"{self._path} does not run: {_first_line(error)}") from error


class Embedder:
    """Raises ``WeightsRefused`` for a file that is no embedder of ArcFace's kind, and ``ExtraMissing``."""

    def __init__(self, path: Path) -> None:
        side = face_alignment.SIDE
        self._path = path
        self._session = _open(path)
        (entry, *others), outputs = self._session.get_inputs(), self._session.get_outputs()
        if others or list(entry.shape[1:]) != [3, side, side] or len(outputs) != 1:
            raise WeightsRefused(f"{path} takes {entry.shape}, an embedder of faces (1, 3, {side}, {side})")
        self._input, self._output = entry.name, outputs[0].name
        found = self.vector(np.zeros((side, side, 3), np.float32))
        if found.shape != (DIMENSION,):
            raise WeightsRefused(f"{path} gives {found.shape} for a face, known is ({DIMENSION},)")

    def vector(self, face: NDArray[np.float32]) -> NDArray[np.float32]:
        """(DIMENSION,) of (112, 112, 3)."""
        blob = ((face - 127.5) / 127.5).transpose(2, 0, 1)[None].astype(np.float32)
        try:
            (found,) = self._session.run([self._output], {self._input: np.ascontiguousarray(blob)})
        except Exception as error:  # the library's errors have no base but this
            raise WeightsRefused(f"{self._path} does not run: {_first_line(error)}") from error
        return np.asarray(found, np.float32).reshape(-1)


def _open(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ExtraMissing(
            f"faces need onnxruntime ({error})", cure="install it with: pip install 'reprise[faces]'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or 1)
    options.log_severity_level = 4  # fatal only: what is wrong is raised as well
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library's errors have no base but this
        raise WeightsRefused(f"{path} is no ONNX file that runs: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200] or type(error).__name__
