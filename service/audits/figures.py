"""Counting: from the facts of the period's notes to figures. Pure, whole columns at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from models.analysis import GapSide, KindLabel, KpStatus, ObjectionType
from models.labels import DIMENSIONS
from models.quality import dimension_texts
from service.audits.facts import Facts, Numbers
from service.audits.result import (
    GapBin,
    KpFigure,
    ObjectionFigure,
    PartFigure,
    RepFigure,
    RubricFigure,
    ScoreBin,
    StepFigure,
    VersionFigure,
)
from service.audits.selection import Selection, Step
from service.notes.facts import GAP_SIDE, KIND, KP, OUTCOME, SCORE
from service.texts import LABELS

BINS = 10
"""Scores by tens; the last bin takes 100 in as well."""
GAP_EDGES = (0.0, 10.0, 20.0, 30.0, 50.0)
UNASSIGNED = "未注明销售"
DIAGNOSTIC, FIRST_KP, SIGNED = KIND.labels.index("diagnostic"), KP.labels.index("met_first_kp"), OUTCOME.labels.index("signed")
KINDS: tuple[KindLabel, ...] = get_args(KindLabel)
KP_STATUSES: tuple[KpStatus, ...] = get_args(KpStatus)
SIDES: tuple[GapSide, ...] = get_args(GapSide)
OBJECTION_TYPES: tuple[ObjectionType, ...] = get_args(ObjectionType)


def _bin_of(score: Numbers) -> Numbers:
    return np.minimum(score // 10, BINS - 1)


def _table(rows: Numbers, columns: Numbers, shape: tuple[int, int]) -> Numbers:
    """How often each pair of row and column comes."""
    return np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1]).reshape(shape)


def _mean(total: float, count: int) -> float:
    return round(float(total) / count, 1)


def score_bins(facts: Facts) -> list[ScoreBin]:
    """The distribution of the score by tens and kind."""
    table = _table(_bin_of(facts.get(SCORE)), facts.get(KIND), (BINS, len(KIND.labels)))
    by_kind = {kind: table[:, KIND.labels.index(kind)] for kind in KINDS}
    return [
        ScoreBin(low=10 * b, high=100 if b == BINS - 1 else 10 * b + 9, **{k: int(n[b]) for k, n in by_kind.items()}) for b in range(BINS)
    ]


def kp_figures(facts: Facts) -> list[KpFigure]:
    """Whether the first KP was reached."""
    counts = np.bincount(facts.get(KP), minlength=len(KP.labels))
    return [KpFigure(status=status, notes=int(counts[KP.labels.index(status)])) for status in KP_STATUSES]


def objection_figures(facts: Facts) -> list[ObjectionFigure]:
    """Objections by type and status, the most frequent type first."""
    figures = [
        ObjectionFigure(
            type=t, name=LABELS["objection"][t], open=int(facts.has(t, "open").sum()), resolved=int(facts.has(t, "resolved").sum())
        )
        for t in OBJECTION_TYPES
    ]
    return sorted(figures, key=lambda f: -(f.open + f.resolved))


def gap_bins(facts: Facts) -> tuple[list[GapBin], int]:
    """The distribution of the price gap by side, and the notes whose gap is known in yuan alone."""
    known, side = ~np.isnan(facts.gap_percent), facts.get(GAP_SIDE)
    table = _table(np.digitize(facts.gap_percent[known], GAP_EDGES), side[known], (len(GAP_EDGES) + 1, len(GAP_SIDE.labels)))
    edges = [None, *GAP_EDGES, None]
    bins = [
        GapBin(low=edges[b], high=edges[b + 1], **{s: int(table[b, GAP_SIDE.labels.index(s)]) for s in SIDES}) for b in range(len(table))
    ]
    return bins, int(((side > 0) & ~known).sum())


def _parts(missing: NDArray[Any], vague: NDArray[Any], lost: NDArray[Any], notes: int, weights: Numbers) -> list[PartFigure]:
    """Figures of the ten parts from the columns of one row; `weights` are those of the rubric that is on."""
    texts = dimension_texts()
    return [
        PartFigure(
            dimension=d,
            name=texts[d][0],
            weight=int(weights[i]),
            missing=int(missing[i]),
            vague=int(vague[i]),
            points_lost=_mean(lost[i] / 2, notes),
        )
        for i, d in enumerate(DIMENSIONS)
    ]


def _levels(facts: Facts, group: Numbers, count: int) -> tuple[Numbers, Numbers]:
    """(notes at each level, points lost), a row a group and a column a dimension: each note's points by the rubric its score carries. Points are
    doubled, so that they are whole."""
    versions = len(facts.weights)
    cells = group * versions + facts.rubric
    tables = [_table(cells, facts.level(d), (count * versions, 3)).reshape(count, versions, 3) for d in DIMENSIONS]
    notes = np.stack(tables, axis=2)
    return notes.sum(axis=1), ((2 * notes[..., 0] + notes[..., 1]) * facts.weights).sum(axis=1)


def part_figures(facts: Facts) -> list[PartFigure]:
    """The ten parts, in the rubric's order."""
    if not len(facts):
        return []
    (levels,), (lost,) = _levels(facts, np.zeros_like(facts.person), 1)
    return _parts(levels[:, 0], levels[:, 1], lost, len(facts), facts.weights[facts.on])


