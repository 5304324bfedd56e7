"""A plan on disk: JSON lines, a header, a row for each file, and an end that tells whether all of it is there.

The last line holds the counts and a SHA-256 over all lines before it, so a file that was cut or edited is refused
before anything is renamed by it. Names that are no UTF-8 are kept as base64 beside their text (``old_b64``).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import tempfile
from array import array
from contextlib import suppress
from dataclasses import replace
from itertools import accumulate
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from reprise.core.renaming import FileIdentity, FileKind, Origin, PlanHeader, PlanRow, RowStatus, Value
from reprise.core.renaming import shown_name as shown
from reprise.errors import BadPlan, DiskFull, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

VERSION = 1

_MARK = b'{"reprise_plan": '
_STATUSES = tuple(RowStatus)
_PLACES = {status: place for place, status in enumerate(_STATUSES)}
_PLACE_OF_WORD = {status.value.encode(): place for status, place in _PLACES.items()}
_NO_ROW = len(_STATUSES)
_WORDS = {kind.value.encode(): kind.value for kind in FileKind}
_BUFFER = 256 * 1024  # bytes
_MAX_END = 4096  # bytes, of the last line
_MAX_HEADER = 64 * 1024  # bytes, of the first one
_ROW = re.compile(rb'\{"number": \d+, "status": "(rename|unchanged|refused)", ')
_PLAIN_RENAME = re.compile(
    rb'^\{"number": (\d+), "status": "rename", "kind": "(track|sidecar)", "folder": "(?!/|[^"]*\.\.)([^"\\\0-\x1f]*)",'
    rb' "old": "(?!\.\.?")([^"\\/\0-\x1f]+)", "new": "(?!\.\.?")([^"\\/\0-\x1f]+)", "code": "(\w*)", .*,'
    rb' "identity": \[\d+, (\d+), (\d+), (-?\d+)\]\}$',
    re.MULTILINE,
)
"""A row of what is to be renamed, if nothing in its names is escaped: they stand there as they are on the disk."""
_dump = json.JSONEncoder(ensure_ascii=False).encode
_decode = json.JSONDecoder().decode


class PlannedName(NamedTuple):
    """One file that is to be renamed, without what led to its name. ``kind`` and the rest as in ``PlanRow``."""

    number: int
    folder: bytes
    old: bytes
    new: bytes
    kind: str
    inode: int
    size: int
    mtime_ns: int
    code: str


class PlanWriter:
    """Writes rows as they come, beside ``path``; only a plan that is whole is put in its place.

    ``with PlanWriter(path, header) as plan: plan.add(row) ...``; leaving with an exception leaves what was there.
    Raises ``DiskFull``, and ``UsageError`` where the folder cannot be written or ``path`` is another file's.
    """

    def __init__(self, path: Path, header: PlanHeader) -> None:
        self._path = path
        self.counts = dict.fromkeys(RowStatus, 0)
        self._next = 0
        self._digest = hashlib.sha256()
        if path.exists() and not is_plan(path):
            raise UsageError(f"{path} is there and is no plan", cure="name another file for the plan")
        try:
            descriptor, self._draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        except OSError as error:
            raise _write_error(path, error) from None
        self._file: IO[bytes] = os.fdopen(descriptor, "wb", buffering=_BUFFER)
        self._line(_header_dict(header))

    def add(self, row: PlanRow) -> None:
        """Rows come with their numbers, from 0 on without a gap."""
        if row.number != self._next:
            raise ValueError(f"row {row.number} is not the next one")
        self._next += 1
        self.counts[row.status] += 1
        identity = row.identity
        facts = row.as_dict()
        facts["identity"] = [identity.device, identity.inode, identity.size, identity.mtime_ns]
        self._line(facts)

    def __enter__(self) -> PlanWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._drop()
        else:
            self._finish()

    def _line(self, facts: dict[str, Any]) -> None:
        line = _dump(facts).encode(errors="replace") + b"\n"
        self._digest.update(line)
        try:
            self._file.write(line)
        except OSError as error:
            self._drop()
            raise _write_error(self._path, error) from None

    def _finish(self) -> None:
        end = {"end": True, "counts": {status.value: count for status, count in self.counts.items()}}
        line = _dump({**end, "sha256": self._digest.hexdigest()})
        try:
            self._file.write(line.encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.replace(self._draft, self._path)
        except OSError as error:
            self._drop()
            raise _write_error(self._path, error) from None

    def _drop(self) -> None:
        with suppress(OSError):  # what the buffer holds is not wanted any more
            self._file.close()
        with suppress(FileNotFoundError):
            os.unlink(self._draft)


class PlanReader:
    """A plan that was looked at whole: each row can be had by its number, or all in their order.

    Raises ``BadPlan`` for what is no plan, was cut or edited, or is of a version that this one does not know.
    ``digest`` is the SHA-256 that stands at its end, a name for exactly this plan.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file: IO[bytes] = path.open("rb")
        except OSError as error:
            raise BadPlan(f"{path} cannot be read: {error.strerror}", cure="check the path") from None
        try:
            self.header, self.digest, self._offsets, self._places = _examined(path, self._file)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> PlanReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._places)

    def row(self, number: int) -> PlanRow:
        """Raises ``BadPlan`` for a number that is not in it."""
        if not 0 <= number < len(self):
            raise BadPlan(f"the plan has no row {number}", cure=f"its rows are 0 to {len(self) - 1}")
        start, end = self._offsets[number], self._offsets[number + 1]
        # At a place of its own: threads of a server share one reader.
        return _row(self._path, os.pread(self._file.fileno(), end - start, start))

    def rows(self, start: int = 0, end: int | None = None) -> Iterator[PlanRow]:
        """The rows from ``start`` up to ``end``, in their order, a few hundred in memory at a time."""
        last = len(self) if end is None else min(end, len(self))
        for first in range(max(start, 0), last, 256):
            stop = min(first + 256, last)
            begin = self._offsets[first]
            lines = os.pread(self._file.fileno(), self._offsets[stop] - begin, begin)
            for line in lines.splitlines():
                yield _row(self._path, line)

    def renames(self) -> Iterator[PlannedName]:
        """What is to be renamed, in the order of the rows; what they say besides is not looked at, which takes most
        of the time."""
        last, wanted = len(self), _PLACES[RowStatus.RENAME]
        for first in range(0, last, 256):
            begin, end = self._offsets[first], min(first + 256, last)
            lines = os.pread(self._file.fileno(), self._offsets[end] - begin, begin)
            plain = _PLAIN_RENAME.findall(lines)
            if len(plain) == self._places.count(wanted, first, end):
                for number, kind, folder, old, new, code, inode, size, mtime_ns in plain:
                    yield PlannedName(
                        int(number), folder, old, new, _WORDS[kind], int(inode), int(size), int(mtime_ns), code.decode()
                    )  # fmt: skip
                continue
            for number, line in enumerate(lines.splitlines(), first):
                if self._places[number] == wanted:
                    yield _planned_name(self._path, line)

    def numbers(self, status: RowStatus) -> array[int]:
        """The numbers of the rows with that status, without reading them."""
        wanted = _PLACES[status]
        return array("I", (number for number, place in enumerate(self._places) if place == wanted))


