"""Figures for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from reprise.errors import Forbidden
from reprise.server.access import Role
from reprise.server.asking import is_of_this_machine, person_of
from reprise.server.problems import responses

router = APIRouter(tags=["metrics"])

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"description": "Prometheus text", "content": {"text/plain": {"schema": {"type": "string"}}}},
        **responses(401, 403),
    },
)
async def metrics(request: Request) -> Response:
    """Jobs, operations, items, vectors, requests and this process. For programs on this machine, and administrators."""
    if not is_of_this_machine(request) and (await person_of(request)).role is not Role.ADMIN:
        raise Forbidden("only administrators may do this")
    text = await run_in_threadpool(request.app.state.metrics.text)
    return Response(text, media_type=MEDIA_TYPE)
