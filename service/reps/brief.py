"""The brief before the next visit: what all notes about a customer say, each line with its quote and day. Pure: visits in, brief out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from models.analysis import Amount, Analysis, DimensionId, GapSide, KindLabel, ObjectionType, OutcomeLabel
from service.reps.deciders import Contradiction, Decider, contradictions, deciders
from service.reps.visits import Evidence, Visit

LAST_VISITS = 5
MOST = 5
"""A list of the brief holds so many of the newest, so that it stays one printed page; all are in the notes."""
ASKED_IN = 3
"""Questions of the last so many notes are looked at."""
MOST_QUESTIONS = 3
ANSWERED_BY: dict[str, DimensionId] = {
    "true_objection": "objection",
    "value_vs_price": "recognition",
    "compare_competitor": "competition",
    "real_need": "need",
    "listened": "need",
    "asked_to_sign": "close_attempt",
    "recognised_value": "recognition",
    "why_not_signed": "diagnosis",
    "next_visit_goal": "next_step",
    "pressure": "reflection",
    "trust_gap": "objection",
}
"""A later note answers a question when it is specific (level 2) in this part; the other questions have facts of their own."""


@dataclass(frozen=True, slots=True)
class LastVisit:
    """One of the last visits."""

    visited_at: date
    rep: str | None
    kind: KindLabel
    outcome: OutcomeLabel
    score: int
    beginning: Evidence


@dataclass(frozen=True, slots=True)
class OpenObjection:
    """An objection that no later note calls resolved; `since` is when it was first raised, `last` its newest words."""

    type: ObjectionType
    since: date
    last: Evidence


@dataclass(frozen=True, slots=True)
class ResolvedObjection:
    """An objection that was open in one note and resolved in a later one."""

    type: ObjectionType
    raised: Evidence
    resolved: Evidence


@dataclass(frozen=True, slots=True)
class PricePoint:
    """The figures of one visit, in yuan; `gap` is ours minus the other's."""

    ours: Amount | None
    competitor: Amount | None
    customer: Amount | None
    gap: Amount | None
    gap_percent: float | None
    against: GapSide | None
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Promise:
    """What the last note promised to do; `overdue` is None where it names no day."""

    evidence: Evidence
    due: date | None
    overdue: bool | None


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question that a note raised and no later note answers."""

    id: str
    text: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Brief:
    """All of it, the newest first in every list."""

    customer: str
    visits: int
    first_visit: date
    last_visits: list[LastVisit]
    deciders: list[Decider]
    contradictions: list[Contradiction]
    open_objections: list[OpenObjection]
    resolved_objections: list[ResolvedObjection]
    prices: list[PricePoint]
    promise: Promise | None
    questions: list[OpenQuestion]


def make_brief(customer: str, visits: Sequence[Visit], today: date) -> Brief:
    """The brief of a customer; `visits` (at least one) are in the order of time."""
    still_open, resolved = _objections(visits)
    return Brief(
        customer=customer, visits=len(visits), first_visit=visits[0].visited_at, last_visits=[_last(v) for v in reversed(visits[-LAST_VISITS:])],
        deciders=deciders(visits)[:MOST], contradictions=contradictions(visits)[: MOST - 2], open_objections=still_open, resolved_objections=resolved[: MOST - 2],
        prices=[p for v in reversed(visits) if (p := _price(v)) is not None][:MOST], promise=_promise(visits[-1], today), questions=_questions(visits),
    )  # fmt: skip


def _last(visit: Visit) -> LastVisit:
    a = visit.analysis
    return LastVisit(visit.visited_at, visit.rep, a.kind.label, a.outcome.label, a.quality.score, visit.evidence(0, len(visit.text)))


def _objections(visits: Sequence[Visit]) -> tuple[list[OpenObjection], list[ResolvedObjection]]:
    raised: dict[ObjectionType, tuple[date, Evidence]] = {}
    resolved: list[ResolvedObjection] = []
    for visit in visits:
        for objection in visit.analysis.objections:
            words = visit.evidence(objection.start, objection.end)
            if objection.status == "open":
                since = raised[objection.type][0] if objection.type in raised else visit.visited_at
                raised[objection.type] = (since, words)
            elif objection.type in raised:
                resolved.append(ResolvedObjection(objection.type, raised.pop(objection.type)[1], words))
    still = [OpenObjection(kind, since, words) for kind, (since, words) in raised.items()]
    return sorted(still, key=lambda o: o.last.visited_at, reverse=True), resolved[::-1]


def _price(visit: Visit) -> PricePoint | None:
    price = visit.analysis.price
    gap = next(iter(sorted(price.gaps, key=lambda g: g.against != "competitor")), None)
    shown = [m for m in price.mentions if m.role != "other"]
    if not shown or (price.ours is None and price.competitor is None and price.customer is None and gap is None):
        return None
    first, last = min(shown, key=lambda m: m.start), max(shown, key=lambda m: m.end)
    words = visit.sentence(first.start, first.end) if last.end - first.start > 60 else visit.sentence(first.start, last.end)
    return PricePoint(
        price.ours, price.competitor, price.customer, gap.amount if gap else None, gap.percent if gap else None, gap.against if gap else None, words
    )  # fmt: skip


def _promise(visit: Visit, today: date) -> Promise | None:
    step = visit.analysis.next_step
    if step is None:
        return None
    return Promise(visit.evidence(step.start, step.end), step.date, None if step.date is None else step.date < today)


def _answers(question: str, later: Analysis) -> bool:
    """Whether a later note answers a question that an earlier one raised."""
    if question == "funds_date":
        return later.funds_date is not None and later.funds_date.when is not None
    if question in ("reach_first_kp", "verify_first_kp", "ask_recommender"):
        return later.kp.status == "met_first_kp"
    if question == "reclassify":
        return later.customer_class is not None or later.outcome.label == "signed"
    dimension = ANSWERED_BY.get(question)
    return any(d.id == dimension and d.level == 2 for d in later.quality.dimensions)


def _questions(visits: Sequence[Visit]) -> list[OpenQuestion]:
    out: dict[str, OpenQuestion] = {}
    for place in range(len(visits) - 1, max(-1, len(visits) - 1 - ASKED_IN), -1):
        visit = visits[place]
        for question in visit.analysis.questions:
            if question.id in out or any(_answers(question.id, v.analysis) for v in visits[place + 1 :]):
                continue
            at = question.evidence[0] if question.evidence else None
            words = visit.sentence(at.start, at.end) if at else visit.evidence(0, len(visit.text))
            out[question.id] = OpenQuestion(question.id, question.text, words)
    return list(out.values())[:MOST_QUESTIONS]
