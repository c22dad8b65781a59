"""A limit on every request body, counted while it comes in, so that a false Content-Length gains nothing."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problems import ProblemError, respond, too_large


def _declared(scope: Scope) -> int:
    value = dict(scope["headers"]).get(b"content-length", b"0")
    return int(value) if value.isdigit() and len(value) < 20 else 0


class BodyLimit:
    """ASGI middleware: a body above `limit` bytes is answered with 413 and not read further; a smaller one is handed on whole.

    `lower` holds limits of their own for addresses that begin so; `streamed` those of uploads, which are handed on as they come in.
    """

    def __init__(self, app: ASGIApp, limit: int, lower: Mapping[str, int], streamed: Mapping[str, int]) -> None:
        self.app, self.limit, self.lower, self.streamed = app, limit, lower, streamed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["path"] in self.streamed:
            await self._stream(self.streamed[scope["path"]], scope, receive, send)
            return
        limit = min((n for begin, n in self.lower.items() if scope["path"].startswith(begin)), default=self.limit)
        body = None if _declared(scope) > limit else await self._read(receive, limit)
        if body is None:
            await respond(too_large(limit))(scope, receive, send)
            return
        handed = False

        async def replay() -> Message:
            nonlocal handed
            if handed:
                return await receive()
            handed = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, send)

    async def _stream(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        if _declared(scope) > limit:
            await respond(too_large(limit))(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise ProblemError(too_large(limit))
            return message

        await self.app(scope, counted, send)

    async def _read(self, receive: Receive, limit: int) -> bytes | None:
        """The whole body, or None once it has passed the limit."""
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > limit:
                return None
            if not message.get("more_body", False):
                return bytes(body)
