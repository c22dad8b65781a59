"""What training chooses of its own predictions: thresholds of the best F1, alone and together, and what a note weighs."""

from __future__ import annotations

from typing import Any

import numpy as np

from training.train import RARE_WEIGHS, best_threshold, kind_weights

SURE = [(0.9, True)] * 20 + [(0.7, True)] * 10 + [(0.7, False)] * 2 + [(0.3, True)] * 3 + [(0.3, False)] * 20
"""Of 54 items 33 are true; below 0.6 most are not."""


def test_a_threshold_parts_what_is_mostly_true_from_what_mostly_is_not() -> None:
    assert 0.3 < best_threshold(SURE) <= 0.7


def test_beside_others_that_are_told_well_a_type_must_be_surer() -> None:
    doubtful = [(0.8, True)] * 6 + [(0.4, True)] * 5 + [(0.4, False)] * 9
    # alone 0.4 pays: F1 2·11/(20+11) = 0.71 for 2·6/(6+11) = 0.71; beside 95 right of 100 that are found and true, nine more wrong ones cost more than five right ones gain
    alone, beside = best_threshold(doubtful), best_threshold(doubtful, right=95, found=100, true=111)
    assert beside > 0.4
    assert alone <= beside


def note(length: int, kind: str) -> dict[str, Any]:
    return {"text": "字" * length, "kind": kind}


def test_the_rare_kind_among_notes_of_a_length_weighs_more() -> None:
    notes = (
        [note(20, "flow_of_events")] * 18
        + [note(20, "diagnostic")] * 2
        + [note(150, "diagnostic")] * 16
        + [note(150, "flow_of_events")] * 4
    )
    weights = kind_weights(notes)
    assert np.all(weights[:18] == 1)  # the usual kind
    assert np.all(weights[18:20] == RARE_WEIGHS)
    assert np.all(weights[20:36] == 1)
    assert np.all(weights[36:] == RARE_WEIGHS)  # 22 of 40 are flows, but one in five of these


def test_where_kinds_are_even_all_notes_weigh_the_same() -> None:
    assert set(kind_weights([note(n, kind) for n in (20, 50, 150) for kind in ("diagnostic", "flow_of_events")]).tolist()) == {1.0}
