"""Files that belong to an owner's items. Which file it is says the catalogue; a request names no path."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Query

from reprise.core.items import display_path
from reprise.errors import NotFound
from reprise.media.sniff import AUDIO_CONTAINERS, sniff_file
from reprise.server.file_answer import file_answer

if TYPE_CHECKING:
    from fastapi.responses import Response
    from starlette.requests import Request

    from reprise.app import App

VIDEO_TYPES = {
    b".mp4": "video/mp4", b".m4v": "video/mp4", b".mov": "video/quicktime", b".qt": "video/quicktime",
    b".webm": "video/webm", b".mkv": "video/x-matroska", b".avi": "video/x-msvideo", b".wmv": "video/x-ms-wmv",
    b".asf": "video/x-ms-asf", b".flv": "video/x-flv", b".f4v": "video/mp4", b".mpg": "video/mpeg",
    b".mpeg": "video/mpeg", b".mpe": "video/mpeg", b".m2v": "video/mpeg", b".vob": "video/mpeg",
    b".ts": "video/mp2t", b".mts": "video/mp2t", b".m2ts": "video/mp2t", b".ogv": "video/ogg",
    b".3gp": "video/3gpp", b".3g2": "video/3gpp2", b".mxf": "application/mxf",
}  # fmt: skip
"""By suffix in lower case."""

PICTURE_TYPES = {b".jpg": "image/jpeg", b".png": "image/png", b".webp": "image/webp"}
OTHER = "application/octet-stream"

VERSION_HEADER = "Reprise-Spec-Version"
"""On answers without a body of JSON."""

PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}, "description": "A picture"},
    206: {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}, "description": "A part of it"},
    304: {"description": "It is as the client has it"},
}  # fmt: skip
Mark = Annotated[
    str,
    Query(max_length=64, description="As an answer's address has it: then the picture may be kept for good"),
]

_FILM = re.compile(
    rb"FLV\x01|\x00\x00\x01[\xba\xb3]|\x06\x0e\x2b\x34|(?:....)?G.{187}(?:....)?G", re.DOTALL
)  # Flash, MPEG programs, MXF, transport streams with and without time codes
"""How films begin that hold sound and are not told by :func:`~reprise.media.sniff.sniff`."""

_MEDIA_NAME = re.compile(rb"[0-9a-f]{2}/([0-9a-f]{64})(\.jpg|\.png|\.webp)")
_GONE = "scan the library again; is its disk mounted?"
FOREVER = "private, max-age=31536000, immutable"
"""A file that is called after its content never changes: a year."""


def opened(app: App, library_id: int, file: bytes) -> int:
    """A file below a library's root, open for reading. ``file`` is relative to the root, as the catalogue has it.

    Raises ``NotFound`` when it is not there, is no regular file, or does not lie below the root. By way of a link it may
    lie elsewhere, if it is a sound or a film by what is in it, and nothing of our own state folder: who may put a link
    into a library must not read with it what only the server may.
    """
    root, shown = app.catalogue().libraries.get(app.owner, library_id).root, display_path(file)
    parts = file.split(b"/")
    folder = os.path.join(root, *parts[:-1])
    if b".." in parts or b"" in parts or not (app.settings.flag("follow_links") or _is_below(root, folder)):
        raise NotFound(f"{shown} does not lie in its library", cure="scan the library again")
    path = os.path.join(folder, parts[-1])
    try:
        # Opening a FIFO that somebody put in a file's place must not wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        raise NotFound(
            f"{shown} cannot be read", cure="give the user that runs Reprise the right to read it"
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it has no place on a disk"
        raise NotFound(f"{shown} cannot be opened: {reason}", cure=_GONE) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotFound(f"{shown} is no regular file any more", cure=_GONE)
    if not (_lies_in(root, path, descriptor) or _may_be_linked(app, path, descriptor)):
        os.close(descriptor)
        raise NotFound(
            f"{shown} leads to something that is no sound and no film", cure="look where the link leads"
        )
    return descriptor


def picture_answer(request: Request, app: App, file: bytes) -> Response:
    """A picture of the media folder, with its digest as its mark. Raises ``NotFound`` when it is not there."""
    named = _MEDIA_NAME.fullmatch(file)
    if named is None:
        raise NotFound("the picture has no place in the media folder", cure="process the video again")
    path = os.path.join(os.fsencode(app.installed.media), file)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise NotFound(
            f"the picture cannot be opened: {error.strerror}", cure="process the video again, or restore the folder media"
        ) from None  # fmt: skip
    digest, suffix = named.groups()
    # Only an address that names the content may be kept for good: without it, it may be another picture tomorrow.
    keep = FOREVER if digest.decode().startswith(request.query_params.get("v") or "-") else ""
    answer = file_answer(request, descriptor, PICTURE_TYPES[suffix], tag=digest.decode(), cache=keep)
    answer.headers[VERSION_HEADER] = app.installed.pipeline.version
    return answer


def video_type(path: bytes) -> str:
    return VIDEO_TYPES.get(os.path.splitext(path)[1].lower(), OTHER)


def _lies_in(root: bytes, path: bytes, descriptor: int) -> bool:
    """Whether what is open lies below the root itself. It is the open file that counts: a path may change meanwhile."""
    return _is_below(root, path) and _is_at(os.path.realpath(path), descriptor)


def _may_be_linked(app: App, path: bytes, descriptor: int) -> bool:
    """Whether the open file, which lies outside of the library, may be given all the same."""
    real = os.path.realpath(path)
    if not _is_at(real, descriptor) or _is_below(os.fsencode(app.home), real):
        return False
    with os.fdopen(os.dup(descriptor), "rb", buffering=0) as file:
        kind, _ = sniff_file(file)
        return kind in AUDIO_CONTAINERS or (
            not kind and _FILM.match(os.pread(descriptor, 512, 0)) is not None
        )


def _is_at(path: bytes, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except OSError:
        return False


def _is_below(root: bytes, folder: bytes) -> bool:
    real, inside = os.path.realpath(root), os.path.realpath(folder)
    return inside == real or inside.startswith(real.rstrip(b"/") + b"/")
