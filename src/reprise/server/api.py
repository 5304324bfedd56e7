"""The web application: routes, errors, guards, the panel, and the services that live as long as it does."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from reprise import __version__
from reprise.server.guard import guard
from reprise.server.house import House
from reprise.server.meter import measure
from reprise.server.methods import OtherMethods
from reprise.server.problems import handle_problems, responses
from reprise.server.routes import ROUTES
from reprise.server.services import services_of
from reprise.server.ui import serve_panel

API = "/api/v1"


def create_api(house: House) -> FastAPI:
    """The application that serves this house. Its services start and stop with it."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(house.start, services_of(house))
        try:
            yield
        finally:
            await run_in_threadpool(house.stop)

    api = FastAPI(
        title="Reprise",
        version=__version__,
        description="Keeps the embeddings of a media library up to date.",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=responses(400, 403, 413, 421),  # what the guard answers
        lifespan=lifespan,
    )
    api.state.house = house
    handle_problems(api)
    guard(api, house)
    measure(api, house)
    routers = [importlib.import_module(f"reprise.server.routes.{name}").router for name in ROUTES]
    api.router.routes.append(OtherMethods(routers))
    for router in routers:
        api.include_router(router)
    serve_panel(api)
    return api
