"""A folder of music: its files in the byte order of their relative paths, their tags and digests."""

from __future__ import annotations

import errno
import os
import re
import stat
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

from reprise.core.cuts import split_path
from reprise.core.items import AUDIO_SUFFIXES, display_path
from reprise.core.ports import WHOLE, FolderCounts, FoundFile, ScanProblem
from reprise.errors import BadSetting, LibraryError, NotFound, Vanished
from reprise.media.essence import Essences
from reprise.media.kinds import file_kind
from reprise.media.tags import read_tags
from reprise.sources.cuesheets import CUE_SUFFIX, read_sheets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reprise.core.items import Tags
    from reprise.core.ports import Part

_SKIPPED_NAMES = frozenset(
    {b"@eaDir", b"#recycle", b"$RECYCLE.BIN", b"lost+found", b"System Volume Information"}
)
"""What storage boxes and systems put beside music. Names that begin with a dot are skipped too."""

_Entry: TypeAlias = "tuple[bytes, FoundFile | ScanProblem | None]"
"""What sorts an entry within its folder, and the entry; a folder is its name with a slash and ``None``."""


_DOT = ord(".")
_KIND_MASK = 0o170000  # the bits of st_mode that stat.S_IFMT keeps


class FolderSource:
    """The audio files below ``root``, an absolute path in the file system's own bytes; in place of a file that a cue
    sheet cuts, its tracks.

    ``exclude`` holds gitignore-like patterns against the relative path (``*.wav``, ``Samples/``,
    ``**/demo/*``). With ``follow_links`` linked folders are walked, each real folder once.
    """

    suffixes = frozenset(suffix.encode() for suffix in AUDIO_SUFFIXES)
    """What names of files that it takes end with, in lower case."""
    common_suffixes = frozenset({b".mp3", b".m4a", b".ogg", b".wav", b".flac", b".opus"})
    """The ends of most names, of four or five letters: a quick yes before the thorough check."""
    has_sheets = True
    """Whether cue sheets cut its files."""

    def __init__(self, root: bytes, exclude: tuple[str, ...] = (), follow_links: bool = True) -> None:
        self._root = root
        self._prefix = os.path.join(root, b"")  # joined by hand: a scan does it for every file
        self._excluded = excluder(exclude) if exclude else None
        self._follow_links = follow_links
        self._essences = Essences()
        self._cut_tags: dict[bytes, Tags] = {}
        """Of the tracks of the folder that was listed last and has cue sheets: they are asked for right after."""

    def walk(self, part: Part = WHOLE) -> Iterator[FoundFile | ScanProblem]:
        """Files and problems of that part in the memcmp order of their relative paths.

        What lies below a folder that is reported as a problem is unknown, not gone. Raises ``LibraryError``
        when the root itself cannot be walked.
        """
        visited: set[tuple[int, int]] = set()
        start = os.path.join(part.folder, b"")
        try:
            stack = [(start, iter(self._start(start, visited)))]
        except OSError as error:
            if not part.folder:
                raise _root_problem(self._root, error) from None
            yield _folder_problem(start, error)
            return
        while stack:
            prefix, entries = stack[-1]
            for key, entry in entries:
                if entry is not None:
                    yield entry
                    continue
                if not part.deep:
                    continue
                below = prefix + key
                try:
                    stack.append((below, iter(self._entries(below, visited))))
                except OSError as error:
                    yield _folder_problem(below, error)
                    continue
                break
            else:
                stack.pop()

    def tags(self, path: bytes) -> Tags:
        """The tags of the item at ``path`` relative to the root. Raises ``Unreadable`` or ``Vanished``."""
        file, cut = split_path(path)
        return read_tags(self._prefix + path) if cut is None else self._tags_of_cut(file, path)

    def digest(self, path: bytes) -> bytes:
        """32 bytes over the essence of the item at ``path``. Raises ``Unreadable`` or ``Vanished``."""
        return self._essences.digest(self._prefix + path)

    def folders(self, folder: bytes) -> list[bytes]:
        """Names of the folders in a folder that a scan comes into, without links.

        Raises ``NotFound``, and ``LibraryError`` for what cannot be read.
        """
        below = os.path.join(folder, b"")
        gone = NotFound(f"there is no folder {display_path(folder)!r}", cure="look where it lies now")
        if below and not (self._is_open(below) and _is_real(self._root, folder)):
            raise gone
        try:
            with os.scandir(self._prefix + folder) as entries:
                return sorted(entry.name for entry in entries if self._is_subfolder(below, entry))
        except OSError as error:
            if folder and error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP}:
                raise gone from None
            raise _root_problem(folder or self._root, error) from None

    def counts(self, folder: bytes) -> FolderCounts | None:
        """What lies directly in a folder; ``None`` when it cannot be read."""
        below = os.path.join(folder, b"")
        folders = tracks = 0
        try:
            with os.scandir(self._prefix + folder) as entries:
                for entry in entries:
                    if self._is_subfolder(below, entry):
                        folders += 1
                    elif self._is_track(below, entry):
                        tracks += 1
        except OSError:
            return None
        return FolderCounts(folders, tracks)

    def _is_subfolder(self, below: bytes, entry: os.DirEntry[bytes]) -> bool:
        return entry.is_dir(follow_symlinks=False) and self._is_open(below + entry.name + b"/")

    def _is_track(self, below: bytes, entry: os.DirEntry[bytes]) -> bool:
        name = entry.name
        if name[:1] == b"." or not self._is_taken(name) or entry.is_dir():
            return False
        return self._excluded is None or not self._excluded(below + name)

    def _is_taken(self, name: bytes) -> bool:
        return b"." + name.rpartition(b".")[2].lower() in self.suffixes and b"." in name

    def _tags_of_cut(self, file: bytes, path: bytes) -> Tags:
        if path not in self._cut_tags:
            folder = file[: file.rfind(b"/") + 1]
            try:
                self._entries(folder, set())
            except OSError:
                raise Vanished("its folder is gone") from None
        if path not in self._cut_tags:
            raise Vanished("no cue sheet speaks of it any more")
        return self._cut_tags[path]

    def _start(self, folder: bytes, visited: set[tuple[int, int]]) -> list[_Entry]:
        """What is in the folder that a walk begins with. Raises ``OSError``, and ``LibraryError`` for the root."""
        if not folder:
            return self._entries(b"", visited)
        if not self._entered(folder):
            return []
        try:
            return self._entries(folder, visited)
        except (FileNotFoundError, NotADirectoryError):
            self._refuse_lost_root()
            return []  # gone, with all that was in it

    def _entered(self, folder: bytes) -> bool:
        """Whether a walk of the whole library would come into the folder, and this way."""
        if not self._is_open(folder):
            return False
        if _is_real(self._root, folder):
            return True
        real, root = os.path.realpath(self._prefix + folder), os.path.realpath(self._root)
        # By way of a link: what lies in the library itself is found where it really is.
        return self._follow_links and not real.startswith(os.path.join(root, b""))

    def _is_open(self, folder: bytes) -> bool:
        """Whether neither the folder nor one above it is hidden or excluded."""
        names = folder.rstrip(b"/").split(b"/")
        if any(name[:1] in (b".", b"") or name in _SKIPPED_NAMES for name in names):
            return False
        above = [b"/".join(names[: depth + 1]) + b"/" for depth in range(len(names))]
        return self._excluded is None or not any(self._excluded(path) for path in above)

    def _refuse_lost_root(self) -> None:
        """A folder may be gone because its disk is: that must not cost what was in it."""
        try:
            with os.scandir(self._root) as entries:
                if next(entries, None) is not None:
                    return
        except OSError as error:
            raise _root_problem(self._root, error) from None
        name = display_path(self._root)
        raise LibraryError(
            f"{name} is empty", cure="mount the disk; if the music is really gone, scan it all"
        )

    def _entries(self, prefix: bytes, visited: set[tuple[int, int]]) -> list[_Entry]:
        """What matters in one folder, sorted; nothing when the folder was walked before by another way.

        A folder sorts as its name with a slash: then "a.mp3" comes before "a/b", as in the full paths.
        """
        folder = os.path.join(self._root, prefix)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            identity = (status.st_dev, status.st_ino)
            if identity in visited:
                return []
            visited.add(identity)
            with os.scandir(folder) as found:
                entries = self._listed(prefix, found, descriptor)
        finally:
            os.close(descriptor)
        entries.sort(key=itemgetter(0))
        return entries

    def _listed(  # noqa: C901 - calls would cost more than what is done
        self, prefix: bytes, found: Iterator[os.DirEntry[bytes]], descriptor: int
    ) -> list[_Entry]:
        """The inner loop over every name of the library: stat from the folder spares looking up its path."""
        entries: list[_Entry] = []
        sheets: list[bytes] = []
        left_out: list[bytes] = []
        item: FoundFile | ScanProblem | None
        excluded, common, look, follow = self._excluded, self.common_suffixes, os.stat, self._follow_links
        for entry in found:
            name = entry.name
            if name[0] == _DOT or name in _SKIPPED_NAMES:
                continue
            try:
                is_folder = entry.is_dir(follow_symlinks=follow)
            except OSError:
                is_folder = False  # a link that cannot be followed: a problem if its name is audio
            if is_folder:
                name += b"/"
            elif name[-4:] not in common and name[-5:] not in common and not self._is_taken(name):
                if follow and entry.is_symlink() and (lost := self._lost_folder(entry, prefix + name)):
                    entries.append((name + b"/", lost))
                elif self.has_sheets and name[-4:].lower() == CUE_SUFFIX:
                    sheets.append(name)
                continue
            path = prefix + name
            if excluded is not None and excluded(path):
                left_out.append(name)
                continue
            if is_folder:
                entries.append((name, None))
                continue
            try:
                status = look(name, dir_fd=descriptor)
            except OSError as error:
                item = _file_problem(path, entry, error)
            else:
                regular = status.st_mode & _KIND_MASK == stat.S_IFREG
                item = (
                    FoundFile(path, status.st_size, status.st_mtime_ns) if regular else _special(path, status)
                )
            if item is not None:
                entries.append((name, item))
        return self._cut(prefix, entries, sheets, left_out) if sheets else entries

    def _cut(
        self, prefix: bytes, entries: list[_Entry], sheets: list[bytes], left_out: list[bytes]
    ) -> list[_Entry]:
        """The entries with tracks in place of the files that the sheets cut, and what is wrong with the sheets."""
        excluded = self._excluded
        files = {name: entry for name, entry in entries if isinstance(entry, FoundFile)}
        odd = [name for name, entry in entries if isinstance(entry, ScanProblem)]
        used = [name for name in sheets if excluded is None or not excluded(prefix + name)]
        found = read_sheets(self._prefix, prefix, used, files, odd, left_out)
        tracks = [track for cuts in found.tracks.values() for track in cuts]
        self._cut_tags = {file.path: tags for file, tags in tracks}
        whole = [(name, entry) for name, entry in entries if name not in found.tracks]
        return [*whole, *found.problems.items(), *((file.path[len(prefix) :], file) for file, _ in tracks)]

    def _lost_folder(self, entry: os.DirEntry[bytes], path: bytes) -> ScanProblem | None:
        """A link to nothing may be a folder whose disk is away: what was below it is not taken for deleted."""
        try:
            entry.stat()
        except FileNotFoundError:
            if self._excluded is None or not self._excluded(path + b"/"):
                return ScanProblem(
                    path, "broken_link", "a link to something that does not exist", is_folder=True
                )
        except OSError:
            return None  # a link to itself: nothing was ever below it
        return None


