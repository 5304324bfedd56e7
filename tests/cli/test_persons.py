"""``reprise persons``: photos are checked, turned upright, kept and embedded; what cannot be used says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.projector import Projector, write_picture

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def empty(tmp_path: Path) -> Projector:
    return Projector.made(tmp_path)


def test_a_person_is_known_by_photos_that_are_embedded_once(empty: Projector, tmp_path: Path) -> None:
    first, second = (write_picture(tmp_path / f"{seed}.png", seed) for seed in (1, 2))
    lines = empty("persons", "add", "Ada Lovelace", first, "--json").lines
    person = lines[-1]
    assert (person["event"], person["has_vector"], person["photos"]["ready"]) == ("person", True, 1)
    assert person["embedded"]["person"]["made_by"] == person["spec_version"]
    assert empty.looked() == {"person-photo": 1, "person": 1}
    alone = empty.vectors_of("default")["person"]
    told = empty("persons", "photo", "add", "ada LOVELACE", second, first, "--json").event("person")
    assert told["photos"]["ready"] == 2, "the same photo again is the one that is there"
    assert empty.looked() == {"person-photo": 1, "person": 1}
    assert empty.vectors_of("default")["person"] != alone
    photo = next(line for line in empty("persons", "photo", "add", "Ada Lovelace", second, "--json").lines
                 if line["event"] == "photo" and line["photo_id"] != min(empty.vectors_of("default")["person-photo"]))  # fmt: skip
    empty("persons", "photo", "remove", photo["photo_id"])
    assert empty.vectors_of("default")["person"] == alone, "as it was before"
    empty("persons", "rename", "Ada Lovelace", "Ada King")
    empty.looked()
    empty("reprocess", "--scope", "all")
    assert empty.looked() == {}, "a name makes nothing stale"
    [listed] = empty("persons", "list", "--json").lines
    assert listed["name"] == "Ada King"
    empty("persons", "archive", "Ada King")
    assert empty("persons", "list", "--json").lines == []
    empty("persons", "archive", "Ada King", "--undo")
    assert "Ada King" in empty("persons", "show", listed["person_id"]).out
    empty("persons", "remove", "Ada King", "--yes")
    assert empty.vectors_of("default") == {"person-photo": {}, "person": {}}
    assert empty.read("SELECT COUNT(*) FROM items") == [(0,)]
    assert list((empty.home / "media").rglob("*.jpg")) == [], "nor is any of the photos kept"


def test_what_is_no_picture_is_refused_and_the_others_are_kept(empty: Projector, tmp_path: Path) -> None:
    bad, none, good = tmp_path / "bad.jpg", tmp_path / "none.jpg", write_picture(tmp_path / "good.jpg", 3)
    bad.write_text("no picture")
    none.touch()
    (tmp_path / "cut.jpg").write_bytes(good.read_bytes()[:300])
    lines = empty("persons", "add", "Ada", bad, none, tmp_path / "cut.jpg", good, "--json", code=1).lines
    refused = {line["file"]: line["reason"] for line in lines if line["event"] == "photo_refused"}
    assert set(refused) == {"bad.jpg", "none.jpg", "cut.jpg"}
    assert refused["bad.jpg"] == "the photo is no picture"
    assert lines[-1]["photos"] == {"uploaded": 0, "ready": 1, "failed": 0}
    assert "cannot be read" in empty("persons", "add", "Eve", tmp_path / "missing.jpg", code=2).err
    assert len(empty("persons", "list", "--json").lines) == 1, (
        "nobody was added for a photo that is not there"
    )


def test_a_photo_is_kept_upright_and_without_what_the_camera_wrote(empty: Projector, tmp_path: Path) -> None:
    from PIL import Image

    write_picture(tmp_path / "flat.png", 4, (160, 96))
    turned = tmp_path / "turned.jpg"
    with Image.open(tmp_path / "flat.png") as picture:
        exif = picture.getexif()
        exif[0x0112], exif[0x010F] = 6, "A camera"  # 90 degrees clockwise, and its maker
        picture.save(turned, exif=exif)
    lines = empty("persons", "add", "Ada", turned, "--json").lines
    file = next(line["file"] for line in lines if line["event"] == "photo")
    kept = empty.home / "media" / file
    assert kept.stat().st_mode & 0o777 == 0o600
    with Image.open(kept) as picture:
        assert picture.size == (96, 160)
        assert dict(picture.getexif()) == {}


def test_names_and_ids(empty: Projector, tmp_path: Path) -> None:
    empty("persons", "add", "Zoë")
    for arguments, reason in (
        (("add", "ZOË"), "there is a person called 'ZOË' already"),
        (("add", "  "), "name"),
        (("show", "nobody"), "there is no person 'nobody'"),
        (("show", "9999"), "9999"),
        (("photo", "remove", "9999"), "9999"),
        (("show", "Zoë", "--owner", "eve"), "there is no person 'Zoë'"),
    ):
        assert reason in empty("persons", *arguments, code=2).err
    assert "cannot be found yet" in empty("persons", "show", "Zoë").out


def test_where_no_step_looks_at_persons_photos_wait_and_the_reason_is_told(
    empty: Projector, tmp_path: Path
) -> None:
    photo = write_picture(tmp_path / "ada.png", 5)
    empty.settings["person_model"] = "faces"  # and no file that finds or compares them
    said = empty("persons", "add", "Ada", photo)
    assert "face_detector" in said.err
    assert "cannot be found yet" in said.out
    del empty.settings["person_model"]
    empty("reprocess", "--scope", "all")
    assert empty.looked() == {"person-photo": 1, "person": 1}
