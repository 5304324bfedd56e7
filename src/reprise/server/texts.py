"""Texts as vectors for the routes: read by one process at a time, waited for without a thread, and remembered."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from reprise.errors import ModelBusy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reprise.core.ports import Vectors
    from reprise.installed import InstalledModels
    from reprise.server.house import House

Text = tuple[str, str]
"""The fingerprint of the spec that reads it, and the text."""

REMEMBERED = 1000
"""Vectors, 2 MB of 512 dimensions: whoever pages through an answer does not start a process for each page."""

MOST_WAITING = 20
"""Texts that may wait for the encoder; more are refused at once."""


@dataclass(frozen=True, slots=True)
class ReadTexts:
    """Implements ``core.ports.QueryEncoder`` with vectors that are there already."""

    installed: InstalledModels
    vectors: Mapping[Text, Vectors]

    def fingerprint(self, model: str) -> str:
        return self.installed.fingerprint(model)

    def encode(self, model: str, texts: Sequence[str]) -> Vectors:
        mark = self.fingerprint(model)
        return np.stack([self.vectors[mark, text] for text in texts])


class Texts:
    """A ``Service``. Each encoder takes memory and the device: so one works at a time, and the others wait."""

    name = "texts"

    def __init__(self, house: House) -> None:
        self._house = house
        self._stop = threading.Event()
        self._worker = ThreadPoolExecutor(1, "texts")
        self._lock = threading.Lock()
        self._known: OrderedDict[Text, Vectors] = OrderedDict()
        self._waiting: dict[Text, Future[Vectors]] = {}

    def start(self) -> None:
        """Nothing is loaded before somebody asks."""

    def stop(self) -> None:
        self._stop.set()
        self._worker.shutdown(cancel_futures=True)

    def trouble(self) -> str:
        return ""

    async def read(
        self, installed: InstalledModels, models: Sequence[str], text: str, seconds: float
    ) -> ReadTexts:
        """The text as each model reads it. Raises ``ModelBusy`` after ``seconds``, ``ModelError`` kinds."""
        deadline = time.monotonic() + seconds
        vectors: dict[Text, Vectors] = {}
        for model in models:
            key = (installed.fingerprint(model), text)
            encode = partial(installed.encode, model, [text], self._stop.is_set)
            try:
                vectors[key] = await asyncio.wait_for(
                    asyncio.shield(asyncio.wrap_future(self._wanted(key, encode, model))),
                    deadline - time.monotonic(),
                )
            except TimeoutError:
                raise ModelBusy(f"{model} has not read the text within {seconds:.0f} s") from None
        return ReadTexts(installed, vectors)

    def read_here(self, installed: InstalledModels, model: str, text: str, seconds: float) -> Vectors:
        """The text as the model reads it, shape (dimension,); the thread waits. Raises as ``read`` does."""
        encode = partial(installed.encode, model, [text], self._stop.is_set)
        try:
            return self._wanted((installed.fingerprint(model), text), encode, model).result(seconds)
        except TimeoutError:
            raise ModelBusy(f"{model} has not read the text within {seconds:.0f} s") from None

    def _wanted(self, key: Text, encode: Callable[[], Vectors], model: str) -> Future[Vectors]:
        """What is known, what somebody waits for already, or a new place in the queue."""
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                done: Future[Vectors] = Future()
                done.set_result(self._known[key])
                return done
            if key not in self._waiting:
                if len(self._waiting) >= MOST_WAITING:
                    raise ModelBusy(f"{len(self._waiting)} texts wait for {model} already")
                self._waiting[key] = self._worker.submit(self._encoded, key, encode)
            return self._waiting[key]

    def _encoded(self, key: Text, encode: Callable[[], Vectors]) -> Vectors:
        try:
            vector: Vectors = encode()[0]
        except BaseException:
            with self._lock:
                self._waiting.pop(key, None)
            raise
        with self._lock:
            self._known[key] = vector
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
            self._waiting.pop(key, None)
        return vector
