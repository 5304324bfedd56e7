"""Descriptions: what is said of a track, by whom, and the vector of it."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer

from reprise.core.choices import ModelChoices
from reprise.core.cuts import Cut
from reprise.core.ports import Described, TextModel
from reprise.core.records import KnownFile
from reprise.core.spec import fingerprint
from reprise.errors import (
    BadDescription,
    ModelLoadFailed,
    NoDescription,
    Silent,
    TooShort,
    WeightsMissing,
    WeightsRefused,
)
from reprise.media.decode import AudioFile
from reprise.models.description import PUBLISHED, Description, array_to_words, words_to_array
from reprise.models.description_captions import PROMPT
from reprise.models.registry import load_model
from tests.models.chat_server import CAPTION, ChatServer, Reply, chat_server
from tests.models.checkpoints import make_text_model
from tests.models.hub_server import local_hub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tests.harness import Home

    Floats = NDArray[np.float32]

KEY = "sk-a-secret-of-the-test"
QUIET = "Slow, quiet piano and a warm cello."
LOUD = "Fast black metal with blast drums, sung loud."
LONG = " ".join([QUIET, LOUD] * 6)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as serving:
        yield serving


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    make_text_model(folder / "description")
    return folder


def described(weights: Path, **choices: Any) -> Description:
    model = Description()
    model.configure(ModelChoices(weights=str(weights), device="cpu", **choices))
    return model


# the text model


def independent(folder: Path, texts: list[str], pooling: str) -> Floats:
    """All texts in one padded batch, by transformers' own loading: what the cards of such models recommend."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    network = AutoModel.from_pretrained(folder).eval()
    batch = tokenizer(texts, padding=True, truncation=True, max_length=24, return_tensors="pt")
    with torch.no_grad():
        states = network(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]
        ).last_hidden_state
    mask = batch["attention_mask"][..., None].float()
    if pooling == "mean":
        vectors = (states * mask).sum(1) / mask.sum(1)
    else:
        vectors = states[:, 0 if pooling == "first" else -1]  # padded on the left for the last token
    array: Floats = (vectors / vectors.norm(dim=1, keepdim=True)).numpy()
    return array


@pytest.mark.parametrize(
    ("kind", "mode", "pooling"),
    [
        ("bert", "mean_tokens", "mean"),
        ("xlm-roberta", "cls_token", "first"),
        ("qwen3", "lasttoken", "last"),
    ],
)
def test_vectors_equal_those_of_a_padded_batch(tmp_path: Path, kind: str, mode: str, pooling: str) -> None:
    folder = make_text_model(tmp_path / "description", kind=kind, pooling=mode)
    model = described(tmp_path)
    model.load()
    texts = [QUIET, LOUD, LONG, "Piano."]
    found = model.encode([words_to_array(text) for text in texts])
    assert found.shape == (4, 32)
    np.testing.assert_allclose(
        found, independent(folder, [f"passage: {text}" for text in texts], pooling), atol=1e-5
    )
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-6)
    assert min(np.abs(one - other).max() for one, other in itertools.combinations(found, 2)) > 0.01
    query = model.encode_text("slow piano")
    np.testing.assert_allclose(query, independent(folder, ["query: slow piano"], pooling)[0], atol=1e-5)


def test_a_query_loads_no_more_than_the_text_model(weights: Path) -> None:
    model = load_model("description", ModelChoices(weights=str(weights), device="cpu"))
    assert isinstance(model, TextModel)
    assert model.card.reads_text
    model.load_text()
    assert model.encode_text("calm").shape == (32,)


def test_many_at_once_are_as_one_by_one(weights: Path) -> None:
    model = described(weights)
    model.load()
    prepared = [words_to_array(text) for text in (QUIET, LONG, LOUD)]
    alone = np.stack([model.encode([one])[0] for one in prepared])
    np.testing.assert_allclose(model.encode(prepared), alone, atol=1e-5)


def test_a_head_is_left_out(tmp_path: Path) -> None:
    """The vectors of a language model's body are those of the same body saved alone."""
    headed = make_text_model(tmp_path / "headed" / "description", kind="bert-with-head")
    body = {
        name.removeprefix("bert."): tensor
        for name, tensor in load_file(headed / "model.safetensors").items()
        if name.startswith("bert.")
    }
    alone = make_text_model(tmp_path / "alone" / "description")
    save_file(body, alone / "model.safetensors")
    models = [described(tmp_path / name) for name in ("headed", "alone")]
    for model in models:
        model.load()
    first, second = (model.encode([words_to_array(QUIET)]) for model in models)
    np.testing.assert_array_equal(first, second)


