"""Secrets stay with the server that they were given for.

Nobody is shown a key over HTTP. Whoever could name another address for it would be sent it: so with another server's
address comes a new key, or none.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from reprise.core.addresses import same_server
from reprise.errors import SettingHeld
from reprise.settings import BY_NAME, Origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reprise.known_settings import Value
    from reprise.settings import Settings

SECRET_OF = {
    "endpoint": "endpoint_key",
    "subsonic_url": "subsonic_password",
    "acoustid_url": "acoustid_key",
}
"""By the setting that says where it is sent. Other addresses hold their secrets themselves."""

HUB_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""Variables of the environment that are sent to the model hub."""


def refuse_to_send_elsewhere(settings: Settings, changes: Mapping[str, Value | None]) -> None:
    """Raises ``SettingHeld`` when a change would send a secret to another server than the one it was given for."""
    for address, secret in SECRET_OF.items():
        if _moves(settings, changes, address) and settings.text(secret) and secret not in changes:
            raise SettingHeld(
                f"{secret} was given for another server than this {address}",
                cure=_cure(settings, address, secret),
            )
    if _moves(settings, changes, "hub") and any(map(os.environ.get, HUB_TOKENS)):
        raise SettingHeld(
            "the environment holds a token for the model hub, which another hub would be sent",
            cure="name the hub where the token is set: REPRISE_HUB",
        )


def _moves(settings: Settings, changes: Mapping[str, Value | None], address: str) -> bool:
    if address not in changes:
        return False
    after = changes[address]
    return not same_server(settings.text(address), str(BY_NAME[address].default if after is None else after))


def _cure(settings: Settings, address: str, secret: str) -> str:
    if settings.origin(secret) in {Origin.ENVIRONMENT, Origin.FLAG}:
        return f"set both where {BY_NAME[secret].variable} is set"
    return f"send {secret} with {address}, or take it away first and give it anew afterwards"
