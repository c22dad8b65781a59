"""Who is asking: a key becomes a Principal before the body is read; a route says which roles it takes.

Every address under /v1/ needs a key unless `OPEN` (or the setting for analyses) says otherwise, so a new route is closed until somebody opens it.
"""

from __future__ import annotations

import asyncio
import hmac
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.types import ASGIApp, Receive, Scope, Send

from service.accounts.rates import RateLimit
from service.problems import Problem, ProblemError, respond, unavailable

Role = Literal["admin", "trainer", "rep", "integration", "draft"]
ROLES: tuple[Role, ...] = get_args(Role)
OPEN = ("/v1/model",)
"""Addresses that need no key: the model's card."""
HOOKS = "/v1/hooks/"
"""Hooks verify their caller by the vendor's signature; an Authorization header there is the vendor's affair."""
ANALYSES = ("/v1/analyses", "/v1/analyses/batch")
"""What stores nothing: open to all or not by FUPAN_OPEN_ANALYSES."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a valid key stands for, and what it may reach: `team_ids` of a trainer, `person_id` of a rep, `integration_id` of an integration."""

    tenant_id: str
    key_id: str
    role: Role
    team_ids: frozenset[str] = frozenset()
    person_id: str | None = None
    integration_id: str | None = None


def unauthorized() -> Problem:
    """The 401 of no key, or one that is malformed, unknown or revoked: the caller does not learn which."""
    return Problem(type="/problems/no-valid-key", title="A valid key is needed", status=401, detail="Send Authorization: Bearer fk_….")


def forbidden() -> Problem:
    """The 403 of a valid key whose role may not do this."""
    return Problem(type="/problems/forbidden", title="This key may not do that", status=403)


def not_found() -> Problem:
    """The 404 of what does not exist, or not for this key: the caller does not learn which."""
    return Problem(title="There is nothing at this address", status=404)


def too_many() -> Problem:
    """The 429 of a key above its rate."""
    return Problem(type="/problems/too-many-requests", title="Too many requests", status=429, detail="Wait the seconds of Retry-After.")


class Gate:
    """ASGI middleware: finds the key's Principal, takes one request of its rate, and turns away who has no key, before any body is read.

    Our own pages call with their session instead: its cookie (a `viewer` in the scope's state, by SessionGate) and its token in X-CSRF-Token,
    which no other site can send.
    """

    def __init__(
        self, app: ASGIApp, find: Callable[[Engine, str, datetime], Principal | None], engine: Engine, rate: RateLimit,
        now: Callable[[], datetime], open_analyses: bool,
    ) -> None:  # fmt: skip
        self.app, self._find, self._engine, self._rate, self._now = app, find, engine, rate, now
        self._open = OPEN + (ANALYSES if open_analyses else ())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v1/") or scope["path"].startswith(HOOKS):
            await self.app(scope, receive, send)
            return
        header = next((v for k, v in scope["headers"] if k == b"authorization"), None)
        seen = scope.get("state", {}).get("viewer") if header is None else None
        sent = next((v for k, v in scope["headers"] if k == b"x-csrf-token"), b"")
        if seen is not None and hmac.compare_digest(sent, seen.csrf.encode()):
            await self._let_in(seen.principal, scope, receive, send)
            return
        if header is None:
            if scope["path"] in self._open:
                await self.app(scope, receive, send)
            else:
                await respond(unauthorized(), {"WWW-Authenticate": "Bearer"})(scope, receive, send)
            return
        kind, _, key = header.decode("latin-1").partition(" ")
        try:
            principal = await asyncio.to_thread(self._find, self._engine, key.strip(), self._now()) if kind.lower() == "bearer" else None
        except (OperationalError, PoolTimeoutError):
            await unavailable()(scope, receive, send)
            return
        if principal is None:
            await respond(unauthorized(), {"WWW-Authenticate": "Bearer"})(scope, receive, send)
            return
        await self._let_in(principal, scope, receive, send)

    async def _let_in(self, principal: Principal, scope: Scope, receive: Receive, send: Send) -> None:
        if wait := self._rate.take(principal.key_id):
            await respond(too_many(), {"Retry-After": str(math.ceil(wait))})(scope, receive, send)
            return
        scope.setdefault("state", {})["principal"] = principal
        await self.app(scope, receive, send)


_bearer = HTTPBearer(auto_error=False, description="An API key, fk_ and 43 characters.")


def require(*roles: Role) -> Callable[..., Principal]:
    """A dependency that gives the request's Principal where its role is one of `roles`; 401 without a key, 403 with another role."""

    def principal(request: Request, _: HTTPAuthorizationCredentials | None = Security(_bearer)) -> Principal:  # noqa: B008
        found: Principal | None = getattr(request.state, "principal", None)
        if found is None:
            raise ProblemError(unauthorized(), {"WWW-Authenticate": "Bearer"})
        if found.role not in roles:
            raise ProblemError(forbidden())
        return found

    return principal
