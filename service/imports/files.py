"""The rows of an exported file, one at a time, whatever its form: .xlsx, .csv (tabs and semicolons too), .jsonl."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import chain, islice
from typing import BinaryIO

from service.imports import delimited, json_lines, workbook
from service.imports.cells import Cell, FileError, Row, RowFault, shown

HEADER_WITHIN = 10
"""Titles and blank lines may stand above the header; it is looked for in so many rows."""
MOST_COLUMNS = 200
KINDS = ("xlsx", "csv", "jsonl")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file's columns and the rows under them. Rows are numbered from 1 as a spreadsheet or editor numbers them."""

    columns: list[str]
    rows: Iterator[Row]


def kind_of(file: BinaryIO, name: str) -> str:
    """xlsx, csv or jsonl: by content where that tells, else by the name's ending. Raises FileError."""
    file.seek(0)
    begin = file.read(8)
    if zipfile.is_zipfile(file) or begin[:2] == b"PK":
        return "xlsx"
    if begin[:4] == b"\xd0\xcf\x11\xe0":
        raise FileError("这是旧格式的 Excel（.xls）或加密的文件，请另存为没有密码的 .xlsx")
    ending = name.rsplit(".", 1)[-1].lower()
    if ending in ("jsonl", "ndjson", "json"):
        return "jsonl"
    if ending in ("csv", "txt", "tsv"):
        return "csv"
    raise FileError("只能导入 .xlsx、.csv 或 .jsonl 文件")


def open_sheet(file: BinaryIO, kind: str) -> Sheet:
    """The file's columns; its rows are read as they are asked for. Raises FileError, also while rows are read."""
    file.seek(0)
    if kind == "jsonl":
        columns, rows = json_lines.read(file)
        return Sheet(_named(columns), rows)
    rows = workbook.read(file) if kind == "xlsx" else delimited.read(file)
    first = list(islice(rows, HEADER_WITHIN))
    at = _header(first)
    header = first[at][1]
    assert isinstance(header, list)
    width = max((len(cells) for _, cells in first if isinstance(cells, list)), default=0)
    names = [shown(c) for c in header] + [""] * (width - len(header))
    if width > MOST_COLUMNS:
        raise FileError(f"列太多：最多 {MOST_COLUMNS} 列")
    return Sheet(_named(names), _filled(chain(first[at + 1 :], rows)))


def _header(first: list[Row]) -> int:
    """The place of the header: the first row nearly as full as the fullest of the first rows, so that a title above is passed over."""
    full = [sum(1 for c in cells if shown(c).strip()) if isinstance(cells, list) else 0 for _, cells in first]
    if not any(full):
        raise FileError("文件是空的")
    return next(i for i, n in enumerate(full) if n >= 0.6 * max(full))


def _filled(rows: Iterator[Row]) -> Iterator[Row]:
    for number, cells in rows:
        if not isinstance(cells, list) or any(shown(c).strip() for c in cells):
            yield number, cells


def _named(columns: list[str]) -> list[str]:
    """Columns without a name get their place for one."""
    return [" ".join(c.split())[:200] or f"第 {i} 列" for i, c in enumerate(columns, 1)]


@dataclass(frozen=True, slots=True)
class Sample:
    """The first rows of a file: `values[i]` are those of column i that are not blank."""

    columns: list[str]
    values: list[list[Cell]]
    rows: int


def sample(file: BinaryIO, kind: str, rows: int = 200) -> Sample:
    """What the first rows hold. Raises FileError, also where the file has no row under its header."""
    sheet = open_sheet(file, kind)
    values: list[list[Cell]] = [[] for _ in sheet.columns]
    read = 0
    for _, cells in islice(sheet.rows, rows):
        read += 1
        if isinstance(cells, RowFault):
            continue
        for i, cell in enumerate(cells[: len(values)]):
            if isinstance(cell, date) or shown(cell).strip():
                values[i].append(cell)
    if not read:
        raise FileError("表头下面没有内容")
    return Sample(sheet.columns, values, read)
