"""Notes as JSON lines or CSV, row by row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from fastapi.encoders import jsonable_encoder

from service.notes.requests import analysis_fields, note_fields
from service.notes.tables import StoredAnalysis, StoredNote

Row = tuple[StoredNote, StoredAnalysis]
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a cell begins that a spreadsheet may run as a formula (OWASP, CSV Injection; the full-width forms count too)."""
NOTE_COLUMNS = ("id", "crm_id", "source", "team_id", "rep_id", "customer", "customer_id", "visited_at", "created", "revision")
ANALYSIS_COLUMNS = (
    "model_version",
    "rubric_version",
    "kind",
    "score",
    "grade",
    "kp_status",
    "outcome",
    "price_gap",
    "price_gap_percent",
    "price_gap_against",
)
HEADER = (*NOTE_COLUMNS, *ANALYSIS_COLUMNS, "objections", "text")


def cell(value: Any) -> Any:
    """A value as it may stand in a cell: a text that would be run as a formula gets an apostrophe before it. Our own numbers stay numbers."""
    return "'" + value if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def json_lines(rows: Iterable[Row]) -> Iterator[bytes]:
    """One object a line, as GET /v1/notes/{id} gives it."""
    for note, analysis in rows:
        entry = {**note_fields(note), "analysis": analysis_fields(analysis)}
        yield json.dumps(jsonable_encoder(entry), ensure_ascii=False).encode() + b"\n"


def csv_lines(rows: Iterable[Row]) -> Iterator[bytes]:
    """UTF-8 with a byte order mark, by which Excel knows the encoding; objections as type:status, parted by spaces."""
    out = io.StringIO()
    writer = csv.writer(out)
    out.write("\ufeff")
    writer.writerow(HEADER)
    yield _taken(out)
    for note, analysis in rows:
        fields = note_fields(note)
        objections = " ".join(f"{o['type']}:{o['status']}" for o in json.loads(analysis.result)["objections"])
        values = [*(fields[c] for c in NOTE_COLUMNS), *(getattr(analysis, c) for c in ANALYSIS_COLUMNS), objections, note.text]
        writer.writerow([cell(v) for v in values])
        yield _taken(out)


def _taken(out: io.StringIO) -> bytes:
    written = out.getvalue().encode()
    out.seek(0)
    out.truncate()
    return written
