"""What another model would change on notes that are stored: whose kind or score, by how much. Nothing is stored by looking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.analysis import KindLabel, Note
from models.pipeline import Analyzer
from models.rubric import STANDARD, Rubric
from service.accounts.tables import Person
from service.notes.tables import StoredNote
from service.versions.memory import give_back


@dataclass(frozen=True, slots=True)
class Sampled:
    """A stored note to be read by both models."""

    note_id: str
    rep_id: str | None
    rep: str | None
    visited_at: date
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model says of a note, as far as it is compared."""

    kind: KindLabel
    score: int


@dataclass(frozen=True, slots=True)
class NoteChange:
    """A note by both models."""

    note_id: str
    rep_id: str | None
    rep: str | None
    visited_at: date
    base: Reading
    candidate: Reading

    @property
    def points(self) -> int:
        """By how many points the score moves."""
        return self.candidate.score - self.base.score

    @property
    def other_kind(self) -> bool:
        """Whether the kind is another."""
        return self.base.kind != self.candidate.kind


@dataclass(frozen=True, slots=True)
class RepChange:
    """A rep's notes by both models; scores are means. `moved` counts notes whose score is another."""

    rep_id: str | None
    rep: str | None
    notes: int
    base_score: float
    candidate_score: float
    moved: int
    furthest: int
    to_diagnostic: int
    to_flow_of_events: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What changes on a sample of a tenant's notes; `notes` are those that change, the furthest first."""

    sampled: int
    notes: list[NoteChange]
    reps: list[RepChange]
    mean_points: float
    mean_distance: float


def sample(session: Session, tenant_id: str, most: int) -> list[Sampled]:
    """The tenant's notes that were stored last, at most so many."""
    rows = session.execute(
        select(StoredNote.id, StoredNote.person_id, Person.name, StoredNote.visited_at, StoredNote.text)
        .outerjoin(Person, (Person.tenant_id == StoredNote.tenant_id) & (Person.id == StoredNote.person_id))
        .where(StoredNote.tenant_id == tenant_id, StoredNote.hidden.is_(False))
        .order_by(StoredNote.id.desc())
        .limit(most)
    )
    return [Sampled(*row) for row in rows]


def readings(analyzer: Analyzer, notes: Iterable[Sampled], rubric: Rubric) -> list[Reading]:
    """What a model says of the notes, scored by this rubric."""
    out = []
    for note in notes:
        analysis = analyzer.analyze(Note(note.text, None, note.visited_at), note.visited_at, rubric)
        out.append(Reading(analysis.kind.label, analysis.quality.score))
    return out


def changes(
    notes: Sequence[Sampled],
    load: Sequence[Callable[[], Analyzer]],
    shown: Callable[[Sequence[Sampled]], Iterable[Sampled]] = iter,
    rubric: Rubric = STANDARD,
) -> Changes:
    """Both models (`load`: base, candidate) over the notes, one loaded after the other, scored by one rubric. `shown` may draw progress."""
    found: list[list[Reading]] = []
    for one in load:
        analyzer = one()
        found.append(readings(analyzer, shown(notes), rubric))
        del analyzer
        give_back()  # before the next is loaded
    both = [NoteChange(n.note_id, n.rep_id, n.rep, n.visited_at, a, b) for n, a, b in zip(notes, *found, strict=True)]
    return summed(both)


def summed(both: Sequence[NoteChange]) -> Changes:
    """The changes of notes, by note and by rep."""
    changed = sorted((n for n in both if n.points or n.other_kind), key=lambda n: (-abs(n.points), not n.other_kind, n.note_id))
    reps: dict[str | None, list[NoteChange]] = {}
    for note in both:
        reps.setdefault(note.rep_id, []).append(note)
    rows = [_of_rep(of) for of in reps.values()]
    rows.sort(key=lambda r: (-abs(r.candidate_score - r.base_score), r.rep_id or ""))
    count = max(1, len(both))
    return Changes(len(both), changed, rows, sum(n.points for n in both) / count, sum(abs(n.points) for n in both) / count)


def _of_rep(notes: Sequence[NoteChange]) -> RepChange:
    return RepChange(
        notes[0].rep_id,
        notes[0].rep,
        len(notes),
        sum(n.base.score for n in notes) / len(notes),
        sum(n.candidate.score for n in notes) / len(notes),
        sum(n.points != 0 for n in notes),
        max((n.points for n in notes), key=abs),
        sum(n.other_kind and n.candidate.kind == "diagnostic" for n in notes),
        sum(n.other_kind and n.candidate.kind == "flow_of_events" for n in notes),
    )
