"""Words that lie beside a track: ``01 Song.flac`` is described by ``01 Song.description.txt``."""

from __future__ import annotations

import os
import stat

from reprise.errors import BadDescription, Unreadable

SUFFIX = b".description.txt"

LARGEST_BYTES = 64 * 1024


def supplied_text(path: bytes) -> str | None:
    """The text beside the track at ``path``, without the white space around it; ``None`` for none or an empty one.

    Raises ``BadDescription`` (not UTF-8, larger than 64 KiB, not a regular file) and ``Unreadable``.
    """
    beside = os.path.splitext(path)[0] + SUFFIX
    name = os.fsdecode(os.path.basename(beside))
    try:
        if not stat.S_ISREG(os.stat(beside).st_mode):
            raise BadDescription(f"{name} is not a regular file")
        with open(beside, "rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Unreadable(f"{name} cannot be read: {error.strerror}") from None
    if len(content) > LARGEST_BYTES:
        raise BadDescription(f"{name} is larger than {LARGEST_BYTES // 1024} KiB")
    try:
        return content.decode("utf-8-sig").strip() or None
    except UnicodeDecodeError as error:
        raise BadDescription(f"{name} is not UTF-8: byte {error.start} is odd") from None
