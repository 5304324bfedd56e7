"""The models of this folder, as ``pip install`` leaves them behind."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PLUGIN = Path(__file__).parent / "plugin"
POINTS = {"steady": "Steady", "epochal": "Epochal"}


def install_models(folder: Path) -> list[str]:
    """A dist-info that names the entry points. Returns what belongs on the import path."""
    info = folder / "reprise_stateful_models-1.0.dist-info"
    info.mkdir(parents=True)
    info.joinpath("METADATA").write_text(
        "Metadata-Version: 2.1\nName: reprise-stateful-models\nVersion: 1.0\n"
    )
    points = [f"{name} = reprise_stateful_models:{kind}" for name, kind in POINTS.items()]
    info.joinpath("entry_points.txt").write_text("\n".join(["[reprise.models]", *points]) + "\n")
    return [str(folder), str(PLUGIN)]


@contextmanager
def installed(folder: Path) -> Iterator[list[str]]:
    """They can be imported in this process inside the block; gives what belongs on the import path of others."""
    path = install_models(folder)
    sys.path[:0] = path
    try:
        yield path
    finally:
        for entry in path:
            sys.path.remove(entry)
