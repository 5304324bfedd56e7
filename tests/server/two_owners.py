"""Two owners who have the same kinds of things, and all that is known of one of them."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reprise.core.plan import Selection
from reprise.core.video import Segment, TextSource, Transcript
from reprise.filming import Filming
from reprise.scene_search import SceneSearch
from reprise.search.scenes.query import Fusion
from reprise.server.access import Person, Role
from reprise.server.notices import ENDED, TOLD
from tests.harness import wait_for
from tests.server.filmed import picture
from tests.server.renamed import tagged
from tests.server.shelves import list_all

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from fastapi.testclient import TestClient

    from reprise.app import App
    from reprise.server.house import House


@dataclass(frozen=True)
class Things:
    """What an owner has, by the names of the API's parameters."""

    owner: str
    ids: Mapping[str, Any]
    folder: Path

    @property
    def administrator(self) -> Person:
        return Person(self.owner, Role.ADMIN, self.owner)


def furnish(
    house: House, enter: Callable[[Person], TestClient], owner: str, folder: Path, sample: Path
) -> Things:
    """Give the owner music, a film, a person with a photo, and something of all that the server keeps.

    Film and photo are the same for everybody: what is called after its content is shared on the disk.
    """
    app = house.of(owner)
    ids = _film(app, folder / "films", sample) | _person(app) | _music(app, folder / "music")
    SceneSearch(app).save_preferences({"lexical": 0.4, "transcript": 0.6}, Fusion.RRF)
    client = enter(Person(owner, Role.ADMIN, owner))
    kept = _kept_by_the_server(client, ids)
    wait_for(lambda: not app.catalogue().feed.untold(ENDED, TOLD))  # the server notes whose end it has told
    return Things(owner, ids | kept, folder)


def _film(app: App, folder: Path, sample: Path) -> dict[str, Any]:
    folder.mkdir(parents=True)
    shutil.copy(sample, folder / "trip.mp4")
    filming = Filming(app)
    library, _ = filming.library_of(folder)
    filming.ingest(filming.first_stage(library), lambda _: None)
    videos, now = app.catalogue().videos, time.time()
    [video], _ = videos.page(app.owner, library_id=library.id, text="", limit=9, offset=0)
    words = Transcript(TextSource.IMPORTED, (Segment(0.0, 2.0, "Good morning, whales."),), "en")
    videos.set_transcript(app.owner, video.id, words, now)
    filming.ingest(filming.first_stage(library), lambda _: None)
    scene = videos.scenes(app.owner, video.id)[0]
    assert scene.thumbnail
    return {"film_library_id": library.id, "video_id": video.id, "scene_id": scene.id}


def _person(app: App) -> dict[str, Any]:
    filming, persons = Filming(app), app.catalogue().persons
    person = persons.add(app.owner, "Ada", time.time())
    photo = filming.add_photo(person.id, picture(1))
    request = filming.photo_request()
    assert request
    app.embed(request.selection, request.models, lambda _: None, told=lambda _: None)
    assert persons.get(app.owner, person.id).has_vector
    return {"person_id": person.id, "photo_id": photo.id}


def _music(app: App, folder: Path) -> dict[str, Any]:
    for number in range(3):
        tagged(folder / f"{number}.mp3", "Moby", f"Title {number}")
    (folder / "odd.mp3").write_text("raise of odd")
    library, _ = app.library_of(folder)
    finished = app.embed(Selection(app.owner, library.id), ("null",), lambda _: None, told=lambda _: None)
    list_all(app)
    items = [app.catalogue().items.by_path(app.owner, library.id, b"%d.mp3" % number) for number in range(2)]
    assert all(items)
    item, other = [item.id for item in items if item]
    return {"library_id": library.id, "item_id": item, "other_item_id": other, "job_id": finished.job_id}


def _kept_by_the_server(client: TestClient, ids: Mapping[str, Any]) -> dict[str, Any]:
    """A schedule, a plan of names, a session that carried one out, and a reprocessing."""
    schedule = {"library_id": ids["library_id"], "models": ["null"], "cron": "0 2 1 1 *"}
    made = client.post("/api/v1/schedules", json=schedule)
    assert made.status_code == 201, made.text
    session = client.post(f"/api/v1/rename/plans/{_plan(client, ids)}/apply", json={})
    assert session.status_code in {200, 202}, session.text
    number = session.json()["id"]
    wait_for(lambda: client.get(f"/api/v1/rename/sessions/{number}").json()["state"] == "done")
    return {"schedule_id": made.json()["id"], "session_id": number, "plan_id": _plan(client, ids)}


def _plan(client: TestClient, ids: Mapping[str, Any]) -> str:
    asked = {"library_id": ids["library_id"], "template": "{title}", "audio": True, "sidecars": False}
    plan = client.post("/api/v1/rename/plans", json=asked)
    assert plan.status_code == 202, plan.text
    number: str = plan.json()["id"]
    wait_for(lambda: client.get(f"/api/v1/rename/plans/{number}").json()["state"] == "ready")
    return number


def all_of(house: House, things: Things) -> dict[str, Any]:
    """Every row with the owner's name, every vector and indexed word, every file: to be compared bit by bit."""
    app, known = house.of(things.owner), dict[str, Any]()
    with closing(sqlite3.connect(f"file:{app.catalogue_path}?mode=ro", uri=True)) as database:
        database.text_factory = bytes
        for table in _tables(database):
            rows = database.execute(f"SELECT * FROM {table} WHERE owner = ?", (things.owner,))
            known[table] = sorted(map(repr, rows))
    for space in app.living_spaces():
        if space.dimension:
            scanned = app.store.scan(app.owner, space.name)
            known[space.name] = [(list(keys), vectors.tobytes()) for keys, vectors in scanned]
        elif space.model == "lexical":
            known[space.name] = list(app.lexical.keys(app.owner, space.name))
    for folder in (things.folder, app.home / "media"):
        known[str(folder)] = {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*")
            if path.is_file()
        }
    return known


def _tables(database: sqlite3.Connection) -> list[str]:
    names = [
        row[0].decode() for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    ]
    return sorted(
        name for name in names
        if any(column[1] == b"owner" for column in database.execute(f"PRAGMA table_info({name})"))
    )  # fmt: skip


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What is not the same any more. Files that came are no harm: the media folder is everybody's."""
    found = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if name.startswith("/"):
            found += [
                f"{path} changed" for path, digest in (old or {}).items() if (new or {}).get(path) != digest
            ]
        elif old != new:
            changed = set(old) ^ set(new) if name.isidentifier() and old and new else "all of it"
            found.append(f"{name}: {changed}")
    return found
