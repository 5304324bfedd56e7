"""The three endpoints of AudioMuse-AI that music servers' plug-ins ask."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/api/v1", tags=["audiomuse"])
