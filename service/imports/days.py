"""The day of a visit from a cell, in the forms that exports use. Which of day and month comes first, the whole column tells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from service.imports.cells import Cell
from service.inbound.dates import read_date

Order = Literal["dmy", "mdy"]
ZONE = ZoneInfo("Asia/Shanghai")
_COMPACT = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)(?:\d{4}|\d{6})?")
_SERIAL = re.compile(r"[2-7]\d{4}(?:\.\d+)?")
_EXCEL_EPOCH = date(1899, 12, 30)
_YEAR_LAST = re.compile(r"(\d{1,2})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{4}|\d\d)(?:[\sT,]+\d.*)?")
_SHORT_YEAR = re.compile(r"(\d\d)\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAME = re.compile(
    rf"(?:(?P<d1>\d{{1,2}})[\s-]+)?(?P<m>{'|'.join(_MONTHS)})[a-z]*\.?[\s-]+(?:(?P<d2>\d{{1,2}}),?\s+)?(?P<y>\d{{4}})(?:\s+\d.*)?"
)
_WEEKDAY = re.compile(r"[\s（(]*(?:星期|周)[一二三四五六日天][)）]*")


def read_day(cell: Cell, order: Order) -> date:
    """The day, in China's time where the cell names a moment. Raises ValueError, which says nothing of the cell."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return _possible(cell)
    text = _WEEKDAY.sub(" ", (cell or "").strip()).strip().replace("号", "日")
    for form in (_compact, _serial, _named, lambda t: _year_last(t, order), _short_year):
        found = form(text)
        if found is not None:
            return _possible(found)
    return read_date(text, "auto", ZONE).date()


def _possible(day: date) -> date:
    if not 1990 <= day.year <= 2100:
        raise ValueError("not a date between 1990 and 2100")
    return day


def _compact(text: str) -> date | None:
    found = _COMPACT.fullmatch(text)
    return date(int(found[1]), int(found[2]), int(found[3])) if found else None


def _serial(text: str) -> date | None:
    return _EXCEL_EPOCH + timedelta(days=int(float(text))) if _SERIAL.fullmatch(text) else None


def _named(text: str) -> date | None:
    found = _MONTH_NAME.fullmatch(text.lower())
    if found is None or bool(found["d1"]) == bool(found["d2"]):
        return None
    return date(int(found["y"]), _MONTHS.index(found["m"]) + 1, int(found["d1"] or found["d2"]))


def _year_last(text: str, order: Order) -> date | None:
    found = _YEAR_LAST.fullmatch(text)
    if found is None:
        return None
    first, second, year = int(found[1]), int(found[2]), int(found[3])
    year += 2000 if year < 100 else 0
    return date(year, second, first) if order == "dmy" else date(year, first, second)


def _short_year(text: str) -> date | None:
    found = _SHORT_YEAR.fullmatch(text)
    return date(2000 + int(found[1]), int(found[2]), int(found[3])) if found else None


def order_of(cells: Sequence[Cell]) -> Order:
    """Day first where some cell cannot be read otherwise; else month first, as Excel writes short dates in most of its languages' exports."""
    for cell in cells:
        found = _YEAR_LAST.fullmatch(cell.strip()) if isinstance(cell, str) else None
        if found is not None and int(found[1]) > 12:
            return "dmy"
    return "mdy"


def share_of_days(cells: Sequence[Cell]) -> float:
    """How many of these cells are dates, 0 to 1."""
    order = order_of(cells)

    def is_day(cell: Cell) -> bool:
        try:
            read_day(cell, order)
        except ValueError:
            return False
        return True

    return sum(map(is_day, cells)) / len(cells) if cells else 0.0
