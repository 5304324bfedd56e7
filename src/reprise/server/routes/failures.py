"""What failed and why; retried or dismissed."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/api/v1", tags=["failures"])
