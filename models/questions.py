"""One to three reflection questions, chosen by the trained ranking and worded with this note's people, figures and quotes."""

from __future__ import annotations

import re
import string
from collections import defaultdict
from collections.abc import Mapping
from typing import Protocol

from spacy.tokens import Doc

from models.analysis import Amount
from models.clause_heads import COLUMN
from models.gaps import Slots
from models.judge import Judgement
from models.labels import QUESTION_IDS
from models.lexicon import rows

ASK_THRESHOLD = 0.15
"""Chosen on dev: below it a question is seldom among those a labeller asks."""
MAX_QUESTIONS = 3
MAX_QUOTE = 24
Chosen = tuple[str, str, str, list[tuple[int, int]]]


class Words(Protocol):
    """Normalised (start, end) to the note's own words there."""

    def __getitem__(self, stretch: tuple[int, int], /) -> str: ...


_SPEECH = re.compile(
    r"(?P<who>(?:他们?|她们?|对方|客户|人家)(?:自己|又|还|就|也|直接)?)?(?P<verb>(?:开口|张口|回来|电话里)?(?:就|还|又|也)?(?:说|讲|表示|反馈|提到|认为|觉得))?[:,\s“\"]*"
)
"""Who speaks and the verb of speaking at the head of a clause: 他还说, 客户觉得."""


def slots_in(*parts: str) -> frozenset[str]:
    """The names in braces of these texts. Raises ValueError where a brace has no partner."""
    return frozenset(name for part in parts for _, name, _, _ in string.Formatter().parse(part) if name)


class Catalogue:
    """lexicons/questions.tsv: id to its wordings, (text, why, slots), the most specific first; the last has no slots."""

    def __init__(self) -> None:
        self.wordings: dict[str, list[tuple[str, str, frozenset[str]]]] = defaultdict(list)
        for id_, text, why in rows("questions.tsv"):
            self.wordings[id_].append((text, why, slots_in(text, why)))

    def slots(self) -> frozenset[str]:
        """All names that a wording may have in braces."""
        return frozenset(name for wordings in self.wordings.values() for _, _, slots in wordings for name in slots)

    def worded(self, id_: str, own: Mapping[str, str]) -> list[tuple[str, str, frozenset[str]]]:
        """The wordings of a question to try in turn: first a tenant's own, with the reason that needs no slots."""
        ours = self.wordings[id_]
        return [(own[id_], ours[-1][1], slots_in(own[id_])), *ours] if id_ in own else ours


def amount_text(amount: Amount) -> str:
    """An amount as a rep would write it: 12.8万, 24万到26万, 5400, 0.165."""
    if isinstance(amount, tuple):
        low, high = amount
        if low is None or high is None:
            return amount_text(high if low is None else low) + ("以内" if low is None else "以上")  # type: ignore[arg-type]
        return f"{amount_text(high)}以内" if low == 0 else f"{amount_text(low)}到{amount_text(high)}"
    size = abs(amount)
    for scale, unit in ((1e8, "亿"), (1e4, "万")):
        if size >= scale:
            return f"{round(size / scale, 4):g}{unit}"
    return f"{round(size, 2 if size >= 1 else 4):g}"  # 1毛65 is 0.165


def _short(text: str) -> str:
    text = text.replace("\n", " ")
    return text if len(text) <= MAX_QUOTE else text[: MAX_QUOTE - 1] + "…"


