"""Which notes a key may see, and finding among them: filters, search, pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy import ColumnElement, Engine, exists, false, select, union
from sqlalchemy.orm import Session

from models.analysis import DimensionId, GapSide, KindLabel, KpStatus, ObjectionStatus, ObjectionType, OutcomeLabel
from service.accounts.access import Principal
from service.database import reading
from service.fields import CURSOR, Name, NoteId, PersonId, TeamId, Words
from service.notes.facts import LEVELS
from service.notes.tables import AnalysisObjection, NoteFacts, StoredAnalysis, StoredNote
from service.requests import written_date

PART = 500
"""Rows an export reads at once."""


class NoteFilter(BaseModel):
    """What notes to give; all conditions hold. Kind, score and objection are those of a note's current analysis."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    team: TeamId | None = None
    rep: PersonId | None = None
    customer: Annotated[Name | None, Field(description="The customer's name or CRM id, exactly.")] = None
    since: Annotated[date | None, BeforeValidator(written_date), Field(alias="from", description="Visited on this day or later.")] = None
    until: Annotated[date | None, BeforeValidator(written_date), Field(alias="to", description="Visited on this day or earlier.")] = None
    kind: KindLabel | None = None
    min_score: Annotated[int | None, Field(ge=0, le=100)] = None
    max_score: Annotated[int | None, Field(ge=0, le=100)] = None
    objection: Annotated[ObjectionType | None, Field(description="Has an objection of this type.")] = None
    objection_status: Annotated[ObjectionStatus | None, Field(description="… and of this status.")] = None
    kp: KpStatus | None = None
    outcome: OutcomeLabel | None = None
    missing: Annotated[DimensionId | None, Field(description="This part of the ten is absent (level 0).")] = None
    vague: Annotated[DimensionId | None, Field(description="This part of the ten is vague (level 1).")] = None
    gap_against: Annotated[GapSide | None, Field(description="Has a price gap to the competitor's or to the customer's figure.")] = None
    gap_percent_from: Annotated[float | None, Field(ge=-1e6, le=1e6, description="The price gap is at least so many percent.")] = None
    gap_percent_below: Annotated[float | None, Field(ge=-1e6, le=1e6, description="The price gap is below so many percent.")] = None
    gap_without_percent: Annotated[bool, Field(description="Only notes whose price gap is known in yuan alone.")] = False
    unassigned: Annotated[bool, Field(description="Only notes without a rep.")] = False
    q: Annotated[Words | None, Field(description="These characters stand in the note (letters A to Z without case).")] = None


class PagedFilter(NoteFilter):
    """A filter and the page of it. The newest stored note comes first."""

    limit: Annotated[int, Field(ge=1, le=200, description="Entries a page.")] = 50
    cursor: Annotated[NoteId | None, Field(description=CURSOR)] = None


def visible(principal: Principal) -> list[ColumnElement[bool]]:
    """The conditions under which this key sees a note; one of an unfinished import nobody sees."""
    tenant = (StoredNote.tenant_id == principal.tenant_id) & StoredNote.hidden.is_(False)
    match principal.role:
        case "admin":
            return [tenant]
        case "trainer":
            return [tenant, StoredNote.team_id.in_(principal.team_ids)]
        case "rep":
            return [tenant, StoredNote.person_id == principal.person_id]
        case "integration":
            return [tenant, StoredNote.source == principal.integration_id]
        case "draft":
            return [false()]


def find(session: Session, principal: Principal, note_id: str) -> StoredNote | None:
    """The note where this key may see it."""
    return session.scalar(select(StoredNote).where(*visible(principal), StoredNote.id == note_id))


def _of_customer(tenant_id: str, customer: str) -> ColumnElement[bool]:
    """By name or CRM id; as a union, because a condition with OR uses no index while the newest notes are looked for."""
    by = [
        select(StoredNote.id).where(StoredNote.tenant_id == tenant_id, c == customer) for c in (StoredNote.customer, StoredNote.customer_id)
    ]
    return StoredNote.id.in_(union(*by))


def at_level(dimension: DimensionId, level: int) -> ColumnElement[bool]:
    """The condition that a note's facts have this dimension at this level."""
    field = LEVELS[dimension]
    return NoteFacts.packed.bitwise_and(field.mask << field.shift) == field.put(level)


def _of_note() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return NoteFacts.tenant_id == StoredNote.tenant_id, NoteFacts.note_id == StoredNote.id


