"""One file, embedded while its asker waits: found in a library or received with the request, scanned, embedded."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from reprise.core.job import JobRequest, Priority, Purpose
from reprise.core.plan import RowState, Selection
from reprise.core.ports import Part
from reprise.core.spec import fingerprint
from reprise.drafts import private_folder, write_private
from reprise.errors import JobConflict, LibraryError, RemoteError, UsageError
from reprise.server.following import Follower

if TYPE_CHECKING:
    from reprise.app import App
    from reprise.core.items import Item, Library
    from reprise.server.house import House

ASKED_BY = "embed"
LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 600.0
"""How long an asker waits; earlier services' clients give up then. The work goes on."""
RECEIVED = "received"
"""Name of the library, and of the folder in the state folder, in which files lie that came with a request."""
LONGEST_NAME = 200
"""Bytes of a received file's name."""


@dataclass(frozen=True, slots=True)
class Received:
    """A file that came with a request: its name, and its bytes in base 64."""

    name: str
    data: str


@dataclass(frozen=True, slots=True)
class Embedded:
    """What became of the file's items, by model: ``done``, or the reason why not. ``before``: nothing was to be done."""

    items: tuple[Item, ...]
    models: dict[str, str]
    before: bool

    @property
    def good(self) -> bool:
        return all(state == RowState.DONE for state in self.models.values())


async def embed_file(house: House, app: App, path: str, received: tuple[Received, ...] = ()) -> Embedded:
    """Wait until the file at ``path`` (or else what was received) is embedded by the models that embed what is new.

    Raises ``LibraryError`` for a file that is not there or in no library, ``UsageError`` for data that is none,
    ``RemoteError`` when it takes longer than ``PATIENCE_SECONDS``.
    """
    library, inside = await run_in_threadpool(_place, app, path, received)
    followed = house.service(Follower).followed(library)
    deadline = time.monotonic() + PATIENCE_SECONDS
    ticket = followed.look([Part(inside.rpartition(b"/")[0], deep=False)])
    while not followed.wait_scanned(ticket, 0.0):
        await _breathe(house, deadline)
    items = await run_in_threadpool(_items, app, library, inside, path)
    models = await run_in_threadpool(app.scan_models)
    unready = {
        model: error.message for model, error in (await run_in_threadpool(app.unready, models)).items()
    }
    models = tuple(model for model in models if model not in unready)
    before = True
    while (states := await run_in_threadpool(_states, app, items, models)) is None:
        before = False
        if followed.arrivals is None:  # nobody else sees to it
            await run_in_threadpool(_enqueue, app, library, items, models)
        await _breathe(house, deadline)
    return Embedded(tuple(items), unready | states, before)


async def _breathe(house: House, deadline: float) -> None:
    if house.closing.is_set() or time.monotonic() > deadline:
        raise RemoteError(
            "the file is not embedded yet", cure="ask for its state later; the work goes on by itself"
        )
    await asyncio.sleep(LOOK_SECONDS)


def _place(app: App, path: str, received: tuple[Received, ...]) -> tuple[Library, bytes]:
    """The library, and the path in it, of the file that is meant."""
    if "\0" in path or not path:
        raise UsageError("music_file is no path", cure="send the file's absolute path")
    try:
        raw = os.fsencode(path)
    except UnicodeEncodeError as error:
        raise UsageError("music_file is no path", cure="send the file's absolute path") from error
    if os.path.isabs(raw) and os.path.isfile(raw):
        return _in_library(app, raw)
    if received:
        return _in_library(app, _kept(app, received))
    raise LibraryError(
        f"{path} is not there", cure="send a path that this machine knows, or the file's data with it"
    )


def _in_library(app: App, raw: bytes) -> tuple[Library, bytes]:
    folder, name = os.path.split(raw)
    for candidate in dict.fromkeys((os.path.normpath(raw), os.path.join(os.path.realpath(folder), name))):
        for library in app.catalogue().libraries.all(app.owner):
            root = library.root.rstrip(b"/") + b"/"
            if library.kind == "folder" and candidate.startswith(root):
                return library, candidate[len(root) :]
    raise LibraryError(
        f"{os.fsdecode(raw)} lies in no library", cure="add its folder: reprise libraries add FOLDER"
    )


def _kept(app: App, received: tuple[Received, ...]) -> bytes:
    """Where the first of the received files lies now; files of one content lie in one place, cue sheets beside them."""
    contents = [_decoded(file) for file in received]
    shelf = app.home / RECEIVED / app.owner
    folder = shelf / hashlib.sha256(contents[0]).hexdigest()[:16]
    private_folder(folder)
    app.library_of(shelf)
    for file, content in zip(received, contents, strict=True):
        target = folder / _name(file.name)
        draft = folder / f".{target.name[: LONGEST_NAME // 2]}.new"
        write_private(draft, content)
        draft.replace(target)
    return os.fsencode(folder / _name(received[0].name))


def _decoded(file: Received) -> bytes:
    try:
        content = base64.b64decode(file.data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError(
            f"the data of {file.name} is not base 64: {error}", cure="send the file's bytes"
        ) from error
    if not content:
        raise UsageError(f"the data of {file.name} is empty", cure="send the file's bytes")
    return content


def _name(text: str) -> str:
    """The last part of a path, as a name that begins with no dot; what is too long loses its beginning."""
    name = Path(text.replace("\\", "/")).name.lstrip(".") or "file"
    if "\0" in name:
        raise UsageError("a file's name holds a zero byte", cure="send the file's name")
    while len(os.fsencode(name)) > LONGEST_NAME:
        name = name[1:]
    return name


def _items(app: App, library: Library, inside: bytes, path: str) -> list[Item]:
    """The file's item, or the tracks that a cue sheet cuts it into. Raises ``LibraryError`` when the scan left it out."""
    items = app.catalogue().items
    found = items.by_path(app.owner, library.id, inside)
    if found is not None and found.missing_since is None:
        return [found]
    tracks = [track for track in items.cuts(app.owner, library.id, inside) if track.missing_since is None]
    if not tracks:
        raise LibraryError(
            f"{path} is no file that a scan takes up", cure="is it audio, and not excluded from its library?"
        )
    return tracks


def _states(app: App, items: list[Item], models: tuple[str, ...]) -> dict[str, str] | None:
    """What became of the items, by model; ``None`` while something is still to be done."""
    wanted = {fingerprint(app.installed.card(model).spec): model for model in models}
    states: dict[str, str] = {}
    for item in app.catalogue().items.get(app.owner, [item.id for item in items]).values():
        rows = [
            row for row in app.catalogue().ledger.rows(app.owner, item.id) if row.space.fingerprint in wanted
        ]
        open_rows = any(row.state in {RowState.PENDING, RowState.LEASED} for row in rows)
        if open_rows or {row.space.fingerprint for row in rows} != set(wanted):
            return None
        for row in rows:
            current = row.state != RowState.DONE or row.digest == item.state.digest
            if not current:
                return None
            reason = row.error_message if row.state != RowState.DONE else None
            model = wanted[row.space.fingerprint]
            if states.get(model, RowState.DONE) == RowState.DONE:
                states[model] = reason or row.state
    return states


def _enqueue(app: App, library: Library, items: list[Item], models: tuple[str, ...]) -> None:
    only = items[0].id if len(items) == 1 else None
    request = JobRequest(Selection(app.owner, library.id, item_id=only), models, purpose=Purpose.ARRIVALS)
    try:
        app.enqueue(request, priority=Priority.SCAN, asked_by=ASKED_BY)
    except JobConflict:
        return  # it works on this library already
