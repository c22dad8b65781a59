"""Named features of neighbours in a row (characters, gaps between words), where what one reads the next one reads at another offset.

A feature's name is a prefix and a value, as in bags.py: training spells the names out, a note looks each value up once for all the prefixes it is
read behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, repeat
from sys import intern
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Window:
    """Values read at several offsets: feature `prefix` of item i is the value at i + offsets[prefix]."""

    values: Sequence[str]
    offsets: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Coded:
    """Values of small alphabets by their codes: feature `prefix` of item i is `alphabets[prefix][codes[k, i]]`, where prefix is the k-th."""

    alphabets: Mapping[str, Sequence[str]]
    codes: NDArray[np.intp]


def spelt_items(windows: Sequence[Window | Coded], items: int) -> list[list[str]]:
    """The names of each item's features."""
    columns: list[list[str]] = []
    for w in windows:
        if isinstance(w, Coded):
            for (prefix, alphabet), codes in zip(w.alphabets.items(), w.codes.tolist(), strict=True):
                columns.append([prefix + alphabet[code] for code in codes])
        else:
            columns += [[prefix + value for value in w.values[offset : offset + items]] for prefix, offset in w.offsets.items()]
    return [list(names) for names in zip(*columns, strict=True)]


def tables_of(vocabulary: Mapping[str, int], prefixes: Iterable[str]) -> dict[str, dict[str, int]]:
    """Of each prefix the values known behind it, with their rows; a name may stand in the tables of several prefixes."""
    tables: dict[str, dict[str, int]] = {prefix: {} for prefix in prefixes}
    sizes = sorted({len(prefix) for prefix in tables})
    for name, row in vocabulary.items():
        for size in sizes:
            table = tables.get(name[:size])
            if table is not None:
                table[intern(name[size:])] = row  # the models' tables hold much the same words
    return tables


def unclaimed(vocabulary: Mapping[str, int], prefixes: Sequence[str]) -> dict[str, int]:
    """The vocabulary's names that begin with none of the prefixes."""
    begins = tuple(prefixes)
    return {name: row for name, row in vocabulary.items() if not name.startswith(begins)}


class WindowWeights:
    """A vocabulary's weights for windows: a value is looked up once for all the prefixes it is read behind, and what they weigh lies together.

    Holds the vocabulary's entries only. What is not known weighs nothing. The alphabets of Coded are the same ones at every call.
    """

    def __init__(self, vocabulary: Mapping[str, int], weights: NDArray[Any], families: Sequence[Sequence[str]]) -> None:
        """`weights` [rows, columns] by the vocabulary's rows; `families`: the prefixes of each Window, in order. No name of Coded begins with one of them."""
        weights = np.vstack([weights, np.zeros((1, weights.shape[1]), weights.dtype)])
        self._alphabets: tuple[NDArray[Any], NDArray[Any]] | None = None
        self._families: list[tuple[dict[str, int], NDArray[Any]]] = []
        known = tables_of(vocabulary, chain.from_iterable(families))
        for family in families:
            tables = [known[prefix] for prefix in family]
            values = {value: i for i, value in enumerate(dict.fromkeys(chain.from_iterable(tables)))}
            rows = [[table.get(value, -1) for table in tables] for value in values] + [[-1] * len(family)]
            self._families.append((values, weights[np.array(rows)]))
        rest = unclaimed(vocabulary, [*chain.from_iterable(families)])
        self._rest = {name: i for i, name in enumerate(rest)}
        self._weights = weights[[*rest.values(), -1]]

    def _of_alphabets(self, coded: Coded) -> tuple[NDArray[Any], NDArray[Any]]:
        """(what each value weighs, alphabet below alphabet; where each alphabet begins)."""
        if self._alphabets is None:
            names = [prefix + value for prefix, alphabet in coded.alphabets.items() for value in alphabet]
            begins = np.array([*accumulate(map(len, coded.alphabets.values()), initial=0)][:-1])[:, None]
            self._alphabets = self._weights[[self._rest.get(name, -1) for name in names]], begins
        return self._alphabets

    def sums(self, windows: Sequence[Window], items: int, coded: Coded | None = None) -> NDArray[Any]:
        """[items, columns]: the weights of each item's features added up."""
        if coded is None:
            out = np.zeros((items, self._weights.shape[1]), self._weights.dtype)
        else:
            weights, begins = self._of_alphabets(coded)
            out = weights.take(coded.codes + begins, axis=0).sum(axis=0)
        for window, (values, weights) in zip(windows, self._families, strict=True):
            at = np.fromiter(map(values.get, window.values, repeat(len(values))), np.intp, len(window.values))
            found = weights.take(at, axis=0)
            for k, offset in enumerate(window.offsets.values()):
                out += found[offset : offset + items, k]
        return out
