"""Watching a folder: the system tells of changes where it can, elsewhere the folder is looked at again and again."""

from __future__ import annotations

import logging
import os
import stat
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reprise.core.following import tidy
from reprise.core.items import display_path
from reprise.core.ports import WHOLE, Part
from reprise.errors import LibraryError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from watchfiles import Change

    from reprise.core.following import StopEvent

logger = logging.getLogger(__name__)

REMOTE_KINDS = frozenset(
    {"9p", "afs", "ceph", "cifs", "davfs", "glusterfs", "lustre", "ncpfs", "smb3", "smbfs", "vboxsf"}
)
"""File systems whose other users change files without this machine being told."""
REMOTE_BEGINNINGS = ("nfs", "fuse")
"""What the names of others begin with: ``nfs4``, ``fuse.sshfs``, ``fuse.rclone``."""

MOST_PATHS = 2000

UNTOLD = "Unable to decode path"
"""What the library that watches says of a name that is not UTF-8, and then ends."""

LOOK_MS = 250
"""How often the watching thread looks at what rests, and whether it is to stop."""
GATHER_MS = 200
LONGEST_HOLD_SECONDS = 2.0
"""What rests is given out after this time at the latest, while other files are still being written."""


@dataclass(slots=True)
class _Pending:
    """A changed path that may still be written: its state, since when it has been so, since when it is known."""

    state: tuple[int, int] | None
    rests_since: float
    known_since: float


@dataclass(slots=True)
class FolderWatcher:
    """Implements ``core.following.Watcher``. ``delay`` and ``poll_seconds`` in seconds."""

    root: bytes
    delay: float
    poll_seconds: float
    polls: str = ""
    _pending: dict[bytes, _Pending] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if kind := remote_kind(self.root):
            self.polls = f"{display_path(self.root)} is on {kind}, which tells of no changes"

    def changes(self, stop: StopEvent) -> Iterator[Sequence[Part]]:
        """Where something came, went or changed and rests now. Raises ``LibraryError`` when the folder is not there."""
        while not stop.is_set():
            try:
                yield from self._watched(stop)
            except FileNotFoundError:
                raise LibraryError(
                    f"the folder {display_path(self.root)} does not exist", cure="is a disk not mounted?"
                ) from None
            except (OSError, RuntimeError) as error:
                if UNTOLD in str(error):
                    continue  # a name that is no text cannot be told, but the scan that follows finds it
                if self.polls:
                    raise LibraryError(
                        f"{display_path(self.root)} cannot be watched: {error}", cure="check its rights"
                    ) from error
                self.polls = f"the system cannot watch it: {error}"
                logger.warning(
                    "%s is looked at every %g s: %s; raise fs.inotify.max_user_watches and max_user_instances",
                    display_path(self.root),
                    self.poll_seconds,
                    error,
                )

    def _watched(self, stop: StopEvent) -> Iterator[Sequence[Part]]:
        """First the whole, then what changes, until another disk lies there than in the beginning."""
        place = _identity(self.root)
        for number, paths in enumerate(self._watch(stop)):
            if _identity(self.root) != place:
                return
            yield parts_of(self.root, paths) if number else [WHOLE]

    def _watch(self, stop: StopEvent) -> Iterator[Collection[bytes]]:
        from watchfiles import watch

        told = watch(
            os.fsdecode(self.root),
            watch_filter=_matters,
            debounce=GATHER_MS,
            step=50,
            stop_event=stop,
            rust_timeout=LOOK_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
            force_polling=bool(self.polls),
            poll_delay_ms=round(self.poll_seconds * 1000),
            ignore_permission_denied=True,
        )
        for changes in told:
            self._note(os.fsencode(path) for _, path in changes)
            yield self._rested()

    def _note(self, paths: Iterator[bytes]) -> None:
        now = time.monotonic()
        for path in paths:
            known = self._pending.get(path)
            self._pending[path] = _Pending(_state(path), now, known.known_since if known else now)

    def _rested(self) -> list[bytes]:
        """What has not changed for the delay. A copy under way is waited for, but not for ever."""
        now = time.monotonic()
        rested = [path for path, pending in self._pending.items() if self._rests(path, pending, now)]
        held = max((now - self._pending[path].known_since for path in rested), default=0.0)
        if len(rested) < len(self._pending) and held < max(LONGEST_HOLD_SECONDS, 2 * self.delay):
            return []
        for path in rested:
            del self._pending[path]
        return rested

    def _rests(self, path: bytes, pending: _Pending, now: float) -> bool:
        state = _state(path)
        if state != pending.state:
            pending.state, pending.rests_since = state, now
        return now - pending.rests_since >= self.delay


def parts_of(root: bytes, paths: Collection[bytes]) -> list[Part]:
    """What to look at when these absolute paths have changed; of too many, everything."""
    if len(paths) > MOST_PATHS:
        return [WHOLE]
    parts = set[Part]()
    for path in paths:
        inside = os.path.relpath(path, root)
        if inside == b".":
            parts.add(Part(b"", deep=False))
            continue
        parts.add(Part(os.path.dirname(inside), deep=False))
        if not os.path.isfile(path):  # a folder, or something that is gone and may have been one
            parts.add(Part(inside))
    return tidy(parts)


def _matters(_change: Change, path: str) -> bool:
    """Names that a scan would not look at, and what programs write beside them, are no news."""
    return not os.path.basename(path).startswith(".")


def _identity(root: bytes) -> tuple[int, int]:
    """Raises ``FileNotFoundError``."""
    status = os.stat(root)
    return status.st_dev, status.st_ino


def _state(path: bytes) -> tuple[int, int] | None:
    """Size and mtime of a file; a folder's time moves when something is put into it. Nothing when it is gone."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
    return size, status.st_mtime_ns


def remote_kind(folder: bytes, mounts: str = "/proc/self/mounts") -> str:
    """The kind of network mount that the folder lies on; empty for a disk of this machine, or when nobody can tell."""
    kind = _mount_kind(os.path.realpath(folder), mounts)
    return kind if kind in REMOTE_KINDS or kind.startswith(REMOTE_BEGINNINGS) else ""


def _mount_kind(folder: bytes, mounts: str) -> str:
    """The file system type of the innermost mount around the folder."""
    best, kind = b"", b""
    try:
        with open(mounts, "rb") as lines:
            for line in lines:
                _, place, found, *_ = line.split(b" ")
                place = _unescaped(place)
                inside = folder == place or folder.startswith(place.rstrip(b"/") + b"/")
                if inside and len(place) >= len(best):
                    best, kind = place, found
    except (OSError, ValueError):
        return ""
    return kind.decode("ascii", "replace")


def _unescaped(place: bytes) -> bytes:
    r"""Mount points are written with ``\040`` for a blank."""
    for code, character in ((b"\\040", b" "), (b"\\011", b"\t"), (b"\\012", b"\n"), (b"\\134", b"\\")):
        place = place.replace(code, character)
    return place
