"""An analysis with corrections beside the model's own: while there is one it is the current one, and what filters and counts reads it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.analysis import Analysis
from service.notes.facts import analysis_values
from service.notes.store import RESULT, add_analysis, keep_facts
from service.notes.tables import AnalysisObjection, StoredAnalysis, StoredNote


def models_analysis(session: Session, note: StoredNote) -> StoredAnalysis:
    """The newest analysis of the note's revision as a model gave it."""
    own = (StoredAnalysis.note_id == note.id, StoredAnalysis.revision == note.revision, StoredAnalysis.review_id.is_(None))
    return session.scalars(select(StoredAnalysis).where(*own).order_by(StoredAnalysis.id.desc()).limit(1)).one()


def put_corrected(session: Session, note: StoredNote, analysis: Analysis, review_id: str, now: datetime) -> StoredAnalysis:
    """Make this the current analysis, in the place of the one with corrections that was there. Nobody outside is told."""
    _drop(session, note)
    row = add_analysis(session, note, analysis, now)
    row.review_id = review_id
    session.flush()
    return row


def take_corrected(session: Session, note: StoredNote) -> None:
    """Let the model's analysis be the current one again."""
    if not _drop(session, note):
        return
    row = models_analysis(session, note)
    row.current = True
    keep_facts(session, note, analysis_values(row, RESULT.validate_json(row.result)))


def _drop(session: Session, note: StoredNote) -> int:
    corrected = (StoredAnalysis.note_id == note.id, StoredAnalysis.revision == note.revision, StoredAnalysis.review_id.is_not(None))
    ids = list(session.scalars(select(StoredAnalysis.id).where(*corrected)))
    if ids:
        session.execute(delete(AnalysisObjection).where(AnalysisObjection.analysis_id.in_(ids)))
        session.execute(delete(StoredAnalysis).where(StoredAnalysis.id.in_(ids)))
    return len(ids)
