"""/v1/deletions, /v1/retention, /v1/exports/notes: an admin's care for personal data."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import StringConstraints
from sqlalchemy import select

from service.accounts import store as accounts
from service.accounts.access import Principal, not_found, require
from service.accounts.tables import Tenant
from service.database import reading, scrub, writing
from service.fields import CURSOR, Limit
from service.ids import pattern
from service.notes import listing
from service.notes.api import Wiring
from service.notes.deletion import delete_customer, delete_person
from service.notes.deletion_requests import DeletionRequest, ExportFilter, ReceiptAnswer, ReceiptsAnswer, Retention
from service.notes.exporting import csv_lines, json_lines
from service.notes.tables import DeletionReceipt
from service.problems import ProblemError, responses

Admin = Annotated[Principal, Depends(require("admin"))]
Exporter = Annotated[Principal, Depends(require("admin", "trainer"))]
ReceiptId = Annotated[str, StringConstraints(pattern=pattern("rc"))]
_READ, _WRITE = responses(401, 403, 422, 429, 503), responses(400, 401, 403, 404, 413, 422, 429, 503)


def routes(wiring: Wiring) -> APIRouter:
    """Deletion, retention and export over a database."""
    router = APIRouter(tags=["personal data"])
    engine, now, hooks = wiring.engine, wiring.now, wiring.hooks

    @router.post("/v1/deletions", status_code=201, responses=_WRITE, summary="Delete all data of a person or a customer")
    def delete_data(principal: Admin, request: DeletionRequest) -> ReceiptAnswer:
        with writing(engine) as session:
            if request.person_id is not None:
                person = accounts.person(session, principal.tenant_id, request.person_id)
                if person is None:
                    raise ProblemError(not_found())
                row = delete_person(session, person, now(), hooks.erasers)
            else:
                row = delete_customer(session, principal.tenant_id, request.customer, request.customer_id, now(), hooks.erasers)
            answer = ReceiptAnswer.model_validate(row)
        scrub(engine)
        return answer

    @router.get("/v1/deletions", responses=_READ, summary="Receipts of deletions")
    def list_receipts(
        principal: Admin, limit: Limit = 50, cursor: Annotated[ReceiptId | None, Query(description=CURSOR)] = None
    ) -> ReceiptsAnswer:
        with reading(engine) as session:
            before = [DeletionReceipt.id < cursor] if cursor else []
            query = select(DeletionReceipt).where(DeletionReceipt.tenant_id == principal.tenant_id, *before)
            rows = list(session.scalars(query.order_by(DeletionReceipt.id.desc()).limit(limit + 1)))
            salt = session.scalars(select(Tenant.receipt_salt).where(Tenant.id == principal.tenant_id)).one()
            receipts = [ReceiptAnswer.model_validate(r) for r in rows[:limit]]
            return ReceiptsAnswer(receipts=receipts, salt=salt, next=rows[limit - 1].id if len(rows) > limit else None)

    @router.get("/v1/retention", responses=_READ, summary="How long notes are kept")
    def read_retention(principal: Admin) -> Retention:
        with reading(engine) as session:
            return Retention(days=session.scalars(select(Tenant.retention_days).where(Tenant.id == principal.tenant_id)).one())

    @router.put("/v1/retention", responses=_WRITE, summary="Set how long notes are kept")
    def set_retention(principal: Admin, request: Retention) -> Retention:
        with writing(engine) as session:
            session.scalars(select(Tenant).where(Tenant.id == principal.tenant_id)).one().retention_days = request.days
        return request

    @router.get(
        "/v1/exports/notes",
        response_class=StreamingResponse,
        responses=responses(401, 403, 404, 422, 429, 503) | {200: {"content": {"application/x-ndjson": {}, "text/csv": {}}}},
        summary="Notes with their current analyses, as JSON lines or CSV",
    )
    def export(principal: Exporter, criteria: Annotated[ExportFilter, Query()]) -> StreamingResponse:
        if principal.role == "trainer" and criteria.team is not None and criteria.team not in principal.team_ids:
            raise ProblemError(not_found())
        rows = listing.every(engine, principal, criteria)
        name = {"Content-Disposition": f'attachment; filename="notes.{criteria.format}"', "X-Content-Type-Options": "nosniff"}
        if criteria.format == "csv":
            return StreamingResponse(csv_lines(rows), media_type="text/csv; charset=utf-8", headers=name)
        return StreamingResponse(json_lines(rows), media_type="application/x-ndjson", headers=name)

    return router
