"""A Milvus server, from the package that brings one (2.3.5); it may be stopped, killed and started again.

The package's own starter writes to the home folder and takes the ports of everybody's Milvus; so its program is started
directly, with its configuration in the test's folder. It listens at all addresses, whatever it is told, and so has a
password. Its clock ticks and its coordinators look around more often than the defaults say: a question waits for a
tick, and the suite asks thousands.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.ports import free_port
from tests.servers.wanted import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

USER, PASSWORD = "root", "Milvus"  # what a new server has
START_SECONDS = 60.0
TICK = 20  # milliseconds; the default is 200

_QUICKER = {
    "timeTickInterval: 200": f"timeTickInterval: {TICK}",
    "checkInterval: 1000": "checkInterval: 100",
    "distPullInterval: 500": "distPullInterval: 50",
    "checkHandoffInterval: 5000": "checkHandoffInterval: 500",
    "ttl: 30 #": "ttl: 3 #",  # seconds for which a server that was killed is thought to be there
}
_ETCD = """\
name: default
listen-client-urls: http://127.0.0.1:{client}
advertise-client-urls: http://127.0.0.1:{client}
listen-peer-urls: http://127.0.0.1:{peer}
initial-advertise-peer-urls: http://127.0.0.1:{peer}
initial-cluster: default=http://127.0.0.1:{peer}
"""


def _package() -> Path:
    found = find_spec("milvus")  # not imported: it makes servers at import
    if found is None or found.origin is None:
        missing("the package milvus, which brings the server, is not installed")
    return Path(found.origin).parent / "data"


def _programs() -> Path:
    """The server and its libraries, unpacked once for all runs on this machine: 250 MB."""
    source = _package() / "bin"
    packed = sorted(source.glob("*.lzma"))
    mark = hashlib.sha256(
        "".join(f"{file.name} {file.stat().st_size}" for file in packed).encode()
    ).hexdigest()
    target = Path(tempfile.gettempdir()) / f"reprise-milvus-{os.getuid()}-{mark[:12]}"
    if target.is_dir() and target.stat().st_uid == os.getuid():
        return target
    beside = Path(tempfile.mkdtemp(prefix="reprise-milvus-"))
    for file in packed:
        plain = beside / file.stem
        with lzma.open(file) as reading, plain.open("wb") as writing:
            shutil.copyfileobj(reading, writing)
        plain.chmod(0o700)
    try:
        beside.rename(target)
    except OSError:  # another run was faster
        shutil.rmtree(beside)
    return target


@dataclass
class Milvus:
    """One server with its data in ``folder``."""

    folder: Path
    quick: bool = True
    ports: dict[str, int] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "", *, password: str = PASSWORD) -> str:
        return f"http://{USER}:{password}@127.0.0.1:{self._port('proxy_port')}/{database}".rstrip("/")

    def _port(self, name: str) -> int:
        if name not in self.ports:
            self.ports[name] = free_port()
        return self.ports[name]

    def create(self) -> None:
        package = _package()
        text = re.sub(r"\{\{(.*?)\}\}", self._value, (package / "config.yaml.template").read_text())
        text = text.replace(
            "\n  use:\n    embed: true",
            f"\n  config:\n    path: {self.folder}/etcd.yaml\n  use:\n    embed: true",
        )
        for slow, quick in _QUICKER.items() if self.quick else ():
            text = text.replace(slow, quick)
        (self.folder / "configs").mkdir()
        (self.folder / "configs" / "milvus.yaml").write_text(text)
        shutil.copy(package / "glog.conf", self.folder / "configs")
        etcd = _ETCD.format(client=self._port("etcd_port"), peer=self._port("etcd_peers"))
        (self.folder / "etcd.yaml").write_text(etcd)

    def _value(self, found: re.Match[str]) -> str:
        """Of one ``{{ name(type): default }}`` of the template."""
        name, _, default = found[1].partition(":")
        name = name.partition("(")[0].strip()
        if name.endswith("_port"):
            return str(self._port(name))
        ours = {
            "etcd_log_level": "error",
            "etcd_log_path": f"{self.folder}/etcd.log",
            "etcd_data_dir": f"{self.folder}/etcd",
            "local_storage_dir": f"{self.folder}/data",
            "rocksmq_data_dir": f"{self.folder}/messages",
            "system_log_path": f"{self.folder}/logs",
            "authorization_enabled": "true",
        }
        return ours.get(name, default.strip())

    def start(self) -> None:
        programs = _programs()
        environment = {
            **os.environ,
            "DEPLOY_MODE": "STANDALONE",
            "METRICS_PORT": str(self._port("metrics")),
            "MILVUSCONF": str(self.folder / "configs"),
            "MILVUS_RUN_DIR": str(self.folder / "run"),
            "LD_LIBRARY_PATH": str(programs),
        }
        with (self.folder / "output").open("ab") as output:
            self.process = subprocess.Popen(
                [str(programs / "milvus"), "run", "standalone"],
                cwd=self.folder,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._healthy():
            if self.process.poll() is not None or time.monotonic() > deadline:
                told = (self.folder / "output").read_text(errors="replace")[-3000:]
                self.stop()
                raise RuntimeError(f"Milvus does not start:\n{told}")
            time.sleep(0.05)

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self._port('metrics')}/healthz", timeout=5
            ) as answer:
                return b"OK" in answer.read()
        except OSError:
            return False

    def stop(self) -> None:
        """At once, as in a crash: an orderly end takes minutes."""
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait()


@contextmanager
def running_milvus(*, quick: bool = True) -> Iterator[Milvus]:
    """A new server with no data, gone afterwards. ``quick``: with the tests' clock, not the default one."""
    folder = Path(tempfile.mkdtemp(prefix="reprise-milvus-"))
    server = Milvus(folder, quick)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
