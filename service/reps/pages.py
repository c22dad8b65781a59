"""/my: a rep's own course and notes. /customers: briefs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from sqlalchemy import Engine

from models.analysis import Amount
from models.quality import dimension_texts
from models.questions import amount_text
from service.accounts.access import Principal
from service.corrections import shown, words
from service.database import reading
from service.fields import CURSOR, NoteId, Words
from service.notes import listing
from service.notes.facts import low_end
from service.rendering import Pages
from service.reps.api import CustomerName, brief_of
from service.reps.course import HEIGHT, WIDTH, missing_most, open_by_customer, score_line
from service.reps.visits import customers, read
from service.sessions.access import page_principal
from service.texts import LABELS

Viewer = Annotated[Principal, Depends(page_principal("admin", "trainer", "rep"))]
Rep = Annotated[Principal, Depends(page_principal("rep"))]
Cursor = Annotated[NoteId | None, Query(description=CURSOR)]
Search = Annotated[Words | None, Query()]
COURSE_NOTES = 200
LISTED = 20
LISTED_CUSTOMERS = 200


def customer_address(name: str) -> str:
    """Where a customer's brief is."""
    return f"/customers/{quote(name, safe='')}"


def gap_words(gap: Amount) -> str:
    """How much higher or lower we are."""
    low = low_end(gap) or 0
    return "一样" if low == 0 else ("高 " if low > 0 else "低 ") + amount_text(abs(low))


def routes(engine: Engine, today: Callable[[], date], pages: Pages) -> APIRouter:
    """The pages of reps over a database."""
    router = APIRouter(include_in_schema=False)
    pages.environment.filters["amount"] = amount_text
    pages.environment.filters["gap"] = gap_words
    pages.environment.filters["customer_address"] = customer_address

    @router.get("/my")
    def mine(request: Request, principal: Rep, q: Search = None, cursor: Cursor = None) -> Response:
        with reading(engine) as session:
            visits = read(session, principal, [], COURSE_NOTES)
            rows, following = listing.page(session, principal, listing.NoteFilter(q=q or None), cursor, LISTED)
            appeals = shown.appeals_of(session, principal.tenant_id, [note.id for note, _ in rows])
            changed = {note.id: shown.changes(session, note).entries for note, analysis in rows if analysis.review_id is not None}
            session.expunge_all()
        return pages.render(
            request, "my.html", visits=visits, line=score_line(visits), missing=missing_most(visits), rows=rows, following=following, q=q or "",
            objections=open_by_customer(visits, today()), labels=LABELS, width=WIDTH, height=HEIGHT, later=cursor is not None,
            appeals=appeals, changed=changed, parts=[(d, texts[0]) for d, texts in dimension_texts().items()], correction_words=words,
        )  # fmt: skip

    @router.get("/customers")
    def all_customers(request: Request, principal: Viewer, q: Search = None) -> Response:
        with reading(engine) as session:
            found = customers(session, principal, q, LISTED_CUSTOMERS)
        return pages.render(request, "customers.html", customers=found, q=q or "", most=LISTED_CUSTOMERS)

    @router.get("/customers/{customer:path}")
    def one(request: Request, principal: Viewer, customer: CustomerName) -> Response:
        return pages.render(request, "brief.html", brief=brief_of(engine, principal, customer, today()), labels=LABELS, today=today())

    return router
