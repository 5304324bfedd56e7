"""A peer: how the project that Reprise learned from embeds, written anew from a description of it.

Each track is decoded as a whole, cut into windows that overlap, and each window goes through the network alone; the
windows' outputs become mean, robust spread and mean change side by side, brought to unit length, and each track is
stored by an insert of its own. Where that project is slower for other reasons it is spared: the network, its precision,
the decoder and the store are Reprise's, and no server stands between.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.bare_network import network_of, placed
from benchmarks.peer import Work, serve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reprise.core.ports import VectorStore
    from reprise.models.runner import Engine

OWNER, SPACE = "default", "loop"

NORMAL_QUARTILES = 1.34898
"""Distance of a normal distribution's quartiles, in standard deviations."""


def starts(length: int, window: int, hop: int) -> list[int]:
    """Where windows begin, in samples: every ``hop`` while one fits, and one more aligned to the end for what is left."""
    found = list(range(0, max(1, length - window + 1), hop))
    if found[-1] + window < length:
        found.append(length - window)
    return found


def cut(sound: NDArray[np.float32], window: int, hop: int) -> list[NDArray[np.float32]]:
    """Windows of one length; what is shorter than one is filled up with zeros."""
    parts = [sound[start : start + window] for start in starts(len(sound), window, hop)]
    return [np.pad(part, (0, window - len(part))) for part in parts]


def enrich(columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """(D, T) to (3 D,) at unit length: mean, quartiles' distance over 1.34898, mean of first differences."""
    low, high = np.quantile(columns, (0.25, 0.75), axis=1)
    steps = np.diff(columns, axis=1)
    change = steps.mean(axis=1) if steps.shape[1] else np.zeros(len(columns))
    joined = np.concatenate([columns.mean(axis=1), (high - low) / NORMAL_QUARTILES, change])
    return np.asarray(joined / np.linalg.norm(joined), np.float32)


def embed(engine: Engine, work: Work, sample_rate: int, store: VectorStore) -> int:
    """The same track as often as there are copies, each time from the beginning; returns how many windows that took."""
    window, hop = (round(seconds * sample_rate) for seconds in (work.window, work.hop))
    count = 0
    for key in range(1, work.copies + 1):
        outputs = []
        for part in cut(work.sound(sample_rate), window, hop):
            output = engine.features([part])[0]
            outputs.append(output if output.ndim == 1 else output.mean(axis=0))
        count += len(outputs)
        vector = enrich(np.stack(outputs, axis=1))
        store.upsert(OWNER, SPACE, [key], vector[np.newaxis])
    return count


def main() -> None:
    from reprise.stores.embedded import EmbeddedStore

    work = Work.read()
    model = network_of(work)
    engine = placed(model, work)
    width = engine.features(model.canaries())[0].shape[-1]
    store = EmbeddedStore(Path(work.output) / "spaces", index_from=100_000, build_apart=True)
    store.create(OWNER, SPACE, 3 * width)

    def once() -> dict[str, Any]:
        return {"windows": embed(engine, work, model.anatomy.sample_rate, store)}

    serve({"placement": engine.placement}, once)


if __name__ == "__main__":
    main()
