"""What belongs to one owner is not there for another: every route, with the other's ids, and every row before and after."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import wait_for
from tests.server.filmed import picture
from tests.server.two_owners import Things, all_of, differences, furnish
from tests.video.films import shots, write_film

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from fastapi.testclient import TestClient

    from reprise.server.access import Person
    from reprise.server.house import House

IS_ID = re.compile(r"(^|_)ids?$")
JPEG = {"Content-Type": "image/jpeg"}

BODIES: dict[str, Any] = {
    "PATCH /api/v1/libraries/{library_id}": {"name": "mine"},
    "POST /api/v1/playlists": {"name": "x", "item_ids": ["item_id"]},
    "POST /api/v1/playlists/send": {"name": "x", "item_ids": ["item_id"]},
    "POST /api/v1/videos/ingest": {"library_id": "film_library_id", "video_id": "video_id"},
    "PUT /api/v1/videos/{video_id}/transcript": {"segments": []},
    "POST /api/v1/scenes/search": {
        "query": "whales",
        "video_id": "video_id",
        "library_id": "film_library_id",
    },
    "PATCH /api/v1/scenes/{scene_id}": {"summary": "mine", "tags": []},
    "PATCH /api/v1/persons/{person_id}": {"name": "Mine"},
    "POST /api/v1/rename/templates/check": {"template": "{title}", "library_id": "library_id"},
    "POST /api/v1/rename/context": {"library_id": "library_id"},
    "POST /api/v1/rename/plans": {"library_id": "library_id", "template": "{title}"},
    "POST /api/v1/rename/plans/{plan_id}/apply": {"leave": []},
    "POST /api/v1/rename/sessions/{session_id}/recover": {"finish": True},
    "POST /api/v1/jobs/estimate": {"library_id": "library_id", "models": ["null"]},
    "POST /api/v1/jobs": {"library_id": "library_id", "models": ["null"]},
    "POST /api/v1/schedules": {"library_id": "library_id", "models": ["null"], "cron": "0 2 * * *"},
    "PATCH /api/v1/schedules/{schedule_id}": {"enabled": False},
}
"""What a route is sent besides what stands in its address; names of ids stand for those of the other owner."""

NOTHING_FOUND = {
    "POST /api/v1/failures/retry": {"item_id": "item_id"},
    "POST /api/v1/failures/dismiss": {"item_id": "item_id"},
    "GET /api/similar_tracks": {"item_id": "item_id"},
    "GET /api/find_path": {"start_song_id": "item_id", "end_song_id": "other_item_id"},
    "POST /embed/status": {"track_id": "item_id"},
    "GET /embed/status": {"track_id": "item_id"},
}
"""Routes that answer that they have found nothing, each in its own words."""

REFUSED_EARLIER = {
    "GET /api/v1/search": "no model that reads text is installed",
    "POST /api/v1/playlists/send": "no music server is set",
}
"""Routes that refuse the question itself (422) before they look whose things are meant."""

NOT_OF_OWNERS = {
    "/api/v1/auth/tokens/{token_id}": "a person's own",
    "/api/v1/users/{name}": "people of the whole installation, for administrators",
    "/api/v1/admin/reprocess-embeddings": "administrators bring up everybody's",
    "/v1/admin/reprocess-embeddings": "administrators bring up everybody's",
    "/api/v1/admin/reprocess-embeddings/{run_id}": "administrators bring up everybody's",
    "/api/v1/events": "the number of an event; only the owner's own are told",
    "/embed/audio": "a file's own words, which are only noted",
}


@pytest.fixture
def two(house: House, as_person: Callable[[Person], TestClient], tmp_path: Path) -> tuple[Things, Things]:
    """The owner who asks, and the one whose things they are."""
    sample = write_film(tmp_path / "sample.mp4", shots(2.0, 2.0), fps=10)
    mine, theirs = (furnish(house, as_person, name, tmp_path / name, sample) for name in ("default", "eve"))
    return mine, theirs


def operations(client: TestClient) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each."""
    description = client.get("/api/v1/openapi.json").json()
    for path, methods in description["paths"].items():
        for method, facts in methods.items():
            yield method.upper(), path, facts | {"schemas": description["components"]["schemas"]}


