"""A RabbitMQ with a user of its own; its name service is its own too, and nothing of it leaves this machine."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psutil

from tests.servers.ports import free_port
from tests.servers.wanted import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

USER, PASSWORD = "reprise", "a bell: 100% & more"
PATIENCE_SECONDS = 120.0
HOMES = Path("/usr/lib/rabbitmq/lib")
"""Where Debian's package puts its releases."""


@dataclass
class RabbitMq:
    """One server in a folder of its own."""

    folder: Path
    port: int
    name_port: int
    """Of the service that tells nodes by name."""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def url(self, password: str = PASSWORD, virtual_host: str = "") -> str:
        return f"amqp://{USER}:{quote(password, safe='')}@127.0.0.1:{self.port}/{virtual_host}"

    def start(self) -> None:
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\ndefault_user = {USER}\ndefault_pass = {PASSWORD}\n"
            "log.console = true\nlog.console.level = warning\nlog.file = false\n"
        )
        (self.folder / "plugins").write_text("[].\n")
        self._launch("epmd", "-address", "127.0.0.1", "-port", str(self.name_port))
        self._launch(str(_program()))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.answers():
            if time.monotonic() > deadline or self.processes[-1].poll() is not None:
                raise RuntimeError(f"RabbitMQ does not start: {(self.folder / 'log').read_text()[-3000:]}")
            time.sleep(0.1)

    def answers(self) -> bool:
        import pika

        try:
            pika.BlockingConnection(pika.URLParameters(self.url())).close()
        except pika.exceptions.AMQPError:
            return False
        return True

    def stop(self) -> None:
        for process in reversed(self.processes):
            family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            process.kill()
            for one in family:
                one.kill()
            process.wait()
        self.processes.clear()

    def _launch(self, *command: str) -> None:
        with (self.folder / "log").open("ab") as log:
            self.processes.append(
                subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.folder,
                    env=self._environment(),
                    **_somebody(),
                )
            )

    def _environment(self) -> dict[str, str]:
        folder = str(self.folder)
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": folder,
            "ERL_EPMD_PORT": str(self.name_port),
            "RABBITMQ_NODENAME": f"reprise{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_MNESIA_BASE": f"{folder}/data",
            "RABBITMQ_LOG_BASE": folder,
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
        }


def _program() -> Path:
    found = sorted(HOMES.glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    return found[-1] if found else missing("there is no RabbitMQ: install the package rabbitmq-server")


def _somebody() -> dict[str, Any]:
    """What it writes belongs to nobody in particular, also when the tests run as root."""
    if os.getuid():
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}


@contextmanager
def running_rabbitmq() -> Iterator[RabbitMq]:
    """A new server without messages, gone afterwards."""
    _program()
    folder = Path(tempfile.mkdtemp(prefix="reprise-rabbitmq-"))
    if somebody := _somebody():
        os.chown(folder, somebody["user"], somebody["group"])
    server = RabbitMq(folder, free_port(), free_port())
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
