"""GET /v1/customers/{customer}/brief: the brief before the next visit, as JSON."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import TypeAdapter
from sqlalchemy import Engine

from service.accounts.access import Principal, not_found, require
from service.database import reading
from service.fields import NO_NUL
from service.problems import ProblemError, responses
from service.reps.brief import Brief, make_brief
from service.reps.visits import of_customer, read

Reader = Annotated[Principal, Depends(require("admin", "trainer", "rep"))]
CustomerName = Annotated[str, Path(min_length=1, max_length=200, pattern=NO_NUL, description="The customer's name or CRM id.")]
NEWEST = 100
"""A brief reads so many of the customer's last notes."""
BRIEF: TypeAdapter[Brief] = TypeAdapter(Brief)


def brief_of(engine: Engine, principal: Principal, customer: str, today: date) -> Brief:
    """The brief of a customer by the notes this principal may see. Raises ProblemError (404) where there is none."""
    with reading(engine) as session:
        visits = read(session, principal, [of_customer(customer)], NEWEST)
    if not visits:
        raise ProblemError(not_found())
    return make_brief(next((v.customer for v in reversed(visits) if v.customer), customer), visits, today)


def routes(engine: Engine, today: Callable[[], date]) -> APIRouter:
    """Briefs over a database."""
    router = APIRouter(tags=["customers"])

    # A customer's name may hold a slash.
    @router.get("/v1/customers/{customer:path}/brief", responses=responses(401, 403, 404, 422, 429, 503), summary="Before the next visit")
    def brief(principal: Reader, customer: CustomerName) -> Brief:
        return brief_of(engine, principal, customer, today())

    return router
