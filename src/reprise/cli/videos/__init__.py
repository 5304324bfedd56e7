"""``reprise videos``: folders of videos are taken in, listed, shown, moved in and out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reprise.cli.common import (
    common_options,
    counted,
    duration,
    emit_facts,
    example,
    opened,
    write_json,
    write_table,
)
from reprise.cli.videos.shown import scene_facts, show_scene, show_video, video_facts
from reprise.core.items import display_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.app import App
    from reprise.core.items import Library
    from reprise.core.video import Video
    from reprise.filming import Filming

FOLDER = click.Path(path_type=Path, readable=False)
VIDEO_ID = click.IntRange(1, 2**63 - 1)
PAGE = 500


@click.group()
def videos() -> None:
    """Take in folders of videos; list and show what is in them; move them in and out.

    A video is cut into scenes; what is said and seen in each is embedded, so that scenes can be searched.

    \b
    Example:
      reprise videos add ~/Videos
    """


@videos.command()
@click.argument("folder", type=FOLDER)
@click.option(
    "--exclude",
    multiple=True,
    metavar="PATTERN",
    help="Leave files out, as in .gitignore; remembered instead of earlier ones ('' clears them).",
)
@click.option("--workers", type=int, help="Processes that take videos apart; 0: one per core.")
@click.option("--log-level", help="debug, info, warning or error, to standard error.")
@common_options
@example("reprise videos add ~/Videos")
def add(
    folder: Path,
    exclude: tuple[str, ...],
    workers: int | None,
    log_level: str | None,
    owner: str | None,
    home: Path | None,
    as_json: bool,
) -> int:
    """Make FOLDER a library of videos, and take in what is in it: scenes, words, embeddings.

    Ctrl-C pauses; the same command goes on where it stopped. Run again, it does only what is left to do.
    """
    with opened(owner, home, as_json=as_json, workers=workers, log_level=log_level) as app:
        from reprise.filming import Filming, need_video

        need_video()
        filming = Filming(app)
        library, inside = filming.library_of(folder, exclude)
        return _ingest(app, filming, library, inside, None, as_json=as_json)


@videos.command()
@click.argument("folder", required=False, type=FOLDER)
@click.option("--library", "library_id", type=VIDEO_ID, help="This library instead of a folder.")
@click.option("--video", "video_id", type=VIDEO_ID, help="Only this video.")
@click.option("--workers", type=int, help="Processes that take videos apart; 0: one per core.")
@click.option("--log-level", help="debug, info, warning or error, to standard error.")
@common_options
@example("reprise videos ingest --library 2")
def ingest(
    folder: Path | None,
    library_id: int | None,
    video_id: int | None,
    workers: int | None,
    log_level: str | None,
    owner: str | None,
    home: Path | None,
    as_json: bool,
) -> int:
    """Take in what is new or changed: in FOLDER, a library or a video; without any of them in all libraries of videos.

    Stage after stage: scenes, then what is said and what is seen if models for that are chosen, then the embeddings.
    """
    from reprise.filming import Filming, need_video

    if sum(given is not None for given in (folder, library_id, video_id)) > 1:
        raise click.UsageError("a FOLDER, a --library and a --video exclude each other: give one")
    with opened(owner, home, as_json=as_json, workers=workers, log_level=log_level) as app:
        need_video()
        filming = Filming(app)
        places = _places(app, filming, folder, library_id, video_id)
        codes = [
            _ingest(app, filming, library, inside, video_id, as_json=as_json) for library, inside in places
        ]
        if not codes:
            emit_facts(
                {"event": "no_library", "spec_version": filming.spec.version},
                ["there is no library of videos yet: reprise videos add FOLDER"],
                as_json=as_json,
            )
        return max(codes, default=0)


def _places(
    app: App, filming: Filming, folder: Path | None, library_id: int | None, video_id: int | None
) -> list[tuple[Library, bytes]]:
    """The libraries that are meant, and the folder in each. Raises ``NotFound``, ``LibraryError``."""
    if folder is not None:
        return [filming.library_of(folder)]
    if video_id is not None:
        video = app.catalogue().videos.get(app.owner, video_id)
        return [(filming.library(video.library_id), b"")]
    if library_id is not None:
        return [(filming.library(library_id), b"")]
    return [(library, b"") for library in filming.libraries()]


def _ingest(
    app: App, filming: Filming, library: Library, inside: bytes, video_id: int | None, *, as_json: bool
) -> int:
    from reprise.cli.render.parts import rendering_parts
    from reprise.cli.work import EXIT_CODES, advise, unreadable

    def told(text: str) -> None:
        if not as_json:
            click.echo(text, err=True)

    version = filming.spec.version
    told(f"library {library.id}, {display_path(library.root)}: spec {version}")
    request = filming.first_stage(library, inside, video_id)
    with rendering_parts(app.settings, version, as_json=as_json) as emit:
        finished = filming.ingest(request, emit, told=told)
    unread = unreadable(app, library.id)
    if as_json:
        write_json(finished.as_dict())
    else:
        click.echo(_standing(app, library))
        advise(finished.operations["failed"] + unread)
    return max(EXIT_CODES[finished.state], int(unread > 0))


def _standing(app: App, library: Library) -> str:
    from reprise.core.plan import Selection

    counts = app.catalogue().videos.counts(app.owner, Selection(app.owner, library.id))
    return f"{counted(counts['videos'], 'video')}, {counted(counts['scenes'], 'scene')}"


@videos.command("list")
@click.option("--library", "library_id", type=VIDEO_ID, help="Only of this library.")
@click.option("--text", default="", help="Only whose path or words hold this.")
@common_options
@example("reprise videos list --text holiday")
def list_videos(
    library_id: int | None, text: str, owner: str | None, home: Path | None, as_json: bool
) -> int:
    """List videos: their state, length, scenes, and where their words came from."""
    with opened(owner, home, as_json=as_json) as app:
        from reprise.filming import Filming

        version = Filming(app).spec.version
        found = list(_all(app, library_id, text))
        if as_json:
            for video in found:
                write_json({"event": "video", "spec_version": version, **video_facts(video)})
            return 0
        click.echo(f"spec {version}")
        rows: list[tuple[object, ...]] = [
            (v.id, v.state.value, duration(v.facts.duration), v.scenes, v.transcript, display_path(v.path))
            for v in found
        ]
        write_table(
            "", ("id", "state", "length", "scenes", "words", "video"), rows, whole=("state", "length")
        )
        return 0


def _all(app: App, library_id: int | None, text: str) -> Iterator[Video]:
    offset = 0
    while True:
        page, total = app.catalogue().videos.page(
            app.owner, library_id=library_id, text=text, limit=PAGE, offset=offset
        )
        yield from page
        offset += PAGE
        if offset >= total:
            return


@videos.command()
@click.argument("video_id", metavar="ID", type=VIDEO_ID)
@common_options
@example("reprise videos show 12")
def show(video_id: int, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Show one video: its facts, its scenes with their words, and which version of the pipeline made each embedding."""
    with opened(owner, home, as_json=as_json) as app:
        from reprise.filming import Filming

        catalogue = app.catalogue()
        video = catalogue.videos.get(app.owner, video_id)
        scenes = catalogue.videos.scenes(app.owner, video_id)
        embedded = catalogue.embedded.of_items(app.owner, [scene.id for scene in scenes])
        version = Filming(app).spec.version
        if as_json:
            write_json({"event": "video", "spec_version": version, **video_facts(video)})
            for scene in scenes:
                write_json(
                    {
                        "event": "scene",
                        "spec_version": version,
                        **scene_facts(scene, embedded.get(scene.id, {})),
                    }
                )
            return 0
        show_video(video, version)
        for scene in scenes:
            show_scene(scene, embedded.get(scene.id, {}))
        return 0