def test_prompts_of_the_folder_are_obeyed(tmp_path: Path) -> None:
    folder = make_text_model(tmp_path / "description")
    before = described(tmp_path).card.spec
    prompts = {"prompts": {"query": "dark ", "document": "warm "}, "default_prompt_name": None}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    model = described(tmp_path)
    model.load()
    expected = independent(folder, ["warm piano", "dark piano"], "mean")
    np.testing.assert_allclose(model.encode([words_to_array("piano")])[0], expected[0], atol=1e-5)
    np.testing.assert_allclose(model.encode_text("piano"), expected[1], atol=1e-5)
    assert fingerprint(model.card.spec) != fingerprint(before)


def test_half_precision_stays_close(tmp_path: Path) -> None:
    make_text_model(tmp_path / "description")
    vectors = []
    for precision in ("float32", "bfloat16"):
        model = described(tmp_path, precision=precision)
        model.load()
        vectors.append(model.encode([words_to_array(text) for text in (QUIET, LOUD)]))
    exact, half = vectors
    assert (exact * half).sum(axis=1).min() > 0.999
    assert not np.array_equal(exact, half)


def test_words_survive_the_way_between_processes() -> None:
    words = "Qawwali — قوّالی, 7/8, naïve 🎻"
    assert array_to_words(words_to_array(words)) == words
    assert words_to_array(words).dtype == np.float32


# the card and what makes vectors stale


def test_the_card(weights: Path, tmp_path: Path) -> None:
    card = described(weights).card
    assert (card.spec.dimension, card.spec.pooling, card.missing) == (32, "mean", "")
    assert (card.licence, card.commercial_use) == ("MIT", True)
    absent = described(tmp_path)
    assert absent.card.spec.dimension == 384
    assert absent.card.missing == "model.safetensors, config.json, tokenizer.json, 1_Pooling/config.json"
    with pytest.raises(WeightsMissing):
        absent.load()


def test_what_makes_vectors_stale(weights: Path, tmp_path: Path) -> None:
    make_text_model(tmp_path / "description", seed=32)

    def print_of(folder: Path, **choices: str) -> str:
        return fingerprint(described(folder, **choices).card.spec)

    one = print_of(weights, endpoint="http://one/v1", endpoint_model="listener")
    assert one == print_of(weights, endpoint="http://two/v1", endpoint_model="listener", endpoint_key=KEY)
    others = {
        print_of(weights, endpoint="http://one/v1", endpoint_model="another"),
        print_of(weights),
        print_of(tmp_path, endpoint="http://one/v1", endpoint_model="listener"),
    }
    assert len(others | {one}) == 4


def test_the_folder_comes_from_a_hub(weights: Path, tmp_path: Path) -> None:
    """Two of its files have one name, in two folders."""
    source = weights / "description"
    files = {name: (source / name).read_bytes() for name in PUBLISHED.files}
    with local_hub(files) as hub:
        model = described(tmp_path / "fetched", hub=hub.address, cache=str(tmp_path / "cache"))
        told: list[str] = []
        model.fetch(told.append)
    assert "MIT" in told[0]
    model.load()
    assert model.card.spec == described(weights).card.spec


# weights that are refused


def settings_of(path: Path, **changed: Any) -> str:
    return json.dumps(json.loads(path.read_text()) | changed)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("1_Pooling/config.json", '{"pooling_mode_max_tokens": true}', "pooling_mode_max_tokens; known are"),
        (
            "1_Pooling/config.json",
            '{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}',
            "pooling_mode_cls_token, pooling_mode_mean_tokens",
        ),
        ("1_Pooling/config.json", "{}", "no pooling"),
        ("tokenizer.json", "{}", "tokenizer.json is no tokenizer"),
        ("config.json", '{"model_type": "unheard-of", "hidden_size": 32}', "no network that is known"),
        ("config.json", '{"hidden_size": "wide"}', "hidden_size is 'wide'"),
        ("modules.json", '[{"type": "sentence_transformers.models.Dense"}]', "asks for Dense"),
        ("modules.json", "{", "lists no modules"),
        ("model.safetensors", "no tensors at all", "model.safetensors"),
    ],
)
def test_a_folder_of_another_thing_is_refused(tmp_path: Path, name: str, content: str, reason: str) -> None:
    folder = make_text_model(tmp_path / "description")
    (folder / name).write_text(content)
    with pytest.raises(WeightsRefused, match=reason):
        described(tmp_path).load()


def test_weights_of_another_size_are_refused(tmp_path: Path) -> None:
    folder = make_text_model(tmp_path / "description")
    config = folder / "config.json"
    config.write_text(settings_of(config, num_hidden_layers=3))
    with pytest.raises(WeightsRefused, match=r"missing: encoder\.layer\.2"):
        described(tmp_path).load()
    config.write_text(settings_of(config, num_hidden_layers=2, intermediate_size=64))
    with pytest.raises(WeightsRefused, match="of another shape"):
        described(tmp_path).load()


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = make_text_model(tmp_path / "description") / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsRefused, match=r"model\.safetensors"):
        described(tmp_path).load()


