"""Reading models/lexicons: data files, one entry a line, `#` begins a comment line, columns parted by tabs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from sys import intern
from typing import NamedTuple

LEXICONS = Path(__file__).parent / "lexicons"


class Frame(NamedTuple):
    """Every one of `heads` with every one of `tails`, in `group`."""

    group: str
    heads: tuple[str, ...]
    tails: tuple[str, ...]


def _read(name: str) -> Iterator[tuple[str, ...]]:
    lines = (LEXICONS / name).read_text("utf-8").splitlines()
    return (tuple(line.split("\t")) for line in lines if line.strip() and not line.startswith("#"))


@cache
def rows(name: str) -> tuple[tuple[str, ...], ...]:
    """The entries of one lexicon file, a tuple of columns each.

    Raises FileNotFoundError where there is no such lexicon.
    """
    return tuple(_read(name))


@cache
def words(name: str) -> frozenset[str]:
    """The first column of a lexicon file."""
    return frozenset(row[0] for row in rows(name))


@cache
def grouped(name: str) -> dict[str, tuple[str, ...]]:
    """A two-column lexicon (group, words parted by spaces) as group to words; a group may stand on several lines."""
    out: dict[str, tuple[str, ...]] = {}
    for group, entries in _read(name):
        out[group] = out.get(group, ()) + tuple(entries.split())
    return out


def frames(name: str) -> list[Frame]:
    """A three-column lexicon: group, heads, tails, words parted by spaces."""
    return [Frame(group, *(tuple(map(intern, words.split())) for words in parts)) for group, *parts in _read(name)]


def columns(name: str) -> dict[str, int]:
    """Each group of a two-column lexicon to the column it has where groups are counted."""
    return {group: column for column, group in enumerate(sorted(grouped(name)))}