def names_of(facts: dict[str, Any]) -> set[str]:
    """Parameters and fields of the body that hold an id."""
    names = {one["name"] for one in facts.get("parameters", ()) if one["in"] in {"path", "query"}}
    for content in facts.get("requestBody", {}).get("content", {}).values():
        names |= _fields(content["schema"], facts["schemas"])
    in_path = {one["name"] for one in facts.get("parameters", ()) if one["in"] == "path"}
    return {name for name in names if IS_ID.search(name)} | in_path


def _fields(schema: dict[str, Any], schemas: dict[str, Any], seen: frozenset[str] = frozenset()) -> set[str]:
    """The names of all fields that a body may have; a schema that holds itself is looked at once."""
    if name := schema.get("$ref", "").rpartition("/")[2]:
        return set() if name in seen else _fields(schemas[name], schemas, seen | {name})
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    inner += [schema["items"]] if "items" in schema else []
    return set(schema.get("properties", {})).union(*(_fields(one, schemas, seen) for one in inner))


def filled(asked: Any, theirs: Things) -> Any:
    """With the other's ids in the place of their names."""
    if isinstance(asked, dict):
        return {
            name: filled(value, theirs) if name.endswith(("id", "ids")) else value
            for name, value in asked.items()
        }
    if isinstance(asked, list):
        return [filled(value, theirs) for value in asked]
    return theirs.ids.get(asked, asked) if isinstance(asked, str) else asked


def id_for(path: str, name: str, things: Things) -> Any:
    """What a parameter of that name is of theirs."""
    names = {"from_id": "item_id", "to_id": "other_item_id", "negative_id": "item_id"}
    if name == "library_id" and path.startswith("/api/v1/videos"):
        name = "film_library_id"
    return things.ids[names.get(name, name)]


def questions(path: str, facts: dict[str, Any], mine: Things, theirs: Things) -> list[dict[str, Any]]:
    """Parameters of the address: one id of the other's at a time, and what else has to be there is one's own."""
    given = {one["name"]: one for one in facts.get("parameters", ()) if one["in"] == "query"}
    needed = {"q": "x", "field": "artist"}
    usual = {
        name: needed[name] if name in needed else id_for(path, name, mine)
        for name, one in given.items()
        if one.get("required")
    }
    ids = [name for name in given if IS_ID.search(name)]
    return [usual | {name: id_for(path, name, theirs)} for name in ids] or [usual]


def test_every_route_with_the_ids_of_another_finds_nothing_and_changes_nothing(
    as_person: Callable[[Person], TestClient], house: House, two: tuple[Things, Things]
) -> None:
    mine, theirs = two
    client, before = as_person(mine.administrator), all_of(house, theirs)
    ask_every_route(client, mine, theirs)
    ask_those_with_words_of_their_own(client, theirs)
    look_at_every_list(client, mine, theirs)
    assert differences(before, all_of(house, theirs)) == []


def ask_every_route(client: TestClient, mine: Things, theirs: Things) -> None:
    """404 for each id of theirs, wherever it stands: in the path, among the parameters, in the body."""
    wrong: list[tuple[object, ...]] = []
    tried = 0
    for method, path, facts in operations(client):
        operation = f"{method} {path}"
        if path in NOT_OF_OWNERS or operation in NOTHING_FOUND or not names_of(facts):
            continue
        place = path.format_map(_Ids(path, theirs))
        sent: dict[str, Any] = {"json": filled(BODIES.get(operation), theirs)}
        if operation == "POST /api/v1/persons/{person_id}/photos":
            sent = {"content": picture(), "headers": JPEG}
        for query in questions(path, facts, mine, theirs):
            answer = client.request(method, place, params=query, **sent)
            tried += 1
            if answer.status_code != (422 if operation in REFUSED_EARLIER else 404):
                wrong.append((operation, query, answer.status_code, answer.text[:200]))
            if answer.text != (
                told := said_of_what_never_was(client, (method, path, facts), mine, theirs, query)
            ):
                wrong.append((operation, query, answer.text[:200], told[:200]))
    assert wrong == []
    assert tried > 60


