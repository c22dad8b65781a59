"""What admins send and get about integrations and their events."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from service.fields import Name, TeamId
from service.ids import pattern
from service.inbound.events import EventState
from service.inbound.integrations import Unknown
from service.inbound.mapping import MappedNote, Mapping, default_mapping, default_names
from service.inbound.receiving import Verdict
from service.inbound.tables import InboundEvent, Integration
from service.problems import FieldFault

Kind = Literal["standard", "hubspot", "wecom", "salesforce", "push"]
IntegrationId = Annotated[str, StringConstraints(pattern=pattern("in")), Field(examples=["in_" + "0" * 32])]
EventId = Annotated[str, StringConstraints(pattern=pattern("ev")), Field(examples=["ev_" + "0" * 32])]
STEPS: Path = Path(__file__).parent / "setup" / "steps.json"


def _named(value: Any) -> Any:
    """A mapping by the name of one that comes with the service."""
    if not isinstance(value, str):
        return value
    if value not in default_names():
        raise ValueError("There is no mapping of this name; " + ", ".join(default_names()) + " come with the service")
    return default_mapping(value)


MappingField = Annotated[Mapping, BeforeValidator(_named, json_schema_input_type=str | Mapping), Field(description="A mapping, or the name of one that comes with the service.")]  # fmt: skip
UnknownField = Annotated[Unknown, Field(description="A rep or team that is not there yet is made (create) or left out (empty).")]
SecretsField = Annotated[dict[str, Any], Field(description="As docs/webhooks.md says for the kind; what may be chosen freely and is left out is made and shown once.")]  # fmt: skip


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class IntegrationRequest(_Request):
    """An integration to make. Left out, `mapping` is the one of the kind's name."""

    kind: Kind
    label: Name
    secrets: SecretsField = {}
    mapping: MappingField | None = None
    team_id: Annotated[TeamId | None, Field(description="Of notes that name no team and whose rep has none.")] = None
    unknown: UnknownField = "create"


class IntegrationChange(_Request):
    """What to change; a field that is not sent stays."""

    label: Name = ""
    mapping: MappingField = Field(default_factory=lambda: default_mapping("push"))
    team_id: TeamId | None = None
    unknown: UnknownField = "create"


class Rotation(_Request):
    """New secrets: given, or, with nothing given, made. The one before stays valid beside them until it is taken away."""

    secrets: SecretsField = {}


class TryRequest(_Request):
    """A sample: one event's `payload` as mappings see it, or a whole `body` as the CRM sends it; `mapping` to try instead of the integration's."""

    payload: dict[str, Any] | None = None
    body: Annotated[str | None, Field(max_length=1_000_000)] = None
    mapping: MappingField | None = None

    @model_validator(mode="after")
    def _one_sample(self) -> TryRequest:
        if (self.payload is None) == (self.body is None):
            raise ValueError("Send payload or body")
        return self


class ReplayRequest(_Request):
    """Which events to do again, all of the integration's in this state."""

    state: Literal["failed", "skipped"] = "failed"


class IntegrationAnswer(BaseModel):
    """An integration, without its secrets. `secrets_valid` is how many are valid: two while one is being replaced."""

    id: str
    kind: Kind
    label: str
    hook_url: str
    mapping: dict[str, Any]
    team_id: str | None
    unknown: Unknown
    state: Annotated[Literal["active", "paused"], Field(description="paused: events are taken and wait.")]
    secrets_valid: int
    created: datetime
    changed: datetime


class NewIntegrationAnswer(IntegrationAnswer):
    """An integration just made: what to paste where, and the secret that was made, which is shown this once."""

    secrets: dict[str, Any] | None
    setup: list[str]


class NewSecretsAnswer(IntegrationAnswer):
    """An integration whose secrets were replaced; one that was made is shown this once."""

    secrets: dict[str, Any] | None


class IntegrationsAnswer(BaseModel):
    """A page of integrations; `next` is null on the last."""

    integrations: list[IntegrationAnswer]
    next: str | None


class TriedNote(BaseModel):
    """The note that a sample would become."""

    text: str
    rep_id: str | None
    rep_known: bool
    team: str | None
    customer: str | None
    customer_id: str | None
    visited_at: date | None
    changed_at: datetime | None
    crm_id: str | None


class TriedEvent(BaseModel):
    """One event of a sample: its note, or the reason for none with the fields at fault."""

    outcome: Literal["note", "skipped", "failed"]
    note: TriedNote | None = None
    reason: str | None = None
    faults: list[FieldFault] = []


class TryAnswer(BaseModel):
    """The events of a sample; nothing of it was stored."""

    events: list[TriedEvent]


class EventAnswer(BaseModel):
    """An event, without what it brought."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    event_id: Annotated[str, Field(description="The CRM's id, or a hash.")]
    state: EventState
    reason: Annotated[str | None, Field(description="failed: mapping, note, analysis, internal; skipped: filtered, superseded.")]
    faults: list[FieldFault] | None
    note_id: str | None
    attempts: int
    received_at: datetime
    finished: datetime | None


class EventsAnswer(BaseModel):
    """A page of events, the newest first; `next` is null on the last."""

    events: list[EventAnswer]
    next: str | None


class EventCountsAnswer(BaseModel):
    """How many events are replayed."""

    replayed: int


def setup_steps(kind: str, url: str, secrets: dict[str, Any]) -> list[str]:
    """What an admin does at the CRM, in the order of doing it."""
    steps: list[str] = json.loads(STEPS.read_text("utf-8"))[kind]
    return [step.replace("{url}", url).replace("{header}", str(secrets.get("header", ""))) for step in steps]


def integration_fields(row: Integration, base_url: str, secrets_valid: int) -> dict[str, Any]:
    """The fields of an integration in an answer."""
    same = ("id", "kind", "label", "mapping", "team_id", "unknown", "state", "created", "changed")
    url = f"{base_url.rstrip('/')}/v1/hooks/{row.id}"
    return {"hook_url": url, "secrets_valid": secrets_valid, **{name: getattr(row, name) for name in same}}


def tried_answer(found: MappedNote | Verdict, rep_known: bool) -> TriedEvent:
    """One event of a sample in an answer."""
    if isinstance(found, Verdict):
        return TriedEvent(outcome="skipped" if found.state == "skipped" else "failed", reason=found.reason, faults=list(found.faults))
    note = TriedNote(
        text=found.text, rep_id=found.rep_id, rep_known=rep_known, team=found.team, customer=found.customer, customer_id=found.customer_id,
        visited_at=found.visited_at.date() if found.visited_at else None, changed_at=found.changed_at, crm_id=found.crm_id,
    )  # fmt: skip
    return TriedEvent(outcome="note", note=note)


def event_answer(row: InboundEvent) -> EventAnswer:
    """An event in an answer."""
    return EventAnswer.model_validate(row)
