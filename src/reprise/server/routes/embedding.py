"""The paths that earlier embedding services answered, over the same jobs."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/api/v1", tags=["embedding"])