def said_of_what_never_was(
    client: TestClient,
    asked: tuple[str, str, dict[str, Any]],
    mine: Things,
    theirs: Things,
    query: Mapping[str, Any],
) -> str:
    """What is answered for ids that nothing ever had, with theirs in their place: the same, or it tells that theirs exist."""
    method, path, facts = asked
    never = Things(theirs.owner, {name: _never(value) for name, value in theirs.ids.items()}, theirs.folder)
    sent: dict[str, Any] = {"json": filled(BODIES.get(f"{method} {path}"), never)}
    if path.endswith("/photos") and method == "POST":
        sent = {"content": picture(), "headers": JPEG}
    number = questions(path, facts, mine, theirs).index(dict(query))
    params = questions(path, facts, mine, never)[number]
    text = client.request(method, path.format_map(_Ids(path, never)), params=params, **sent).text
    for name, value in never.ids.items():
        text = text.replace(str(value), str(theirs.ids[name]))
    return text


def _never(value: Any) -> Any:
    """An id of the same kind that nothing has, and that no other stands in."""
    return (
        value + 700_000_000
        if isinstance(value, int)
        else value[::-1] + "0"
        if value[::-1] == value
        else value[::-1]
    )


class _Ids(dict[str, Any]):
    """Their ids, by the names in a path."""

    def __init__(self, path: str, things: Things) -> None:
        super().__init__()
        self._path = path
        self._things = things

    def __missing__(self, name: str) -> Any:
        return id_for(self._path, name, self._things)


def ask_those_with_words_of_their_own(client: TestClient, theirs: Things) -> None:
    number, other = theirs.ids["item_id"], theirs.ids["other_item_id"]
    for what in ("retry", "dismiss"):
        answer = client.post(f"/api/v1/failures/{what}", json={"item_id": number})
        assert answer.status_code == 404 or not any(answer.json().values()), answer.text
    assert client.get("/api/similar_tracks", params={"item_id": number}).status_code in {404, 422}
    places = {"start_song_id": number, "end_song_id": other}
    assert client.get("/api/find_path", params=places).status_code in {404, 422}
    for answer in (client.get("/embed/status", params={"track_id": str(number)}),
                   client.post("/embed/status", json={"track_id": str(number)})):  # fmt: skip
        assert answer.status_code in {200, 401, 404}
        assert "Moby" not in answer.text


def look_at_every_list(client: TestClient, mine: Things, theirs: Things) -> None:
    """Nothing in a list without an id names what the other has."""
    own = {"videos": "video_id", "persons": "person_id", "libraries": "library_id", "schedules": "schedule_id",
           "items": "item_id", "jobs": "job_id"}  # fmt: skip
    for name, key in own.items():
        items = client.get(f"/api/v1/{name}").json()["items"]
        shown = {one["id"] for one in items}
        assert mine.ids[key] in shown, name
        assert theirs.ids[key] not in shown, name
    for path in ("/api/v1/videos/export", "/api/v1/items/lines", "/api/v1/failures", "/api/v1/scenes/preferences",
                 "/api/v1/rename/sessions", "/api/v1/rename/plans", "/api/v1/events/recent"):  # fmt: skip
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert str(theirs.folder) not in answer.text, path
        for key in ("session_id", "plan_id", "job_id"):
            assert str(theirs.ids[key]) not in answer.text, path
    found = client.post("/api/v1/scenes/search", json={"query": "whales", "limit": 100}).json()["results"]
    assert {one["video"]["id"] for one in found} == {mine.ids["video_id"]}


