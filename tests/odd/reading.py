"""Each way in which Reprise reads files, over a whole library, and what came of it.

``python -m tests.odd.reading MUSIC FILMS READER`` prints the findings as JSON, with the settings of the environment: then
what crashes crashes a process of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from reprise.app import App
from reprise.core.plan import Selection
from reprise.engine.start import claimed
from reprise.errors import ItemError
from reprise.settings import load_settings
from tests.odd.library import GOOD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reprise.core.events import Event, JobFinished
    from reprise.core.items import Library

FLAGS = {"item_timeout": 20.0, "worker_memory_mb": 1024, "max_attempts": 2}
TEMPLATE = "{artist} - {title}< [{camelot} {bpm}]>"
_ENDED = {"completed", "completed_with_errors"}


@dataclass
class Findings:
    """What one reader did. ``failed``: files by code. ``faults``: what must not be, in words; empty when all is well.

    ``left``: processes and handles that were there afterwards and not before.
    """

    reader: str
    tried: int = 0
    done: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    jobs_ended: int = 0
    processes_left: int = 0
    handles_left: int = 0
    seconds: float = 0.0
    peak_mb: int = 0
    """The most memory that this process ever had."""

    def fail(self, path: str, code: str, reason: str, cure: str) -> None:
        self.failed[code] += 1
        if not (code and reason and cure):
            self.faults.append(f"{path!r} failed with code {code!r}, reason {reason!r}, cure {cure!r}")
        if GOOD in os.fsencode(path):
            self.faults.append(f"{path!r} is healthy and failed: {code}, {reason}")


def read(name: str, app: App, music: Path, films: Path) -> Findings:
    """Run one reader in this process."""
    findings, handles, began = Findings(name), _handles(), time.monotonic()
    READERS[name](app, films if name == "videos" else music, findings)
    findings.seconds = time.monotonic() - began
    findings.peak_mb = _peak_mb()
    findings.processes_left = len(psutil.Process().children(recursive=True))
    findings.handles_left = len(_handles() - handles)
    return findings


def _peak_mb() -> int:
    """Not ``ru_maxrss``, in which what the process had that started this one counts too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


