"""/v1/hooks/{integration}: verify, store, answer. No key: the caller is verified by the vendor's signature."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import Future
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from service.accounts.access import not_found
from service.ids import pattern
from service.inbound.events import rows_of
from service.inbound.hook import HookAnswer, HookRequest, NotReadable, NotVerified, RawEvent, Reason
from service.inbound.inbound import Inbound
from service.inbound.intake import FullError
from service.inbound.integrations import Receiver
from service.problems import FieldFault, Problem, ProblemError, invalid, responses

WAIT_SECONDS = 3.0
"""HubSpot and 企业微信 hang up after five seconds; one who is told 503 before that comes again."""
COME_AGAIN_SECONDS = "10"
SMALL = 32 * 1024
"""Bytes of a body that is verified on the event loop; a larger one could hold up the others and goes to a thread."""
MAX_PARAMETERS = 50
_ID = re.compile(pattern("in"))


def not_verified(reason: Reason) -> Problem:
    """The 401 of a request that was not shown to come from the integration's CRM."""
    return Problem(type="/problems/not-verified", title="The request is not verified", status=401, detail=str(reason))


def not_stored() -> ProblemError:
    """The 503 of a database that is locked or gone: nothing was stored, so the CRM has to send again."""
    problem = Problem(type="/problems/not-ready", title="Not ready", status=503, detail="The event is not stored; send it again.")
    return ProblemError(problem, {"Retry-After": COME_AGAIN_SECONDS})


def hook_request(request: Request, body: bytes) -> HookRequest:
    """The request as adapters take it. Raises NotVerified for more parameters than any vendor sends."""
    scope = request.scope
    query = scope["query_string"].decode("latin-1")
    try:
        parameters = tuple(parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS))
    except ValueError:
        raise NotVerified(Reason.MALFORMED, "query") from None
    headers = tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"])
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
    url = f"{scope['scheme']}://{request.headers.get('host', '')}{path}" + (f"?{query}" if query else "")
    return HookRequest(scope["method"], url, headers, parameters, body)


def _read(receiver: Receiver, request: HookRequest, now: datetime) -> tuple[list[RawEvent], HookAnswer]:
    receiver.adapter.verify(request, receiver.secrets, now)
    return receiver.adapter.to_events(request, receiver.secrets), receiver.adapter.answer(request, receiver.secrets)


def routes(inbound: Inbound) -> APIRouter:
    """Hooks over a database."""
    receivers, intake, now = inbound.receivers, inbound.intake, inbound.receiving.now
    router = APIRouter(tags=["hooks"])
    log = structlog.get_logger()

    async def receiver_of(integration_id: str) -> Receiver:
        if not _ID.fullmatch(integration_id):
            raise ProblemError(not_found())
        receiver = receivers.kept(integration_id)
        if receiver is None:
            try:
                receiver = await asyncio.to_thread(receivers.read, integration_id)
            except SQLAlchemyError:
                raise not_stored() from None
        if receiver is None:
            raise ProblemError(not_found())
        return receiver

    async def stored(waiting: Future[None], integration_id: str) -> None:
        try:
            # Shielded: a request that gives up waiting does not take its events out of the group that is being stored.
            await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(waiting)), WAIT_SECONDS)
        except IntegrityError:
            receivers.forget(integration_id)  # deleted a moment ago
            raise ProblemError(not_found()) from None
        except (SQLAlchemyError, TimeoutError):
            raise not_stored() from None

    async def hook(request: Request, integration_id: str) -> Response:
        receiver = await receiver_of(integration_id)
        if request.method not in receiver.adapter.METHODS:
            methods = ", ".join(sorted(receiver.adapter.METHODS))
            raise ProblemError(Problem(title="This integration does not take that method", status=405), {"Allow": methods})
        body = await request.body()
        moment = now()
        try:
            asked = hook_request(request, body)
            if len(body) <= SMALL:
                events, answer = _read(receiver, asked, moment)
            else:
                events, answer = await asyncio.to_thread(_read, receiver, asked, moment)
        except NotVerified as error:
            log.warning("hook not verified", integration_id=receiver.id, reason=str(error.reason), what=error.what)
            raise ProblemError(not_verified(error.reason)) from None
        except NotReadable as error:
            log.warning("hook not readable", integration_id=receiver.id, what=error.what)
            raise ProblemError(invalid([FieldFault(field="body", message=error.what)])) from None
        if events:
            try:
                waiting = intake.put(rows_of(receiver, events, moment))
            except FullError:
                raise not_stored() from None
            await stored(waiting, receiver.id)
        return Response(answer.body, answer.status, media_type=answer.media_type)

    accepted: dict[int | str, dict[str, Any]] = {
        200: {"description": "What the vendor wants to hear: an echo, an Ack, nothing", "content": {"text/plain": {}, "text/xml": {}}},
        202: {"description": "Stored; analyzed in a moment", "content": {"application/json": {}}},
    }
    faults = responses(400, 401, 404, 405, 413, 422, 503)

    @router.get(
        "/v1/hooks/{integration_id}", response_class=Response, responses={**accepted, **faults}, summary="A vendor proves the address"
    )
    async def prove(request: Request, integration_id: str) -> Response:
        return await hook(request, integration_id)

    @router.post(
        "/v1/hooks/{integration_id}",
        response_class=Response,
        status_code=202,
        responses={**accepted, **faults},
        summary="A CRM posts events",
    )
    async def receive(request: Request, integration_id: str) -> Response:
        """The body is the vendor's; docs/webhooks.md has an example of each kind."""
        return await hook(request, integration_id)

    return router
