"""Bringing files from a model hub: whole, verified, resumable, and within bounded time."""

from __future__ import annotations

import hashlib
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reprise.errors import ExtraMissing, RepriseError, WeightsMissing, WeightsRefused
from reprise.models.remembered import write_beside
from reprise.models.weights import SUMS, read_sums

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from reprise.models.weights import Published

PART = ".part"
"""Suffix of a file that is not whole yet."""
TRIES = 3
"""For each file, when the connection breaks on the way."""
LEAST_BYTES_PER_SECOND = 1024
"""A hub that sends less than this over the time it may be silent counts as silent."""
SPARE_BYTES = 64 * 2**20
"""What stays free on the disk."""
TOLD_SECONDS = 10.0
TOLD_SHARE = 0.1
"""How often progress is said: each tenth, and else at most each ten seconds."""


@dataclass(frozen=True, slots=True)
class Announced:
    """What the hub says of a file. ``checksum``: sha256 of its bytes (64 digits), or git's sha1 of them as a blob (40)."""

    name: str
    url: str
    size: int
    checksum: str


class Hub:
    """A model hub. ``address``: of a mirror; empty for the usual one or what ``HF_ENDPOINT`` says."""

    def __init__(self, address: str, timeout: float) -> None:
        self._address = address.rstrip("/") or None
        self._timeout = timeout

    def bring(
        self, published: Published, names: Sequence[str], folder: Path, told: Callable[[str], None]
    ) -> dict[str, str]:
        """Put files into the folder, each under its name only when it is whole and verified; their sha256 by name.

        What arrived of a file is kept when it breaks off: the next call goes on there. Raises ``WeightsMissing``,
        ``WeightsRefused`` and ``ExtraMissing``.
        """
        from filelock import FileLock, Timeout

        _import_hub()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / ".fetch.lock", timeout=0):
                return self._bring_locked(published, names, folder, told)
        except Timeout as error:
            raise WeightsMissing("another process is fetching them", cure="wait for it") from error
        except OSError as error:
            raise WeightsMissing(f"{folder} cannot be written: {error.strerror or error}") from error

    def _bring_locked(
        self, published: Published, names: Sequence[str], folder: Path, told: Callable[[str], None]
    ) -> dict[str, str]:
        announced = self._announced(published, names)
        _check_space(announced, folder)
        progress = Progress(sum(file.size for file in announced), told)
        brought: dict[str, str] = {}
        for file in announced:
            part = folder / (file.name + PART)
            part.parent.mkdir(parents=True, exist_ok=True)
            self._download(file, part, progress)
            brought[file.name] = _verified(part, file)
            part.replace(folder / file.name)
            _write_sum(folder / file.name, brought[file.name])
        return brought

    def _announced(self, published: Published, names: Sequence[str]) -> list[Announced]:
        """All of one commit: a branch may move between two files."""
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        found, revision = [], published.revision
        for name in names:
            url = hf_hub_url(published.repository, name, revision=revision, endpoint=self._address)
            try:
                facts = get_hf_file_metadata(url, timeout=self._timeout, endpoint=self._address)
            except Exception as error:  # many libraries' errors end here, each with its own tree
                raise self._failure(f"asking for {name}", error) from error
            checksum = facts.etag or ""
            if facts.size is None or len(checksum) not in {40, 64}:
                raise WeightsRefused(
                    f"the hub names no size and checksum of {name}: it could not be verified",
                    cure="try without the setting hub",
                )
            revision = facts.commit_hash or revision
            found.append(Announced(name, url, facts.size, checksum))
        return found

    def _download(self, file: Announced, part: Path, progress: Progress) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                self._stream(file, part, progress)
            except RepriseError:
                raise
            except Exception as error:  # as above
                if getattr(error, "errno", None) is not None:  # the disk's, not the network's
                    raise
                if attempt == TRIES or not _connection_broke(error):
                    raise self._failure(f"fetching {file.name}", error) from error
            else:
                return

    def _stream(self, file: Announced, part: Path, progress: Progress) -> None:
        """Everything from what is there already to the end. Raises what the network library raises."""
        from huggingface_hub import get_session, get_token, hf_raise_for_status

        begun = part.stat().st_size if part.exists() else 0
        if begun == file.size:
            return
        headers = {"Accept-Encoding": "identity"}  # or the bytes would not be those of the checksum
        if token := get_token():
            headers["Authorization"] = f"Bearer {token}"
        if 0 < begun < file.size:
            headers["Range"] = f"bytes={begun}-"
        session = get_session()
        with session.stream(
            "GET", file.url, headers=headers, timeout=self._timeout, follow_redirects=True
        ) as response:
            hf_raise_for_status(response)
            resumed = response.headers.get("Content-Range", "").startswith(f"bytes {begun}-")
            written = begun if resumed else 0
            watch = _Watch(self._timeout)
            with part.open("ab" if resumed else "wb") as target:
                for block in response.iter_raw():
                    written += len(block)
                    _check_length(written, file)
                    target.write(block)
                    watch.heard(len(block))
                    progress.at(file, written)
        if written < file.size:
            raise EndedEarly(f"{written:,} of {file.size:,} bytes came")

    def _failure(self, doing: str, error: Exception) -> WeightsMissing:
        """What a network library's error means, and what helps."""
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status in {401, 403}:
            return WeightsMissing(
                f"{doing}: the model hub refuses ({status})",
                cure="accept the licence on the model's page and set HF_TOKEN, or check the setting hub",
            )
        if status == 404:
            return WeightsMissing(f"{doing}: the model hub knows no such repository, revision or file (404)")
        if status is not None:
            return WeightsMissing(f"{doing}: the model hub answers {status}", cure="try again later")
        if "Timeout" in type(error).__name__ or isinstance(error, TooSlow):
            return WeightsMissing(
                f"{doing}: the model hub was silent for {self._timeout:g} s",
                cure="try again later, or raise the setting hub_timeout",
            )
        reason = str(error).partition("\n")[0] or type(error).__name__
        return WeightsMissing(
            f"{doing}: no connection to the model hub ({reason})",
            cure="run it again where there is one; it goes on where it stopped",
        )


