"""/v1/rubrics: versions of a tenant's rubric, tried on past notes, switched on, rolled back, applied."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from sqlalchemy.orm import Session

from service.accounts.access import Principal, not_found, require
from service.audits.audit import NotInScopeError
from service.database import reading
from service.fields import Limit
from service.problems import Problem, ProblemError, responses
from service.rescoring import applying
from service.rescoring.requests import PART, AppliedAnswer, ApplyRequest, RubricAnswer, RubricRequest, RubricsAnswer, SwitchAnswer
from service.rescoring.selecting import PastNotes
from service.rescoring.switching import NoSuchVersionError, NotTriedError, Rescoring
from service.rescoring.trial import Trial
from service.rubrics import store
from service.rubrics.content import RubricContent, standard_content

Staff = Annotated[Principal, Depends(require("admin", "trainer"))]
Version = Annotated[int, Path(ge=0, le=1_000_000, description="0 is labels.md's own.")]
Before = Annotated[int | None, Query(ge=1, description="The `next` of the page before.")]
_READ, _WRITE = responses(401, 403, 404, 422, 429, 503), responses(400, 401, 403, 404, 409, 413, 422, 429, 503)


@contextmanager
def problems() -> Iterator[None]:
    """What cannot be, as its problem."""
    try:
        yield
    except (NoSuchVersionError, NotInScopeError):
        raise ProblemError(not_found()) from None
    except NotTriedError:
        detail = "POST /v1/rubrics/{version}/trial shows whose score would move."
        raise ProblemError(Problem(type="/problems/not-tried", title="Try this version on past notes first", status=409, detail=detail)) from None  # fmt: skip
    except applying.NotOnError:
        raise ProblemError(Problem(type="/problems/not-on", title="Another version is on", status=409, detail="Switch this one on first.")) from None  # fmt: skip


def answer(session: Session, tenant_id: str, version: int) -> RubricAnswer:
    """A version of the tenant. Raises NoSuchVersionError."""
    on = store.active_version(session, tenant_id) == version
    row = store.find(session, tenant_id, version)
    if row is not None:
        content = store.content_of(row)
        return RubricAnswer(
            version=version, content=content, remark=row.remark, author=row.author, created=row.created, tried=row.tried, on=on
        )
    if version:
        raise NoSuchVersionError
    return RubricAnswer(version=0, content=standard_content(), remark="", author=None, created=None, tried=None, on=on)


def routes(rescoring: Rescoring) -> APIRouter:
    """Rubrics over a database."""
    router = APIRouter(tags=["rubrics"])
    engine = rescoring.engine

    @router.post(
        "/v1/rubrics", status_code=201, responses=_WRITE | {200: {"model": RubricAnswer, "description": "The newest version holds the same already"}},
        summary="Keep a rubric as a new version; it is not switched on by that",
    )  # fmt: skip
    def keep(principal: Staff, request: RubricRequest, response: Response) -> RubricAnswer:
        content = RubricContent.model_validate(request.model_dump(exclude={"remark"}, exclude_none=True))
        version, new = rescoring.keep(principal, content, request.remark)
        response.status_code = 201 if new else 200
        with reading(engine) as session:
            return answer(session, principal.tenant_id, version)

    @router.get("/v1/rubrics", responses=_READ, summary="Versions, and which is on")
    def list_all(principal: Staff, limit: Limit = 50, before: Before = None) -> RubricsAnswer:
        with reading(engine) as session:
            rows, following = store.versions(session, principal.tenant_id, before, limit)
            found = [answer(session, principal.tenant_id, row.version) for row in rows]
            on, previous = store.active_version(session, principal.tenant_id), store.previous(session, principal.tenant_id)
            return RubricsAnswer(on=on, previous=previous, rubrics=found, next=following)

    @router.get("/v1/rubrics/{version:int}", responses=_READ, summary="A version")
    def read(principal: Staff, version: Version) -> RubricAnswer:
        with problems(), reading(engine) as session:
            return answer(session, principal.tenant_id, version)

    @router.post("/v1/rubrics/{version:int}/trial", responses=_WRITE, summary="Try a version on past notes: whose score moves, by how much")
    def attempt(principal: Staff, version: Version, request: PastNotes) -> Trial:
        """No model is run and no score changed: the levels are stored. Only a version that was tried can be switched on."""
        with problems():
            return rescoring.attempt(principal, version, request.settled(rescoring.today()))

    @router.post("/v1/rubrics/{version:int}/switch", responses=_WRITE, summary="Score new notes and drafts by this version from now on")
    def switch(principal: Staff, version: Version) -> SwitchAnswer:
        with problems():
            rescoring.switch(principal, version)
            return SwitchAnswer(on=version)

    @router.post("/v1/rubrics/rollback", responses=_WRITE, summary="Switch the version before on again")
    def roll_back(principal: Staff) -> SwitchAnswer:
        return SwitchAnswer(on=rescoring.roll_back(principal))

    @router.post(
        "/v1/rubrics/{version:int}/apply",
        responses=_WRITE,
        summary=f"Give past notes the score of the version that is on, {PART} a request",
    )
    def apply(principal: Staff, version: Version, request: ApplyRequest) -> AppliedAnswer:
        """The results before stay, and say which version they were scored by. Subscriptions are not told."""
        selection = request.settled(rescoring.today())
        with problems():
            done = applying.apply(engine, principal, selection, version, request.cursor or "", PART, rescoring.now)
            return AppliedAnswer(applied=done.applied, unreadable=done.unreadable, next=done.following)

    return router
