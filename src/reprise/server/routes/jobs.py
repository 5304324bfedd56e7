"""Jobs: estimate, start, look at, pause, resume, cancel."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/api/v1", tags=["jobs"])
