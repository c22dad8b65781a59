"""/settings/rubric: editing the rubric, trying a version, switching it on, rolling back, applying it to past notes."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from models.labels import DIMENSIONS, QUESTION_IDS, WEIGHTS
from models.quality import dimension_texts
from service.accounts.access import Principal
from service.accounts.tables import Team
from service.audits.words import periods
from service.database import reading
from service.problems import ProblemError, faults_of, invalid
from service.rendering import Pages
from service.rescoring import applying, words
from service.rescoring.api import problems
from service.rescoring.drawing import HEIGHT, WIDTH, draw
from service.rescoring.requests import PART, RubricRequest
from service.rescoring.selecting import PastNotes
from service.rescoring.switching import Rescoring
from service.rubrics import store
from service.rubrics.content import ADDITION_LENGTH, ADVICE_LENGTH, HEAVIEST, QUESTION_LENGTH, WHOLE, RubricContent, standard_content
from service.sessions.access import page_principal, read_form

Staff = Annotated[Principal, Depends(page_principal("admin", "trainer"))]
Version = Annotated[int, Path(ge=0, le=1_000_000)]
LISTED = 30


def _past_notes(given: dict[str, Any]) -> PastNotes:
    """The filter of a query or form; a field left empty is as good as none. Raises ProblemError (422)."""
    try:
        return PastNotes.model_validate({name: given[name] for name in ("team", "from", "to") if given.get(name)})
    except ValidationError as error:
        raise ProblemError(invalid(faults_of(error.errors(include_url=False, include_input=False, include_context=False)))) from None


def given_values(form: FormData) -> dict[str, str]:
    """The fields of a posted form."""
    return {name: value.strip() for name, value in form.multi_items() if isinstance(value, str)}


def as_request(values: dict[str, str]) -> dict[str, Any]:
    """A form's fields in the shape of the API's request."""
    texts = {
        kind: {d: {level: values.get(f"{kind}-{d}-{level}", "") or None for level, _ in words.LEVELS} for d in DIMENSIONS}
        for kind, _, _ in words.TEXTS
    }
    weights = {d: values.get(f"weight-{d}", "") for d in DIMENSIONS}
    return {
        "weights": {d: int(w) if w.isascii() and w.isdigit() and len(w) < 4 else w for d, w in weights.items()},
        **{kind: {d: pair for d, pair in of.items() if any(pair.values())} for kind, of in texts.items()},
        "questions": {id_: values[f"question-{id_}"] for id_ in QUESTION_IDS if values.get(f"question-{id_}")},
        "remark": values.get("remark", ""),
    }


def as_values(content: RubricContent) -> dict[str, str]:
    """A version's content as fields of the form."""
    out = {f"weight-{d}": str(content.weights[d]) for d in DIMENSIONS}
    for kind, _, _ in words.TEXTS:
        out |= {f"{kind}-{d}-{level}": words.text_of(content, kind, d, level) or "" for d in DIMENSIONS for level, _ in words.LEVELS}
    return out | {f"question-{id_}": content.questions.get(id_, "") for id_ in QUESTION_IDS}


