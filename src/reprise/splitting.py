"""The composition root of splitting: tracks of cue sheets become files of their own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reprise.app import App
    from reprise.core.cuts import SplitTrack
    from reprise.core.plan import Selection
    from reprise.core.ports import ScanProblem


def split(app: App, chosen: Path, output: Path) -> Iterator[SplitTrack | ScanProblem]:
    """Write the tracks of the cue sheets in a folder, or of one sheet, as files; no catalogue is touched.

    Raises ``LibraryError``, ``UsageError`` and ``DiskFull``.
    """
    from reprise.core.items import Library
    from reprise.sources.existing import existing_folder
    from reprise.sources.splitting import split_folder, split_sheet

    if chosen.suffix.lower() == ".cue" and chosen.is_file():
        return split_sheet(os.fsencode(chosen), os.fsencode(output))
    library = Library(0, app.owner, "folder", "", os.fsencode(existing_folder(chosen)))
    return split_folder(app.source(library), library.root, b"", os.fsencode(output))


def split_selected(app: App, selection: Selection, output: Path) -> Iterator[SplitTrack | ScanProblem]:
    """The same for what a job is to embed. Raises ``UsageError`` for an output that the scan would find too."""
    from reprise.sources.splitting import split_library

    library = app.catalogue().libraries.get(app.owner, selection.library_id)
    return split_library(app.source(library), library, selection.folder, os.fsencode(output.resolve()))
