"""From a file's row to what is staged: cells by their matching, checked field by field."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from models.text import normalize
from service.imports.cells import Cell, RowFault, shown
from service.imports.days import Order, read_day
from service.imports.guessing import FIELD_WORDS, Field

Unknown = Literal["create", "refuse"]
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Matching:
    """Which column is which field, whether day or month stands first in a date, and whether unknown people and teams are made or refused."""

    fields: dict[Field, int]
    order: Order
    unknown: Unknown

    def as_json(self) -> dict[str, Any]:
        """The form in which it is stored."""
        return asdict(self)


def stage(cells: list[Cell], matching: Matching, note_limit: int, today: date) -> dict[str, Any] | RowFault:
    """Values of an ImportRow, or why the row becomes no note."""
    by_field = {field: cells[i] if i < len(cells) else None for field, i in matching.fields.items()}
    text = shown(by_field.pop("text")).strip()
    if not text or not normalize(text).text.strip():
        return RowFault("text", "拜访记录是空的")
    if len(text) > note_limit:
        return RowFault("text", f"拜访记录有 {len(text)} 字，最多 {note_limit} 字")
    if "\x00" in text:
        return RowFault("text", "拜访记录里有不能保存的字符")
    day = today
    if "visited_at" in by_field:
        cell = by_field.pop("visited_at")
        if not shown(cell).strip():
            return RowFault("visited_at", "没有拜访日期")
        try:
            day = read_day(cell, matching.order)
        except (ValueError, OverflowError):
            return RowFault("visited_at", "日期看不懂")
    out: dict[str, Any] = {"text": text, "visited_at": day}
    for field, cell in by_field.items():
        value = " ".join(shown(cell).split())
        if len(value) > LONGEST_NAME or "\x00" in value:
            return RowFault(field, f"{FIELD_WORDS[field]}太长，最多 {LONGEST_NAME} 字")
        out[field] = value or None
    return out
