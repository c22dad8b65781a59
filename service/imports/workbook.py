"""Excel workbooks (.xlsx), read row by row; what would unpack to far more than it is, is refused before it is unpacked."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any, BinaryIO
from xml.parsers import expat

from openpyxl import load_workbook

from service.imports.cells import Cell, FileError, Row

MOST_UNPACKED = 1 << 30
MOST_TIMES = 200
"""A workbook of notes unpacks to some 5 to 20 times its size."""
MOST_MEMBERS = 2_000
COLUMNS_READ = 201
WIDTH_WITHIN = 50
"""The sheet is as wide as its first rows: a row is handed out filled up to its width, which is slow where that is not needed."""


def check(file: BinaryIO) -> None:
    """Raises FileError where this is no workbook, or a zip bomb. zipfile reads no member further than the size that is declared here."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            declares = _too_much(members) is None and any(
                _has_doctype(archive, m) for m in members if m.filename.endswith((".xml", ".rels"))
            )
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError):
        raise FileError("这不是 Excel 工作簿（.xlsx），或者文件坏了") from None
    except RuntimeError:
        raise FileError("文件有密码，请另存为没有密码的 .xlsx") from None
    if reason := _too_much(members):
        raise FileError(reason)
    if declares:
        raise FileError("文件里有不允许的声明，没有读取")


def _too_much(members: list[zipfile.ZipInfo]) -> str | None:
    unpacked, packed = sum(m.file_size for m in members), sum(m.compress_size for m in members)
    if len(members) > MOST_MEMBERS or unpacked > MOST_UNPACKED or unpacked > MOST_TIMES * max(packed, 10_000):
        return "文件解压后太大，没有读取"
    return None


def _has_doctype(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    """Whether the part declares a document type, as no workbook does: entities that grow are declared there. Looks no further than the root."""
    seen: list[str] = []
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = lambda *_: seen.append("doctype")
    parser.StartElementHandler = lambda *_: seen.append("root")
    with archive.open(member) as part:
        while not seen and (piece := part.read(4096)):
            try:
                parser.Parse(piece, False)
            except expat.ExpatError:
                return False  # whoever reads it finds it broken
    return seen[:1] == ["doctype"]


def read(file: BinaryIO) -> Iterator[Row]:
    """The rows of the first sheet that can be seen, numbered as Excel does. Raises FileError."""
    check(file)
    try:
        book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        sheet = next((s for s in book.worksheets if s.sheet_state == "visible"), None)
        if sheet is None:
            raise FileError("工作簿里没有工作表")
        sheet.reset_dimensions()  # some programs write a wrong size, and rows beyond it would be lost
        first = sheet.iter_rows(max_row=WIDTH_WITHIN, max_col=COLUMNS_READ, values_only=True)
        width = max((i for cells in first for i, c in enumerate(cells, 1) if c is not None), default=1)
        for number, cells in enumerate(sheet.iter_rows(values_only=True, max_col=width), 1):
            yield number, [_cell(c) for c in cells]
    except (FileError, GeneratorExit):
        raise
    except Exception as error:  # the library raises what it likes on a broken file; a database's error cannot come from here
        raise FileError("这不是 Excel 工作簿（.xlsx），或者文件坏了") from error


def _cell(value: Any) -> Cell:
    if isinstance(value, datetime):
        return value.date()
    if value is None or isinstance(value, (str, date)):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))  # Excel has no whole numbers
    return value.isoformat() if isinstance(value, time) else None if isinstance(value, bool) else str(value)
