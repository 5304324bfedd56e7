"""Weights: what is read, what is refused, and how they come from a hub."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import save, save_file

from reprise.core.choices import ModelChoices
from reprise.errors import RepriseError, WeightsMissing, WeightsRefused
from reprise.models import hub as hub_module
from reprise.models.remembered import Digests, Remembered
from reprise.models.weights import MISSING, Published, Weights, read_tensors
from tests.models.hub_server import COMMIT, LocalHub, local_hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PUBLISHED = Published(
    repository="Somebody/tiny",
    revision="main",
    files=("model.safetensors", "config.json"),
    licence="CC-BY-NC-4.0",
    commercial_use=False,
    size_mb=1_300,
)
TENSORS = {"layer.weight": torch.arange(400_000, dtype=torch.float32)}


class Malice:
    """Unpickled by a careless reader, this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.path),))


def chosen(tmp_path: Path, **more: Any) -> ModelChoices:
    return ModelChoices(
        weights=str(tmp_path / "weights"), cache=str(tmp_path / "cache"), hub_timeout=0.6, **more
    )


def put(weights: Weights, files: dict[str, bytes]) -> None:
    weights.folder.mkdir(parents=True)
    for name, content in files.items():
        (weights.folder / name).write_bytes(content)


@pytest.fixture
def files() -> dict[str, bytes]:
    return {"model.safetensors": save(TENSORS), "config.json": json.dumps({"hidden_size": 8}).encode()}


@pytest.fixture
def hub(files: dict[str, bytes]) -> Iterator[LocalHub]:
    with local_hub(files) as running:
        yield running


# --- reading


@pytest.mark.parametrize(
    ("name", "entry"), [("a.safetensors", ""), ("a.pt", ""), ("a.bin", ""), ("a.pt", "generator")]
)
def test_tensors_come_back_as_they_were_saved(tmp_path: Path, name: str, entry: str) -> None:
    if name.endswith("safetensors"):
        save_file(TENSORS, tmp_path / name)
    else:
        torch.save({entry: TENSORS, "step": 7} if entry else TENSORS, tmp_path / name)
    found = read_tensors(tmp_path / name, entry)
    assert list(found) == list(TENSORS)
    assert torch.equal(found["layer.weight"], TENSORS["layer.weight"])


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt"])
@pytest.mark.parametrize("kept", [0, 5, 100, 0.5, 0.999])
def test_a_truncated_file_is_refused_by_name(tmp_path: Path, name: str, kept: float) -> None:
    path = tmp_path / name
    if name.endswith("safetensors"):
        save_file(TENSORS, path)
    else:
        torch.save(TENSORS, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept if kept == int(kept) else kept * len(content))])
    with pytest.raises(WeightsRefused, match=r"truncated|damaged") as caught:
        read_tensors(path)
    assert str(path) in caught.value.message
    assert caught.value.cure


@pytest.mark.parametrize("kind", ["torch.save", "pickle", "old torch.save", "renamed to safetensors"])
def test_pickled_code_is_refused_and_not_run(tmp_path: Path, kind: str) -> None:
    mark = tmp_path / "executed"
    path = tmp_path / ("weights.safetensors" if kind.startswith("renamed") else "weights.bin")
    if kind == "pickle" or kind.startswith("renamed"):
        path.write_bytes(pickle.dumps({"a": Malice(mark)}))
    else:
        new = kind == "torch.save"
        torch.save({"a": Malice(mark)}, path, _use_new_zipfile_serialization=new)
    with pytest.raises(WeightsRefused) as caught:
        read_tensors(path)
    assert not mark.exists()
    assert str(path) in caught.value.message
    assert "weights_only" not in caught.value.message, "nobody is told to load it all the same"
    if kind == "pickle":
        pickle.loads(path.read_bytes())
        assert mark.exists(), "the file is what it is said to be: a careless reader runs it"


@pytest.mark.parametrize(
    "content", [{"a": 1, "b": TENSORS["layer.weight"]}, {}, [TENSORS["layer.weight"]], 5]
)
def test_something_else_than_tensors_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(WeightsRefused, match=r"a\.pt"):
        read_tensors(tmp_path / "a.pt")


