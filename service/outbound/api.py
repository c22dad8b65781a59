"""/v1/subscriptions: an admin's, and an integration's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.accounts.access import Principal, not_found, require
from service.database import reading, writing
from service.fields import CURSOR, Limit
from service.outbound import outbox, store
from service.outbound.deliveries import Deliveries
from service.outbound.filters import Selection
from service.outbound.requests import (
    DeliveryAnswer,
    NewSecretAnswer,
    NewSubscriptionAnswer,
    ReplayAnswer,
    Rotation,
    Since,
    SubscriptionAnswer,
    SubscriptionChange,
    SubscriptionId,
    SubscriptionRequest,
    SubscriptionsAnswer,
    delivery_answer,
    subscription_fields,
)
from service.outbound.store import SubscriptionError
from service.outbound.tables import Subscription
from service.problems import FieldFault, Problem, ProblemError, invalid, responses

Manager = Annotated[Principal, Depends(require("admin", "integration"))]
READ, WRITE = responses(401, 403, 404, 422, 429, 503), responses(400, 401, 403, 404, 409, 413, 422, 429, 503)


def not_active() -> Problem:
    """The 409 of sending to a subscription that is paused or disabled."""
    return Problem(type="/problems/not-active", title="The subscription is not active", status=409, detail="Resume it first.")


def found(session: Session, principal: Principal, subscription_id: str) -> Subscription:
    """The subscription; raises the 404 where this key does not see it."""
    row = store.find(session, principal, subscription_id)
    if row is None:
        raise ProblemError(not_found())
    return row


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except SubscriptionError as error:
        raise ProblemError(invalid([FieldFault(field=error.field, message=error.message)])) from None


def routes(deliveries: Deliveries) -> APIRouter:
    """Subscriptions over a database."""
    router = APIRouter(tags=["deliveries"])
    engine, now, vault = deliveries.engine, deliveries.now, deliveries.vault

    def answer(session: Session, row: Subscription) -> SubscriptionAnswer:
        return SubscriptionAnswer.model_validate(subscription_fields(row, list(store.valid_secrets(session, row, now())), vault))

    @router.post(
        "/v1/subscriptions", status_code=201, responses=WRITE, summary="Make a subscription; a webhook's secret is shown this once"
    )
    def create(principal: Manager, request: SubscriptionRequest) -> NewSubscriptionAnswer:
        selection = request.selection()
        with _faults():
            store.check_selection(request.kind, selection)
            host = store.checked_host(request.kind, request.url, request.secret, deliveries.connector)
            with writing(engine) as session:
                row, secret = store.create(
                    session, principal.tenant_id, principal.integration_id, request.kind, request.url, host, request.label, selection,
                    request.note_url, request.secret, vault, now(),
                )  # fmt: skip
                return NewSubscriptionAnswer(secret=secret, **answer(session, row).model_dump())

    @router.get("/v1/subscriptions", responses=READ, summary="List subscriptions")
    def list_subscriptions(
        principal: Manager, limit: Limit = 100, cursor: Annotated[SubscriptionId | None, Query(description=CURSOR)] = None
    ) -> SubscriptionsAnswer:
        after = [Subscription.id > cursor] if cursor else []
        with reading(engine) as session:
            query = select(Subscription).where(*store.visible(principal), *after)
            rows = list(session.scalars(query.order_by(Subscription.id).limit(limit + 1)))
            shown = [answer(session, row) for row in rows[:limit]]
            return SubscriptionsAnswer(subscriptions=shown, next=rows[limit - 1].id if len(rows) > limit else None)

    @router.get("/v1/subscriptions/{subscription_id}", responses=READ, summary="A subscription")
    def read(principal: Manager, subscription_id: SubscriptionId) -> SubscriptionAnswer:
        with reading(engine) as session:
            return answer(session, found(session, principal, subscription_id))

    @router.patch("/v1/subscriptions/{subscription_id}", responses=WRITE, summary="Change a subscription")
    def change(principal: Manager, subscription_id: SubscriptionId, request: SubscriptionChange) -> SubscriptionAnswer:
        given = request.model_fields_set
        with reading(engine) as session:
            row = found(session, principal, subscription_id)
            kind, chosen = row.kind, Selection.model_validate(row.selection)
            url = request.url if "url" in given else vault.open(row.url)
        named: dict[str, object] = {name: getattr(request, name) for name in ("event_types", "filters", "include_text") if name in given}
        selection = chosen.model_copy(update=named)
        host = None
        with _faults():
            store.check_selection(kind, selection)
            if given & {"url", "secret"}:
                host = store.checked_host(kind, url, request.secret, deliveries.connector)
        with writing(engine) as session:
            row = found(session, principal, subscription_id)
            row.selection = selection.model_dump(mode="json")
            if "url" in given and host is not None:
                row.url, row.host = vault.seal(request.url), host
            for name in given & {"label", "note_url"}:
                setattr(row, name, getattr(request, name))
            if "secret" in given and store.robot_kind(kind) is not None:
                store.set_robot_secret(session, row, request.secret, vault, now())
            return answer(session, row)

    @router.delete(
        "/v1/subscriptions/{subscription_id}", status_code=204, responses=READ, summary="Delete a subscription and its deliveries"
    )
    def remove(principal: Manager, subscription_id: SubscriptionId) -> Response:
        with writing(engine) as session:
            session.delete(found(session, principal, subscription_id))
        return Response(status_code=204)

    @router.post(
        "/v1/subscriptions/{subscription_id}/secret", status_code=201, responses=WRITE, summary="Replace a webhook's signing secret"
    )
    def rotate(principal: Manager, subscription_id: SubscriptionId, request: Rotation) -> NewSecretAnswer:
        with _faults(), writing(engine) as session:
            row = found(session, principal, subscription_id)
            if store.robot_kind(row.kind) is not None:
                raise SubscriptionError("subscription_id", "A robot's secret is its vendor's: set it by PATCH")
            return NewSecretAnswer(secret=store.rotate_secret(session, row, timedelta(hours=request.overlap_hours), vault, now()))

    @router.post("/v1/subscriptions/{subscription_id}/pause", responses=READ, summary="Pause: events are kept and wait")
    def pause(principal: Manager, subscription_id: SubscriptionId) -> SubscriptionAnswer:
        with writing(engine) as session:
            row = found(session, principal, subscription_id)
            store.pause(row, now())
            return answer(session, row)

    @router.post("/v1/subscriptions/{subscription_id}/resume", responses=READ, summary="Resume after a pause, or after 410")
    def resume(principal: Manager, subscription_id: SubscriptionId) -> SubscriptionAnswer:
        with writing(engine) as session:
            row = found(session, principal, subscription_id)
            store.resume(session, row, now())
            shown = answer(session, row)
        deliveries.sweep.wake()
        return shown

    @router.post(
        "/v1/subscriptions/{subscription_id}/test", status_code=202, responses=READ | responses(409), summary="Send a test event, once"
    )
    def test(principal: Manager, subscription_id: SubscriptionId) -> DeliveryAnswer:
        with writing(engine) as session:
            row = found(session, principal, subscription_id)
            if row.state != "active":
                raise ProblemError(not_active())
            made = outbox.add(session, row, "webhook.test", now())
            session.flush()
            shown = delivery_answer(made)
        deliveries.sweep.wake()
        return shown

    @router.post("/v1/subscriptions/{subscription_id}/replay", status_code=202, responses=WRITE, summary="Send dead deliveries again")
    def replay(principal: Manager, subscription_id: SubscriptionId, request: Since) -> ReplayAnswer:
        since = request.since if request.since.tzinfo else request.since.replace(tzinfo=UTC)
        with writing(engine) as session:
            row = found(session, principal, subscription_id)
            if row.state == "disabled":
                raise ProblemError(not_active())
            replayed = outbox.revive_dead(session, row, since, now())
        deliveries.sweep.wake()
        return ReplayAnswer(replayed=replayed)

    return router
