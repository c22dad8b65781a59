"""What deletion takes from inbound events: those of deleted notes, and payloads about the person or customer that never became a note."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from service.inbound import mapping as mappings
from service.inbound.mapping import MappingError
from service.inbound.tables import InboundEvent, Integration
from service.notes.hooks import Erasure


def erase(session: Session, erasure: Erasure) -> Mapping[str, int]:
    """The Eraser of this room."""
    gone = {"state": "erased", "reason": None, "faults": None, "payload": None, "note_id": None, "happened_at": None}
    of_notes = (InboundEvent.tenant_id == erasure.tenant_id, InboundEvent.note_id.in_(erasure.note_ids))
    done = session.execute(update(InboundEvent).where(*of_notes).values(**gone))
    assert isinstance(done, CursorResult)
    count = int(done.rowcount)
    about = {v for v in (erasure.person_external_id, erasure.customer, erasure.customer_id) if v is not None}
    if about:
        ids = [
            event_id for event_id, mapping, payload in _waiting(session, erasure.tenant_id) if _concerns(mapping, payload, erasure, about)
        ]
        session.execute(delete(InboundEvent).where(InboundEvent.id.in_(ids)))
        count += len(ids)
    return {"events": count}


def _waiting(session: Session, tenant_id: str) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Events that still have a payload, each with its mapping; read in parts."""
    joined = select(InboundEvent.id, Integration.mapping, InboundEvent.payload).join(
        Integration, Integration.id == InboundEvent.integration_id
    )
    query = joined.where(InboundEvent.tenant_id == tenant_id, InboundEvent.payload.is_not(None))
    for event_id, mapping, payload in session.execute(query.execution_options(yield_per=200)):
        yield event_id, mapping, json.loads(payload or "{}")


def _concerns(mapping: dict[str, Any], payload: dict[str, Any], erasure: Erasure, about: set[str]) -> bool:
    """Whether the payload's note is the person's or customer's; where it maps to no note, whether any of its values is one of theirs."""
    try:
        note = mappings.to_note(mappings.Mapping.model_validate(mapping), payload)
    except MappingError:
        note = None
    if note is None:
        return not about.isdisjoint(_values(payload))
    return any(
        wanted is not None and wanted == has
        for wanted, has in (
            (erasure.person_external_id, note.rep_id),
            (erasure.customer, note.customer),
            (erasure.customer_id, note.customer_id),
        )
    )


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _values(item)
    elif value is not None:
        yield str(value)
