"""The model ``video-scenes``: what its spec says, what it tells, and what it says when it cannot."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reprise.core.choices import ModelChoices
from reprise.core.items import ItemKind
from reprise.core.ports import ChoosableModel, Document, TellingModel
from reprise.core.spec import Execution, Subject, fingerprint
from reprise.core.video import Segment, TextSource, Transcript
from reprise.errors import ExtraMissing, ModelError, NoPictures
from reprise.models.registry import load_model
from reprise.models.video_scenes import VideoScenes
from tests.video.films import shots, write_film, write_sound
from tests.video.subtitled import Stream, video_with_subtitles

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.core.video import Extract


def model(folder: Path, **chosen: object) -> VideoScenes:
    made = VideoScenes()
    made.configure(replace(ModelChoices(media=str(folder / "media")), **chosen))  # type: ignore[arg-type]
    return made


def told(film: Path, **chosen: object) -> Extract:
    teller = model(film.parent, **chosen)
    teller.load()
    return teller.tell(Document(file=os.fsencode(film)))


def test_it_is_registered_and_looks_at_videos() -> None:
    found = load_model("video-scenes", ModelChoices())
    card = found.card

    assert isinstance(found, TellingModel)
    assert isinstance(found, ChoosableModel)
    assert (card.spec.dimension, card.spec.subject) == (0, Subject(ItemKind.VIDEO, ""))
    assert card.execution is Execution.PER_CORE
    assert card.most_processes >= 1


@pytest.mark.parametrize(
    "chosen", [{"scene_detector": "content"}, {"scene_threshold": 4.0}, {"scene_min_seconds": 2.0}]
)
def test_what_a_scene_is_belongs_to_the_spec(tmp_path: Path, chosen: dict[str, object]) -> None:
    usual = fingerprint(model(tmp_path).card.spec)

    assert fingerprint(model(tmp_path, **chosen).card.spec) != usual
    assert fingerprint(model(tmp_path, scene_threshold=3.0).card.spec) == usual  # the detector's own
    assert fingerprint(model(tmp_path, min_decoded=0.5).card.spec) == usual
    assert fingerprint(model(tmp_path / "moved").card.spec) == usual


def test_it_tells_scenes_and_keeps_pictures(tmp_path: Path) -> None:
    found = told(write_film(tmp_path / "a.mp4", shots(2, 2)))

    assert [(scene.start, scene.end) for scene in found.scenes] == [(0.0, 2.0), (2.0, 4.0)]
    assert found.transcript is None
    for scene in found.scenes:
        assert scene.frames
        assert all((tmp_path / "media" / os.fsdecode(frame.file)).is_file() for frame in scene.frames)


def test_the_settings_reach_the_detector(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mp4", shots(2, 2))

    assert len(told(film, scene_detector="content", scene_threshold=250.0).scenes) == 1
    assert len(told(film, scene_min_seconds=3.0).scenes) == 1


def test_words_beside_a_video_are_held_to_its_length(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mp4", shots(2, 2))
    film.with_suffix(".srt").write_text(
        "1\n00:00:01,000 --> 00:00:02,000\nHello there.\n\n"
        "2\n00:00:03,000 --> 00:00:09,000\nGood bye.\n\n"
        "3\n00:01:00,000 --> 00:01:01,000\nOf another film.\n"
    )

    assert told(film).transcript == Transcript(
        TextSource.SIDECAR, (Segment(1.0, 2.0, "Hello there."), Segment(3.0, 4.0, "Good bye."))
    )


def test_words_inside_a_video_are_found_and_counted(tmp_path: Path) -> None:
    film = video_with_subtitles(tmp_path / "a.mp4", Stream("mov_text", [(1000, 2000, "Hello there.")]))
    found = told(film)

    assert found.facts.subtitles == 1
    assert found.transcript is not None
    assert found.transcript.source is TextSource.EMBEDDED
    assert [said.text for said in found.transcript.segments] == ["Hello there."]


def test_a_file_of_sound_fails_as_one(tmp_path: Path) -> None:
    with pytest.raises(NoPictures):
        told(write_sound(tmp_path / "a.m4a", 1))


@pytest.mark.parametrize("missing", ["scenedetect.detectors", "PIL.Image"])
def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ExtraMissing) as caught:
        model(tmp_path).load()
    assert caught.value.cure == "install it with: pip install 'reprise[video]'"


def test_its_card_needs_nothing_of_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("scenedetect", "PIL", "cv2", "av"):
        monkeypatch.setitem(sys.modules, name, None)
    assert model(tmp_path).card.name == "video-scenes"


def test_a_folder_of_pictures_that_cannot_be_written_ends_the_model_and_blames_no_video(
    tmp_path: Path,
) -> None:
    film = write_film(tmp_path / "a.mp4", shots(1))
    (tmp_path / "media").write_text("no folder")
    with pytest.raises(ModelError, match="pictures cannot be kept in"):
        told(film)
