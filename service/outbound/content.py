"""What of a stored note goes out: read by a function handed in, because this room does not know the notes' tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from models.analysis import Analysis
from service.outbound.filters import EventType, Facts, analysis_facts
from service.outbound.payload import Subject


@dataclass(frozen=True, slots=True, repr=False)
class Content:
    """A note and one of its analyses, as far as deliveries tell of them. `source` is who wrote it; no repr that could show a text in a log."""

    subject: Subject
    source: str
    rep: str | None
    customer: str | None
    text: str
    analysis: Analysis


Read = Callable[[Session, str, str, str], Content | None]
"""By tenant id, note id and analysis id; None where the note is gone (any more). Raises ValueError where the stored analysis cannot be read."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A note that is being deleted."""

    note_id: str
    crm_id: str | None
    source: str
    team_id: str | None
    rep_id: str | None


def analyzed_facts(content: Content) -> Facts:
    """What filters ask of an analysis that was stored."""
    return Facts("note.analyzed", content.subject.team_id, content.subject.rep_id, analysis_facts(content.analysis))


def gone_facts(gone: Gone) -> Facts:
    """What filters ask of a deletion."""
    type_: EventType = "note.deleted"
    return Facts(type_, gone.team_id, gone.rep_id, None)