class EndedEarly(Exception):
    """The hub closed the connection before the end."""


class TooSlow(Exception):
    """The hub sends next to nothing."""


class _Watch:
    """Ends what goes on sending a byte now and then."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since = time.monotonic()
        self._bytes = 0

    def heard(self, count: int) -> None:
        self._bytes += count
        elapsed = time.monotonic() - self._since
        if elapsed < self._seconds:
            return
        if self._bytes < LEAST_BYTES_PER_SECOND * elapsed:
            raise TooSlow(f"{self._bytes} bytes in {elapsed:.0f} s")
        self._since, self._bytes = time.monotonic(), 0


class Progress:
    """Says how far it is: each tenth, and each ten seconds."""

    def __init__(self, total: int, told: Callable[[str], None]) -> None:
        self._total = max(1, total)
        self._told = told
        self._arrived: dict[str, int] = {}
        self._said_share = 0.0
        self._said_at = time.monotonic()

    def at(self, file: Announced, size: int) -> None:
        self._arrived[file.name] = size
        arrived = sum(self._arrived.values())
        share, now = arrived / self._total, time.monotonic()
        if share < 1.0 and share - self._said_share < TOLD_SHARE and now - self._said_at < TOLD_SECONDS:
            return
        self._said_share, self._said_at = share, now
        self._told(f"{share:.0%} fetched, {arrived / 1e6:,.0f} of {self._total / 1e6:,.0f} MB")


def _import_hub() -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise ExtraMissing(f"fetching weights needs huggingface-hub ({error})") from error
    return huggingface_hub


def _connection_broke(error: Exception) -> bool:
    """As against a hub that said no, or was silent for as long as it may be."""
    return getattr(error, "response", None) is None and not isinstance(error, TooSlow)


def _check_space(files: Sequence[Announced], folder: Path) -> None:
    there = 0
    for file in files:
        with suppress(FileNotFoundError):
            there += (folder / (file.name + PART)).stat().st_size
    needed = sum(file.size for file in files) - there + SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise WeightsMissing(
            f"{folder} has {free / 1e6:,.0f} MB free, {needed / 1e6:,.0f} MB are needed",
            cure="free some space, or point the setting weights at another disk",
        )


def _check_length(written: int, file: Announced) -> None:
    if written > file.size:
        raise WeightsRefused(
            f"the hub sends more than the {file.size:,} bytes of {file.name}", cure="try again"
        )


def _verified(part: Path, file: Announced) -> str:
    """The sha256 of the bytes that arrived. Raises ``WeightsRefused`` and deletes them when they are others."""
    sha256 = hashlib.sha256()
    blob = hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)
    with part.open("rb") as source:
        while block := source.read(2**20):
            sha256.update(block)
            blob.update(block)
    found = sha256.hexdigest()
    if file.checksum not in {found, blob.hexdigest()}:
        part.unlink()
        raise WeightsRefused(
            f"the hub sent other bytes for {file.name} than it announced: they were deleted", cure="try again"
        )
    return found


def _write_sum(path: Path, digest: str) -> None:
    sums = path.with_name(SUMS)
    known = {**read_sums(sums), path.name: digest}
    write_beside(sums, "".join(f"{digest}  {name}\n" for name, digest in known.items()).encode())