# words from beside the track


def write_song(path: Path, seconds: float = 3.0, rate: int = 22_050, level: float = 0.2) -> Path:
    """A stereo WAV whose left rises and whose right falls."""
    time_axis = np.arange(int(seconds * rate)) / rate
    left = level * np.sin(2 * np.pi * (200 + 20 * time_axis) * time_axis)
    right = level * np.sin(2 * np.pi * (900 - 5 * time_axis) * time_axis)
    samples = np.stack([left, right]).astype(np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_f32le", rate=rate, layout="stereo")
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples.T.reshape(1, -1)), format="flt", layout="stereo"
        )
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_a_supplied_text_is_taken_and_nobody_is_asked(
    weights: Path, tmp_path: Path, server: ChatServer
) -> None:
    song = write_song(tmp_path / "01 Song.wav")
    model = described(weights, endpoint=server.address, endpoint_model="listener")
    for content in (QUIET.encode(), b"\xef\xbb\xbf" + f"\n  {QUIET} \r\n".encode()):
        (tmp_path / "01 Song.description.txt").write_bytes(content)
        audio = AudioFile(str(song), 16_000)
        assert isinstance(audio, Described)
        assert array_to_words(model.prepare(audio)) == QUIET
    assert server.heard == []
    first_second = Cut(number=1, start=0, end=75).path_in(os.fsencode(song))
    assert AudioFile(first_second, 16_000).description() is None, (
        "what describes a file describes none of its parts"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("größer".encode("latin-1"), "song.description.txt is not UTF-8: byte 2"),
        (b"a" * 65_537, "song.description.txt is larger than 64 KiB"),
        (None, "song.description.txt is not a regular file"),
    ],
)
def test_a_bad_text_is_told(weights: Path, tmp_path: Path, content: bytes | None, reason: str) -> None:
    song = write_song(tmp_path / "song.wav")
    beside = tmp_path / "song.description.txt"
    if content is None:
        os.mkfifo(beside)
    else:
        beside.write_bytes(content)
    with pytest.raises(BadDescription, match=reason):
        described(weights).prepare(AudioFile(str(song), 16_000))


@pytest.mark.parametrize("content", [None, b"", b" \n"])
def test_without_words_and_without_an_endpoint_there_is_no_vector(
    weights: Path, tmp_path: Path, content: bytes | None
) -> None:
    song = write_song(tmp_path / "song.wav")
    if content is not None:
        (tmp_path / "song.description.txt").write_bytes(content)
    with pytest.raises(NoDescription) as caught:
        described(weights).prepare(AudioFile(str(song), 16_000))
    assert "endpoint" in caught.value.cure
    assert ".description.txt" in caught.value.cure


# words from an endpoint


