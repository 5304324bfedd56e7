"""What ``reprise doctor`` looks at, one check after the other. Each finding carries its cure."""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise import __version__
from reprise.core.items import display_path
from reprise.core.ports import StoreReport
from reprise.errors import CatalogueMissing, RepriseError
from reprise.known_settings import SETTINGS
from reprise.settings import CONFIG_NAME, Origin, unknown_variables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reprise.app import App
    from reprise.core.space import Space

LEAST_FREE_MB = 500
OTHERS = 0o077
"""The bits of a file's mode that are others' rights."""
PATIENCE_SECONDS = 5.0
SILENT_SECONDS = 40.0
"""A worker that was not heard of for so long is not there."""
WATCHES = "/proc/sys/fs/inotify/max_user_watches"


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
    yield _config(app)
    yield from _variables()
    yield _home(app)
    yield from _rights(app)
    yield _disk(app)
    yield from _decoder()
    yield _accelerator(app)
    yield from _models(app)
    yield from _weights(app)
    yield from _media_server(app)
    yield from _navidrome_database(app)
    yield _server(app)
    try:
        app.catalogue()
    except CatalogueMissing as error:
        yield Finding("catalogue", None, error.message, error.cure)
        return
    except RepriseError as error:
        yield Finding("catalogue", False, error.message, error.cure)
        return
    yield Finding("catalogue", True, app.storage.catalogue_place)
    yield from _store(app)
    yield from _broker(app)
    yield from _libraries(app)
    yield from _watching(app)
    yield from _spaces(app)
    yield from _pictures(app)
    yield from _jobs(app)


def _config(app: App) -> Finding:
    """It was read and understood, or nothing would run; so only what is in it is told, and who may read it."""
    path = app.home / CONFIG_NAME
    if not path.exists():
        return Finding("config file", None, f"{path} is not there: defaults and environment hold")
    secrets = [row.name for row in SETTINGS if row.secret and app.settings.origin(row.name) is Origin.FILE]
    if secrets and path.stat().st_mode & OTHERS:
        fact = f"{path} holds {', '.join(secrets)}, and others may read it"
        return Finding("config file", False, fact, f"chmod 600 {path}")
    count = sum(origin is Origin.FILE for origin in app.settings.origins.values())
    return Finding("config file", True, f"{path}: {count} settings")


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


def _rights(app: App) -> Iterator[Finding]:
    """Files that this user may not use, because another one, root say, has run Reprise here once; and open ones."""
    kept = (app.catalogue_path, app.home / "spaces", app.home / "locks", app.home / CONFIG_NAME)
    for path in kept:
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            yield Finding(
                path.name, False, f"{path} is not this user's to write", f"chown -R {_user()} {app.home}"
            )
    if app.catalogue_path.exists() and app.catalogue_path.stat().st_mode & OTHERS:
        fact = f"others may read {app.catalogue_path}: it holds hashes of passwords"
        yield Finding("rights", False, fact, f"chmod 600 {app.catalogue_path}")


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run a user without a name
        return str(os.getuid())


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


def _accelerator(app: App) -> Finding:
    """What the setting ``device`` asks for against what is there."""
    from reprise.models.accelerator import accelerator_present

    device, there = app.settings.text("device"), accelerator_present()
    found = "there is one" if there else "there is none"
    if device not in {"auto", "cpu"} and not there:
        return Finding(
            "graphics card",
            False,
            f"the setting device asks for {device}, and {found}",
            "install the card's driver (in a container: give it the card), or set device to auto",
        )
    return Finding("graphics card", None, f"{found}; device is {device}")


def _weights(app: App) -> Iterator[Finding]:
    """Of the models that search answers with."""
    if not app.storage.exists:
        return
    try:
        pointers = app.catalogue().spaces.pointers(app.owner)
    except RepriseError:
        return  # told as a finding of its own below
    for model in (pointer.model for pointer in pointers):
        card = app.installed.cards.get(model)
        if card is None and model not in app.installed.broken:
            yield Finding(f"model {model}", False, "answers searches, and is not installed", "install it")
        elif card is not None and card.missing:
            good = False if card.reads_text else None  # the others need them again only for what is new
            fact = f"not all here: {card.missing}"
            yield Finding(f"weights {model}", good, fact, f"fetch them: reprise models fetch {model}")


def _media_server(app: App) -> Iterator[Finding]:
    from reprise.subsonic.client import Client
    from reprise.subsonic.connection import Connection

    url, user, password, seconds = (
        app.settings.text("subsonic_url"),
        app.settings.text("subsonic_user"),
        app.settings.text("subsonic_password"),
        app.settings.number("subsonic_timeout"),
    )
    if not url:
        return
    try:
        answer = Client(Connection(url, min(seconds, PATIENCE_SECONDS)), user, password).call("ping")
    except RepriseError as error:
        yield Finding("media server", False, error.message, error.cure)
        return
    kind = " ".join(str(answer[key]) for key in ("type", "serverVersion") if key in answer)
    yield Finding("media server", True, f"{url} answers {user}: {kind or 'a Subsonic server'}")


