"""A whole installation whose catalogue is on a server: scanned, embedded, retried, listed, killed and resumed."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from reprise.core.listing import Filters, SortBy, Sorting
from reprise.core.plan import Wanted
from tests.harness import read_until, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness import Home


@pytest.fixture
def on_server(home: Home, migrated: Callable[[], str]) -> Home:
    home.environment |= {"REPRISE_CATALOGUE_URL": migrated(), "REPRISE_LEASE_SECONDS": "10"}
    return home


def test_a_run_from_the_scan_to_the_listing(on_server: Home) -> None:
    home = on_server
    home.add_many(10)
    home.add("odd", "bad", content="raise")
    ran = home.run_here("null")
    assert ran.finished.operations == {"total": 12, "done": 10, "skipped": 0, "failed": 2}
    home.assert_sound()
    assert not (home.state / "catalogue.sqlite").exists()
    assert home.failures() == {"odd": "model_failed", "bad": "model_failed"}
    with home.app() as app:
        catalogue, owner = app.catalogue(), app.owner
        while catalogue.listing.take_over(5):
            pass
        page = catalogue.listing.page(owner, Filters(words="t00"), Sorting(SortBy.PATH), limit=5)
        assert len(page.ids) == 5
        assert page.after is not None
        assert catalogue.listing.count(owner, Filters()) == 12
        assert [job.state for job in catalogue.jobs.all(owner, 10)] == [ran.finished.state]
    home.add("odd", content="mended")
    again = home.run_here("null", wanted=Wanted.FAILED)
    assert (again.finished.operations["done"], again.finished.operations["failed"]) == (1, 1)
    assert len(home.stored()) == 11


def test_a_run_that_was_killed_is_taken_up_again(on_server: Home) -> None:
    home = on_server
    home.add_many(60)
    pace = {"PLUGIN_MODELS_SECONDS": "0.02", "REPRISE_COMMIT_SECONDS": "0.1"}
    process = home.start("embed", str(home.music), **pace)
    with process:
        read_until(process, "progress")
        process.send_signal(signal.SIGKILL)
        process.communicate()
    # Nobody can tell on another machine that it is dead: its locks hold until they lapse.
    wait_for(lambda: home.embed("--model", "null").code == 0)
    assert len(home.stored()) == 60
    home.assert_sound()