class SlotFiller:
    """What this note can put into a question: `sent(start, end)` gives the note's own words."""

    def __init__(self, doc: Doc, slots: Slots, sent: Words, *, signed: bool) -> None:
        self.values: dict[str, str] = {"signed": "签了"} if signed else {}
        self.places: dict[str, tuple[int, int]] = {}
        found = doc._
        text, people, names = found.text, found.people, found.names
        met = sorted(
            (p for p in people if p.met and p.role != "contact"), key=lambda p: ("first_kp", "influencer", "unknown").index(p.role)
        )
        talked = met[0] if met else people[0] if len(people) == 1 and people[0].role in ("influencer", "unknown") else None
        self._mentions = sorted((text[s:e] for p in people for s, e in p.places), key=len, reverse=True)
        self._talked = {text[s:e] for s, e in talked.places} if talked else set()
        if talked:
            self._put("person", sent, talked.start, talked.end)
        above = next((p for p in people if p.role == "first_kp" and not p.met), None)
        if above:
            self._put("above", sent, above.start, above.end)
        for objection in sorted(found.objections, key=lambda o: (o.status != "open", -o.probability), reverse=True):
            said = self._said(text, objection.start, objection.end)
            if said is not None:
                self._put(objection.type if objection.type != "need" else "noneed", sent, *said)
                self._put("objection", sent, *said)
        rivals = [n for n in names if n.label == "CMP"]
        if rivals:
            priced = next((p.start for p in found.prices if p.role == "competitor"), rivals[0].start)
            named = min(rivals, key=lambda n: abs(n.start - priced))
            self._put("rival", sent, named.start, named.end)
        self._need(doc, sent)
        for name, value in (("ours", slots.ours), ("theirs", slots.competitor), ("offer", slots.customer)):
            if value is not None:
                self.values[name] = amount_text(value)
        gap = next((g for g in slots.gaps if g.amount is not None and (g.against == "competitor") == (slots.competitor is not None)), None)
        if gap is not None and gap.amount is not None and not isinstance(gap.amount, tuple) and gap.amount > 0:
            self.values["gap"] = amount_text(gap.amount)
        if found.customer_class:
            self.values["class"] = found.customer_class.label

    def _put(self, name: str, sent: Words, start: int, end: int) -> None:
        self.values[name] = _short(sent[(start, end)])
        self.places[name] = (start, end)

    def _said(self, text: str, start: int, end: int) -> tuple[int, int] | None:
        """What stands behind 老板说 or 他觉得 in a quoted clause; None where another person than the one talked to says it."""
        mention = next((m for m in self._mentions if text.startswith(m, start)), "")
        if mention and mention not in self._talked:
            return None
        opening = _SPEECH.match(text, start + len(mention), end)
        begin = opening.end() if opening and (mention or opening["who"] or opening["verb"]) else start
        return (begin, end) if end - begin >= 2 else (start, end)

    def _need(self, doc: Doc, sent: Words) -> None:
        table, clauses = doc._.clause_probabilities, doc._.clauses
        if len(clauses):
            best = int(table[:, COLUMN["ev_need"]].argmax())
            if table[best, COLUMN["ev_need"]] >= 0.5:
                self._put("need", sent, clauses[best].start, clauses[best].end)


def answered(doc: Doc, judgement: Judgement) -> set[str]:
    """The questions this note has already answered, by the conditions of labels.md's must_ask table."""
    out = set()
    step = doc._.next_step
    deciders = [p for p in doc._.people if p.role == "first_kp"]
    if any(p.met for p in deciders) or (step and any(step.start <= s < step.end for p in deciders for s, _ in p.places)):
        out.add("reach_first_kp")
    if doc._.funds_date:
        out.add("funds_date")
    if step and step.when and judgement.outcome_label != "signed":
        out.add("next_visit_goal")
    if any(p.met for p in deciders) and len(deciders) == 1:
        out |= {"verify_first_kp", "ask_recommender"}
    if doc._.people and not any(p.met for p in doc._.people):
        out.add("listened")
    return out


def choose(
    judgement: Judgement, filler: SlotFiller, catalogue: Catalogue, fallback: list[tuple[int, int]], done: set[str], own: Mapping[str, str]
) -> list[Chosen]:
    """[(id, text, why, places)], one to three, the most called for first and none of `done`; places are those of the slots used, or `fallback`.
    `own` are a tenant's wordings."""
    order = sorted((i for i, id_ in enumerate(QUESTION_IDS) if id_ not in done), key=lambda i: -float(judgement.questions[i]))
    chosen: list[Chosen] = []
    for rank, i in enumerate(order[:MAX_QUESTIONS]):
        if rank and judgement.questions[i] < ASK_THRESHOLD:
            break
        for text, why, slots in catalogue.worded(QUESTION_IDS[i], own):
            if slots <= filler.values.keys():
                places = sorted(filler.places[s] for s in slots if s in filler.places) or fallback
                chosen.append((QUESTION_IDS[i], text.format(**filler.values), why.format(**filler.values), places))
                break
    return chosen
