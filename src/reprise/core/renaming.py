"""A plan of renaming: which file gets which name, and why. What was planned is what happens."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class RowStatus(StrEnum):
    """``RENAME``: the file gets a new name. ``UNCHANGED``: it has it. ``REFUSED``: it keeps its name, see the reason."""

    RENAME = "rename"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class FileKind(StrEnum):
    """``SIDECAR``: a file of the same stem that goes along with its track. ``FOLDER``: one that could not be looked
    into; its row is always refused."""

    TRACK = "track"
    SIDECAR = "sidecar"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """How a file is known again: ``device`` and ``inode``, ``size`` in bytes, ``mtime_ns`` since the epoch."""

    device: int
    inode: int
    size: int
    mtime_ns: int


class Origin(StrEnum):
    """Where a value comes from."""

    TAG = "tag"
    FILE_NAME = "file name"
    AUDIO = "audio"
    MUSICBRAINZ = "musicbrainz"
    DEFAULT = "default"


class Value(NamedTuple):
    """What a field of the template says for one track, and who says it. A tuple: a plan makes ten for each file."""

    text: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One file of a plan. ``number`` counts from 0; ``folder`` is relative to the plan's root; names are bytes.

    ``code`` and ``reason`` say why a row is refused, or what was done to the name that a person should know of
    (shortened, numbered). ``values``: each field in the name with its origin. ``notes``: where origins disagreed, in
    words.
    """

    number: int
    folder: bytes
    old: bytes
    new: bytes
    status: RowStatus
    identity: FileIdentity
    kind: FileKind = FileKind.TRACK
    code: str = ""
    reason: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """All but the identity, as plain JSON values: what scripts, the plan file and the API get.

        A name that is no UTF-8 is shown as well as text can; ``old_b64`` and its like then hold its bytes.
        """
        return {
            "number": self.number,
            "status": self.status.value,
            "kind": self.kind.value,
            **shown_name("folder", self.folder),
            **shown_name("old", self.old),
            **shown_name("new", self.new),
            "code": self.code,
            "reason": self.reason,
            "values": {name: [text, origin.value] for name, (text, origin) in self.values.items()},
            "notes": list(self.notes),
        }


def shown_name(key: str, name: bytes) -> dict[str, str]:
    """``name`` as JSON: under ``key`` its text, and under ``key_b64`` its bytes, only if they are no UTF-8."""
    try:
        return {key: name.decode()}
    except UnicodeDecodeError:
        return {key: name.decode(errors="replace"), f"{key}_b64": base64.b64encode(name).decode()}


@dataclass(frozen=True, slots=True)
class PlanHeader:
    """What a plan is of. ``root`` is absolute; ``folder`` below it is what was planned, ``recursive`` or not.

    ``audio``: whether what was heard of the files was asked as well. ``sidecars``: whether they go along.
    ``created_at`` in seconds since the epoch.
    """

    root: bytes
    folder: bytes
    recursive: bool
    template: str
    created_at: float
    audio: bool = True
    sidecars: bool = False
    counts: Mapping[RowStatus, int] = field(default_factory=dict)
    """Rows by status: of a plan that is whole, all three."""
