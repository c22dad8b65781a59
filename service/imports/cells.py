"""What the readers of files share: cells, rows, and what is wrong with a file or one row of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

Cell = str | date | None
"""A cell: text, or a day where the file itself says that it is one."""


class FileError(Exception):
    """The file as a whole cannot be read; the message, for a person, says why and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class RowFault:
    """Why a row cannot become a note."""

    field: str
    message: str


Row = tuple[int, list[Cell] | RowFault]


def shown(cell: Cell) -> str:
    """A cell as text."""
    return "" if cell is None else cell.isoformat() if isinstance(cell, date) else cell
