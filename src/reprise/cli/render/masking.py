"""Secrets are kept out of the log, whatever brings them there: an address in a message, a driver's own words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reprise.known_settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import MutableMapping

MASK = "***"
SECRETS = frozenset(row.name for row in SETTINGS if row.secret)
DEEPEST = 6
"""Levels of lists and mappings that are looked into; what lies deeper is masked as a whole."""

_IN_ADDRESS = re.compile(r"//([^/\s:@]{0,256}):\S{0,2048}@")
"""Up to the last ``@`` of the word: who puts a password into an address may have forgotten to encode its ``@`` or ``/``."""
_WORDS = r"password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key"
_NAMED = re.compile(rf"((?:\b|_)(?:{_WORDS})[\"']?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s&,;]+)", re.IGNORECASE)
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE)


def masked(text: str) -> str:
    """The text without passwords in addresses, without what follows ``password=`` and its like, without tokens."""
    if "//" in text:
        text = _IN_ADDRESS.sub(rf"//\1:{MASK}@", text)
    return _BEARER.sub(rf"\1 {MASK}", _NAMED.sub(rf"\1{MASK}", text))


def mask_secrets(
    _logger: object, _method: str, record: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    """A processor of structlog, behind those that add texts and before the one that renders them."""
    for name, value in record.items():
        record[name] = MASK if name in SECRETS and value else _plain(value, DEEPEST)
    return record


def _plain(value: object, depth: int) -> object:
    if isinstance(value, str):
        return masked(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if not depth:
        return MASK
    if isinstance(value, dict):
        return {key: MASK if key in SECRETS and one else _plain(one, depth - 1) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, depth - 1) for one in value]
    return masked(str(value))
