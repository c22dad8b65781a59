"""From cookie to Viewer, before a route is found: ASGI middleware around the API's Gate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from http.cookies import CookieError, SimpleCookie

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.types import ASGIApp, Receive, Scope, Send

from service.database import reading
from service.problems import unavailable
from service.sessions.store import Viewer, find_viewer

WITHOUT = ("/static/", "/swagger/", "/healthz", "/readyz", "/metrics", "/v1/hooks/")
"""Addresses where nobody looks at who it is."""


def cookie_name(secure: bool, of: str = "session") -> str:
    """The cookie's name. __Host- binds it to this very host over https: no neighbour can set it."""
    return f"__Host-fupan_{of}" if secure else f"fupan_{of}"


class SessionGate:
    """Puts the Viewer of a valid session into the scope's state; turns nobody away."""

    def __init__(self, app: ASGIApp, engine: Engine, now: Callable[[], datetime], secure: bool) -> None:
        self.app, self._engine, self._now, self._name = app, engine, now, cookie_name(secure)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = self._token(scope) if scope["type"] == "http" and not scope["path"].startswith(WITHOUT) else None
        if token is not None:
            try:
                viewer = await asyncio.to_thread(self._find, token)
            except (OperationalError, PoolTimeoutError):
                await unavailable()(scope, receive, send)
                return
            if viewer is not None:
                scope.setdefault("state", {})["viewer"] = viewer
        await self.app(scope, receive, send)

    def _find(self, token: str) -> Viewer | None:
        with reading(self._engine) as session:
            return find_viewer(session, token, self._now())

    def _token(self, scope: Scope) -> str | None:
        for key, value in scope["headers"]:
            if key == b"cookie":
                try:
                    morsel = SimpleCookie(value.decode("latin-1")).get(self._name)
                except CookieError:
                    continue
                if morsel is not None:
                    return morsel.value
        return None
