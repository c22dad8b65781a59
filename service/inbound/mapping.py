"""From a CRM's payload to a note's fields, by an integration's settings and without code (docs/webhooks.md)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from service.inbound.dates import read_date
from service.inbound.paths import PathError, find, parse_path, scalar
from service.inbound.richtext import html_to_text
from service.problems import FieldFault

FIELDS = ("text", "rep_id", "team", "customer", "customer_id", "visited_at", "changed_at", "crm_id")
MAX_FIELD = 200  # characters of every field but the text
MAX_TEXT = 400_000  # characters a text may have here; how long a note may be is settled where it is stored
_DEFAULTS = Path(__file__).parent / "mappings"
_WORDS = frozenset({"auto", "iso", "seconds", "milliseconds"})


def _checked_path(path: str) -> str:
    try:
        parse_path(path)
    except PathError as error:
        raise ValueError(str(error)) from None
    return path


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Part(_Spec):
    """One of several fields joined: its path, and a label put before it where it is found (拜访目的：)."""

    path: str
    label: str = Field("", max_length=50)

    _path = field_validator("path")(_checked_path)


class Rule(_Spec):
    """Where a field comes from: a path, several joined, or a constant."""

    path: str | None = None
    join: tuple[Part, ...] = Field((), max_length=20)
    separator: str = Field("\n", max_length=10)
    constant: str | None = Field(None, min_length=1, max_length=MAX_FIELD)
    html: bool = Field(False, description="The value is HTML; its visible text is taken.")
    date: str = Field("auto", max_length=40, description="auto, iso, seconds, milliseconds or a strptime format.")
    timezone: str = Field("Asia/Shanghai", max_length=60)

    @field_validator("path")
    @classmethod
    def _a_path(cls, path: str | None) -> str | None:
        return path if path is None else _checked_path(path)

    @field_validator("join", mode="before")
    @classmethod
    def _short_parts(cls, join: Any) -> Any:
        return [{"path": part} if isinstance(part, str) else part for part in join] if isinstance(join, (list, tuple)) else join

    @field_validator("date")
    @classmethod
    def _readable(cls, date: str) -> str:
        if date not in _WORDS and "%" not in date:
            raise ValueError("date is auto, iso, seconds, milliseconds or a strptime format such as %d.%m.%Y")
        return date

    @field_validator("timezone")
    @classmethod
    def _known(cls, timezone: str) -> str:
        try:
            ZoneInfo(timezone)
        except (ValueError, OSError, KeyError):
            raise ValueError("timezone is a name such as Asia/Shanghai") from None
        return timezone

    @model_validator(mode="after")
    def _one_source(self) -> Rule:
        if (self.path is not None) + bool(self.join) + (self.constant is not None) != 1:
            raise ValueError("a field has one of path, join and constant")
        return self


class Condition(_Spec):
    """What a payload must have to be a note: a value among `any_of`, or, without it, any value."""

    path: str
    any_of: tuple[str, ...] = Field((), max_length=50)

    _path = field_validator("path")(_checked_path)


class Mapping(_Spec):
    """A rule for each of a note's fields, a path alone being a rule; `only` holds the conditions, all of which must be met."""

    only: tuple[Condition, ...] = Field((), max_length=20)
    text: Rule
    rep_id: Rule | None = None
    team: Rule | None = None
    customer: Rule | None = None
    customer_id: Rule | None = None
    visited_at: Rule | None = None
    changed_at: Rule | None = None
    crm_id: Rule | None = None

    @field_validator(*FIELDS, mode="before")
    @classmethod
    def _short_rule(cls, rule: Any) -> Any:
        return {"path": rule} if isinstance(rule, str) else rule


@dataclass(frozen=True)
class MappedNote:
    """A note as the CRM sent it; shown empty in tracebacks. `visited_at` is in the mapping's time zone, so that its day is the visit's;
    `changed_at` is when the CRM last changed the note."""

    text: str = field(repr=False)
    rep_id: str | None = field(repr=False)
    team: str | None = field(repr=False)
    customer: str | None = field(repr=False)
    visited_at: datetime | None = field(repr=False)
    crm_id: str | None = field(repr=False)
    customer_id: str | None = field(default=None, repr=False)
    changed_at: datetime | None = field(default=None, repr=False)


class MappingError(Exception):
    """Fields that could not be taken from a payload: each named, none quoted."""

    def __init__(self, faults: list[FieldFault]) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in faults))
        self.faults = faults


def wanted(mapping: Mapping, payload: dict[str, Any]) -> bool:
    """Whether the payload meets every condition of `only`."""
    return all(_met(condition, payload) for condition in mapping.only)


def _met(condition: Condition, payload: dict[str, Any]) -> bool:
    value = find(parse_path(condition.path), payload)
    return value is not None if not condition.any_of else scalar(value) in condition.any_of


def to_note(mapping: Mapping, payload: dict[str, Any]) -> MappedNote | None:
    """The payload's note, or None for one that is not wanted. Raises MappingError."""
    if not wanted(mapping, payload):
        return None
    faults: list[FieldFault] = []
    values: dict[str, str | None] = {}
    for name in FIELDS:
        rule: Rule | None = getattr(mapping, name)
        try:
            values[name] = None if rule is None else _value(rule, payload, MAX_TEXT if name == "text" else MAX_FIELD)
        except ValueError as error:
            faults.append(FieldFault(field=f"mapping.{name}", message=str(error)))
    moments: dict[str, datetime | None] = {"visited_at": None, "changed_at": None}
    for name in moments:
        rule, written = getattr(mapping, name), values.get(name)
        if rule is not None and written is not None:
            try:
                moments[name] = read_date(written, rule.date, ZoneInfo(rule.timezone))
            except ValueError as error:
                faults.append(FieldFault(field=f"mapping.{name}", message=f"The value is {error}"))
    text = values.get("text")
    if text is None and not faults:
        faults.append(FieldFault(field="mapping.text", message="Nothing is found in the payload"))
    if faults or text is None:
        raise MappingError(faults)
    return MappedNote(
        text, values["rep_id"], values["team"], values["customer"], moments["visited_at"], values["crm_id"], values["customer_id"],
        moments["changed_at"],
    )  # fmt: skip


def _value(rule: Rule, payload: dict[str, Any], limit: int) -> str | None:
    """The rule's value, or None where nothing is found. Raises ValueError."""
    if rule.constant is not None:
        return rule.constant
    parts = rule.join or (Part(path=rule.path or ""),)
    found = [part.label + value for part in parts if (value := _single(find(parse_path(part.path), payload), html=rule.html)) is not None]
    joined = rule.separator.join(found)
    if len(joined) > limit:
        raise ValueError(f"The value is longer than {limit} characters")
    return joined or None


def _single(value: Any, *, html: bool) -> str | None:
    if value is None:
        return None
    text = scalar(value)
    if text is None:
        raise ValueError("The path leads to an object or a list")
    if html:
        try:
            text = html_to_text(text)
        except ValueError:
            raise ValueError("The value is too long") from None
    return text.strip() or None


def default_names() -> list[str]:
    """The mappings that come with the service, by name."""
    return sorted(file.stem for file in _DEFAULTS.glob("*.json"))


def default_mapping(name: str) -> Mapping:
    """A mapping that comes with the service. Raises KeyError for a name that is not in default_names()."""
    if name not in default_names():
        raise KeyError(name)
    return Mapping.model_validate(json.loads((_DEFAULTS / f"{name}.json").read_text("utf-8")))
