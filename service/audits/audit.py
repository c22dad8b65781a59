"""The audit of a selection: read once, count, choose the notes to show."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.accounts.access import Principal
from service.accounts.tables import Person, Team
from service.audits import customers, examples, figures
from service.audits.facts import read_facts
from service.audits.result import Audit, CustomerList
from service.audits.selection import Selection

LISTED = 20
"""Customers listed of each kind in an audit; a list of its own has up to LISTED_ALONE."""
LISTED_ALONE = 1000


class NotInScopeError(Exception):
    """The team or rep of a selection does not exist, or not for this key."""


def check_scope(session: Session, principal: Principal, selection: Selection) -> str | None:
    """The name of a selection's team. Raises NotInScopeError."""
    name: str | None = None
    if selection.team is not None:
        name = session.scalar(select(Team.name).where(Team.tenant_id == principal.tenant_id, Team.id == selection.team))
        if name is None or (principal.role != "admin" and selection.team not in principal.team_ids):
            raise NotInScopeError
    if selection.rep is not None:
        person = session.scalar(select(Person).where(Person.tenant_id == principal.tenant_id, Person.id == selection.rep))
        if person is None or (principal.role != "admin" and person.team_id not in principal.team_ids):
            raise NotInScopeError
    return name


def names_of(session: Session, tenant_id: str) -> dict[str, str]:
    """The names of the tenant's people; two of one name are told apart by the CRM's id."""
    people = session.execute(select(Person.id, Person.name, Person.external_id).where(Person.tenant_id == tenant_id)).all()
    seen: dict[str, int] = {}
    for _, name, _ in people:
        seen[name] = seen.get(name, 0) + 1
    return {id_: f"{name}（{external or id_[-4:]}）" if seen[name] > 1 else name for id_, name, external in people}


def audit(session: Session, principal: Principal, selection: Selection) -> Audit:
    """All figures of a selection. Raises NotInScopeError where it names a team or rep that this key does not see."""
    team_name = check_scope(session, principal, selection)
    names = names_of(session, principal.tenant_id)
    seen = read_facts(session, principal, selection)
    facts = seen.where(seen.day >= selection.since.toordinal())
    reps = figures.rep_figures(facts, names)
    parts = figures.part_figures(facts)
    best, weakest = examples.best_and_weakest(facts)
    of_topics = examples.example_ids(facts, reps)
    loaded = examples.load(session, principal.tenant_id, [*best, *weakest, *(i for ids in of_topics.values() for i in ids)])
    bins, without_percent = figures.gap_bins(facts)
    return Audit(
        selection=selection, team_name=team_name, **figures.totals(facts), model_versions=figures.versions(facts),
        rubric_versions=figures.rubrics(facts),
        scores=figures.score_bins(facts), steps=figures.step_figures(facts, selection), reps=reps, kp=figures.kp_figures(facts),
        objections=figures.objection_figures(facts), gaps=bins, gaps_without_percent=without_percent,
        parts=sorted(parts, key=lambda p: (-p.missing, -p.vague)),
        customers=customers.lists(session, principal.tenant_id, seen, selection, names, LISTED),
        best=examples.note_figures(best, loaded, names, good=True), weakest=examples.note_figures(weakest, loaded, names, good=False),
        topics=examples.topics(reps, parts, of_topics, loaded),
    )  # fmt: skip


def customer_lists(session: Session, principal: Principal, selection: Selection) -> list[CustomerList]:
    """The lists of customers at length. Raises NotInScopeError."""
    check_scope(session, principal, selection)
    seen = read_facts(session, principal, selection)
    return customers.lists(session, principal.tenant_id, seen, selection, names_of(session, principal.tenant_id), LISTED_ALONE)
