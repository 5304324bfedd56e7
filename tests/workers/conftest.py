"""Servers that the tests of workers share, and installations on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers.postgres import running_postgres
from tests.servers.redis import running_redis
from tests.workers.site import Site, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import Home
    from tests.servers.postgres import Postgres
    from tests.servers.redis import Redis


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture
def redis() -> Iterator[Redis]:
    with running_redis() as server:
        yield server


@pytest.fixture
def site(home: Home, postgres: Postgres, redis: Redis) -> Site:
    """An installation on PostgreSQL, woken by Redis, with vectors in a folder that all processes see."""
    return Site(home, dict(settings_of(postgres.database(), redis.url())))
