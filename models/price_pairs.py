"""How the amounts of a note stand to each other once a first model has guessed their roles: what the second model reads beside the words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ROLES_OF_MONEY = range(1, 5)
"""The columns of MONEY_ROLES but `other`."""


def relation(a: float, b: float) -> str:
    """How a figure stands to another: << far smaller, < smaller, = the same within 3 %, > greater, >> far greater."""
    ratio = a / max(b, 1e-6)
    return "<<" if ratio < 0.2 else "<" if ratio < 0.97 else "=" if ratio < 1.03 else ">" if ratio < 5 else ">>"


def pair_features(values: Sequence[float], table: NDArray[np.float32]) -> list[list[str]]:
    """One list of features an amount, from the first model's probabilities `table` [amounts, MONEY_ROLES].

    Its own guess, the strongest other candidate for each role and how the two figures compare (ours 12.8万 makes 9.5万 a rival's price), and the
    neighbours' guesses.
    """
    guesses, rows = table.argmax(axis=1).tolist(), table.tolist()
    leading = {role: sorted(range(len(rows)), key=lambda j, role=role: -rows[j][role])[:2] for role in ROLES_OF_MONEY}  # type: ignore[misc]
    fifths = (table * 5).astype(int).astype(str).tolist()
    out: list[list[str]] = []
    for i, value in enumerate(values):
        mine = guesses[i]
        f = [f"top={mine}", *(f"me{role}={fifths[i][role]}" for role in range(table.shape[1]))]
        if len(values) > 1:
            for role, (best, second) in leading.items():
                j = second if best == i else best
                likely, compared = rows[j][role] > 0.5, relation(value, values[j])
                f += (f"b{role}={fifths[j][role]}", f"b{role}={likely}|{compared}|{j < i}", f"b{role}={likely}|me={mine}|{compared}")
        for side, j in (("p", i - 1), ("n", i + 1)):
            if 0 <= j < len(values):
                f += (f"{side}r={guesses[j]}", f"{side}r={guesses[j]}|me={mine}")
        out.append(f)
    return out
