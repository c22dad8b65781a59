"""The trainers' pages: the audit, the notes behind its numbers, a note with its evidence, customers, charts."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ValidationError
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from service.accounts.access import Principal, not_found
from service.accounts.tables import Person, Team
from service.audits import charts, marking, words
from service.audits.audit import NotInScopeError, audit, customer_lists, names_of
from service.audits.customers import REASONS
from service.audits.examples import shortened
from service.audits.links import Links
from service.audits.result import Audit
from service.audits.selection import AuditFilter, Selection, settle
from service.corrections import shown as corrections
from service.database import reading
from service.notes import listing, store
from service.problems import ProblemError, faults_of, invalid
from service.rendering import SECURITY_HEADERS, Pages
from service.sessions.access import page_principal
from service.texts import CLASSES_LEGEND

Viewer = Annotated[Principal, Depends(page_principal("admin", "trainer"))]
FEW = 50
"""Notes on a page of a list."""
LISTED = 90
"""Characters of a note in a list."""
_Form = TypeVar("_Form", bound=BaseModel)


def read_query(request: Request, form: type[_Form]) -> _Form:
    """The query as a filter; a field left empty in a form is as good as none. Raises ProblemError (422)."""
    try:
        return form.model_validate({name: value for name, value in request.query_params.items() if value})
    except ValidationError as error:
        raise ProblemError(invalid(faults_of(error.errors(include_url=False, include_input=False, include_context=False)))) from None


def selected(engine: Engine, principal: Principal, request: Request, today: date) -> Audit:
    """The audit that a page's query asks for. Raises ProblemError."""
    selection = settle(read_query(request, AuditFilter), today)
    try:
        with reading(engine) as session:
            return audit(session, principal, selection)
    except NotInScopeError:
        raise ProblemError(not_found()) from None


def _teams(session: Session, principal: Principal) -> list[Team]:
    own = [] if principal.role == "admin" else [Team.id.in_(principal.team_ids)]
    return list(session.scalars(select(Team).where(Team.tenant_id == principal.tenant_id, *own).order_by(Team.name)))


def _reps(session: Session, principal: Principal, team: str | None) -> list[tuple[str, str]]:
    conditions = [Person.tenant_id == principal.tenant_id, Person.role == "rep"]
    if principal.role != "admin":
        conditions.append(Person.team_id.in_(principal.team_ids))
    if team is not None:
        conditions.append(Person.team_id == team)
    names = names_of(session, principal.tenant_id)
    return sorted(((i, names[i]) for i in session.scalars(select(Person.id).where(*conditions))), key=lambda r: r[1])


def routes(engine: Engine, pages: Pages, today: Callable[[], date]) -> APIRouter:
    """The pages over a database."""
    router = APIRouter(include_in_schema=False)

    def filters(principal: Principal, selection: Selection) -> dict[str, Any]:
        with reading(engine) as session:
            teams = [(t.id, t.name) for t in _teams(session, principal)]
            return {
                "teams": teams,
                "rep_choices": _reps(session, principal, selection.team),
                "selection": selection,
                "periods": words.periods(today()),
            }

    @router.get("/audit")
    def show(request: Request, principal: Viewer) -> HTMLResponse:
        found = selected(engine, principal, request, today())
        link = Links(found.selection)
        specifications = {name: charts.specification(name, found, link) for name in charts.TITLES}
        return pages.render(
            request, "audit.html", audit=found, link=link, titles=charts.TITLES, specifications=specifications, words=words, **filters(principal, found.selection)
        )  # fmt: skip

    @router.get("/audit/customers")
    def show_customers(request: Request, principal: Viewer) -> HTMLResponse:
        selection = settle(read_query(request, AuditFilter), today())
        try:
            with reading(engine) as session:
                lists = customer_lists(session, principal, selection)
        except NotInScopeError:
            raise ProblemError(not_found()) from None
        return pages.render(
            request, "audit_customers.html", lists=lists, link=Links(selection), words=words, **filters(principal, selection), reasons=REASONS
        )  # fmt: skip

    @router.get("/audit/notes")
    def show_notes(request: Request, principal: Viewer) -> HTMLResponse:
        criteria = read_query(request, listing.PagedFilter)
        with reading(engine) as session:
            if criteria.team is not None and criteria.team not in {t.id for t in _teams(session, principal)}:
                raise ProblemError(not_found())
            rows, following = listing.page(session, principal, criteria, criteria.cursor, FEW)
            names = names_of(session, principal.tenant_id)
            notes = [(note, analysis, _shown(note.text, json.loads(analysis.result), criteria)) for note, analysis in rows]
        query = {name: value for name, value in request.query_params.items() if value and name != "cursor"}
        return pages.render(
            request, "audit_notes.html", notes=notes, names=names, chosen=words.filter_words(criteria, names), query=query, following=following,
            first=criteria.cursor is None, back={name: query[name] for name in ("team", "from", "to") if name in query}, words=words,
        )  # fmt: skip

    @router.get("/audit/notes/{note_id}")
    def show_note(request: Request, principal: Viewer, note_id: str) -> HTMLResponse:
        with reading(engine) as session:
            note = listing.find(session, principal, note_id)
            if note is None:
                raise ProblemError(not_found())
            analyses, names = store.analyses_of(session, note.id), names_of(session, principal.tenant_id)
            changes = corrections.changes(session, note)
        current = next(a for a in analyses if a.current)
        result = json.loads(current.result)
        return pages.render(
            request, "audit_note.html", note=note, analysis=current, analyses=analyses, result=result, names=names, words=words,
            pieces=marking.pieces(note.text, result), findings=marking.findings(result), legend=CLASSES_LEGEND, changes=changes,
        )  # fmt: skip

    @router.get("/audit/charts/{name}.svg")
    def draw(request: Request, principal: Viewer, name: str) -> Response:
        if name not in charts.TITLES:
            raise ProblemError(not_found())
        return Response(
            charts.svg(name, selected(engine, principal, request, today())), media_type="image/svg+xml", headers=SECURITY_HEADERS
        )

    @router.get("/audit/vega.js")
    async def vega() -> Response:
        content = await run_in_threadpool(charts.bundle)
        return Response(content, media_type="text/javascript", headers={"Cache-Control": "public, max-age=86400"})

    return router


def _shown(text: str, result: dict[str, Any], criteria: listing.NoteFilter) -> list[str]:
    """The words of a note that answer the filter: quotes of its objections, of a vague part; else how it begins."""
    quotes: list[str] = []
    if criteria.objection or criteria.objection_status:
        quotes = [
            o["quote"]
            for o in result["objections"]
            if criteria.objection in (None, o["type"]) and criteria.objection_status in (None, o["status"])
        ]
    elif criteria.vague:
        part = next(d for d in result["quality"]["dimensions"] if d["id"] == criteria.vague)
        quotes = [text[e["start"] : e["end"]] for e in part["evidence"]]
    elif criteria.gap_against:
        quotes = [m["quote"] for m in result["price"]["mentions"] if m["role"] != "other"]
    return [shortened(q, LISTED) for q in dict.fromkeys(quotes)] or [shortened(text, LISTED)]
