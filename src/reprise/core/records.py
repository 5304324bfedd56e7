"""The ports of the catalogue and the ledger. Whatever belongs to an owner names the owner first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from reprise.core.ports import WHOLE, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from reprise.core.accounts import People
    from reprise.core.analysis import Analysis
    from reprise.core.embedded import EmbeddedRows
    from reprise.core.feed import Feed
    from reprise.core.figures import Figures
    from reprise.core.following import ForeignIds
    from reprise.core.items import InputState, Item, Library, Tags
    from reprise.core.job import Control, Counters, Hosting, Job, JobRequest, JobState, ModelState
    from reprise.core.listing import Listing
    from reprise.core.pictures import Pictures
    from reprise.core.plan import OpenWork, Operation, PlannedModel, Selection
    from reprise.core.ports import FoundFile, ScanProblem, Told
    from reprise.core.rename_journal import Renames
    from reprise.core.schedules import Schedules
    from reprise.core.sharing import LockRows, Workers
    from reprise.core.space import Space, SpaceState
    from reprise.core.spec import ModelSpec, Subject
    from reprise.core.video_records import Persons, Preferences, Reprocessings, Videos


class KnownFile(NamedTuple):
    """What the catalogue knows of a file, as far as a scan needs it."""

    item_id: int
    path: bytes
    size: int
    mtime_ns: int
    digest: bytes | None
    duration: float | None
    missing_since: float | None

    @property
    def stat(self) -> tuple[int, int]:
        return self.size, self.mtime_ns


@dataclass(slots=True)
class ScanBatch:
    """Changes that one stretch of a scan found; they are written in one transaction."""

    added: list[tuple[FoundFile, Tags]] = field(default_factory=list)
    revised: list[tuple[int, InputState, Tags]] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.added) + len(self.revised) + len(self.missing)


@dataclass(frozen=True, slots=True)
class Completed:
    """One finished operation whose vector is in the store. ``state`` is what the worker read.

    ``analysis`` is what was heard of the item, if the model tells that; ``told`` what was found in it. ``empty``: what the
    model looks for is not in the item, so that it is done without a vector.
    """

    item_id: int
    state: InputState
    learned: bool
    """Whether ``state`` tells the catalogue something new about the item."""
    analysis: Analysis | None = None
    told: Told | None = None
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """One operation that failed. ``again`` puts it back to be tried once more."""

    item_id: int
    code: str
    message: str
    again: bool
    state: InputState | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed ledger row as people see it."""

    item_id: int
    path: str
    label: str
    model: str
    code: str
    message: str
    attempts: int
    at: float
    dismissed: bool


@dataclass(frozen=True, slots=True)
class RowView:
    """One ledger row of an item, for ``explain``."""

    space: Space
    state: str
    reason: str
    digest: bytes | None
    has_vector: bool
    attempts: int
    job_id: str | None
    error_code: str | None
    error_message: str | None
    updated_at: float
    spec_version: str | None = None
    """Of the pipeline that it was done by."""
    current: bytes | None = None
    """The digest of what would be looked at now."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which space answers an owner's searches with a model, and which one did before."""

    model: str
    space: Space
    previous: Space | None
    switched_at: float


@dataclass(frozen=True, slots=True)
class LibraryCounts:
    """``audio_seconds`` is the sum of the known durations."""

    items: int
    missing: int
    audio_seconds: float
    bytes: int


@dataclass(frozen=True, slots=True)
class Speed:
    """What a model managed on this machine the last time, warm-up left out."""

    audio_seconds_per_second: float
    operations_per_second: float


