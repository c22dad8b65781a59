"""Variants of notes: other names, the same labels, each still quoting the text."""

from __future__ import annotations

import random
from typing import Any

import pytest

from training.augment import variant
from training.corpus import read_split

NOTE: dict[str, Any] = {
    "id": "x-001",
    "text": "王总说用友才9万5，我们的贵。王总要问董事长，下周三再去找王总",
    "people": [
        {"mention": "王总", "decision_role": "influencer", "met": True},
        {"mention": "董事长", "decision_role": "first_kp", "met": False},
    ],
    "competitors": ["用友"],
    "objections": [{"type": "price", "status": "open", "quote": "用友才9万5，我们的贵"}],
    "next_step": {"quote": "下周三再去找王总", "when": "下周三"},
    "funds_date": None,
    "evidence": {"competition": ["用友才9万5"]},
    "price": {"ours": None, "competitor": 95000, "customer": None, "gaps": []},
}


def quotes(note: dict[str, Any]) -> list[str]:
    """Whatever its labels quote."""
    step = note["next_step"]
    return [
        *(p["mention"] for p in note["people"]),
        *note["competitors"],
        *(o["quote"] for o in note["objections"]),
        *([step["quote"]] if step else []),
        *(quote for own in note.get("evidence", {}).values() for quote in own),
    ]


@pytest.mark.parametrize("seed", range(20))
def test_names_and_brands_change_everywhere_and_nothing_else_does(seed: int) -> None:
    other = variant(NOTE, random.Random(seed), drop_stops=False)
    person, title = (p["mention"] for p in other["people"])
    brand = other["competitors"][0]
    assert title == "董事长"  # begins with a surname, names nobody
    assert brand != "用友"
    assert person.endswith("总")
    assert other["text"] == NOTE["text"].replace("王总", person).replace("用友", brand)
    assert all(quote in other["text"] for quote in quotes(other))
    assert other["price"] == NOTE["price"]
    assert [o["type"] for o in other["objections"]] == ["price"]


def test_labels_quote_the_variant_wherever_they_quoted_the_note() -> None:
    notes = read_split("dev")
    kept = [variant(note, random.Random(1), drop_stops=False) for note in notes]
    assert [[quote in own["text"] for quote in quotes(own)] for own in kept] == [
        [quote in note["text"] for quote in quotes(note)] for note in notes
    ]


def test_the_note_itself_is_left_as_it_was() -> None:
    before = repr(NOTE)
    variant(NOTE, random.Random(0))
    assert repr(NOTE) == before
