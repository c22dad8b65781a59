"""/v1/notes/{id}/corrections, appeals, agreement, and the export of labelled data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from service.accounts.access import Principal, not_found, require
from service.corrections import appeals, store
from service.corrections.agreement import Agreement, agreement
from service.corrections.complete import complete_notes
from service.corrections.form import flat_changes
from service.corrections.requests import (
    AppealAnswer,
    AppealFilter,
    AppealId,
    AppealRequest,
    AppealsAnswer,
    AppealsPage,
    CorrectionRequest,
    DecisionRequest,
    LabelsAnswer,
    appeal_answer,
    labels_answer,
)
from service.corrections.reviewers import reviewer_of
from service.database import reading, writing
from service.fields import NoteId, TeamId
from service.notes.listing import find, visible
from service.notes.tables import StoredNote
from service.problems import Problem, ProblemError, invalid, responses

Trainer = Annotated[Principal, Depends(require("admin", "trainer"))]
Reader = Annotated[Principal, Depends(require("admin", "trainer", "rep"))]
Author = Annotated[Principal, Depends(require("rep", "integration"))]
_READ, _WRITE = responses(401, 403, 404, 422, 429, 503), responses(400, 401, 403, 404, 409, 413, 422, 429, 503)


def conflict(words: str) -> Problem:
    """The 409 of something that is another thing by now."""
    return Problem(type="/problems/conflict", title=words, status=409)


@contextmanager
def refusals(prefix: str = "") -> Iterator[None]:
    """Answer what this room refuses as problems; `prefix` is where the labels stand in the request."""
    try:
        yield
    except store.ConflictError as error:
        raise ProblemError(conflict(str(error))) from None
    except store.LabelFaultError as error:
        own = ("answer", "labels", "findings")
        faults = [f if f.field.startswith(own) else f.model_copy(update={"field": prefix + f.field}) for f in error.faults]
        raise ProblemError(invalid(faults)) from None


def found_note(session: Session, principal: Principal, note_id: str) -> StoredNote:
    """The note where this key sees it. Raises ProblemError (404)."""
    note = find(session, principal, note_id)
    if note is None:
        raise ProblemError(not_found())
    return note


def save_corrections(
    session: Session, principal: Principal, note_id: str, request: CorrectionRequest, now: datetime
) -> tuple[StoredNote, store.LabelState]:
    """Save what a trainer sends about a note. Raises ProblemError."""
    note = found_note(session, principal, note_id)
    with refusals("labels."):
        change = store.Change(flat_changes(request.labels), request.complete, request.blind, revision=request.revision)
        return note, store.save(session, note, reviewer_of(session, principal), change, now)


def routes(engine: Engine, now: Callable[[], datetime]) -> APIRouter:
    """Corrections over a database. `now` is the clock."""
    router = APIRouter(tags=["corrections"])

    @router.get("/v1/notes/{note_id}/corrections", responses=_READ, summary="A note's labels, and who corrected what")
    def read_corrections(principal: Reader, note_id: NoteId) -> LabelsAnswer:
        with reading(engine) as session:
            note = found_note(session, principal, note_id)
            return labels_answer(note.id, store.state_of(session, note), store.history(session, note))

    @router.post("/v1/notes/{note_id}/corrections", responses=_WRITE, summary="Correct labels of a note, or say that all are right")
    def correct(principal: Trainer, note_id: NoteId, request: CorrectionRequest) -> LabelsAnswer:
        """The model's analysis stays; lists, audits and briefs read the corrected values from now on."""
        with writing(engine) as session:
            note, state = save_corrections(session, principal, note_id, request, now())
            return labels_answer(note.id, state, [] if request.blind else store.history(session, note))

    @router.post("/v1/notes/{note_id}/appeals", status_code=201, responses=_WRITE, summary="Mark findings as wrong, or object to the score")
    def appeal(principal: Author, note_id: NoteId, request: AppealRequest) -> AppealsAnswer:
        with writing(engine) as session, refusals():
            note = found_note(session, principal, note_id)
            made = appeals.mark_findings(session, note, [f.model_dump() for f in request.findings], now())
            if request.score is not None:
                made.append(appeals.object_to_score(session, note, request.score.reason, request.score.dimension, now()))
            return AppealsAnswer(appeals=[appeal_answer(a) for a in made])

    @router.get("/v1/appeals", responses=_READ, summary="Appeals about the notes this key sees")
    def list_appeals(principal: Reader, criteria: Annotated[AppealFilter, Query()]) -> AppealsPage:
        with reading(engine) as session:
            notes = None if criteria.note is None else [criteria.note]
            rows, following = appeals.page(session, principal, criteria.state, notes, criteria.cursor, criteria.limit)
            return AppealsPage(appeals=[appeal_answer(row.appeal) for row in rows], next=following)

    @router.post("/v1/appeals/{appeal_id}/decision", responses=_WRITE, summary="Accept or reject an appeal")
    def decide(principal: Trainer, appeal_id: AppealId, request: DecisionRequest) -> AppealAnswer:
        """Accepted, it makes a correction; rejected, the rep reads the answer."""
        with writing(engine) as session, refusals("labels."):
            listed = appeals.find(session, principal, appeal_id)
            if listed is None:
                raise ProblemError(not_found())
            decision = appeals.Decision(request.verdict, request.answer, flat_changes(request.labels))
            appeals.decide(session, listed, reviewer_of(session, principal), decision, now())
            return appeal_answer(listed.appeal)

    @router.get("/v1/agreement", responses=_READ, summary="How often trainers agree with the model, and with each other")
    def read_agreement(principal: Trainer, team: TeamId | None = None) -> Agreement:
        if principal.role == "trainer" and team is not None and team not in principal.team_ids:
            raise ProblemError(not_found())
        with reading(engine) as session:
            return agreement(session, principal, team)

    @router.get(
        "/v1/exports/corrections", response_class=StreamingResponse, summary="Complete labelled notes in corpora's form, as JSON lines",
        responses=responses(401, 403, 429, 503) | {200: {"content": {"application/x-ndjson": {}}}},
    )  # fmt: skip
    def export(principal: Trainer) -> StreamingResponse:
        """Only notes of which a trainer said that all labels are right. Their text is personal data as it stands in the note."""
        lines = (
            json.dumps(n, ensure_ascii=False).encode() + b"\n" for n in complete_notes(engine, principal.tenant_id, visible(principal))
        )
        name = {"Content-Disposition": 'attachment; filename="corrections.jsonl"', "X-Content-Type-Options": "nosniff"}
        return StreamingResponse(lines, media_type="application/x-ndjson", headers=name)

    return router
