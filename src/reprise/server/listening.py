"""The sockets that the server listens on: TCP, and a Unix socket that only its user may open."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reprise.errors import BadSetting

if TYPE_CHECKING:
    from collections.abc import Iterator

BACKLOG = 2048
PROBE_SECONDS = 2.0
"""How long a socket file that is there already may take to answer."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Open sockets, and where they are: ``url`` and ``uds`` are empty when there is none."""

    sockets: tuple[socket.socket, ...]
    url: str
    uds: str


@contextmanager
def listening(host: str, port: int, uds: str) -> Iterator[Listening]:
    """Listen inside the block; the Unix socket's file goes when it ends.

    Port 0 is no TCP. Raises ``BadSetting`` when an address cannot be had, or when there is none.
    """
    if not port and not uds:
        raise BadSetting("the server would listen nowhere", cure="set a port, or a Unix socket with --uds")
    with ExitStack() as stack:
        opened: list[socket.socket] = []
        if port:
            opened += [stack.enter_context(one) for one in _tcp(host, port)]
        if uds:
            opened.append(stack.enter_context(_unix(Path(uds).expanduser().absolute())))
        place = str(Path(uds).expanduser().absolute()) if uds else ""
        yield Listening(tuple(opened), _url(host, port) if port else "", place)


def _url(host: str, port: int) -> str:
    bare = host.strip("[]")
    return f"http://[{bare}]:{port}" if ":" in bare else f"http://{bare}:{port}"


def _tcp(host: str, port: int) -> list[socket.socket]:
    """One socket for each address of the host: ``localhost`` may have two."""
    opened: list[socket.socket] = []
    refused: OSError | None = None
    try:
        addresses = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        raise _no_address(host, port, error) from error
    for family, *_, address in dict.fromkeys(addresses):
        try:
            opened.append(socket.create_server(address, family=family, backlog=BACKLOG))
        except OSError as error:
            if error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                _close(opened)
                raise _no_address(host, port, error) from error
            refused = error  # a name may have an address that this machine does not speak
    if refused and not opened:
        raise _no_address(host, port, refused)
    return opened


def _close(opened: list[socket.socket]) -> None:
    for one in opened:
        one.close()


def _no_address(host: str, port: int, error: OSError | UnicodeError) -> BadSetting:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return BadSetting(
            f"port {port} of {host} is in use",
            cure="is another server of Reprise running? Stop it, or choose another port with --port",
        )
    if number == errno.EACCES:
        return BadSetting(
            f"port {port} may not be used by this user", cure="choose a port above 1023 with --port"
        )
    reason = getattr(error, "strerror", None) or str(error)
    return BadSetting(
        f"cannot listen on {host}, port {port}: {reason}",
        cure="choose an address of this machine with --host",
    )


@contextmanager
def _unix(path: Path) -> Iterator[socket.socket]:
    """A new socket file of mode 0600; one that a dead server left is replaced, a living one is not."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with bound:
        try:
            with _alone_in(path.parent):
                _make_way(path)
                _bind(bound, path)
                ours = path.lstat()
        except OSError as error:
            reason = error.strerror or str(error)  # a path that is too long has only the latter
            raise BadSetting(
                f"cannot listen on {path}: {reason}",
                cure="name a short path in a folder that you may write to with --uds",
            ) from error
        try:
            bound.listen(BACKLOG)
            yield bound
        finally:
            with suppress(OSError):  # somebody removed it, or put another one there: that one is not ours
                if os.path.samestat(path.lstat(), ours):
                    path.unlink()


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Two servers that start at once must not both find the same dead socket and remove each other's."""
    number = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def _make_way(path: Path) -> None:
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        raise BadSetting(f"{path} is there and is no socket", cure="name another path with --uds")
    if _answers(path):
        raise BadSetting(f"another server listens on {path}", cure="stop it, or name another path with --uds")
    path.unlink()


def _answers(path: Path) -> bool:
    """Whether somebody may be behind the socket file. Only a refusal shows that nobody is."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_SECONDS)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return False
        except OSError:
            return True
        return True


def _bind(bound: socket.socket, path: Path) -> None:
    """The mask, not a later chmod: nobody else may connect in between. The services' threads do not run yet."""
    before = os.umask(0o177)
    try:
        bound.bind(str(path))
    finally:
        os.umask(before)
