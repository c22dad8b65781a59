"""Named features and the rows they have in a vocabulary.

A feature's name is a prefix and a value ("w" + 预算). Features are told as groups of values behind one prefix and only training spells the names
out: a note looks its values up in one table a prefix, so that a word is hashed once a note and no name is put together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat

import numpy as np
from numpy.typing import NDArray

Group = tuple[str, Sequence[str]]
"""A prefix and the values behind it: several of one item, or (a column) one of each of several items."""


def spelt(groups: Iterable[Group]) -> list[str]:
    """The names of one item's features."""
    return [prefix + value for prefix, values in groups for value in values]


def spelt_columns(columns: Sequence[Group]) -> list[list[str]]:
    """The names of each item's features, one of every column."""
    return [list(names) for names in zip(*([prefix + value for value in values] for prefix, values in columns), strict=True)]


class Lookup:
    """Rows of a vocabulary by prefix and value. Holds the vocabulary's entries only, never a note's words.

    A name may be read with several of the prefixes ("sq" + x as "s" + qx): it then stands in the table of each.
    """

    def __init__(self, vocabulary: Mapping[str, int], prefixes: Sequence[str]) -> None:
        self.missing = len(vocabulary)
        self._tables: dict[str, dict[str, int]] = {prefix: {} for prefix in prefixes}
        sizes = sorted({len(prefix) for prefix in prefixes})
        for name, row in vocabulary.items():
            for size in sizes:
                table = self._tables.get(name[:size])
                if table is not None:
                    table[name[size:]] = row

    def rows(self, groups: Iterable[Group]) -> list[int]:
        """The rows of one item's features that are known, each once."""
        rows: set[int | None] = set()
        tables = self._tables
        for prefix, values in groups:
            rows.update(map(tables[prefix].get, values))
        rows.discard(None)
        return list(rows)  # type: ignore[arg-type]

    def columns(self, columns: Sequence[Group]) -> NDArray[np.intp]:
        """[columns, items]: the row of each value, `missing` where it is not known."""
        items = len(columns[0][1])
        found = chain.from_iterable(map(self._tables[prefix].get, values, repeat(self.missing)) for prefix, values in columns)
        return np.fromiter(found, np.intp, len(columns) * items).reshape(len(columns), items)