def test_a_missing_file_and_a_missing_entry(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"a\.pt is not there"):
        read_tensors(tmp_path / "a.pt")
    torch.save({"generator": TENSORS}, tmp_path / "a.pt")
    with pytest.raises(WeightsRefused, match="'encoder', holds no tensors"):
        read_tensors(tmp_path / "a.pt", "encoder")


# --- digests


def test_the_digest_is_of_names_and_contents(tmp_path: Path, files: dict[str, bytes]) -> None:
    weights = Weights("tiny", PUBLISHED, chosen(tmp_path))
    assert weights.digest() == MISSING
    put(weights, files)
    lines = [f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n" for name in PUBLISHED.files]
    assert weights.digest() == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert weights.checked(weights.digest()) == weights.folder


def test_a_file_is_read_once_for_each_of_its_states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"first")
    monkeypatch.setattr("reprise.models.remembered.RESTLESS_NS", -1)
    read = 0
    original = hashlib.file_digest

    def counting(*arguments: Any) -> Any:
        nonlocal read
        read += 1
        return original(*arguments)

    monkeypatch.setattr(hashlib, "file_digest", counting)
    digests = Digests(tmp_path / "cache" / "digests.json")
    first = digests.sha256(path)
    assert first == hashlib.sha256(b"first").hexdigest()
    assert Digests(tmp_path / "cache" / "digests.json").sha256(path) == first
    assert read == 1
    times = path.stat()
    path.write_bytes(b"other")  # as long as before, and with the old time set back
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert digests.sha256(path) == hashlib.sha256(b"other").hexdigest()
    assert read == 2


def test_a_file_that_has_just_changed_is_not_remembered(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"first")
    Digests(tmp_path / "digests.json").sha256(path)
    assert Remembered(tmp_path / "digests.json").get(str(path)) is None


@pytest.mark.parametrize("content", [b"", b"\xff{", b"[]", b'{"a": 5}', b"null"])
def test_a_damaged_memory_is_an_empty_one(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "facts.json"
    path.write_bytes(content)
    facts = Remembered(path)
    assert facts.get("b") is None
    facts.put("b", 7)
    assert Remembered(path).get("b") == 7


def test_a_memory_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "model.bin").write_bytes(b"x")
    digests = Digests(
        tmp_path / "file" / "digests.json"
    )  # below a file: nobody, not even root, can write there
    assert digests.sha256(tmp_path / "model.bin") == hashlib.sha256(b"x").hexdigest()


def test_a_file_of_sums_beside_the_weights_is_obeyed(tmp_path: Path, files: dict[str, bytes]) -> None:
    weights = Weights("tiny", PUBLISHED, chosen(tmp_path))
    put(weights, files)
    good = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    sums = weights.folder / "SHA256SUMS"
    sums.write_text(good)
    plain = weights.digest()
    sums.write_text(good.replace("  ", " *").upper().replace("MODEL.SAFETENSORS", "model.safetensors"))
    assert weights.digest() == plain
    (weights.folder / "model.safetensors").write_bytes(save({"other": torch.zeros(4)}))
    with pytest.raises(
        WeightsRefused, match=r"model\.safetensors has the sha256 .* SHA256SUMS beside it says"
    ):
        weights.digest()
    sums.write_text("no sum\n")
    with pytest.raises(WeightsRefused, match="SHA256SUMS, line 1"):
        weights.digest()


def test_weights_that_changed_after_the_plan_are_refused(tmp_path: Path, files: dict[str, bytes]) -> None:
    weights = Weights("tiny", PUBLISHED, chosen(tmp_path))
    put(weights, files)
    planned = weights.digest()
    (weights.folder / "config.json").write_bytes(b'{"hidden_size": 9}')
    with pytest.raises(WeightsRefused, match="changed since the run was planned"):
        weights.checked(planned)


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe\x00"])
def test_a_config_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    weights = Weights("tiny", PUBLISHED, chosen(tmp_path))
    assert weights.config() == {}
    put(weights, {"config.json": content})
    with pytest.raises(WeightsRefused, match=r"config\.json"):
        weights.config()


