"""The rubric's dimensions and weights, kp_status from people, and the questions' ids: the constants of shared/spec/labels.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import get_args

from spacy.tokens import Doc

from models.analysis import DimensionId, KpStatus
from models.people import FoundPerson

DIMENSIONS: tuple[DimensionId, ...] = get_args(DimensionId)
WEIGHTS: dict[DimensionId, int] = {"kp": 14, "need": 12, "recognition": 8, "objection": 14, "figures": 10, "competition": 6,
                                   "close_attempt": 8, "diagnosis": 12, "reflection": 6, "next_step": 10}  # fmt: skip
QUESTION_IDS = ("true_objection", "funds_date", "ask_recommender", "value_vs_price", "compare_competitor", "verify_first_kp", "reach_first_kp", "real_need",
                "listened", "asked_to_sign", "recognised_value", "trust_gap", "why_not_signed", "next_visit_goal", "reclassify", "pressure")  # fmt: skip
_CONTACT = re.compile(r"说|讲|问|聊|谈|嫌|要求|回复|答应|电话里|同意|客户|对方|他|她|微信|签|下单|定了|要|想")
_NOT_REACHED = re.compile(r"没人|不在|没接|未接|没见|锁门|关门|没开门|白跑|扑空|不让进|没让进|空号|停机|占线|拒接|挂了|没回|不回|打不通|没打通|关机|无人接听")


def kp_status(people: Sequence[FoundPerson], doc: Doc) -> KpStatus:
    """labels.md, boundary cases: a first KP met; else an influencer met, or an unknown met beside a named decider; else an unknown met; else nobody.

    With no person named, a note that tells of an answer is unclear, one of a closed door is met_nobody.
    """
    met = {p.role for p in people if p.met}
    if "first_kp" in met:
        return "met_first_kp"
    if "influencer" in met or ("unknown" in met and any(p.role == "first_kp" for p in people)):
        return "met_other_only"
    if "unknown" in met:
        return "unclear"
    if people:
        return "met_nobody"
    return "met_nobody" if _NOT_REACHED.search(doc.text) and not _CONTACT.search(_NOT_REACHED.sub("", doc.text)) else "unclear"
