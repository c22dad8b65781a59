"""What an audit looks at: a team or all that the key sees, and a period."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy import ColumnElement

from service.accounts.access import Principal
from service.fields import PersonId, TeamId
from service.notes.tables import NoteFacts
from service.requests import written_date

Step = Literal["week", "month"]
DAYS = 91
"""An audit's period where none is given: the last thirteen weeks."""
ASLEEP_DAYS = 30
"""A customer whom nobody has visited for so long is asleep, where nothing else is asked for. The method gives no number of days."""


class AuditFilter(BaseModel):
    """What to audit."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    team: TeamId | None = None
    rep: PersonId | None = None
    since: Annotated[
        date | None,
        BeforeValidator(written_date),
        Field(alias="from", description="First day of the period. Default: 90 days before its last."),
    ] = None
    until: Annotated[
        date | None, BeforeValidator(written_date), Field(alias="to", description="Last day of the period. Default: today.")
    ] = None
    step: Annotated[Step, Field(description="The parts of the period over which figures are followed.")] = "week"
    asleep_days: Annotated[int, Field(ge=1, le=3650, description="A customer not visited for so many days before `to` is asleep.")] = (
        ASLEEP_DAYS
    )


class Selection(BaseModel):
    """A filter with its period settled; both days belong to it."""

    model_config = ConfigDict(frozen=True)

    team: str | None
    rep: str | None
    since: Annotated[date, Field(serialization_alias="from")]
    until: Annotated[date, Field(serialization_alias="to")]
    step: Step
    asleep_days: int


def settle(criteria: AuditFilter, today: date) -> Selection:
    """The selection that a filter means on this day."""
    until = criteria.until or today
    since = criteria.since or until - min(timedelta(DAYS - 1), until - date.min)
    return Selection(
        team=criteria.team, rep=criteria.rep, since=since, until=until, step=criteria.step, asleep_days=criteria.asleep_days
    )  # fmt: skip


def in_scope(principal: Principal, selection: Selection) -> list[ColumnElement[bool]]:
    """The conditions on facts of notes that this key sees and the selection means, up to the last day of its period: what came before the
    first day counts for customers alone."""
    out = [NoteFacts.tenant_id == principal.tenant_id, NoteFacts.hidden.is_(False), NoteFacts.visited_at <= selection.until]
    if principal.role != "admin":
        out.append(NoteFacts.team_id.in_(principal.team_ids))
    if selection.team is not None:
        out.append(NoteFacts.team_id == selection.team)
    if selection.rep is not None:
        out.append(NoteFacts.person_id == selection.rep)
    return out
