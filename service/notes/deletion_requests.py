"""What is sent and answered about deletion, retention and export."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.fields import Name, PersonId
from service.notes.listing import NoteFilter


class DeletionRequest(BaseModel):
    """Whose data to delete: a person's, or a customer's by name, by CRM id, or by both (then what carries either)."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"customer_id": "acc-77"}]})

    person_id: PersonId | None = None
    customer: Name | None = None
    customer_id: Name | None = None

    @model_validator(mode="after")
    def _one_subject(self) -> DeletionRequest:
        if (self.person_id is not None) == (self.customer is not None or self.customer_id is not None):
            raise ValueError("Name a person, or a customer")
        return self


class ReceiptAnswer(BaseModel):
    """Proof of a deletion. A hash is SHA-256 over the tenant's salt, a colon and the id; GET /v1/deletions gives the salt."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    kind: Literal["note", "person", "customer", "retention", "import"]
    subject_hash: str | None
    counts: Annotated[dict[str, int], Field(description="Rows deleted, by what they were.")]
    note_hashes: list[str]
    created: datetime


class ReceiptsAnswer(BaseModel):
    """A page of receipts, the newest first; `next` is null on the last."""

    receipts: list[ReceiptAnswer]
    salt: str
    next: str | None


class Retention(BaseModel):
    """How many days after it was stored a note is deleted; null keeps notes until they are deleted."""

    model_config = ConfigDict(extra="forbid")

    days: Annotated[int | None, Field(ge=1, le=36500)]


class ExportFilter(NoteFilter):
    """What to export, and how."""

    format: Literal["jsonl", "csv"] = "jsonl"
