"""Addresses of other servers that settings name: which of them are asked, and whether two are of the same server.

People who run their own servers name private addresses, so those are as good as any. Link-local ones are not: there
clouds keep the credentials of a machine, and nobody keeps a music server.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

from reprise.errors import BadSetting

_Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"

_METADATA = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200")))
"""Where clouds tell a machine about itself, besides 169.254.0.0/16."""
_METADATA_NAMES = frozenset(
    {"metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"}
)
_LINK_LOCAL_CURE = "name the server by its own address; link-local ones are a cloud's, and told to nobody"


def check_server_address(text: str) -> None:
    """Refuse one that names a cloud's own service. Several may stand with spaces between. Raises ``BadSetting``."""
    for word in text.split():
        if _is_metadata((_parts(word).hostname or "").rstrip(".").lower()):
            raise BadSetting("an address of the cloud's own services", cure=_LINK_LOCAL_CURE)


def check_web_address(text: str) -> None:
    """The same for what is spoken to over HTTP: no other scheme is taken. Raises ``BadSetting``."""
    check_server_address(text)
    scheme, separator, _ = text.strip().partition("://")
    if separator and scheme.lower() not in {"http", "https"}:
        raise BadSetting(
            "an address that is neither http nor https", cure="write it as http://… or https://…"
        )


def same_server(one: str, other: str) -> bool:
    """Whether both are spoken to by the same scheme, host and port."""
    return _origin(one) == _origin(other)


def _origin(address: str) -> tuple[str, str, int | None]:
    parts = _parts(address.strip())
    scheme = parts.scheme.lower()
    try:
        port = parts.port or {"http": 80, "https": 443}.get(scheme)
    except ValueError:  # a port that is no number: no other address is this one
        return scheme, address, None
    return scheme, (parts.hostname or "").lower(), port


def _parts(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError:  # a bracket that is left open: whoever uses it says so
        return urlsplit("")


def _is_metadata(host: str) -> bool:
    if host in _METADATA_NAMES:
        return True
    address = _address(host)
    if address is None:
        return False
    inner = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (inner or address) in _METADATA or (inner or address).is_link_local


def _address(host: str) -> _Address | None:
    """The address that a host is; also in the ways in which only the system's resolver writes one, as 0xA9FEA9FE."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None
