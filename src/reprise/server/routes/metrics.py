"""Figures for Prometheus."""

from __future__ import annotations

import ipaddress

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from reprise.errors import Forbidden
from reprise.server.access import Role
from reprise.server.asking import person_of
from reprise.server.problems import responses

router = APIRouter(tags=["metrics"])

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
"""Whoever comes through a proxy on this machine is a stranger all the same."""


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
    if not _is_here(request) and (await person_of(request)).role is not Role.ADMIN:
        raise Forbidden("only administrators may do this")
    text = await run_in_threadpool(request.app.state.metrics.text)
    return Response(text, media_type=MEDIA_TYPE)


def _is_here(request: Request) -> bool:
    if any(name in request.headers for name in FORWARDED):
        return False
    if request.client is None:  # the Unix socket, which is for its user alone
        return True
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