def test_what_one_owner_does_leaves_the_other_alone(
    as_person: Callable[[Person], TestClient], house: House, two: tuple[Things, Things]
) -> None:
    """Every kind of write, with one's own ids, up to forgetting all: rows, vectors, words and files of the other stay."""
    mine, theirs = two
    client, ids = as_person(mine.administrator), mine.ids
    before = all_of(house, theirs)
    for method, path, body in own_writes(ids):
        answer = client.request(method, f"/api/v1{path}", json=body)
        assert answer.status_code < 300, (method, path, answer.text)
        wait_for(lambda: not _under_way(house, mine.owner))
        assert differences(before, all_of(house, theirs)) == [], (method, path)
    photo = client.post(f"/api/v1/persons/{_person(client)}/photos", content=picture(1), headers=JPEG)
    assert photo.status_code == 201, photo.text
    assert client.delete(f"/api/v1/persons/{photo.json()['person_id']}").status_code == 204
    wait_for(lambda: not _under_way(house, mine.owner))
    assert differences(before, all_of(house, theirs)) == []
    client = as_person(theirs.administrator)
    scene = client.get(f"/api/v1/scenes/{theirs.ids['scene_id']}").json()
    assert client.get(scene["thumbnail"]).status_code == 200
    [photo] = client.get(f"/api/v1/persons/{theirs.ids['person_id']}/photos").json()["items"]
    assert client.get(photo["file"]).status_code == 200
    assert client.post("/api/v1/scenes/search", json={"query": "whales"}).json()["results"]


def own_writes(ids: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """In an order in which each of them can be done."""
    video, scene, person = ids["video_id"], ids["scene_id"], ids["person_id"]
    films, music = ids["film_library_id"], ids["library_id"]
    said = {"language": "de", "segments": [{"start": 0, "end": 2, "text": "Guten Morgen."}]}
    owners = {"scope": "owner", "owner_id": "default"}
    return [
        ("PUT", f"/videos/{video}/transcript", said),
        (
            "PATCH",
            f"/scenes/{scene}",
            {"description": "Something else.", "summary": "Else.", "tags": ["else"]},
        ),
        ("POST", "/admin/reprocess-embeddings", {"scope": "video", "video_id": video}),
        ("POST", "/admin/reprocess-embeddings", owners | {"force": True}),
        ("POST", "/videos/ingest", {"library_id": films}),
        (
            "POST",
            "/scenes/search",
            {"query": "Guten", "channel_weights": {"lexical": 1}, "save_weights": True},
        ),
        ("PUT", "/scenes/preferences", {"weights": {"transcript": 1}, "fusion": "minmax"}),
        ("PATCH", f"/persons/{person}", {"name": "Mine", "archived": True}),
        ("DELETE", f"/persons/{person}/photos/{ids['photo_id']}", None),
        ("DELETE", f"/persons/{person}", None),
        ("POST", "/jobs", {"library_id": music, "models": ["null"], "wanted": "all", "clear": "first"}),
        ("POST", f"/libraries/{music}/scan", {}),
        ("POST", "/failures/dismiss", {}),
        ("PATCH", f"/schedules/{ids['schedule_id']}", {"enabled": False}),
        ("DELETE", f"/schedules/{ids['schedule_id']}", None),
        ("POST", f"/rename/sessions/{ids['session_id']}/undo", None),
        ("DELETE", f"/rename/plans/{ids['plan_id']}", None),
        ("PATCH", f"/libraries/{films}", {"name": "mine", "watch": False}),
        ("DELETE", f"/libraries/{films}", None),
        ("DELETE", f"/libraries/{music}", None),
    ]


def _person(client: TestClient) -> int:
    return int(client.post("/api/v1/persons", json={"name": "Nova"}).json()["id"])


def _under_way(house: House, owner: str) -> bool:
    jobs = house.app.catalogue().jobs.all(owner, 50)
    renaming = any(session.owner == owner for session in house.app.catalogue().renames.under_way())
    return renaming or any(not job.state.ended for job in jobs)
