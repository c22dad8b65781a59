"""Fitting the networks of the second look on what the first look says of notes it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from models.clause_heads import HEADS
from models.clause_numbers import clause_numbers, first_look
from models.content import content
from models.network import Network
from models.people import ROLES
from models.person_numbers import person_numbers
from models.price_numbers import price_numbers
from models.prices import MONEY_ROLES
from models.rival_numbers import rival_numbers
from models.second_look import Networks
from training.finders import Item, parts_of
from training.fit import WORKERS, fit_network
from training.targets import clause_targets, person_targets, price_targets, rival_targets, undecided_prices

PERSON_OUTPUTS = ("person", "met", *ROLES)
PERSONS: dict[str, Any] = {"units": 64, "alpha": 1.0, "epochs": 20, "members": 4, "batch": 128, "rate": 0.003}
AMOUNTS: dict[str, Any] = {"units": 48, "alpha": 0.3, "epochs": 12, "members": 4, "batch": 128, "rate": 0.003}
RIVALS: dict[str, Any] = {"units": 48, "alpha": 1.0, "epochs": 20, "members": 4, "batch": 128, "rate": 0.003}
CLAUSES: dict[str, Any] = {"units": 64, "alpha": 0.5, "epochs": 10, "members": 2, "batch": 512, "rate": 0.006}
"""Chosen on train held out by writer (docs/experiments.md)."""

Ints = NDArray[np.int64]
Numbers = NDArray[np.float32]


def _person_rows(item: Item, numbers: Numbers) -> tuple[Numbers, Ints]:
    binary, role = person_targets(item.note, item.doc._.candidates)
    return numbers, np.hstack([binary == 1, role[:, None] == np.arange(len(ROLES))]).astype(np.int64)


def _price_rows(item: Item, numbers: Numbers) -> tuple[Numbers, Ints]:
    """Without the earlier quotes that no label decides."""
    amounts = item.doc._.amounts
    roles = price_targets(item.note, amounts)
    known = ~undecided_prices(item.note, amounts, roles)
    return numbers[known], (roles[known, None] == np.arange(len(MONEY_ROLES))).astype(np.int64)


def _rival_rows(item: Item, numbers: Numbers) -> tuple[Numbers, Ints]:
    targets = rival_targets(item.note, item.doc._.rival_candidates, item.doc._.text)
    return numbers, np.hstack([targets, 1 - targets])


def _clause_rows(item: Item, numbers: Numbers) -> tuple[Numbers, Ints]:
    """A head that the labels leave open is taught what the first look says."""
    kept = list(item.doc._.content)
    targets = clause_targets(item.note, item.doc, item.normalized)[kept]
    return numbers, np.where(targets < 0, item.doc._.clause_probabilities[kept] >= 0.5, targets)


def train_second_look(items: Sequence[Item], groups: Mapping[str, int]) -> list[Networks]:
    """(persons, amounts, rivals, clauses) over the items' first look: without each fold, and last of all items."""
    rows: dict[str, list[tuple[Item, Numbers, Ints]]] = {"persons": [], "amounts": [], "rivals": [], "clauses": []}
    for item in items:
        if not item.doc._.clauses:
            continue
        view = content(item.doc)
        look = first_look(view, groups)
        for kind, numbers_of, rows_of in (
            ("persons", person_numbers, _person_rows),
            ("amounts", price_numbers, _price_rows),
            ("rivals", rival_numbers, _rival_rows),
            ("clauses", clause_numbers, _clause_rows),
        ):
            numbers = numbers_of(view, look)
            if numbers is not None:
                rows[kind].append((item, *rows_of(item, numbers)))
    jobs = []
    for kind, outputs, settings in (
        ("persons", PERSON_OUTPUTS, PERSONS),
        ("amounts", MONEY_ROLES, AMOUNTS),
        ("rivals", ("rival", "other"), RIVALS),
        ("clauses", HEADS, CLAUSES),
    ):
        inputs, targets = np.vstack([n for _, n, _ in rows[kind]]), np.vstack([t for _, _, t in rows[kind]])
        for part in parts_of([item for item, _, _ in rows[kind]], [len(n) for _, n, _ in rows[kind]]):
            jobs.append(delayed(fit_network)(outputs, inputs[part], targets[part], **settings))
    networks: list[Network] = Parallel(n_jobs=WORKERS)(jobs)
    models = len(networks) // 4
    return list(zip(*(networks[k * models : (k + 1) * models] for k in range(4)), strict=True))
