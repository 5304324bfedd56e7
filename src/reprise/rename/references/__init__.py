"""Playlists, cue sheets and DJ programs' collections name files: after a renaming their copies say the new names.

Only the names change: whatever else stands in a file stays as it is, byte by byte. The original is never written to.
It is replaced only if that is asked for, at once, and kept beside under its name with ``.bak``.
"""

from __future__ import annotations

import os
import tempfile
import unicodedata
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from reprise.core.items import display_path
from reprise.core.rename_journal import MoveState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeAlias

    from reprise.core.rename_journal import Move

    Edit: TypeAlias = tuple[int, int, bytes]
    """Bytes from, up to, and what stands there instead."""

MOST_BYTES = 2 * 1024**3
"""Of a file that is rewritten; the largest collections have a few hundred megabytes."""


class NotThisKind(ValueError):
    """The file's content is not what its suffix says."""


class Places:
    """Where files are now, by their paths before. Paths are absolute, in the file system's bytes.

    ``known_as`` is how a program calls ``root``, if it saw the music under another path. ``before_undo``: where they
    will be when they have their old names back.
    """

    def __init__(
        self, root: bytes, moves: Iterable[Move], known_as: bytes = b"", *, before_undo: bool = False
    ) -> None:
        self._root = root.rstrip(b"/")
        self._known_as = known_as.rstrip(b"/")
        self._names: dict[bytes, bytes] = {}
        for move in moves:
            folder = os.path.join(self._root, move.folder) if move.folder else self._root
            there = move.state in (MoveState.MOVED, MoveState.RETURNING, MoveState.STUCK)
            if there and not before_undo:
                self._names[folder + b"/" + move.old] = move.new
            elif there or move.state == MoveState.BACK:
                self._names[folder + b"/" + move.new] = move.old
        self._by_stem: dict[bytes, bytes] | None = None
        self._by_form = {_form(path): name for path, name in self._names.items() if not path.isascii()}

    def name(self, path: str) -> str | None:
        """The name that the file at ``path`` has now; ``None`` when it was not renamed."""
        sought = _sought(path)
        if self._known_as and sought.startswith(self._known_as + b"/"):
            sought = self._root + sought[len(self._known_as) :]
        found = self._names.get(sought)
        if found is None and self._by_form:
            found = self._by_form.get(_form(sought))
        return None if found is None else os.fsdecode(found)

    def stem(self, path: str) -> str | None:
        """The new name, without its suffix, of a file that is called so but for its suffix."""
        if self._by_stem is None:
            self._by_stem = {os.path.splitext(old)[0]: new for old, new in self._names.items()}
        found = self._by_stem.get(os.path.splitext(_sought(path))[0])
        return None if found is None else os.fsdecode(os.path.splitext(found)[0])


