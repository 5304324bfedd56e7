"""Persons and their photos over HTTP."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reprise.core.video import PhotoState
from reprise.media.photos import MOST_BYTES
from reprise.server.access import Person, Role
from reprise.server.uploads import file_in_form
from tests.server.filmed import picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi.testclient import TestClient

    from reprise.server.house import House

URL = "/api/v1/persons"
JPEG = {"Content-Type": "image/jpeg"}


@pytest.fixture
def ada(user: TestClient) -> int:
    """A person who is known."""
    return int(user.post(URL, json={"name": "Ada"}).json()["id"])


@pytest.fixture
def version(house: House) -> str:
    return house.app.installed.pipeline.version


def test_a_person_is_added_renamed_archived_and_forgotten(user: TestClient, version: str) -> None:
    added = user.post(URL, json={"name": " Ada Lovelace "})
    assert added.status_code == 201, added.text
    made = added.json()
    assert (made["name"], made["archived"], made["has_vector"]) == ("Ada Lovelace", False, False)
    assert (made["photos"], made["spec_version"]) == ({"uploaded": 0, "ready": 0, "failed": 0}, version)
    place = f"{URL}/{made['id']}"
    changed = user.patch(place, json={"name": "아다", "archived": True}).json()
    assert (changed["name"], changed["archived"]) == ("아다", True)
    assert user.get(place).json() == changed
    assert user.get(URL).json()["items"] == []
    shown = user.get(URL, params={"archived": True}).json()
    assert [person["name"] for person in shown["items"]] == ["아다"]
    assert shown["spec_version"] == version
    assert user.patch(place, json={"archived": False}).json()["archived"] is False
    gone = user.delete(place)
    assert (gone.status_code, gone.headers["reprise-spec-version"]) == (204, version)
    assert user.get(place).status_code == 404
    assert user.delete(place).status_code == 404


BAD_NAMES: list[Any] = [
    {"name": ""}, {"name": "  "}, {"name": "x" * 201}, {"name": "a\0b"}, {"name": "ADA"},
    {"name": 5}, {}, [], {"name": "\n"},
]  # fmt: skip


def test_names_that_cannot_be_given_are_refused(user: TestClient, ada: int) -> None:
    for body in BAD_NAMES:
        answer = user.post(URL, json=body)
        assert answer.status_code == 422, answer.text
        assert answer.json()["cure"]
        assert [person["id"] for person in user.get(URL).json()["items"]] == [ada]


def test_a_photo_is_kept_and_a_job_is_queued_for_it(
    user: TestClient, house: House, ada: int, version: str
) -> None:
    answer = user.post(f"{URL}/{ada}/photos", content=picture(1), headers=JPEG)
    assert answer.status_code == 201, answer.text
    photo = answer.json()
    assert (photo["person_id"], photo["error"], photo["spec_version"]) == (ada, "", version)
    assert photo["state"] in set(PhotoState)
    jobs = house.app.catalogue().jobs.all("default", 5)
    assert [job.request.models for job in jobs] == [("person-photo", "person")]
    library = house.app.catalogue().libraries.get("default", jobs[0].request.selection.library_id)
    assert library.kind == "people"
    listed = user.get(f"{URL}/{ada}/photos").json()
    assert [one["id"] for one in listed["items"]] == [photo["id"]]
    assert sum(user.get(f"{URL}/{ada}").json()["photos"].values()) == 1


def test_a_photo_is_given_to_be_kept_for_good(user: TestClient, house: House, ada: int) -> None:
    photo = user.post(f"{URL}/{ada}/photos", content=picture(1), headers=JPEG).json()
    given = user.get(photo["file"])
    assert (given.status_code, given.headers["content-type"]) == (200, "image/jpeg")
    assert given.content.startswith(b"\xff\xd8")
    assert given.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert given.headers["x-content-type-options"] == "nosniff"
    assert user.get(photo["file"], headers={"If-None-Match": given.headers["etag"]}).status_code == 304
    unnamed = user.get(photo["file"].partition("?")[0])
    assert (unnamed.headers["cache-control"], unnamed.headers["etag"]) == (
        "private, no-cache",
        given.headers["etag"],
    )
    stored = house.app.home / "media"
    [file] = [path for path in stored.rglob("*") if path.is_file()]
    assert file.stat().st_mode & 0o777 == 0o600
    file.unlink()
    assert user.get(photo["file"]).status_code == 404


def test_one_photo_is_one_record_however_often_it_is_sent(user: TestClient, ada: int) -> None:
    """Of the project that this one follows, two calls made two records, with an id that nobody had uploaded (P3-13)."""
    content, place = picture(1), f"{URL}/{ada}/photos"
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: user.post(place, content=content, headers=JPEG), range(4)))
    assert {answer.status_code for answer in answers} == {201}
    [number] = {answer.json()["id"] for answer in answers}
    form = user.post(place, files={"photo": ("me.jpg", content, "image/jpeg")})
    assert (form.status_code, form.json()["id"]) == (201, number)
    assert [photo["id"] for photo in user.get(place).json()["items"]] == [number]
    assert user.post(place, content=picture(2), headers=JPEG).json()["id"] != number


FORMATS: list[Any] = ["PNG", "WEBP", "GIF", "BMP"]


def test_other_formats_become_jpeg(user: TestClient, ada: int) -> None:
    for form in FORMATS:
        answer = user.post(
            f"{URL}/{ada}/photos", content=picture(1, form), headers={"Content-Type": "image/x"}
        )
        assert answer.status_code == 201, answer.text
        assert user.get(answer.json()["file"]).headers["content-type"] == "image/jpeg"


def _bomb() -> bytes:
    """A PNG of a few hundred kilobytes that would take 400 MB."""
    from PIL import Image

    written = io.BytesIO()
    Image.fromarray(np.zeros((11_000, 11_000), dtype=np.uint8)).save(written, "PNG")
    return written.getvalue()


NO_PICTURES: list[Any] = [
    (b"", "empty"), (b"no picture at all", "no picture"), (picture(1)[:400], "photo"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture"), (b"\xff\xd8\xff" + b"\0" * 999, "photo"),
]  # fmt: skip


def test_what_is_no_picture_is_refused(user: TestClient, house: House, ada: int) -> None:
    for content, reason in NO_PICTURES:
        answer = user.post(f"{URL}/{ada}/photos", content=content, headers=JPEG)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_photo")
        assert reason in answer.json()["message"]
        assert user.get(f"{URL}/{ada}/photos").json()["items"] == []
        assert house.app.catalogue().jobs.all("default", 5) == []


def test_what_is_too_large_is_refused(user: TestClient, ada: int) -> None:
    place = f"{URL}/{ada}/photos"
    for content in (_bomb(), b"\xff\xd8" + b"\0" * MOST_BYTES, b"\0" * (30 * 2**20)):
        answer = user.post(place, content=content, headers=JPEG)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    endless = user.post(place, content=(b"\0" * 2**20 for _ in range(30)), headers=JPEG)
    assert endless.status_code == 413
    assert user.get(place).json()["items"] == []
    assert (
        user.post(URL, content=b" " * (2 * 2**20), headers={"Content-Type": "application/json"}).status_code
        == 413
    )


def test_the_largest_picture_fits_into_a_form(user: TestClient, ada: int) -> None:
    content = picture(1) + b"\0" * (MOST_BYTES - len(picture(1)))
    answer = user.post(f"{URL}/{ada}/photos", files={"photo": ("me.jpg", content)})
    assert answer.status_code == 201, answer.text


EMPTY_FORMS: list[Any] = [
    ("multipart/form-data", b""), ("multipart/form-data; boundary=", b""), ("multipart/form-data; boundary=x", b""),
    ("multipart/form-data; boundary=x", b"--x\r\n\r\n\r\n--x--"), ("multipart/mixed; boundary=x", b"--x--\r\n"),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nwords\r\n--x--"),
]  # fmt: skip


def test_forms_without_a_file_are_refused(user: TestClient, ada: int) -> None:
    for kind, body in EMPTY_FORMS:
        answer = user.post(f"{URL}/{ada}/photos", content=body, headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["code"]) == (422, "usage")
        assert "photo" in answer.json()["cure"]


def test_a_form_of_nothing_but_parts_is_soon_refused(user: TestClient, ada: int) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    for body in (b"--x\r\n" * 3_000_000, b"--x\r\n" + b"a: b\r\n" * 3_000_000):
        answer = user.post(f"{URL}/{ada}/photos", content=body, headers=kind)
        assert (answer.status_code, answer.json()["code"]) == (422, "usage")


def test_a_form_gives_the_bytes_of_its_file() -> None:
    content = bytes(range(256)) * 9 + b"\r\n--other\r\n\r\n"
    head = b'Content-Disposition: form-data; name="%s"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    body = b"--x\r\n" + head % b"first" + b"1\r\n--x\r\n" + head % b"photo" + content + b"\r\n--x--\r\n"
    assert file_in_form('multipart/form-data; boundary="x"', body) == content


def test_a_photo_is_forgotten(user: TestClient, house: House, ada: int) -> None:
    photos = [user.post(f"{URL}/{ada}/photos", content=picture(n), headers=JPEG).json() for n in (1, 2)]
    eve = user.post(URL, json={"name": "Eve"}).json()["id"]
    wrong = f"{URL}/{eve}/photos/{photos[0]['id']}"
    assert user.delete(wrong).status_code == 404
    assert user.get(f"{wrong}/file").status_code == 404
    assert user.delete(f"{URL}/{ada}/photos/{photos[0]['id']}").status_code == 204
    assert [one["id"] for one in user.get(f"{URL}/{ada}/photos").json()["items"]] == [photos[1]["id"]]
    assert user.delete(f"{URL}/{ada}").status_code == 204
    assert house.app.catalogue().persons.photo_counts("default") == {}


def test_others_see_no_person(as_person: Callable[[Person], TestClient], house: House) -> None:
    mine = as_person(Person("bob", Role.USER, "default"))
    ada = mine.post(URL, json={"name": "Ada"}).json()["id"]
    eve = as_person(Person("eve", Role.ADMIN, "eve"))
    assert eve.get(URL, params={"archived": True}).json()["items"] == []
    assert eve.post(f"{URL}/{ada}/photos", content=picture(), headers=JPEG).status_code == 404
    assert eve.post(URL, json={"name": "Ada"}).status_code == 201
    assert len(house.app.catalogue().persons.all("default")) == 1
