"""What other rooms do when a note is analyzed or erased: functions handed in where the application is put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

OnAnalysis = Callable[[Session, str, str, str], None]
"""Called with session, tenant id, note id, analysis id, inside the transaction that stores the analysis."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """What is being deleted, told before the rows go. The subject's fields are None where single notes are deleted."""

    tenant_id: str
    note_ids: Sequence[str] = ()
    event_ids: Sequence[str] = ()
    person_id: str | None = None
    person_external_id: str | None = None
    customer: str | None = None
    customer_id: str | None = None


Eraser = Callable[[Session, Erasure], Mapping[str, int]]
"""Deletes another room's rows about the same, in the same transaction; answers what it deleted, e.g. {"events": 3}. May be called for parts."""


def nothing(session: Session, tenant_id: str, note_id: str, analysis_id: str) -> None:
    """The OnAnalysis of an installation where nobody listens."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """The functions of the other rooms."""

    on_analysis: OnAnalysis = nothing
    erasers: tuple[Eraser, ...] = ()
