"""Sheets of a workbook: a bold header that stays in sight, widths by content, and no text that is ever run as a formula."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from service.notes.exporting import cell

WIDEST = 60
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
"""Characters that a workbook's XML cannot hold."""


def safe(value: Any) -> Any:
    """A value as it may stand in a cell."""
    return cell(_NOT_IN_XML.sub("", value)) if isinstance(value, str) else value


def add_sheet(book: Workbook, title: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> Worksheet:
    """A new sheet with a table."""
    sheet: Worksheet = book.create_sheet(title)
    for values in (header, *rows):
        sheet.append([safe(v) for v in values])
    for one in sheet[1]:
        one.font, one.fill = Font(bold=True), PatternFill("solid", fgColor="E6EEFB")
    sheet.freeze_panes = "A2"
    for number in range(1, len(header) + 1):
        longest = max(_width(row[number - 1].value) for row in sheet.iter_rows())
        sheet.column_dimensions[get_column_letter(number)].width = min(WIDEST, longest + 2)
        if longest > WIDEST:
            for (one,) in sheet.iter_rows(min_row=2, min_col=number, max_col=number):
                one.alignment = Alignment(wrap_text=True, vertical="top")
    return sheet


def _width(value: Any) -> int:
    """Columns a value takes: a Chinese character takes two."""
    return sum(2 if ord(c) > 0x2E7F else 1 for c in str(value if value is not None else ""))
