"""``reprise doctor --try``: the whole way on this machine, in one command."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.harness import Home


def test_the_whole_way_is_played_and_nothing_of_the_user_is_touched(home: Home) -> None:
    done = home.run("doctor", "--try")
    findings = {finding["check"]: finding for finding in done.events}
    assert done.code == 0, done.events
    assert list(findings) == ["server", "library", "first scan", "new file", "broken file", "health", "end"]
    assert "socket removed" in findings["end"]["fact"]
    assert not list(home.state.glob("**/*.sqlite"))


def test_a_server_that_cannot_start_is_told(home: Home) -> None:
    long = home.folder / ("long" * 25)
    long.mkdir()
    done = home.run("doctor", "--try", TMPDIR=str(long))
    assert done.code == 1
    assert done.last["good"] is False
    assert "ended with exit code 2" in done.last["fact"]
