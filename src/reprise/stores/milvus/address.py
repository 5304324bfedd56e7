"""What ``store_url`` says: a folder of Milvus Lite, or a server with who we are and which database is meant."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from reprise.errors import StoreRefused

DEFAULT_PORT = 19530
CURE = "write store_url as /FOLDER/NAME.db for Milvus Lite, or as http://USER:PASSWORD@HOST:19530/DATABASE for a server"


@dataclass(frozen=True, slots=True)
class Address:
    """``name`` is fit for messages: it has no secret. ``folder`` is set for Milvus Lite, the others for a server."""

    name: str
    folder: Path | None = None
    uri: str = ""
    token: str = field(default="", repr=False)
    database: str = ""

    def without_secrets(self, text: str) -> str:
        """The text as a person may read it, in a log for instance."""
        for secret in (self.token, self.token.partition(":")[2]):  # the longer first
            text = text.replace(secret, "…") if secret else text
        return text


def parsed(url: str) -> Address:
    """Raises ``StoreRefused`` for what is no address. Signs that mean something in a URL are written as %XX."""
    if url.endswith(".db"):
        folder = Path(url.removeprefix("file://")).expanduser()
        return Address(str(folder), folder=folder)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise StoreRefused("store_url is no address: its port is no number", cure=CURE) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise StoreRefused("store_url is no address of a Milvus server", cure=CURE)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    uri = f"{parts.scheme}://{host}:{port or (443 if parts.scheme == 'https' else DEFAULT_PORT)}"
    token = unquote(parts.username or "")
    if parts.password is not None:
        token = f"{token}:{unquote(parts.password)}"
    database = unquote(parts.path.strip("/"))
    return Address(f"{uri}/{database}".rstrip("/"), uri=uri, token=token, database=database)
