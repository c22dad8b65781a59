"""The pages people open. They hold no note: everything a rep types goes to the API as a draft and comes back."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape

from models.labels import DIMENSIONS, WEIGHTS
from models.quality import dimension_texts
from service.texts import CLASSES_LEGEND, page_words

TEMPLATES = Path(__file__).parent / "templates"
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def pages() -> APIRouter:
    """`/`: the note page for reps."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape())
    texts = dimension_texts()
    dimensions = [(d, texts[d][0], WEIGHTS[d]) for d in DIMENSIONS]
    html = environment.get_template("note.html").render(dimensions=dimensions, words=page_words(), legend=CLASSES_LEGEND)
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def note_page() -> HTMLResponse:
        return HTMLResponse(html, headers=SECURITY_HEADERS)

    return router
