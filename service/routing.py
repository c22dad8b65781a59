"""The application's routes, those of included routers too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope


def every_route(app: FastAPI) -> Iterator[APIRoute]:
    """Every API route; FastAPI keeps included routers as they are since 0.160."""
    waiting: list[Any] = list(app.routes)
    while waiting:
        route = waiting.pop()
        if isinstance(route, APIRoute):
            yield route
        else:
            waiting += getattr(getattr(route, "original_router", None), "routes", [])


def allowed_methods(app: FastAPI, scope: Scope) -> list[str]:
    """The methods that the address of a request takes, over all routes of it; /v1/notes/batch is no note's id."""
    matching = [route for route in every_route(app) if route.matches(scope)[0] != Match.NONE]
    matching = [route for route in matching if route.include_in_schema] or matching  # the hidden ones beside others only refuse
    plainest = min((route.path.count("{") for route in matching), default=0)
    return sorted({m for route in matching if route.path.count("{") == plainest for m in route.methods or ()})
