"""Reading models/lexicons: data files, one entry a line, `#` begins a comment line, columns parted by tabs."""

from __future__ import annotations

from functools import cache
from pathlib import Path

LEXICONS = Path(__file__).parent / "lexicons"


@cache
def rows(name: str) -> tuple[tuple[str, ...], ...]:
    """The entries of one lexicon file, a tuple of columns each.

    Raises FileNotFoundError where there is no such lexicon.
    """
    lines = (LEXICONS / name).read_text("utf-8").splitlines()
    return tuple(tuple(line.split("\t")) for line in lines if line.strip() and not line.startswith("#"))


@cache
def words(name: str) -> frozenset[str]:
    """The first column of a lexicon file."""
    return frozenset(row[0] for row in rows(name))


@cache
def grouped(name: str) -> dict[str, tuple[str, ...]]:
    """A two-column lexicon (group, words parted by spaces) as group to words; a group may stand on several lines."""
    out: dict[str, tuple[str, ...]] = {}
    for group, entries in rows(name):
        out[group] = out.get(group, ()) + tuple(entries.split())
    return out


def columns(name: str) -> dict[str, int]:
    """Each group of a two-column lexicon to the column it has where groups are counted."""
    return {group: column for column, group in enumerate(sorted(grouped(name)))}
