"""A digest over a video's content that costs the same for a clip and for a film of 20 GB.

A small file is read whole. Of a large one the length, both ends and blocks evenly spread between them are digested,
6 MiB of any. That is sure enough because of what an encoder makes: a change of one picture changes the sizes of the
packets after it, so what lies in every later block; and the table of all packets, which changes with any of them,
stands at one of the ends in MP4, QuickTime, Matroska and AVI. What it does not see is a few bytes overwritten in place
in the middle of a large file, by a failing disk or by hand: such a file shows the same scenes but for a blemish.

Tags are part of it, unlike with music: the ends hold how a picture is turned and cut as well, and a changed file taken
for the same would be worse than one that is looked at again. A name is no part of it.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from reprise.errors import Unreadable, Vanished

if TYPE_CHECKING:
    from typing import BinaryIO

_VERSION = b"reprise video 1"
"""Raise the number when the meaning changes: all videos count as changed then."""

END_BYTES = 1024 * 1024
BLOCK_BYTES = 64 * 1024
BLOCKS = 64
"""Between the ends: every 300 MB of 20 GB."""

WHOLE_BYTES = 2 * END_BYTES + BLOCKS * BLOCK_BYTES  # 6 MiB: up to here all of it is read


def video_digest(path: bytes) -> bytes:
    """32 bytes over the content of the file at ``path``. Raises ``Unreadable`` or ``Vanished``."""
    try:
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            digest = hashlib.sha256(b"%s\0%d\0" % (_VERSION, size))
            for offset, length in _spans(size):
                _feed(digest, file, offset, length)
            return digest.digest()
    except (FileNotFoundError, NotADirectoryError):
        raise Vanished("the file is gone") from None
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from None


def _spans(size: int) -> list[tuple[int, int]]:
    """Offset and length in bytes of what is read, in order, without overlap."""
    if size <= WHOLE_BYTES:
        return [(0, size)]
    room = size - 2 * END_BYTES - BLOCK_BYTES
    inner = [(END_BYTES + room * place // (BLOCKS - 1), BLOCK_BYTES) for place in range(BLOCKS)]
    return [(0, END_BYTES), *inner, (size - END_BYTES, END_BYTES)]


def _feed(digest: hashlib._Hash, file: BinaryIO, offset: int, length: int) -> None:
    file.seek(offset)
    while length > 0 and (chunk := file.read(length)):
        digest.update(chunk)
        length -= len(chunk)
