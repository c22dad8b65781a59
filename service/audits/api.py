"""GET /v1/audits: an audit's figures for programs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy import Engine

from service.accounts.access import Principal, not_found, require
from service.audits.audit import NotInScopeError, audit
from service.audits.result import Audit
from service.audits.selection import AuditFilter, settle
from service.database import reading
from service.problems import ProblemError, responses

Reader = Annotated[Principal, Depends(require("admin", "trainer"))]


def routes(engine: Engine, today: Callable[[], date]) -> APIRouter:
    """The audit over a database. `today` is the calendar."""
    router = APIRouter(tags=["audits"])

    @router.get("/v1/audits", responses=responses(401, 403, 404, 422, 429, 503), summary="Figures over the notes of a team and a period")
    def read_audit(principal: Reader, criteria: Annotated[AuditFilter, Query()]) -> Audit:
        """Each note counts once, in its newest revision, by its newest analysis; `model_versions` says whose."""
        try:
            with reading(engine) as session:
                return audit(session, principal, settle(criteria, today()))
        except NotInScopeError:
            raise ProblemError(not_found()) from None

    return router
