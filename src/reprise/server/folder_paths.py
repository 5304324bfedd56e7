"""Folders as they are written in addresses and answers: text, whatever bytes a disk holds."""

from __future__ import annotations

import base64
import binascii

from reprise.errors import UsageError

AS_BYTES = "b64:"
"""What stands before a folder that is not UTF-8 (or looks as if it were written so): base64 for addresses follows."""


def write_folder(folder: bytes) -> str:
    """The folder as :func:`read_folder` takes it."""
    try:
        text = folder.decode()
    except UnicodeDecodeError:
        text = AS_BYTES
    if text.startswith(AS_BYTES) or "\0" in text:
        return AS_BYTES + base64.urlsafe_b64encode(folder).decode()
    return text


def read_folder(text: str) -> bytes:
    """A folder relative to a library's root; empty: the root. Raises ``UsageError`` for what leads out of it."""
    try:
        if text.startswith(AS_BYTES):
            folder = base64.b64decode(text.removeprefix(AS_BYTES).encode(), altchars=b"-_", validate=True)
        else:
            folder = text.encode()
    except (binascii.Error, UnicodeEncodeError, ValueError):
        raise _unfit() from None
    folder = folder.removesuffix(b"/")
    parts = folder.split(b"/")
    if b"\0" in folder or (folder and not {b"", b".", b".."}.isdisjoint(parts)):
        raise _unfit()
    return folder


def _unfit() -> UsageError:
    return UsageError(
        "a folder is named as it lies below the library's root",
        cure="for example Artist/Album, without .. and NUL",
    )
