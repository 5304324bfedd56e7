"""What ``reprise doctor`` looks at, one check after the other. Each finding carries its cure."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise import __version__
from reprise.core.items import display_path
from reprise.errors import CatalogueMissing, RepriseError
from reprise.settings import unknown_variables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.app import App

LEAST_FREE_MB = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """``good`` is ``None`` for a fact that is neither good nor bad."""

    check: str
    good: bool | None
    fact: str
    cure: str = ""


def diagnose(app: App) -> Iterator[Finding]:
    """All findings, in the order in which a person would look."""
    yield Finding("version", None, f"reprise {__version__}, Python {sys.version.split()[0]}, {sys.platform}")
    yield from _variables()
    yield _home(app)
    yield _disk(app)
    yield from _decoder()
    yield from _models(app)
    try:
        app.catalogue()
    except CatalogueMissing as error:
        yield Finding("catalogue", None, error.message, error.cure)
        return
    except RepriseError as error:
        yield Finding("catalogue", False, error.message, error.cure)
        return
    yield Finding("catalogue", True, str(app.catalogue_path))
    yield from _libraries(app)
    yield from _spaces(app)
    yield from _jobs(app)


def _variables() -> Iterator[Finding]:
    for name, meant in unknown_variables().items():
        cure = f"did you mean {meant}?" if meant else "see: reprise settings"
        yield Finding("environment", None, f"{name} sets nothing", cure)


def _home(app: App) -> Finding:
    folder = app.home
    while not folder.exists():
        folder = folder.parent
    if os.access(folder, os.W_OK):
        return Finding("state folder", True, str(app.home))
    return Finding(
        "state folder", False, f"{folder} cannot be written", "set REPRISE_HOME to a folder of yours"
    )


def _disk(app: App) -> Finding:
    folder = app.home
    while not folder.exists():
        folder = folder.parent
    free_mb = shutil.disk_usage(folder).free / 2**20
    enough = free_mb >= LEAST_FREE_MB
    return Finding("disk", enough, f"{free_mb:,.0f} MB free", "" if enough else "free some space")


def _decoder() -> Iterator[Finding]:
    try:
        import av
    except ImportError as error:
        yield Finding("decoder", False, str(error), "install Reprise again: pip install --force-reinstall av")
        return
    yield Finding("decoder", True, f"PyAV {av.__version__}")


def _models(app: App) -> Iterator[Finding]:
    yield Finding("models", True, ", ".join(app.installed.cards))
    for name, error in app.installed.broken.items():
        yield Finding(f"model {name}", False, error.message, error.cure)


def _libraries(app: App) -> Iterator[Finding]:
    for library in app.catalogue().libraries.all(app.owner):
        name = f"library {library.id}"
        root = display_path(library.root)
        if not os.path.isdir(library.root):
            yield Finding(name, False, f"{root} is not there", "mount its disk, or: reprise libraries remove")
        elif not os.access(library.root, os.R_OK | os.X_OK):
            yield Finding(
                name, False, f"{root} cannot be read", "give the user that runs Reprise the right to"
            )
        else:
            counts = app.catalogue().libraries.counts(app.owner, library.id)
            yield Finding(name, True, f"{root}: {counts.items:,} present, {counts.missing:,} missing")


def _spaces(app: App) -> Iterator[Finding]:
    for space in app.living_spaces():
        expected = app.catalogue().ledger.counts(app.owner, space.id)["vectors"]
        try:
            report = app.store.verify(app.owner, space.name)
        except RepriseError as error:
            yield Finding(f"space {space.name}", False, error.message, error.cure)
            continue
        good = report.count == expected and not report.damaged
        fact = f"{report.count:,} vectors, {expected:,} in the ledger, {len(report.damaged)} damaged, index {report.index}"
        yield Finding(
            f"space {space.name}", good, fact, "" if good else "run the same embed command: it mends that"
        )


def _jobs(app: App) -> Iterator[Finding]:
    for job in app.catalogue().jobs.all(app.owner, 100):
        if job.state == "running" and not app.locks.held(f"job-{job.id}"):
            yield Finding(
                f"job {job.id}", None, "its process died", "go on with: reprise jobs resume " + job.id
            )
