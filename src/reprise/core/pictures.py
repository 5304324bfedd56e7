"""The port of what rows say of the files in the media folder, where equal pictures of several owners are one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


class Pictures(Protocol):
    """Which files are named, by whichever owner. Paths are relative to the media folder.

    A row that goes, or takes another file, releases the one it named in the same transaction, so that no crash makes
    anybody forget to delete it.
    """

    def named(self, files: Collection[bytes]) -> set[bytes]:
        """Those of them that a row of any owner names."""

    def release(self, files: Collection[bytes], at: float) -> None:
        """Have these deleted by the next :meth:`settle`, unless a row names them then. ``at``: as ``settle`` says it."""

    def settle(self, remove: Callable[[bytes, float], bool]) -> int:
        """Have ``remove`` delete each released file that no row names; returns how many it deleted.

        It is given the file, and when a row last took it up, in seconds since the epoch. While it is asked no row can
        come to name the file. What it answers ``False`` for stays released.
        """

    def released(self) -> int:
        """How many files wait for :meth:`settle`."""
