"""A plan of all names below a folder, complete before the first file moves.

One folder is in memory at a time: names clash only within their folder. A file that cannot be read or renamed costs its
own row.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from reprise.core.items import display_path
from reprise.core.renaming import FileIdentity, FileKind, Origin, PlanRow, RowStatus
from reprise.errors import ItemError
from reprise.rename.clashes import Wish, clash_key, settled
from reprise.rename.names import MAX_BYTES, file_name
from reprise.rename.sheets import SUFFIX, cut_by, folded_stem
from reprise.rename.sidecars import Sidecar, sidecars, stem_of
from reprise.rename.values import USUAL_RULES, values_of
from reprise.rename.walk import identity_of, walk, why

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reprise.core.analysis import Analysis
    from reprise.core.file_fields import FileFields, OnlineFacts
    from reprise.core.renaming import Value
    from reprise.rename.template import Rendered, Template
    from reprise.rename.values import ValueRules
    from reprise.rename.walk import Listing, Place, Track

MAX_PATH_BYTES = 4095
"""Of a whole path on Linux, without the byte that ends it."""

WINDOWS_PATH = 260
"""Characters that older programs on Windows take, drive and end included."""

NOBODY = FileIdentity(0, 0, 0, 0)
"""Of what could not be looked at."""

STRETCH = 100
"""Files that are read together: progress is told after each stretch, and of what was heard it is asked at once."""

Heard: TypeAlias = "Mapping[bytes, tuple[int, int, Analysis]]"
"""By name in its folder: size and mtime_ns of the file that was heard, and what was."""


@dataclass(frozen=True, slots=True)
class Origins:
    """Where values come from.

    ``fields`` reads a file's tags by its path (raises ``Unreadable`` or ``Vanished``); ``heard`` gives what was heard
    of these files of a folder, relative to the root; ``online`` what MusicBrainz knows of a file, by its path, and a note on why it does not.
    """

    fields: Callable[[bytes], FileFields]
    heard: Callable[[bytes, Sequence[bytes]], Heard] | None = None
    online: Callable[[bytes], tuple[OnlineFacts | None, str]] | None = None


@dataclass(frozen=True, slots=True)
class Naming:
    """How files are to be called."""

    template: Template
    origins: Origins
    rules: ValueRules = USUAL_RULES
    sidecars: bool = False


@dataclass(slots=True)
class _Draft:
    """A file of the folder on its way to a row. ``code`` is that of a refusal, as long as there is no ``wish``."""

    name: bytes
    identity: FileIdentity
    user: int
    wish: Wish | None = None
    code: str = ""
    reason: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    new: bytes = b""

    def refuse(self, code: str, reason: str) -> None:
        self.wish, self.code, self.reason, self.new = None, code, reason, self.name


def plan_folder(place: Place, naming: Naming, told: Callable[[int], None] | None = None) -> Iterator[PlanRow]:
    """The rows of a plan, numbered from 0, folder by folder; in a folder in byte order of names, and what goes along
    with a track behind it.

    ``told`` is called with the number of files looked at, every hundred files at least; what it raises ends the
    planning.
    Raises ``LibraryError`` when the folder itself cannot be looked into.
    """
    number = looked = 0
    for listing in walk(place):
        if listing.problem:
            yield _lost_folder(number, listing)
            number += 1
            continue
        folder = _Folder(place, listing, naming)
        for count in folder.drafted():
            looked += count
            if told is not None:
                told(looked)
        for row in folder.rows(number):
            yield row
            number += 1


def _lost_folder(number: int, listing: Listing) -> PlanRow:
    above, _, name = listing.folder.rpartition(b"/")
    return PlanRow(
        number, above, name, name, RowStatus.REFUSED, NOBODY, FileKind.FOLDER, "unreadable", listing.problem
    )


class _Folder:
    """The files of one folder, from what they say to the names they get."""

    def __init__(self, place: Place, listing: Listing, naming: Naming) -> None:
        self._listing = listing
        self._naming = naming
        self._prefix = os.path.join(place.root, listing.folder, b"")
        self._limit = _longest_name(self._prefix)
        self._drafts: list[_Draft] = []
        self._along: dict[bytes, list[Sidecar]] = {}

    def drafted(self) -> Iterator[int]:
        """Read what each file says, and say after each stretch how many files that were."""
        tracks = self._listing.tracks
        for start in range(0, len(tracks), STRETCH):
            stretch = tracks[start : start + STRETCH]
            heard = self._heard([track.name for track in stretch])
            # Reading them all, then naming them all, is a tenth faster than taking turns.
            read = [self._read(track) for track in stretch]
            for track, (draft, fields) in zip(stretch, read, strict=True):
                self._drafts.append(draft)
                if fields is not None:
                    self._name(draft, fields, _still_so(heard.get(track.name), track.identity))
            yield len(stretch)

    def rows(self, number: int) -> Iterator[PlanRow]:
        """Settle who gets which name; the rows, numbered from ``number`` on."""
        self._settle()
        if self._naming.sidecars:
            moves = [(draft.name, draft.new) for draft in self._drafts]
            self._along = sidecars(moves, self._listing.others, self._limit, self._held)
        self._note_sheets()
        for draft in self._drafts:
            yield self._row(number, draft)
            number += 1
            for sidecar in self._along.get(draft.name, ()):
                yield self._sidecar_row(number, sidecar)
                number += 1

    def _heard(self, names: Sequence[bytes]) -> Heard:
        ask = self._naming.origins.heard
        return ask(self._listing.folder, names) if ask else {}

    def _read(self, track: Track) -> tuple[_Draft, FileFields | None]:
        """What the file says; nothing when it is refused."""
        draft = _Draft(track.name, track.identity, track.user, new=track.name)
        if track.is_link:
            draft.refuse("link", "it is a link: rename the file that it leads to")
            return draft, None
        try:
            return draft, self._naming.origins.fields(self._prefix + track.name)
        except ItemError as error:
            draft.refuse(error.code, error.message)
            return draft, None

    def _name(self, draft: _Draft, fields: FileFields, heard: Analysis | None) -> None:
        naming = self._naming
        stem = stem_of(draft.name)
        online, note = None, ""
        if naming.origins.online is not None:
            online, note = naming.origins.online(self._prefix + draft.name)
        text = stem.decode(errors="replace")
        values, notes = values_of(fields, text, heard, online, naming.rules)
        rendered = naming.template.render(values)
        draft.notes.extend((*notes, note) if note else notes)
        if not rendered.stem:
            draft.refuse("no_values", "no field of the template has a value for it")
        elif "\ufffd" in text and _speaks_of_its_name(rendered):
            draft.refuse("not_text", "its name is no UTF-8, and its tags do not say what is missing")
        else:
            self._wish(draft, stem, rendered)

    def _wish(self, draft: _Draft, stem: bytes, rendered: Rendered) -> None:
        suffix = draft.name[len(stem) :].decode()
        name = file_name(rendered.stem, suffix, self._limit)
        draft.values = rendered.values
        draft.wish = Wish(draft.name, name.text[: len(name.text) - len(suffix)], suffix)
        if name.reserved:
            draft.code, draft.reason = "reserved_name", "Windows keeps this name for a device, so it got a _"
        elif name.shortened:
            draft.code, draft.reason = "shortened", f"it was longer than {self._limit} bytes"

    def _settle(self) -> None:
        """Names for all. Whoever turns out to have to stay keeps its name from others, so they are settled anew."""
        while True:
            going = [draft for draft in self._drafts if draft.wish is not None]
            staying = [draft.name for draft in self._drafts if draft.wish is None] + self._listing.others
            wishes = [draft.wish for draft in going if draft.wish is not None]
            for draft, name in zip(going, settled(wishes, staying, self._limit), strict=True):
                draft.new = os.fsencode(name)
            stopped = [draft for draft in going if draft.new != draft.name and self._stop(draft)]
            if not stopped:
                return

    def _stop(self, draft: _Draft) -> bool:
        """Refuse what cannot be renamed in this folder, or not to this name."""
        trouble = self._trouble(draft.user, draft.new)
        if trouble is None:
            return False
        draft.refuse(*trouble)
        return True

    def _trouble(self, user: int, new: bytes) -> tuple[str, str] | None:
        listing = self._listing
        if not listing.writable:
            return "read_only", "its folder cannot be written"
        if listing.sticky_for not in (None, user):
            return "not_ours", "it is another user's, in a folder where each may rename only their own"
        if len(self._prefix) + len(new) > MAX_PATH_BYTES:
            return "path_too_long", f"its path would be longer than {MAX_PATH_BYTES} bytes"
        return None

    def _row(self, number: int, draft: _Draft) -> PlanRow:
        if draft.wish is None:
            status = RowStatus.REFUSED
        else:
            self._remark(draft)
            status = RowStatus.UNCHANGED if draft.new == draft.name else RowStatus.RENAME
        return PlanRow(
            number, self._listing.folder, draft.name, draft.new, status, draft.identity, FileKind.TRACK,
            draft.code, draft.reason, draft.values, tuple(draft.notes),
        )  # fmt: skip

    def _remark(self, draft: _Draft) -> None:
        """What a person should know of the name that it gets."""
        wanted = draft.wish.wanted if draft.wish is not None else ""
        if os.fsdecode(draft.new) != wanted:
            draft.code, draft.reason = "numbered", f"another file gets or has the name {wanted}"
        elif not draft.code and draft.new != draft.name and clash_key(draft.new) == clash_key(draft.name):
            draft.code, draft.reason = "case_only", "only capitals or the way letters are written change"
        path = self._prefix + draft.new
        if len(path) >= WINDOWS_PATH <= len(path.decode(errors="replace")):
            draft.notes.append(
                f"its path has more than {WINDOWS_PATH} characters: some Windows programs fail on it"
            )

    def _held(self, old: bytes, new: bytes) -> tuple[str, str] | None:
        """Why a sidecar cannot be renamed, whatever the others do."""
        try:
            status = os.stat(self._prefix + old, follow_symlinks=False)
        except OSError as error:
            return "vanished", why(error)
        if not stat.S_ISREG(status.st_mode):
            return "link", "it is a link, or no file"
        return self._trouble(status.st_uid, new)

    def _note_sheets(self) -> None:
        """A sheet that stays behind names what is not there any more, and the tracks that it cut are gone."""
        along = {sidecar.old for found in self._along.values() for sidecar in found if not sidecar.code}
        for name in self._listing.others:
            if not name.lower().endswith(SUFFIX) or name in along:
                continue
            cut = cut_by(self._prefix + name)
            for draft in self._drafts:
                if cut and draft.new != draft.name and folded_stem(draft.name) in cut:
                    draft.notes.append(
                        f"{display_path(name)} cuts it into tracks and does not go along: scans lose them until it says"
                        " the new name (--sidecars, or reprise rename references)"
                    )

    def _sidecar_row(self, number: int, sidecar: Sidecar) -> PlanRow:
        try:
            identity = identity_of(os.stat(self._prefix + sidecar.old, follow_symlinks=False))
        except OSError:
            identity = NOBODY
        status = RowStatus.REFUSED if sidecar.code else RowStatus.RENAME
        return PlanRow(
            number, self._listing.folder, sidecar.old, sidecar.new, status, identity, FileKind.SIDECAR,
            sidecar.code, sidecar.reason,
        )  # fmt: skip


def _still_so(heard: tuple[int, int, Analysis] | None, identity: FileIdentity) -> Analysis | None:
    """What was heard, unless the file has changed since."""
    if heard is None or heard[:2] != (identity.size, identity.mtime_ns):
        return None
    return heard[2]


def _speaks_of_its_name(rendered: Rendered) -> bool:
    return any(value.origin is Origin.FILE_NAME for value in rendered.values.values())


def _longest_name(folder: bytes) -> int:
    """Bytes that a name may have in the folder's file system, at most what every system takes."""
    try:
        limit = os.pathconf(folder, "PC_NAME_MAX")
    except OSError:
        return MAX_BYTES
    return min(limit, MAX_BYTES) if limit > 0 else MAX_BYTES
