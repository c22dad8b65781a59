"""From a Doc's findings to the Analysis: offsets brought back to the sent text, dates resolved, quality and questions worded."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date
from itertools import accumulate

import numpy as np
from spacy.tokens import Doc

from models.analysis import (
    Analysis,
    Competitor,
    CustomerClass,
    Dated,
    Kind,
    Kp,
    ModelVersion,
    Note,
    Objection,
    Outcome,
    Person,
    Place,
    Price,
    PriceMention,
    Quality,
    Question,
    Sentence,
    SentenceRole,
)
from models.clause_heads import COLUMN, OBJECTION_TYPES
from models.clauses import Clause
from models.context import Context
from models.gaps import Slots
from models.judge import Judgement
from models.labels import DIMENSIONS
from models.people import FoundPerson
from models.quality import evidence, levels, only_general, only_named, rival_in_play
from models.questions import Catalogue, SlotFiller, answered, choose
from models.reliability import UNKNOWN, Field, Reliability
from models.rubric import STANDARD, Rubric, scored
from models.steps import FoundStep
from models.text import NormalizedText
from models.times import resolve

_ROLE_COLUMNS: dict[SentenceRole, list[int]] = {
    "objection": [COLUMN[t] for t in OBJECTION_TYPES], "next_step": [COLUMN["next_step"]], "need": [COLUMN["ev_need"]], "recognition": [COLUMN["ev_recognition"]],
    "competition": [COLUMN["ev_competition"]], "close_attempt": [COLUMN["ev_close_attempt"]], "diagnosis": [COLUMN["ev_diagnosis"]], "reflection": [COLUMN["ev_reflection"]],
}  # fmt: skip
_ROLES = list(_ROLE_COLUMNS)
_ROLE_HEADS = [column for columns in _ROLE_COLUMNS.values() for column in columns]
_ROLE_STARTS = [0, *accumulate(map(len, _ROLE_COLUMNS.values()))][:-1]
ROLE_THRESHOLD = 0.5
KP_CUES = frozenset(["kp", "authority"])


class _Sent:
    """The sent text behind normalised offsets. Acts as a mapping from (start, end) to the note's own words."""

    def __init__(self, note: Note, normalized: NormalizedText) -> None:
        self.text, self.normalized = note.text, normalized

    def __getitem__(self, stretch: tuple[int, int]) -> str:
        start, end = self.normalized.to_sent(*stretch)
        return self.text[start:end]

    def place(self, start: int, end: int) -> Place:
        return Place(*self.normalized.to_sent(start, end))

    def quoted(self, start: int, end: int) -> tuple[str, int, int]:
        """(quote, start, end) in the sent text."""
        a, b = self.normalized.to_sent(start, end)
        return self.text[a:b], a, b


def _sentences(doc: Doc, sent: _Sent) -> tuple[Sentence, ...]:
    """Clauses of one sentence gathered; the role is that of its most probable clause, else an event."""
    found = doc._
    clauses, table = found.clauses, found.clause_probabilities
    if not clauses:
        return ()
    firsts = [i for i, clause in enumerate(clauses) if not i or clause.sentence != clauses[i - 1].sentence]
    by_role = np.maximum.reduceat(np.maximum.reduceat(table[:, _ROLE_HEADS], firsts, axis=0), _ROLE_STARTS, axis=1)
    priced = [p.start for p in found.prices if p.role != "other"]
    out = []
    for first, next_first, best in zip(firsts, [*firsts[1:], len(clauses)], by_role.tolist(), strict=True):
        start, end = clauses[first].start, clauses[next_first - 1].end
        top = max(best)
        role: SentenceRole = (
            _ROLES[best.index(top)] if top > ROLE_THRESHOLD else "figures" if any(start <= p < end for p in priced) else "event"
        )
        out.append(Sentence(*sent.normalized.to_sent(start, end), role))
    return tuple(out)


def _because(clauses: Sequence[Clause], contexts: Sequence[Context], person: FoundPerson) -> list[tuple[int, int]]:
    """The clauses a decision role rests on: those of the person's mentions that speak of deciding, else the first one."""
    begins = [c.start for c in clauses]
    around = {(bisect_right(begins, start) - 1, start) for start, _ in person.places}
    own = sorted({i for i, start in around if i >= 0 and start < clauses[i].end})
    telling = [i for i in own if any(not KP_CUES.isdisjoint(h.groups) for h in contexts[i].hits)]
    return [(clauses[i].start, clauses[i].end) for i in (telling or own[:1])[:3]]


