"""/audit/agreement: how often trainers agree with the model and with each other, month by month, and the notes behind each number."""

from __future__ import annotations

from typing import Annotated, get_args

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from service.accounts.access import Principal, not_found
from service.accounts.tables import Team
from service.audits import agreeing, words
from service.audits.audit import names_of
from service.corrections import agreement
from service.corrections.agreement import With
from service.corrections.comparing import COMPARED
from service.corrections.reviewers import reviewer_of
from service.corrections.words import field_word
from service.database import reading
from service.fields import TeamId
from service.notes.listing import visible
from service.notes.tables import StoredAnalysis, StoredNote
from service.problems import ProblemError
from service.rendering import Pages
from service.sessions.access import page_principal

Viewer = Annotated[Principal, Depends(page_principal("admin", "trainer"))]
BLIND = 10
"""Notes offered for a blind check."""
LISTED = 200


class BehindFilter(BaseModel):
    """Which notes behind which number."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    with_: Annotated[With, Field(alias="with")]
    month: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]
    field: str | None = None
    agreeing: bool | None = None
    team: TeamId | None = None


def routes(engine: Engine, pages: Pages) -> APIRouter:
    """The pages over a database."""
    router = APIRouter(include_in_schema=False)

    def teams_of(session: Session, principal: Principal, chosen: str | None) -> list[tuple[str, str]]:
        own = [] if principal.role == "admin" else [Team.id.in_(principal.team_ids)]
        query = select(Team.id, Team.name).where(Team.tenant_id == principal.tenant_id, *own).order_by(Team.name)
        teams = [(id_, name) for id_, name in session.execute(query)]
        if chosen is not None and chosen not in dict(teams):
            raise ProblemError(not_found())
        return teams

    @router.get("/audit/agreement")
    def show(request: Request, principal: Viewer, team: Annotated[TeamId | None, Query()] = None) -> HTMLResponse:
        with reading(engine) as session:
            teams = teams_of(session, principal, team)
            found = agreement.agreement(session, principal, team)
            blind = agreement.to_check_blind(session, principal, reviewer_of(session, principal), BLIND)
            names = names_of(session, principal.tenant_id)
            session.expunge_all()
        by = {"model": found.model, "trainers": found.trainers}
        specifications = {w: agreeing.specification(w, by[w], team) for w in get_args(With) if by[w]}
        return pages.render(
            request, "agreement.html", by=by, titles=agreeing.TITLES, specifications=specifications, teams=teams, team=team, fields=COMPARED,
            field_word=field_word, address=agreeing.address, blind=blind, names=names, words=words,
        )  # fmt: skip

    @router.get("/audit/agreement/notes")
    def behind(request: Request, principal: Viewer, chosen: Annotated[BehindFilter, Query()]) -> HTMLResponse:
        if chosen.field is not None and chosen.field not in COMPARED:
            raise ProblemError(not_found())
        read = agreement.with_model if chosen.with_ == "model" else agreement.between_trainers
        with reading(engine) as session:
            teams_of(session, principal, chosen.team)
            compared = read(session, principal, chosen.team)
            ids = agreement.notes_behind(compared, chosen.month, chosen.field, chosen.agreeing)
            query = select(StoredNote, StoredAnalysis).join(
                StoredAnalysis, (StoredAnalysis.note_id == StoredNote.id) & StoredAnalysis.current.is_(True)
            )
            rows = session.execute(query.where(*visible(principal), StoredNote.id.in_(ids[:LISTED])).order_by(StoredNote.id.desc())).all()
            names = names_of(session, principal.tenant_id)
            notes = [(note, analysis) for note, analysis in rows]
            session.expunge_all()
        said = [agreeing.TITLES[chosen.with_], chosen.month]
        if chosen.field is not None:
            said.append(field_word(chosen.field) + ("" if chosen.agreeing is None else "：一致" if chosen.agreeing else "：不一致"))
        return pages.render(
            request, "agreement_notes.html", notes=notes, count=len(ids), names=names, chosen=said, team=chosen.team, words=words
        )  # fmt: skip

    return router
