"""Photos that people send: checked, upright, and kept as JPEG under the digest of their bytes."""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from typing import TYPE_CHECKING

from reprise.drafts import draft_of, private_folder
from reprise.errors import BadPhoto, DiskFull, ExtraMissing, TooLarge

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

MOST_BYTES = 20 * 2**20
MOST_PIXELS = 100_000_000
_FEWER_PIXELS = f"send at most {MOST_PIXELS // 1_000_000} million pixels"
LONGEST_SIDE = 2048
"""Pixels. No model looks at more of a person."""
_QUALITY = 92
_OF_JPEG_ITSELF = {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
_END_OF_JPEG = b"\xff\xd9"


def upright_jpeg(content: bytes) -> bytes:
    """The picture as JPEG, turned as its camera was held, without what else the camera wrote into it.

    The same bytes give the same bytes, and what was kept so before stays as it is. Raises ``BadPhoto`` for what is no picture, ``TooLarge`` for more than 20 MiB or
    100 million pixels, ``ExtraMissing`` without Pillow.
    """
    if not content:
        raise BadPhoto("the photo is empty")
    if len(content) > MOST_BYTES:
        raise TooLarge(
            f"the photo has {len(content) / 2**20:.1f} MiB", cure=f"send at most {MOST_BYTES >> 20} MiB"
        )
    if _is_kept_so(content):
        return content
    picture = _upright(content)
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=_QUALITY, comment=b"")  # else it takes over that of the source
    return written.getvalue()


def keep(folder: Path, jpeg: bytes) -> tuple[bytes, bytes]:
    """Write a picture into the media folder unless it is there; its path relative to that folder, and its digest.

    Raises ``DiskFull``.
    """
    digest = hashlib.sha256(jpeg).digest()
    name = f"{digest.hex()[:2]}/{digest.hex()}.jpg"
    target = folder / name
    if not target.exists():
        try:
            private_folder(target.parent)
            with draft_of(target, private=True) as draft:
                draft.write(jpeg)
        except OSError as error:
            raise DiskFull(f"the photo cannot be kept: {error}") from error
    return os.fsencode(name), digest


def _is_kept_so(content: bytes) -> bool:
    """Whether it is a JPEG as they are kept: whole, small, and with nothing in it but the picture. Writing it anew would
    cost quality, and each installation that it moves to would know it by another digest."""
    try:
        from PIL import Image
    except ImportError:
        return False  # which is said in words when it is to be turned
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(content)) as opened:
            plain = opened.format == "JPEG" and opened.mode == "RGB" and set(opened.info) <= _OF_JPEG_ITSELF
            if not plain or max(opened.size) > LONGEST_SIDE or not content.endswith(_END_OF_JPEG):
                return False
            opened.load()
            return True
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False


def _upright(content: bytes) -> Image:
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError as error:
        raise ExtraMissing(
            "photos need Pillow, which is not installed", cure="install it with: pip install 'reprise[video]'"
        ) from error
    try:
        # Of a size that is looked at below, and of EXIF that is damaged: the picture may be whole.
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(content)) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise TooLarge(
                    f"the photo has {opened.width} × {opened.height} pixels",
                    cure=_FEWER_PIXELS,
                )
            opened.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            picture = ImageOps.exif_transpose(opened)
            picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            return _on_white(picture)
    except UnidentifiedImageError as error:
        raise BadPhoto("the photo is no picture") from error
    except Image.DecompressionBombError as error:  # so many that Pillow does not even open it
        raise TooLarge("the photo has too many pixels", cure=_FEWER_PIXELS) from error
    except (OSError, ValueError, SyntaxError) as error:
        raise BadPhoto(f"the photo cannot be read: {error}") from error


def _on_white(picture: Image) -> Image:
    """What is transparent shows white."""
    from PIL import Image

    if not picture.has_transparency_data:
        return picture.convert("RGB")
    white = Image.new("RGBA", picture.size, "white")
    white.alpha_composite(picture.convert("RGBA"))
    return white.convert("RGB")
