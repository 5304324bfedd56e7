"""Sound that browsers can play, made by processes of their own, a few at a time, and kept for the next listener."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from reprise.core.cuts import split_path
from reprise.drafts import private_folder, write_private
from reprise.errors import TimedOut, WorkerCrashed, item_error
from reprise.media.preview import PREVIEW, Form

if TYPE_CHECKING:
    from reprise.server.house import House

AT_ONCE = 2
"""Processes that decode for listeners; more would take the machine from the jobs."""

MOST_SECONDS = 60.0
"""How long one may take."""

KEPT_BYTES = 512 * 1024 * 1024
"""Of made files; the ones that were asked for longest ago go first."""

_LOOK_SECONDS = 0.1

Gone = Callable[[], Awaitable[bool]]
"""Whether the client has left."""


class Previews:
    """Implements ``server.house.Service``."""

    name = "previews"

    def __init__(self, house: House) -> None:
        self._house = house
        self._folder = Path(house.app.installed.folder("cache")) / "previews"
        self._places = asyncio.Semaphore(AT_ONCE)

    def start(self) -> None:
        """Half-made files of a server that was killed go."""
        for draft in self._folder.glob("*.part"):
            draft.unlink(missing_ok=True)

    def stop(self) -> None:
        """Nothing: each process ends with the request that it works for."""

    def trouble(self) -> str:
        return ""

    async def made(self, path: bytes, form: Form, gone: Gone) -> Path | None:
        """The sound of the item at the absolute ``path`` in that form; ``None`` when the client left meanwhile.

        Raises ``ItemError`` kinds, ``OSError`` when the file is not there or the disk is full.
        """
        status = os.stat(split_path(path)[0])
        facts = b"%s\0%d\0%d\0%s" % (path, status.st_size, status.st_mtime_ns, form.suffix.encode())
        target = self._folder / f"{hashlib.sha256(facts).hexdigest()[:32]}{form.suffix}"
        async with self._places:
            if not target.exists() and not await self._make(path, target, form, gone):
                return None
        with suppress(OSError):
            os.utime(target)
        return target

    async def _make(self, path: bytes, target: Path, form: Form, gone: Gone) -> bool:
        private_folder(self._folder)
        self._make_room(keep=target)
        draft = target.with_suffix(f".{os.urandom(4).hex()}.part")
        write_private(draft, b"")  # the encoder opens it as it is
        file, _, cut = path.partition(b"\0")
        word = "preview" if form is PREVIEW else "whole"
        command: list[str | bytes] = [
            sys.executable,
            "-m",
            "reprise.media.preview",
            file,
            cut,
            os.fsencode(draft),
            word,
        ]
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )  # fmt: skip
        try:
            said = await self._said(process, gone)
            if said is None:
                return False
            _check(process.returncode, said)
            draft.replace(target)
            return True
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            draft.unlink(missing_ok=True)

    async def _said(self, process: asyncio.subprocess.Process, gone: Gone) -> bytes | None:
        """What the process said when it has ended; ``None`` when nobody waits for it any more."""
        talking = asyncio.create_task(process.communicate())
        try:
            for _ in range(round(MOST_SECONDS / _LOOK_SECONDS)):
                done, _ = await asyncio.wait({talking}, timeout=_LOOK_SECONDS)
                if done:
                    return talking.result()[0]
                if self._house.closing.is_set() or await gone():
                    return None
            raise TimedOut(f"more than {MOST_SECONDS:.0f} s")
        finally:
            if not talking.done():
                process.kill()
                await asyncio.wait({talking})

    def _make_room(self, keep: Path) -> None:
        """Forget what was asked for longest ago."""
        found = []
        for file in self._folder.iterdir():
            with suppress(OSError):
                status = file.stat()
                found.append((status.st_mtime, status.st_size, file))
        left = sum(size for _, size, _ in found)
        for _, size, file in sorted(found):
            if left <= KEPT_BYTES:
                return
            if file != keep and file.suffix != ".part":
                file.unlink(missing_ok=True)
                left -= size


def _check(code: int | None, said: bytes) -> None:
    if code == 0:
        return
    try:
        facts = json.loads(said)
    except ValueError:
        raise WorkerCrashed(f"its decoder ended with {code}") from None
    raise item_error(facts["code"], facts["message"])
