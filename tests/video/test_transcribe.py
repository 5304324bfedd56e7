"""Speech heard by Whisper: a whole small network, real sound in real videos, and what the settings may get wrong."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reprise.core.choices import ModelChoices
from reprise.core.items import ItemKind
from reprise.core.ports import Document, DownloadableModel, TellingModel
from reprise.core.spec import Subject, fingerprint
from reprise.core.video import Segment, TextSource, Transcript
from reprise.errors import ModelLoadFailed, NoAudioStream, NotAudio, Vanished, WeightsMissing, WeightsRefused
from reprise.models.video_transcript import SIZES, VideoTranscript
from reprise.models.whisper import pieces, quietest
from tests.video.spoken import RATE, babble, silence, video_with_sound
from tests.video.whisper_checkpoint import whisper_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SENTENCE = "Die Katze saß auf der Matte und der Hund sah den Mond an"
"""What the test's network says to any speech, within two seconds."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whisper_checkpoint(
        tmp_path_factory.mktemp("whisper") / "small", SENTENCE, language="de", seconds=2.0
    )


@pytest.fixture
def model(folder: Path, tmp_path: Path) -> VideoTranscript:
    model = chosen(str(folder), cache=str(tmp_path / "cache"))
    model.load()
    return model


def chosen(transcriber: str, **choices: Any) -> VideoTranscript:
    model = VideoTranscript()
    model.configure(replace(ModelChoices(), transcriber=transcriber, device="cpu", **choices))
    return model


def tell(model: VideoTranscript, path: Path) -> Transcript:
    return model.tell(Document(file=os.fsencode(path)))


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv", "film.avi", "caf\xe9 concat: [1].mov"])
def test_a_video_is_heard(model: VideoTranscript, tmp_path: Path, name: str) -> None:
    film = video_with_sound(tmp_path / name, np.concatenate([silence(3), babble(4), silence(2)]))
    heard = tell(model, film)
    assert (heard.source, heard.language) == (TextSource.HEARD, "de")
    assert [segment.text for segment in heard.segments] == [SENTENCE]
    (segment,) = heard.segments
    assert 2.0 < segment.start < 3.2, "where the voice begins, give or take what the detector adds"
    assert segment.end - segment.start == pytest.approx(2.0, abs=0.05)


def test_the_same_each_time(model: VideoTranscript, tmp_path: Path) -> None:
    film = video_with_sound(tmp_path / "film.mp4", babble(3))
    assert tell(model, film) == tell(model, film)


@pytest.mark.parametrize("kind", ["silence", "tone", "noise"])
def test_where_nobody_speaks_there_are_no_words(model: VideoTranscript, tmp_path: Path, kind: str) -> None:
    time = np.arange(5 * RATE) / RATE
    sounds = {
        "silence": silence(5),
        "tone": (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32),
        "noise": (0.1 * np.random.default_rng(0).standard_normal(5 * RATE)).astype(np.float32),
    }
    film = video_with_sound(tmp_path / "film.mp4", sounds[kind])
    assert tell(model, film) == Transcript(TextSource.HEARD, ())


def test_what_is_no_sound(model: VideoTranscript, tmp_path: Path) -> None:
    with pytest.raises(NoAudioStream):
        tell(model, video_with_sound(tmp_path / "mute.mp4", None))
    with pytest.raises(Vanished):
        tell(model, tmp_path / "gone.mp4")
    odd = tmp_path / "odd.mp4"
    odd.write_bytes(b"no video" * 1000)
    with pytest.raises(NotAudio):
        tell(model, odd)


