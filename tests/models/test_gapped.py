"""lexicons/gapped.tsv and frames.tsv: their form, and what the scanner makes of gaps, clauses and denials."""

from __future__ import annotations

import re

import pytest

from models.clauses import Clause, split_at_stops
from models.cues import Parts
from models.gapped import GAP, REACH, GapScanner, gap_scanner
from models.lexicon import Frame, frames, grouped
from models.text import normalize

SCANNER = GapScanner(
    {"keen": ("对…感兴趣",), "cool": ("对…不感兴趣",), "dear": ("嫌…贵", "比…贵"), "fine": ("没嫌…贵",), "nobody": ("怕…没人修",)}
)


def found(scanner: GapScanner, note: str) -> list[list[tuple[str, tuple[str, ...]]]]:
    text = normalize(note).text
    clauses = [Clause(a, b, 0, 0, 0, "") for a, b, _ in split_at_stops(text) if b > a]
    grams = [text[i : i + 2] for i in range(len(text) - 1)]
    return [[(hit.phrase, hit.groups) for hit in hits] for hits in scanner(text, grams, clauses)]


def test_every_phrase_has_one_gap_and_is_written_as_a_normalised_note_is() -> None:
    senses = grouped("senses.tsv")
    for group, phrases in grouped("gapped.tsv").items():
        assert group in senses
        assert len(set(phrases)) == len(phrases)
        for phrase in phrases:
            head, tail = phrase.split(GAP)
            assert 1 <= len(head) <= 6
            assert 1 <= len(tail) <= 6
            assert normalize(head).text == head
            assert normalize(tail).text == tail


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("老王嫌这台机器太贵", [[("嫌…贵", ("dear",))]]),
        ("嫌贵", [[("嫌…贵", ("dear",))]]),
        ("嫌" + "一" * REACH + "贵", [[("嫌…贵", ("dear",))]]),
        ("嫌" + "一" * (REACH + 1) + "贵", [[]]),
        ("他没嫌我们贵", [[("没嫌…贵", ("fine",))]]),
        ("没嫌慢，嫌它贵", [[], [("嫌…贵", ("dear",))]]),
        ("嫌麻烦，贵", [[], []]),
        ("怕坏了没人修", [[("怕…没人修", ("nobody",))]]),
        ("对这个不感兴趣", [[("对…不感兴趣", ("cool",))]]),
        ("对这个倒感兴趣", [[("对…感兴趣", ("keen",))]]),
        ("贵得他嫌", [[]]),
        ("比他家嫌贵", [[("比…贵", ("dear",)), ("嫌…贵", ("dear",))]]),
    ],
)
def test_two_parts_of_one_clause_and_no_further_apart(text: str, expected: list) -> None:
    assert found(SCANNER, text) == expected


def test_a_place_of_the_hit_is_all_between_the_parts() -> None:
    text = "他没嫌我们贵了"
    grams = [text[i : i + 2] for i in range(len(text) - 1)]
    (hit,) = SCANNER(text, grams, [Clause(0, len(text), 0, 0, 0, "")])[0]
    assert text[hit.start : hit.end] == "没嫌我们贵"


FRAMED = GapScanner(
    {"fine": ("没嫌…贵",)},
    [Frame("dear", ("嫌", "比"), ("贵", "高")), Frame("slow", ("嫌", "等不"), ("慢", "高")), Frame("dear", ("嫌",), ("高",))],
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("老王嫌这台贵", [("嫌…贵", ("dear",))]),
        ("等不了这么慢", [("等不…慢", ("slow",))]),
        ("比那家慢", []),
        ("嫌它高", [("嫌…高", ("dear", "slow"))]),
        ("没嫌它贵", [("没嫌…贵", ("fine",))]),
        ("贵得他嫌", []),
    ],
)
def test_each_first_part_of_a_frame_goes_with_each_second_one(text: str, expected: list) -> None:
    assert found(FRAMED, text) == [expected]


def test_frames_have_known_groups_and_parts_as_a_normalised_note_has_them() -> None:
    senses = grouped("senses.tsv")
    for frame in frames("frames.tsv"):
        assert frame.group in senses
        for parts in (frame.heads, frame.tails):
            assert parts
            assert len(set(parts)) == len(parts)
            assert all(1 <= len(part) <= 6 and normalize(part).text == part for part in parts)


@pytest.mark.parametrize(
    ("text", "present", "absent"),
    [
        ("嫌交付晚", {"delivery_slow"}, {"accepted"}),
        ("得他们总部老总签字", {"ask_superior"}, {"decides_alone"}),
        ("没嫌我们家贵", {"price_accepts"}, {"price_dear"}),
        ("今天去了三家店", set(), {"price_dear", "refused", "signed"}),
    ],
)
def test_gapped_phrases_by_sense(text: str, present: set[str], absent: set[str]) -> None:
    groups = {g for hits in found(gap_scanner(), text) for _, own in hits for g in own}
    assert present <= groups
    assert not absent & groups


@pytest.mark.parametrize("text", ["", "嫌", "没", "他没嫌弃没人", "没人没"])
def test_parts_are_found_wherever_they_stand(text: str) -> None:
    strings = {"没", "没人", "嫌", "嫌弃"}
    everywhere = [(m.start(), s) for s in strings for m in re.finditer(f"(?={s})", text)]
    grams = [text[i : i + 2] for i in range(len(text) - 1)]
    assert sorted(Parts(strings)(text, grams)) == sorted(everywhere)
