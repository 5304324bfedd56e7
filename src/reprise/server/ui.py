"""The web panel: static files of the installed package, and an answer to paths of the API that do not exist."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

DIST = Path(__file__).parent / "dist"
"""What hatch_build.py makes of ui/."""

_FOREVER = "public, max-age=31536000, immutable"

_NO_PANEL = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Reprise</title>
<h1>This installation has no web panel</h1>
<p>It was built without one. The API works: see <a href="/api/v1/docs">its description</a>.</p>
<p>To get the panel, install a released version; or, in a copy of the source, install Node 20.19 or newer and run
<code>REPRISE_UI=require pip install .</code></p>
</html>
"""


def serve_panel(api: FastAPI, dist: Path = DIST) -> None:
    """Serve the panel below ``/``; an unknown path below ``/api/`` is a JSON 404. To be called after all routes."""

    @api.api_route(
        "/api/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False
    )
    def unknown(path: str) -> None:
        raise HTTPException(404, f"there is nothing at /api/{path}")

    if (dist / "index.html").is_file():
        api.mount("/", _Panel(directory=dist, html=True))
        return

    @api.get("/{path:path}", include_in_schema=False)
    def no_panel(path: str) -> HTMLResponse:
        return HTMLResponse(
            _NO_PANEL, status_code=404 if path else 200, headers={"Cache-Control": "no-cache"}
        )


class _Panel(StaticFiles):
    """The panel's files. Its pages are addresses without a file: they are answered with ``index.html``."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        page = not PurePosixPath(path).suffix
        response = await super().get_response("index.html" if page else path, scope)
        # What is below assets/ carries its digest in its name; the rest changes with an upgrade.
        response.headers["Cache-Control"] = _FOREVER if path.startswith("assets/") else "no-cache"
        return response
