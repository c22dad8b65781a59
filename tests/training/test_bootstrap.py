"""Intervals of the difference between two ways of predicting."""

from __future__ import annotations

from training.bootstrap import difference_intervals
from training.corpus import read_split


def test_a_way_that_says_nothing_of_a_field_has_no_interval_for_it() -> None:
    notes = read_split("dev")[:40]
    ours = {n["id"]: n for n in notes}
    theirs = {n["id"]: {"kind": "flow_of_events"} for n in notes}  # no people: whether they were met cannot be right or wrong
    found = difference_intervals(notes, ours, theirs, resamples=20)
    low, high = found["kind macro-F1"]
    assert 0 < low <= high <= 1  # the labels themselves against one kind for all
    assert "people met accuracy" not in found
