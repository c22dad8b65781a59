"""lexicons/senses.tsv: its form, and what the scanner makes of it."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from models.cues import sense_scanner
from models.lexicon import grouped
from models.text import normalize


def test_every_phrase_is_written_as_a_normalised_note_is() -> None:
    for group, phrases in grouped("senses.tsv").items():
        assert re.fullmatch("[a-z_]+", group)
        assert all(2 <= len(phrase) <= 8 and normalize(phrase).text == phrase for phrase in phrases), group


def test_no_phrase_stands_twice_in_a_group_or_in_many() -> None:
    groups = grouped("senses.tsv")
    assert all(len(set(phrases)) == len(phrases) for phrases in groups.values())
    assert max(Counter(phrase for phrases in groups.values() for phrase in phrases).values()) <= 5


@pytest.mark.parametrize(
    ("text", "present", "absent"),
    [
        ("说得跟老婆商量", {"ask_family"}, {"decides_alone"}),
        ("预算还没批下来", {"budget_approval"}, {"pay_ready"}),
        ("款子下来就付，等甲方结账", {"wait_receipts"}, {"no_need"}),
        ("说不急，过完年再看", {"no_hurry"}, {"busy_now"}),
        ("怕售后跟不上", {"after_sales_fear"}, {"accepted"}),
        ("一直用的是亲戚家的货", {"relation_supplier"}, {"signed"}),
        ("价格没问题，他没嫌贵", {"price_accepts"}, {"price_dear"}),
        ("今天天气不错", set(), {"price_dear", "need_pain", "refused", "has_supplier"}),
    ],
)
def test_phrases_by_sense(text: str, present: set[str], absent: set[str]) -> None:
    groups = {g for hit in sense_scanner()(text) for g in hit.groups}
    assert present <= groups
    assert not absent & groups
