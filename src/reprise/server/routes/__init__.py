"""The routes of the API: one module per resource, each with its ``router``."""

from __future__ import annotations

ROUTES = (
    "auth",
    "users",
    "libraries",
    "folders",
    "items",
    "analyses",
    "audio",
    "search",
    "playlists",
    "videos",
    "scenes",
    "persons",
    "pipeline",
    "reprocess",
    "rename",
    "duplicates",
    "cues",
    "map",
    "models",
    "jobs",
    "failures",
    "following",
    "schedules",
    "events",
    "settings",
    "health",
    "description",
    "metrics",
    "subsonic",
    "audiomuse",
    "embedding",
)
"""The order in which they are described."""