@dataclass(slots=True)
class Tally:
    """``entries`` that name files; ``changed`` of them; ``left`` that should be changed and cannot, with why."""

    entries: int = 0
    changed: int = 0
    left: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What became of one file. ``output``: the copy, or the file itself when it was replaced; empty without either."""

    path: str
    output: str
    kind: str
    entries: int
    changed: int
    left: int = 0
    code: str = ""
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def rewrite_sheet(path: bytes, places: Places) -> None:
    """A cue sheet that went along with its file names it as it is called now. It keeps its times: scans see no change.

    Raises ``OSError``.
    """
    from reprise.rename.references.playlists import cue_edits

    with open(path, "rb") as file:
        edits = cue_edits(file, path, places, Tally())
        if edits:
            _replace(path, file, edits, backup=False, times=True)


def rewrite(
    paths: Sequence[bytes], places: Places, *, output: bytes | None = None, in_place: bool = False
) -> Iterator[Rewritten]:
    """Rewrite each file; what cannot be is told with a code and a reason, and the others go on.

    Copies go into the folder ``output`` under their own names, or beside the originals with ``.renamed`` in the name.
    """
    for path in paths:
        try:
            yield _rewritten(os.path.abspath(path), places, output, in_place=in_place)
        except NotThisKind as error:
            yield _failed(path, "not_this_kind", str(error))
        except OSError as error:
            yield _failed(path, "unreadable", error.strerror or str(error))


def _rewritten(path: bytes, places: Places, output: bytes | None, *, in_place: bool) -> Rewritten:
    kind, edits_of = _kind(path)
    tally = Tally()
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size > MOST_BYTES:
            raise NotThisKind("larger than any such file")
        edits = edits_of(file, path, places, tally)
        target = b""
        if edits:
            target = _replace(path, file, edits) if in_place else _copy(path, file, edits, output)
    why = f"{len(tally.left):,} entries could not be written: {tally.left[0]}" if tally.left else ""
    return Rewritten(
        display_path(path), display_path(target), kind, tally.entries, tally.changed, len(tally.left),
        "left" if tally.left else "", why,
    )  # fmt: skip


def _failed(path: bytes, code: str, reason: str) -> Rewritten:
    return Rewritten(display_path(path), "", "", 0, 0, 0, code, reason)


def _kind(path: bytes) -> tuple[str, Callable[[IO[bytes], bytes, Places, Tally], list[Edit]]]:
    from reprise.rename.references import collections, playlists, serato

    name = os.path.basename(path).lower()
    kinds: dict[bytes, tuple[str, Callable[[IO[bytes], bytes, Places, Tally], list[Edit]]]] = {
        b".m3u": ("m3u", playlists.m3u_edits),
        b".m3u8": ("m3u", playlists.m3u_edits),
        b".cue": ("cue", playlists.cue_edits),
        b".xml": ("rekordbox", collections.rekordbox_edits),
        b".nml": ("traktor", collections.traktor_edits),
        b".crate": ("serato", serato.edits),
    }
    if name == b"database v2":
        return "serato", serato.edits
    known = kinds.get(os.path.splitext(name)[1])
    if known is None:
        raise NotThisKind(
            "no playlist (.m3u, .m3u8), cue sheet, Rekordbox XML, Traktor NML, Serato crate or database"
        )
    return known


def _copy(path: bytes, file: IO[bytes], edits: Sequence[Edit], output: bytes | None) -> bytes:
    folder, name = os.path.split(path)
    stem, suffix = os.path.splitext(name)
    if output is None:
        wanted = os.path.join(folder, stem + b".renamed" + suffix)
    else:
        os.makedirs(output, exist_ok=True)
        wanted = os.path.join(output, name)
    descriptor, target = _free(wanted)
    try:
        with os.fdopen(descriptor, "wb") as copy:
            _write(file, edits, copy)
    except BaseException:
        os.unlink(target)
        raise
    return target


def _free(wanted: bytes) -> tuple[int, bytes]:
    """A new file of that name, or with a number behind it: nothing that is there is replaced."""
    stem, suffix = os.path.splitext(wanted)
    number, target = 1, wanted
    while True:
        try:
            return os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644), target
        except FileExistsError:
            number += 1
            target = b"%s (%d)%s" % (stem, number, suffix)


def _replace(
    path: bytes, file: IO[bytes], edits: Sequence[Edit], *, backup: bool = True, times: bool = False
) -> bytes:
    """Whoever reads sees the old content or the new one. The first original is the one that is kept."""
    real = os.path.realpath(path)
    descriptor, draft = tempfile.mkstemp(prefix=b".reprise-", dir=os.path.dirname(real))
    try:
        with os.fdopen(descriptor, "wb") as copy:
            _write(file, edits, copy)
            copy.flush()
            status = os.fstat(file.fileno())
            os.fchmod(copy.fileno(), status.st_mode & 0o7777)
            if times:
                os.utime(copy.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
            os.fsync(copy.fileno())
        if backup:
            with suppress(FileExistsError):
                _keep(real, real + b".bak")
        os.replace(draft, real)
    except BaseException:
        os.unlink(draft)
        raise
    return path


def _keep(path: bytes, backup: bytes) -> None:
    try:
        os.link(path, backup)
    except FileExistsError:
        raise
    except OSError:  # a disk without links
        with open(path, "rb") as source, open(backup, "xb") as target:
            _write(source, [], target)


def _write(file: IO[bytes], edits: Sequence[Edit], copy: IO[bytes]) -> None:
    at = 0
    for start, end, text in [*edits, (os.fstat(file.fileno()).st_size, 0, b"")]:
        file.seek(at)
        left = start - at
        while left > 0 and (block := file.read(min(left, 1 << 20))):
            copy.write(block)
            left -= len(block)
        copy.write(text)
        at = end


def _sought(path: str) -> bytes:
    """The path in the file system's bytes; nothing for one that no file has: of half a character of UTF-16, or one that
    does not end with a name."""
    if path.endswith(("/", "/.", "/..")):
        return b""
    try:
        return os.path.normpath(os.fsencode(path))
    except UnicodeEncodeError:
        return b""


def _form(path: bytes) -> bytes:
    """Equal for paths that differ in Unicode's form only, as those of different systems do."""
    return unicodedata.normalize("NFC", os.fsdecode(path)).encode(errors="surrogateescape")
