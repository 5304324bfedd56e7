"""Playlists as files, or on a music server."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/api/v1", tags=["playlists"])