class Answerer:
    """Words and quotes for one model version."""

    def __init__(self, version: ModelVersion, reliability: Reliability = UNKNOWN) -> None:
        self.version = version
        self.reliability = reliability
        self.catalogue = Catalogue()

    def __call__(self, note: Note, normalized: NormalizedText, doc: Doc, today: date, rubric: Rubric = STANDARD) -> Analysis:
        sent = _Sent(note, normalized)
        judgement: Judgement = doc._.judgement
        slots: Slots = doc._.slots
        return Analysis(
            id=note.id,
            kind=self._kind(judgement),
            outcome=Outcome(judgement.outcome_label, *self._trust("outcome", judgement.outcome_probability)),
            sentences=_sentences(doc, sent),
            people=self._people(doc, sent),
            kp=self._kp(doc, sent),
            objections=tuple(
                Objection(o.type, o.status, *sent.quoted(o.start, o.end), *self._trust("objections", o.probability))
                for o in doc._.objections
            ),
            price=self._price(doc, slots, sent),
            competitors=self._competitors(doc, sent),
            customer_class=CustomerClass(doc._.customer_class.label, *sent.quoted(doc._.customer_class.start, doc._.customer_class.end))
            if doc._.customer_class
            else None,
            next_step=self._dated(doc._.next_step, sent, today),
            funds_date=self._dated(doc._.funds_date, sent, today),
            quality=self._quality(doc, judgement, sent, rubric),
            questions=self._questions(doc, judgement, slots, sent, rubric),
            model=self.version,
        )

    def _trust(self, field: Field, raw: float) -> tuple[float, bool]:
        """(calibrated probability, whether it needs a second look)."""
        probability = self.reliability.probability(field, raw)
        return probability, self.reliability.needs_review(field, probability)

    def _kind(self, judgement: Judgement) -> Kind:
        """Of two labels the one that is told is never shown as the less probable."""
        probability, doubtful = self._trust("kind", judgement.kind_probability)
        return Kind(judgement.kind_label, max(0.5, probability), doubtful)

    def _people(self, doc: Doc, sent: _Sent) -> tuple[Person, ...]:
        clauses, contexts = doc._.clauses, doc._.contexts
        return tuple(
            Person(
                *sent.quoted(p.start, p.end),
                p.title,
                p.role,
                p.met,
                *self._trust("people", p.role_probability),
                tuple(sent.place(*s) for s in _because(clauses, contexts, p)),
            )
            for p in doc._.people
        )

    def _kp(self, doc: Doc, sent: _Sent) -> Kp:
        people: Sequence[FoundPerson] = doc._.people
        deciders = [p for p in people if p.role == "first_kp"]
        warnings = []
        if len(deciders) > 1:
            warnings.append("记录里有不止一位拍板人：" + "、".join(sent[(p.start, p.end)] for p in deciders))
        claimed = next((h for x in doc._.contexts for h in x.hits if h.phrase in ("第一KP", "第一kp") and h.start not in x.negated), None)
        met = {p.role for p in people if p.met}
        if claimed and "influencer" in met and "first_kp" not in met:
            warnings.append("记录里写了第一KP，但见到的人看起来还要请示别人")
        first = next((p for p in sorted(deciders, key=lambda p: (not p.met, p.start))), None)
        return Kp(doc._.kp_status, sent[(first.start, first.end)] if first else None, tuple(warnings))

    def _price(self, doc: Doc, slots: Slots, sent: _Sent) -> Price:
        mentions = []
        for p in doc._.prices:
            money = p.form == "money"
            share = None if money or isinstance(p.value, tuple) else p.value if p.form == "percent" else round(p.value * 100, 2)
            mentions.append(PriceMention(*sent.quoted(p.start, p.end), p.role, p.value if money else None, share, p.unit))
        return Price(slots.ours, slots.competitor, slots.customer, slots.currency, slots.unit, slots.gaps, tuple(mentions))

    def _competitors(self, doc: Doc, sent: _Sent) -> tuple[Competitor, ...]:
        seen: dict[str, Competitor] = {}
        for name in doc._.names:
            if name.label == "CMP":
                found = Competitor(*sent.quoted(name.start, name.end))
                seen.setdefault(found.mention, found)
        return tuple(c for c in seen.values() if not any(c.mention != o.mention and c.mention in o.mention for o in seen.values()))

    def _dated(self, step: FoundStep | None, sent: _Sent, today: date) -> Dated | None:
        if step is None:
            return None
        when = sent[(step.when.start, step.when.end)] if step.when else None
        return Dated(*sent.quoted(step.start, step.end), when, resolve(step.when.text, today) if step.when else None)

    def _quality(self, doc: Doc, judgement: Judgement, sent: _Sent, rubric: Rubric) -> Quality:
        places = evidence(doc)
        reached = levels(judgement, places, rival_in_play(doc), only_named(doc), only_general(doc, places["reflection"]))
        return scored(rubric, reached, {d: tuple(sent.place(*s) for s in places[d]) if reached[d] else () for d in DIMENSIONS})

    def _questions(self, doc: Doc, judgement: Judgement, slots: Slots, sent: _Sent, rubric: Rubric) -> tuple[Question, ...]:
        whole = [(doc._.clauses[0].start, doc._.clauses[-1].end)] if doc._.clauses else []
        chosen = choose(
            judgement,
            SlotFiller(doc, slots, sent, signed=judgement.outcome_label == "signed"),
            self.catalogue,
            whole,
            answered(doc, judgement),
            rubric.questions,
        )
        return tuple(Question(id_, text, why, tuple(sent.place(*s) for s in stretches)) for id_, text, why, stretches in chosen)
