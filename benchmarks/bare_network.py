"""A peer: the network alone, as the product builds and places it, over windows that lie in memory already.

On a graphics card its time is the device's own, between events around the network; elsewhere it is the wall's.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.peer import Work, kept_beside, serve

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from reprise.models.network import Network
    from reprise.models.runner import Engine


class DeviceClock:
    """Seconds that a network took on a graphics card, by events in the card's own queue."""

    def __init__(self) -> None:
        self._spans: list[tuple[Any, Any]] = []

    def around(self, network: torch.nn.Module) -> torch.nn.Module:
        """Have each pass through the network timed from now on, if there is a card."""
        import torch

        if torch.cuda.is_available():
            network.register_forward_pre_hook(lambda *_: self._begin())
            network.register_forward_hook(lambda *_: self._end())
        return network

    def seconds(self) -> float | None:
        """Since the last call; ``None`` where nothing was timed."""
        import torch

        if not self._spans:
            return None
        torch.cuda.synchronize()
        spans, self._spans = self._spans, []
        return float(sum(begin.elapsed_time(end) for begin, end in spans)) / 1000.0

    def _begin(self) -> None:
        import torch

        event: Any = torch.cuda.Event  # it has no types
        self._spans.append((event(enable_timing=True), event(enable_timing=True)))
        self._spans[-1][0].record()

    def _end(self) -> None:
        self._spans[-1][1].record()


def network_of(work: Work) -> Network:
    """The registered model, configured and not loaded."""
    from reprise.models.network import Network
    from reprise.models.registry import load_model

    model = load_model(work.model, work.model_choices())
    if not isinstance(model, Network):
        raise TypeError(f"{work.model} is no neural network")
    return model


def placed(model: Network, work: Work, clock: DeviceClock | None = None) -> Engine:
    """The model's network on its device, in the precision that the product chooses and remembers for it."""
    from reprise.core.spec import fingerprint
    from reprise.models.runner import start

    build = partial(model.build, model.weights.folder)
    watched = build if clock is None else lambda: clock.around(build())
    return start(watched, work.model_choices(), model.canaries(), fingerprint(model.card.spec))


def windows_of(model: Network, work: Work) -> list[NDArray[np.float32]]:
    """Of one copy of the track, at most as many as are wanted."""
    from reprise.media.decode import AudioFile

    windows = list(model.windows(AudioFile(work.track, model.anatomy.sample_rate)))
    return windows[: work.most_windows or None]


def run(
    engine: Engine, batch: int, windows: Sequence[NDArray[np.float32]], clock: DeviceClock
) -> dict[str, Any]:
    """All windows through the network, in full batches."""
    clock.seconds()  # forget the warm-up
    began = time.perf_counter()
    for first in range(0, len(windows), batch):
        engine.features(windows[first : first + batch])
    wall = time.perf_counter() - began
    device = clock.seconds()
    return {"seconds": wall if device is None else device, "wall": wall}


def main() -> None:
    import numpy as np

    work = Work.read()
    model, clock = network_of(work), DeviceClock()
    began = time.perf_counter()
    engine = placed(model, work, clock)
    loaded = time.perf_counter()
    engine.features(model.canaries())
    warm = time.perf_counter()
    cpu = time.process_time()
    once = windows_of(model, work)
    decoding = time.process_time() - cpu
    np.save(kept_beside(work, "features.npy"), np.stack(engine.features(once[:1])))
    said = {
        "placement": engine.placement,
        "load_seconds": loaded - began,
        "warm_seconds": warm - loaded,
        "decode_seconds": decoding,
        "windows": len(once) * work.copies,
        "window_seconds": len(once[0]) / model.anatomy.sample_rate,
    }
    serve(said, lambda: run(engine, model.card.batch, once * work.copies, clock))


if __name__ == "__main__":
    main()
