"""Rubric levels to a quality score: each level above 0 with its places in the note, each below 2 with one line of advice."""

from __future__ import annotations

import re
from collections.abc import Sequence

from spacy.tokens import Doc

from models.analysis import DimensionId
from models.clause_heads import COLUMN, EVIDENCE, OBJECTION_TYPES
from models.clauses import MAX_LABEL
from models.judge import LEVEL, Judgement
from models.labels import DIMENSIONS
from models.lexicon import rows
from models.telling import general_remarks

Stretch = tuple[int, int]
EVIDENCE_THRESHOLD = 0.4
"""A clause this probable is evidence of its own; the best clause counts from WEAK_EVIDENCE on."""
WEAK_EVIDENCE = 0.2
MAX_EVIDENCE = 4
_RIVAL_CUES = frozenset(["price_theirs", "incumbent", "compare"])
GRADES = ((85, "优"), (65, "良"), (40, "中"), (0, "差"))


def dimension_texts() -> dict[str, tuple[str, str, str]]:
    """Dimension id to (Chinese name, advice at level 0, advice at level 1)."""
    return {id_: (name, zero, one) for id_, name, zero, one in rows("dimensions.tsv")}


def grade(score: int) -> str:
    """优 from 85, 良 from 65, 中 from 40, else 差."""
    return next(name for least, name in GRADES if score >= least)


_NOTHING = frozenset("有无是否好")
_TOPICS = re.compile("(?:价格|价钱|价位|报价|账期|付款|资金|预算|产品|质量|品质|服务|需求|信任|时间|交期|竞品|决策|异议|顾虑)+")


def _headings(doc: Doc) -> list[int]:
    """The clauses that only name a thing (异议: …, 【反思】) or fill a form with 有 or 无: naming a thing is not doing it (labels.md)."""
    text, clauses = doc._.text, doc._.clauses
    out = []
    for i, clause in enumerate(clauses):
        start, end = clause.start, clause.end
        following = clauses[i + 1].label if i + 1 < len(clauses) else ""
        named = end - start <= MAX_LABEL and (text[start:end] == following or text[start:end] in _NOTHING)
        if named or (text[start - 1 : start] == "【" and text[end : end + 1] == "】"):
            out.append(i)
    return out


def _most_probable(probabilities: list[float]) -> list[int]:
    """The clauses of one head, or of the best of several, that are worth showing, in order of place."""
    strong = [i for i, p in enumerate(probabilities) if p >= EVIDENCE_THRESHOLD]
    if not strong:
        best = max(probabilities, default=0.0)
        return [probabilities.index(best)] if best >= WEAK_EVIDENCE else []
    if len(strong) > MAX_EVIDENCE:
        strong = sorted(sorted(strong, key=lambda i: -probabilities[i])[:MAX_EVIDENCE])
    return strong


def evidence(doc: Doc) -> dict[str, list[Stretch]]:
    """Where each dimension's points come from: findings where there are such, else the clauses the evidence heads point to."""
    found = doc._
    table, clauses = found.clause_probabilities.copy(), found.clauses
    table[_headings(doc)] = 0
    columns: list[list[float]] = table.T.tolist()

    def clauses_by(probabilities: list[float]) -> list[Stretch]:
        return [(clauses[i].start, clauses[i].end) for i in _most_probable(probabilities)]

    out = {d: clauses_by(columns[COLUMN[f"ev_{d}"]]) for d in EVIDENCE}
    out["kp"] = [(p.start, p.end) for p in found.people]
    out["objection"] = [(o.start, o.end) for o in found.objections] or clauses_by(
        list(map(max, zip(*(columns[COLUMN[t]] for t in OBJECTION_TYPES), strict=True)))
    )
    prices = [(p.start, p.end) for p in found.prices if p.role != "other"] or [(p.start, p.end) for p in found.prices]
    funds = found.funds_date
    out["figures"] = prices[:MAX_EVIDENCE] + ([(funds.when.start, funds.when.end)] if funds else []) or [
        (t.start, t.end) for t in found.times[:1]
    ]
    rivals = [(n.start, n.end) for n in found.names if n.label == "CMP"][:MAX_EVIDENCE]
    out["competition"] = out["competition"] or rivals
    step = found.next_step
    out["next_step"] = [(step.start, step.end)] if step else []
    return out


def rival_in_play(doc: Doc) -> bool:
    """Whether the note names a rival, tells its price, or has a word for one (别家, 现用, 竞品, 对比)."""
    if any(n.label == "CMP" for n in doc._.names) or any(p.role in ("competitor", "gap_competitor") for p in doc._.prices):
        return True
    return any(not _RIVAL_CUES.isdisjoint(h.groups) for h in doc._.cues)


def only_named(doc: Doc) -> bool:
    """Whether every objection is a topic's bare name (异议：价格): that names a reason and does not tell it (labels.md: at most level 1)."""
    found, clauses = doc._.objections, doc._.clauses
    return bool(found) and all(_TOPICS.fullmatch(doc._.text, clauses[o.clause].start, clauses[o.clause].end) for o in found)


def only_general(doc: Doc, reflection: Sequence[Stretch]) -> bool:
    """Whether there is no reflection but a general self-remark (要加强学习), which is level 1 (labels.md)."""
    general = general_remarks(doc)
    starts = {clause.start for clause in doc._.clauses if clause.sentence in general}
    return bool(reflection) and starts.issuperset(start for start, _ in reflection)


def levels(judgement: Judgement, places: dict[str, list[Stretch]], rival: bool, named: bool, general: bool) -> dict[DimensionId, int]:
    """The rubric level of each dimension; without a place in the note, or a `rival` in play to compare with, there is no point, and a reason only `named` gives one level at most.

    A `general` self-remark is a reflection of level 1 in a note that tells something, and nothing in one that does not.
    """
    out: dict[DimensionId, int] = {}
    for dimension, (one, two) in zip(DIMENSIONS, judgement.levels.tolist(), strict=True):
        level = int(one >= LEVEL) + int(min(one, two) >= LEVEL)
        out[dimension] = level if places[dimension] else 0
    if not rival:
        out["competition"] = 0
    if named:
        out["objection"] = min(out["objection"], 1)
    if general:
        out["reflection"] = int(any(level for dimension, level in out.items() if dimension != "reflection"))
    return out
