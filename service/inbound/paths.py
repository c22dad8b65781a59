"""A small JSONPath-like language: where in a payload a value stands.

    account.name            names, parted by dots; a leading `$.` may be written
    items[0]  items[-1]     an element of a list, from its beginning or its end
    items[*].text           the first element in which the rest is found
    form[label=拜访内容].value   the first element whose field has that value
    ["a.b"].c               a name with dots or brackets, or one that begins with $
    title | subject         the first of several paths that finds something

A value that is no list counts as a list of itself, because XML does not tell one element from a list of one. Nothing is found where a path
does not lead, or leads to null, to blank text or to an empty list or object.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_LENGTH = 500
MAX_STEPS = 20
_NAME = re.compile(r"""[^$.\[\]|"\s](?:[^.\[\]|"]*[^.\[\]|"\s])?""")
_QUOTED = re.compile(r'\["([^"\]]+)"\]')
_INDEX = re.compile(r"\[(-?\d{1,6})\]")
_ANY = re.compile(r"\[\*\]")
_WHERE = re.compile(r'\[([^\[\]=|".]+)=([^\[\]|"]+)\]')


class PathError(ValueError):
    """A path that is not written in the language; says where, and repeats only the position."""


@dataclass(frozen=True)
class Name:
    """A field of an object."""

    name: str


@dataclass(frozen=True)
class Index:
    """An element of a list, from the end if negative."""

    index: int


@dataclass(frozen=True)
class Any_:  # noqa: N801 - Any is taken
    """The first element in which the rest is found."""


@dataclass(frozen=True)
class Where:
    """The first element whose field has the value, and in which the rest is found."""

    name: str
    value: str


Step = Name | Index | Any_ | Where
Path = tuple[tuple[Step, ...], ...]


def parse_path(text: str) -> Path:
    """The alternatives of a path, each its steps. Raises PathError."""
    if len(text) > MAX_LENGTH:
        raise PathError(f"A path has at most {MAX_LENGTH} characters")
    alternatives, place = [], 0
    for part in text.split("|"):
        alternatives.append(_steps(part, place))
        place += len(part) + 1
    return tuple(alternatives)


def _steps(part: str, offset: int) -> tuple[Step, ...]:
    text = part.rstrip()
    place = len(text) - len(text.lstrip())
    if text.startswith("$", place) and text[place + 1 : place + 2] in {".", "["}:
        place += 1 + (text[place + 1] == ".")
    steps: list[Step] = []
    first = True
    while place < len(text):
        dotted = not first and text[place] == "."
        place += dotted
        step, end = _step(text, place, name=first or dotted, bracket=not dotted)
        if step is None:
            raise PathError(f"A path cannot be read from character {offset + place + 1} on")
        steps.append(step)
        place, first = end, False
    if not 1 <= len(steps) <= MAX_STEPS:
        raise PathError(f"A path has 1 to {MAX_STEPS} steps")
    return tuple(steps)


def _step(text: str, place: int, *, name: bool, bracket: bool) -> tuple[Step | None, int]:
    if name and (found := _NAME.match(text, place)):
        return Name(found[0]), found.end()
    if bracket:
        if found := _QUOTED.match(text, place):
            return Name(found[1]), found.end()
        if found := _INDEX.match(text, place):
            return Index(int(found[1])), found.end()
        if found := _ANY.match(text, place):
            return Any_(), found.end()
        if found := _WHERE.match(text, place):
            return Where(found[1].strip(), found[2].strip()), found.end()
    return None, place


def find(path: Path, payload: Any) -> Any:
    """The first value the path finds in the payload, or None."""
    return next((value for steps in path for value in _values(steps, payload)), None)


def _values(steps: tuple[Step, ...], value: Any) -> Iterator[Any]:
    if _empty(value):
        return
    if not steps:
        yield value
        return
    for inner in _inner(steps[0], value):
        yield from _values(steps[1:], inner)


def _inner(step: Step, value: Any) -> Iterator[Any]:
    if isinstance(step, Name):
        if isinstance(value, dict) and step.name in value:
            yield value[step.name]
        return
    items = value if isinstance(value, list) else [value]
    if isinstance(step, Index):
        if -len(items) <= step.index < len(items):
            yield items[step.index]
    elif isinstance(step, Any_):
        yield from items
    else:
        yield from (item for item in items if isinstance(item, dict) and scalar(item.get(step.name)) == step.value)


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or (isinstance(value, (list, dict)) and not value)


def scalar(value: Any) -> str | None:
    """A single value as text: text itself, numbers, true and false, XML text beside attributes. None for objects and lists."""
    if isinstance(value, dict):
        value = value.get("#text")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (int, float)):
        return str(value)
    return value if isinstance(value, str) else None
