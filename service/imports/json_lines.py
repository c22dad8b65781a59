"""JSON lines: one object a line; objects inside are read as `outer.inner`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from service.imports.cells import Cell, FileError, Row, RowFault

LONGEST_LINE = 1_000_000
LOOKED_AT = 200
"""The columns are the keys of so many lines."""


def read(file: BinaryIO) -> tuple[list[str], Iterator[Row]]:
    """Columns, and rows numbered as lines. Raises FileError where no line is an object."""
    keys: dict[str, None] = {}
    for seen, (_, found) in enumerate(_objects(file)):
        if seen >= LOOKED_AT:
            break
        if isinstance(found, dict):
            keys.update(dict.fromkeys(found))
    if not keys:
        raise FileError("没有一行是 JSON 对象")
    columns = list(keys)[:200]
    return columns, _rows(file, columns)


def _rows(file: BinaryIO, columns: list[str]) -> Iterator[Row]:
    for number, found in _objects(file):
        yield number, found if isinstance(found, RowFault) else [found.get(c) for c in columns]


def _objects(file: BinaryIO) -> Iterator[tuple[int, dict[str, Cell] | RowFault]]:
    file.seek(0)
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
            yield number, RowFault("row", "这一行太长")
        elif line.strip(b" \t\r\n\xef\xbb\xbf"):
            yield number, _object(line)


def _object(line: bytes) -> dict[str, Cell] | RowFault:
    try:
        found = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return RowFault("row", "这一行不是 UTF-8 编码")
    except (ValueError, RecursionError):
        return RowFault("row", "这一行不是合法的 JSON")
    if not isinstance(found, dict):
        return RowFault("row", "这一行不是 JSON 对象")
    flat: dict[str, Cell] = {}
    for key, value in found.items():
        if isinstance(value, dict):
            flat.update({f"{key}.{inner}": _cell(v) for inner, v in value.items()})
        else:
            flat[key] = _cell(value)
    return flat


def _cell(value: Any) -> Cell:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return "、".join(str(v) for v in value if isinstance(v, (str, int, float)))
    return None if isinstance(value, (bool, dict)) else str(value)
