"""/audit/report.html, .xlsx, .pdf: the audit that is on the page, as a file to keep."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy import Engine

from service.accounts.access import Principal
from service.audits import report, workbook
from service.audits.pages import selected
from service.audits.result import Audit
from service.problems import Problem, ProblemError
from service.rendering import SECURITY_HEADERS, Pages
from service.sessions.access import page_principal

Viewer = Annotated[Principal, Depends(page_principal("admin", "trainer"))]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def file_name(audit: Audit, ending: str) -> str:
    """A name of plain characters: the team's own may hold any."""
    return f"fupan-audit-{audit.selection.since}-{audit.selection.until}.{ending}"


def routes(engine: Engine, pages: Pages, today: Callable[[], date], chromium: Path | None) -> APIRouter:
    """The reports over a database. `chromium` prints PDFs."""
    router = APIRouter(include_in_schema=False)

    def answer(audit: Audit, content: bytes, media_type: str, ending: str) -> Response:
        headers = {**SECURITY_HEADERS, "Content-Disposition": f'attachment; filename="{file_name(audit, ending)}"'}
        return Response(content, media_type=media_type, headers=headers)

    @router.get("/audit/report.html")
    def as_html(request: Request, principal: Viewer) -> Response:
        audit = selected(engine, principal, request, today())
        return answer(audit, report.html(audit, pages.environment, today()).encode(), "text/html; charset=utf-8", "html")

    @router.get("/audit/report.xlsx")
    def as_xlsx(request: Request, principal: Viewer) -> Response:
        audit = selected(engine, principal, request, today())
        return answer(audit, workbook.xlsx(audit), XLSX, "xlsx")

    @router.get("/audit/report.pdf")
    def as_pdf(request: Request, principal: Viewer) -> Response:
        audit = selected(engine, principal, request, today())
        try:
            content = report.pdf(report.html(audit, pages.environment, today()), chromium)
        except report.PdfError as error:
            problem = Problem(type="/problems/no-pdf", title="No PDF can be made here", status=501, detail=str(error))
            raise ProblemError(problem) from None
        return answer(audit, content, "application/pdf", "pdf")

    return router
