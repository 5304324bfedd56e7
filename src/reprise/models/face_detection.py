"""Where faces are in a picture, by the outputs of a detector: SCRFD's or YuNet's.

Which of the two an ONNX file holds is told by its outputs:

- **YuNet** (OpenCV's zoo; Wu et al. 2023) names them ``cls_8``, ``obj_8``, ``bbox_8``, ``kps_8`` and so on for the
  strides 8, 16 and 32. It takes blue, green and red from 0 to 255. Decoded as in OpenCV's ``FaceDetectorYN``.
- **SCRFD** (Guo et al. 2021, arXiv 2105.04714; InsightFace) has three kinds for each of its strides, known by their last
  dimension: scores (1), distances to the box's sides (4), points (10). Their order is that of the strides, from 8 on.
  It takes red, green and blue, less 127.5, by 128. Decoded as in InsightFace.

A SCRFD without points is refused: without them a face cannot be turned upright.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from reprise.errors import WeightsRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

SIDE = 640
"""Pixels of the square that a detector sees unless its file says another size."""

OVERLAP = 0.4
"""Share of their union from which on two boxes are one face."""


class Face(NamedTuple):
    """In pixels of the picture. ``box``: left, top, right, bottom. ``points``: (5, 2), the eye on the picture's left,
    the one on its right, the tip of the nose, and the corners of the mouth from left to right. ``score``: 0 to 1.
    """

    box: Floats
    points: Floats
    score: float

    @property
    def area(self) -> float:
        return float((self.box[2] - self.box[0]) * (self.box[3] - self.box[1]))

    @property
    def width(self) -> float:
        return float(min(self.box[2] - self.box[0], self.box[3] - self.box[1]))


@dataclass(frozen=True, slots=True)
class Candidates:
    """What a detector may have seen: scores (n,), boxes (n, 4), points (n, 5, 2), in pixels of what it was shown."""

    scores: Floats
    boxes: Floats
    points: Floats


class Layout(Protocol):
    """How one family of detectors is fed and read."""

    @property
    def least_score(self) -> float: ...

    def blob(self, square: Floats) -> Floats:
        """(height, width, 3) of red, green and blue, 0 to 255, to (1, 3, height, width)."""

    def candidates(self, outputs: Mapping[str, Floats], height: int, width: int) -> Candidates:
        """Raises ``WeightsRefused`` when the outputs do not fit the size that was shown."""


class YuNet:
    least_score = 0.7
    """Of the root of class times objectness."""

    STRIDES = (8, 16, 32)

    @classmethod
    def names(cls) -> set[str]:
        return {f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in cls.STRIDES}

    def blob(self, square: Floats) -> Floats:
        return np.ascontiguousarray(square[..., ::-1].transpose(2, 0, 1)[None])

    def candidates(self, outputs: Mapping[str, Floats], height: int, width: int) -> Candidates:
        found = []
        for stride in self.STRIDES:
            places = _places(height, width, stride)
            sure, there, box, points = (
                _rows(outputs[f"{kind}_{stride}"], len(places), size)
                for kind, size in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))
            )
            scores = np.sqrt(np.clip(sure, 0, 1) * np.clip(there, 0, 1))[:, 0]
            middle = (places + box[:, :2]) * stride
            half = np.exp(box[:, 2:]) * stride / 2
            moved = (points.reshape(-1, 5, 2) + places[:, None]) * stride
            found.append(Candidates(scores, np.hstack([middle - half, middle + half]), moved))
        return _together(found)


@dataclass(frozen=True, slots=True)
class Scrfd:
    """``scores``, ``boxes`` and ``points``: names of the outputs by stride, from 8 on, each twice the last."""

    scores: tuple[str, ...]
    boxes: tuple[str, ...]
    points: tuple[str, ...]
    least_score: float = 0.5

    def blob(self, square: Floats) -> Floats:
        return np.ascontiguousarray(((square - 127.5) / 128.0).transpose(2, 0, 1)[None]).astype(np.float32)

    def candidates(self, outputs: Mapping[str, Floats], height: int, width: int) -> Candidates:
        found = []
        for level, names in enumerate(zip(self.scores, self.boxes, self.points, strict=True)):
            stride = 8 << level
            scores, sides, points = (outputs[name] for name in names)
            anchors = scores.size // max(1, len(_places(height, width, stride)))  # one or two at each place
            at = np.repeat(_places(height, width, stride), max(1, anchors), axis=0) * stride
            box = _rows(sides, len(at), 4) * stride
            moved = at[:, None] + _rows(points, len(at), 10).reshape(-1, 5, 2) * stride
            corners = np.hstack([at - box[:, :2], at + box[:, 2:]])
            found.append(Candidates(_rows(scores, len(at), 1)[:, 0], corners, moved))
        return _together(found)


def layout_of(outputs: Mapping[str, Floats]) -> Layout:
    """By the names and shapes of what a detector gave. Raises ``WeightsRefused``."""
    if set(outputs) >= YuNet.names():
        return YuNet()
    by_size: dict[int, list[str]] = {1: [], 4: [], 10: []}
    for name, output in outputs.items():
        by_size.setdefault(output.shape[-1] if output.ndim else 0, []).append(name)
    scores, boxes, points = (
        tuple(sorted(by_size[size], key=lambda name: -outputs[name].size)) for size in (1, 4, 10)
    )
    if len(by_size) == 3 and len(scores) == len(boxes) == len(points) in {3, 5}:
        return Scrfd(scores, boxes, points)
    if len(by_size) == 3 and len(scores) == len(boxes) in {3, 5} and not points:
        raise WeightsRefused("the face detector finds no eyes and mouths; take a SCRFD with keypoints (_kps)")
    shapes = ", ".join(f"{name} {output.shape}" for name, output in list(outputs.items())[:4])
    raise WeightsRefused(f"the face detector is neither SCRFD nor YuNet: it gives {shapes} …")


def faces_of(candidates: Candidates, least_score: float) -> list[Face]:
    """The surest first; of those that overlap only the surest."""
    order = np.argsort(-candidates.scores, kind="stable")
    left = [index for index in order if candidates.scores[index] >= least_score]
    kept: list[Face] = []
    for index in left:
        box = candidates.boxes[index]
        if all(_overlap(box, other.box) <= OVERLAP for other in kept):
            kept.append(Face(box, candidates.points[index], float(candidates.scores[index])))
    return kept


def largest(faces: Sequence[Face]) -> Face | None:
    """The one with the largest box; of two alike the surer."""
    return max(faces, key=lambda face: (face.area, face.score), default=None)


def _places(height: int, width: int, stride: int) -> Floats:
    """Column and row of each cell, row by row, shape (n, 2)."""
    rows, columns = np.mgrid[0 : height // stride, 0 : width // stride]
    return np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float32)


def _rows(output: Floats, rows: int, size: int) -> Floats:
    """With or without the dimension of a batch. Raises ``WeightsRefused`` for another number of rows."""
    if output.size != rows * size:
        raise WeightsRefused(f"the face detector gives {output.shape} where {rows} x {size} were expected")
    return output.reshape(rows, size)


def _together(found: Sequence[Candidates]) -> Candidates:
    return Candidates(
        np.concatenate([each.scores for each in found]),
        np.concatenate([each.boxes for each in found]),
        np.concatenate([each.points for each in found]),
    )


def _overlap(one: Floats, other: Floats) -> float:
    """Shared area by the area of both together."""
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    shared = float(np.prod(np.maximum(0.0, high - low)))
    areas = float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]))
    return shared / max(areas - shared, 1e-9)
