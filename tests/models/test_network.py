from __future__ import annotations

import numpy as np
import pytest

from models.network import LIMIT
from training.fit import Encoded, fit_network, fit_parts

RNG = np.random.default_rng(7)


def test_a_network_learns_what_no_sum_can_say() -> None:
    """Exclusive or: one of two, not both. Heads that add up are right on three of the four at most."""
    numbers = RNG.integers(0, 2, (400, 2)).astype(np.float32)
    either = numbers[:, :1] != numbers[:, 1:]
    network = fit_network(
        ["either", "not"], numbers, np.hstack([either, ~either]).astype(np.int64), units=8, alpha=1e-3, epochs=120, members=2
    )
    for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
        assert (network.probabilities(np.array([[a, b]], dtype=np.float32))[0, 0] > 0.5) == (a != b)


def test_a_number_far_outside_counts_as_the_furthest_known() -> None:
    numbers = RNG.normal(size=(100, 3)).astype(np.float32)
    network = fit_network(["x", "y"], numbers, (numbers[:, :2] > 0).astype(np.int64), units=4, alpha=1.0, epochs=5, members=1)
    far = (network.mean + network.scale * LIMIT)[None]
    assert network.probabilities(far * 1e6) == pytest.approx(network.probabilities(far))


def test_each_part_has_its_own_vocabulary_and_forgets_the_rest() -> None:
    encoded = Encoded([["a", "b"], ["a"], ["b", "c"], ["c"], ["d"]])
    targets = np.array([[1], [1], [0], [0], [0]])
    first, everything = fit_parts(["is"], encoded, targets, [np.array([0, 1, 2]), np.arange(5)])
    assert set(first.vocabulary) == {"a", "b"}  # c and d stand in fewer than two of its items
    assert set(everything.vocabulary) == {"a", "b", "c"}
    assert everything.probabilities(["a"])[0] > everything.probabilities(["c"])[0]


def test_a_row_is_scaled_by_the_features_its_part_knows() -> None:
    encoded = Encoded([["a", "rare"], ["a", "b"], ["b"]])
    _, x = encoded.part(np.arange(3), 2, None)
    assert x.toarray() == pytest.approx(np.array([[1, 0], [2**-0.5, 2**-0.5], [0, 1]]))
