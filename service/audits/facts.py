"""Reading the facts of many notes in one pass, as columns of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import String, select, type_coerce
from sqlalchemy.orm import Session

from models.analysis import DimensionId, ObjectionStatus, ObjectionType
from models.labels import DIMENSIONS
from service.accounts.access import Principal
from service.audits.selection import Selection, in_scope
from service.notes.facts import LEVELS, OBJECTIONS, BitField
from service.notes.tables import NoteFacts
from service.rubrics.store import active_version, all_rubrics

Numbers = NDArray[np.int64]
_F = NoteFacts.__table__.c
# The day without an object a row: a text in SQLite, a date in PostgreSQL, looked up among the few days there are.
_COLUMNS = (
    _F.note_id,
    _F.person_id,
    _F.customer_key,
    type_coerce(_F.visited_at, String),
    _F.model_version,
    _F.rubric_version,
    _F.price_gap_percent,
    _F.packed,
)


@dataclass(frozen=True, slots=True)
class Facts:
    """One entry a note, in the order of visits. `person`, `customer` and `version` are places in the lists of names; no customer is -1. `rubric`
    is the version of the rubric that a note's score carries; `weights` has a row a version, `on` is the version that is on now."""

    people: list[str | None]
    customers: list[str]
    versions: list[str]
    weights: Numbers
    on: int
    ids: NDArray[np.object_]
    person: Numbers
    customer: Numbers
    day: Numbers
    version: Numbers
    rubric: Numbers
    gap_percent: NDArray[np.float64]
    packed: Numbers

    def __len__(self) -> int:
        return len(self.day)

    def get(self, field: BitField) -> Numbers:
        """A field's value of each note."""
        return (self.packed >> field.shift) & field.mask

    def level(self, dimension: DimensionId) -> Numbers:
        """The rubric level of each note."""
        return self.get(LEVELS[dimension])

    def has(self, type_: ObjectionType, status: ObjectionStatus) -> Numbers:
        """1 for each note that has such an objection."""
        return self.get(OBJECTIONS[type_, status])

    def where(self, chosen: NDArray[Any]) -> Facts:
        """The facts of some notes, by a mask or by places."""
        columns = (self.ids, self.person, self.customer, self.day, self.version, self.rubric, self.gap_percent, self.packed)
        return Facts(self.people, self.customers, self.versions, self.weights, self.on, *(column[chosen] for column in columns))


def _coded(values: Sequence[Any]) -> tuple[list[Any], Numbers]:
    """The different values (but None, which is -1) in the order they come, and each one's place among them."""
    places = {value: place for place, value in enumerate(v for v in dict.fromkeys(values) if v is not None)}
    names = list(places)
    places[None] = -1
    return names, np.array([places[v] for v in values], np.int64)


def _ordinal(day: str | date) -> int:
    return (day if isinstance(day, date) else date.fromisoformat(day)).toordinal()


def read_facts(session: Session, principal: Principal, selection: Selection) -> Facts:
    """The facts of all notes in scope, in the order of visits; those of one day in the order they were stored."""
    query = select(*_COLUMNS).where(*in_scope(principal, selection))
    rows = session.connection().execute(query).cursor.fetchall()  # the driver's tuples: a Row each costs more
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(_COLUMNS)
    ids, person, customer, visited, version, rubric, percent, packed = columns
    people, persons = _coded(person)
    customers, of_customer = _coded(customer)
    versions, of_version = _coded(version)
    days, of_day = _coded(visited)
    if (persons < 0).any():
        persons[persons < 0] = len(people)
        people.append(None)
    ordinals = np.array([_ordinal(d) for d in days], np.int64)[of_day]
    facts = Facts(
        people, customers, versions, _weights(session, principal.tenant_id), active_version(session, principal.tenant_id), np.array(ids, object),
        persons, of_customer, ordinals, of_version, np.array(rubric, np.int64), np.array(percent, float), np.array(packed, np.int64),
    )  # fmt: skip
    return facts.where(np.lexsort((np.array(ids, str), ordinals)))


def _weights(session: Session, tenant_id: str) -> Numbers:
    """The weights of each version of the rubric, one row a version."""
    known = all_rubrics(session, tenant_id)
    return np.array([[known[version].weights[d] for d in DIMENSIONS] for version in range(len(known))], np.int64)
