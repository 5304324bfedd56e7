"""A Redis with a password; it may be killed, and comes back knowing nothing."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.servers.ports import free_port
from tests.servers.wanted import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "a bell: 100% & /more"
PATIENCE_SECONDS = 20.0


@dataclass
class Redis:
    """One server, which keeps nothing on a disk."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None)

    def url(self, password: str = PASSWORD) -> str:
        return f"redis://:{quote(password, safe='')}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        configuration = self.folder / "redis.conf"
        configuration.write_text(
            f'bind 127.0.0.1\nport {self.port}\nrequirepass "{PASSWORD}"\nsave ""\nappendonly no\ndir "{self.folder}"\n'
        )
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [_program(), str(configuration)], stdin=subprocess.DEVNULL, stdout=log
            )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.answers():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(f"Redis does not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.02)

    def answers(self) -> bool:
        import redis

        client = redis.Redis(port=self.port, password=PASSWORD, socket_connect_timeout=1.0)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def kill(self) -> None:
        """As a crash ends it; all that it knew is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def flush(self) -> None:
        """Make it forget everything."""
        import redis

        client = redis.Redis(port=self.port, password=PASSWORD)
        client.flushall()
        client.close()


def _program() -> str:
    return shutil.which("redis-server") or missing(
        "there is no redis-server: install the package redis-server"
    )


@contextmanager
def running_redis() -> Iterator[Redis]:
    """A new, empty server, gone afterwards."""
    _program()
    folder = Path(tempfile.mkdtemp(prefix="reprise-redis-"))
    server = Redis(folder, free_port())
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
