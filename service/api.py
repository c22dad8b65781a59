"""POST /v1/analyses, POST /v1/analyses/batch, GET /v1/model. Nothing is stored by these calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter

from models.analysis import Analysis, Note
from models.artefacts import Card
from models.pipeline import Analyzer
from service.embed import refuse_all_but_drafts
from service.problems import MEDIA_TYPE, Problem, ProblemError
from service.requests import BatchAnswer, BatchRequest, ItemError, NoteRequest, checked, item_error, parse_item

CHUNK = 16
"""Notes of a batch analyzed before others get a turn."""
ANALYSIS = TypeAdapter(Analysis)
_ENTRIES: TypeAdapter[list[Analysis | ItemError]] = TypeAdapter(list[Analysis | ItemError])


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    texts = {
        400: "The body cannot be read",
        413: "The body is above the limit",
        422: "A field is not valid; errors names it",
    }
    return {s: {"description": texts[s], "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}} for s in statuses}


def routes(analyzer: Analyzer, today: Callable[[], date], note_limit: int) -> APIRouter:
    """The API over one analyzer. All analysis runs on one thread: the CRF tagger keeps state while it works."""
    router = APIRouter()
    worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="analyzer")

    def analyze(note: Note) -> bytes:
        return ANALYSIS.dump_json(analyzer.analyze(note, today()))

    @router.post("/v1/analyses", response_model=Analysis, responses=_problems(400, 413, 422), tags=["analyses"], summary="Analyze one note")
    async def analyze_one(request: NoteRequest, connection: Request) -> Response:
        refuse_all_but_drafts(connection, request.draft)
        note = checked(request, note_limit)
        if isinstance(note, Problem):
            raise ProblemError(note)
        content = await asyncio.get_running_loop().run_in_executor(worker, analyze, note)
        return Response(content, media_type="application/json")

    @router.post(
        "/v1/analyses/batch",
        response_model=BatchAnswer,
        responses=_problems(400, 413, 422),
        tags=["analyses"],
        summary="Analyze up to 1,000 notes",
    )
    async def analyze_batch(request: BatchRequest) -> Response:
        """Entries come in the order of the request; a note at fault has an error in its place."""

        def part(first: int) -> list[Analysis | ItemError]:
            out: list[Analysis | ItemError] = []
            for index, item in enumerate(request.notes[first : first + CHUNK], first):
                note = parse_item(item, note_limit)
                out.append(item_error(index, item, note) if isinstance(note, Problem) else analyzer.analyze(note, today()))
            return out

        entries: list[Analysis | ItemError] = []
        for first in range(0, len(request.notes), CHUNK):
            entries += await asyncio.get_running_loop().run_in_executor(worker, part, first)
        errors = sum(isinstance(e, ItemError) for e in entries)
        return Response(b'{"analyses":' + _ENTRIES.dump_json(entries) + b',"errors":%d}' % errors, media_type="application/json")

    @router.get("/v1/model", response_model=Card, tags=["model"], summary="The model's card: version, corpus, libraries, metrics")
    async def model() -> Card:
        return analyzer.card

    return router
