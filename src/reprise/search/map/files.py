"""Where maps lie: of each space one file to go on from, and one that goes out as it is.

``<hash of the owner>/<space>.npz`` holds numbers only (no pickles); ``<space>.json.gz`` is what the API answers. Both
are written beside and renamed: whoever reads gets an old one or a new one.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zipfile
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from reprise.drafts import private_folder, private_opener
from reprise.search.map.atlas import Base, Points
from reprise.search.map.reduction import Reduction

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from reprise.search.map.atlas import Atlas

FORMAT = 1
DECIMALS = 4


class MapFiles:
    """One owner's maps below a folder that all owners share."""

    def __init__(self, folder: Path, owner: str) -> None:
        """Owners are any text: only their hash becomes part of a path."""
        self.folder = folder / hashlib.sha256(owner.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def answer_path(self, space: str) -> Path:
        """The gzipped JSON of the map; not there while there is none."""
        return self.folder / f"{space}.json.gz"

    def _numbers_path(self, space: str) -> Path:
        return self.folder / f"{space}.npz"

    def known(self, space: str) -> tuple[Base, Points] | None:
        """What to go on from; nothing when there is none, or it cannot be read: then the map is made anew."""
        try:
            # opened here: of a damaged file numpy would leave it open
            with self._numbers_path(space).open("rb") as file, np.load(file, allow_pickle=False) as kept:
                return _read(kept) if int(kept["format"]) == FORMAT else None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def write(self, atlas: Atlas) -> None:
        """Raises ``OSError`` when there is no room or no right."""
        private_folder(self.folder)
        self._place(self._numbers_path(atlas.space), _numbers(atlas))
        answer = json.dumps(answer_of(atlas), separators=(",", ":")).encode()
        self._place(self.answer_path(atlas.space), gzip.compress(answer, 6, mtime=0))

    def keep_only(self, spaces: Collection[str]) -> None:
        """Remove the maps of spaces that are no more."""
        for path in self.folder.glob("*"):
            if path.name.removesuffix(".npz").removesuffix(".json.gz") not in spaces:
                with suppress(FileNotFoundError):
                    path.unlink()

    def _place(self, path: Path, content: bytes | dict[str, Any]) -> None:
        draft = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with open(draft, "wb", opener=private_opener) as file:
                if isinstance(content, bytes):
                    file.write(content)
                else:
                    np.savez(file, **content)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def _numbers(atlas: Atlas) -> dict[str, Any]:
    base, points = atlas.base, atlas.points
    return {
        "format": FORMAT,
        "method": base.method,
        "made_at": base.made_at,
        "mean": base.reduction.mean,
        "axes": base.reduction.axes,
        "centres": base.centres,
        "ids": points.ids,
        "places": points.places,
        "clusters": points.clusters,
        "settled": points.settled,
    }


def _read(kept: Any) -> tuple[Base, Points]:
    reduction = Reduction(kept["mean"], kept["axes"])
    base = Base(str(kept["method"]), float(kept["made_at"]), reduction, kept["centres"])
    return base, Points(kept["ids"], kept["places"], kept["clusters"], kept["settled"])


def answer_of(atlas: Atlas) -> dict[str, Any]:
    """The map as the API tells it: columns, since a hundred thousand points are not named one by one."""
    points = atlas.points
    x, y = np.round(points.places.astype(np.float64), DECIMALS).T.tolist() or ([], [])
    return {
        "state": "ready",
        "model": atlas.model,
        "space": atlas.space,
        "method": atlas.base.method,
        "made_at": atlas.base.made_at,
        "count": len(points.ids),
        "seen": atlas.seen,
        "ids": points.ids.tolist(),
        "x": x,
        "y": y,
        "cluster": points.clusters.tolist(),
        "genre": {"names": list(atlas.genre.names), "of": atlas.genre.of.tolist()},
        "key": {"names": list(atlas.key.names), "of": atlas.key.of.tolist()},
        "clusters": [asdict(cluster) for cluster in atlas.clusters],
        "problem": "",
    }
