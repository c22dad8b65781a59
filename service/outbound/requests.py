"""What admins and integrations send and get about subscriptions and deliveries."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, field_validator

from service.fields import NO_NUL
from service.ids import pattern
from service.outbound.connector import MAX_URL_CHARACTERS
from service.outbound.filters import EventType, Filters, Selection
from service.outbound.store import Kind, robot_kind
from service.outbound.tables import Delivery, DeliveryAttempt, Subscription, SubscriptionSecret
from service.vault import Vault

SubscriptionId = Annotated[str, StringConstraints(pattern=pattern("sb")), Field(examples=["sb_" + "0" * 32])]
DeliveryId = Annotated[str, StringConstraints(pattern=pattern("dl")), Field(examples=["dl_" + "0" * 32])]
DeliveryState = Literal["pending", "delivered", "dead", "cancelled"]
Url = Annotated[str, StringConstraints(min_length=1, max_length=MAX_URL_CHARACTERS, pattern=NO_NUL)]
Label = Annotated[str, StringConstraints(max_length=200, pattern=NO_NUL)]
EventTypes = Annotated[list[Literal["note.analyzed", "note.deleted"]], Field(min_length=1, max_length=2)]
RobotSecret = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, pattern=NO_NUL),
    Field(description="A robot's own signing secret (加签, 签名校验). A webhook's is made by us and shown once."),
]


def _note_url(value: str | None) -> str | None:
    if value is not None:
        parts = urlsplit(re.sub(r"\{(note_id|crm_id)\}", "x", value))  # raises ValueError itself where it cannot be read
        if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[\x00-\x20\x7f\\]", value):
            raise ValueError("An address begins with http:// or https:// and has no blanks")
    return value


NoteUrl = Annotated[str, StringConstraints(max_length=500), Field(description="A note's page, for the button of a robot's card; {note_id} and {crm_id} stand for the ids.", examples=["https://crm.example/visits/{crm_id}"])]  # fmt: skip


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SubscriptionRequest(_Request):
    """A subscription to make. Left out, `event_types` are all of them for a webhook and note.analyzed for a robot."""

    kind: Kind = "webhook"
    url: Url
    label: Label = ""
    event_types: EventTypes | None = None
    filters: Filters = Filters()
    include_text: Annotated[StrictBool, Field(description="Also send the note's text and quotes: personal data, off by default.")] = False
    note_url: NoteUrl | None = None
    secret: RobotSecret | None = None

    _note_url_is_one = field_validator("note_url")(_note_url)

    def selection(self) -> Selection:
        """What the subscription receives."""
        types: list[EventType] = ["note.analyzed"] if robot_kind(self.kind) is not None else ["note.analyzed", "note.deleted"]
        return Selection(
            event_types=[*self.event_types] if self.event_types else types, filters=self.filters, include_text=self.include_text
        )


class SubscriptionChange(_Request):
    """What to change; a field that is not sent stays."""

    url: Url = ""
    label: Label = ""
    event_types: EventTypes = ["note.analyzed"]
    filters: Filters = Filters()
    include_text: StrictBool = False
    note_url: NoteUrl | None = None
    secret: RobotSecret | None = None

    _note_url_is_one = field_validator("note_url")(_note_url)


class Rotation(_Request):
    """How a secret is replaced."""

    overlap_hours: Annotated[int, Field(ge=0, le=168, description="So long the secret before signs beside the new one.")] = 24


class Since(_Request):
    """Which dead deliveries to send again."""

    since: Annotated[datetime, Field(description="Those that died at this moment or later; a moment without a time zone is UTC.")]


class SecretAnswer(BaseModel):
    """A signing secret as lists show it: its times."""

    model_config = ConfigDict(from_attributes=True)

    created: datetime
    expires: datetime | None


class SubscriptionAnswer(BaseModel):
    """A subscription. The URL of a robot is a secret and is shown by its host only."""

    id: str
    kind: Kind
    url: str
    label: str
    event_types: list[EventType]
    filters: Filters
    include_text: bool
    note_url: str | None
    state: Annotated[Literal["active", "paused", "disabled"], Field(description="paused: events wait. disabled: none are kept.")]
    reason: Annotated[str | None, Field(description="by_request; gone (the receiver said 410); robot_gone.")]
    since: Annotated[datetime, Field(description="Of the state.")]
    created: datetime
    integration_id: Annotated[str | None, Field(description="Who made it, where that was an integration: it receives what that one wrote.")]
    secrets: list[SecretAnswer]


class NewSubscriptionAnswer(SubscriptionAnswer):
    """A subscription just made, with a webhook's signing secret: it is shown this once."""

    secret: str | None


class SubscriptionsAnswer(BaseModel):
    """A page of subscriptions; `next` is null on the last."""

    subscriptions: list[SubscriptionAnswer]
    next: str | None


class NewSecretAnswer(BaseModel):
    """A signing secret just made: it is shown this once."""

    secret: str


class DeliveryAnswer(BaseModel):
    """A delivery; its id is the `webhook-id`."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    subscription_id: str
    event_type: EventType
    note_id: str | None
    analysis_id: str | None
    state: DeliveryState
    reason: Annotated[str | None, Field(description="Why it is dead or cancelled.")]
    attempts: Annotated[int, Field(description="Since it was made or replayed.")]
    next_at: Annotated[datetime | None, Field(description="Of the next attempt.")]
    created: datetime
    finished: datetime | None


class AttemptAnswer(BaseModel):
    """One attempt: what was answered or what failed, never a body."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    at: datetime
    status: int | None
    failure: str | None
    code: Annotated[int | None, Field(description="A robot's own error number.")]
    milliseconds: int


class AttemptsAnswer(BaseModel):
    """The attempts of a delivery, in order."""

    attempts: list[AttemptAnswer]


class DeliveriesAnswer(BaseModel):
    """A page of deliveries, the newest first; `next` is null on the last."""

    deliveries: list[DeliveryAnswer]
    next: str | None


class ReplayAnswer(BaseModel):
    """How many deliveries are sent again."""

    replayed: int


def subscription_fields(row: Subscription, secrets: list[SubscriptionSecret], vault: Vault) -> dict[str, object]:
    """The fields of a subscription in an answer. Raises VaultError where its URL cannot be opened."""
    same = ("id", "kind", "label", "note_url", "state", "reason", "since", "created", "integration_id")
    url = vault.open(row.url) if row.kind == "webhook" else f"https://{row.host}/…"
    selection = Selection.model_validate(row.selection)
    chosen = {"event_types": selection.event_types, "filters": selection.filters, "include_text": selection.include_text}
    shown = [SecretAnswer.model_validate(secret) for secret in secrets]
    return {"url": url, "secrets": shown, **chosen, **{name: getattr(row, name) for name in same}}


def attempts_answer(rows: list[DeliveryAttempt]) -> AttemptsAnswer:
    """The attempts in an answer."""
    return AttemptsAnswer(attempts=[AttemptAnswer.model_validate(row) for row in rows])


def delivery_answer(row: Delivery) -> DeliveryAnswer:
    """A delivery in an answer."""
    return DeliveryAnswer.model_validate(row)
