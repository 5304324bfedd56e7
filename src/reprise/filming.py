"""The composition root of video libraries: folders of videos and photos of persons become what can be searched."""

from __future__ import annotations

import importlib.util
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from reprise.core.job import Clear, JobRequest, JobState, Priority, Purpose
from reprise.core.pipeline import EXTRACTION
from reprise.core.plan import Selection, Wanted
from reprise.core.video import PhotoState
from reprise.engine.forget import forget_items
from reprise.engine.in_turn import STOPPED, as_one
from reprise.engine.start import claimed
from reprise.errors import BadSubtitles, ExtraMissing, JobConflict, NotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from reprise.app import App
    from reprise.core.events import Emit, JobFinished
    from reprise.core.items import Library
    from reprise.core.job import Job
    from reprise.core.pipeline import EmbeddingSpec
    from reprise.core.video import Photo
    from reprise.video.moving_in import MovedIn

SCENES, TRANSCRIPT, DESCRIPTION = EXTRACTION
NEEDED = ("PIL", "scenedetect")
"""What the extra brings that taking videos apart needs."""


def need_video() -> None:
    """Raises ``ExtraMissing`` before anything starts, not for each video."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ExtraMissing(
            f"videos need {' and '.join(missing)}, not installed here",
            cure="install it with: pip install 'reprise[video]'",
        )


class Filming:
    """What can be done about the videos and persons of one owner."""

    def __init__(self, app: App) -> None:
        self._app = app

    @property
    def spec(self) -> EmbeddingSpec:
        """The pipeline that embeds what is found."""
        return self._app.installed.pipeline

    @property
    def media(self) -> Path:
        """The folder of pictures: of scenes and of persons."""
        return self._app.home / "media"

    # libraries

    def libraries(self) -> list[Library]:
        """The owner's libraries of videos."""
        return [
            library
            for library in self._app.catalogue().libraries.all(self._app.owner)
            if library.kind == "video"
        ]

    def library(self, library_id: int) -> Library:
        """Raises ``NotFound``, also for a library of another kind."""
        library = self._app.catalogue().libraries.get(self._app.owner, library_id)
        if library.kind != "video":
            raise NotFound(f"library {library_id} holds no videos", cure="see: reprise libraries")
        return library

    def library_of(self, folder: Path, exclude: Sequence[str] = ()) -> tuple[Library, bytes]:
        """The library of videos that holds the folder, made if there is none, and the folder relative to its root.

        A folder may be a library of music as well. Raises ``LibraryError`` for one that is missing, a file, or around
        another library of videos.
        """
        return self._app.library_of(folder, exclude, kind="video")

    # ingesting

    def stages(self) -> tuple[tuple[str, ...], ...]:
        """The models of each job that a new video goes through, in this order: each percentage is true by itself."""
        settings = self._app.settings
        chosen = {
            TRANSCRIPT: settings.text("transcriber"),
            DESCRIPTION: settings.text("description_endpoint_model"),
        }
        extraction = [(model,) for model in EXTRACTION if chosen.get(model, "always")]
        return (*extraction, self.spec.models_in("video"))

    def first_stage(self, library: Library, folder: bytes = b"", video_id: int | None = None) -> JobRequest:
        """A scan, and the videos that were not taken apart yet. Raises ``NotFound`` for the video."""
        if video_id is not None:
            self._app.catalogue().videos.get(self._app.owner, video_id)
        selection = Selection(self._app.owner, library.id, folder, video_id=video_id)
        return JobRequest(selection, self.stages()[0], spec_version=self.spec.version)

    def arrivals(self, selection: Selection) -> list[JobRequest]:
        """All stages for what a scan found, of which each finds its work when those before have ended."""
        version = self.spec.version
        return [
            JobRequest(selection, models, purpose=Purpose.ARRIVALS, spec_version=version)
            for models in self.stages()
            if models
        ]

    def ingest(
        self,
        request: JobRequest,
        emit: Emit,
        *,
        told: Callable[[str], None] = lambda _: None,
    ) -> JobFinished:
        """Carry a stage out in this process, and those that follow it; their ends as one.

        Raises ``JobConflict`` when another process works on the library.
        """
        began = time.monotonic()
        ends: list[JobFinished] = []
        following: JobRequest | None = request
        while following is not None:
            with claimed(self._app.catalogue(), self._app.locks, following, told=told) as (claim, _):
                job = claim
            ends.append(self._app.resume(job, emit))
            following = None if ends[-1].state in STOPPED else self.next_stage(self._now(job))
        return as_one(ends[0].job_id, request.spec_version, ends, time.monotonic() - began)

    def enqueue_ingest(
        self, library: Library, *, asked_by: str, folder: bytes = b"", video_id: int | None = None
    ) -> Job:
        """Have a server do it; the stages that follow come by themselves. Raises ``JobConflict``, ``NotFound``."""
        request = self.first_stage(library, folder, video_id)
        return self._app.enqueue(request, priority=Priority.INTERACTIVE, asked_by=asked_by)

    def next_stage(self, job: Job) -> JobRequest | None:
        """What follows a job that has ended; ``None`` when nothing does, or nothing is left to be done.

        A stage whose model cannot run is left out, but without scenes nothing goes on.
        """
        request = job.request
        if not job.state.ended or job.state in STOPPED or request.purpose is Purpose.REPROCESSING:
            return None
        library = self._app.catalogue().libraries.get(self._app.owner, request.selection.library_id)
        if library.kind == "people":
            return self._more_photos(job)
        found = [
            place
            for place, models in enumerate(self.stages())
            if set(models) & set(request.models) & set(EXTRACTION)
        ]
        if (
            library.kind != "video"
            or not found
            or (job.state is JobState.FAILED and SCENES in request.models)
        ):
            return None
        selection = replace(request.selection, wanted=Wanted.MISSING, item_id=None, error_code=None)
        for models in self.stages()[found[-1] + 1 :]:
            if models and self._app.to_do(selection, models):
                return replace(request, selection=selection, models=models, clear=Clear.NOTHING)
        return None

    def go_on(self, job: Job) -> Job | None:
        """Have a server do what follows a job that it ran. A job that does it already is left alone."""
        ended = self._now(job)
        request = self.next_stage(ended)
        if request is None:
            return None
        try:
            return self._app.enqueue(request, priority=Priority(ended.priority), asked_by=ended.asked_by)
        except JobConflict:
            return None

    def drop_scenes(self, library: Library, video_id: int | None = None) -> int:
        """Delete all scenes of a library, or of one video, with their pictures, descriptions and embeddings.

        What was heard stays. The videos count as not taken apart from then on, whatever happens meanwhile. Returns how
        many videos it were.
        """
        owner, catalogue = self._app.owner, self._app.catalogue()
        videos = list(self._video_ids(library.id)) if video_id is None else [video_id]
        now = time.time()
        for space in catalogue.spaces.all(owner):
            if space.model == SCENES:
                catalogue.ledger.lost_vectors(owner, space.id, videos, now)
        forget_items(catalogue, self._app.keeping, owner, catalogue.videos.items_below(owner, videos))
        self._clear_pictures()
        return len(videos)

    def _video_ids(self, library_id: int) -> Iterator[int]:
        for video, _ in self._app.catalogue().videos.export(self._app.owner, library_id):
            yield video.id

    def _now(self, job: Job) -> Job:
        return self._app.catalogue().jobs.get(job.owner, job.id)

    def set_transcript(self, video_id: int, file: Path, language: str = "") -> int:
        """Take the words of a video from a file of subtitles; returns how many segments they are.

        ``language``: ISO 639-1 or a name; empty: as the file's name says. No model overwrites them. Raises ``NotFound``,
        ``UsageError`` for a language that nobody knows, ``BadSubtitles``, ``Unreadable``.
        """
        from reprise.core.video import TextSource, Transcript
        from reprise.media.subtitles.cues import segments
        from reprise.media.subtitles.languages import language_code
        from reprise.media.subtitles.sidecars import Sidecar, cues_of

        videos, owner = self._app.catalogue().videos, self._app.owner
        video = videos.get(owner, video_id)
        code = language_code(language or file.stem.rpartition(".")[2])
        if language and not code:
            raise UsageError(f"{language!r} is no language", cure="say it as ISO 639-1 does: en, ko, de")
        cues = cues_of(Sidecar(os.fsencode(file), code, forced=False, for_the_deaf=False, named=True))
        spoken = segments(cues, video.facts.duration)
        if not spoken:
            raise BadSubtitles(f"{file.name} says nothing while the video lasts")
        videos.set_transcript(owner, video_id, Transcript(TextSource.IMPORTED, spoken, code), time.time())
        return len(spoken)

    # moving in and out

    def exported(self, library_id: int | None = None) -> Iterator[bytes]:
        """All that is known of videos and persons as JSON lines; of one library its videos alone. Raises ``NotFound``."""
        from reprise.video.interchange import export_lines

        if library_id is not None:
            self.library(library_id)
        return export_lines(self._app.catalogue(), self._app.owner, _Shelf(self), library_id)

    def take_over(
        self, lines: Iterable[bytes], *, library_id: int | None = None, folder: Path | None = None
    ) -> MovedIn:
        """Take over what such lines say; embeddings follow with the next job. Files that lines name lie in ``folder``.

        Raises ``NotFound`` for the library, ``CatalogueError`` kinds, ``DiskFull``.
        """
        from reprise.video.moving_in import MovingIn

        if library_id is not None:
            self.library(library_id)
        beside = None if folder is None else lambda name: (folder / name).read_bytes()
        moving = MovingIn(
            self._app.catalogue(),
            self._app.owner,
            _Shelf(self),
            time.time(),
            library_id=library_id,
            beside=beside,
        )
        moved = moving.run(lines)
        self._clear_pictures()
        return moved

    # persons

    def add_photo(self, person_id: int, content: bytes) -> Photo:
        """Keep a photo of a person; it is embedded by the next job. One that is there already is that one.

        Raises ``NotFound``, ``BadPhoto``, ``TooLarge``, ``ExtraMissing``, ``DiskFull``.
        """
        from reprise.media.photos import keep, upright_jpeg

        persons, owner = self._app.catalogue().persons, self._app.owner
        persons.get(owner, person_id)
        picture = upright_jpeg(content)
        file, digest = keep(self.media, picture)
        photo = persons.add_photo(owner, person_id, file, digest, time.time())
        keep(self.media, picture)  # the last photo of the same bytes may just have gone, and the file with it
        return photo

    def photo_request(self) -> JobRequest | None:
        """The job that embeds new photos; ``None`` when there is nobody, or no step that looks at persons."""
        library_id = self._app.catalogue().persons.known_library_id(self._app.owner)
        models = self.spec.models_in("people")
        if library_id is None or not models:
            return None
        return JobRequest(Selection(self._app.owner, library_id), models, spec_version=self.spec.version)

    def embed_photos(self, emit: Emit, *, told: Callable[[str], None] = lambda _: None) -> JobFinished | None:
        """Embed new photos in this process; ``None`` when there is nothing that could. Raises ``JobConflict``."""
        request = self.photo_request()
        return self.ingest(request, emit, told=told) if request else None

    def enqueue_photos(self, *, asked_by: str) -> Job | None:
        """Have a server embed new photos; ``None`` when it does so already, and will see them, or nothing can."""
        request = self.photo_request()
        if request is None:
            return None
        try:
            return self._app.enqueue(request, priority=Priority.INTERACTIVE, asked_by=asked_by)
        except JobConflict:
            return None

    def remove_person(self, person_id: int) -> None:
        """Forget a person, their photos and vectors; the files of photos go from the disk. Raises ``NotFound``."""
        persons, owner = self._app.catalogue().persons, self._app.owner
        self._forget_vectors(persons.item_ids(owner, person_id))
        persons.remove(owner, person_id)
        self._clear_pictures()

    def remove_photo(self, photo_id: int) -> None:
        """Forget a photo, its file and its vector; its person's vector follows with the next job. Raises ``NotFound``."""
        persons, owner = self._app.catalogue().persons, self._app.owner
        photo = persons.photo(owner, photo_id)
        self._forget_vectors([photo.id])
        persons.remove_photo(owner, photo.id)
        self._clear_pictures()

    def _more_photos(self, job: Job) -> JobRequest | None:
        """Photos that came while the job was under way. Those that it could not do wait for somebody to ask again."""
        ran = job.state in {JobState.COMPLETED, JobState.COMPLETED_WITH_ERRORS} and not job.error
        waiting = self._app.catalogue().persons.photo_counts(self._app.owner).get(PhotoState.UPLOADED, 0)
        request = self.photo_request() if ran and waiting else None
        return request if request and self._app.to_do(request.selection, request.models) else None

    def _clear_pictures(self) -> None:
        """Delete the files that no row of any owner names any more."""
        self._app.installed.pictures(self._app.catalogue()).clear()

    def _forget_vectors(self, item_ids: Sequence[int]) -> None:
        for space in self._app.living_spaces():
            self._app.keeping.delete(space, item_ids)


class _Shelf:
    """Implements ``video.interchange.PhotoShelf``."""

    def __init__(self, filming: Filming) -> None:
        self._filming = filming

    def read(self, file: bytes) -> bytes:
        return (self._filming.media / os.fsdecode(file)).read_bytes()

    def add(self, person_id: int, content: bytes) -> Photo:
        return self._filming.add_photo(person_id, content)