def _is_real(root: bytes, folder: bytes) -> bool:
    """Whether the folder lies where its path says, without a link on the way down from the root."""
    real = os.path.join(os.path.realpath(root), *folder.rstrip(b"/").split(b"/"))
    return os.path.realpath(os.path.join(root, folder)) == real


def _file_problem(path: bytes, entry: os.DirEntry[bytes], error: OSError) -> ScanProblem | None:
    """What is wrong with a file; nothing when it vanished since its folder was listed."""
    if not isinstance(error, FileNotFoundError):
        return ScanProblem(path, "unreadable", _reason(error), is_folder=False)
    if entry.is_symlink():
        return ScanProblem(path, "broken_link", "a link to something that does not exist", is_folder=False)
    return None


def _special(path: bytes, status: os.stat_result) -> ScanProblem | None:
    if stat.S_ISDIR(status.st_mode):  # a linked folder, while links are not followed
        return None
    message = f"{file_kind(status.st_mode)}, not a regular file"
    return ScanProblem(path, "not_a_file", message, is_folder=False)


def _folder_problem(path: bytes, error: OSError) -> ScanProblem:
    code = "vanished" if isinstance(error, FileNotFoundError) else "unreadable"
    return ScanProblem(path.rstrip(b"/"), code, _reason(error), is_folder=True)


def _root_problem(root: bytes, error: OSError) -> LibraryError:
    name = display_path(root)
    if isinstance(error, FileNotFoundError):
        return LibraryError(
            f"the folder {name} does not exist", cure="check the path; is a disk not mounted?"
        )
    if isinstance(error, NotADirectoryError):
        return LibraryError(f"{name} is a file, not a folder", cure="name the folder that holds the music")
    if isinstance(error, PermissionError):
        return LibraryError(
            f"permission denied: the folder {name} cannot be read",
            cure="give the user that runs Reprise the right to read it",
        )
    return LibraryError(f"the folder {name} cannot be read: {_reason(error)}", cure="check the disk")


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def excluder(patterns: tuple[str, ...]) -> Callable[[bytes], bool]:
    """Whether a relative path (a folder's ends with a slash) is excluded. Raises ``BadSetting``."""
    from pathspec import GitIgnoreSpec

    try:
        spec = GitIgnoreSpec.from_lines(patterns)
    except (ValueError, re.error) as error:
        raise BadSetting(
            f"an exclusion pattern is wrong: {error}", cure="write it as in a .gitignore"
        ) from None
    return lambda path: spec.match_file(os.fsdecode(path))