def _handles() -> set[tuple[str, str]]:
    """What this process has open, but for its database: a catalogue keeps readers for later."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
        except FileNotFoundError:  # the one of the list itself
            continue
        if "/state/" not in target:
            found.add((number, target))
    return found


def _scan(app: App, music: Path, findings: Findings) -> None:
    """Files become items, whatever they hold; a second scan has nothing to do."""
    library, _ = app.library_of(music)
    scanned = app.scan(library, lambda _: None)
    findings.tried = scanned.files + scanned.problems
    findings.done = scanned.new
    for problem in app.scan_problems(library.id):
        findings.fail(problem["path"], problem["code"], problem["reason"], problem["cure"])
    again = app.scan(library, lambda _: None)
    if (again.new, again.changed, again.missing) != (0, 0, 0) or again.files != scanned.files:
        findings.faults.append(f"scanned again, {again}")


def _fields(app: App, music: Path, findings: Findings) -> None:
    from reprise.media.fields import read_fields

    _each(music, findings, read_fields)


def _digests(app: App, music: Path, findings: Findings) -> None:
    from reprise.media.essence import essence_digest

    _each(music, findings, essence_digest)


def _each(music: Path, findings: Findings, reads: Callable[[bytes], object]) -> None:
    for path in _files(music):
        findings.tried += 1
        try:
            reads(path)
        except ItemError as error:
            findings.fail(os.fsdecode(path), error.code, error.message, error.cure)
        else:
            findings.done += 1


def _job(*models: str) -> Callable[[App, Path, Findings], None]:
    def run(app: App, music: Path, findings: Findings) -> None:
        library, _ = app.library_of(music)
        selection = Selection(app.owner, library.id)
        _finish(findings, app.embed(selection, models, _hearing(findings), told=lambda _: None))

    return run


def _hearing(findings: Findings) -> Callable[[Event], None]:
    def hear(event: Event) -> None:
        if event.name == "item_failed" and not event.will_retry:  # type: ignore[attr-defined]
            findings.fail(event.path, event.code, event.reason, event.cure)  # type: ignore[attr-defined]

    return hear


def _finish(findings: Findings, finished: JobFinished) -> None:
    operations = finished.operations
    findings.tried, findings.done = operations["total"], operations["done"]
    findings.jobs_ended = int(finished.state not in _ENDED)
    if operations["failed"] != findings.failed.total():
        findings.faults.append(f"{operations['failed']} failed, {findings.failed.total()} were told of")
    if operations["done"] + operations["failed"] + operations["skipped"] != operations["total"]:
        findings.faults.append(f"the numbers do not add up: {operations}")


def _write_tags(app: App, music: Path, findings: Findings) -> None:
    """A file that gets its tags sounds as before; one that does not is as it was."""
    from reprise.media.essence import essence_digest
    from reprise.tagging import NAMES, Tagging, write_heard

    library, _ = app.library_of(music)
    before = {path: (_content(path), essence_digest(path)) for path in _files(music)}

    def tell(row: object) -> None:
        path, error, changed = row.path, row.error, row.changed  # type: ignore[attr-defined]
        content, digest = before[path]
        if error is not None:
            findings.fail("", error.code, error.message, error.cure)
        if essence_digest(path) != digest or (not changed and _content(path) != content):
            findings.faults.append(f"{path!r} is not what it was")

    counts = write_heard(app, library.id, b"", Tagging(NAMES, overwrite=True), tell, stop=lambda: False)
    findings.tried, findings.done = counts.files, counts.files - counts.failed
    if left := [path for path in _files(music) if path not in before]:
        findings.faults.append(f"left behind: {left}")


def _write_anything(_app: App, music: Path, findings: Findings) -> None:
    """Tags are written into copies of all files, also of those that nobody could hear."""
    from reprise.media.essence import essence_digest
    from reprise.media.tag_formats import NewTags
    from reprise.media.tag_writing import write_tags

    new = NewTags(128.0, "Am", -3.2, 0.9)
    with tempfile.TemporaryDirectory() as folder:
        for path in _files(music):
            findings.tried += 1
            copy = os.fsencode(Path(folder) / "a copy")
            shutil.copyfile(path, copy)
            try:
                write_tags(copy, new, overwrite=True)
            except ItemError as error:
                findings.fail("", error.code, error.message, error.cure)
                if _content(copy) != _content(path):
                    findings.faults.append(f"{path!r} was changed by a writing that failed")
            else:
                findings.done += 1
            if essence_digest(copy) != essence_digest(path):
                findings.faults.append(f"{path!r} sounds otherwise after the writing")
        if os.listdir(folder) != ["a copy"]:
            findings.faults.append("drafts were left behind")


def _rename(app: App, music: Path, findings: Findings) -> None:
    """All contents are there under new names, and under their old ones after it is undone."""
    from reprise.core.renaming import RowStatus
    from reprise.rename.planfile import PlanReader
    from reprise.renaming import Renaming

    before = {path: _content(path) for path in _files(music)}
    renaming, plan = Renaming(app), app.home / "odd.plan"
    renaming.plan(music, TEMPLATE, plan)
    with PlanReader(plan) as rows:
        findings.tried = len(rows)
        unchanged = rows.header.counts[RowStatus.UNCHANGED]
        for row in rows.rows():
            if row.status is RowStatus.REFUSED:
                findings.fail("", row.code, row.reason, "-")
    session = renaming.apply(plan, lambda _: None, lambda: False)
    findings.done = session.done + unchanged
    findings.jobs_ended += session.state.value != "done"
    if Counter(map(_content, _files(music))) != Counter(before.values()):
        findings.faults.append("contents were lost by renaming")
    renaming.undo(session.id, lambda _: None, lambda: False)
    if {path: _content(path) for path in _files(music)} != before:
        findings.faults.append("it is not as it was after the renaming was undone")


def _videos(app: App, films: Path, findings: Findings) -> None:
    """Scan, then the first stage: scenes, keyframes, subtitles."""
    from reprise.filming import Filming

    filming = Filming(app)
    library, _ = filming.library_of(films)
    _scan_films(app, library, findings)
    with claimed(app.catalogue(), app.locks, filming.first_stage(library)) as (job, _):
        claim = job
    _finish(findings, app.resume(claim, _hearing(findings)))


def _scan_films(app: App, library: Library, findings: Findings) -> None:
    scanned = app.scan(library, lambda _: None)
    if scanned.problems:
        findings.faults.append(f"{scanned.problems} films cannot be looked at")


READERS: dict[str, Callable[[App, Path, Findings], None]] = {
    "scan": _scan,
    "tags": _fields,
    "digests": _digests,
    "embed acoustic": _job("acoustic"),
    "embed plug-in": _job("heard"),
    "analyze": _job("analysis"),
    "write tags": _write_tags,
    "write any tags": _write_anything,
    "rename": _rename,
    "videos": _videos,
}
"""In this order: writing tags and renaming need what was heard."""


def _files(root: Path) -> Iterator[bytes]:
    """Regular files, links not followed."""
    for folder, _, names in os.walk(os.fsencode(root)):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                yield path


def _content(path: bytes) -> bytes:
    with open(path, "rb") as file:
        return sha256(file.read()).digest()


def main(arguments: Sequence[str]) -> None:
    music, films, name = arguments
    with App(load_settings(FLAGS)) as app:
        findings = read(name, app, Path(music), Path(films))
    print(json.dumps(vars(findings)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