class Libraries(Protocol):
    """``all`` and ``watched`` leave out the libraries of people, which have no folder: ``Persons`` knows those."""

    def add(self, owner: str, kind: str, name: str, root: bytes, exclude: Sequence[str]) -> Library:
        """Raises ``LibraryError`` when it is around another library of the owner and of that kind.

        Music and videos may lie in the same folder: each kind of library sees its own files only.
        """

    def all(self, owner: str) -> list[Library]:
        """Those of music first."""

    def watched(self) -> list[Library]:
        """Of all owners: those that a server is to follow."""

    def get(self, owner: str, library_id: int) -> Library:
        """Raises ``NotFound``."""

    def set_exclude(self, owner: str, library_id: int, exclude: Sequence[str]) -> None: ...

    def set_name(self, owner: str, library_id: int, name: str) -> None: ...

    def set_watch(self, owner: str, library_id: int, *, watch: bool) -> None: ...

    def remove(self, owner: str, library_id: int) -> list[int]:
        """Forget the library with its items; returns their ids, whose vectors are to be deleted before."""

    def item_ids(self, owner: str, library_id: int) -> list[int]: ...

    def counts(self, owner: str, library_id: int) -> LibraryCounts: ...

    def set_problems(self, owner: str, library_id: int, problems: Sequence[ScanProblem], at: float) -> None:
        """What the scan of a whole library, which has ended now, could not look at."""

    def renew_problems(
        self,
        owner: str,
        library_id: int,
        parts: Sequence[Part],
        problems: Sequence[ScanProblem],
        at: float,
    ) -> None:
        """The same for a scan of these parts only; what is known of the others stays."""

    def problems(self, owner: str, library_id: int) -> list[ScanProblem]: ...


class Items(Protocol):
    def files(self, owner: str, library_id: int, part: Part = WHOLE) -> Iterator[tuple[Any, ...]]:
        """All known files of that part in the byte order of their paths, in constant memory.

        Plain tuples of ``KnownFile``'s fields: a scan makes one only of those that differ.
        """

    def apply(self, owner: str, library_id: int, batch: ScanBatch, at: float) -> None:
        """Write one stretch of a scan in one transaction. A revised item is present again."""

    def unread(self, owner: str, library_id: int) -> Iterator[KnownFile]:
        """Present files whose essence nobody has read yet."""

    def missing(self, owner: str, library_id: int) -> list[KnownFile]: ...

    def learn_digests(self, owner: str, digests: Sequence[tuple[int, bytes]]) -> None: ...

    def move(
        self,
        owner: str,
        moves: Sequence[tuple[int, int]],
        overwritten: Sequence[KnownFile],
        at: float,
        *,
        revised: Sequence[tuple[int, InputState, Tags]] = (),
        digests: Sequence[tuple[int, bytes]] = (),
    ) -> int:
        """For each (item, row): the item lives on where the row lies, with its path, state and tags.

        ``overwritten`` are items as they were before other content was put in their place. Rows that lose their
        place take a free one or go; returns how many items have no file any more. ``revised`` and ``digests`` are
        written before, in the same transaction: once it is written what lies in an item's place now, or what a new
        file is, nothing tells the next scan any more that there was a content to be looked for.
        """

    def gone_since(self, owner: str, library_id: int, before: float) -> list[int]: ...

    def remove(self, owner: str, item_ids: Sequence[int]) -> None: ...

    def get(self, owner: str, item_ids: Collection[int]) -> dict[int, Item]: ...

    def by_path(self, owner: str, library_id: int, path: bytes) -> Item | None: ...

    def cuts(self, owner: str, library_id: int, file: bytes) -> list[Item]:
        """The tracks that lie in one file, in its order."""

    def by_text(self, owner: str, text: str, limit: int) -> list[Item]:
        """Items whose title, artist, album or path holds all the words, best known first."""

    def sample(self, owner: str, selection: Selection, count: int) -> list[Item]:
        """Evenly spread items of the selection, for estimates."""


