"""Events in our table: stored once, found when they are due, replayed, listed, counted, deleted. Plain functions over a session."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, CursorResult, Table, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from service.accounts.tables import Tenant
from service.durable import Handover
from service.ids import new_id
from service.inbound.hook import RawEvent
from service.inbound.tables import InboundEvent, Integration
from service.logs import request_id

EventState = Literal["received", "done", "skipped", "failed", "erased"]
STATES: tuple[EventState, ...] = get_args(EventState)
FINISHED = ("done", "skipped", "failed", "erased")
REPLAYABLE = ("failed", "skipped")
UNDER_WAY = 128
"""So many events are handed over and not finished at a time, over all processes; the others wait in our table."""
LEASE = timedelta(minutes=2)
"""An event handed over that has not finished for so long is handed over again under another number."""


def rows_of(integration: Integration | Any, events: Sequence[RawEvent], now: datetime) -> list[dict[str, Any]]:
    """The rows of events that came in at `now`, their ids in the order of the events; `integration` has id and tenant_id."""
    ids = sorted(new_id("ev", now) for _ in events)
    return [
        {
            "id": i, "tenant_id": integration.tenant_id, "integration_id": integration.id, "event_id": e.id, "received_at": now,
            "payload": json.dumps(e.payload, ensure_ascii=False), "state": "received", "attempts": 0, "next_at": now,
            "request_id": request_id(),
        }
        for i, e in zip(ids, events, strict=True)
    ]  # fmt: skip


def insert(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Store rows; an event id that its integration sent before changes nothing."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    table = InboundEvent.__table__
    assert isinstance(table, Table)
    connection.execute(dialect.insert(table).on_conflict_do_nothing(index_elements=["integration_id", "event_id"]), rows)


def due(session: Session, now: datetime) -> list[Handover]:
    """What is to be handed over at `now`: of each active integration in turn, the oldest first, so that a flood of one leaves the others theirs."""
    going = (InboundEvent.state == "received", InboundEvent.next_at > now, InboundEvent.attempts > 0)
    free = UNDER_WAY - (session.scalar(select(func.count()).select_from(InboundEvent).where(*going)) or 0)
    if free <= 0:
        return []
    turn = func.row_number().over(partition_by=InboundEvent.integration_id, order_by=InboundEvent.id).label("turn")
    ready = (InboundEvent.state == "received", InboundEvent.next_at <= now, Integration.state == "active")
    query = select(InboundEvent.id, InboundEvent.attempts, InboundEvent.request_id, turn).join(
        Integration, Integration.id == InboundEvent.integration_id
    )
    rows = session.execute(query.where(*ready).order_by("turn", InboundEvent.id).limit(free))
    return [Handover(row.id, row.attempts + 1, row.request_id) for row in rows]


def mark(session: Session, handed_over: Sequence[Handover], now: datetime) -> None:
    """Note what was handed over; what another process noted already stays as it is."""
    fresh = (InboundEvent.id.in_([h.id for h in handed_over]), InboundEvent.state == "received", InboundEvent.next_at <= now)
    session.execute(update(InboundEvent).where(*fresh).values(attempts=InboundEvent.attempts + 1, next_at=now + LEASE))


def finish(
    row: InboundEvent, state: EventState, now: datetime, reason: str | None = None, faults: list[dict[str, str]] | None = None,
    note_id: str | None = None, happened_at: datetime | None = None,
) -> None:  # fmt: skip
    """Set what became of an event. A stored note holds all that is needed of its event, so the payload goes."""
    row.state, row.reason, row.faults, row.next_at, row.finished = state, reason, faults, None, now
    row.note_id, row.happened_at = note_id, happened_at
    if state == "done" or reason == "superseded":
        row.payload = None


def _owned(integration: Integration) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return InboundEvent.tenant_id == integration.tenant_id, InboundEvent.integration_id == integration.id


def replay(session: Session, integration: Integration, states: Sequence[str], now: datetime, event_id: str | None = None) -> int:
    """Do failed (or skipped) events again, all or the one of this id; how many."""
    chosen = [*_owned(integration), InboundEvent.state.in_(states), InboundEvent.payload.is_not(None)]
    if event_id is not None:
        chosen.append(InboundEvent.id == event_id)
    fresh = {"state": "received", "reason": None, "faults": None, "next_at": now, "finished": None}
    return _count(session.execute(update(InboundEvent).where(*chosen).values(**fresh)))


def go_on(session: Session, integration: Integration, now: datetime) -> None:
    """After a pause: what waits is due."""
    session.execute(update(InboundEvent).where(*_owned(integration), InboundEvent.state == "received").values(next_at=now))


def hand_over_again(session: Session, now: datetime) -> int:
    """After a restore, which empties the queues: all that waits is due, whatever was under way; how many."""
    return _count(session.execute(update(InboundEvent).where(InboundEvent.state == "received").values(next_at=now)))


def find(session: Session, integration: Integration, event_id: str) -> InboundEvent | None:
    """The integration's event of this id of ours."""
    return session.scalar(select(InboundEvent).where(*_owned(integration), InboundEvent.id == event_id))


def page(
    session: Session, integration: Integration, state: EventState | None, cursor: str | None, limit: int
) -> tuple[list[InboundEvent], str | None]:
    """Events before the cursor, the newest first, and the next page's cursor."""
    chosen = [*_owned(integration)]
    if state is not None:
        chosen.append(InboundEvent.state == state)
    if cursor is not None:
        chosen.append(InboundEvent.id < cursor)
    rows = list(session.scalars(select(InboundEvent).where(*chosen).order_by(InboundEvent.id.desc()).limit(limit + 1)))
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def counts(session: Session, integration_id: str | None = None) -> dict[str, int]:
    """For metrics: the events kept, by state; of all integrations or of one."""
    query = select(InboundEvent.state, func.count().label("n")).group_by(InboundEvent.state)
    if integration_id is not None:
        query = query.where(InboundEvent.integration_id == integration_id)
    found = {row.state: row.n for row in session.execute(query)}
    return {state: found.get(state, 0) for state in STATES}


def purge(session: Session, now: datetime, kept: timedelta) -> int:
    """Delete what finished longer ago than `kept`, and what never became a note and is older than its tenant's retention period; how many."""
    old = delete(InboundEvent).where(InboundEvent.state.in_(FINISHED), InboundEvent.finished < now - kept)
    total = _count(session.execute(old))
    for tenant_id, days in session.execute(select(Tenant.id, Tenant.retention_days).where(Tenant.retention_days.is_not(None))).all():
        assert days is not None
        over = (InboundEvent.tenant_id == tenant_id, InboundEvent.received_at < now - timedelta(days=days))
        total += _count(
            session.execute(delete(InboundEvent).where(*over, or_(InboundEvent.state != "done", InboundEvent.note_id.is_(None))))
        )
    return total


def _count(result: Any) -> int:
    assert isinstance(result, CursorResult)
    return int(result.rowcount)
