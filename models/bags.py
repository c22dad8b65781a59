"""Named features of a note's items (clauses, persons, amounts), a kind at a time: looked up and added up for all items at once.

A feature's name is a prefix and a value ("w" + 预算). Training spells the names out; a note looks its values up in one table a prefix, so that a word is
hashed once a note, no name is put together, and what it weighs for its own item and for the neighbours lies together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.features import tables_of, unclaimed

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Bag:
    """Values of one kind: item i has the next `counts[i]` of them, each a feature `prefixes[0]` + value, once.

    With three prefixes they are features of the neighbours too: `prefixes[1]` + value of the item after, `prefixes[2]` + value of the item before.
    The prefix "" stands before values that are whole names.
    """

    prefixes: tuple[str, ...]
    values: Sequence[str]
    counts: Sequence[int]


@dataclass(frozen=True, slots=True)
class Items:
    """The features of a note's items, `size` of them; `joined[i]`: items i and i + 1 read each other's values."""

    size: int
    bags: Sequence[Bag]
    joined: Sequence[bool] = ()


def spelt(items: Items) -> list[list[str]]:
    """The names of each item's features."""
    out: list[list[str]] = [[] for _ in range(items.size)]
    for bag in items.bags:
        edges = list(accumulate(bag.counts, initial=0))
        for i in range(items.size):
            values = bag.values[edges[i] : edges[i + 1]]
            readers = [(0, i)]
            if len(bag.prefixes) == 3:
                readers += [(1, i + 1)] if i + 1 < items.size and items.joined[i] else []
                readers += [(2, i - 1)] if i and items.joined[i - 1] else []
            for k, reader in readers:
                out[reader] += [bag.prefixes[k] + value for value in values]
    return out


def in_a_row(each: Sequence[Items]) -> Items:
    """The items of several notes, whose bags are of the same kinds, one note after the other."""
    if len(each) == 1:
        return each[0]
    bags = [
        Bag(same[0].prefixes, list(chain.from_iterable(bag.values for bag in same)), list(chain.from_iterable(bag.counts for bag in same)))
        for same in zip(*(items.bags for items in each), strict=True)
    ]
    joined = list(chain.from_iterable((*items.joined, False) for items in each))
    return Items(sum(items.size for items in each), bags, joined[:-1])


class BagWeights:
    """A vocabulary's weights for items of bags. Holds the vocabulary's entries only, never a note's words; what is not known weighs nothing."""

    def __init__(self, vocabulary: Mapping[str, int], weights: NDArray[np.float32], families: Sequence[tuple[str, ...]]) -> None:
        """`weights` [rows, columns] by the vocabulary's rows; `families`: the prefixes of the bags, those of one prefix first. A name that begins with one
        of them is no whole name."""
        self._tables: dict[tuple[str, ...], Mapping[str, int]] = {}
        padded = np.vstack([weights, np.zeros((1, weights.shape[1]), weights.dtype)])
        prefixes = [prefix for prefix in chain.from_iterable(families) if prefix]
        known = {**tables_of(vocabulary, prefixes), "": unclaimed(vocabulary, prefixes)}
        kept = sorted({row for family in families if len(family) == 1 for row in known[family[0]].values()})
        places = {row: place for place, row in enumerate(kept)}
        self._own = padded[[*kept, -1]]  # a row of three prefixes stands in `_beside` alone
        unknown = len(kept)
        triples: list[list[int]] = []
        for family in families:
            tables = [known[prefix] for prefix in family]
            if len(family) == 1:
                self._tables[family] = {value: places[row] for value, row in tables[0].items()}
            else:  # numbered on from the rows of `_own`
                values = dict.fromkeys(chain.from_iterable(tables))
                self._tables[family] = {value: unknown + 1 + len(triples) + k for k, value in enumerate(values)}
                triples += [[table.get(value, len(weights)) for table in tables] for value in values]
        self._beside = padded[np.array([*triples, [len(weights)] * 3])] if triples else None
        self._unknown = [unknown, unknown + 1 + len(triples)] if triples else [unknown]

    def _each_once(self, bags: Sequence[Bag], size: int) -> tuple[Rows, Rows]:
        """(rows, each item's begin among them): the known values' rows of each item once, first of the bags of one prefix, then of those of three.

        An unknown row is among them, so that no item is empty.
        """
        sides = len(self._unknown)
        total = self._unknown[-1] + 1
        begins = np.arange(0, sides * size * total, total)
        counts = np.array([*(bag.counts for bag in bags), *([[1] * size] * sides)])
        sided = [*(int(len(bag.prefixes) == 3) for bag in bags), *range(sides)]
        keys = begins.reshape(sides, size).take(sided, axis=0).repeat(counts.ravel())
        found = chain.from_iterable(
            map(self._tables[bag.prefixes].get, bag.values, repeat(self._unknown[len(bag.prefixes) == 3])) for bag in bags
        )
        keys += np.fromiter(chain(found, *(repeat(unknown, size) for unknown in self._unknown)), np.intp, len(keys))
        keys.sort()
        new = np.empty(len(keys), np.bool_)
        new[0] = True
        np.not_equal(keys[1:], keys[:-1], out=new[1:])
        keys = keys[new]
        return keys % total, keys.searchsorted(begins)

    def sums(self, items: Items) -> NDArray[Any]:
        """[items, columns]: the weights of each item's features added up."""
        rows, begins = self._each_once(items.bags, items.size)
        if self._beside is None:
            return np.add.reduceat(self._own.take(rows, axis=0), begins, axis=0)
        own = int(begins[items.size])
        out: NDArray[Any] = np.add.reduceat(self._own.take(rows[:own], axis=0), begins[: items.size], axis=0)
        besides = self._beside.take(rows[own:] - len(self._own), axis=0)
        beside = np.add.reduceat(besides, begins[items.size :] - own, axis=0)
        joined = np.array(items.joined, dtype=out.dtype)[:, None]
        out += beside[:, 0]
        out[1:] += beside[:-1, 1] * joined
        out[:-1] += beside[1:, 2] * joined
        return out

    def sums_of_names(self, features: Sequence[Sequence[str]]) -> NDArray[Any]:
        """[items, columns] for items, one or more, whose features are whole names: what persons and amounts have."""
        named = [dict.fromkeys((*item, "")) for item in features]
        rows = np.fromiter(map(self._tables[("",)].get, chain.from_iterable(named), repeat(self._unknown[0])), np.intp)
        begins = [*accumulate(map(len, named), initial=0)][:-1]
        return np.add.reduceat(self._own.take(rows, axis=0), begins, axis=0)
