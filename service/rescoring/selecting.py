"""The past notes that a rubric is tried on or applied to: a team or all that the key sees, and a period."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy import ColumnElement

from service.accounts.access import Principal
from service.audits.selection import AuditFilter, Selection, in_scope, settle
from service.fields import TeamId
from service.notes.tables import NoteFacts
from service.requests import written_date


class PastNotes(BaseModel):
    """Which past notes."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    team: TeamId | None = None
    since: Annotated[
        date | None, BeforeValidator(written_date), Field(alias="from", description="First day. Default: 90 days before the last.")
    ] = None
    until: Annotated[date | None, BeforeValidator(written_date), Field(alias="to", description="Last day. Default: today.")] = None

    def settled(self, today: date) -> Selection:
        """The selection that is meant on this day."""
        return settle(AuditFilter(team=self.team, since=self.since, until=self.until), today)


def chosen(principal: Principal, selection: Selection) -> list[ColumnElement[bool]]:
    """The conditions on facts of these notes."""
    return [*in_scope(principal, selection), NoteFacts.visited_at >= selection.since]
