"""GET /healthz, /readyz and /metrics."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import TypeVar

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, SecretStr

from service.operations.metrics import Metrics
from service.operations.readiness import Readiness
from service.problems import MEDIA_TYPE, FieldFault, Problem, ProblemError

PATIENCE = 6.0
"""Seconds a check may take before its subject counts as not answering."""
_T = TypeVar("_T")


class Health(BaseModel):
    """The process is up."""

    status: str


class Ready(Health):
    """The process does its work, by this model version. `refused`: the active version's name, where this process cannot serve it."""

    model: str
    refused: str | None = None


def not_ready(faults: list[FieldFault]) -> Problem:
    """The 503 that names what is missing."""
    return Problem(
        type="/problems/not-ready",
        title="Not ready",
        status=503,
        detail="; ".join(f"{f.field}: {f.message}" for f in faults),
        errors=faults,
    )


def may_read_metrics(authorization: str | None, token: SecretStr | None, loopback: bool) -> None:
    """Let through whoever holds the token; without a token set, anyone while the server listens on a loopback address only.

    Raises ProblemError: 401 for a wrong or missing token, 404 where metrics are not given at all.
    """
    if token is None:
        if not loopback:
            raise ProblemError(Problem(title="There is nothing at this address", status=404))
        return
    scheme, _, given = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not secrets.compare_digest(given.strip().encode(), token.get_secret_value().encode()):
        problem = Problem(type="/problems/unauthorized", title="A valid token is needed", status=401)
        raise ProblemError(problem, {"WWW-Authenticate": "Bearer"})


def routes(readiness: Readiness, metrics: Metrics, token: SecretStr | None, loopback: bool, model: Callable[[], Ready]) -> APIRouter:
    """The operator's routes. `loopback`: the server listens on a loopback address only; `model` tells which one is served."""
    router = APIRouter(tags=["operations"])

    async def in_time(check: Callable[[], _T], late: _T) -> _T:
        """The check's answer, or `late` where it hangs (a database behind a dead network gives no error)."""
        try:
            return await asyncio.wait_for(asyncio.to_thread(check), PATIENCE)
        except TimeoutError:
            return late

    @router.get("/healthz", response_model=Health, summary="The process is up")
    async def healthz() -> Health:
        return Health(status="ok")

    refused = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}

    @router.get(
        "/readyz",
        response_model=Ready,
        response_model_exclude_none=True,
        responses={503: {"description": "Not ready; errors names model, database or schema", **refused}},
        summary="Model as trained, database reachable, schema at head",
    )
    async def readyz() -> Ready:
        late = [FieldFault(field="database", message="The database does not answer in time")]
        if faults := await in_time(readiness.faults, late):
            raise ProblemError(not_ready(faults))
        return model()

    @router.get(
        "/metrics",
        response_class=Response,
        responses={
            200: {"description": "Prometheus' text format", "content": {"text/plain": {"schema": {"type": "string"}}}},
            401: {"description": "A valid token is needed", **refused},
            503: {"description": "The metrics could not be gathered in time", **refused},
            404: {"description": "No token is set and the server is not on a loopback address", **refused},
        },
        summary="Metrics for Prometheus",
    )
    async def read_metrics(request: Request) -> Response:
        may_read_metrics(request.headers.get("authorization"), token, loopback)
        up = await in_time(readiness.database_up, False)
        text = await in_time(lambda: metrics.text(up), b"")
        if not text:
            raise ProblemError(not_ready([FieldFault(field="metrics", message="The metrics could not be gathered in time")]))
        return Response(text, headers={"content-type": CONTENT_TYPE_LATEST})

    return router
