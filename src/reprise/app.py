"""The composition root: settings become ports, ports become use cases. The only importer of concrete adapters."""

from __future__ import annotations

import os
import platform
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from reprise.core.items import display_path
from reprise.core.job import Control, JobRequest, never
from reprise.core.space import SpaceState
from reprise.core.spec import Execution
from reprise.errors import LibraryError, NotFound, UnknownModel, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from reprise.core.events import Emit, JobFinished, ScanFinished
    from reprise.core.items import Item, Library
    from reprise.core.job import Job
    from reprise.core.plan import Selection
    from reprise.core.ports import Source, VectorStore
    from reprise.core.records import Catalogue
    from reprise.core.space import Space
    from reprise.core.spec import ModelCard
    from reprise.engine.encoding import Effort
    from reprise.engine.estimate import Estimate
    from reprise.engine.messages import Role
    from reprise.engine.model_process import Command
    from reprise.engine.run import Workshop
    from reprise.runners.locks import FileLocks
    from reprise.settings import Settings

CATALOGUE_NAME = "catalogue.sqlite"
DEFAULT_MODEL = "acoustic"


class App:
    """One installation of Reprise, opened on demand and closed as a whole."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._catalogue: Catalogue | None = None
        self._store: VectorStore | None = None

    def __enter__(self) -> App:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
        if self._catalogue is not None:
            self._catalogue.close()

    @property
    def home(self) -> Path:
        return self.settings.home

    @property
    def owner(self) -> str:
        return self.settings.text("owner")

    @property
    def demo_folder(self) -> Path:
        return self.home / "demo"

    @property
    def catalogue_path(self) -> Path:
        return self.home / CATALOGUE_NAME

    def catalogue(self, *, create: bool = False) -> Catalogue:
        """The catalogue; only ``create`` makes one where there is none. Raises ``CatalogueError`` kinds."""
        if self._catalogue is None:
            from reprise.catalog.catalogue import SqlCatalogue
            from reprise.catalog.sqlite import open_sqlite

            timeout = self.settings.number("database_timeout")
            self._catalogue = SqlCatalogue(
                open_sqlite(self.catalogue_path, create=create, busy_timeout=timeout)
            )
        return self._catalogue

    @property
    def store(self) -> VectorStore:
        if self._store is None:
            from reprise.stores.embedded import EmbeddedStore

            index_from = self.settings.whole("index_from")
            self._store = EmbeddedStore(self.home / "spaces", index_from=index_from, build_apart=True)
        return self._store

    @cached_property
    def cards(self) -> dict[str, ModelCard]:
        from reprise.models.registry import model_cards

        return {card.name: card for card in model_cards()}

    @cached_property
    def locks(self) -> FileLocks:
        from reprise.runners.locks import FileLocks

        return FileLocks(self.home / "locks")

    @contextmanager
    def trial(self) -> Iterator[App]:
        """A copy of this installation's catalogue in a folder that goes away, to try things that change nothing."""
        import tempfile
        from pathlib import Path

        from reprise.catalog.sqlite import copy_sqlite
        from reprise.settings import Settings

        keep_everything = {"keep_missing_days": 1e9}  # the copy has no store to forget vectors in
        with tempfile.TemporaryDirectory(prefix="reprise-trial-") as folder:
            if self.catalogue_path.exists():
                timeout = self.settings.number("database_timeout")
                copy_sqlite(self.catalogue_path, Path(folder) / CATALOGUE_NAME, busy_timeout=timeout)
            with App(Settings(Path(folder), {**self.settings.values, **keep_everything})) as trial:
                yield trial

    def source(self, library: Library) -> Source:
        from reprise.sources.folder import FolderSource

        return FolderSource(library.root, library.exclude, self.settings.flag("follow_links"))

    def models(self, names: Sequence[str]) -> tuple[str, ...]:
        """The models asked for, each once, in that order. Raises ``UnknownModel`` naming the allowed ones."""
        wanted = tuple(dict.fromkeys(names)) or (DEFAULT_MODEL,)
        from reprise.models.registry import load_model

        for name in wanted:
            if name not in self.cards:
                load_model(name)
                raise UnknownModel(f"the model {name!r} cannot be used", cure="see: reprise models")
        return wanted

    def library_of(self, folder: Path, exclude: Sequence[str] = ()) -> tuple[Library, bytes]:
        """The library that holds the folder, made if there is none, and the folder relative to its root.

        ``exclude`` replaces the library's patterns unless it is empty; an empty pattern alone clears them.
        Raises ``LibraryError`` when the folder is missing, a file, or around another library, ``BadSetting`` for a
        pattern that is wrong.
        """
        from reprise.sources.folder import FolderSource

        root = os.fsencode(_existing_folder(folder))
        patterns = tuple(pattern for pattern in exclude if pattern.strip())
        FolderSource(root, patterns)
        libraries = self.catalogue(create=True).libraries
        for library in libraries.all(self.owner):
            if root == library.root or root.startswith(library.root.rstrip(b"/") + b"/"):
                if exclude:
                    libraries.set_exclude(self.owner, library.id, patterns)
                inside = root[len(library.root.rstrip(b"/")) + 1 :]
                return libraries.get(self.owner, library.id), inside
        name = display_path(os.path.basename(root)) or "music"
        return libraries.add(self.owner, "folder", name, root, patterns), b""

    def scan(self, library: Library, emit: Emit, stop: Callable[[], object] = never) -> ScanFinished:
        """Bring the catalogue up to what the folder holds. Raises ``LibraryError``, or ``ScanStopped`` on a wish."""
        from reprise.engine.scan import Scan

        return Scan(
            catalogue=self.catalogue(),
            forget=self._forget,
            emit=emit,
            library=library,
            source=self.source(library),
            keep_missing_days=self.settings.number("keep_missing_days"),
            stop=stop,
        ).run()

    def embed(
        self, selection: Selection, models: Sequence[str], emit: Emit, *, told: Callable[[str], None]
    ) -> JobFinished:
        """Scan, then run the job to its end or until it is paused. Raises ``JobConflict`` when another one runs."""
        from reprise.engine.run import Run
        from reprise.engine.start import claimed
        from reprise.runners.signals import interruptible

        request = JobRequest(selection, self.models(models))
        library = self.catalogue().libraries.get(self.owner, selection.library_id)
        with (
            interruptible() as interruption,
            claimed(self.catalogue(), self.locks, request, told=told) as (job, resumed),
        ):
            shop = self.workshop(emit, interruption.asked)
            return Run(shop, job, resumed, lambda stop: self.scan(library, emit, stop)).run()

    def resume(self, job: Job, emit: Emit, *, told: Callable[[str], None]) -> JobFinished:
        """Go on with a paused job, or with one whose process died. Raises ``UsageError`` for one that ended."""
        if job.state.ended:
            raise UsageError(f"job {job.id} is {job.state}", cure="start a new one with: reprise embed")
        return self.embed(job.request.selection, job.request.models, emit, told=told)

    def estimates(self, selection: Selection, models: Sequence[str]) -> list[Estimate]:
        """What the job would do and take, per model. Measures the speed on a few tracks when it is not known."""
        from reprise.engine.estimate import estimate, preview

        cards = [self.cards[name] for name in self.models(models)]
        planned = preview(self.catalogue(), cards, selection)
        estimates = []
        for card, plan in zip(cards, planned, strict=True):
            effort = self.effort(card, selection.library_id)
            speed = self._speed(card, selection, effort) if plan.to_do else None
            estimates.append(estimate(card, plan, speed, effort.workers))
        return estimates

    def _speed(self, card: ModelCard, selection: Selection, effort: Effort) -> tuple[float, str] | None:
        from reprise.core.spec import fingerprint
        from reprise.engine.estimate import SAMPLES_PER_WORKER, measure_speed

        known = self.catalogue().speeds.get(fingerprint(card.spec), machine_name())
        if known is not None:
            return known.audio_seconds_per_second, "measured in an earlier run on this machine"
        items = self.catalogue().items.sample(self.owner, selection, SAMPLES_PER_WORKER * effort.workers)
        return measure_speed(card, self.command(card.name), effort, items)

    def retries(self, *, code: str | None, item_id: int | None) -> list[tuple[Selection, list[str]]]:
        """One selection per library that has such failures, with the models that they are of."""
        from reprise.core.plan import Selection, Wanted

        failures = self.catalogue().ledger.failures(self.owner, code=code)
        chosen = [failure for failure in failures if item_id in {None, failure.item_id}]
        items = self.catalogue().items.get(self.owner, {failure.item_id for failure in chosen})
        models: dict[int, list[str]] = {}
        for failure in chosen:
            models.setdefault(items[failure.item_id].library_id, []).append(failure.model)
        return [
            (Selection(self.owner, library_id, wanted=Wanted.FAILED, item_id=item_id, error_code=code), names)
            for library_id, names in models.items()
        ]

    def path_of(self, item: Item) -> str:
        """The item's absolute path, as the operating system takes it."""
        root = self.catalogue().libraries.get(self.owner, item.library_id).root
        return os.fsdecode(os.path.join(root, item.path))

    def scan_problems(self, library_id: int | None = None) -> list[dict[str, str]]:
        """What the last scan of each library (or of one) could not look at, with the cure of each."""
        from reprise.engine.scan import problem_cure

        libraries = self.catalogue().libraries
        return [
            {
                "code": problem.code,
                "reason": problem.message,
                "cure": problem_cure(problem.code),
                "path": display_path(library.root + b"/" + problem.path),
            }
            for library in libraries.all(self.owner)
            if library_id in (None, library.id)
            for problem in libraries.problems(self.owner, library.id)
        ]

    def living_spaces(self) -> list[Space]:
        """The spaces that have a place in the store."""
        nowhere = {SpaceState.DRAFT, SpaceState.DROPPED}
        return [space for space in self.catalogue().spaces.all(self.owner) if space.state not in nowhere]

    def space_named(self, name: str) -> Space:
        """Raises ``NotFound``; a unique beginning of the name is enough."""
        found = [space for space in self.living_spaces() if space.name.startswith(name)]
        exact = [space for space in found if space.name == name]
        if len(exact or found) != 1:
            raise NotFound(f"there is no one space {name!r}", cure="see: reprise spaces")
        return (exact or found)[0]

    def forget_library(self, library: Library) -> int:
        """Delete a library's vectors, then its rows; returns how many items it had."""
        ids = self.catalogue().libraries.item_ids(self.owner, library.id)
        self._forget(ids)
        self.catalogue().libraries.remove(self.owner, library.id)
        return len(ids)

    def _forget(self, item_ids: list[int]) -> None:
        from reprise.engine.forget import forget_items

        forget_items(self.catalogue(), self.store, self.owner, item_ids)

    def workshop(self, emit: Emit, asked: Callable[[], Control]) -> Workshop:
        from reprise.engine.run import Workshop
        from reprise.engine.slices import Pace

        settings = self.settings
        pace = Pace(
            commit_rows=settings.whole("commit_rows"),
            commit_seconds=settings.number("commit_seconds"),
            max_attempts=settings.whole("max_attempts"),
        )
        return Workshop(
            catalogue=self.catalogue(),
            store=self.store,
            emit=emit,
            asked=asked,
            cards=self.cards,
            command=self.command,
            effort=self.effort,
            pace=pace,
            coverage=settings.number("cutover_coverage"),
            machine=machine_name(),
        )

    def effort(self, card: ModelCard, library_id: int) -> Effort:
        from reprise.engine.encoding import Effort

        settings = self.settings
        return Effort(
            workers=settings.whole("workers") or workers_that_fit(card),
            root=self.catalogue().libraries.get(self.owner, library_id).root,
            item_timeout=settings.number("item_timeout"),
            timeout_per_audio_second=settings.number("timeout_per_audio_second"),
            memory_mb=settings.number("worker_memory_mb"),
            load_seconds=settings.number("load_timeout"),
            largest_batch=settings.whole("batch_size"),
        )

    def command(self, model: str) -> Command:
        from reprise.child import ChildOptions

        def build(role: Role, connection: int, slot: int) -> Sequence[str]:
            return ChildOptions(
                model=model,
                role=role,
                connection=connection,
                slot=slot,
                threads=cores() if role == "encode" else 1,
                min_decoded=self.settings.number("min_decoded"),
                max_seconds=self.settings.number("max_audio_hours") * 3600.0,
            ).command()

        return build

    @contextmanager
    def runner_of(self, job: Job) -> Iterator[bool]:
        """Enter with whether a living process runs the job; while inside, no other can begin to."""
        with self.locks.try_lock(f"job-{job.id}") as ours:
            yield not ours


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers_that_fit(card: ModelCard) -> int:
    """One process per core, fewer when their memory would not fit into what is free now."""
    import psutil

    free_mb = psutil.virtual_memory().available / 2**20
    each = card.memory_mb if card.execution is Execution.PER_CORE else 256
    return max(1, min(cores(), int(free_mb / max(1, each))))


def machine_name() -> str:
    """What speeds are remembered under: they hold for one machine and its number of cores."""
    return f"{platform.node()}/{cores()}"


def _existing_folder(folder: Path) -> Path:
    try:
        resolved = folder.resolve(strict=True)
    except FileNotFoundError as error:
        raise LibraryError(
            f"{folder} does not exist", cure="check the spelling; is the disk mounted?"
        ) from error
    except (OSError, RuntimeError) as error:
        raise LibraryError(
            f"{folder} cannot be opened: {error}", cure="check its rights and links"
        ) from error
    if not resolved.is_dir():
        raise LibraryError(f"{folder} is a file", cure="name the folder that holds it")
    return resolved
