"""From what a key sent to what may be stored for it: whose note it is, whose team, and who owns its CRM id."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from service.accounts import store as accounts
from service.accounts.access import Principal, forbidden
from service.notes.requests import StoreRequest
from service.notes.store import NewNote
from service.problems import FieldFault, Problem, faults_of, invalid
from service.requests import text_problem

API_SOURCE = "api"
"""The source of notes that admins store."""
_REQUEST = TypeAdapter(StoreRequest)


def source_of(principal: Principal) -> str:
    """Who owns the CRM ids that this key sends. A rep's and an integration's are their own, so neither can reach another's note by its CRM id."""
    return principal.integration_id or principal.person_id or API_SOURCE


def _missing(field: str) -> Problem:
    return invalid([FieldFault(field=field, message="There is no such thing in this tenant")])


def resolve(session: Session, principal: Principal, request: StoreRequest, limit: int) -> NewNote | Problem:
    """The note to store, or the problem: blank or too long, a rep or team that is not the tenant's, another's note under a rep's key."""
    fault = text_problem(request.text, limit)
    if fault is not None:
        return fault
    tenant_id, rep = principal.tenant_id, None
    if request.rep_id is not None:
        rep = accounts.person(session, tenant_id, request.rep_id)
        if rep is None:
            return _missing("rep_id")
    elif request.rep_external_id is not None:
        rep = accounts.person_by_external_id(session, tenant_id, request.rep_external_id)
        if rep is None:
            return _missing("rep_external_id")
    if principal.role == "rep":
        own = accounts.person(session, tenant_id, principal.person_id or "")
        if own is None or (rep is not None and rep.id != own.id) or (request.team_id is not None and request.team_id != own.team_id):
            return forbidden()
        rep = own
    if request.team_id is not None and accounts.team(session, tenant_id, request.team_id) is None:
        return _missing("team_id")
    return NewNote(
        text=request.text, source=source_of(principal), visited_at=request.visited_at, crm_id=request.crm_id,
        team_id=request.team_id or (rep.team_id if rep else None), person_id=rep.id if rep else None,
        customer=request.customer, customer_id=request.customer_id,
    )  # fmt: skip


def resolve_item(session: Session, principal: Principal, item: Any, limit: int) -> NewNote | Problem:
    """The same of one entry of a batch, whose form is not checked yet."""
    try:
        request = _REQUEST.validate_python(item)
    except ValidationError as error:
        return invalid(faults_of(error.errors(include_url=False, include_input=False, include_context=False)))
    return resolve(session, principal, request, limit)
