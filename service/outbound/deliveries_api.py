"""/v1/deliveries: what was sent, what is dead, and sending it again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.accounts.access import Principal, not_found
from service.database import reading, writing
from service.fields import CURSOR, Limit
from service.outbound import outbox, store
from service.outbound.api import READ, Manager, not_active
from service.outbound.deliveries import Deliveries
from service.outbound.requests import (
    AttemptsAnswer,
    DeliveriesAnswer,
    DeliveryAnswer,
    DeliveryId,
    DeliveryState,
    SubscriptionId,
    attempts_answer,
    delivery_answer,
)
from service.outbound.tables import Delivery, DeliveryAttempt, Subscription
from service.problems import Problem, ProblemError, responses


def _cancelled() -> Problem:
    return Problem(type="/problems/cancelled", title="The delivery was cancelled", status=409, detail="Its note was deleted.")


def _found(session: Session, principal: Principal, delivery_id: str) -> Delivery:
    row = store.find_delivery(session, principal, delivery_id)
    if row is None:
        raise ProblemError(not_found())
    return row


def routes(deliveries: Deliveries) -> APIRouter:
    """Deliveries over a database."""
    router = APIRouter(tags=["deliveries"])
    engine, now = deliveries.engine, deliveries.now

    @router.get("/v1/deliveries", responses=READ, summary="List deliveries; state=dead are the dead letters")
    def list_deliveries(
        principal: Manager,
        limit: Limit = 50,
        cursor: Annotated[DeliveryId | None, Query(description=CURSOR)] = None,
        state: DeliveryState | None = None,
        subscription: SubscriptionId | None = None,
    ) -> DeliveriesAnswer:
        chosen = [*store.visible(principal)]
        if cursor is not None:
            chosen.append(Delivery.id < cursor)
        if state is not None:
            chosen.append(Delivery.state == state)
        with reading(engine) as session:
            if subscription is not None:
                if store.find(session, principal, subscription) is None:
                    raise ProblemError(not_found())
                chosen.append(Delivery.subscription_id == subscription)
            query = select(Delivery).join(Subscription, Subscription.id == Delivery.subscription_id).where(*chosen)
            rows = list(session.scalars(query.order_by(Delivery.id.desc()).limit(limit + 1)))
            return DeliveriesAnswer(
                deliveries=[delivery_answer(row) for row in rows[:limit]], next=rows[limit - 1].id if len(rows) > limit else None
            )

    @router.get("/v1/deliveries/{delivery_id}", responses=READ, summary="A delivery")
    def read(principal: Manager, delivery_id: DeliveryId) -> DeliveryAnswer:
        with reading(engine) as session:
            return delivery_answer(_found(session, principal, delivery_id))

    @router.get("/v1/deliveries/{delivery_id}/attempts", responses=READ, summary="The attempts of a delivery")
    def read_attempts(principal: Manager, delivery_id: DeliveryId) -> AttemptsAnswer:
        with reading(engine) as session:
            row = _found(session, principal, delivery_id)
            query = select(DeliveryAttempt).where(DeliveryAttempt.delivery_id == row.id).order_by(DeliveryAttempt.number)
            return attempts_answer(list(session.scalars(query)))

    @router.post("/v1/deliveries/{delivery_id}/replay", status_code=202, responses=READ | responses(409), summary="Send a delivery again")
    def replay(principal: Manager, delivery_id: DeliveryId) -> DeliveryAnswer:
        """Its id stays and its schedule begins anew. One that is pending is tried at once."""
        with writing(engine) as session:
            row = _found(session, principal, delivery_id)
            if row.state == "cancelled":
                raise ProblemError(_cancelled())
            if session.get_one(Subscription, row.subscription_id).state == "disabled":
                raise ProblemError(not_active())
            if row.state == "pending":
                row.next_at = now()
            else:
                outbox.revive(row, now())
            session.flush()
            shown = delivery_answer(row)
        deliveries.sweep.wake()
        return shown

    return router
