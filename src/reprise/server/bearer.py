"""JSON web tokens that programs sign with the secret of the settings."""

from __future__ import annotations

import jwt

ALGORITHM = "HS256"
"""The only one: what a token says of itself is not asked."""

MOST_CHARACTERS = 4096


def name_in(token: str, secret: str) -> str | None:
    """The user's name (``sub``) in a token that is signed with the secret and has not expired; else nothing."""
    if len(token) > MOST_CHARACTERS:
        return None
    try:
        claims = jwt.decode(token, secret, algorithms=[ALGORITHM], options={"require": ["exp", "sub"]})
    except (jwt.PyJWTError, OverflowError, RecursionError):  # a time out of range, brackets a thousand deep
        return None
    name: str = claims["sub"]
    return name
