"""Where an OpenSearch is, how to get in, and how its indices are to be made: all of it stands in one URL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from reprise.errors import BadSetting

if TYPE_CHECKING:
    from collections.abc import Mapping

FORM = "https://USER:PASSWORD@HOST:9200/PREFIX"
CURE = f"write it as {FORM}; user, password and PREFIX may be left out"

EXACT_TO = 20_000
"""Vectors of one owner up to which every one of them is compared. Nobody has measured it here: there was no server."""

_PREFIX = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_OPTIONS = ("verify", "ca", "engine", "shards", "replicas", "exact")
_ENGINES = ("lucene", "faiss")


@dataclass(frozen=True)
class Address:
    """The parts of ``https://USER:PASSWORD@HOST:9200/PREFIX?OPTION=VALUE&…``.

    ``prefix``: the indices' names begin with it (``reprise``); two installations may share a cluster under two prefixes.
    ``verify``: ``no`` takes any certificate. ``ca``: a file with the certificates to trust. ``engine``: ``lucene``
    or ``faiss``, what builds the graphs of vectors. ``shards`` and ``replicas``: of indices that are made from now on.
    ``exact``: up to how many vectors of one owner a search compares them all.
    """

    host: str
    port: int
    secure: bool
    user: str
    password: str
    prefix: str = "reprise"
    verify: bool = True
    ca: str = ""
    engine: str = "lucene"
    shards: int = 1
    replicas: int | None = None
    exact: int = EXACT_TO

    def __repr__(self) -> str:
        return f"Address({self.shown})"  # never the password

    @property
    def shown(self) -> str:
        """For people and logs: without user and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}"

    def connection(self) -> dict[str, Any]:
        """What opensearch-py is told of it."""
        told: dict[str, Any] = {"hosts": [{"host": self.host, "port": self.port}], "use_ssl": self.secure}
        if self.user:
            told["http_auth"] = (self.user, self.password)
        if self.secure:
            told |= {"verify_certs": self.verify, "ssl_show_warn": False}
            told |= {"ca_certs": self.ca} if self.ca else {}
            told |= {} if self.verify else {"ssl_assert_hostname": False}
        return told


def parse(url: str) -> Address:
    """Raises ``BadSetting``, which never repeats the URL: a password may stand in it."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise BadSetting("the URL of OpenSearch cannot be read", cure=CURE) from error
    if parts.scheme not in {"http", "https"} or not host:
        raise BadSetting("the URL of OpenSearch does not begin with https://HOST or http://HOST", cure=CURE)
    options = _options(parts.query)
    return Address(
        host=host,
        port=port or 9200,
        secure=parts.scheme == "https",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        prefix=_prefix(parts.path),
        verify=_yes(options),
        ca=options.get("ca", ""),
        engine=_engine(options),
        shards=_whole(options, "shards", 1, 1) or 1,
        replicas=_whole(options, "replicas", None, 0),
        exact=_whole(options, "exact", EXACT_TO, 0) or 0,
    )


def _options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := sorted(set(options) - set(_OPTIONS)):
        raise BadSetting(
            f"the URL of OpenSearch has an option {unknown[0]!r}",
            cure=f"the options are {', '.join(_OPTIONS)}",
        )
    return options


def _prefix(path: str) -> str:
    name = path.strip("/")
    if name and not _PREFIX.fullmatch(name):
        raise BadSetting(
            f"{name!r} in the URL of OpenSearch is no prefix of indices",
            cure="40 letters at most: a-z first, then a-z, 0-9, _ and -",
        )
    return name or "reprise"


def _yes(options: Mapping[str, str]) -> bool:
    word = options.get("verify", "yes")
    if word not in {"yes", "no"}:
        raise BadSetting(f"verify={word} in the URL of OpenSearch", cure="write verify=yes or verify=no")
    return word == "yes"


def _engine(options: Mapping[str, str]) -> str:
    word = options.get("engine", "lucene")
    if word not in _ENGINES:
        raise BadSetting(
            f"engine={word} in the URL of OpenSearch", cure="write engine=lucene or engine=faiss"
        )
    return word


def _whole(options: Mapping[str, str], name: str, default: int | None, least: int) -> int | None:
    word = options.get(name)
    if word is None:
        return default
    if not word.isascii() or not word.isdigit() or not least <= int(word) <= 10**9:
        raise BadSetting(
            f"{name}={word} in the URL of OpenSearch is no number from {least} on",
            cure=f"write {name}={least} or more",
        )
    return int(word)
