"""The rubric that levels are scored by: labels.md's own, or a tenant's with other weights and words. Pure: levels in, Quality out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.analysis import Dimension, DimensionId, Place, Quality
from models.labels import DIMENSIONS, WEIGHTS
from models.lexicon import rows
from models.quality import dimension_texts, grade

Texts = tuple[str | None, str | None]
"""What is said at level 0 and at level 1; None: what labels.md's own rubric says."""


@dataclass(frozen=True, slots=True)
class Rubric:
    """Weights, which sum to 100, and the words that differ from our own. `version` is None for labels.md's rubric.

    `questions` gives a question (by id) another wording, with slots as in lexicons/questions.tsv; where a note does not fill them, ours is asked.
    """

    version: int | None = None
    weights: Mapping[DimensionId, int] = field(default_factory=lambda: WEIGHTS)
    advice: Mapping[DimensionId, Texts] = field(default_factory=dict)
    additions: Mapping[DimensionId, Texts] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)


STANDARD = Rubric()
"""labels.md's own."""


def addition_texts() -> dict[str, tuple[str, str]]:
    """Dimension id to what to add at level 0 and at level 1, each in one short line."""
    return {id_: (zero, one) for id_, zero, one in rows("additions.tsv")}


def _text(own: Mapping[DimensionId, Texts], id_: DimensionId, standard: tuple[str, str], level: int) -> str | None:
    return None if level > 1 else own.get(id_, (None, None))[level] or standard[level]


def scored(rubric: Rubric, levels: Mapping[DimensionId, int], evidence: Mapping[DimensionId, tuple[Place, ...]]) -> Quality:
    """The quality of a note with these levels, each above 0 with its evidence."""
    texts, additions = dimension_texts(), addition_texts()
    dimensions = []
    for id_ in DIMENSIONS:
        name, *standard = texts[id_]
        level = levels[id_]
        advice = _text(rubric.advice, id_, (standard[0], standard[1]), level)
        addition = None if rubric.version is None else _text(rubric.additions, id_, additions[id_], level)
        dimensions.append(Dimension(id_, name, rubric.weights[id_], level, evidence[id_] if level else (), advice, addition))
    score = sum(d.weight * d.level for d in dimensions) // 2
    return Quality(score, grade(score), tuple(dimensions), rubric.version)


def rescored(rubric: Rubric, quality: Quality) -> Quality:
    """The same levels and evidence under another rubric."""
    return scored(rubric, {d.id: d.level for d in quality.dimensions}, {d.id: d.evidence for d in quality.dimensions})
