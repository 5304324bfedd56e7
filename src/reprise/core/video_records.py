"""The ports of what is kept of videos and persons. The owner comes first, and what is another's is not there."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from reprise.core.plan import Selection
    from reprise.core.spec import Subject
    from reprise.core.video import (
        Description,
        Person,
        Photo,
        PhotoState,
        SavedFrame,
        Scene,
        Transcript,
        Video,
    )


class Scope(StrEnum):
    """Whose embeddings a reprocessing brings up to date."""

    VIDEO = "video"
    OWNER = "owner"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class ImportedScene:
    """A scene that another system knows. ``start`` and ``end`` in seconds; ``None``: nothing is said about that."""

    index: int
    start: float
    end: float
    transcript: str | None = None
    description: Description | None = None


class Videos(Protocol):
    """Videos and their scenes. What was extracted is written by ``Ledger.commit``, with the row that calls it done.

    Whatever changes the words or pictures of a scene composes its inputs anew in the same transaction, by the rules of
    ``core.scene_texts``; an input that comes out the same keeps its digest, and so its vectors.
    """

    def get(self, owner: str, video_id: int) -> Video:
        """Raises ``NotFound``."""

    def page(
        self, owner: str, *, library_id: int | None, text: str, limit: int, offset: int
    ) -> tuple[list[Video], int]:
        """Videos that are there, by path, and how many there are; ``text``: whose path or words hold it."""

    def count(self, owner: str, library_id: int | None = None) -> int: ...

    def owner_of(self, video_id: int) -> str | None:
        """Whose the video is; ``None`` when there is none. Only administrators and the command line ask."""

    def owners(self) -> list[str]:
        """Who has a library of videos or of people, in order. Only administrators and the command line ask."""

    def scenes(self, owner: str, video_id: int) -> list[Scene]:
        """In order. Raises ``NotFound`` for the video."""

    def scenes_by_id(self, owner: str, scene_ids: Collection[int]) -> dict[int, Scene]: ...

    def scene_count(self, owner: str) -> int: ...

    def scenes_of_frames(self, owner: str, frame_ids: Collection[int]) -> dict[int, int]:
        """For each frame the scene that it is of."""

    def frames(self, owner: str, scene_id: int) -> list[tuple[int, SavedFrame]]:
        """(item id, frame), thumbnails first."""

    def transcript(self, owner: str, video_id: int) -> Transcript | None: ...

    def set_transcript(self, owner: str, video_id: int, transcript: Transcript, at: float) -> None:
        """By a person or another system. Raises ``NotFound``."""

    def describe(self, owner: str, scene_id: int, description: Description, at: float) -> None:
        """By a person or another system. Raises ``NotFound``."""

    def import_scenes(
        self, owner: str, video_id: int, scenes: Sequence[ImportedScene], at: float
    ) -> list[int]:
        """Take over the scenes of a video from another system, which replace those that were found; returns their ids."""

    def recompose(self, owner: str, library_id: int, at: float) -> int:
        """Compose anew what older rules composed; returns how many inputs changed."""

    def lexical_documents(self, owner: str, scene_ids: Collection[int]) -> dict[int, Mapping[str, str]]:
        """The words of these scenes by field, as the lexical index takes them."""

    def items_below(self, owner: str, video_ids: Collection[int]) -> list[int]:
        """Ids of the scenes and frames of these videos."""

    def counts(self, owner: str, selection: Selection) -> dict[str, int]:
        """``videos``, ``scenes`` and ``frames`` that the selection speaks of."""

    def export(self, owner: str, library_id: int | None = None) -> Iterator[tuple[Video, list[Scene]]]:
        """In constant memory, by path."""


class Persons(Protocol):
    """Persons and their reference photos. They live in the owner's library of kind ``people``, made when first needed."""

    def library_id(self, owner: str, at: float) -> int:
        """The owner's library of people; made if there is none."""

    def known_library_id(self, owner: str) -> int | None: ...

    def add(self, owner: str, name: str, at: float) -> Person:
        """Raises ``UsageError`` for a name that is empty, longer than 200 characters, or taken (case ignored)."""

    def get(self, owner: str, person_id: int) -> Person:
        """Raises ``NotFound``."""

    def by_name(self, owner: str, name: str) -> Person | None:
        """Case, form and width of characters ignored."""

    def all(self, owner: str, *, archived: bool = False) -> list[Person]: ...

    def rename(self, owner: str, person_id: int, name: str, at: float) -> None: ...

    def archive(self, owner: str, person_id: int, at: float, *, archived: bool = True) -> None: ...

    def remove(self, owner: str, person_id: int) -> list[int]:
        """Forget the person and their photos; returns the ids of all of them, whose vectors are to be deleted before."""

    def item_ids(self, owner: str, person_id: int) -> list[int]:
        """The person's id and those of their photos."""

    def add_photo(self, owner: str, person_id: int, file: bytes, digest: bytes, at: float) -> Photo:
        """A photo in the media folder; one of the same digest is the one that is there already."""

    def photo(self, owner: str, photo_id: int) -> Photo: ...

    def photos(self, owner: str, person_id: int) -> list[Photo]: ...

    def remove_photo(self, owner: str, photo_id: int) -> None: ...

    def ready_photos(self, owner: str, person_id: int) -> list[int]:
        """Ids of those whose vector is there."""

    def photo_counts(self, owner: str) -> Mapping[PhotoState, int]: ...


