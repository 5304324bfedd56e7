"""The folders of a plan, one after the other, with all that lies in each."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reprise.core.items import AUDIO_SUFFIXES, display_path
from reprise.core.renaming import FileIdentity
from reprise.errors import LibraryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_AUDIO = frozenset(suffix.encode() for suffix in AUDIO_SUFFIXES)
_SKIPPED = frozenset({b"@eaDir", b"#recycle", b"$RECYCLE.BIN", b"lost+found", b"System Volume Information"})
"""As a scan: what storage boxes and systems put beside music. Names that begin with a dot are skipped too."""

_DOT = ord(".")
_WRITE = os.W_OK | os.X_OK
_EFFECTIVE = os.access in os.supports_effective_ids
_SAID = {
    PermissionError: "permission denied",
    FileNotFoundError: "it is gone",
}


@dataclass(frozen=True, slots=True)
class Place:
    """What to walk: ``folder`` below ``root``, an absolute path. ``excluded`` is asked with relative paths, those of
    folders with a slash at their end. With ``follow_links`` linked folders are walked, each real folder once."""

    root: bytes
    folder: bytes = b""
    recursive: bool = True
    follow_links: bool = True
    excluded: Callable[[bytes], bool] | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """A file with the suffix of audio. ``user``: whose it is. ``is_link``: its name is that of a link."""

    name: bytes
    identity: FileIdentity
    user: int
    is_link: bool

    @classmethod
    def of(cls, name: bytes, status: os.stat_result) -> Track:
        """``status`` is that of the name itself, not of what it may lead to."""
        return cls(name, identity_of(status), status.st_uid, stat.S_ISLNK(status.st_mode))


@dataclass(slots=True)
class Listing:
    """All that lies in one folder. ``folder`` is relative to the root; ``tracks`` are in byte order of their names.

    ``others``: the names of all else. ``problem``: why it could not be looked into, in words. ``writable``: whether
    names in it can be changed. ``sticky_for``: who may rename only what is their own, a user's number.
    """

    folder: bytes
    tracks: list[Track] = field(default_factory=list)
    others: list[bytes] = field(default_factory=list)
    problem: str = ""
    writable: bool = True
    sticky_for: int | None = None


def walk(place: Place) -> Iterator[Listing]:
    """Folder by folder in byte order of their paths; what is below a folder follows it.

    Raises ``LibraryError`` when the first folder cannot be looked into.
    """
    visited: set[tuple[int, int]] = set()
    waiting = [place.folder]
    while waiting:
        folder = waiting.pop()
        try:
            listing, below = _listed(place, folder, visited)
        except OSError as error:
            if folder == place.folder:
                raise LibraryError(
                    f"the folder {display_path(os.path.join(place.root, folder))} cannot be looked into: {why(error)}",
                    cure="check the path; is a disk not mounted?",
                ) from None
            yield Listing(folder, problem=why(error))
            continue
        if listing is not None:
            yield listing
            if place.recursive:
                waiting.extend(sorted(below, reverse=True))


def identity_of(status: os.stat_result) -> FileIdentity:
    return FileIdentity(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def why(error: OSError) -> str:
    """The reason of a file system in lower case words."""
    return _SAID.get(type(error)) or (error.strerror or str(error)).lower()


def _listed(place: Place, folder: bytes, visited: set[tuple[int, int]]) -> tuple[Listing | None, list[bytes]]:
    """The folder, and those in it that are to be walked; ``None`` if it was walked before by another way."""
    path = os.path.join(place.root, folder)
    status = os.stat(path)
    identity = (status.st_dev, status.st_ino)
    if identity in visited:
        return None, []
    visited.add(identity)
    listing, below = Listing(folder), []
    prefix = os.path.join(folder, b"") if folder else b""
    with os.scandir(path) as entries:
        for entry in entries:
            name = entry.name
            if name[0] == _DOT or name in _SKIPPED:
                listing.others.append(name)
            elif _is_audio(name) and (track := _track(place, prefix, entry)) is not None:
                listing.tracks.append(track)
            else:
                listing.others.append(name)
                if _is_folder(place, prefix, entry):
                    below.append(prefix + name)
    listing.tracks.sort(key=lambda track: track.name)
    listing.others.sort()
    listing.writable = os.access(path, _WRITE, effective_ids=_EFFECTIVE)
    user = os.geteuid()
    if status.st_mode & stat.S_ISVTX and user not in (0, status.st_uid):
        listing.sticky_for = user
    return listing, below


def _is_audio(name: bytes) -> bool:
    return name[name.rfind(b".") :].lower() in _AUDIO


def _track(place: Place, prefix: bytes, entry: os.DirEntry[bytes]) -> Track | None:
    """``None`` for a folder of such a name, what is left out, what is no regular file, and what has just vanished."""
    if place.excluded is not None and place.excluded(prefix + entry.name):
        return None
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    if stat.S_ISLNK(status.st_mode):
        return None if _leads_to_folder(entry) else Track.of(entry.name, status)
    return Track.of(entry.name, status) if stat.S_ISREG(status.st_mode) else None


def _leads_to_folder(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links
        return False


def _is_folder(place: Place, prefix: bytes, entry: os.DirEntry[bytes]) -> bool:
    try:
        if not entry.is_dir(follow_symlinks=place.follow_links):
            return False
    except OSError:  # a loop of links
        return False
    return place.excluded is None or not place.excluded(prefix + entry.name + b"/")
