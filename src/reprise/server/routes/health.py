"""Whether the server lives and is ready, and what is wrong."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/api/v1", tags=["health"])