@dataclass(frozen=True, slots=True)
class SearchPreferences:
    """How an owner likes scenes to be searched. Weights 0 to 1, which sum to 1; ``fusion``: ``minmax`` or ``rrf``."""

    weights: Mapping[str, float] = field(default_factory=dict)
    fusion: str = "minmax"


class Preferences(Protocol):
    def get(self, owner: str) -> SearchPreferences | None: ...

    def put(self, owner: str, preferences: SearchPreferences, at: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Reprocessing:
    """One request to bring embeddings up to date, and the jobs that carry it out, as (owner, job id)."""

    id: str
    scope: Scope
    owner: str
    video_id: int | None
    force: bool
    since: float | None
    spec_version: str
    created_at: float
    jobs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """Things of one kind by fate, each counted once: ``total = processed + skipped + failed + left``.

    ``failed``: what failed in any step. ``processed``: what some step did, and none failed. ``left``: what is still to
    be done; 0 when the work has ended.
    """

    total: int = 0
    processed: int = 0
    skipped: int = 0
    failed: int = 0
    left: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.total + other.total,
            self.processed + other.processed,
            self.skipped + other.skipped,
            self.failed + other.failed,
            self.left + other.left,
        )


class Reprocessings(Protocol):
    def add(self, reprocessing: Reprocessing) -> None: ...

    def tallies(
        self, selection: Selection, job_id: str = "", broken: Collection[Subject] = ()
    ) -> dict[str, Tally]:
        """``videos``, ``scenes``, ``photos`` and ``persons`` of the selection by what the job did to them.

        A video's fate is that of its scenes and their pictures. Without a job all of them are skipped. ``broken``: what
        models of the job looked at that could not run; all of that has failed.
        """

    def untaken(self, selection: Selection, limit: int) -> tuple[list[int], int]:
        """Videos of the selection that were not taken apart yet, or could not be, by path, and how many there are."""

    def settle(self, run_id: str, record: Mapping[str, Any]) -> None:
        """Keep how it ended: later work changes what the ledger says of it. The first record stays."""

    def settled(self, run_id: str) -> dict[str, Any] | None:
        """What :meth:`settle` kept."""

    def get(self, run_id: str) -> Reprocessing:
        """Of any owner: only administrators and the command line ask. Raises ``NotFound``."""

    def newest(self, limit: int) -> list[Reprocessing]: ...
