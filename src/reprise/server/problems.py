"""Every error as JSON: what is wrong, and its cure."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from reprise.errors import RepriseError, TooManyTries


class Fault(BaseModel):
    """One field that is wrong."""

    at: str = Field(description="Where: body.models.0, query.limit, path.job_id")
    problem: str


class Problem(BaseModel):
    """The answer to a request that failed."""

    code: str = Field(description="Stable; what programs read")
    message: str
    cure: str = Field(description="What to do about it")
    fields: list[Fault] = Field(default=[], description="Of a request that does not fit: each field")


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's ``responses``: these statuses answer with a ``Problem``."""
    return {status: {"model": Problem} for status in statuses}


def handle_problems(api: FastAPI) -> None:
    """Every error of ours, of the framework and of validation becomes a ``Problem``."""
    api.add_exception_handler(RepriseError, _ours)
    api.add_exception_handler(RequestValidationError, _unfit)
    api.add_exception_handler(HTTPException, _of_framework)


def problem(
    status: int, code: str, message: str, cure: str = "", headers: dict[str, str] | None = None
) -> JSONResponse:
    """A ``Problem`` as an answer."""
    return JSONResponse(Problem(code=code, message=message, cure=cure).model_dump(), status, headers)


def _ours(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RepriseError):
        raise error
    return problem_of(error)


def problem_of(error: RepriseError) -> JSONResponse:
    """The answer to a request that failed for a reason of ours."""
    headers = {"Retry-After": str(max(1, round(error.wait)))} if isinstance(error, TooManyTries) else None
    if error.http_status == 401:
        headers = {"WWW-Authenticate": "Bearer"}
    return problem(error.http_status, error.code, error.message, error.cure, headers)


def _unfit(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    faults = [
        Fault(at=".".join(map(str, fault["loc"])), problem=str(fault["msg"])) for fault in error.errors()
    ]
    first = f"{faults[0].at}: {faults[0].problem}" if faults else "the request does not fit"
    found = Problem(
        code="unfit", message=first, cure="see the API's description: /api/v1/docs", fields=faults
    )
    return JSONResponse(found.model_dump(), 422)


_CODES = {
    400: ("bad_request", "send what the API's description says: /api/v1/docs"),
    404: ("not_found", "see the API's description: /api/v1/docs"),
    405: ("method_not_allowed", "see the API's description: /api/v1/docs"),
    413: ("too_large", "send less at once"),
}


def _of_framework(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    code, cure = _CODES.get(error.status_code, ("http_error", ""))
    return problem(error.status_code, code, str(error.detail), cure, dict(error.headers or {}))
