"""What admins send and get about accounts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from service.accounts.access import Role
from service.accounts.store import PersonRole
from service.fields import Name, PersonId, TeamId


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TeamRequest(_Request):
    """A team to make or its new name."""

    name: Name


class TeamAnswer(BaseModel):
    """A sales team."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    created: datetime


class TeamsAnswer(BaseModel):
    """A page of teams; `next` is null on the last."""

    teams: list[TeamAnswer]
    next: str | None


class PersonRequest(_Request):
    """A rep or trainer to make."""

    name: Name
    role: PersonRole
    team_id: TeamId | None = None
    external_id: Annotated[Name | None, Field(description="The CRM's id of this person; webhooks find the rep by it.")] = None


class PersonChange(_Request):
    """What to change; a field that is not sent stays, null empties it."""

    name: Name = ""
    team_id: TeamId | None = None
    external_id: Name | None = None


class PersonAnswer(BaseModel):
    """A rep or trainer."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    role: PersonRole
    team_id: str | None
    external_id: str | None
    created: datetime


class PeopleAnswer(BaseModel):
    """A page of people; `next` is null on the last."""

    people: list[PersonAnswer]
    next: str | None


class KeyRequest(_Request):
    """A key to make. `trainer` needs team_ids, `rep` needs person_id; `integration` may name another key's integration_id to replace that key."""

    role: Role
    label: Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")] = ""
    team_ids: Annotated[list[TeamId], Field(max_length=100)] = []
    person_id: PersonId | None = None
    integration_id: Annotated[str | None, Field(pattern=r"^[a-z]{2}_[0-9a-f]{32}$")] = None


class KeyAnswer(BaseModel):
    """A key as lists show it: its beginning only."""

    id: str
    role: Role
    label: str
    prefix: str
    team_ids: list[str]
    person_id: str | None
    integration_id: str | None
    created: datetime
    last_used: Annotated[datetime | None, Field(description="To the minute.")]
    revoked_at: datetime | None


class NewKeyAnswer(KeyAnswer):
    """A key just made, with the key itself: it is shown this once."""

    key: str


class KeysAnswer(BaseModel):
    """A page of keys; `next` is null on the last."""

    keys: list[KeyAnswer]
    next: str | None