# --- fetching


def fetched(weights: Weights) -> list[str]:
    told: list[str] = []
    weights.fetch(told.append)
    return told


def test_a_checkpoint_comes_from_a_hub(tmp_path: Path, hub: LocalHub) -> None:
    weights = Weights("tiny", PUBLISHED, chosen(tmp_path, hub=hub.address))
    told: list[str] = []

    def hear(line: str) -> None:
        if not told:
            assert hub.requests == [], "the licence is said before anything moves"
        told.append(line)

    weights.fetch(hear)
    assert told[0] == (
        "tiny: weights are CC-BY-NC-4.0, for non-commercial use only; 1,300 MB from Somebody/tiny, revision main"
    )
    assert told[-1] == "tiny: 100% fetched, 2 of 2 MB"
    assert len(told) <= 14
    assert {path.name for path in weights.folder.iterdir()} - {".fetch.lock"} == {
        *PUBLISHED.files,
        "SHA256SUMS",
    }
    assert torch.equal(
        read_tensors(weights.folder / "model.safetensors")["layer.weight"], TENSORS["layer.weight"]
    )
    asked = [path for _, path, _ in hub.requests]
    assert asked[0] == "/Somebody/tiny/resolve/main/model.safetensors"
    assert asked[1] == f"/Somebody/tiny/resolve/{COMMIT}/config.json", "the second file is of the same commit"
    del hub.requests[:]
    assert fetched(weights) == []
    assert hub.requests == [], "what is there is not asked for"
    weights.digest()  # and agrees with the SHA256SUMS that was written


