"""``reprise scenes`` as a user has it: words and persons without any model, what is told of the rest, bad input."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import Reprise
from tests.search.reel import Reel, Shot, towards

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Result


@pytest.fixture(scope="module")
def reprise(tmp_path_factory: pytest.TempPathFactory) -> Reprise:
    """A home with two videos and a person, without models of texts or of pictures that read."""
    folder: Path = tmp_path_factory.mktemp("scenes")
    reel = Reel(folder)
    with closing(reel.app):
        _, scenes = reel.film(
            "harbour.mp4",
            Shot(said="a red boat leaves", tags=("boat", "sea")),
            Shot(said="gulls over the pier"),
            Shot(description="a boat at night"),
        )
        reel.film("empty.mp4")
        reel.index(scenes)
        reel.person("Anna", towards(0))
        reel.embed("scene-persons", {reel.frames(scenes[1])[0]: towards(0, 0.9)})
    return Reprise(folder / "home")


def found(result: Result) -> list[int]:
    return [line["index"] for line in result.lines if line["event"] == "scene"]


def test_scenes_as_json(reprise: Reprise) -> None:
    result = reprise("scenes", "red", "boat", "--json")
    assert found(result) == [0]
    scene, told = result.event("scene"), result.event("scenes_found")
    assert (scene["video"], scene["start"], scene["end"], scene["tags"]) == (
        "harbour.mp4",
        0,
        10,
        ["boat", "sea"],
    )
    assert scene["channels"]["lexical"]["rank"] == 1
    assert (scene["match"], told["count"], told["query"]) == ("semantic", 1, "red boat")
    assert (told["spec_version"], told["weights"], told["degraded"]) == ("2026-11-21", {"lexical": 1.0}, {})
    assert {channel["name"]: channel["state"] for channel in told["channels"]} == {
        "transcript": "absent",
        "visual": "absent",
        "summary": "absent",
        "lexical": "answered",
        "image": "absent",
        "person": "unasked",
    }


def test_scenes_as_a_table_say_what_they_were_found_by_and_what_was_not_searched(reprise: Reprise) -> None:
    result = reprise("scenes", "boat", "--explain")
    assert "harbour.mp4" in result.out
    assert "0:00:00-0:00:10" in result.out
    assert "pipeline 2026-11-21" in result.out
    assert "lexical" in result.out
    assert "#2: score" in result.out
    assert result.err.startswith("not searched: transcript, visual, summary: ")
    assert "text_model" in result.err


def test_persons_and_limits(reprise: Reprise) -> None:
    answer = reprise("scenes", "person:Anna, pier", "--json")
    assert found(answer) == [1]
    assert answer.event("scenes_found")["persons"][0]["name"] == "Anna"
    assert answer.event("scenes_found")["weights"] == {"lexical": 0.35, "person": 0.65}
    assert len(found(reprise("scenes", "boat", "-n", 1, "--json"))) == 1
    assert found(reprise("scenes", "boat", "--video", answer.event("scene")["video_id"], "--json")) == [0, 2]
    assert found(reprise("scenes", "submarine", "--json")) == []


def test_weights_are_kept_when_asked(reprise: Reprise) -> None:
    reprise(
        "scenes",
        "boat",
        "--weights",
        "lexical=0.5, transcript=0.5",
        "--fusion",
        "rrf",
        "--owner",
        "else",
        "--json",
    )
    kept = reprise(
        "scenes",
        "boat",
        "--weights",
        "lexical=0.5, visual=0.5",
        "--fusion",
        "rrf",
        "--save-weights",
        "--json",
    )
    assert kept.event("scenes_found")["fusion"] == "rrf"
    assert reprise("scenes", "boat", "--json").event("scenes_found")["fusion"] == "rrf"
    reprise("scenes", "boat", "--weights", "lexical=1", "--fusion", "minmax", "--save-weights")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["boat", "--video", 999], "not_found", "there is no video 999"),
        (["boat", "--library", 999], "not_found", "999"),
        (["person:Zoe, boat"], "not_found", "no person 'Zoe'"),
        (["boat", "--weights", "smell=1"], "usage", "no channel 'smell'"),
        (["boat", "--weights", "visual=2"], "usage", "weight of visual is 2"),
        (["boat", "--weights", "visual"], "usage", "'visual' is no channel with a number"),
        (["boat", "--weights", ""], "usage", "no channel has a weight"),
        (["boat", "--fusion", "sum"], "usage", "sum"),
        (["boat", "-n", 101], "usage", "101"),
        (["x" * 1001], "usage", "1,001 characters"),
        ([" "], "usage", "empty"),
    ],
)
def test_bad_input_is_told(reprise: Reprise, arguments: list[object], code: str, said: str) -> None:
    told = reprise("scenes", *arguments, "--json", code=2).event("error")
    assert told["code"] == code
    assert said in told["message"]


def test_nothing_there_yet(tmp_path: Path) -> None:
    empty = Reprise(tmp_path / "home")
    assert empty("scenes", "boat", "--json", code=2).event("error")["code"] == "catalogue_missing"
