"""A house that follows its libraries and runs jobs, without HTTP around it."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest

from reprise.server.following import Follower
from reprise.server.house import House
from reprise.server.job_host import JobHost
from tests.harness import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tests.harness import Home

    Following = Callable[..., AbstractContextManager[Follower]]


@pytest.fixture
def following(home: Home) -> Following:
    """Follow with these settings; entered when every library has had its first scan."""

    @contextmanager
    def follow(**flags: object) -> Iterator[Follower]:
        chosen = {"watch": True, "scan_models": "null", "watch_delay": 0.2, "job_niceness": 0, **flags}
        with home.app(**chosen) as app:
            app.catalogue(create=True)
            house = House(app)
            follower = Follower(house)
            house.start([JobHost(house, lambda _job: None), follower])
            try:
                for library in app.catalogue().libraries.watched():
                    wait_for(partial(follower.followed(library).wait_scanned, 1, 1.0))
                yield follower
            finally:
                house.stop()

    return follow
