"""An installation with a library of videos, the plug-in steps, and scenes that were put in by hand."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.core.items import Tags
from reprise.core.plan import Selection, Wanted
from reprise.core.ports import FoundFile
from reprise.core.records import ScanBatch
from reprise.core.video import Description, TextSource
from reprise.core.video_records import ImportedScene
from reprise.engine.start import claimed
from tests.harness import Home, Ran

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reprise.app import App
    from reprise.core.events import Event
    from reprise.core.job import JobRequest
    from reprise.core.space import Space

PLUGIN_STEPS_FOLDER = Path(__file__).parent / "plugin_steps"


def install_plugin_steps(folder: Path, steps: Sequence[str] | None = None) -> list[str]:
    """What pip leaves behind: a dist-info that names the entry points. Returns what belongs on the import path."""
    sys.path.insert(0, str(PLUGIN_STEPS_FOLDER))
    try:
        from reprise_plugin_steps import MODELS, STEPS
    finally:
        sys.path.remove(str(PLUGIN_STEPS_FOLDER))
    info = folder / "reprise_plugin_steps-1.0.dist-info"
    info.mkdir(parents=True)
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: reprise-plugin-steps\nVersion: 1.0\n")
    lines = ["[reprise.models]", *(f"{kind.name} = reprise_plugin_steps:{kind.__name__}" for kind in MODELS)]
    chosen = STEPS if steps is None else {name: STEPS[name] for name in steps}
    lines += [
        "[reprise.steps]",
        *(f"{name} = reprise_plugin_steps:{value}" for name, value in chosen.items()),
    ]
    info.joinpath("entry_points.txt").write_text("\n".join(lines) + "\n")
    return [str(folder), str(PLUGIN_STEPS_FOLDER)]


class VideoHome(Home):
    """``videos`` is the folder of the library; its files need not be there unless something reads them."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        super().__init__(folder, environment)
        self.videos = folder / "videos"
        self.videos.mkdir()
        self.environment["PLUGIN_STEPS_FOLDER"] = str(folder)

    @contextmanager
    def opened(self, owner: str = "default", **flags: object) -> Iterator[App]:
        with self.app(owner=owner, **flags) as app:
            yield app

    def library_id(self, owner: str = "default") -> int:
        with self.opened(owner) as app:
            catalogue = app.catalogue(create=True)
            for library in catalogue.libraries.all(owner):
                if library.kind == "video":
                    return library.id
            root = os.fsencode(self.videos)
            return catalogue.libraries.add(owner, "video", "films", root, ()).id

    def add_video(self, name: str = "film.mp4", owner: str = "default") -> int:
        """A video that a scan would have found."""
        library_id = self.library_id(owner)
        with self.opened(owner) as app:
            catalogue, path = app.catalogue(), name.encode()
            batch = ScanBatch(added=[(FoundFile(path, 1, 1), Tags())])
            catalogue.items.apply(owner, library_id, batch, time.time())
            item = catalogue.items.by_path(owner, library_id, path)
            assert item is not None
            return item.id

    def add_scenes(
        self, summaries: Sequence[str], name: str = "film.mp4", owner: str = "default"
    ) -> list[int]:
        """A video with a scene of ten seconds for each summary; returns their ids."""
        video_id = self.add_video(name, owner)
        scenes = [
            ImportedScene(
                index,
                10.0 * index,
                10.0 * index + 10.0,
                f"said {text}",
                Description("seen", text, (), TextSource.IMPORTED),
            )
            for index, text in enumerate(summaries)
        ]
        with self.opened(owner) as app:
            return app.catalogue().videos.import_scenes(owner, video_id, scenes, time.time())

    def describe(self, scene_id: int, summary: str, owner: str = "default") -> None:
        with self.opened(owner) as app:
            description = Description("seen", summary, (), TextSource.IMPORTED)
            app.catalogue().videos.describe(owner, scene_id, description, time.time())

    def run_models(
        self,
        *models: str,
        owner: str = "default",
        wanted: Wanted = Wanted.MISSING,
        flags: dict[str, object] | None = None,
        spec_version: str = "",
        library_id: int | None = None,
        **chosen: Any,
    ) -> Ran:
        """A job with these models in this process; ``chosen`` narrows the selection."""
        from reprise.core.job import Control, JobRequest
        from reprise.core.pipeline import VIDEO_PIPELINE

        library = self.library_id(owner) if library_id is None else library_id
        selection = Selection(owner, library, wanted=wanted, **chosen)
        request = JobRequest(selection, models, spec_version=spec_version or VIDEO_PIPELINE.version)
        events: list[Event] = []
        with self.opened(owner, **(flags or {})) as app:
            return Ran(_run(app, request, events, Control.NONE), events)

    def of_model(self, model: str, owner: str = "default") -> list[Space]:
        with self.opened(owner) as app:
            return [space for space in app.catalogue().spaces.all(owner) if space.model == model]


def _run(app: App, request: JobRequest, events: list[Event], control: Any) -> Any:
    with claimed(app.catalogue(), app.locks, request) as (job, resumed):
        return app._run(job, events.append, lambda: control, resumed=resumed)


def run_as_command(library_id: str, *models: str) -> None:
    """What a command does that runs the pipeline, with the settings of the environment."""
    from reprise.app import App
    from reprise.core.job import Control, JobRequest
    from reprise.settings import load_settings

    with App(load_settings({})) as app:
        request = JobRequest(Selection(app.owner, int(library_id)), models)
        _run(app, request, [], Control.NONE)