def test_a_video_that_breaks_off_is_heard_up_to_there(model: VideoTranscript, tmp_path: Path) -> None:
    film = video_with_sound(tmp_path / "film.mkv", np.concatenate([babble(4), silence(20)]))
    content = film.read_bytes()
    film.write_bytes(content[: len(content) * 6 // 10])
    assert [segment.text for segment in tell(model, film).segments] == [SENTENCE]


def test_long_sound_is_heard_in_pieces_with_times_of_the_whole(
    model: VideoTranscript, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reprise.models import whisper

    def short_pieces(audio: Any) -> Iterator[tuple[float, NDArray[np.float32]]]:
        return pieces(audio, longest=10 * RATE, within=4 * RATE)

    monkeypatch.setattr(whisper, "pieces", short_pieces)
    film = video_with_sound(
        tmp_path / "film.mkv", np.concatenate([babble(4), silence(14), babble(4, seed=1), silence(3)])
    )
    heard = tell(model, film)
    assert [segment.text for segment in heard.segments] == [SENTENCE] * 2
    assert heard.segments[0].start < 1.0
    assert 17.0 < heard.segments[1].start < 18.5


class Sound:
    """Sound in blocks of odd lengths."""

    sample_rate = RATE
    declared_seconds = None

    def __init__(self, samples: NDArray[np.float32]) -> None:
        self._samples = samples

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        for start in range(0, len(self._samples), 7777):
            yield self._samples[start : start + 7777]


def test_pieces_lose_nothing_and_end_where_it_is_quiet() -> None:
    samples = np.concatenate([babble(7), silence(1), babble(8, seed=1), silence(1), babble(3, seed=2)])
    found = list(pieces(Sound(samples), longest=10 * RATE, within=5 * RATE))
    assert np.array_equal(np.concatenate([piece for _, piece in found]), samples)
    assert all(len(piece) <= 10 * RATE for _, piece in found)
    starts = [start for start, _ in found]
    assert 7.0 <= starts[1] <= 8.0
    assert 16.0 <= starts[2] <= 17.0
    assert [round(start * RATE) for start in starts[1:]] == list(
        np.cumsum([len(piece) for _, piece in found])[:-1]
    )
    assert list(pieces(Sound(samples[:0]))) == []


def test_the_quietest_place() -> None:
    samples = np.ones(4 * RATE, np.float32)
    samples[2 * RATE : 3 * RATE] = 0.5
    samples[5 * RATE // 2 : 3 * RATE] = 0.1
    assert quietest(samples) == 11 * RATE // 4


def test_what_the_card_says(folder: Path, tmp_path: Path) -> None:
    model = chosen(str(folder), cache=str(tmp_path))
    card = model.card
    assert isinstance(model, TellingModel)
    assert isinstance(model, DownloadableModel)
    assert card.spec.subject == Subject(ItemKind.VIDEO, "speech")
    assert (card.spec.dimension, card.most_processes, card.missing) == (0, 1, "")
    assert len(card.spec.weights) == 64
    assert model.card == card
    turned = chosen(str(folder), cache=str(tmp_path), precision="float32").card
    assert fingerprint(turned.spec) == fingerprint(card.spec), "how it runs changes nothing"


def test_other_weights_are_another_spec(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "weights" / "mine"
    shutil.copytree(folder, copy)
    whole = chosen(str(folder)).card.spec
    choices = {"weights": str(tmp_path / "weights"), "cache": str(tmp_path)}
    assert chosen("mine", **choices).card.spec == whole, "a name of a folder below the weights"
    with (copy / "model.bin").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x01")
    other = chosen("mine", **choices)
    assert other.card.spec.weights != whole.weights
    planned = other.card
    with (copy / "config.json").open("a") as file:
        file.write(" ")
    assert other.card.spec != planned.spec


def test_without_a_choice_it_says_what_to_choose(tmp_path: Path) -> None:
    model = chosen("")
    assert "set transcriber" in model.card.missing
    assert model.card.spec.weights == "missing"
    for ask in (model.load, lambda: model.fetch(print)):
        with pytest.raises(ModelLoadFailed, match="nothing hears") as caught:
            ask()
        assert "set transcriber" in caught.value.cure
    with pytest.raises(ModelLoadFailed, match="before it is loaded"):
        tell(model, tmp_path / "film.mp4")


@pytest.mark.parametrize("size", SIZES)
def test_a_size_that_is_not_there_is_asked_for_by_name(tmp_path: Path, size: str) -> None:
    model = chosen(size, weights=str(tmp_path), offline=True)
    assert "model.bin" in model.card.missing
    assert model.card.revision == SIZES[size].revision
    for ask in (model.load, lambda: model.fetch(print)):
        with pytest.raises(WeightsMissing, match=f"video-transcript/{size}: model.bin") as caught:
            ask()
        assert SIZES[size].repository in caught.value.cure
    assert list(tmp_path.iterdir()) == [], "offline, nothing was begun"


def test_a_size_that_somebody_put_there(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "video-transcript" / "large-v3"
    shutil.copytree(folder, target)
    (target / "preprocessor_config.json").write_text('{"feature_size": 80}')
    model = chosen("large-v3", weights=str(tmp_path), offline=True)
    assert model.card.missing == ""
    model.fetch(print)
    model.load()


@pytest.mark.parametrize("missing", ["model.bin", "config.json", "tokenizer.json", "vocabulary.json"])
def test_a_folder_that_lacks_a_file(folder: Path, tmp_path: Path, missing: str) -> None:
    """Without a tokenizer faster-whisper would fetch one: that is not left to it."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / missing).unlink()
    named = "vocabulary.txt" if missing == "vocabulary.json" else missing
    for ask in (chosen(str(copy)).load, lambda: chosen(str(copy)).fetch(print)):
        with pytest.raises(WeightsMissing, match=named) as caught:
            ask()
        assert "ct2-transformers-converter" in caught.value.cure


@pytest.mark.parametrize(
    ("file", "content"),
    [("model.bin", b"no weights"), ("model.bin", b""), ("tokenizer.json", b"{}"), ("config.json", b"{")],
)
def test_a_folder_that_holds_something_else(folder: Path, tmp_path: Path, file: str, content: bytes) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / file).write_bytes(content)
    with pytest.raises(WeightsRefused, match="holds no Whisper"):
        chosen(str(copy)).load()


def test_weights_that_changed_since_the_plan(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = chosen(str(folder), cache=str(tmp_path))
    planned = replace(model.card.spec, weights="0" * 64)
    monkeypatch.setattr(VideoTranscript, "_spec", lambda _: planned)
    with pytest.raises(WeightsRefused, match="changed since the run was planned"):
        model.load()


def test_devices_and_precisions(folder: Path, tmp_path: Path) -> None:
    chosen(str(folder), cache=str(tmp_path), precision="float32").load()
    apple = VideoTranscript()
    apple.configure(ModelChoices(transcriber=str(folder), cache=str(tmp_path), device="mps"))
    apple.load()
    with pytest.raises(ModelLoadFailed, match="does not compute with float3") as caught:
        chosen(str(folder), cache=str(tmp_path), precision="float3").load()
    assert caught.value.cure == "set precision to auto"
    lost = VideoTranscript()
    lost.configure(ModelChoices(transcriber=str(folder), cache=str(tmp_path), device="cuda:99"))
    with pytest.raises(ModelLoadFailed, match="the setting device is cuda:99"):
        lost.load()


def test_segments_are_ordered_and_never_negative(model: VideoTranscript, tmp_path: Path) -> None:
    film = video_with_sound(tmp_path / "film.mkv", np.concatenate([babble(2), silence(1), babble(2, seed=5)]))
    found: tuple[Segment, ...] = tell(model, film).segments
    assert found
    assert all(0 <= segment.start <= segment.end <= 8 for segment in found)
    assert list(found) == sorted(found, key=lambda segment: segment.start)
