"""Where an installation keeps things, as a move sees it: which of them differ between two sides."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from reprise.errors import BadSetting, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class Asked:
    """Where to; ``None``: as the settings say. ``catalogue``: an address or ``embedded``; ``home``: the folder of an
    embedded target, and of the pictures."""

    catalogue: str | None = None
    store: str | None = None
    store_url: str | None = None
    lexical_store: str | None = None
    lexical_url: str | None = None
    home: Path | None = None

    def changes(self, text: Callable[[str], str]) -> dict[str, str]:
        """Which settings differ in the target from those that ``text`` tells. Raises ``UsageError`` and ``BadSetting``."""
        if self == Asked():
            raise UsageError("say where to", cure="for example: reprise move --to-catalogue postgresql://…")
        wanted = {
            "catalogue_url": "" if self.catalogue == EMBEDDED else self.catalogue,
            "store": self.store,
            "store_url": self._store_url,
            "lexical_store": self.lexical_store,
            "lexical_url": "" if self.lexical_store == EMBEDDED else self.lexical_url,
        }
        found = {name: value for name, value in wanted.items() if value is not None}
        _refuse_nowhere(lambda name: found.get(name, text(name)))
        return {name: value for name, value in found.items() if value != text(name)}

    @property
    def _store_url(self) -> str | None:
        if self.store == EMBEDDED or (self.store == "pgvector" and self.store_url is None):
            return ""  # for pgvector: that of the catalogue
        return self.store_url


def _refuse_nowhere(there: Callable[[str], str]) -> None:
    store, url = there("store"), there("store_url")
    if store == "pgvector" and not (url or there("catalogue_url")):
        raise BadSetting(
            "the vectors stay in pgvector, which has no database then",
            cure="say where to with --to-store embedded, or with --to-store-url",
        )
    if store in {"milvus", "opensearch"} and not url:
        raise BadSetting(f"the store {store} needs an address", cure="give --to-store-url")


class Places(NamedTuple):
    """Kind and address of catalogue, store and index of words; what is equal is the same place."""

    catalogue: tuple[str, str]
    store: tuple[str, str]
    lexical: tuple[str, str]

    @classmethod
    def of(cls, text: Callable[[str], str], home: Path) -> Places:
        """``text``: the value of a setting. Files in the state folder have its path for their address."""
        here = (EMBEDDED, str(home))
        url, store, lexical = text("catalogue_url"), text("store"), text("lexical_store")
        of_store = text("store_url") or (url if store == "pgvector" else "")
        return cls(
            ("postgresql", url) if url else here,
            here if store == EMBEDDED else (store, of_store),
            here if lexical == EMBEDDED else (lexical, text("lexical_url") or text("store_url")),
        )

    @property
    def name(self) -> str:
        """In words, and told apart from those on other machines; without passwords."""
        words = []
        for what, (kind, address) in self._asdict().items():
            where = f"{socket.gethostname()}:{address}" if kind == EMBEDDED else without_password(address)
            words.append(f"{what} {where}" if what == "catalogue" else f"{what} {kind} {where}")
        return ", ".join(words)


def shown(changes: Mapping[str, str]) -> dict[str, str]:
    """The same, without passwords."""
    return {name: without_password(value) for name, value in changes.items()}


def without_password(url: str) -> str:
    """``postgresql://user:…@host/name``; what is no address stays as it is."""
    try:
        parts = urlsplit(url)
        if "@" not in parts.netloc and "password" not in parts.query:
            return url
    except ValueError:
        return "an address that cannot be read"
    user, _, host = parts.netloc.rpartition("@")
    named = f"{user.partition(':')[0]}:…@{host}" if user else host
    return urlunsplit((parts.scheme, named, parts.path, "", ""))