class Spaces(Protocol):
    def ensure(self, owner: str, spec: ModelSpec, *, fresh: bool = False) -> Space:
        """The owner's space for this spec; a new or dropped one starts as a draft.

        ``fresh``: one that does not answer searches, so if that one does, a new generation beside it.
        """

    def of_spec(self, owner: str, fingerprint: str) -> Space | None:
        """The space that ``ensure`` would give, if there is one: the latest that is not dropped, else the latest."""

    def get(self, owner: str, space_id: int) -> Space: ...

    def all(self, owner: str) -> list[Space]: ...

    def inputs(self, owner: str, space_id: int) -> dict[str, str | int]: ...

    def set_state(self, owner: str, space_id: int, state: SpaceState, note: str = "") -> None:
        """Raises ``SpaceHeld`` for a step that is not allowed."""

    def note(self, owner: str, space_id: int) -> str: ...

    def pointer(self, owner: str, model: str) -> Pointer | None: ...

    def pointers(self, owner: str) -> list[Pointer]: ...

    def unpoint(self, owner: str, model: str) -> None:
        """Search with the model has no space to answer from any more; the one it had retires."""

    def switch(self, owner: str, model: str, space_id: int, at: float) -> Space | None:
        """Point search at the space, in one transaction with both spaces' states; returns the one before."""


class Jobs(Protocol):
    def create(
        self, request: JobRequest, spec_version: str, at: float, hosting: Hosting | None = None
    ) -> Job:
        """``hosting``: for a server to run; without it for this process.

        Raises ``JobConflict`` naming the active job that holds the same work, across processes.
        """

    def active(self, owner: str, work_key: str) -> Job | None: ...

    def hosted(self) -> list[Job]:
        """Of all owners: active jobs that are for a server to run, in the order of priority and time."""

    def host(self, owner: str, job_id: str, at: float) -> None:
        """From now on a server is to run the job, unless it has ended; what was asked of its runner is over."""

    def unhost(self, owner: str, job_id: str) -> None:
        """No server is to run it any more."""

    def get(self, owner: str, job_id: str) -> Job:
        """Raises ``NotFound``; a unique prefix of the id is enough."""

    def all(self, owner: str, limit: int) -> list[Job]: ...

    def page(
        self, owner: str, *, standing: JobState | None, limit: int, offset: int
    ) -> tuple[list[Job], int]:
        """Jobs, the newest first, and how many there are; only those that stand so, unless that is ``None``."""

    def set_state(self, owner: str, job_id: str, state: JobState, at: float, error: str = "") -> None: ...

    def ask(self, owner: str, job_id: str, control: Control) -> None:
        """Of whoever runs it. A pause means that no server goes on with it by itself either."""

    def control(self, owner: str, job_id: str) -> Control: ...

    def ring(self, owner: str, job_id: str, patience: float) -> bool:
        """Whether workers are to be woken for the job: nobody was within so many seconds, or a worker came since.

        Whoever is told so wakes them; to ask is to promise it.
        """

    def answer(self, owner: str, job_id: str) -> None:
        """A worker came for the job, so it is this owner's turn now, and the next ring is to be heard."""

    def set_percent(self, owner: str, job_id: str, percent: float) -> float:
        """Raise the percentage, never lower it; returns the one that holds."""

    def set_model(self, owner: str, job_id: str, model: str, state: ModelState, error: str = "") -> None: ...

    def add_time(self, owner: str, job_id: str, model: str, seconds: float, audio_seconds: float) -> None: ...


