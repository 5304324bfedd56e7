"""The composition root: settings become ports, ports become use cases. The only importer of concrete adapters."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from reprise.core.items import display_path
from reprise.core.job import Clear, Control, Hosting, JobRequest, JobState, Purpose, never
from reprise.core.ports import WHOLE, Part
from reprise.core.space import SpaceState
from reprise.core.spec import TRACKS
from reprise.errors import BadSetting, NotFound
from reprise.storage import CATALOGUE_NAME, Storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from reprise.core.choices import Coverage
    from reprise.core.events import Emit, Event, JobFinished, ScanFinished
    from reprise.core.following import MusicServer, Watcher
    from reprise.core.items import Item, Library, LibraryKind
    from reprise.core.job import Job, Priority
    from reprise.core.plan import Selection
    from reprise.core.playlists import PlaylistServer
    from reprise.core.ports import LexicalIndex, Source, VectorStore
    from reprise.core.records import Catalogue
    from reprise.core.space import Space
    from reprise.core.spec import ModelCard
    from reprise.engine.crew import ShareEnd
    from reprise.engine.desk import Effort
    from reprise.engine.estimate import Estimate
    from reprise.engine.feed import Recorder
    from reprise.engine.job_work import Workshop
    from reprise.engine.keeping import Keeping
    from reprise.engine.slices import Committed
    from reprise.errors import RepriseError
    from reprise.installed import InstalledModels
    from reprise.runners.job_process import JobProcess
    from reprise.runners.locks import FileLocks
    from reprise.runners.shared_locks import SharedLocks
    from reprise.search.map.atlas import Atlas
    from reprise.search.map.files import MapFiles
    from reprise.search.space_queries import SearchPorts
    from reprise.settings import Settings

DEFAULT_MODEL = "acoustic"


class App:
    """One installation of Reprise, opened on demand and closed as a whole."""

    def __init__(self, settings: Settings, storage: Storage | None = None) -> None:
        self.settings = settings
        self.storage = storage or Storage(settings)

    def of(self, owner: str) -> App:
        """The same installation as another owner sees it. What is open is shared; this one closes it."""
        return App(replace(self.settings, values={**self.settings.values, "owner": owner}), self.storage)

    def __enter__(self) -> App:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.storage.close()

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
        return self.storage.catalogue_path

    def catalogue(self, *, create: bool = False) -> Catalogue:
        """The catalogue; only ``create`` makes one where there is none. Raises ``CatalogueError`` kinds."""
        return self.storage.catalogue(create=create)

    @property
    def store(self) -> VectorStore:
        return self.storage.store

    @property
    def lexical(self) -> LexicalIndex:
        return self.storage.lexical

    @property
    def locks(self) -> FileLocks | SharedLocks:
        return self.storage.locks

    @cached_property
    def keeping(self) -> Keeping:
        """Where what models make is kept: the store, and what the pipeline's direct steps keep themselves."""
        from reprise.core.ports import StepPorts

        return self.installed.keeping(
            self.store, lambda: StepPorts(self.catalogue(), self.store, self.lexical)
        )

    @cached_property
    def installed(self) -> InstalledModels:
        from reprise.installed import InstalledModels

        return InstalledModels(self.settings, self.storage.machine_locks, self._coverage_served)

    def _coverage_served(self, model: str) -> Coverage | None:
        from reprise.core.choices import stored_coverage

        if not self.storage.exists:
            return None
        spaces = self.catalogue().spaces
        pointer = spaces.pointer(self.owner, model)
        return stored_coverage(spaces.inputs(self.owner, pointer.space.id)) if pointer else None

    @contextmanager
    def trial(self) -> Iterator[App]:
        """A copy of this installation's catalogue in a folder that goes away, to try things that change nothing."""
        import tempfile
        from pathlib import Path

        from reprise.catalog.sqlite import copy_sqlite
        from reprise.settings import Settings

        folders = {name: self.installed.folder(name) for name in ("weights", "cache")}
        keep_everything = {"keep_missing_days": 1e9}  # the copy has no store to forget vectors in
        with tempfile.TemporaryDirectory(prefix="reprise-trial-") as folder:
            if self.catalogue_path.exists():
                timeout = self.settings.number("database_timeout")
                copy_sqlite(self.catalogue_path, Path(folder) / CATALOGUE_NAME, busy_timeout=timeout)
            with App(Settings(Path(folder), {**self.settings.values, **folders, **keep_everything})) as trial:
                yield trial

    def source(self, library: Library) -> Source:
        from reprise.sources.folder import FolderSource
        from reprise.sources.video_folder import VideoFolder

        kind = VideoFolder if library.kind == "video" else FolderSource
        return kind(library.root, library.exclude, self.settings.flag("follow_links"))

    def models(self, names: Sequence[str]) -> tuple[str, ...]:
        """The models asked for, each once, in that order. Raises ``UnknownModel``, ``ModelLoadFailed``."""
        wanted = tuple(dict.fromkeys(names)) or (DEFAULT_MODEL,)
        for name in wanted:
            self.installed.card(name)
        return wanted

    def library_of(
        self, folder: Path, exclude: Sequence[str] = (), kind: LibraryKind | None = None
    ) -> tuple[Library, bytes]:
        """The library of that kind, or of any, that holds the folder, made if there is none, and the folder in its root.

        ``exclude`` replaces the library's patterns unless it is empty; an empty pattern alone clears them.
        Raises ``LibraryError`` when the folder is missing, a file, or around another library, ``BadSetting`` for a
        pattern that is wrong.
        """
        from reprise.sources.existing import existing_folder
        from reprise.sources.folder import FolderSource

        root = os.fsencode(existing_folder(folder))
        patterns = tuple(pattern for pattern in exclude if pattern.strip())
        FolderSource(root, patterns)
        libraries = self.catalogue(create=True).libraries
        for library in libraries.all(self.owner):
            if kind not in (None, library.kind):
                continue
            if root == library.root or root.startswith(library.root.rstrip(b"/") + b"/"):
                if exclude:
                    libraries.set_exclude(self.owner, library.id, patterns)
                inside = root[len(library.root.rstrip(b"/")) + 1 :]
                return libraries.get(self.owner, library.id), inside
        name = display_path(os.path.basename(root)) or "media"
        return libraries.add(self.owner, kind or "folder", name, root, patterns), b""

    def scan(
        self,
        library: Library,
        emit: Emit,
        stop: Callable[[], object] = never,
        *,
        parts: Sequence[Part] = (WHOLE,),
        full: bool = False,
    ) -> ScanFinished:
        """Bring the catalogue up to what the folder, or these parts of it, hold; one scan of a library at a time.

        ``full`` reads the tags of all files anew. Raises ``LibraryError``, or ``ScanStopped`` on a wish.
        """
        from reprise.engine.scan import Scan, waiting_turn

        with waiting_turn(self.locks, library, stop):
            return Scan(
                catalogue=self.catalogue(),
                forget=self._forget,
                emit=emit,
                library=library,
                source=self.source(library),
                keep_missing_days=self.settings.number("keep_missing_days"),
                stop=stop,
                parts=parts,
                full=full,
            ).run()

    def scan_now(
        self, folder: Path, emit: Emit, *, full: bool, kind: LibraryKind | None = None
    ) -> Selection | None:
        """Scan a library, or a folder of one, in this process; what is in it, or ``None`` when a signal ended it.

        ``kind``: as for :meth:`library_of`. The feed hears of it too. Raises ``LibraryError``.
        """
        from reprise.core.plan import Selection
        from reprise.engine.scan import ScanStopped
        from reprise.runners.signals import interruptible

        library, inside = self.library_of(folder, kind=kind)
        record = self.recorder()

        def tell(event: Event) -> None:
            record(event)
            emit(event)

        with interruptible() as interruption:
            try:
                stop = interruption.stops
                self.scan(library, tell, stop, parts=[Part(inside)], full=full)
            except ScanStopped:
                return None
        return Selection(self.owner, library.id, inside)

    def watcher(self, library: Library) -> Watcher:
        """What tells of changes in the library's folder."""
        from reprise.sources.watching import FolderWatcher

        settings = self.settings
        return FolderWatcher(
            library.root, settings.number("watch_delay"), settings.number("watch_poll_seconds")
        )

    def navidrome(self) -> MusicServer | None:
        """The music server that is followed; ``None`` when the settings name none."""
        from reprise.sources.navidrome import NavidromeDatabase
        from reprise.subsonic.navidrome import Navidrome

        names = ("subsonic_url", "subsonic_user", "subsonic_password", "navidrome_database")
        url, user, password, database = map(self.settings.text, names)
        if not (url and user and password):
            return None
        songs = NavidromeDatabase(os.path.expanduser(database)) if database else None
        return Navidrome(url, user, password, self.settings.number("subsonic_timeout"), songs)

    def scan_models(self) -> tuple[str, ...]:
        """The models that embed what a scan finds. Raises ``UnknownModel``, ``ModelLoadFailed``."""
        chosen = [name.strip() for name in self.settings.text("scan_models").split(",") if name.strip()]
        pointers = self.catalogue().spaces.pointers(self.owner)
        return self.models(chosen or [one.model for one in pointers if one.space.subject == TRACKS])

    def unready(self, models: Sequence[str]) -> dict[str, RepriseError]:
        """Which of the models cannot run now, and why, as far as can be told without loading them."""
        found = {name: self.installed.trouble(name) for name in models}
        return {name: error for name, error in found.items() if error is not None}

    def to_do(self, selection: Selection, models: Sequence[str]) -> int:
        """How many operations a job would find to do, without those that running jobs have in hand."""
        from reprise.engine.estimate import preview

        cards = [self.installed.card(name) for name in models]
        plans = preview(self.catalogue(), cards, selection, Clear.NOTHING, self.job_alive)
        return sum(plan.to_do for plan in plans)

    def embed(
        self,
        selection: Selection,
        models: Sequence[str],
        emit: Emit,
        *,
        told: Callable[[str], None],
        clear: Clear = Clear.NOTHING,
        purpose: Purpose = Purpose.ASKED,
    ) -> JobFinished:
        """Scan, then run the job to its end or until it is paused. Raises ``JobConflict`` when another one runs.

        For arrivals nothing is scanned: a scan has just found them.
        """
        from reprise.engine.start import claimed
        from reprise.runners.signals import interruptible

        request = JobRequest(selection, self.models(models), clear, purpose)
        self.catalogue().libraries.get(self.owner, selection.library_id)
        with (
            interruptible() as interruption,
            claimed(self.catalogue(), self.locks, request, told=told) as (job, resumed),
        ):
            return self._run(job, emit, interruption.asked, resumed=resumed)

    def resume(self, job: Job, emit: Emit, *, hosted: bool = False) -> JobFinished:
        """Go on with a paused job, or with one whose process died. Raises ``UsageError`` for one that ended.

        ``hosted``: this is the process that a server started for it. It gives way to other programs, unless somebody
        waits for a file that just came, and pauses when the server is gone.
        """
        from reprise.engine.start import claimed_for_host, reclaimed
        from reprise.runners.hosted import follow_parent, give_way
        from reprise.runners.signals import interruptible

        claim = claimed_for_host if hosted else reclaimed
        with interruptible() as interruption:
            if hosted:
                if not job.request.just_came:
                    give_way(self.settings.whole("job_niceness"))
                follow_parent()
            with claim(self.catalogue(), self.locks, job) as (current, resumed):
                return self._run(current, emit, interruption.asked, resumed=resumed)

    def _run(self, job: Job, emit: Emit, asked: Callable[[], Control], *, resumed: bool) -> JobFinished:
        """What happens goes into the feed as well, whoever started the job."""
        from reprise.engine.in_turn import STOPPED
        from reprise.engine.run import Run
        from reprise.log_facts import records_say

        tell = self._told_to_feed_too(job, emit)
        shop = self.workshop(tell, asked, job.request.batch_size)
        with (
            records_say(job_id=job.id, owner=job.owner, spec_version=job.spec_version),
            self.storage.patiently(lambda: asked() is not Control.NONE),
        ):
            end = Run(shop, job, resumed, self._scan_of(job, tell)).run()
        may_sweep = end.state not in STOPPED and not job.request.just_came  # somebody waits
        self.installed.pictures(self.catalogue()).clear(may_sweep=may_sweep)
        return end

    def work_on(
        self,
        job: Job,
        seconds: float,
        stop: Callable[[], bool],
        emit: Emit = lambda _event: None,
        committed: Committed = lambda *_facts: None,
    ) -> ShareEnd:
        """Work on the job for so long, beside other processes, or until ``stop``; the feed hears of it, too.

        Raises ``BadSetting`` when no other process could see what this one does, ``CatalogueTooNew``.
        """
        from reprise.engine.crew import CrewMember

        if not self.storage.shared:
            cure = "set catalogue_url, see docs/scaling.md"
            raise BadSetting("workers need a catalogue that all of them reach", cure=cure)
        self.catalogue().refuse_newer()
        tell = self._told_to_feed_too(job, emit)
        shop = self.workshop(tell, lambda: Control.PAUSE if stop() else Control.NONE, job.request.batch_size)
        member = CrewMember(
            shop=replace(shop, committed=committed),
            job=job,
            resumed=job.planned,
            scan=self._scan_of(job, tell),
            presence=self.storage.shared_locks,
            until=time.monotonic() + seconds,
        )
        with self.storage.patiently(stop):
            return member.run()

    def _told_to_feed_too(self, job: Job, emit: Emit) -> Emit:
        record = self.recorder(job.id)

        def tell(event: Event) -> None:
            record(event)
            emit(event)

        return tell

    def _scan_of(self, job: Job, emit: Emit) -> Callable[[Callable[[], object]], None]:
        """Looks at the job's library first, if the job is of a kind that does."""

        def scan(stop: Callable[[], object]) -> None:
            library = self.catalogue().libraries.get(self.owner, job.request.selection.library_id)
            if job.request.scans(library.kind):
                self.scan(library, emit, stop)

        return scan

    def recorder(self, job_id: str | None = None) -> Recorder:
        """An ``Emit`` that writes what happens into the feed: of a job, or of the owner's libraries alone."""
        from reprise.engine.feed import Recorder

        return Recorder(self.catalogue().feed, self.owner, job_id)

    def enqueue(self, request: JobRequest, *, priority: Priority, asked_by: str) -> Job:
        """Make a job that a server runs, now or when one lives.

        Raises ``UnknownModel``, ``NotFound`` for the library, and ``JobConflict`` naming the job in the way.
        """
        from reprise.engine.hosting import enqueue

        self.models(request.models)
        self.catalogue().libraries.get(self.owner, request.selection.library_id)
        return self._woken(enqueue(self.catalogue(), request, Hosting(priority, asked_by)))

    def host_again(self, job: Job) -> Job:
        """Have a server go on with a paused or interrupted job. Raises ``JobConflict`` when it cannot."""
        from reprise.engine.hosting import go_on

        return self._woken(go_on(self.catalogue(), self.locks, job))

    def _woken(self, job: Job) -> Job:
        """The job; workers hear of it, where workers run jobs."""
        if url := self.settings.text("broker_url"):
            from reprise.runners.dramatiq.bell import Bell

            Bell(url, self.settings.number("server_timeout")).wake(self.catalogue().jobs, job)
        return job

    def stop_job(self, job: Job, control: Control) -> bool:
        """Pause or cancel; returns whether a living runner was asked, else it is done. Raises ``JobConflict``."""
        from reprise.engine.hosting import stop

        return stop(self.catalogue(), self.locks, job, control)

    def fail_job(self, job: Job, reason: str) -> None:
        """End a job that cannot be run. One that has ended, or that a living process runs, is left alone."""
        from reprise.engine.hosting import fail

        fail(self.catalogue(), self.locks, job, reason)

    def job_process(self, job: Job) -> JobProcess:
        """Run the job in a process of its own, with the settings of this one."""
        from reprise.runners.job_process import JobProcess

        return JobProcess.start(self.home, job.owner, job.id, self.settings.variables())

    def state_of(self, job: Job) -> str:
        """The state for people: told apart from that of a job whose process died, which is ``interrupted``."""
        died = job.state is JobState.RUNNING and not self.job_alive(job.id)
        return "interrupted" if died else job.standing

    def estimates(
        self,
        selection: Selection,
        models: Sequence[str],
        clear: Clear = Clear.NOTHING,
        *,
        measure: bool = True,
    ) -> list[Estimate]:
        """What the job would do and take, per model. ``measure``: on a few tracks, where the speed is not known."""
        from reprise.engine.estimate import estimate, preview

        cards = [self.installed.card(name) for name in self.models(models)]
        planned = preview(self.catalogue(), cards, selection, clear, self.job_alive)
        estimates = []
        for card, plan in zip(cards, planned, strict=True):
            effort = self.effort(card, selection.library_id)
            speed = self._speed(card, selection, effort, measure=measure) if plan.to_do else None
            estimates.append(estimate(card, plan, speed, effort.workers))
        return estimates

    def _speed(
        self, card: ModelCard, selection: Selection, effort: Effort, *, measure: bool
    ) -> tuple[float, str] | None:
        from reprise.core.spec import fingerprint
        from reprise.engine.estimate import SAMPLES_PER_WORKER, measure_speed

        known = self.catalogue().speeds.get(fingerprint(card.spec), self.installed.machine)
        if known is not None:
            return known.audio_seconds_per_second, "measured in an earlier run on this machine"
        if card.missing or not measure or card.spec.subject != TRACKS:
            return None
        items = self.catalogue().items.sample(self.owner, selection, SAMPLES_PER_WORKER * effort.workers)
        with self.installed.slot.held(never):
            return measure_speed(card, self.installed.command(card.name), effort, items)

    def retries(self, *, code: str | None, item_id: int | None) -> list[tuple[Selection, list[str]]]:
        """One selection per library that has such failures, with the models that they are of."""
        from reprise.core.plan import Selection, Wanted

        found = self.catalogue().ledger.failed_models(self.owner, code=code, item_id=item_id)
        return [
            (Selection(self.owner, library_id, wanted=Wanted.FAILED, item_id=item_id, error_code=code), names)
            for library_id, names in found.items()
        ]

    def search_ports(self) -> SearchPorts:
        """What questions of search go through."""
        from reprise.search.space_queries import SearchPorts

        return SearchPorts(self.catalogue(), self.store, self.owner, self.installed)

    def map_files(self) -> MapFiles:
        """Where the maps of this owner's spaces lie."""
        from reprise.search.map.files import MapFiles

        return MapFiles(self.home / "maps", self.owner)

    def draw_map(self, model: str, *, anew: bool = False) -> Atlas:
        """Bring the map of the model's space up to date, or lay it out ``anew``; it is kept for who asks next.

        Raises ``NotFound`` when nothing is embedded by the model, ``DiskFull``, ``StoreError``.
        """
        from reprise.search.map.atlas import atlas_of
        from reprise.search.serving import serving_space

        files = self.map_files()
        space = serving_space(self.catalogue(), self.owner, model)
        atlas = atlas_of(self.search_ports(), space, None if anew else files.known(space.name))
        files.write(atlas)
        files.keep_only({space.name for space in self.living_spaces()})
        return atlas

    def playlist_server(self) -> PlaylistServer:
        """The Subsonic server of the settings. Raises ``BadSetting`` naming those that are missing."""
        from reprise.subsonic.playlists import SubsonicPlaylists

        names = ("subsonic_url", "subsonic_user", "subsonic_password")
        if missing := [name for name in names if not self.settings.text(name)]:
            raise BadSetting(
                f"no server is known to send playlists to: {', '.join(missing)} not set",
                cure="set them in config.toml or as variables, see: reprise settings",
            )
        url, user, password = map(self.settings.text, names)
        return SubsonicPlaylists(url, user, password, self.settings.number("subsonic_timeout"))

    def path_of(self, item: Item) -> str:
        """The absolute path of the item's file, as the operating system takes it; a track's is its album's."""
        root = self.catalogue().libraries.get(self.owner, item.library_id).root
        return os.fsdecode(os.path.join(root, item.file))

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
        self.installed.pictures(self.catalogue()).clear()
        return len(ids)

    def _forget(self, item_ids: list[int]) -> None:
        from reprise.engine.forget import forget_items

        forget_items(self.catalogue(), self.keeping, self.owner, item_ids)
        self.installed.pictures(self.catalogue()).clear()

    def workshop(self, emit: Emit, asked: Callable[[], Control], batch_size: int = 0) -> Workshop:
        """``batch_size`` instead of that of the settings, unless it is 0."""

        def effort(card: ModelCard, library_id: int) -> Effort:
            usual = self.effort(card, library_id)
            return replace(usual, largest_batch=batch_size or usual.largest_batch)

        ports = (self.catalogue(), self.keeping, emit, asked, effort, self.job_alive)
        kept = self.storage
        return self.installed.workshop(*ports, kept.lease_seconds, shared=kept.shared)

    def job_alive(self, job_id: str) -> bool:
        """Whether a living process runs the job now."""
        return self.locks.held(f"job-{job_id}")

    def effort(self, card: ModelCard, library_id: int) -> Effort:
        """How much of this machine a model gets for one library."""
        return self.installed.effort(card, self.catalogue().libraries.get(self.owner, library_id).root)