def test_large_files_lie_elsewhere_and_the_token_stays_with_the_hub(
    tmp_path: Path, hub: LocalHub, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.mood = "redirects"
    weights = Weights("tiny", PUBLISHED, chosen(tmp_path, hub=hub.address))
    fetched(weights)
    assert {name: (weights.folder / name).read_bytes() for name in files} == files
    assert set(hub.tokens) == {("127.0.0.1", "Bearer hf_secret"), ("localhost", "")}


def test_only_what_is_missing_is_fetched(tmp_path: Path, hub: LocalHub, files: dict[str, bytes]) -> None:
    weights = Weights("tiny", PUBLISHED, chosen(tmp_path, hub=hub.address))
    put(weights, {"model.safetensors": files["model.safetensors"]})
    fetched(weights)
    assert {path.rpartition("/")[2] for _, path, _ in hub.requests} == {"config.json"}


def test_a_download_that_broke_off_goes_on_where_it_stopped(
    tmp_path: Path, hub: LocalHub, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = Weights("tiny", PUBLISHED, chosen(tmp_path, hub=hub.address))
    monkeypatch.setattr(hub_module, "TRIES", 1)
    hub.mood = "half"
    with pytest.raises(WeightsMissing, match=r"model\.safetensors.*no connection") as caught:
        fetched(weights)
    assert "goes on where it stopped" in caught.value.cure
    part = weights.folder / "model.safetensors.part"
    came = part.stat().st_size
    assert 0 < came < len(files["model.safetensors"])
    assert weights.missing == PUBLISHED.files, "half a file never has the name of a whole one"
    hub.mood = "kind"
    del hub.requests[:]
    fetched(weights)
    assert ("GET", "/Somebody/tiny/resolve/main/model.safetensors", f"bytes={came}-") in hub.requests
    assert (weights.folder / "model.safetensors").read_bytes() == files["model.safetensors"]
    assert not part.exists()


def test_half_files_are_asked_for_again_within_one_call(tmp_path: Path, hub: LocalHub) -> None:
    weights = Weights("tiny", PUBLISHED, chosen(tmp_path, hub=hub.address))
    hub.mood = "half"
    with pytest.raises(WeightsMissing):
        fetched(weights)
    ranges = [asked for method, _, asked in hub.requests if method == "GET"]
    assert len(ranges) == hub_module.TRIES
    assert ranges[0] == ""
    assert all(asked.startswith("bytes=") for asked in ranges[1:])


def test_wrong_bytes_are_refused_and_deleted(tmp_path: Path, hub: LocalHub) -> None:
    weights = Weights("tiny", PUBLISHED, chosen(tmp_path, hub=hub.address))
    hub.mood = "wrong"
    with pytest.raises(WeightsRefused, match=r"other bytes for model\.safetensors than it announced"):
        fetched(weights)
    assert [path.name for path in weights.folder.iterdir() if path.name != ".fetch.lock"] == []


@pytest.mark.parametrize("mood", ["hangs", "hangs_later", "drips"])
def test_a_hub_that_hangs_ends_in_bounded_time(tmp_path: Path, hub: LocalHub, mood: str) -> None:
    weights = Weights("tiny", PUBLISHED, chosen(tmp_path, hub=hub.address))
    hub.mood = mood
    begun = time.monotonic()
    with pytest.raises(WeightsMissing, match=r"silent for 0\.6 s") as caught:
        fetched(weights)
    assert time.monotonic() - begun < 10
    assert str(weights.folder) in caught.value.cure
    assert "model.safetensors, config.json of Somebody/tiny, revision main" in caught.value.cure


def test_a_port_that_accepts_and_never_answers(tmp_path: Path) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(WeightsMissing, match="silent"):
            fetched(Weights("tiny", PUBLISHED, chosen(tmp_path, hub=address)))


@pytest.mark.parametrize(
    ("status", "reason"),
    [(404, "no such repository, revision or file"), (401, "refuses"), (403, "refuses"), (500, "answers 500")],
)
def test_a_hub_that_says_no(tmp_path: Path, hub: LocalHub, status: int, reason: str) -> None:
    hub.mood, hub.status = "refuses", status
    weights = Weights("tiny", PUBLISHED, chosen(tmp_path, hub=hub.address))
    with pytest.raises(WeightsMissing, match=reason) as caught:
        fetched(weights)
    assert caught.value.message.startswith("tiny: model.safetensors, config.json not in ")
    assert "HF_TOKEN" in caught.value.cure or reason != "refuses"


def test_no_connection(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(WeightsMissing, match="no connection to the model hub"):
        fetched(Weights("tiny", PUBLISHED, chosen(tmp_path, hub=address)))


def test_offline_says_what_to_put_where_and_asks_nobody(tmp_path: Path, hub: LocalHub) -> None:
    weights = Weights("tiny", PUBLISHED, chosen(tmp_path, hub=hub.address, offline=True))
    with pytest.raises(WeightsMissing, match="offline") as caught:
        fetched(weights)
    assert caught.value.cure == (
        f"put model.safetensors, config.json of Somebody/tiny, revision main, into {weights.folder}"
    )
    assert hub.requests == []


def test_a_disk_without_space_is_said_before_any_byte(
    tmp_path: Path, hub: LocalHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "SPARE_BYTES", 2**70)
    with pytest.raises(WeightsMissing, match=r"MB free, .* MB are needed"):
        fetched(Weights("tiny", PUBLISHED, chosen(tmp_path, hub=hub.address)))
    assert {method for method, _, _ in hub.requests} == {"HEAD"}


def test_a_folder_that_cannot_be_made(tmp_path: Path, hub: LocalHub) -> None:
    (tmp_path / "weights").write_bytes(b"a file is in the way")
    with pytest.raises(WeightsMissing, match="cannot be written"):
        fetched(Weights("tiny", PUBLISHED, chosen(tmp_path, hub=hub.address)))


def test_two_at_once_do_not_write_into_each_other(tmp_path: Path, hub: LocalHub) -> None:
    from filelock import FileLock

    weights = Weights("tiny", PUBLISHED, chosen(tmp_path, hub=hub.address))
    weights.folder.mkdir(parents=True)
    with FileLock(weights.folder / ".fetch.lock"), pytest.raises(WeightsMissing, match="another process"):
        fetched(weights)


def test_every_error_of_weights_has_a_cure(tmp_path: Path) -> None:
    with pytest.raises(RepriseError) as caught:
        Weights("tiny", PUBLISHED, chosen(tmp_path)).checked("x")
    assert str(tmp_path / "weights" / "tiny") in caught.value.cure
