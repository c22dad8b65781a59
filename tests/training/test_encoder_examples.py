"""What the encoder is fitted on: windows with their stretches, as written, with other names, and without stops."""

from __future__ import annotations

from typing import Any

from models.clause_heads import OBJECTION_TYPES
from models.encoder import WEIGHTS
from models.people import ROLES
from models.pieces import BEGIN, END, Pieces
from models.pipeline import Analyzer
from training.encoder.examples import UNKNOWN, Window, readings

PIECES = Pieces.from_file(WEIGHTS / "pieces.npz")
NOTE: dict[str, Any] = {
    "id": "x-001",
    "writer": "x",
    "kind": "diagnostic",
    "text": "王厂长嫌贵，说用友才9.5万，我们报12万。他要问老板。",
    "people": [
        {"mention": "王厂长", "decision_role": "influencer", "met": True},
        {"mention": "老板", "decision_role": "first_kp", "met": False},
    ],
    "competitors": ["用友"],
    "objections": [{"type": "price", "status": "open", "quote": "嫌贵"}],
    "price": {"ours": 120000, "competitor": 95000, "customer": None, "gaps": [{"against": "competitor", "amount": 25000, "percent": None}]},
    "next_step": None,
    "funds_date": None,
    "customer_class": None,
    "evidence": {},
}


def told(window: Window, kind: str) -> list[tuple[str, Any]]:
    """The text of each stretch of a kind, and its target."""
    return [("".join(window.texts[p - 1] for p in pieces), target) for pieces, target in window.stretches[kind]]


def test_stretches_stand_where_the_labels_say(analyzer: Analyzer) -> None:
    ((window,), *others) = readings(analyzer.nlp, PIECES, [NOTE], 1)[0]
    assert len(others) == 1
    persons = dict(told(window, "pers"))
    assert persons["王厂长"] == (1, 1, ROLES.index("influencer"))
    assert persons["老板"] == (1, 0, ROLES.index("first_kp"))
    assert ("用友", 1) in told(window, "rv")
    clauses = dict(told(window, "cl"))
    carrying = [text for text, heads in clauses.items() if heads[OBJECTION_TYPES.index("price")] == 1]
    assert carrying == ["王厂长嫌贵"]
    assert window.ids[0] == BEGIN
    assert window.ids[-1] == END
    assert window.tags[0] == window.tags[-1] == UNKNOWN


def test_a_variant_has_the_same_stretches_under_other_names(analyzer: Analyzer) -> None:
    (window,), (other,) = readings(analyzer.nlp, PIECES, [NOTE], 1)[0]
    assert "用友" not in "".join(other.texts)
    assert [target for _, target in told(other, "am")] == [target for _, target in told(window, "am")]
    assert dict(told(other, "pers"))["老板"] == dict(told(window, "pers"))["老板"]


def test_without_stops_figures_stay_whole_and_stretches_move_along(analyzer: Analyzer) -> None:
    ((window,), *_) = readings(analyzer.nlp, PIECES, [NOTE], 0)[0]
    bare, spaced = window.without_stops(), window.without_stops(PIECES(" ").ids[0])
    stops = sum(t in "，。," for t in window.texts)
    assert len(bare.ids) == len(window.ids) - stops
    assert len(spaced.ids) == len(window.ids)
    assert [i for i, (a, b) in enumerate(zip(window.ids, spaced.ids, strict=True)) if a != b] == [
        i for i, t in enumerate(window.texts, 1) if t in "，。,"
    ]
    for kind, own in window.stretches.items():
        moved = [[bare.ids[p] for p in pieces] for pieces, _ in bare.stretches[kind]]
        kept = [[window.ids[p] for p in pieces if window.texts[p - 1] not in "，。,"] for pieces, _ in own]
        assert moved == kept
