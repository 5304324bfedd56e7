"""What a server follows: folders that change, a music server that scans, and ids that are not ours."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from reprise.core.ports import Part

NAVIDROME = "navidrome"
"""The followed server's name among foreign ids."""

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LENGTH = 22
_BASE62 = re.compile(r"[0-9a-zA-Z]{22}")
_HEX = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def canonical_id(text: str) -> str:
    """The one form of a Navidrome id, whichever version gave it; the same again for what is in that form.

    128 bits in base 62, 22 characters. An older id of that length that stands for more is hashed, hexadecimal digits
    and UUIDs are written anew, and whatever else stays as it is.
    """
    if _BASE62.fullmatch(text):
        fits = _value(text) < 1 << 128
        return text if fits else _written(hashlib.md5(text.encode(), usedforsecurity=False).digest())
    if _HEX.fullmatch(text):
        return _written(bytes.fromhex(text.replace("-", "")))
    return text


def _value(text: str) -> int:
    value = 0
    for character in text:
        value = value * 62 + _ALPHABET.index(character)
    return value


def _written(content: bytes) -> str:
    value, digits = int.from_bytes(content, "big"), ""
    while value:
        value, digit = divmod(value, 62)
        digits = _ALPHABET[digit] + digits
    return digits.rjust(_LENGTH, "0")


class ForeignId(NamedTuple):
    """Which item a server means by its id; ``mark`` is the state of its song when that was found out."""

    foreign_id: str
    item_id: int
    mark: str


class ForeignIds(Protocol):
    """Ids of other servers, in whichever form they come; kept and given in the canonical one."""

    def item_of(self, owner: str, server: str, foreign_id: str) -> int | None: ...

    def of_items(self, owner: str, server: str, ids: Collection[int]) -> dict[int, str]:
        """The server's id of each of these items that it knows."""

    def all(self, owner: str, server: str) -> Iterator[ForeignId]: ...

    def learn(self, owner: str, server: str, rows: Sequence[ForeignId]) -> None:
        """What is known of an id already is replaced."""

    def forget(self, owner: str, server: str, foreign_ids: Sequence[str]) -> None: ...


class Song(NamedTuple):
    """A file as a music server knows it. ``root`` is its library there, ``path`` relative to it.

    ``mark`` changes when the file does.
    """

    id: str
    root: bytes
    path: bytes
    mark: str


class SongList(Protocol):
    def songs(self) -> Iterator[Song]:
        """All songs whose files are there. Raises ``RemoteError`` kinds."""


@dataclass(frozen=True, slots=True)
class ScanStatus:
    """How a music server's scan is; ``last_scan`` is its own word for when the last one ended."""

    scanning: bool
    last_scan: str
    error: str = ""


class MusicServer(SongList, Protocol):
    """A music server whose scans are followed. Every method raises ``RemoteError`` kinds."""

    def status(self) -> ScanStatus: ...

    def start_scan(self, *, full: bool) -> None: ...

    def scans(self, stop: StopEvent) -> Iterator[str]:
        """The word of an event each time the server's library may have changed, as long as it is connected.

        Ends in good order when ``stop`` is set.
        """


class StopEvent(Protocol):
    """A ``threading.Event``."""

    def is_set(self) -> bool: ...

    def wait(self, timeout: float | None = None) -> bool: ...


class Watcher(Protocol):
    """Tells which files of a folder have changed."""

    @property
    def polls(self) -> str:
        """Why the folder is looked at again and again instead of being told; empty when it is told."""

    def changes(self, stop: StopEvent) -> Iterator[Sequence[Part]]:
        """Parts of the folder in which something came, went or changed and rests now, until ``stop`` is set.

        Begins with the whole: nobody knows what changed before. Comes back a few times a second with nothing when
        nothing has changed. Raises ``LibraryError`` when the folder is not there.
        """


def tidy(parts: Iterable[Part]) -> list[Part]:
    """The same parts without those that lie in another one; a scan wants them apart."""
    kept: list[Part] = []
    for part in sorted(set(parts), key=lambda part: (part.folder.count(b"/"), part.folder, not part.deep)):
        if not any(_around(other, part) for other in kept):
            kept.append(part)
    return kept


def _around(outer: Part, inner: Part) -> bool:
    if outer.folder == inner.folder:
        return outer.deep or not inner.deep
    return outer.deep and (not outer.folder or inner.folder.startswith(outer.folder + b"/"))


def common_folder(parts: Iterable[Part]) -> bytes:
    """The innermost folder around all of the parts; empty: the whole library."""
    folders = [part.folder.split(b"/") if part.folder else [] for part in parts]
    common: list[bytes] = []
    for names in zip(*folders, strict=False):
        if len(set(names)) > 1:
            break
        common.append(names[0])
    return b"/".join(common)


@dataclass(frozen=True, slots=True)
class RecentError:
    """Something that went wrong in embedding what a scan found. ``path`` is empty when no single item is to blame."""

    path: str
    model: str
    code: str
    message: str
    at: float


@dataclass(slots=True)
class RecentErrors:
    """The newest errors, a hundred at most."""

    most: int = 100
    _kept: deque[RecentError] = field(init=False)

    def __post_init__(self) -> None:
        self._kept = deque(maxlen=self.most)

    def add(self, errors: Iterable[RecentError]) -> None:
        """In the order in which they happened; one that is known already is not added again."""
        self._kept.extend(error for error in errors if error not in self._kept)

    def newest_first(self) -> list[RecentError]:
        return list(reversed(self._kept))