@videos.command()
@click.argument("video_id", metavar="ID", type=VIDEO_ID)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--language", default="", help="ISO 639-1, as en or ko; else as the file says.")
@common_options
@example("reprise videos transcript 12 film.en.srt")
def transcript(
    video_id: int, file: Path, language: str, owner: str | None, home: Path | None, as_json: bool
) -> int:
    """Give a video its words: FILE is .srt or .vtt. They take the place of others, and no model overwrites them.

    The embeddings follow with the next `reprise videos ingest`, or `reprise reprocess`.
    """
    with opened(owner, home, as_json=as_json) as app:
        from reprise.filming import Filming

        filming = Filming(app)
        count = filming.set_transcript(video_id, file, language)
        facts = {
            "event": "transcript",
            "video_id": video_id,
            "segments": count,
            "spec_version": filming.spec.version,
        }
        lines = [f"video {video_id} has {counted(count, 'segment')} now", f"spec {filming.spec.version}"]
        emit_facts(facts, lines, as_json=as_json)
        return 0


@videos.command()
@click.argument("folder", required=False, type=FOLDER)
@click.option("--library", "library_id", type=VIDEO_ID, help="This library instead of a folder.")
@click.option("--video", "video_id", type=VIDEO_ID, help="Only this video.")
@click.option("--confirm", is_flag=True, help="Yes, delete the scenes; without it nothing happens.")
@click.option("--workers", type=int, help="Processes that take videos apart; 0: one per core.")
@common_options
@example("reprise videos redo --video 12 --confirm")
def redo(
    folder: Path | None,
    library_id: int | None,
    video_id: int | None,
    confirm: bool,
    workers: int | None,
    owner: str | None,
    home: Path | None,
    as_json: bool,
) -> int:
    """DELETE all scenes, with descriptions and embeddings, and take the videos apart anew.

    This is the destructive one: until it is done, search finds less, and what somebody wrote about scenes is gone. To
    bring embeddings up to date, use `reprise reprocess`, which deletes nothing.
    """
    from reprise.filming import Filming, need_video

    if sum(given is not None for given in (folder, library_id, video_id)) != 1:
        raise click.UsageError("name one FOLDER that is a library, one --library or one --video")
    with opened(owner, home, as_json=as_json, workers=workers) as app:
        from reprise.errors import UsageError

        need_video()
        filming = Filming(app)
        [(library, inside)] = _places(app, filming, folder, library_id, video_id)
        if inside:
            raise UsageError(f"{folder} is a part of a library", cure="name the whole library, or --video ID")
        if not confirm:
            raise UsageError(
                "this deletes scenes, descriptions and embeddings; nothing was done",
                cure="say so with --confirm; to bring embeddings up to date: reprise reprocess",
            )
        count = filming.drop_scenes(library, video_id)
        facts = {"event": "scenes_dropped", "videos": count, "spec_version": filming.spec.version}
        emit_facts(facts, [f"dropped the scenes of {counted(count, 'video')}"], as_json=as_json)
        return _ingest(app, filming, library, b"", video_id, as_json=as_json)


