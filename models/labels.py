"""The constants of shared/spec/labels.md: the rubric's dimensions and weights, and the questions' ids."""

from __future__ import annotations

from typing import get_args

from models.analysis import DimensionId

DIMENSIONS: tuple[DimensionId, ...] = get_args(DimensionId)
WEIGHTS: dict[DimensionId, int] = {
    "kp": 14,
    "need": 12,
    "recognition": 8,
    "objection": 14,
    "figures": 10,
    "competition": 6,
    "close_attempt": 8,
    "diagnosis": 12,
    "reflection": 6,
    "next_step": 10,
}
QUESTION_IDS = (
    "true_objection",
    "funds_date",
    "ask_recommender",
    "value_vs_price",
    "compare_competitor",
    "verify_first_kp",
    "reach_first_kp",
    "real_need",
    "listened",
    "asked_to_sign",
    "recognised_value",
    "trust_gap",
    "why_not_signed",
    "next_visit_goal",
    "reclassify",
    "pressure",
)
