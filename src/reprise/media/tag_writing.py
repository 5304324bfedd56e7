"""Write tempo, key and gain into a file's tags: whole or not at all.

The change is made in a copy beside the file. Only when the copy reads back with the new values, every other tag as it was
and the same sound (by its essence digest) does it take the file's name, in one step. A crash leaves the file and at most
a copy, which :func:`sweep` clears away.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import struct
from contextlib import contextmanager, suppress
from enum import Enum
from secrets import token_hex
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from reprise.core.musical_key import MusicalKey
from reprise.errors import ExtraMissing, TagsNotWritten, Unreadable, Vanished
from reprise.media.essence import essence_digest
from reprise.media.fields import read_fields
from reprise.media.sniff import sniff_file
from reprise.media.tag_formats import TOUCHED, NewTags, open_tags

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.core.file_fields import FileFields
    from reprise.media.tag_formats import Writer

_DRAFT = b".reprise-tags-"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_STUMBLES = (
    LookupError, ValueError, ArithmeticError, TypeError, AttributeError, AssertionError, RecursionError, MemoryError,
    EOFError, struct.error,
)  # fmt: skip
"""What mutagen lets escape, besides errors of its own, where headers lie: only the copy was touched."""
_NO_COPY_RANGE = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
_COPY_BYTES = 1 << 30  # in one call
_CHUNK_BYTES = 1024 * 1024

NAMES = ("tempo", "key", "gain")
"""What can be written, as people ask for it."""


class Written(NamedTuple):
    """``changed``: which of :data:`NAMES` stand in the file now. ``kept``: which had another value, left alone."""

    changed: tuple[str, ...]
    kept: tuple[str, ...]


def need_mutagen() -> None:
    """Raises ``ExtraMissing`` when the library that writes tags is not installed."""
    try:
        import mutagen  # noqa: F401
    except ImportError:
        raise ExtraMissing(
            "writing tags needs mutagen, which is not installed",
            cure="install it with: pip install 'reprise[tags]'",
        ) from None


def write_tags(
    path: bytes,
    new: NewTags,
    *,
    overwrite: bool = False,
    keep_mtime: bool = False,
    expected: tuple[int, int] | None = None,
) -> Written:
    """Write what is not there yet; with ``overwrite`` also what differs. Equal values are left alone.

    Args:
        path: of a regular file with one name.
        new: what is to stand in it.
        expected: size in bytes and time of change in nanoseconds that the file had when it was heard.
        keep_mtime: give the file the time of change that it had.

    Raises:
        TagsNotWritten: it cannot be done, and why; the file is as it was.
        Unreadable, Vanished: the file cannot be read.
        ExtraMissing: mutagen is not installed.
    """
    need_mutagen()
    before = _status(path)
    fields = read_fields(path)
    wanted, kept = _to_do(fields, new, overwrite=overwrite)
    to_do = any(value is not None for value in wanted)
    if (to_do or kept) and expected not in (None, (before.st_size, before.st_mtime_ns)):
        raise TagsNotWritten("the file has changed since it was heard", cure="run reprise analyze again")
    if not to_do:  # it was written before, even if the catalogue could not be told
        return Written((), kept)
    _refuse_what_must_stay(path, before)
    with _trouble_told():
        _write(path, before, fields, wanted, keep_mtime=keep_mtime)
    return Written(_names(wanted), kept)


def would_write(fields: FileFields, new: NewTags, *, overwrite: bool = False) -> Written:
    """What :func:`write_tags` would do to a file that says ``fields``, as far as its tags decide it."""
    wanted, kept = _to_do(fields, new, overwrite=overwrite)
    return Written(_names(wanted), kept)


def sweep(folder: bytes) -> int:
    """Delete copies that a killed process left in the folder; returns how many. What is in work is left alone."""
    swept = 0
    with suppress(OSError), os.scandir(folder) as entries:
        drafts = [entry.path for entry in entries if entry.name.startswith(_DRAFT)]
        for draft in drafts:
            with suppress(OSError), open(draft, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(draft)
                swept += 1
    return swept


def _names(wanted: NewTags) -> tuple[str, ...]:
    return tuple(
        name
        for name, value in zip(NAMES, (wanted.bpm, wanted.key, wanted.gain), strict=True)
        if value is not None
    )


def _to_do(fields: FileFields, new: NewTags, *, overwrite: bool) -> tuple[NewTags, tuple[str, ...]]:
    """What of ``new`` has to be written, and what stays although it differs."""
    said = (_tempo_said(fields, new), _key_said(fields, new, overwrite=overwrite), _gain_said(fields, new))
    wanted, kept = new, []
    for name, values, there in zip(NAMES, (("bpm",), ("key",), ("gain", "peak")), said, strict=True):
        if there is _Said.NOTHING or (overwrite and there is _Said.OTHER):
            continue
        wanted = wanted._replace(**dict.fromkeys(values))
        if there is _Said.OTHER:
            kept.append(name)
    return wanted, tuple(kept)


class _Said(Enum):
    """What a file's tags say of a value that is to be written. ``NOTHING`` also when none is to be written."""

    NOTHING = 0
    EQUAL = 1
    OTHER = 2

    @classmethod
    def of(cls, *, there: bool, equal: bool) -> _Said:
        if not there:
            return cls.NOTHING
        return cls.EQUAL if equal else cls.OTHER