class Ledger(Protocol):
    def plan(
        self,
        selection: Selection,
        job_id: str,
        spaces: Sequence[Space],
        at: float,
        *,
        resumed: bool,
        alive: Callable[[str], bool],
    ) -> list[PlannedModel]:
        """Turn a selection into pending rows of the job, all spaces in one transaction, and set its counters.

        A resumed job is not forced again. Rows that a dead runner had leased become pending. Those that another job
        has open stay its own as long as it is ``alive``, which is asked by its id; here they count as skipped.
        """

    def plan_again(
        self, selection: Selection, job_id: str, space: Space, at: float, alive: Callable[[str], bool]
    ) -> PlannedModel:
        """Plan one space of a planned job once more: what the models before it made may be what it looks at."""

    def preview(
        self,
        selection: Selection,
        spaces: Sequence[tuple[str, str, Subject]],
        alive: Callable[[str], bool],
    ) -> list[PlannedModel]:
        """What ``plan`` would find for (model, space name, subject), without writing anything."""

    def lease(
        self, owner: str, job_id: str, space_id: int, limit: int, seconds: float, max_attempts: int
    ) -> list[Operation]:
        """Take up to ``limit`` pending rows for so long, least tried first; each lease counts as an attempt.

        Rows that used up ``max_attempts`` because runners died with them come last and one at a time. Of several who
        lease at once each gets other rows.
        """

    def take_over(
        self, owner: str, job_id: str, space_id: int, limit: int, seconds: float, max_attempts: int
    ) -> list[Operation]:
        """Take rows that another runner has in hand whose lease has lapsed, as ``lease`` takes pending ones.

        Not those that used up ``max_attempts``: these come last, and alone.
        """

    def renew(self, seconds: float) -> int:
        """All that this process has in hand is its own for so many seconds from now; returns how many rows it is."""

    def reclaim(self, owner: str, job_id: str) -> int:
        """What runners of the job had in hand whose lease has lapsed is pending again; the attempt stays counted."""

    def open_work(self, owner: str, job_id: str, space_id: int) -> OpenWork:
        """What is left of the job there; reads all of it."""

    def waiting(self, owner: str, job_id: str, space_id: int, most: int) -> int:
        """How many rows of the job are pending there, counted up to ``most``: cheap, however many there are."""

    def release(self, owner: str, job_id: str, space_id: int, item_ids: Sequence[int]) -> None:
        """Give leased rows back untouched; the attempt is not counted."""

    def commit(
        self,
        owner: str,
        job_id: str,
        space_id: int,
        done: Sequence[Completed],
        failed: Sequence[Failed],
        at: float,
    ) -> Counters:
        """Write the fate of leased rows, what was heard and the job's counters in one transaction.

        Returns the counters of the model.
        """

    def retract(self, owner: str, job_id: str, space_id: int, item_ids: Collection[int], at: float) -> None:
        """Take back what the job had done, with what it heard: its vectors turned out to be worthless and are deleted."""

    def lost_vectors(self, owner: str, space_id: int, item_ids: Collection[int], at: float) -> int:
        """Rows whose vector is not in the store any more are to be done again."""

    def unclaimed(self, owner: str, space_id: int, item_ids: Collection[int], job_id: str) -> list[int]:
        """Those of the ids for which no row has a vector and that no job but this one has in hand."""

    def with_vector(self, owner: str, space_id: int) -> Iterator[int]:
        """Ids of items whose vector should be in the store, ascending."""

    def counts(self, owner: str, space_id: int) -> dict[str, int]:
        """Rows of present items by state; under ``vectors`` how many have a vector, present or not."""

    def answering(self, owner: str, space_id: int) -> int:
        """How many present items have a vector: so many can be found."""

    def failed_items(self, owner: str, job_id: str) -> int:
        """Distinct items with at least one failed operation in the job."""

    def failures(self, owner: str, *, code: str | None = None, dismissed: bool = False) -> list[Failure]: ...

    def failure_page(
        self, owner: str, *, code: str | None, model: str | None, dismissed: bool, limit: int, offset: int
    ) -> list[Failure]:
        """The newest first; ``dismissed``: those too."""

    def newest_failures(self, owner: str, job_id: str, limit: int) -> list[Failure]:
        """What the job failed, the newest first."""

    def failure_codes(self, owner: str, *, model: str | None, dismissed: bool) -> dict[str, int]:
        """How many there are of each kind, the most frequent first."""

    def failed_models(self, owner: str, *, code: str | None, item_id: int | None) -> dict[int, list[str]]:
        """For each library the models of which it has such failures."""

    def dismiss(self, owner: str, *, code: str | None = None, item_id: int | None = None) -> int:
        """Failures of one kind, of one item, or all: they count no more. Returns how many rows it were."""

    def rows(self, owner: str, item_id: int) -> list[RowView]: ...

    def digests(self, owner: str, space_id: int, item_ids: Collection[int]) -> dict[int, bytes]:
        """Of which content each of these items was when it was done, as far as that is known."""

    def orphans(self, owner: str, space: Space) -> list[int]:
        """Items of which the space has a row though item or input are gone. What was made of them is to be deleted,
        and then the row, by ``forget``."""

    def forget(self, owner: str, space_id: int, item_ids: Collection[int]) -> None:
        """Delete these rows of the space."""

    def forget_space(self, owner: str, space_id: int) -> None: ...