def rep_figures(facts: Facts, names: Mapping[str, str]) -> list[RepFigure]:
    """Each rep's notes, by name; notes without a rep last."""
    count = len(facts.people)
    notes = np.bincount(facts.person, minlength=count)
    scores = np.bincount(facts.person, facts.get(SCORE), minlength=count)
    diagnostic = np.bincount(facts.person, facts.get(KIND) == DIAGNOSTIC, minlength=count)
    met = np.bincount(facts.person, facts.get(KP) == FIRST_KP, minlength=count)
    bins = _table(facts.person, _bin_of(facts.get(SCORE)), (count, BINS))
    levels, lost = _levels(facts, facts.person, count)
    out = [
        RepFigure(
            rep_id=rep, name=UNASSIGNED if rep is None else names.get(rep, rep), notes=int(notes[i]), mean_score=_mean(scores[i], notes[i]),
            diagnostic=int(diagnostic[i]), met_first_kp=int(met[i]), bins=bins[i].tolist(),
            parts=_parts(levels[i, :, 0], levels[i, :, 1], lost[i], notes[i], facts.weights[facts.on]),
        )
        for i, rep in enumerate(facts.people)
        if notes[i]
    ]  # fmt: skip
    return sorted(out, key=lambda r: (r.rep_id is None, r.name, r.rep_id or ""))


def first_of(day: date, step: Step) -> date:
    """The first day of the week (Monday) or month that a day lies in."""
    return day.replace(day=1) if step == "month" else day - timedelta(min(day.weekday(), (day - date.min).days))


def step_figures(facts: Facts, selection: Selection) -> list[StepFigure]:
    """The weeks or months in which there are notes, in order."""
    firsts = {int(d): first_of(date.fromordinal(int(d)), selection.step).toordinal() for d in np.unique(facts.day)}
    begins = sorted(set(firsts.values()))
    places = {first: i for i, first in enumerate(begins)}
    step = np.array([places[firsts[d]] for d in facts.day.tolist()], np.int64)
    count = len(begins)
    notes = np.bincount(step, minlength=count)
    scores = np.bincount(step, facts.get(SCORE), minlength=count)
    diagnostic = np.bincount(step, facts.get(KIND) == DIAGNOSTIC, minlength=count)
    met = np.bincount(step, facts.get(KP) == FIRST_KP, minlength=count)
    bins = _table(step, _bin_of(facts.get(SCORE)), (count, BINS))
    return [
        StepFigure(
            first=max(date.fromordinal(first), selection.since), last=min(_last_of(date.fromordinal(first), selection.step), selection.until),
            notes=int(notes[i]), mean_score=_mean(scores[i], notes[i]), diagnostic=int(diagnostic[i]), met_first_kp=int(met[i]),
            bins=bins[i].tolist(),
        )
        for i, first in enumerate(begins)
    ]  # fmt: skip


def _last_of(first: date, step: Step) -> date:
    following = first + min(timedelta(32 if step == "month" else 7), date.max - first)
    return first_of(following, step) - timedelta(1) if following < date.max else date.max


def versions(facts: Facts) -> list[VersionFigure]:
    """The model versions behind the figures, the most frequent first."""
    counts = np.bincount(facts.version, minlength=len(facts.versions))
    found = [VersionFigure(version=v, notes=int(n)) for v, n in zip(facts.versions, counts, strict=True) if n]
    return sorted(found, key=lambda f: (-f.notes, f.version))


def rubrics(facts: Facts) -> list[RubricFigure]:
    """The versions of the rubric that the scores carry, the most frequent first."""
    found = [RubricFigure(version=v, notes=int(n)) for v, n in enumerate(np.bincount(facts.rubric)) if n]
    return sorted(found, key=lambda f: (-f.notes, f.version))


def totals(facts: Facts) -> dict[str, Any]:
    """How many notes, their mean score, how many are diagnostic and signed."""
    return {
        "notes": len(facts),
        "mean_score": _mean(facts.get(SCORE).sum(), len(facts)) if len(facts) else None,
        "diagnostic": int((facts.get(KIND) == DIAGNOSTIC).sum()),
        "signed": int((facts.get(OUTCOME) == SIGNED).sum()),
    }
