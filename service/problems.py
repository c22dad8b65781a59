"""Errors in one shape: problem details (RFC 9457). No message ever repeats what was sent, because notes are personal data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from service.routing import allowed_methods

MEDIA_TYPE = "application/problem+json"
_MEANINGS = {
    400: "The body cannot be read",
    401: "No valid key",
    403: "The key's role may not do this",
    404: "There is no such thing, or not for this key",
    405: "This address does not take that method",
    409: "A value is in use already; errors names it",
    413: "The body is above the limit",
    422: "A field is not valid; errors names it",
    429: "Too many requests; wait the seconds of Retry-After",
    503: "Not ready",
}
_FIELD_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")


class FieldFault(BaseModel):
    """One field at fault, named by its path in the request, e.g. `notes.3.text`."""

    field: str
    message: str


class Problem(BaseModel):
    """Problem details, RFC 9457."""

    type: str = Field("about:blank", description="Names the kind of problem; relative to this server.")
    title: str
    status: int
    detail: str | None = None
    errors: list[FieldFault] = Field(default_factory=list, description="The fields at fault, where fields are.")


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route declares in OpenAPI for the problems it may answer."""
    return {
        s: {"description": _MEANINGS[s], "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}} for s in statuses
    }


class ProblemError(Exception):
    """An expected error, answered as its problem."""

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problem.title)
        self.problem = problem
        self.headers = dict(headers or {})


def invalid(faults: Iterable[FieldFault]) -> Problem:
    """The 422 of fields at fault."""
    return Problem(
        type="/problems/invalid-field",
        title="A field is not valid",
        status=422,
        detail="See errors for the fields at fault.",
        errors=list(faults),
    )


def taken(field: str) -> Problem:
    """The 409 of a value that must be unique and is in use."""
    return Problem(
        type="/problems/taken",
        title="A value is in use already",
        status=409,
        errors=[FieldFault(field=field, message="This is in use already")],
    )


def unexpected() -> Problem:
    """The 500, which says nothing of its cause."""
    return Problem(title="Something went wrong on our side", status=500, detail="The error is in the server's log under this request's id.")


def unavailable() -> JSONResponse:
    """The 503 of a database that does not answer or is locked for too long."""
    return respond(
        Problem(type="/problems/not-ready", title="Not ready", status=503, detail="The database does not answer."), {"Retry-After": "5"}
    )


def too_large(limit: int) -> Problem:
    """The 413 of a body above the limit in bytes."""
    return Problem(
        type="/problems/body-too-large", title="The request body is too large", status=413, detail=f"The limit is {limit} bytes."
    )


def _safe(part: str | int) -> str:
    """A path's part as it may be repeated: a field's name is the caller's own text, so only a plain short one is."""
    return str(part) if isinstance(part, int) or _FIELD_NAME.fullmatch(part) else "(unknown)"


def faults_of(errors: Iterable[Mapping[str, Any]]) -> list[FieldFault]:
    """pydantic's errors as field faults: path and message, never the input."""
    out = []
    for error in errors:
        kind = error["type"]
        path = [_safe(part) for part in error["loc"] if part != "body"]
        message = (
            "The body is not valid JSON"
            if kind == "json_invalid"
            else "This field is not known"
            if kind == "extra_forbidden"
            else str(error["msg"]).removeprefix("Value error, ")
        )
        if kind == "json_invalid":
            path = ["body"]
        out.append(FieldFault(field=".".join(path) or "body", message=message))
    return out


def respond(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The problem as an HTTP answer."""
    return JSONResponse(problem.model_dump(exclude_none=True), problem.status, dict(headers or {}), MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every expected error of the app as a problem; the unexpected ones are RequestLog's."""

    @app.exception_handler(ProblemError)
    async def expected(_: Request, error: ProblemError) -> JSONResponse:
        return respond(error.problem, error.headers)

    @app.exception_handler(RequestValidationError)
    async def not_valid(_: Request, error: RequestValidationError) -> JSONResponse:
        return respond(invalid(faults_of(error.errors())))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        titles = {404: "There is nothing at this address", 405: "This address does not take that method", 400: "The request cannot be read"}
        # Each route tells only its own methods, and an address may have several routes.
        headers = {"Allow": ", ".join(allowed_methods(app, request.scope))} if error.status_code == 405 else error.headers
        return respond(Problem(title=titles.get(error.status_code, "The request failed"), status=error.status_code), headers)

    @app.exception_handler(OperationalError)
    @app.exception_handler(PoolTimeoutError)
    async def database(_: Request, error: Exception) -> JSONResponse:
        structlog.get_logger().error("database not available", error=type(error).__name__)
        return unavailable()
