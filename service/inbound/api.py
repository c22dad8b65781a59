"""/v1/integrations: an admin sets a CRM up, tries a sample, looks at events, does failed ones again."""

from __future__ import annotations

import secrets as random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.orm import Session

from service.accounts import store as accounts
from service.accounts.access import Principal, not_found, require
from service.database import reading, scrub, writing
from service.fields import CURSOR, Limit
from service.inbound import events, integrations, issuing
from service.inbound.events import EventState
from service.inbound.hook import NotReadable
from service.inbound.inbound import Inbound
from service.inbound.integrations import IntegrationError, NewIntegration
from service.inbound.mapping import MappedNote, Mapping, default_mapping
from service.inbound.requests import (
    EventAnswer,
    EventCountsAnswer,
    EventId,
    EventsAnswer,
    IntegrationAnswer,
    IntegrationChange,
    IntegrationId,
    IntegrationRequest,
    IntegrationsAnswer,
    NewIntegrationAnswer,
    NewSecretsAnswer,
    ReplayRequest,
    Rotation,
    TryAnswer,
    TryRequest,
    event_answer,
    integration_fields,
    setup_steps,
    tried_answer,
)
from service.inbound.tables import Integration
from service.inbound.trying import sample_payloads, tried
from service.problems import FieldFault, ProblemError, invalid, responses

Admin = Annotated[Principal, Depends(require("admin"))]
_READ, _WRITE = responses(401, 403, 404, 422, 429, 503), responses(400, 401, 403, 404, 413, 422, 429, 503)


@contextmanager
def _faults() -> Iterator[None]:
    """Fields at fault as their problem."""
    try:
        yield
    except IntegrationError as error:
        raise ProblemError(invalid(error.faults)) from None


