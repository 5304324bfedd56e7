"""Renaming over HTTP: templates, plans and their rows, carrying them out and taking them back."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from reprise.core.renaming import FileIdentity, PlanHeader, PlanRow, RowStatus, Value
from reprise.core.renaming import Origin as From
from reprise.errors import UsageError
from reprise.rename.planfile import PlanWriter
from reprise.server.rename_shelf import KEPT_PLANS
from reprise.server.rename_view import plan_facts
from reprise.server.renaming import Renamings, new_plan, within_seconds
from tests.harness import wait_for
from tests.server.renamed import PLAIN, ended, many, planned, tagged
from tests.server.shelves import shelve

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi.testclient import TestClient

    from reprise.server.house import House
    from tests.harness import Home

API = "/api/v1/rename"


@pytest.fixture
def library(home: Home, house: House) -> int:
    """Two that get new names, one that has its own, one that nothing is known of, and one in a folder."""
    tagged(home.music / "01.mp3", "Björk", "Hunter")
    tagged(home.music / "02.mp3", "Aphex Twin", "Xtal")
    tagged(home.music / "Moby - Go.mp3", "Moby", "Go")
    tagged(home.music / "deep" / "03.mp3", "Can", "Vitamin C")
    return shelve(house.app, home.music).id


def names(home: Home) -> set[str]:
    return {str(path.relative_to(home.music)) for path in home.music.rglob("*.mp3")}


def rows(client: TestClient, plan: str, **query: Any) -> Any:
    answer = client.get(f"{API}/plans/{plan}/rows", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def apply(client: TestClient, plan: str, **wanted: Any) -> Any:
    answer = client.post(f"{API}/plans/{plan}/apply", json=wanted)
    assert answer.status_code == 202, answer.text
    return ended(client, answer.json()["id"])


# templates


def test_presets_and_fields_tell_what_they_do(user: TestClient) -> None:
    presets = user.get(f"{API}/presets").json()["items"]
    assert {"dj", "album", "rekordbox", "traktor", "serato"} <= {one["id"] for one in presets}
    assert all(one["example"].endswith(".mp3") and one["summary"] for one in presets)
    fields = {one["name"]: one for one in user.get(f"{API}/fields").json()["items"]}
    assert {"artist", "title", "camelot", "bpm", "mix_paren"} <= fields.keys()
    for preset in presets:
        answer = user.post(f"{API}/templates/check", json={"template": preset["template"]})
        assert answer.json() == {"valid": True, "faults": [], "example": preset["example"]}


@pytest.mark.parametrize(
    ("template", "marked"),
    [("{artist} - {nothing}", "nothing"), ("{artist}/{title}", "/"), ("{artist", "{artist"), ("🎵 {artist} {oops}", "oops")],
)  # fmt: skip
def test_a_fault_is_told_with_its_place(user: TestClient, template: str, marked: str) -> None:
    answer = user.post(f"{API}/templates/check", json={"template": template})
    assert answer.status_code == 200
    told = answer.json()
    faults = [fault for fault in told["faults"] if fault["severity"] == "error"]
    assert faults, told
    places = [template[one["position"] : one["position"] + one["length"]] for one in faults]
    assert any(place in marked or marked in place for place in places if place), places
    assert told["valid"] is False


def test_the_example_is_of_a_track_of_the_folder(user: TestClient, library: int) -> None:
    for folder, expected in (("", None), ("deep", "Can - Vitamin C.mp3")):
        body = {"template": PLAIN, "library_id": library, "folder": folder}
        example = user.post(f"{API}/templates/check", json=body).json()["example"]
        assert example == expected if expected else example.endswith(".mp3")
    body = {"template": PLAIN, "library_id": library, "folder": "../.."}
    assert user.post(f"{API}/templates/check", json=body).status_code == 422


def test_the_context_of_folders_with_a_template_for_each(admin: TestClient, library: int) -> None:
    answer = admin.post(f"{API}/context", json={"library_id": library})
    assert answer.status_code == 200, answer.text
    found = answer.json()["items"]
    assert {one["kind"] for one in found} == {"singles"}
    assert all(one["reason"] and one["template"] and 0 < one["confidence"] <= 1 for one in found)
    assert admin.post(f"{API}/context", json={"library_id": library, "folder": "none"}).status_code == 404


def test_work_without_an_end_is_left_after_a_while() -> None:
    never = threading.Event()
    with pytest.raises(UsageError, match="too much"):
        within_seconds(never.wait, 0.05)
    never.set()
    assert within_seconds(lambda: 3, 60) == 3
    with pytest.raises(ValueError, match="odd"):
        within_seconds(lambda: int("odd"), 60)


# plans


def test_a_plan_says_what_would_happen_and_changes_nothing(
    admin: TestClient, home: Home, library: int
) -> None:
    before = names(home)
    plan = planned(admin, library)
    assert plan["counts"] == {"rename": 3, "unchanged": 1, "refused": 0}
    assert (plan["total_count"], plan["level"], plan["truncated"]) == (4, None, False)
    told = {row["old"]: row for row in rows(admin, plan["id"])["items"]}
    assert told["01.mp3"]["new"] == "Björk - Hunter.mp3"
    assert told["01.mp3"]["values"]["artist"] == ["Björk", "tag"]
    assert told["03.mp3"]["folder"] == "deep"
    assert told["Moby - Go.mp3"]["status"] == "unchanged"
    assert names(home) == before
    assert [one["id"] for one in admin.get(f"{API}/plans").json()["items"]] == [plan["id"]]
    only_top = planned(admin, library, recursive=False)
    assert only_top["total_count"] == 3
    deep = planned(admin, library, folder="deep")
    assert [row["old"] for row in rows(admin, deep["id"])["items"]] == ["03.mp3"]


def test_rows_are_narrowed_by_status_and_words(admin: TestClient, library: int) -> None:
    plan = planned(admin, library)["id"]
    assert rows(admin, plan, status="rename")["total_count"] == 3
    assert [row["old"] for row in rows(admin, plan, q="BJÖRK")["items"]] == ["01.mp3"]
    assert [row["old"] for row in rows(admin, plan, q="vitamin deep")["items"]] == ["03.mp3"]
    assert rows(admin, plan, status="unchanged", q="björk")["items"] == []
    assert rows(admin, plan, status="noted")["total_count"] == 0
    paged = [rows(admin, plan, offset=at, limit=2)["items"] for at in (0, 2, 4)]
    assert [row["number"] for page in paged for row in page] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "wanted",
    [{"template": "{nothing}"}, {"template": ""}, {"template": "{artist}/{title}"}, {"folder": ".."}, {"folder": "/etc"},
     {"library_id": 0}, {"template": "x" * 2000}],
)  # fmt: skip
def test_what_cannot_be_planned_is_refused(admin: TestClient, library: int, wanted: dict[str, Any]) -> None:
    answer = admin.post(f"{API}/plans", json={"library_id": library, "template": PLAIN, **wanted})
    assert answer.status_code == 422, answer.text
    assert admin.get(f"{API}/plans").json()["items"] == []


def test_folders_that_are_not_there(admin: TestClient, library: int, home: Home) -> None:
    (home.music / "out").symlink_to("/")
    for folder in ("nothing", "out", "01.mp3"):
        answer = admin.post(f"{API}/plans", json={"library_id": library, "template": PLAIN, "folder": folder})
        assert answer.status_code == 404, answer.text
    assert admin.post(f"{API}/plans", json={"library_id": 999, "template": PLAIN}).status_code == 404


def test_making_a_plan_can_be_cancelled_and_only_one_is_made_at_once(
    admin: TestClient, home: Home, house: House, library: int
) -> None:
    many(home.music / "many", 3000)
    answer = admin.post(f"{API}/plans", json={"library_id": library, "template": PLAIN})
    plan = answer.json()
    second = admin.post(f"{API}/plans", json={"library_id": library, "template": PLAIN})
    assert second.status_code in {202, 409}  # the first may have been quick
    assert admin.delete(f"{API}/plans/{plan['id']}").status_code == 204
    assert admin.get(f"{API}/plans/{plan['id']}").status_code == 404
    service = house.service(Renamings)
    wait_for(lambda: service.planning(plan["id"]) is None)
    assert admin.get(f"{API}/plans/{plan['id']}").status_code == 404
    assert not list((home.state / "plans").rglob(f"{plan['id']}*"))


def test_old_plans_go(admin: TestClient, home: Home, house: House, library: int) -> None:
    service = house.service(Renamings)
    app = house.of("default")
    facts = {"recursive": True, "audio": True, "sidecars": False}
    for number in range(KEPT_PLANS + 5):
        made = service.shelf.new(new_plan(app, library, "", PLAIN, **facts))
        service.shelf.write(replace(made, created_at=made.created_at - 60 * number))
    weeks = service.shelf.new(new_plan(app, library, "", PLAIN, **facts))
    service.shelf.write(replace(weeks, created_at=weeks.created_at - 8 * 86_400))
    plan = planned(admin, library)
    kept = [one["id"] for one in admin.get(f"{API}/plans").json()["items"]]
    assert len(kept) == KEPT_PLANS
    assert kept[0] == plan["id"]
    assert weeks.id not in kept


def test_a_plan_that_the_server_was_stopped_at_has_failed(
    admin: TestClient, house: House, library: int
) -> None:
    service = house.service(Renamings)
    facts = {"recursive": True, "audio": True, "sidecars": False}
    made = service.shelf.new(new_plan(house.of("default"), library, "", PLAIN, **facts))
    told = admin.get(f"{API}/plans/{made.id}").json()
    assert told["state"] == "failed"
    assert "stopped" in told["error"]
    assert admin.get(f"{API}/plans/{made.id}/rows").status_code == 409


def test_a_plan_that_was_finished_since_it_was_read_is_ready(
    admin: TestClient, house: House, library: int
) -> None:
    """Whoever asks reads the plan first, and then whether it is being made: it may end between the two."""
    service = house.service(Renamings)
    facts = {"recursive": True, "audio": True, "sidecars": False}
    read = service.shelf.new(new_plan(house.of("default"), library, "", PLAIN, **facts))
    service.shelf.write(replace(read, counts={RowStatus.RENAME.value: 2}))
    assert admin.get(f"{API}/plans").json()["items"][0]["state"] == "ready"
    told = plan_facts(service, read)
    assert (told["state"], told["total_count"], told["error"]) == ("ready", 2, "")


@pytest.mark.parametrize(
    ("count", "level", "shown", "suggestions"),
    [(10_000, None, 10_000, 0), (10_001, "warning", 10_001, 2), (25_000, "warning", 25_000, 2), (25_001, "critical", 1_000, 3)],
)  # fmt: skip
def test_long_plans_are_warned_of_and_cut_at_the_exact_limits(
    admin: TestClient, house: House, library: int, count: int, level: str | None, shown: int, suggestions: int
) -> None:
    service = house.service(Renamings)
    facts = {"recursive": True, "audio": True, "sidecars": False}
    made = service.shelf.new(new_plan(house.of("default"), library, "", PLAIN, **facts))
    with PlanWriter(service.shelf.plan_file(made), PlanHeader(b"/music", b"", True, PLAIN, 0.0)) as plan:
        for number in range(count):
            plan.add(row(number))
    service.shelf.write(replace(made, counts={"rename": count}))
    told = admin.get(f"{API}/plans/{made.id}").json()
    assert (told["level"], len(told["suggestions"]), told["total_count"]) == (level, suggestions, count)
    assert told["truncated"] is (shown < count)
    whole = rows(admin, made.id)
    assert (len(whole["items"]), whole["total_count"], whole["truncated"]) == (shown, count, shown < count)
    assert (whole["level"], len(whole["suggestions"])) == (level, suggestions)
    last = rows(admin, made.id, offset=count - 1, limit=10)["items"]
    assert [one["number"] for one in last] == ([count - 1] if shown == count else [])
    everything = rows(admin, made.id, offset=count - 1, limit=10, all=True)
    assert [one["number"] for one in everything["items"]] == [count - 1]
    assert everything["truncated"] is False


def row(number: int) -> PlanRow:
    old, new = b"%05d.mp3" % number, b"A - %05d.mp3" % number
    values = {"artist": Value("A", From.TAG)}
    return PlanRow(number, b"x", old, new, RowStatus.RENAME, FileIdentity(1, number, 1, 1), values=values)


# sessions


def test_a_plan_is_carried_out_and_taken_back(
    admin: TestClient, home: Home, house: House, library: int
) -> None:
    before = names(home)
    plan = planned(admin, library)
    session = apply(admin, plan["id"])
    assert (session["state"], session["done"], session["failed"], session["can_undo"]) == ("done", 3, 0, True)
    assert names(home) == {
        "Björk - Hunter.mp3",
        "Aphex Twin - Xtal.mp3",
        "Moby - Go.mp3",
        "deep/Can - Vitamin C.mp3",
    }
    assert admin.get(f"{API}/plans/{plan['id']}").json()["session_id"] == session["id"]
    items = house.app.catalogue().items
    known = items.get("default", house.app.catalogue().libraries.item_ids("default", library))
    assert {item.path.decode() for item in known.values()} == names(home)
    moves = admin.get(f"{API}/sessions/{session['id']}/moves", params={"state": "moved"}).json()
    assert {move["new"] for move in moves["items"]} == {
        "Björk - Hunter.mp3",
        "Aphex Twin - Xtal.mp3",
        "Can - Vitamin C.mp3",
    }
    assert admin.get(f"{API}/sessions").json()["total_count"] == 1
    undone = admin.post(f"{API}/sessions/{session['id']}/undo")
    assert undone.status_code == 202, undone.text
    assert ended(admin, session["id"])["state"] == "undone"
    assert names(home) == before


def test_only_chosen_rows_and_all_but_some(admin: TestClient, home: Home, library: int) -> None:
    plan = planned(admin, library)["id"]
    numbers = {one["old"]: one["number"] for one in rows(admin, plan)["items"]}
    assert apply(admin, plan, only=[numbers["01.mp3"]])["done"] == 1
    assert "Björk - Hunter.mp3" in names(home)
    assert "02.mp3" in names(home)
    again = planned(admin, library)["id"]
    numbers = {one["old"]: one["number"] for one in rows(admin, again)["items"]}
    assert apply(admin, again, leave=[numbers["03.mp3"]])["done"] == 1
    assert names(home) == {"Björk - Hunter.mp3", "Aphex Twin - Xtal.mp3", "Moby - Go.mp3", "deep/03.mp3"}


def test_a_file_that_has_changed_since_fails_alone(admin: TestClient, home: Home, library: int) -> None:
    plan = planned(admin, library)["id"]
    (home.music / "01.mp3").write_bytes(b"something else altogether")
    session = apply(admin, plan)
    assert (session["state"], session["done"], session["failed"]) == ("done_with_errors", 2, 1)
    [failed] = admin.get(f"{API}/sessions/{session['id']}/moves", params={"state": "failed"}).json()["items"]
    assert failed["old"] == "01.mp3"
    assert failed["error"]
    assert "01.mp3" in names(home)


def test_a_plan_that_is_not_there_any_more_or_was_changed(
    admin: TestClient, home: Home, library: int
) -> None:
    assert admin.post(f"{API}/plans/{'0' * 16}/apply", json={}).status_code == 404
    plan = planned(admin, library)["id"]
    [file] = (home.state / "plans").rglob(f"{plan}.plan")
    file.write_bytes(file.read_bytes().replace(b"Hunter", b"Hunted"))
    answer = admin.post(f"{API}/plans/{plan}/apply", json={})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_plan")
    assert "01.mp3" in names(home)


def test_the_feed_tells_of_it(admin: TestClient, library: int) -> None:
    reached = admin.get("/api/v1/events/recent").json()["reached"]
    session = apply(admin, planned(admin, library)["id"])
    told = admin.get("/api/v1/events/recent", params={"after": reached}).json()["items"]
    renames = [event["data"] for event in told if event["name"] == "rename"]
    assert {one["session_id"] for one in renames} == {session["id"]}
    assert renames[-1]["state"] == "done"


def test_names_that_are_no_text_are_shown_and_renamed(admin: TestClient, home: Home, library: int) -> None:
    odd = os.path.join(os.fsencode(home.music), b"caf\xe9.mp3")
    os.rename(tagged(home.music / "x.mp3", "Édith", "Non"), odd)
    plan = planned(admin, library)["id"]
    [one] = rows(admin, plan, q="Édith")["items"]
    assert one["old_b64"]
    apply(admin, plan)
    assert "Édith - Non.mp3" in names(home)


# who may


def asked(client: TestClient, library: int) -> list[int]:
    """What an administrator alone may do."""
    answers = [
        client.post(f"{API}/plans", json={"library_id": library, "template": PLAIN}),
        client.post(f"{API}/context", json={"library_id": library}),
        client.get(f"{API}/plans"),
        client.get(f"{API}/plans/{'0' * 16}"),
        client.get(f"{API}/plans/{'0' * 16}/rows"),
        client.delete(f"{API}/plans/{'0' * 16}"),
        client.post(f"{API}/plans/{'0' * 16}/apply", json={}),
        client.get(f"{API}/sessions"),
        client.get(f"{API}/sessions/ab"),
        client.get(f"{API}/sessions/ab/moves"),
        client.post(f"{API}/sessions/ab/cancel"),
        client.post(f"{API}/sessions/ab/undo"),
        client.post(f"{API}/sessions/ab/recover", json={"finish": True}),
    ]
    return [answer.status_code for answer in answers]


def test_only_administrators_rename(user: TestClient, library: int) -> None:
    assert set(asked(user, library)) == {403}


def test_nobody_renames_without_signing_in(client: TestClient, library: int) -> None:
    assert set(asked(client, library)) == {401}


def test_what_others_planned_and_did_is_not_there(
    admin: TestClient, as_person: Callable[..., TestClient], library: int
) -> None:
    from reprise.server.access import Person, Role

    plan = planned(admin, library)["id"]
    session = apply(admin, plan)["id"]
    other = as_person(Person("eve", Role.ADMIN, "eve"))
    assert other.get(f"{API}/plans").json()["items"] == []
    assert other.get(f"{API}/sessions").json()["items"] == []
    for path in (f"plans/{plan}", f"plans/{plan}/rows", f"sessions/{session}", f"sessions/{session}/moves"):
        assert other.get(f"{API}/{path}").status_code == 404
    for path, body in (
        (f"plans/{plan}/apply", {}),
        (f"sessions/{session}/undo", None),
        (f"sessions/{session}/cancel", None),
    ):
        assert other.post(f"{API}/{path}", json=body).status_code == 404
    assert other.post(f"{API}/plans", json={"library_id": library, "template": PLAIN}).status_code == 404
