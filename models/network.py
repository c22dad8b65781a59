"""Small networks over numbers: an ensemble with one hidden layer each, trained by scikit-learn (training/fit.py) and applied in three products.

What a note's findings mean together (a rival is named, yet no price; somebody was met, yet not who decides) is no sum of them, which is all that linear
heads can say (docs/experiments.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Table = NDArray[np.float32]
LIMIT = 4.0
"""Standardised numbers are cut here: a note far longer than any in training is read as a long one."""


@dataclass(frozen=True, slots=True)
class Network:
    """The mean of several members' sigmoid outputs.

    mean, scale: [inputs]; hidden: [inputs, members x units] and its bias; out: [members, units, outputs] and its bias [members, outputs].
    """

    outputs: tuple[str, ...]
    mean: Table
    scale: Table
    hidden: Table
    hidden_bias: Table
    out: Table
    out_bias: Table

    def standardised(self, numbers: Table) -> Table:
        """Numbers [..., inputs] by the training notes' mean and spread, cut at LIMIT."""
        return np.asarray(np.maximum(np.minimum((numbers - self.mean) / self.scale, LIMIT), -LIMIT), dtype=np.float32)

    def probabilities(self, numbers: Table) -> Table:
        """Probabilities [items, outputs] of the items' numbers [items, inputs]."""
        units = np.maximum(self.standardised(numbers) @ self.hidden + self.hidden_bias, 0)
        members = len(self.out)
        scores = np.matmul(units.reshape(len(numbers), members, -1).transpose(1, 0, 2), self.out) + self.out_bias[:, None]
        return np.asarray(np.add.reduce(expit(scores, out=scores), axis=0) / np.float32(members), dtype=np.float32)
