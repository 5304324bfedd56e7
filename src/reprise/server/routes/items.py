"""Items: pages, one, why it is in its state, and all of them as lines."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/api/v1", tags=["items"])