class Analyses(Protocol):
    """What was heard of the items. A row goes with its item; one of another content than the item's is not shown.

    Written by ``Ledger.commit``, in the transaction that calls the work done. What was heard of a whole track is kept
    when later only a part of the same content is listened to. Dropping the space whose job heard it leaves it alone.
    """

    def get(self, owner: str, item_id: int) -> Analysis | None: ...

    def many(self, owner: str, item_ids: Collection[int]) -> dict[int, Analysis]:
        """Those that are known, without their fingerprints."""

    def of_files(
        self, owner: str, library_id: int, folder: bytes = b""
    ) -> Iterator[tuple[bytes, int, int, Analysis]]:
        """(path, size, mtime_ns, analysis without its fingerprint) of present files in ``folder``, relative to the
        library's root, in the byte order of their paths, in constant memory."""

    def of_paths(
        self, owner: str, library_id: int, paths: Collection[bytes]
    ) -> Iterator[tuple[bytes, int, int, Analysis]]:
        """The same for these files, relative to the library's root, in no order."""

    def fingerprints(
        self, owner: str, library_id: int | None = None
    ) -> Iterator[tuple[int, float | None, bytes]]:
        """(item id, seconds that were heard, fingerprint) of present items, by id, in constant memory."""

    def count(self, owner: str) -> int:
        """Present items of which it is known."""


class Speeds(Protocol):
    def get(self, fingerprint: str, machine: str) -> Speed | None: ...

    def put(self, fingerprint: str, machine: str, speed: Speed, at: float) -> None: ...


class Catalogue(Protocol):
    """All records behind one door."""

    @property
    def libraries(self) -> Libraries: ...

    @property
    def items(self) -> Items: ...

    @property
    def listing(self) -> Listing: ...

    @property
    def spaces(self) -> Spaces: ...

    @property
    def jobs(self) -> Jobs: ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def analyses(self) -> Analyses: ...

    @property
    def speeds(self) -> Speeds: ...

    @property
    def people(self) -> People: ...

    @property
    def feed(self) -> Feed: ...

    @property
    def figures(self) -> Figures: ...

    @property
    def schedules(self) -> Schedules: ...

    @property
    def foreign_ids(self) -> ForeignIds: ...

    @property
    def renames(self) -> Renames: ...

    @property
    def videos(self) -> Videos: ...

    @property
    def persons(self) -> Persons: ...

    @property
    def pictures(self) -> Pictures: ...

    @property
    def preferences(self) -> Preferences: ...

    @property
    def reprocessings(self) -> Reprocessings: ...

    @property
    def embedded(self) -> EmbeddedRows: ...

    @property
    def locks(self) -> LockRows: ...

    @property
    def workers(self) -> Workers: ...

    def now(self) -> float:
        """Seconds since the epoch by the clock that all who share the catalogue go by."""

    def refuse_newer(self) -> None:
        """Raises ``CatalogueTooNew`` when a newer release has migrated the catalogue since it was opened."""

    def close(self) -> None: ...
