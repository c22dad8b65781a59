"""Deliveries come into being here, in the transaction of what they tell of: either both are stored or neither is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from service.ids import new_id
from service.logs import request_id
from service.outbound.content import Content, Gone, analyzed_facts, gone_facts
from service.outbound.filters import EventType, Facts, Selection, selects
from service.outbound.tables import Delivery, Subscription

FINISHED = ("delivered", "dead", "cancelled")


def _takers(session: Session, tenant_id: str) -> list[Subscription]:
    """The tenant's subscriptions that events are kept for; a paused one's wait."""
    return list(session.scalars(select(Subscription).where(Subscription.tenant_id == tenant_id, Subscription.state != "disabled")))


def listened_to(session: Session, tenant_id: str) -> bool:
    """Whether the tenant has a subscription at all, so that nobody reads a note for nothing."""
    return session.scalar(select(Subscription.id).where(Subscription.tenant_id == tenant_id, Subscription.state != "disabled")) is not None


def _takes(subscription: Subscription, source: str, facts: Facts) -> bool:
    own = subscription.integration_id in (None, source)
    return own and selects(Selection.model_validate(subscription.selection), facts)


def add(
    session: Session, subscription: Subscription, type_: EventType, now: datetime, note_id: str | None = None,
    analysis_id: str | None = None, crm_id: str | None = None,
) -> Delivery:  # fmt: skip
    """A delivery that is due now."""
    row = Delivery(
        id=new_id("dl", now), tenant_id=subscription.tenant_id, subscription_id=subscription.id, event_type=type_, note_id=note_id,
        analysis_id=analysis_id, crm_id=crm_id, state="pending", reason=None, attempts=0, handed=0, handed_at=None, next_at=now, created=now,
        finished=None, request_id=request_id(),
    )  # fmt: skip
    session.add(row)
    return row


def analyzed(session: Session, tenant_id: str, analysis_id: str, content: Content, now: datetime) -> int:
    """Deliveries of `note.analyzed`; how many."""
    facts = analyzed_facts(content)
    takers = [s for s in _takers(session, tenant_id) if _takes(s, content.source, facts)]
    for subscription in takers:
        add(session, subscription, "note.analyzed", now, content.subject.note_id, analysis_id)
    session.flush()
    return len(takers)


def deleted(session: Session, tenant_id: str, notes: Sequence[Gone], now: datetime) -> int:
    """Cancel what was to tell of these notes, and make deliveries of `note.deleted`; how many were cancelled."""
    waiting = (Delivery.tenant_id == tenant_id, Delivery.note_id.in_([n.note_id for n in notes]), Delivery.event_type == "note.analyzed")
    ended = update(Delivery).where(*waiting, Delivery.state == "pending")
    cancelled = session.execute(ended.values(state="cancelled", reason="note_deleted", next_at=None, finished=now)).rowcount  # type: ignore[attr-defined]
    takers = _takers(session, tenant_id)
    for note in notes:
        facts = gone_facts(note)
        for subscription in takers:
            if _takes(subscription, note.source, facts):
                add(session, subscription, "note.deleted", now, note.note_id, crm_id=note.crm_id)
    session.flush()
    return int(cancelled)


def revive(row: Delivery, now: datetime) -> None:
    """Send a delivery again: its id stays, its schedule begins anew."""
    row.state, row.reason, row.attempts, row.handed_at, row.next_at, row.finished = "pending", None, 0, None, now, None


def revive_dead(session: Session, subscription: Subscription, since: datetime, now: datetime) -> int:
    """Send again what of a subscription died at or after `since`; how many."""
    dead = (Delivery.subscription_id == subscription.id, Delivery.state == "dead", Delivery.finished >= since)
    fresh = {"state": "pending", "reason": None, "attempts": 0, "handed_at": None, "next_at": now, "finished": None}
    return int(session.execute(update(Delivery).where(*dead).values(**fresh)).rowcount)  # type: ignore[attr-defined]


def hand_over_again(session: Session) -> int:
    """After a restore, which empties the queues: nothing is under way, what is due is handed over; how many wait."""
    waiting = update(Delivery).where(Delivery.state == "pending")
    return int(session.execute(waiting.values(handed_at=None)).rowcount)  # type: ignore[attr-defined]


def purge(session: Session, now: datetime, kept: timedelta) -> int:
    """Delete what finished longer ago than `kept`, with its attempts; how many."""
    return int(session.execute(delete(Delivery).where(Delivery.state.in_(FINISHED), Delivery.finished < now - kept)).rowcount)  # type: ignore[attr-defined]


def counts(session: Session) -> dict[str, int]:
    """For metrics: deliveries by state (those kept); `retrying` are the pending ones tried in vain already."""
    found = {row.state: row.n for row in session.execute(select(Delivery.state, func.count().label("n")).group_by(Delivery.state))}
    retrying = session.scalar(select(func.count()).where(Delivery.state == "pending", Delivery.attempts > 0)) or 0
    return {state: found.get(state, 0) for state in ("pending", *FINISHED)} | {"retrying": retrying}
