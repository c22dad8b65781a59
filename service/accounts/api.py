"""/v1/keys, /v1/teams, /v1/people: admins manage their tenant; trainers read their teams and the people in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from sqlalchemy import ColumnElement, Engine, select
from sqlalchemy.orm import Session

from service.accounts import keys, store
from service.accounts.access import Principal, not_found, require
from service.accounts.requests import (
    KeyAnswer,
    KeyRequest,
    KeysAnswer,
    NewKeyAnswer,
    PeopleAnswer,
    PersonAnswer,
    PersonChange,
    PersonRequest,
    TeamAnswer,
    TeamRequest,
    TeamsAnswer,
)
from service.accounts.tables import ApiKey, Person, Team
from service.database import reading, writing
from service.fields import CURSOR, KeyId, Limit, PersonId, TeamId
from service.problems import FieldFault, ProblemError, invalid, respond, responses, taken

Admin = Annotated[Principal, Depends(require("admin"))]
Reader = Annotated[Principal, Depends(require("admin", "trainer"))]
_READ, _WRITE = responses(401, 403, 404, 422, 429, 503), responses(400, 401, 403, 404, 409, 413, 422, 429, 503)


def install(app: FastAPI) -> None:
    """Answer a field of accounts that cannot be, wherever it is found out: 409 where it is taken, 422 otherwise."""

    @app.exception_handler(store.AccountError)
    async def at_fault(_: Request, error: store.AccountError) -> Response:
        return respond(taken(error.field) if error.taken else invalid([FieldFault(field=error.field, message=error.message)]))


def _page(
    session: Session, table: Any, conditions: Sequence[ColumnElement[bool]], cursor: str | None, limit: int
) -> tuple[list[Any], str | None]:
    """Rows after the cursor, oldest first, and the cursor of the next page."""
    after = [table.id > cursor] if cursor else []
    rows = list(session.scalars(select(table).where(*conditions, *after).order_by(table.id).limit(limit + 1)))
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def _key_answer(row: ApiKey, teams: list[str]) -> dict[str, Any]:
    shown = ("id", "role", "label", "prefix", "person_id", "integration_id", "created", "last_used", "revoked_at")
    return {"team_ids": teams, **{name: getattr(row, name) for name in shown}}


def routes(engine: Engine, now: Callable[[], datetime]) -> APIRouter:
    """Accounts over a database. `now` is the clock."""
    router = APIRouter(tags=["accounts"])

    @router.post("/v1/keys", status_code=201, responses=_WRITE, summary="Make a key; it is shown this once")
    def create_key(principal: Admin, request: KeyRequest) -> NewKeyAnswer:
        with writing(engine) as session:
            new = keys.NewKey(request.role, request.label, request.team_ids, request.person_id, request.integration_id)
            row, key = keys.create_key(session, principal.tenant_id, new, now())
            return NewKeyAnswer(key=key, **_key_answer(row, keys.teams_of(session, [row.id])[row.id]))

    @router.get("/v1/keys", responses=_READ, summary="List keys, without what would let anybody in")
    def list_keys(principal: Admin, limit: Limit = 100, cursor: Annotated[KeyId | None, Query(description=CURSOR)] = None) -> KeysAnswer:
        with reading(engine) as session:
            rows, following = _page(session, ApiKey, [ApiKey.tenant_id == principal.tenant_id], cursor, limit)
            teams = keys.teams_of(session, [r.id for r in rows])
            return KeysAnswer(keys=[KeyAnswer(**_key_answer(r, teams[r.id])) for r in rows], next=following)

    @router.delete("/v1/keys/{key_id}", responses=_READ, summary="Revoke a key, at once and for good")
    def revoke_key(principal: Admin, key_id: KeyId) -> KeyAnswer:
        with writing(engine) as session:
            row = keys.revoke_key(session, principal.tenant_id, key_id, now())
            if row is None:
                raise ProblemError(not_found())
            return KeyAnswer(**_key_answer(row, keys.teams_of(session, [row.id])[row.id]))

    @router.post("/v1/teams", status_code=201, responses=_WRITE, summary="Make a team")
    def create_team(principal: Admin, request: TeamRequest) -> TeamAnswer:
        with writing(engine) as session:
            return TeamAnswer.model_validate(store.create_team(session, principal.tenant_id, request.name, now()))

    @router.get("/v1/teams", responses=_READ, summary="List teams; a trainer's key sees its own")
    def list_teams(
        principal: Reader, limit: Limit = 100, cursor: Annotated[TeamId | None, Query(description=CURSOR)] = None
    ) -> TeamsAnswer:
        own = [Team.id.in_(principal.team_ids)] if principal.role == "trainer" else []
        with reading(engine) as session:
            rows, following = _page(session, Team, [Team.tenant_id == principal.tenant_id, *own], cursor, limit)
            return TeamsAnswer(teams=[TeamAnswer.model_validate(r) for r in rows], next=following)

    @router.patch("/v1/teams/{team_id}", responses=_WRITE, summary="Rename a team")
    def rename_team(principal: Admin, team_id: TeamId, request: TeamRequest) -> TeamAnswer:
        with writing(engine) as session:
            row = store.team(session, principal.tenant_id, team_id)
            if row is None:
                raise ProblemError(not_found())
            store.rename_team(session, row, request.name)
            return TeamAnswer.model_validate(row)

    @router.post("/v1/people", status_code=201, responses=_WRITE, summary="Make a rep or trainer")
    def create_person(principal: Admin, request: PersonRequest) -> PersonAnswer:
        with writing(engine) as session:
            row = store.create_person(session, principal.tenant_id, request.name, request.role, request.team_id, request.external_id, now())
            return PersonAnswer.model_validate(row)

    @router.get("/v1/people", responses=_READ, summary="List people; a trainer's key sees those of its teams")
    def list_people(
        principal: Reader, limit: Limit = 100, cursor: Annotated[PersonId | None, Query(description=CURSOR)] = None
    ) -> PeopleAnswer:
        own = [Person.team_id.in_(principal.team_ids)] if principal.role == "trainer" else []
        with reading(engine) as session:
            rows, following = _page(session, Person, [Person.tenant_id == principal.tenant_id, *own], cursor, limit)
            return PeopleAnswer(people=[PersonAnswer.model_validate(r) for r in rows], next=following)

    @router.patch("/v1/people/{person_id}", responses=_WRITE, summary="Change a person's name, team or CRM id")
    def change_person(principal: Admin, person_id: PersonId, request: PersonChange) -> PersonAnswer:
        with writing(engine) as session:
            row = store.person(session, principal.tenant_id, person_id)
            if row is None:
                raise ProblemError(not_found())
            store.change_person(session, row, request.model_dump(include=request.model_fields_set))
            return PersonAnswer.model_validate(row)

    return router
