"""Which deliveries are handed to the queue now: those that are due, a few of each subscription at a time, robots by their pace."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from service.durable import Handover
from service.outbound.robots import ROBOTS
from service.outbound.schedule import next_slot
from service.outbound.tables import Delivery, DeliveryAttempt, Subscription

AT_ONCE = 16
"""So many deliveries of one subscription are under way at once, so that a receiver that does not answer leaves the others their turn."""
LEASE = timedelta(minutes=15)
"""An attempt that has left no result for so long is lost (with its queue) and made anew under another number."""


def due(session: Session, now: datetime) -> list[Handover]:
    """What is to be handed over at `now`, the longest waiting first in each subscription."""
    idle = or_(Delivery.handed_at.is_(None), Delivery.handed_at <= now - LEASE)
    ready = (Delivery.state == "pending", Delivery.next_at <= now, idle)
    waiting = select(Delivery.subscription_id).where(*ready).distinct()
    out: list[Handover] = []
    for subscription in session.scalars(select(Subscription).where(Subscription.state == "active", Subscription.id.in_(waiting))):
        free = _free(session, subscription, now)
        if free > 0:
            chosen = select(Delivery.id, Delivery.handed, Delivery.request_id).where(Delivery.subscription_id == subscription.id, *ready)
            rows = session.execute(chosen.order_by(Delivery.next_at, Delivery.id).limit(free))
            out += [Handover(delivery_id, handed + 1, request_id) for delivery_id, handed, request_id in rows]
    return out


def _free(session: Session, subscription: Subscription, now: datetime) -> int:
    """How many more of a subscription's deliveries may leave now."""
    of_it = (Delivery.subscription_id == subscription.id, Delivery.state == "pending", Delivery.handed_at > now - LEASE)
    if subscription.kind == "webhook":
        return AT_ONCE - (session.scalar(select(func.count()).select_from(Delivery).where(*of_it)) or 0)
    pace = next(robot.PACE for kind, robot in ROBOTS.items() if kind == subscription.kind)
    under_way = [at for at in session.scalars(select(Delivery.handed_at).where(*of_it)) if at is not None]
    made = select(DeliveryAttempt.at).where(DeliveryAttempt.subscription_id == subscription.id, DeliveryAttempt.at > now - pace.period)
    # An attempt under way may leave as late as now; a made one counts from when it left.
    sent = [*session.scalars(made), *(max(at, now) for at in under_way)]
    free = 0
    while free < pace.messages and next_slot(sent, now, pace) <= now:
        sent.append(now)
        free += 1
    return free


def mark(session: Session, handed_over: Sequence[Handover], now: datetime) -> None:
    """Note what was handed over; one that has left its result already stays as it is."""
    for handover in handed_over:
        fresh = (Delivery.id == handover.id, Delivery.handed == handover.number - 1, Delivery.state == "pending")
        session.execute(update(Delivery).where(*fresh).values(handed=handover.number, handed_at=now))
