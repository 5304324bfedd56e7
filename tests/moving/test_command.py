"""``reprise move`` as people run it: what it prints, what it writes, and that nothing is left to do afterwards."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.servers.postgres import PASSWORD

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Home


def test_embedded_work_is_done_on_the_servers_too_and_search_answers_the_same(home: Home, url: str) -> None:
    home.add_many(12)
    assert home.embed("--model", "null").code == 0
    assert home.embed("--model", "null", "--owner", "anne").code == 0
    before = home.run("similar", "t0003.mp3", "--model", "null").events
    address = home.folder / "address.txt"
    address.write_text(url + "\n")

    planned = home.run("move", "--to-catalogue", f"@{address}", "--to-store", "pgvector", "--dry-run")
    assert planned.code == 0
    assert planned.last["state"] == "empty"
    rows = {part["part"]: part["rows"] for part in planned.last["parts"]}
    assert rows["table items"] == 24
    assert sum(count for name, count in rows.items() if name.startswith("vectors ")) == 24

    moved = home.run("move", "--to-catalogue", f"@{address}", "--to-store", "pgvector", "--switch")
    assert moved.code == 0, moved.stderr
    assert moved.events[0]["event"] == "move_started"
    assert moved.last["event"] == "move_finished"
    assert moved.last["state"] == "completed"
    assert moved.last["settings"]["store"] == "pgvector"
    assert all(event["equal"] for event in moved.named("move_compared"))
    assert quote(PASSWORD, safe="") not in str(moved.events)
    config = home.state / "config.toml"
    assert url in config.read_text()
    assert stat.S_IMODE(config.stat().st_mode) == 0o600

    for owner in ("default", "anne"):
        again = home.embed("--model", "null", "--owner", owner)
        assert again.code == 0, again.stderr
        assert again.last["operations"]["done"] == 0
    assert home.computed() == {f"t{n:04d}.mp3": 2 for n in range(12)}
    after = home.run("similar", "t0003.mp3", "--model", "null").events
    assert matches(after) == matches(before)


def matches(events: list[dict[str, object]]) -> list[tuple[object, ...]]:
    """Paths and scores; exact stores may differ in the last digits of a float32."""
    return [
        (event["path"], round(float(str(event["score"])), 5)) for event in events if event["event"] == "match"
    ]


def test_a_wrong_target_is_an_error_line_and_exit_code_2(source: Path, home: Home) -> None:
    bad = home.run("move", "--home", str(source), "--to-catalogue", "postgresql://a:secret@127.0.0.1:1/x")
    assert bad.code == 2
    assert bad.last["event"] == "error"
    assert bad.last["code"] == "catalogue_away"
    assert "secret" not in bad.stderr + str(bad.last)
    nothing = home.run("move", "--home", str(source))
    assert nothing.code == 2
    assert "--to-catalogue" in nothing.last["cure"]


def test_verify_only_tells_that_both_sides_are_equal(source: Path, home: Home, url: str) -> None:
    where = ("--home", str(source), "--to-catalogue", url, "--to-store", "pgvector")
    early = home.run("move", *where, "--verify-only")
    assert early.code == 2
    assert early.last["message"].startswith("nothing was moved to")
    assert home.run("move", *where).code == 0
    verified = home.run("move", *where, "--verify-only")
    assert verified.code == 0
    assert {event["equal"] for event in verified.named("move_compared")} == {True}
