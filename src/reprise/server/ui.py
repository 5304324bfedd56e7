"""The web panel: static files of the installed package, and an answer to paths of the API that do not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from fastapi import FastAPI


def serve_panel(api: FastAPI) -> None:
    """Serve the panel below ``/``; an unknown path below ``/api/`` is a JSON 404."""

    @api.api_route(
        "/api/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False
    )
    def unknown(path: str) -> None:
        raise HTTPException(404, f"there is nothing at /api/{path}")