@videos.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option(
    "--library", "library_id", type=VIDEO_ID, help="Only the videos of this library, and no persons."
)
@common_options
@example("reprise videos export videos.jsonl")
def export_videos(
    file: Path, library_id: int | None, owner: str | None, home: Path | None, as_json: bool
) -> int:
    """Write scenes, words, persons and photos as JSON lines, for another system or as a backup; - is standard output."""
    from reprise.cli.videos.moving import write_lines

    with opened(owner, home, as_json=as_json) as app:
        return write_lines(app, file, library_id, as_json=as_json)


@videos.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option(
    "--library", "library_id", type=VIDEO_ID, help="Whatever the lines call it, this library is meant."
)
@common_options
@example("reprise videos import videos.jsonl")
def import_videos(
    file: Path, library_id: int | None, owner: str | None, home: Path | None, as_json: bool
) -> int:
    """Take over scenes, words, persons and photos from JSON lines; - is standard input.

    The videos themselves are not in them: scan their folder first. A line that is wrong is told of and left out. What is
    new is embedded by the next `reprise reprocess`, or `reprise videos ingest`.
    """
    from reprise.cli.videos.moving import read_lines

    with opened(owner, home, as_json=as_json) as app:
        return read_lines(app, file, library_id, as_json=as_json)
