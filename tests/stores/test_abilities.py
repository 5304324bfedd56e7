"""What a store says that it can do: on the page, in the command, and in truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from reprise.cli.main import cli
from reprise.core.store_abilities import facts
from reprise.known_settings import SETTINGS
from reprise.stores.abilities import all_abilities
from tests.servers.ports import free_port
from tests.stores.kinds import every_kind
from tests.stores.kinds.pgvector import server

if TYPE_CHECKING:
    from click.testing import Result

PAGE = Path(__file__).parents[2] / "docs" / "stores.md"
KINDS = every_kind()


def stores(home: Path, *arguments: str, **settings: str) -> Result:
    variables = {f"REPRISE_{name.upper()}": value for name, value in settings.items()}
    return CliRunner(env=variables).invoke(
        cli, ["stores", "--home", str(home), *arguments], standalone_mode=False
    )


def table() -> list[str]:
    """The rows that the page must hold: abilities down, stores across."""
    found = all_abilities()
    columns = [dict(facts(store)) for store in found]
    rows = [f"| | {' | '.join(store.name for store in found)} |", "|---" * (len(found) + 1) + "|"]
    rows.extend(f"| {name} | {' | '.join(column[name] for column in columns)} |" for name in columns[0])
    return rows


def test_the_page_has_the_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [row for row in table() if row not in page.splitlines()] == []


def test_every_store_that_can_be_chosen_says_what_it_can_do() -> None:
    choices = next(row.choices for row in SETTINGS if row.name == "store")
    assert choices is not None
    assert {store.setting for store in all_abilities()} == set(choices)


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_store_says_is_in_the_table(kind: str, tmp_path: Path) -> None:
    with KINDS[kind](tmp_path) as store:
        assert store.abilities in all_abilities() or not store.abilities.setting


def test_the_command_tells_the_default_and_that_it_answers(tmp_path: Path) -> None:
    told = stores(tmp_path)
    assert told.return_value == 0
    assert "embedded: in use, and it answers" in told.output
    assert "zvec" in told.output
    assert "pgvector" in told.output


def test_a_server_that_answers_is_told_to_scripts(tmp_path: Path) -> None:
    told = stores(tmp_path, "--json", store="pgvector", store_url=server().database())
    assert told.return_value == 0
    lines = [json.loads(line) for line in told.output.splitlines()]
    assert [(line["name"], line["answers"]) for line in lines if line["in_use"]] == [("pgvector", True)]
    assert {line["swap"] for line in lines} == {"the pointer in our catalogue"}
    assert all(line["answers"] is None for line in lines if not line["in_use"])


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://ada:SECRET@127.0.0.1:{port}/x", "does not answer"),
        ("nonsense SECRET", "no address"),
        ("", "does not say where"),
    ],
)
def test_one_that_does_not_answer_is_told_with_its_cure(tmp_path: Path, url: str, said: str) -> None:
    where = url.format(port=free_port())
    told = stores(tmp_path, store="pgvector", store_url=where)
    assert told.return_value == 1
    assert "in use, and" in told.output
    assert said in " ".join(told.output.split())
    assert "cure:" in told.output
    assert "SECRET" not in told.output
    line = next(
        json.loads(line)
        for line in stores(tmp_path, "--json", store="pgvector", store_url=where).output.splitlines()
        if json.loads(line)["in_use"]
    )
    assert line["answers"] is False
    assert line["cure"]
