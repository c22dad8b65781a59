"""The page a rep writes on. It holds no note: what a rep types goes to the API as a draft and comes back, until the rep submits it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from models.labels import DIMENSIONS, WEIGHTS
from models.quality import dimension_texts
from service.rendering import Pages
from service.sessions.access import LoginNeededError, viewer_of
from service.texts import CLASSES_LEGEND, page_words


def routes(pages: Pages, open_analyses: bool) -> APIRouter:
    """`/`: the note page for reps. Where drafts need a key, who is not logged in is sent to the login."""
    texts = dimension_texts()
    dimensions = [(d, texts[d][0], WEIGHTS[d]) for d in DIMENSIONS]
    words = page_words()
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def note_page(request: Request) -> HTMLResponse:
        viewer = viewer_of(request)
        if not open_analyses and viewer is None:
            raise LoginNeededError
        rep = viewer is not None and viewer.principal.role == "rep"
        return pages.render(request, "note.html", dimensions=dimensions, words=words, legend=CLASSES_LEGEND, rep=rep)

    return router