def _navidrome_database(app: App) -> Iterator[Finding]:
    from reprise.sources.navidrome import NavidromeDatabase

    if not (path := app.settings.text("navidrome_database")):
        return
    try:
        first = next(NavidromeDatabase(path).songs(), None)
    except RepriseError as error:
        yield Finding("Navidrome's database", False, error.message, error.cure)
        return
    yield Finding("Navidrome's database", True, path if first else f"{path}: no songs yet")


def _server(app: App) -> Finding:
    if app.storage.machine_locks.held("server"):
        return Finding("server", True, "runs")
    return Finding("server", None, "does not run", "start it with: reprise serve")


def _store(app: App) -> Iterator[Finding]:
    """One that is a server; the embedded one is looked at space by space."""
    if (kind := app.settings.text("store")) == "embedded":
        return
    error = app.storage.store_fault()
    yield (
        Finding("store", True, kind) if error is None else Finding("store", False, error.message, error.cure)
    )


def _broker(app: App) -> Iterator[Finding]:
    """Whether workers can be woken, and whether there are any."""
    from reprise.runners.dramatiq.bell import Bell

    if not (url := app.settings.text("broker_url")):
        return
    try:
        waiting = Bell(url, app.settings.number("server_timeout")).waiting()
    except RepriseError as error:
        yield Finding("broker", False, error.message, error.cure)
        return
    yield Finding("broker", True, f"answers; messages that nobody took: {waiting}")
    there = len(app.catalogue().workers.all(SILENT_SECONDS))
    yield Finding(
        "workers", True if there else None, f"{there} there", "" if there else "start: reprise worker"
    )


def _watching(app: App) -> Iterator[Finding]:
    """Whether the system lets us watch so many folders; a mount of another machine is looked at by the clock instead."""
    from reprise.sources.watching import remote_kind

    if not app.settings.flag("watch") or not os.path.exists(WATCHES):
        return
    with open(WATCHES, encoding="ascii") as file:
        allowed = int(file.read())
    roots = [library.root for library in app.catalogue().libraries.all(app.owner)]
    here = [root for root in roots if os.path.isdir(root) and not remote_kind(root)]
    folders, whole = _folders(here)
    more = "" if whole else "more than "
    fact = f"{more}{folders:,} folders to watch, {allowed:,} allowed to this user"
    enough = folders < allowed
    cure = "" if enough else f"sudo sysctl fs.inotify.max_user_watches={2 * folders}"
    yield Finding("watching", enough, fact, cure)


def _folders(roots: Sequence[bytes]) -> tuple[int, bool]:
    """How many folders lie below, and whether that is all: after some seconds the count ends."""
    end = time.monotonic() + PATIENCE_SECONDS
    count = 0
    for root in roots:
        for _ in os.walk(root):
            count += 1
            if time.monotonic() > end:
                return count, False
    return count, True


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
            report = space_report(app, space)
        except RepriseError as error:
            yield Finding(f"space {space.name}", False, error.message, error.cure)
            continue
        good = report.count == expected and not report.damaged
        fact = f"{report.count:,} vectors, {expected:,} in the ledger, {len(report.damaged)} damaged, index {report.index}"
        yield Finding(
            f"space {space.name}", good, fact, "" if good else "run the same embed command: it mends that"
        )


def space_report(app: App, space: Space) -> StoreReport:
    """What is found in a space: in the store, or where the step that makes no vectors keeps what it makes.

    Raises ``StoreError``.
    """
    if space.dimension:
        return app.store.verify(space.owner, space.name)
    count = app.keeping.count(space)
    if count is None:  # what its model told is in the catalogue
        count = app.catalogue().ledger.counts(space.owner, space.id)["vectors"]
    return StoreReport(count)


def _pictures(app: App) -> Iterator[Finding]:
    """What lies in the folder of pictures although no row names it; a sweep deletes that, this only counts."""
    if not os.path.isdir(app.installed.media):
        return
    count, size = 0, 0
    for orphan in app.installed.pictures(app.catalogue()).orphans():
        count, size = count + 1, size + orphan.bytes
    waiting = app.catalogue().pictures.released()
    if not count and not waiting:
        yield Finding("pictures", True, "each is of a video or a person")
        return
    fact = (
        f"{count:,} files of no video or person ({size / 1e6:,.1f} MB), {waiting:,} released ones still there"
    )
    cure = f"the next job deletes them, if {_user()} may write in {app.installed.media}"
    yield Finding("pictures", None, fact, cure)


def _jobs(app: App) -> Iterator[Finding]:
    for job in app.catalogue().jobs.all(app.owner, 100):
        if job.state == "running" and not app.locks.held(f"job-{job.id}"):
            yield Finding(
                f"job {job.id}", None, "its process died", "go on with: reprise jobs resume " + job.id
            )