def routes(rescoring: Rescoring, pages: Pages) -> APIRouter:
    """The pages over a database."""
    router = APIRouter(include_in_schema=False)
    engine = rescoring.engine
    names = {d: dimension_texts()[d][0] for d in DIMENSIONS}
    fixed = {
        "dimensions": [(d, names[d], WEIGHTS[d]) for d in DIMENSIONS], "texts": [(*kind, words.standard_texts(kind[0])) for kind in words.TEXTS],
        "levels": words.LEVELS, "questions": words.standard_questions(), "slots": words.SLOTS, "version_name": words.version_name,
        "limits": {"weight": HEAVIEST, "whole": WHOLE, "advice": ADVICE_LENGTH, "additions": ADDITION_LENGTH, "question": QUESTION_LENGTH},
    }  # fmt: skip

    def edit(request: Request, principal: Principal, values: dict[str, str] | None = None, faults: list[str] | None = None) -> Response:
        tenant_id = principal.tenant_id
        with reading(engine) as session:
            on, last, previous = (
                store.active_version(session, tenant_id),
                store.last_switch(session, tenant_id),
                store.previous(session, tenant_id),
            )
            rows, _ = store.versions(session, tenant_id, None, LISTED)
            if values is None:
                values = as_values(store.active_content(session, tenant_id))
            listed = [(row, words.changes(standard_content(), store.content_of(row))) for row in rows]
            return pages.render(
                request, "rubric.html", 422 if faults else 200, values=values, faults=faults or [], on=on, last=last, previous=previous,
                listed=listed, was_on=store.was_on(session, tenant_id), most=LISTED, **fixed,
            )  # fmt: skip

    @router.get("/settings/rubric")
    def show(request: Request, principal: Staff) -> Response:
        return edit(request, principal)

    @router.post("/settings/rubric")
    async def keep(request: Request, principal: Staff) -> Response:
        values = given_values(await read_form(request))
        try:
            found = RubricRequest.model_validate(as_request(values))
        except ValidationError as error:
            said = words.faults_said(faults_of(error.errors(include_url=False, include_input=False, include_context=False)))
            return await run_in_threadpool(edit, request, principal, values, said)
        content = RubricContent.model_validate(found.model_dump(exclude={"remark"}, exclude_none=True))
        version, _ = await run_in_threadpool(rescoring.keep, principal, content, found.remark)
        return RedirectResponse(f"/settings/rubric/{version}", 303)

    @router.post("/settings/rubric/rollback")
    async def roll_back(request: Request, principal: Staff) -> Response:
        await read_form(request)
        await run_in_threadpool(rescoring.roll_back, principal)
        return RedirectResponse("/settings/rubric", 303)

    @router.get("/settings/rubric/{version}")
    def attempt(request: Request, principal: Staff, version: Version) -> Response:
        selection = _past_notes(dict(request.query_params)).settled(rescoring.today())
        with problems():
            trial = rescoring.attempt(principal, version, selection)
            with reading(engine) as session:
                context = about(session, principal, version)
                left = applying.count(session, principal, selection, version) if context["on"] == version else 0
        done = request.query_params.get("done", "")
        return pages.render(
            request, "rubric_trial.html", trial=trial, drawing=draw(trial.bins), width=WIDTH, height=HEIGHT, selection=selection, left=left,
            periods=periods(rescoring.today()), done=done if done.isdigit() else "", address=f"/settings/rubric/{version}", part=PART,
            query=lambda since, until: urlencode({"team": selection.team or "", "from": since, "to": until}),
            version_name=words.version_name, **context,
        )  # fmt: skip

    def about(session: Session, principal: Principal, version: int) -> dict[str, Any]:
        tenant_id, on = principal.tenant_id, store.active_version(session, principal.tenant_id)
        row = store.find(session, tenant_id, version)
        content = standard_content() if row is None else store.content_of(row)
        against = store.active_content(session, tenant_id) if version != on else standard_content()
        own = [] if principal.role == "admin" else [Team.id.in_(principal.team_ids)]
        teams = session.execute(select(Team.id, Team.name).where(Team.tenant_id == tenant_id, *own).order_by(Team.name)).all()
        return {
            "row": row, "version": version, "on": on, "against": on if version != on else 0, "changes": words.changes(against, content), "teams": [tuple(t) for t in teams],
        }  # fmt: skip

    @router.post("/settings/rubric/{version}/switch")
    async def switch(request: Request, principal: Staff, version: Version) -> Response:
        await read_form(request)
        with problems():
            await run_in_threadpool(rescoring.switch, principal, version)
        return RedirectResponse(f"/settings/rubric/{version}", 303)

    @router.post("/settings/rubric/{version}/apply")
    async def apply(request: Request, principal: Staff, version: Version) -> Response:
        values = given_values(await read_form(request))
        past = _past_notes(values)
        selection = past.settled(rescoring.today())
        with problems():
            done = await run_in_threadpool(applying.apply, engine, principal, selection, version, "", PART, rescoring.now)
        query = urlencode({"team": selection.team or "", "from": selection.since, "to": selection.until, "done": done.applied})
        return RedirectResponse(f"/settings/rubric/{version}?{query}#apply", 303)

    return router
