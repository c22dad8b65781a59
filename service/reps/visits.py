"""Visits as they are read for briefs and courses: a note's newest text with its current analysis, and quotes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from models.analysis import Analysis
from service.accounts.access import Principal
from service.accounts.tables import Person
from service.notes.listing import visible
from service.notes.store import RESULT
from service.notes.tables import StoredAnalysis, StoredNote

LONGEST_QUOTE = 70


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a line rests on: the words, of which note, of which day."""

    quote: str
    visited_at: date
    note_id: str


@dataclass(frozen=True, slots=True)
class Visit:
    """A note and what it says."""

    note_id: str
    visited_at: date
    rep: str | None
    customer: str | None
    text: str
    analysis: Analysis

    def evidence(self, start: int, end: int) -> Evidence:
        """The words at a place."""
        return Evidence(shortened(self.text[start:end]), self.visited_at, self.note_id)

    def sentence(self, start: int, end: int) -> Evidence:
        """The sentence around a place, for a name that says little alone; of a long one the part around the name."""
        around = next((s for s in self.analysis.sentences if s.start <= start and end <= s.end), None)
        if around is None:
            return self.evidence(start, end)
        begin = max(around.start, start - LONGEST_QUOTE // 3) if around.end - around.start > LONGEST_QUOTE else around.start
        return self.evidence(begin, around.end)


def shortened(text: str, most: int = LONGEST_QUOTE) -> str:
    """A quote or name of one line, at most so many characters."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"


def read(session: Session, principal: Principal, chosen: Sequence[ColumnElement[bool]], newest: int) -> list[Visit]:
    """The `newest` visits this principal may see, the oldest of them first."""
    query = (
        select(StoredNote, StoredAnalysis.result, Person.name)
        .join(StoredAnalysis, (StoredAnalysis.note_id == StoredNote.id) & StoredAnalysis.current.is_(True))
        .outerjoin(Person, Person.id == StoredNote.person_id)
        .where(*visible(principal), *chosen)
        .order_by(StoredNote.visited_at.desc(), StoredNote.id.desc())
        .limit(newest)
    )
    found = [
        Visit(note.id, note.visited_at, rep, note.customer, note.text, RESULT.validate_json(result))
        for note, result, rep in session.execute(query)
    ]
    return found[::-1]


def of_customer(customer: str) -> ColumnElement[bool]:
    """Notes about the customer of this name or CRM id."""
    return (StoredNote.customer == customer) | (StoredNote.customer_id == customer)


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer in a list."""

    name: str
    visits: int
    last: date


def customers(session: Session, principal: Principal, search: str | None, limit: int) -> list[Customer]:
    """Customers this principal sees notes of, the last visited first."""
    last = func.max(StoredNote.visited_at)
    named: list[ColumnElement[bool]] = [StoredNote.customer.is_not(None)]
    if search:
        named.append(StoredNote.customer.icontains(search, autoescape=True))
    query = select(StoredNote.customer, func.count(), last).where(*visible(principal), *named)
    rows = session.execute(query.group_by(StoredNote.customer).order_by(last.desc(), StoredNote.customer).limit(limit))
    return [Customer(name or "", visits, day) for name, visits, day in rows]
