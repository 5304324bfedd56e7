"""Which index serves an owner: found, opened, built and swapped, with no more rights than a cache.

``<space>.index/<hash of the owner>/<generation>/``. A generation is built in a folder beside and renamed
into its place when it is whole; readers take the newest whole one. The one before stays until the next build,
so that a reader that has just chosen it can still open it.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import threading
import uuid
from typing import TYPE_CHECKING

from reprise.stores.embedded import ann
from reprise.stores.embedded.ann import Index, IndexUnusable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from reprise.core.ports import Vectors
    from reprise.stores.embedded.rows import Held

log = logging.getLogger(__name__)

GENERATION = "g"
KEPT_GENERATIONS = 2


class Indexes:
    """The opened indexes of a store. For many threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: dict[Path, Index | None] = {}
        self._lock = threading.Lock()

    def place(self, owner: str, space: str) -> Path:
        """Owners are any text: only their hash becomes part of a path."""
        digest = hashlib.sha256(owner.encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / f"{space}.index" / digest[:32]

    def current(self, place: Path, held: Held) -> Index | None:
        """The newest usable index of exactly these rows' life, or None: then the rows are searched."""
        for generation in _generations(place):
            index = self._open(generation)
            if index is not None and _fits(index.manifest, held):
                return index
        return None

    def _open(self, generation: Path) -> Index | None:
        with self._lock:
            if generation not in self._opened:
                self._opened[generation] = _opened(generation)
                self._let_go(generation.parent)
            return self._opened[generation]

    def _let_go(self, place: Path) -> None:
        """Of generations that another process has removed: a server that runs for months would keep them all."""
        for gone in [old for old in self._opened if old.parent == place and not old.exists()]:
            del self._opened[gone]

    def refuse(self, index: Index, reason: IndexUnusable) -> None:
        """Take an index that failed while it was asked out of service until the next build."""
        log.warning("the index is left aside, the rows are searched instead: %s", reason)
        with self._lock:
            for generation, opened in self._opened.items():
                if opened is index:
                    self._opened[generation] = None

    def build(self, place: Path, held: Held, about: int, blocks: Iterable[tuple[list[int], Vectors]]) -> None:
        """Build the index of all rows as of ``held`` and put it into service."""
        for left in place.glob(".*.part"):  # by a build that was killed: the caller holds the builders' lock
            shutil.rmtree(left, ignore_errors=True)
        beside = place / f".{uuid.uuid4().hex}.part"
        try:
            ann.build(beside, held.token, held.seq, held.dimension, about, blocks)
            beside.rename(_next_generation(place))
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        self._remove_old(place)

    def _remove_old(self, place: Path) -> None:
        for old in _generations(place)[KEPT_GENERATIONS:]:
            self._forget(old)

    def drop(self, place: Path) -> None:
        for old in _generations(place):
            self._forget(old)
        shutil.rmtree(place, ignore_errors=True)

    def _forget(self, generation: Path) -> None:
        """Removed under whoever is still asking it: he has it open, and the last one to let go closes it."""
        with self._lock:
            self._opened.pop(generation, None)
        shutil.rmtree(generation, ignore_errors=True)

    def close(self) -> None:
        with self._lock:
            self._opened.clear()


def _generations(place: Path) -> list[Path]:
    """Newest first."""
    return sorted(place.glob(GENERATION + "[0-9]" * 8), reverse=True)


def _next_generation(place: Path) -> Path:
    have = _generations(place)
    number = int(have[0].name.removeprefix(GENERATION)) + 1 if have else 1
    return place / f"{GENERATION}{number:08d}"


def _opened(generation: Path) -> Index | None:
    try:
        return Index(generation, ann.read_manifest(generation))
    except IndexUnusable as error:
        log.warning("the index %s is not used: %s", generation, error)
        return None


def _fits(manifest: ann.Manifest, held: Held) -> bool:
    same = manifest.token == held.token and manifest.dimension == held.dimension
    return same and manifest.seq <= held.seq
