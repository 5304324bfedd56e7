"""A second way out of the decoder's filter graph: every channel at the file's own rate, for whoever measures loudness."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from reprise.media.packets import MOST_PLANES

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.filter import Graph
    from av.filter.context import FilterContext
    from numpy.typing import NDArray

    from reprise.core.ports import Tap

    Block = NDArray[np.float32]


class NativeTap:
    """Hands one file's sound to a listener, in the rate and layout that it begins with.

    A file may change its shape midway (chained streams, a damaged header). What comes then is brought to the shape of
    the beginning, so that a listener meets one rate and one number of channels.
    """

    def __init__(self, listener: Tap) -> None:
        self._listener = listener
        self._rate = 0
        self._layout = ""
        self._channels = 0
        self._sink: FilterContext | None = None
        self._block: Block = np.empty((0, 0), np.float32)

    def join(self, graph: Graph, source: FilterContext, frame: AudioFrame) -> FilterContext:
        """Split ``source``: one way ends here, the other one is returned."""
        if not self._rate:
            self._rate, self._layout = frame.sample_rate, frame.layout.name
            self._channels = frame.layout.nb_channels
        split = last = graph.add("asplit", "2")
        source.link_to(split)
        self._sink = graph.add("abuffersink")
        if conversion := self._conversion(frame):
            last = graph.add("aresample", conversion)
            split.link_to(last, output_idx=1)
            last.link_to(self._sink)
        else:
            split.link_to(self._sink, output_idx=1)
        return split

    def leave(self) -> None:
        """The graph is given up."""
        self._sink = None

    def drain(self) -> None:
        """Pass on the whole blocks that are ready; the rest too once the graph knows of the end."""
        while self._sink is not None:
            try:
                frame = cast("AudioFrame", self._sink.pull())
            except (BlockingIOError, EOFError):
                return
            self._listener(self._rate, self._filled(frame))

    def _conversion(self, frame: AudioFrame) -> str:
        """To floats, in planes if they can be read; nothing for what is so already: lossy decoders give just that.

        Channels that nobody named have no layout to convert from, so it is left alone where it need not change.
        """
        form = "fltp" if self._channels < MOST_PLANES else "flt"
        if (frame.sample_rate, frame.layout.name) != (self._rate, self._layout):
            return f"osf={form}:osr={self._rate}:ochl={self._layout}"
        return "" if frame.format.name == form else f"osf={form}"

    def _filled(self, frame: AudioFrame) -> Block:
        """One block's memory serves all: taking new one each time costs as much as copying."""
        count = frame.samples
        if self._block.shape[1] < count:
            self._block = np.empty((self._channels, count), np.float32)
        block = self._block[:, :count]
        if not frame.format.is_planar:
            block[:] = _floats(frame, 0, count * self._channels).reshape(count, -1).T
            return block
        for channel, values in enumerate(block):
            values[:] = _floats(frame, channel, count)
        return block


def _floats(frame: AudioFrame, plane: int, count: int) -> Block:
    # PyAV's types do not say that a plane is a buffer.
    return np.frombuffer(frame.planes[plane], np.float32, count)  # type: ignore[call-overload,no-any-return]