def routes(inbound: Inbound, public_url: str | None, random_bytes: Callable[[int], bytes] = random.token_bytes) -> APIRouter:
    """Integrations over a database. `public_url` is where CRMs reach this server; None takes the address an admin reaches it by."""
    router = APIRouter(tags=["integrations"])
    engine, vault, now = inbound.receiving.engine, inbound.vault, inbound.receiving.now

    def found(session: Session, principal: Principal, integration_id: str) -> Integration:
        row = integrations.find(session, principal.tenant_id, integration_id)
        if row is None:
            raise ProblemError(not_found())
        return row

    def fields(row: Integration, request: Request) -> dict[str, Any]:
        valid = len(integrations.opened(vault, row)[issuing.LISTS[row.kind][0]])
        return integration_fields(row, public_url or str(request.base_url), valid)

    @router.post("/v1/integrations", status_code=201, responses=_WRITE, summary="Make an integration: a CRM that may post to a hook")
    def create(principal: Admin, request: Request, asked: IntegrationRequest) -> NewIntegrationAnswer:
        """The answer tells the hook's address and what to paste where; a secret that is made here is shown this once."""
        given, made = issuing.with_generated(asked.kind, asked.secrets, random_bytes)
        mapping = asked.mapping or default_mapping(asked.kind)
        new = NewIntegration(asked.kind, asked.label, given, mapping, asked.team_id, asked.unknown)
        with _faults(), writing(engine) as session:
            row = integrations.create(session, vault, principal.tenant_id, new, principal.key_id, now())
            whole, common = integrations.opened(vault, row), fields(row, request)
            steps = setup_steps(row.kind, common["hook_url"], whole)
            return NewIntegrationAnswer(secrets=whole if made else None, setup=steps, **common)

    @router.get("/v1/integrations", responses=_READ, summary="List integrations")
    def list_all(
        principal: Admin, request: Request, limit: Limit = 100, cursor: Annotated[IntegrationId | None, Query(description=CURSOR)] = None
    ) -> IntegrationsAnswer:
        with reading(engine) as session:
            rows, following = integrations.page(session, principal.tenant_id, cursor, limit)
            return IntegrationsAnswer(integrations=[IntegrationAnswer(**fields(r, request)) for r in rows], next=following)

    @router.get("/v1/integrations/{integration_id}", responses=_READ, summary="An integration, without its secrets")
    def read(principal: Admin, request: Request, integration_id: IntegrationId) -> IntegrationAnswer:
        with reading(engine) as session:
            return IntegrationAnswer(**fields(found(session, principal, integration_id), request))

    @router.patch(
        "/v1/integrations/{integration_id}", responses=_WRITE, summary="Change label, mapping, team or what becomes of the unknown"
    )
    def change(principal: Admin, request: Request, integration_id: IntegrationId, asked: IntegrationChange) -> IntegrationAnswer:
        with _faults(), writing(engine) as session:
            row = found(session, principal, integration_id)
            integrations.change(session, row, {name: getattr(asked, name) for name in asked.model_fields_set}, now())
            return IntegrationAnswer(**fields(row, request))

    @router.post("/v1/integrations/{integration_id}/secrets", responses=_WRITE, summary="Replace secrets; the one before stays valid")
    def rotate(principal: Admin, request: Request, integration_id: IntegrationId, asked: Rotation) -> NewSecretsAnswer:
        with _faults(), writing(engine) as session:
            row = found(session, principal, integration_id)
            whole, made = issuing.rotated(row.kind, integrations.opened(vault, row), asked.secrets, random_bytes)
            integrations.set_secrets(row, vault, whole, now())
            answer = NewSecretsAnswer(secrets=whole if made else None, **fields(row, request))
        inbound.receivers.forget(integration_id)
        return answer

    @router.delete("/v1/integrations/{integration_id}/secrets/previous", responses=_READ, summary="Leave the newest secret alone valid")
    def retire(principal: Admin, request: Request, integration_id: IntegrationId) -> IntegrationAnswer:
        with writing(engine) as session:
            row = found(session, principal, integration_id)
            integrations.set_secrets(row, vault, issuing.without_previous(row.kind, integrations.opened(vault, row)), now())
            answer = IntegrationAnswer(**fields(row, request))
        inbound.receivers.forget(integration_id)
        return answer

    @router.post("/v1/integrations/{integration_id}/pause", responses=_READ, summary="Take events and let them wait")
    def pause(principal: Admin, request: Request, integration_id: IntegrationId) -> IntegrationAnswer:
        with writing(engine) as session:
            row = found(session, principal, integration_id)
            integrations.change(session, row, {"state": "paused"}, now())
            return IntegrationAnswer(**fields(row, request))

    @router.post("/v1/integrations/{integration_id}/resume", responses=_READ, summary="Go on with the events that waited")
    def resume(principal: Admin, request: Request, integration_id: IntegrationId) -> IntegrationAnswer:
        with writing(engine) as session:
            row = found(session, principal, integration_id)
            integrations.change(session, row, {"state": "active"}, now())
            events.go_on(session, row, now())
            answer = IntegrationAnswer(**fields(row, request))
        inbound.sweep.wake()
        return answer

    @router.delete("/v1/integrations/{integration_id}", status_code=204, responses=_READ, summary="Delete an integration and its events")
    def remove(principal: Admin, integration_id: IntegrationId) -> Response:
        """Its notes stay; events that are not notes yet go with it."""
        with writing(engine) as session:
            session.delete(found(session, principal, integration_id))
        inbound.receivers.forget(integration_id)
        scrub(engine)
        return Response(status_code=204)

    @router.post("/v1/integrations/{integration_id}/try", responses=_WRITE, summary="What a sample would become; nothing is stored")
    def try_sample(principal: Admin, integration_id: IntegrationId, asked: TryRequest) -> TryAnswer:
        with reading(engine) as session:
            row = found(session, principal, integration_id)
            mapping = asked.mapping or Mapping.model_validate(row.mapping)
            try:
                payloads = [asked.payload] if asked.payload is not None else sample_payloads(row.kind, asked.body or "")
            except NotReadable as error:
                raise ProblemError(invalid([FieldFault(field="body", message=error.what)])) from None
            out = []
            for payload in payloads:
                result = tried(mapping, payload, inbound.receiving.note_limit)
                rep = result.rep_id if isinstance(result, MappedNote) else None
                known = rep is not None and accounts.person_by_external_id(session, principal.tenant_id, rep) is not None
                out.append(tried_answer(result, known))
            return TryAnswer(events=out)

    @router.get("/v1/integrations/{integration_id}/events", responses=_READ, summary="Events and what became of them")
    def list_events(
        principal: Admin, integration_id: IntegrationId, state: EventState | None = None, limit: Limit = 50,
        cursor: Annotated[EventId | None, Query(description=CURSOR)] = None,
    ) -> EventsAnswer:  # fmt: skip
        with reading(engine) as session:
            rows, following = events.page(session, found(session, principal, integration_id), state, cursor, limit)
            return EventsAnswer(events=[event_answer(r) for r in rows], next=following)

    @router.post("/v1/integrations/{integration_id}/replay", responses=_WRITE, summary="Do all failed (or skipped) events again")
    def replay_all(principal: Admin, integration_id: IntegrationId, asked: ReplayRequest) -> EventCountsAnswer:
        with writing(engine) as session:
            answer = EventCountsAnswer(replayed=events.replay(session, found(session, principal, integration_id), [asked.state], now()))
        inbound.sweep.wake()
        return answer

    @router.post(
        "/v1/integrations/{integration_id}/events/{event_id}/replay", responses=_READ, summary="Do a failed or skipped event again"
    )
    def replay_one(principal: Admin, integration_id: IntegrationId, event_id: EventId) -> EventAnswer:
        with writing(engine) as session:
            integration = found(session, principal, integration_id)
            row = events.find(session, integration, event_id)
            if row is None:
                raise ProblemError(not_found())
            events.replay(session, integration, events.REPLAYABLE, now(), event_id)
            session.refresh(row)
            answer = event_answer(row)
        inbound.sweep.wake()
        return answer

    return router
