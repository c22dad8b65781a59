"""POST /v1/analyses, POST /v1/analyses/batch, GET /v1/model. Nothing is stored by these calls; whether they need a key, the Gate decides."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import TypeAdapter
from sqlalchemy import Engine

from models.analysis import Analysis, Note
from models.artefacts import Card
from models.rubric import STANDARD, Rubric
from service.accounts.access import Principal
from service.analyzing import AnalyzerThread
from service.database import reading
from service.embed import refuse_all_but_drafts
from service.problems import Problem, ProblemError, responses
from service.requests import BatchAnswer, BatchRequest, ItemError, NoteRequest, checked, item_error, parse_item
from service.rubrics.store import active

CHUNK = 16
"""Notes of a batch analyzed before others get a turn."""
ANALYSIS = TypeAdapter(Analysis)
_ENTRIES: TypeAdapter[list[Analysis | ItemError]] = TypeAdapter(list[Analysis | ItemError])


def routes(thread: AnalyzerThread, engine: Engine, note_limit: int) -> APIRouter:
    """The API over one analyzer. A key's notes are scored by its tenant's rubric; without a key (where none is needed) by labels.md's own."""
    router = APIRouter()

    def dumped(note: Note, rubric: Rubric) -> bytes:
        return ANALYSIS.dump_json(thread.analyze(note, rubric))

    def rubric_of(tenant_id: str) -> Rubric:
        with reading(engine) as session:
            return active(session, tenant_id)

    async def rubric_for(connection: Request) -> Rubric:
        principal: Principal | None = getattr(connection.state, "principal", None)
        return STANDARD if principal is None else await run_in_threadpool(rubric_of, principal.tenant_id)

    @router.post(
        "/v1/analyses",
        response_model=Analysis,
        responses=responses(400, 401, 413, 422, 429, 503),
        tags=["analyses"],
        summary="Analyze one note",
    )
    async def analyze_one(request: NoteRequest, connection: Request) -> Response:
        refuse_all_but_drafts(connection, request.draft)
        note = checked(request, note_limit)
        if isinstance(note, Problem):
            raise ProblemError(note)
        content = await thread.run(dumped, note, await rubric_for(connection))
        return Response(content, media_type="application/json")

    @router.post(
        "/v1/analyses/batch",
        response_model=BatchAnswer,
        responses=responses(400, 401, 413, 422, 429, 503),
        tags=["analyses"],
        summary="Analyze up to 1,000 notes",
    )
    async def analyze_batch(request: BatchRequest, connection: Request) -> Response:
        """Entries come in the order of the request; a note at fault has an error in its place."""
        rubric = await rubric_for(connection)

        def part(first: int) -> list[Analysis | ItemError]:
            items = request.notes[first : first + CHUNK]
            notes = [parse_item(item, note_limit) for item in items]
            analyses = iter(thread.analyze_all([note for note in notes if isinstance(note, Note)], rubric))
            return [
                item_error(index, item, note) if isinstance(note, Problem) else next(analyses)
                for index, (item, note) in enumerate(zip(items, notes, strict=True), first)
            ]

        entries: list[Analysis | ItemError] = []
        for first in range(0, len(request.notes), CHUNK):
            entries += await thread.run(part, first)
        errors = sum(isinstance(e, ItemError) for e in entries)
        return Response(b'{"analyses":' + _ENTRIES.dump_json(entries) + b',"errors":%d}' % errors, media_type="application/json")

    @router.get(
        "/v1/model",
        response_model=Card,
        responses=responses(401, 429, 503),
        tags=["model"],
        summary="The model's card: version, corpus, libraries, metrics",
    )
    async def model() -> Card:
        return thread.card

    return router
