"""Small real ONNX files that find and embed what stands for faces in tests.

A face is a square of texture with one cell of a pure colour in its middle: red, green and blue are found at the strides
32, 16 and 8, in boxes of four strides around the cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from reprise.models.face_alignment import TEMPLATE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

STRIDES = (8, 16, 32)
COLOURS = {8: (0, 0, 255), 16: (0, 255, 0), 32: (255, 0, 0)}
POINTS = (TEMPLATE / 112.0 - 0.5) * 4.0
"""Eyes, nose and mouth in strides from the middle of the box, so that the whole box is what is cut out."""

OPSET = 17


class Face:
    """Drawn into a picture. ``at``: column and row of its cell; ``person`` decides the texture."""

    def __init__(self, at: tuple[int, int], stride: int, person: int) -> None:
        self.at, self.stride, self.person = at, stride, person

    def draw(self, picture: NDArray[np.uint8]) -> None:
        side, cell = 4 * self.stride, self.stride
        left, top = (int(cell * (place - 1.5)) for place in self.at)
        rough = np.random.default_rng(self.person).integers(60, 190, (8, 8, 1), dtype=np.uint8)
        grey = np.kron(rough, np.ones((side // 8, side // 8, 1), np.uint8))
        picture[top : top + side, left : left + side] = grey
        x, y = (cell * place for place in self.at)
        picture[y : y + cell, x : x + cell] = COLOURS[cell]


def picture_with(*faces: Face, size: tuple[int, int] = (640, 640)) -> Image.Image:
    """Grey, but for the faces."""
    picture = np.full((size[1], size[0], 3), 120, np.uint8)
    for face in faces:
        face.draw(picture)
    return Image.fromarray(picture)


def make_yunet(path: Path, *, side: int = 640) -> Path:
    """As OpenCV's zoo has it: three strides, twelve outputs by name, blue, green and red from 0 to 255."""
    graph = _Graph("input", side)
    for stride in STRIDES:
        colour = np.array(COLOURS[stride][::-1]) / 255.0
        weights = (colour - (1 - colour)) * 0.1  # of a pure cell 25.5, of grey below -12
        sure = graph.cells(stride, weights, -20.0)
        for kind in ("cls", "obj"):
            graph.rows(f"{kind}_{stride}", graph.add("Sigmoid", sure), 1, batch=True)
        box = [0.5, 0.5, np.log(4.0), np.log(4.0)]
        graph.rows(f"bbox_{stride}", graph.constant(stride, box), 4, batch=True)
        graph.rows(f"kps_{stride}", graph.constant(stride, (POINTS + 0.5).ravel()), 10, batch=True)
    return graph.save(path)


def make_scrfd(path: Path, *, side: int | None = None, points: bool = True) -> Path:
    """As InsightFace exports it: two anchors for each cell, outputs named by numbers, one kind after the other."""
    graph = _Graph("input.1", side)
    names = iter(range(440, 600))
    for stride in STRIDES:
        colour = np.array(COLOURS[stride]) / 255.0
        weights = (colour - (1 - colour)) * 12.8
        middle = 127.5 / 128 * weights.sum()  # pictures come less 127.5, by 128
        first = graph.cells(stride, weights, -20.0 + middle)
        second = graph.cells(stride, np.zeros(3), -20.0)
        both = graph.add("Concat", first, second, axis=1)
        graph.rows(str(next(names)), graph.add("Sigmoid", both), 1)
    for stride in STRIDES:
        graph.rows(str(next(names)), graph.constant(stride, [1.5, 1.5, 2.5, 2.5] * 2), 4)
    for stride in STRIDES if points else ():
        graph.rows(str(next(names)), graph.constant(stride, [*(POINTS + 0.5).ravel()] * 2), 10)
    return graph.save(path)


def make_embedder(path: Path, *, dimension: int = 512, seed: int = 5, side: int = 112) -> Path:
    """A face's rough picture through a matrix: alike for faces that look alike."""
    generator = np.random.default_rng(seed)
    rough = (side // 8) ** 2 * 3
    matrix = generator.standard_normal((rough, dimension)).astype(np.float32)
    nodes = [
        helper.make_node("AveragePool", ["input.1"], ["rough"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Flatten", ["rough"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["683"]),
    ]
    graph = helper.make_graph(
        nodes,
        "embedder",
        [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [None, 3, side, side])],
        [helper.make_tensor_value_info("683", TensorProto.FLOAT, [None, dimension])],
        [numpy_helper.from_array(matrix, "matrix")],
    )
    return _save(graph, path)


class _Graph:
    """Nodes of a detector over one picture."""

    def __init__(self, entry: str, side: int | None) -> None:
        self._entry = entry
        self._shape = [1, 3, side, side]
        self._nodes: list[Any] = []
        self._tensors: list[Any] = []
        self._outputs: list[Any] = []

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"n{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def tensor(self, values: NDArray[Any]) -> str:
        name = f"t{len(self._tensors)}"
        self._tensors.append(numpy_helper.from_array(values, name))
        return name

    def cells(self, stride: int, weights: NDArray[Any], bias: float) -> str:
        """The mean colour of each cell, weighed, plus ``bias``: (1, 1, height, width)."""
        kernel = np.broadcast_to(weights[None, :, None, None], (1, 3, stride, stride)) / stride**2
        return self._convolved(stride, kernel, [bias])

    def constant(self, stride: int, values: Any) -> str:
        """The same numbers in each cell."""
        return self._convolved(stride, np.zeros((len(values), 3, stride, stride)), values)

    def _convolved(self, stride: int, kernel: NDArray[Any], bias: Any) -> str:
        inputs = (
            self._entry,
            self.tensor(kernel.astype(np.float32)),
            self.tensor(np.array(bias, np.float32)),
        )
        return self.add("Conv", *inputs, kernel_shape=[stride, stride], strides=[stride, stride])

    def rows(self, name: str, cells: str, size: int, *, batch: bool = False) -> None:
        """An output: (n, size), or (1, n, size)."""
        last = self.add("Transpose", cells, perm=[0, 2, 3, 1])
        shape = [1, -1, size] if batch else [-1, size]
        self._nodes.append(
            helper.make_node("Reshape", [last, self.tensor(np.array(shape, np.int64))], [name])
        )
        known = [1, None, size] if batch else [None, size]
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, known))

    def save(self, path: Path) -> Path:
        entry = helper.make_tensor_value_info(self._entry, TensorProto.FLOAT, self._shape)
        return _save(helper.make_graph(self._nodes, "detector", [entry], self._outputs, self._tensors), path)


def _save(graph: Any, path: Path) -> Path:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path