def test_the_endpoint_hears_the_track(weights: Path, tmp_path: Path, server: ChatServer) -> None:
    song = write_song(tmp_path / "song.wav", seconds=61.0)
    model = described(weights, endpoint=f"{server.address}/v1/", endpoint_model="listener", endpoint_key=KEY)
    assert array_to_words(model.prepare(AudioFile(str(song), 16_000))) == CAPTION
    (heard,) = server.heard
    assert heard.path == "/v1/chat/completions"
    assert heard.headers["Authorization"] == f"Bearer {KEY}"
    assert heard.headers["Content-Type"] == "application/json"
    assert (heard.body["model"], heard.body["temperature"], heard.body["max_tokens"]) == ("listener", 0, 512)
    assert heard.body["messages"][0]["role"] == "user"
    assert heard.body["messages"][0]["content"][0] == {"type": "text", "text": PROMPT}
    rate, sound = heard.sound()
    whole = np.concatenate(list(AudioFile(str(song), 16_000).blocks()))
    middles = [len(whole) * part // 6 for part in (1, 3, 5)]
    places = np.concatenate([whole[middle - 80_000 : middle + 80_000] for middle in middles])
    assert (rate, len(sound)) == (16_000, 480_000)
    np.testing.assert_allclose(sound, places, atol=1.01 / 32_767)


def test_an_endpoint_without_a_key_gets_none(weights: Path, tmp_path: Path, server: ChatServer) -> None:
    model = described(weights, endpoint=server.address, endpoint_model="listener")
    model.prepare(AudioFile(str(write_song(tmp_path / "song.wav")), 16_000))
    assert "Authorization" not in server.heard[0].headers


def test_what_cannot_be_heard_is_not_sent(weights: Path, tmp_path: Path, server: ChatServer) -> None:
    model = described(weights, endpoint=server.address, endpoint_model="listener")
    with pytest.raises(TooShort):
        model.prepare(AudioFile(str(write_song(tmp_path / "short.wav", seconds=0.2)), 16_000))
    with pytest.raises(Silent):
        model.prepare(AudioFile(str(write_song(tmp_path / "silent.wav", level=0.0)), 16_000))
    assert server.heard == []


def test_an_endpoint_that_cannot_be_right_keeps_the_model_from_loading(weights: Path) -> None:
    with pytest.raises(ModelLoadFailed, match="endpoint_model is empty"):
        described(weights, endpoint="http://localhost:1").load()
    with pytest.raises(ModelLoadFailed, match="is no address: 'localhost:8000'"):
        described(weights, endpoint="localhost:8000", endpoint_model="listener").load()
    for key in ("sk-\nsecret", "sk-sécret"):
        with pytest.raises(ModelLoadFailed, match="endpoint_key holds characters") as caught:
            described(weights, endpoint="http://host", endpoint_model="listener", endpoint_key=key).load()
        assert "cret" not in caught.value.message


# the whole way


def described_home(home: Home, server: ChatServer) -> dict[str, str]:
    make_text_model(home.folder / "weights" / "description")
    return {
        "REPRISE_WEIGHTS": str(home.folder / "weights"),
        "REPRISE_DEVICE": "cpu",
        "REPRISE_OFFLINE": "true",
        "REPRISE_ENDPOINT": f"{server.address}/v1",
        "REPRISE_ENDPOINT_MODEL": "listener",
        "REPRISE_ENDPOINT_KEY": KEY,
        "REPRISE_WORKERS": "1",
    }


def stored_vectors(home: Home) -> dict[str, Floats]:
    """By the track's name."""
    space = home.space("description")
    with home.app() as app:
        (library,) = app.catalogue().libraries.all("default")
        files = [KnownFile(*row) for row in app.catalogue().items.files("default", library.id)]
        names = {file.item_id: Path(os.fsdecode(file.path)).stem for file in files}
        found = app.store.get("default", space.name, list(names))
        return {names[key]: vector for key, vector in found.items()}


def expected_vectors(home: Home, *texts: str) -> Floats:
    folder = home.folder / "weights" / "description"
    return independent(folder, [f"passage: {text}" for text in texts], "mean")


def test_a_library_is_described_by_an_endpoint_and_by_its_owner(home: Home, server: ChatServer) -> None:
    variables = described_home(home, server)
    for name in ("heard", "written"):
        write_song(home.music / f"{name}.wav")
    (home.music / "written.description.txt").write_text(QUIET)
    outcome = home.embed("--model", "description", **variables)
    assert outcome.code == 0, outcome.stderr
    assert outcome.last["operations"]["done"] == 2
    assert len(server.heard) == 1
    assert server.heard[0].headers["Authorization"] == f"Bearer {KEY}"
    assert KEY not in json.dumps(outcome.events) + outcome.stderr
    vectors = stored_vectors(home)
    heard, written = expected_vectors(home, CAPTION, QUIET)
    np.testing.assert_allclose(vectors["heard"], heard, atol=1e-5)
    np.testing.assert_allclose(vectors["written"], written, atol=1e-5)


@pytest.mark.long
def test_a_changed_text_is_taken_up_with_force_only(home: Home, server: ChatServer) -> None:
    """As docs/models.md says: the text beside a track is no part of the content that a scan compares."""
    variables = described_home(home, server)
    del variables["REPRISE_ENDPOINT"]
    for name in ("bare", "written"):
        write_song(home.music / f"{name}.wav")
    beside = home.music / "written.description.txt"
    beside.write_text(QUIET)
    outcome = home.embed("--model", "description", **variables)
    assert outcome.code == 1, outcome.stderr
    assert home.failures() == {"bare": "no_description"}
    assert list(stored_vectors(home)) == ["written"]
    beside.write_text(LOUD)
    again = home.embed("--model", "description", **variables)
    assert again.last["operations"]["done"] == 0
    home.embed("--model", "description", "--force", **variables)
    np.testing.assert_allclose(stored_vectors(home)["written"], expected_vectors(home, LOUD)[0], atol=1e-5)
    assert server.heard == []


@pytest.mark.long
def test_a_lost_endpoint_ends_the_model_and_loses_no_work(home: Home, server: ChatServer) -> None:
    """The rows stay open, so that the same command goes on once the key is right."""
    variables = described_home(home, server)
    for name in ("a", "b", "c"):
        write_song(home.music / f"{name}.wav")
    server.replies = [Reply(), Reply(status=401, body=b"no such key")]
    outcome = home.embed("--model", "description", **variables)
    assert outcome.code != 0
    told = json.dumps(outcome.events) + outcome.stderr
    assert "answers 401: no such key" in told
    assert KEY not in told
    assert home.failures() == {}
    server.replies = [Reply()]
    again = home.embed("--model", "description", **variables)
    assert again.code == 0, again.stderr
    assert set(stored_vectors(home)) == {"a", "b", "c"}
