"""Questions and answers in the words of earlier embedding services, the same over HTTP and over the socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reprise.core.following import NAVIDROME
from reprise.core.names import folded
from reprise.core.plan import RowState
from reprise.core.spec import TRACKS
from reprise.errors import UsageError
from reprise.server.embedding.one_file import Received, embed_file
from reprise.server.following import Follower
from reprise.server.search_view import readers_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.app import App
    from reprise.core.items import Item
    from reprise.server.house import House

DESCRIBES = "description"
"""Our model that embeds what a track is said to be like; every other one embeds its sound."""
ANY_READER = "qwen3"
"""What their clients ask for when any model that reads text will do."""
MOST_NAMESAKES = 50


async def embed(
    house: House, app: App, path: str, name: str, received: tuple[Received, ...]
) -> dict[str, Any]:
    """What ``/embed/audio`` answers. ``duplicates``: what was embedded already."""
    done = await embed_file(house, app, path, received)
    labels = [item.label for item in done.items]
    answer: dict[str, Any] = {
        "status": "ok" if done.good else "error",
        "name": name or labels[0],
        "duplicates": labels if done.before and done.good else [],
        "allDuplicates": done.before and done.good,
        "models": done.models,
    }
    if len(labels) > 1:
        answer["splitFiles"] = labels
    if not done.good:
        answer["message"] = "; ".join(
            f"{model}: {state}" for model, state in done.models.items() if state != RowState.DONE
        )
    return answer


def status(app: App, name: str, track_id: str, names: Sequence[str]) -> dict[str, Any]:
    """What ``/embed/status`` answers: whether the track, known by an id or one of its names, is embedded."""
    item = _by_id(app, track_id) or next(filter(None, (_by_name(app, text) for text in (name, *names))), None)
    done = {row.space.model for row in _done(app, item)} if item else set[str]()
    audio, described = bool(done - {DESCRIBES}), DESCRIBES in done
    wants_description = DESCRIBES in app.scan_models()
    return {
        "status": "ok",
        "name": item.label if item else name,
        "embedded": audio and (described or not wants_description),
        "hasAudioEmbedding": audio,
        "hasDescription": described or not wants_description,
    }


def health(house: House, app: App) -> dict[str, Any]:
    """What ``/embed/health`` answers. ``milvus_connected`` is their word for: the vectors can be reached."""
    trouble = house.service(Follower).trouble()
    pointers = [one for one in app.catalogue().spaces.pointers(app.owner) if one.space.subject == TRACKS]
    for pointer in pointers:
        app.store.count(app.owner, pointer.space.name)
    return {
        "status": "degraded" if trouble else "ok",
        "message": trouble,
        "milvus_connected": True,
        "descriptions_enabled": DESCRIBES in app.scan_models(),
        "socket_path": app.settings.text("embed_socket"),
        "model_loaded": bool(pointers),
        "batch_mode": True,
        "batch_pending": sum(
            job.counters.left for job in app.catalogue().jobs.hosted() if job.owner == app.owner
        ),
    }


def embed_text(app: App, text: str, model: str) -> dict[str, Any]:
    """What ``/embed_text`` answers: the text as a vector of a model that reads text."""
    if not text.strip():
        raise UsageError("the text is empty", cure="send some words")
    name = readers_of(app, () if model in {"", ANY_READER} else (model,))[0]
    vector = app.installed.encode(name, [text])[0]
    return {
        "model": name,
        "dimension": len(vector),
        "embedding": [float(value) for value in vector],
        "is_stub": False,
    }


def _done(app: App, item: Item) -> list[Any]:
    rows = app.catalogue().ledger.rows(app.owner, item.id)
    return [row for row in rows if row.has_vector and row.space.state != "dropped"]


def _by_id(app: App, track_id: str) -> Item | None:
    if not track_id:
        return None
    item_id = app.catalogue().foreign_ids.item_of(app.owner, NAVIDROME, track_id)
    return app.catalogue().items.get(app.owner, [item_id]).get(item_id) if item_id is not None else None


def _by_name(app: App, name: str) -> Item | None:
    """The item whose ``Artist - Title`` or file name it is; spaces, capitals and what stands for a slash do not matter."""
    wanted = _plain(name)
    if not wanted:
        return None
    for item in app.catalogue().items.by_text(app.owner, name.replace(" - ", " "), MOST_NAMESAKES):
        file = item.display_path.rpartition("/")[2]
        if wanted in {_plain(item.label), _plain(file), _plain(file.rpartition(".")[0])}:
            return item
    return None


def _plain(name: str) -> str:
    """Their canonical names write an underscore for a slash and ``&`` for a bullet."""
    return folded(name.replace("/", "_").replace("\\", "_").replace("•", "&"))
