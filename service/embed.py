"""/embed.js, the component for foreign pages, and what lets those pages in: the origins of FUPAN_EMBED_ORIGINS, for drafts with a key, nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problems import Problem, ProblemError, respond
from service.texts import page_words

STATIC = Path(__file__).parent / "static"
ANALYSES, SCRIPT = "/v1/analyses", "/embed.js"
ALLOWED_HEADERS = "authorization, content-type"
PREFLIGHT_SECONDS = 600
_KEY = re.compile(r"[Bb]earer fk_\S+")


def script() -> bytes:
    """The component as one file: the words, what it shares with the note page, the element; whole-line comments left out."""
    parts = [f"const WORDS = {json.dumps(page_words(), ensure_ascii=False, separators=(',', ':'))};"]
    parts += [(STATIC / name).read_text("utf-8") for name in ("reading.js", "embed.js")]
    lines = [line for line in "\n".join(parts).splitlines() if line.strip() and not line.lstrip().startswith("//")]
    return ('(() => {\n"use strict";\n' + "\n".join(lines) + "\n})();\n").encode()


def routes() -> APIRouter:
    """`/embed.js`."""
    content = script()
    router = APIRouter(include_in_schema=False)

    @router.get(SCRIPT)
    async def embed() -> Response:
        headers = {
            "Cache-Control": "public, max-age=600",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        return Response(content, media_type="text/javascript; charset=utf-8", headers=headers)

    return router


def refuse_all_but_drafts(request: Request, draft: bool) -> None:
    """Raise the 403 of a foreign page that sends a note which is no draft."""
    if getattr(request.state, "foreign_page", False) and not draft:
        raise ProblemError(
            Problem(
                type="/problems/drafts-only", title="Pages of other origins analyze drafts only", status=403, detail="Send draft: true."
            )
        )


class EmbedOrigins:
    """ASGI middleware: CORS for pages of `origins` on /v1/analyses and /embed.js. No cookie is ever taken into account, and none allowed.

    Whoever is not in `origins` gets no CORS header, so its browser keeps the answer from it; our own pages need none.
    """

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self.app, self.origins = app, frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in (ANALYSES, SCRIPT):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                out = MutableHeaders(scope=message)
                out.add_vary_header("Origin")
                if origin in self.origins:
                    out["Access-Control-Allow-Origin"] = origin
                    out["Access-Control-Expose-Headers"] = "Retry-After, X-Request-ID"
            await send(message)

        if origin not in self.origins or scope["path"] == SCRIPT:
            await self.app(scope, receive, answered)
        elif scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await _preflight()(scope, receive, answered)
        elif not _KEY.fullmatch(headers.get("authorization", "")):
            await respond(Problem(type="/problems/no-valid-key", title="A valid key is needed", status=401, detail="Send Authorization: Bearer fk_…."))(scope, receive, answered)  # fmt: skip
        else:
            scope.setdefault("state", {})["foreign_page"] = True
            await self.app(scope, receive, answered)


def _preflight() -> Response:
    """204 with what is allowed; the browser compares it with what the page wants to do."""
    allowed = {"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": ALLOWED_HEADERS}
    return Response(status_code=204, headers={**allowed, "Access-Control-Max-Age": str(PREFLIGHT_SECONDS)})
