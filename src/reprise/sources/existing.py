"""The folder that somebody named, as it is on this disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.errors import LibraryError

if TYPE_CHECKING:
    from pathlib import Path


def existing_folder(folder: Path) -> Path:
    """Absolute, without links. Raises ``LibraryError`` when it is missing, a file, or cannot be opened."""
    try:
        resolved = folder.resolve(strict=True)
    except FileNotFoundError as error:
        raise LibraryError(
            f"{folder} does not exist", cure="check the spelling; is the disk mounted?"
        ) from error
    except (OSError, RuntimeError) as error:
        raise LibraryError(
            f"{folder} cannot be opened: {error}", cure="check its rights and links"
        ) from error
    if not resolved.is_dir():
        raise LibraryError(f"{folder} is a file", cure="name the folder that holds it")
    return resolved