def _tempo_said(fields: FileFields, new: NewTags) -> _Said:
    text = fields.tag("bpm") or ""
    there = new.bpm is not None and text.strip("0. ") != ""  # 0 is how programs write none
    tagged = fields.tags.bpm
    return _Said.of(there=there, equal=tagged is not None and round(tagged) == round(new.bpm or 0))


def _key_said(fields: FileFields, new: NewTags, *, overwrite: bool) -> _Said:
    text = fields.tag("initialkey")
    if not text or new.key is None:
        return _Said.NOTHING
    return _Said.of(there=True, equal=text == new.key or (not overwrite and _same_key(text, new.key)))


def _gain_said(fields: FileFields, new: NewTags) -> _Said:
    text = fields.tag("replaygain_track_gain") or fields.tag("r128_track_gain")
    if not text or new.gain is None:
        return _Said.NOTHING
    return _Said.of(there=True, equal=text in (new.texts()["gain"], new.r128))


def _same_key(one: str, other: str) -> bool:
    first, second = MusicalKey.parse(one), MusicalKey.parse(other)
    return first is not None and first == second


def _status(path: bytes) -> os.stat_result:
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise Vanished("the file is gone") from None
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from None


def _refuse_what_must_stay(path: bytes, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise TagsNotWritten(
            "it is a link, not a file of its own", cure="name the folder that the link leads to"
        )
    if status.st_nlink > 1:
        raise TagsNotWritten(
            "the file has several names (hard links): another would keep the old tags",
            cure="make a copy of the file, or leave it as it is",
        )
    if not status.st_mode & 0o222 or not os.access(path, os.W_OK):
        raise TagsNotWritten("the file is read-only", cure="give yourself the right to write it")
    if not os.access(os.path.dirname(path) or b".", os.W_OK | os.X_OK):
        raise TagsNotWritten(
            "its folder is read-only", cure="give yourself the right to write into the folder"
        )


@contextmanager
def _trouble_told() -> Iterator[None]:
    """Whatever the system or mutagen says against it becomes one reason."""
    from mutagen import MutagenError

    try:
        yield
    except MutagenError as error:
        cause = error.__cause__ or error.__context__
        if isinstance(cause, OSError):
            raise _system_trouble(cause) from None
        raise TagsNotWritten(f"its tags cannot be written: {str(error) or type(error).__name__}") from None
    except _STUMBLES as error:
        raise TagsNotWritten(f"its tags cannot be understood ({type(error).__name__}: {error})") from None
    except OSError as error:
        raise _system_trouble(error) from None


def _system_trouble(error: OSError) -> TagsNotWritten:
    if error.errno in _FULL:
        return TagsNotWritten("there is no space left on the disk", cure="free some space, then run it again")
    return TagsNotWritten(error.strerror or str(error))


def _write(
    path: bytes, before: os.stat_result, fields: FileFields, wanted: NewTags, *, keep_mtime: bool
) -> None:
    folder = os.path.dirname(path)
    draft = os.path.join(folder, _DRAFT + token_hex(8).encode())
    try:
        with open(path, "rb") as source, open(draft, "x+b") as copy:
            with suppress(OSError):  # a file system without locks: nobody sweeps there
                fcntl.flock(copy, fcntl.LOCK_EX)
            _copy(source, copy)
            container, rest = _change(copy, wanted)
            copy.flush()
            _verify(path, draft, copy, container, fields, wanted, rest)
            _take_on(copy, draft, source, path, keep_mtime=keep_mtime)
            os.fsync(copy.fileno())
            _replace(draft, path, before)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(draft)
    _sync_folder(folder)


def _copy(source: BinaryIO, copy: BinaryIO) -> None:
    """In the kernel, which shares blocks where the file system can."""
    if hasattr(os, "copy_file_range"):
        try:
            while os.copy_file_range(source.fileno(), copy.fileno(), _COPY_BYTES):
                pass
            if copy.seek(0, os.SEEK_END) == os.fstat(source.fileno()).st_size:
                return
        except OSError as error:
            if error.errno not in _NO_COPY_RANGE:
                raise
        copy.seek(0)
        copy.truncate()
        source.seek(0)
    shutil.copyfileobj(source, copy, _CHUNK_BYTES)
    copy.flush()


def _change(copy: BinaryIO, wanted: NewTags) -> tuple[str, object]:
    """Write into the copy; its container, and all other tags as they were."""
    container, start = sniff_file(copy)
    tags = None if start and container not in {"mp3", "flac"} else open_tags(container, copy)
    if tags is None:
        raise TagsNotWritten(f"no tags can be written into this format ({container or 'unknown content'})")
    rest = tags.rest()
    tags.put(wanted)
    copy.seek(0)
    tags.save(copy)
    return container, rest


def _verify(
    path: bytes,
    draft: bytes,
    copy: BinaryIO,
    container: str,
    fields: FileFields,
    wanted: NewTags,
    rest: object,
) -> None:
    """Raises ``TagsNotWritten`` unless the copy is the file with exactly the new values."""
    again: Writer | None = open_tags(container, copy)
    now = read_fields(draft)
    if again is None or again.rest() != rest or _others(now) != _others(fields):
        raise TagsNotWritten(
            "another tag would not survive the writing", cure="write them with the program they are from"
        )
    texts = wanted.texts()
    said = {"bpm": f"{now.tags.bpm or 0:.0f}", "key": now.tags.key or ""}
    if any(said[name] != texts[name] for name in said if name in texts):
        raise TagsNotWritten("the file hides what is written into it: it has tags of several kinds")
    if essence_digest(draft) != essence_digest(path):
        raise TagsNotWritten("the sound would not be the same after the writing")


def _others(fields: FileFields) -> FileFields:
    """All that must not change. Length and bit rate may be estimated from the size; the digest watches the sound."""
    other = {name: text for name, text in fields.other.items() if name not in TOUCHED}
    return fields._replace(
        tags=fields.tags._replace(bpm=None, key=None, duration=None), bitrate=None, other=other
    )


def _take_on(copy: BinaryIO, draft: bytes, source: BinaryIO, path: bytes, *, keep_mtime: bool) -> None:
    """Owner, mode, extended attributes and access lists, as far as this user may set them."""
    status = os.fstat(source.fileno())
    with suppress(PermissionError):
        os.fchown(copy.fileno(), status.st_uid, status.st_gid)
    shutil.copystat(path, draft)
    if not keep_mtime:
        os.utime(draft)


def _replace(draft: bytes, path: bytes, before: os.stat_result) -> None:
    now = _status(path)
    if _identity(now) != _identity(before):
        raise TagsNotWritten("the file has changed meanwhile", cure="run it again")
    os.replace(draft, path)


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_nlink,
    )


def _sync_folder(folder: bytes) -> None:
    handle = os.open(folder or b".", os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