def is_plan(path: Path) -> bool:
    """Whether the file begins as a plan does."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MARK)) == _MARK
    except OSError:
        return False


def _examined(path: Path, file: IO[bytes]) -> tuple[PlanHeader, str, array[int], bytearray]:
    """Read the file once: is all of it there and as it was written, and where does each row begin."""
    first = file.readline(_MAX_HEADER)
    header = _header(path, first)
    digest, places = hashlib.sha256(first), bytearray()
    offsets, rest = array("Q", [len(first)]), [b""]
    while lines := file.readlines(_BUFFER):
        found = list(map(_place, lines))
        rows = found.index(_NO_ROW) if _NO_ROW in found else len(lines)
        digest.update(b"".join(lines[:rows]))
        places += bytes(found[:rows])
        offsets.extend(list(accumulate(map(len, lines[:rows]), initial=offsets[-1]))[1:])
        if rest := lines[rows:]:
            break
    end = _end(path, rest[0] if rest else b"")
    if rest[1:] or file.read(1):
        raise BadPlan(f"{path} goes on after its end: it was changed after it was made")
    if end.get("sha256") != digest.hexdigest():
        raise BadPlan(f"{path} was changed after it was made")
    counts = {status: places.count(place) for status, place in _PLACES.items()}
    return replace(header, counts=counts), digest.hexdigest(), offsets, places


def _place(line: bytes) -> int:
    """Which status a row has, from how it begins; ``_NO_ROW`` for what is no row."""
    found = _ROW.match(line)
    return _PLACE_OF_WORD[found[1]] if found is not None and line.endswith(b"\n") else _NO_ROW


def _end(path: Path, line: bytes) -> dict[str, Any]:
    with suppress(ValueError, RecursionError):
        end = json.loads(line) if len(line) <= _MAX_END and line.endswith(b"\n") else None
        if isinstance(end, dict) and end.get("end") is True:
            return end
    raise BadPlan(f"{path} is cut: its end is missing")


def _header_dict(header: PlanHeader) -> dict[str, Any]:
    return {
        "reprise_plan": VERSION,
        **shown("root", header.root),
        **shown("folder", header.folder),
        "recursive": header.recursive,
        "template": header.template,
        "created_at": header.created_at,
        "audio": header.audio,
        "sidecars": header.sidecars,
    }


def _header(path: Path, line: bytes) -> PlanHeader:
    try:
        facts = json.loads(line)
        version = facts["reprise_plan"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadPlan(f"{path} is no plan") from None
    if version != VERSION:
        raise BadPlan(f"{path} is a plan of version {version}; this Reprise reads version {VERSION}")
    try:
        return PlanHeader(
            root=_name(facts, "root"),
            folder=_name(facts, "folder"),
            recursive=facts["recursive"],
            template=facts["template"],
            created_at=facts["created_at"],
            audio=facts["audio"],
            sidecars=facts["sidecars"],
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadPlan(f"{path} was changed after it was made") from None


def _row(path: Path, line: bytes) -> PlanRow:
    try:
        facts = json.loads(line)
        return PlanRow(
            number=facts["number"],
            folder=_name(facts, "folder"),
            old=_name(facts, "old"),
            new=_name(facts, "new"),
            status=RowStatus(facts["status"]),
            identity=FileIdentity(*facts["identity"]),
            kind=FileKind(facts["kind"]),
            code=facts["code"],
            reason=facts["reason"],
            values={name: Value(text, Origin(origin)) for name, (text, origin) in facts["values"].items()},
            notes=tuple(facts["notes"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadPlan(f"{path} was changed while it was read") from None


def _planned_name(path: Path, line: bytes) -> PlannedName:
    """The quotation marks of names are escaped, so nothing in a name looks like the key that is sought."""
    head, _, rest = line.partition(b', "values": {')
    try:
        facts = _decode(head.decode() + "}")
        _, inode, size, mtime_ns = rest.rpartition(b', "identity": [')[2].rstrip(b"]}").split(b", ")
        names = (_folder(facts), _name_in_folder(facts, "old"), _name_in_folder(facts, "new"))
        return PlannedName(
            facts["number"], *names, facts["kind"], int(inode), int(size), int(mtime_ns), facts["code"]
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadPlan(f"{path} was changed while it was read") from None


def _name(facts: dict[str, Any], key: str) -> bytes:
    kept = facts.get(f"{key}_b64")
    if kept is not None:
        return base64.b64decode(kept, validate=True)
    text: str = facts[key]
    return text.encode()


def _folder(facts: dict[str, Any]) -> bytes:
    """Below the root, whoever wrote the plan. Raises ``ValueError``."""
    folder = _name(facts, "folder")
    if folder.startswith(b"/") or b".." in folder.split(b"/") or b"\0" in folder:
        raise ValueError("a folder outside of the root")
    return folder


def _name_in_folder(facts: dict[str, Any], key: str) -> bytes:
    """Files stay in their folder. Raises ``ValueError``."""
    name = _name(facts, key)
    if name in (b"", b".", b"..") or b"/" in name or b"\0" in name:
        raise ValueError("no name of a file")
    return name


def _write_error(path: Path, error: OSError) -> DiskFull | UsageError:
    import errno

    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"{path}: {error.strerror}")
    return UsageError(f"{path} cannot be written: {error.strerror}", cure="name a file in a folder of yours")