def _matching(tenant_id: str, criteria: NoteFilter) -> list[ColumnElement[bool]]:
    out: list[ColumnElement[bool]] = []
    if criteria.team is not None:
        out.append(StoredNote.team_id == criteria.team)
    if criteria.rep is not None:
        out.append(StoredNote.person_id == criteria.rep)
    if criteria.customer is not None:
        out.append(_of_customer(tenant_id, criteria.customer))
    if criteria.since is not None:
        out.append(StoredNote.visited_at >= criteria.since)
    if criteria.until is not None:
        out.append(StoredNote.visited_at <= criteria.until)
    if criteria.kind is not None:
        out.append(StoredAnalysis.kind == criteria.kind)
    if criteria.min_score is not None:
        out.append(StoredAnalysis.score >= criteria.min_score)
    if criteria.max_score is not None:
        out.append(StoredAnalysis.score <= criteria.max_score)
    if criteria.objection is not None or criteria.objection_status is not None:
        of_it = [AnalysisObjection.analysis_id == StoredAnalysis.id]
        if criteria.objection is not None:
            of_it.append(AnalysisObjection.type == criteria.objection)
        if criteria.objection_status is not None:
            of_it.append(AnalysisObjection.status == criteria.objection_status)
        out.append(exists().where(*of_it))
    if criteria.kp is not None:
        out.append(StoredAnalysis.kp_status == criteria.kp)
    if criteria.outcome is not None:
        out.append(StoredAnalysis.outcome == criteria.outcome)
    for dimension, level in ((criteria.missing, 0), (criteria.vague, 1)):
        if dimension is not None:
            out.append(exists().where(*_of_note(), at_level(dimension, level)))
    if criteria.gap_against is not None:
        out.append(StoredAnalysis.price_gap_against == criteria.gap_against)
    if criteria.gap_percent_from is not None:
        out.append(StoredAnalysis.price_gap_percent >= criteria.gap_percent_from)
    if criteria.gap_percent_below is not None:
        out.append(StoredAnalysis.price_gap_percent < criteria.gap_percent_below)
    if criteria.gap_without_percent:
        out.append(StoredAnalysis.price_gap_against.is_not(None) & StoredAnalysis.price_gap_percent.is_(None))
    if criteria.unassigned:
        out.append(StoredNote.person_id.is_(None))
    if criteria.q is not None:
        out.append(StoredNote.text.icontains(criteria.q, autoescape=True))
    return out


def page(
    session: Session, principal: Principal, criteria: NoteFilter, cursor: str | None, limit: int
) -> tuple[list[tuple[StoredNote, StoredAnalysis]], str | None]:
    """Notes with their current analyses before the cursor, newest first, and the next page's cursor.

    The cursor is an id and ids sort by time, so notes stored or deleted meanwhile neither repeat nor hide another.
    """
    before = [StoredNote.id < cursor] if cursor else []
    query = (
        select(StoredNote, StoredAnalysis)
        .join(StoredAnalysis, (StoredAnalysis.note_id == StoredNote.id) & StoredAnalysis.current.is_(True))
        .where(*visible(principal), *_matching(principal.tenant_id, criteria), *before)
        .order_by(StoredNote.id.desc())
        .limit(limit + 1)
    )
    rows = [(note, analysis) for note, analysis in session.execute(query)]
    return rows[:limit], rows[limit - 1][0].id if len(rows) > limit else None


def every(engine: Engine, principal: Principal, criteria: NoteFilter) -> Iterator[tuple[StoredNote, StoredAnalysis]]:
    """All of them, read in parts, so that no transaction stays open while a slow caller reads."""
    cursor: str | None = None
    while True:
        with reading(engine) as session:
            rows, cursor = page(session, principal, criteria, cursor, PART)
        yield from rows
        if cursor is None:
            return


def objections_of(session: Session, analysis_ids: list[str]) -> dict[str, list[AnalysisObjection]]:
    """The objections of each of these analyses."""
    out: dict[str, list[AnalysisObjection]] = {i: [] for i in analysis_ids}
    query = select(AnalysisObjection).where(AnalysisObjection.analysis_id.in_(analysis_ids))
    for row in session.scalars(query.order_by(AnalysisObjection.analysis_id, AnalysisObjection.position)):
        out[row.analysis_id].append(row)
    return out
