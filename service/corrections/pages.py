"""/notes/{id}/correct: a trainer corrects a note's labels. /appeals: what reps object to. /notes/{id}/appeal: a rep objects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError
from sqlalchemy import Engine, exists, select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from models.labels import DIMENSIONS
from models.quality import dimension_texts
from service.accounts.access import Principal, not_found
from service.accounts.tables import Person
from service.corrections import appeals, store, words
from service.corrections.api import found_note, refusals
from service.corrections.labels import EVIDENCED
from service.corrections.requests import AppealId, AppealRequest, DecisionRequest
from service.corrections.reviewers import reviewer_of
from service.corrections.tables import Appeal, NoteReview
from service.database import reading, writing
from service.fields import NoteId
from service.notes.listing import visible
from service.notes.tables import StoredNote
from service.problems import ProblemError, faults_of, invalid
from service.rendering import Pages
from service.sessions.access import page_principal, read_form

Trainer = Annotated[Principal, Depends(page_principal("admin", "trainer"))]
Rep = Annotated[Principal, Depends(page_principal("rep"))]
FEW = 30
"""Appeals on a page."""


def next_unchecked(session: Session, principal: Principal, note: StoredNote) -> str | None:
    """The newest note before this one of which nobody has said that all its labels are right."""
    checked = exists().where(NoteReview.note_id == StoredNote.id, NoteReview.complete, NoteReview.blind.is_(False))
    query = select(StoredNote.id).where(*visible(principal), StoredNote.id < note.id, ~checked)
    return session.scalar(query.order_by(StoredNote.id.desc()).limit(1))


def rep_name(session: Session, note: StoredNote) -> str:
    """The note's rep."""
    person = session.get(Person, note.person_id) if note.person_id else None
    return person.name if person else "未注明销售"


def _checked_form(form: type[Any], values: dict[str, Any]) -> Any:
    try:
        return form.model_validate(values)
    except ValidationError as error:
        raise ProblemError(invalid(faults_of(error.errors(include_url=False, include_input=False, include_context=False)))) from None


def routes(engine: Engine, now: Callable[[], datetime], pages: Pages) -> APIRouter:
    """The pages over a database. `now` is the clock."""
    router = APIRouter(include_in_schema=False)
    texts = dimension_texts()
    pages.environment.globals["correction_words"] = words

    @router.get("/notes/{note_id}/correct")
    def correct(
        request: Request, principal: Trainer, note_id: NoteId, blind: bool = False, appeal: Annotated[AppealId | None, Query()] = None
    ) -> Response:
        with reading(engine) as session:
            note = found_note(session, principal, note_id)
            try:
                state = store.blind_state(session, note, reviewer_of(session, principal)) if blind else store.state_of(session, note)
            except store.ConflictError:
                return pages.render(
                    request, "problem.html", 409, title="这条记录不能由你盲核",
                    text="盲核是第二个人在看不到第一个人结论时的核对：要先有别人核对过，而且你自己没有核对过它。",
                )  # fmt: skip
            about = appeals.find(session, principal, appeal) if appeal else None
            if appeal is not None and (about is None or about.note.id != note.id or blind):
                raise ProblemError(not_found())
            editor = {
                "note": note.id, "revision": note.revision, "blind": blind, "labels": state.labels, "model": state.model, "text": note.text,
                "appeal": about.appeal.id if about and about.appeal.state == "open" else None, "words": words.editor_words(), "evidenced": EVIDENCED,
                "next": next_unchecked(session, principal, note), "dimensions": DIMENSIONS,
                "weights": state.weights,
            }  # fmt: skip
            return pages.render(
                request, "correct.html", note=note, rep=rep_name(session, note), state=state, blind=blind, about=about.appeal if about else None,
                editor=editor, dimensions=[(d, texts[d][0]) for d in DIMENSIONS], evidenced=EVIDENCED,
                history=[] if blind else store.history(session, note)[::-1],
            )  # fmt: skip

    @router.get("/appeals")
    def list_appeals(
        request: Request, principal: Trainer, state: appeals.State = "open", cursor: Annotated[AppealId | None, Query()] = None
    ) -> Response:
        return _appeals_page(request, principal, state, cursor)

    def _appeals_page(
        request: Request, principal: Principal, state: appeals.State, cursor: str | None, status: int = 200, message: str = ""
    ) -> Response:
        with reading(engine) as session:
            rows, following = appeals.page(session, principal, state, None, cursor, FEW)
            entries = [(row.appeal, row.note, rep_name(session, row.note), _around(row.appeal, row.note)) for row in rows]
            waiting = appeals.open_count(session, principal)
            return pages.render(
                request, "appeals.html", status, entries=entries, following=following, state=state, states=words.STATES, waiting=waiting,
                message=message, parts=texts,
            )  # fmt: skip

    @router.post("/appeals/{appeal_id}")
    async def decide(request: Request, principal: Trainer, appeal_id: AppealId) -> Response:
        form = await read_form(request)
        return await run_in_threadpool(carry_out, request, principal, appeal_id, form)

    def carry_out(request: Request, principal: Principal, appeal_id: str, form: FormData) -> Response:
        values = {"verdict": str(form.get("verdict", "")), "answer": str(form.get("answer", "")).strip() or None}
        if values["verdict"] == "rejected" and values["answer"] is None:
            return _appeals_page(request, principal, "open", None, 422, "不接受的话，请写一句为什么，销售会看到。")
        decision = _checked_form(DecisionRequest, values)
        with writing(engine) as session, refusals():
            listed = appeals.find(session, principal, appeal_id)
            if listed is None:
                raise ProblemError(not_found())
            appeals.decide(session, listed, reviewer_of(session, principal), appeals.Decision(decision.verdict, decision.answer), now())
        return RedirectResponse("/appeals", 303)

    @router.post("/notes/{note_id}/appeal")
    async def object_to(request: Request, principal: Rep, note_id: NoteId) -> Response:
        form = await read_form(request)
        return await run_in_threadpool(objected, principal, note_id, form)

    def objected(principal: Principal, note_id: str, form: FormData) -> Response:
        score = {"reason": str(form.get("reason", "")), "dimension": str(form.get("dimension", "")) or None}
        sent: AppealRequest = _checked_form(AppealRequest, {"score": score})
        assert sent.score is not None
        with writing(engine) as session, refusals():
            note = found_note(session, principal, note_id)
            appeals.object_to_score(session, note, sent.score.reason, sent.score.dimension, now())
        return RedirectResponse(f"/my#{note_id}", 303)

    return router


def _around(appeal: Appeal, note: StoredNote) -> tuple[str, str, str] | None:
    """The finding's words with what stands before and after them; None where the text is another by now."""
    if appeal.finding is None or appeal.revision != note.revision:
        return None
    start, end = appeal.finding["start"], appeal.finding["end"]
    return note.text[max(0, start - 30) : start], note.text[start:end], note.text[end : end + 30]
