"""/v1/notes: store, read, list, analyze again, delete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from service.accounts.access import Principal, not_found, require
from service.analyzing import AnalyzerThread
from service.database import reading, scrub, writing
from service.fields import NoteId
from service.notes import listing, store
from service.notes.deletion import delete_note
from service.notes.deletion_requests import ReceiptAnswer
from service.notes.hooks import Hooks
from service.notes.requests import (
    AnalysesAnswer,
    AnalysisAnswer,
    NoteAnswer,
    NoteEntry,
    NotesAnswer,
    RevisionsAnswer,
    StoreBatchAnswer,
    StoreBatchRequest,
    StoredEntry,
    StoreRequest,
    analysis_fields,
    note_fields,
    revision_answer,
    summary,
)
from service.notes.resolve import resolve, resolve_item
from service.notes.store import NewNote
from service.notes.tables import StoredNote
from service.problems import Problem, ProblemError, responses
from service.requests import ItemError

Writer = Annotated[Principal, Depends(require("admin", "integration", "rep"))]
Reader = Annotated[Principal, Depends(require("admin", "trainer", "rep", "integration"))]
Owner = Annotated[Principal, Depends(require("admin", "integration"))]
_READ, _WRITE = responses(401, 403, 404, 422, 429, 503), responses(400, 401, 403, 413, 422, 429, 503)


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the routes of notes need from outside."""

    engine: Engine
    thread: AnalyzerThread
    now: Callable[[], datetime]
    hooks: Hooks
    note_limit: int


def _found(session: Session, principal: Principal, note_id: str) -> StoredNote:
    note = listing.find(session, principal, note_id)
    if note is None:
        raise ProblemError(not_found())
    return note


def _note_answer(session: Session, note: StoredNote, status: int = 200) -> Response:
    content = {**note_fields(note), "analysis": analysis_fields(store.current_analysis(session, note.id))}
    return JSONResponse(jsonable_encoder(content), status)


def routes(wiring: Wiring) -> APIRouter:
    """Stored notes over a database and an analyzer."""
    router = APIRouter(tags=["notes"])
    engine, thread, now, hooks = wiring.engine, wiring.thread, wiring.now, wiring.hooks

    def keep(principal: Principal, new: NewNote) -> store.Saved:
        return store.keep(engine, thread, principal.tenant_id, new, now, hooks.on_analysis)

    @router.post(
        "/v1/notes", response_model=NoteAnswer, status_code=201, summary="Store a note with its analysis",
        responses=_WRITE | {200: {"model": NoteAnswer, "description": "This crm_id is stored already; with another text or date it has a new revision now"}},
    )  # fmt: skip
    def store_one(principal: Writer, request: StoreRequest) -> Response:
        with reading(engine) as session:
            new = resolve(session, principal, request, wiring.note_limit)
        if isinstance(new, Problem):
            raise ProblemError(new)
        saved = keep(principal, new)
        with reading(engine) as session:
            return _note_answer(session, _found(session, principal, saved.note.id), 201 if saved.change == "created" else 200)

    @router.post("/v1/notes/batch", responses=_WRITE, summary="Store up to 1,000 notes")
    def store_batch(principal: Writer, request: StoreBatchRequest) -> StoreBatchAnswer:
        """Entries come in the order of the request; a note at fault has an error in its place and the others are stored."""
        entries: list[StoredEntry | ItemError] = []
        for index, item in enumerate(request.notes):
            with reading(engine) as session:
                new = resolve_item(session, principal, item, wiring.note_limit)
            if isinstance(new, Problem):
                given = item.get("crm_id") if isinstance(item, dict) else None
                echoed = given if isinstance(given, str) and len(given) <= 200 else None
                entries.append(ItemError(index=index, id=echoed, error=new))
                continue
            saved = keep(principal, new)
            with reading(engine) as session:
                analysis = store.current_analysis(session, saved.note.id)
                short = summary(analysis, listing.objections_of(session, [analysis.id])[analysis.id])
            entries.append(StoredEntry(id=saved.note.id, crm_id=saved.note.crm_id, change=saved.change, analysis=short))
        return StoreBatchAnswer(notes=entries, errors=sum(isinstance(e, ItemError) for e in entries))

    @router.api_route("/v1/notes/batch", methods=["GET", "DELETE"], include_in_schema=False)
    def no_note_named_batch() -> None:
        raise HTTPException(405)  # else the routes of /v1/notes/{note_id} would answer that `batch` is no id

    @router.get("/v1/notes", responses=_READ, summary="List, filter and search notes")
    def list_notes(principal: Reader, criteria: Annotated[listing.PagedFilter, Query()]) -> NotesAnswer:
        if principal.role == "trainer" and criteria.team is not None and criteria.team not in principal.team_ids:
            raise ProblemError(not_found())
        with reading(engine) as session:
            rows, following = listing.page(session, principal, criteria, criteria.cursor, criteria.limit)
            objections = listing.objections_of(session, [a.id for _, a in rows])
            notes = [NoteEntry(analysis=summary(a, objections[a.id]), **note_fields(n)) for n, a in rows]
            return NotesAnswer(notes=notes, next=following)

    @router.get("/v1/notes/{note_id}", response_model=NoteAnswer, responses=_READ, summary="A note with its current analysis")
    def read_note(principal: Reader, note_id: NoteId) -> Response:
        with reading(engine) as session:
            return _note_answer(session, _found(session, principal, note_id))

    @router.get(
        "/v1/notes/{note_id}/analyses", response_model=AnalysesAnswer, responses=_READ, summary="All analyses: which version said what"
    )
    def read_analyses(principal: Reader, note_id: NoteId) -> Response:
        with reading(engine) as session:
            note = _found(session, principal, note_id)
            return JSONResponse(jsonable_encoder({"analyses": [analysis_fields(a) for a in store.analyses_of(session, note.id)]}))

    @router.get("/v1/notes/{note_id}/revisions", responses=_READ, summary="The earlier texts of a note")
    def read_revisions(principal: Reader, note_id: NoteId) -> RevisionsAnswer:
        with reading(engine) as session:
            note = _found(session, principal, note_id)
            return RevisionsAnswer(revisions=[revision_answer(r) for r in store.revisions_of(session, note.id)])

    @router.post(
        "/v1/notes/{note_id}/analyses", response_model=AnalysisAnswer, status_code=201, summary="Analyze again by the model at hand",
        responses=_READ | {200: {"model": AnalysisAnswer, "description": "This model version has analyzed this revision already"}},
    )  # fmt: skip
    def analyze_again(principal: Owner, note_id: NoteId) -> Response:
        with reading(engine) as session:
            _found(session, principal, note_id)
        done = store.reanalyze(engine, thread, principal.tenant_id, note_id, now, hooks.on_analysis)
        if done is None:
            raise ProblemError(not_found())
        analysis, made = done
        content: dict[str, Any] = analysis_fields(analysis)
        return JSONResponse(jsonable_encoder(content), 201 if made else 200)

    @router.delete("/v1/notes/{note_id}", responses=_READ, summary="Delete a note for good, with all its analyses")
    def remove(principal: Owner, note_id: NoteId) -> ReceiptAnswer:
        with writing(engine) as session:
            answer = ReceiptAnswer.model_validate(delete_note(session, _found(session, principal, note_id), now(), hooks.erasers))
        scrub(engine)
        return answer

    return router
