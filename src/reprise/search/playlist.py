"""Playlists as M3U: UTF-8 text around paths that are the file system's own bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise.drafts import draft_of
from reprise.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from reprise.core.items import Item

HEADER = b"#EXTM3U\n"


@dataclass(frozen=True, slots=True)
class M3u:
    """A playlist's content. ``left_out``: items that cannot stand in one, each with the reason."""

    content: bytes
    left_out: tuple[tuple[Item, str], ...]


def m3u(entries: Iterable[tuple[Item, bytes]], *, cuts: bool = True) -> M3u:
    """A playlist of items and their paths or addresses. A name with a line break cannot be listed, nor a missing file.

    ``cuts``: whether a player is told where in its file a track of a cue sheet lies.
    """
    lines = [HEADER]
    left_out: list[tuple[Item, str]] = []
    for item, path in entries:
        if b"\n" in path or b"\r" in path:
            left_out.append((item, "its name holds a line break"))
        elif item.missing_since is not None:
            left_out.append((item, "its file is missing"))
        else:
            seconds = round(item.tags.duration or -1)
            lines += [
                f"#EXTINF:{seconds},{item.label}\n".encode(),
                _bounds(item) if cuts else b"",
                path,
                b"\n",
            ]
    return M3u(b"".join(lines), tuple(left_out))


def _bounds(item: Item) -> bytes:
    """Where in its file a track of a cue sheet lies, as VLC reads it; a comment to other players."""
    if item.cut is None:
        return b""
    begin = b"#EXTVLCOPT:start-time=%.3f\n" % item.cut.start_seconds
    return begin + (
        b"" if item.cut.end_seconds is None else b"#EXTVLCOPT:stop-time=%.3f\n" % item.cut.end_seconds
    )


def save_m3u(target: Path, content: bytes) -> None:
    """Write the playlist, wholly or not at all; an earlier playlist is replaced.

    Raises ``UsageError`` when the file is there and no playlist, or cannot be written.
    """
    try:
        if target.exists() and not _is_playlist(target):
            raise UsageError(f"{target} is there and no playlist", cure="choose another name, or delete it")
        with draft_of(target) as file:
            file.write(content)
    except OSError as error:
        raise UsageError(
            f"{target} cannot be written: {error.strerror}", cure="choose a place where you may write"
        ) from error


def _is_playlist(path: Path) -> bool:
    """An M3U with its header; an empty file holds nothing to lose."""
    with path.open("rb") as file:
        begin = file.read(16).removeprefix(b"\xef\xbb\xbf")
    return not begin or begin.startswith(HEADER.rstrip())
