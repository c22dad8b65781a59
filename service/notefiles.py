"""Reading notes from files: JSON lines, CSV (UTF-8 or GBK) and Excel; a line that cannot be read becomes a Problem in its place."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO

from openpyxl import load_workbook

from service.problems import FieldFault, Problem, invalid

COLUMNS = {
    "text": ("text", "note", "拜访记录", "拜访描述", "拜访内容", "跟进记录", "跟进内容", "记录", "内容", "备注"),
    "id": ("id", "编号", "记录编号", "序号"),
    "visited_at": ("visited_at", "拜访日期", "拜访时间", "日期", "跟进时间"),
}
"""Header names taken for each field, the first found wins."""
Item = tuple[int, dict[str, Any] | Problem]


class NoteFileError(Exception):
    """The file as a whole cannot be read; the message says why."""


def _json_lines(lines: Iterator[bytes]) -> Iterator[Item]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
        except UnicodeDecodeError:
            yield number, invalid([FieldFault(field="line", message="The line is not UTF-8")])
        except (ValueError, RecursionError):
            yield number, invalid([FieldFault(field="line", message="The line is not valid JSON")])
        else:
            if isinstance(value, dict):
                yield number, {k: v for k, v in value.items() if k in COLUMNS}
            else:
                yield number, invalid([FieldFault(field="line", message="The line is not a JSON object")])


def _columns(header: list[str]) -> dict[str, int]:
    """Field to column number. Raises NoteFileError where no column holds the text."""
    names = [str(h or "").strip() for h in header]
    found = {
        field: next(names.index(n) for n in accepted if n in names) for field, accepted in COLUMNS.items() if set(accepted) & set(names)
    }
    if "text" not in found:
        raise NoteFileError(f"No column for the note's text: expected one of {', '.join(COLUMNS['text'])}")
    return found


def _row(cells: list[Any], columns: dict[str, int]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for field, index in columns.items():
        value = cells[index] if index < len(cells) else None
        if value is None or value == "":
            continue
        if isinstance(value, datetime):
            value = value.date()
        out[field] = value if isinstance(value, date) else str(value)
    out.setdefault("text", "")
    return out


def _csv(raw: bytes) -> Iterator[Item]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = raw.decode("gb18030")
        except UnicodeDecodeError:
            raise NoteFileError("The file is neither UTF-8 nor GBK") from None
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = next(reader, None)
        if header is None:
            raise NoteFileError("The file is empty")
        columns = _columns(header)
        for cells in reader:
            if any(c.strip() for c in cells):
                yield reader.line_num, _row(list(cells), columns)
    except csv.Error as error:
        raise NoteFileError(f"The file is not valid CSV near line {reader.line_num}") from error


def _xlsx(path: Path) -> Iterator[Item]:
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except Exception as error:
        raise NoteFileError("The file is not an Excel workbook (.xlsx)") from error
    try:
        rows = book.worksheets[0].iter_rows(values_only=True)
        header = next(rows, None)
        if header is None:
            raise NoteFileError("The first sheet is empty")
        columns = _columns([str(h or "") for h in header])
        for number, cells in enumerate(rows, 2):
            if any(c not in (None, "") for c in cells):
                yield number, _row(list(cells), columns)
    finally:
        book.close()


def read_notes(path: Path | None, standard_input: BinaryIO) -> Iterator[Item]:
    """(line or row number, the note's fields or the problem with the line); None reads JSON lines from standard input.

    Raises NoteFileError where the file as a whole cannot be read.
    """
    if path is None:
        yield from _json_lines(iter(standard_input))
        return
    if not path.is_file():
        raise NoteFileError(f"There is no file {path}")
    suffix = path.suffix.lower()
    if suffix == ".csv":
        yield from _csv(path.read_bytes())
    elif suffix == ".xlsx":
        yield from _xlsx(path)
    elif suffix in (".jsonl", ".ndjson", ".json"):
        with path.open("rb") as lines:
            yield from _json_lines(lines)
    else:
        raise NoteFileError(f"{suffix or 'no ending'}: expected .jsonl, .csv or .xlsx")
