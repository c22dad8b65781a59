"""When a visit was, from the ways CRMs write it: seconds or milliseconds since 1970, ISO 8601, 2026/11/24 14:30, 2026年11月24日."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

_NUMBER = re.compile(r"-?\d{9,14}(?:\.0*)?")
_MILLISECONDS_FROM = 100_000_000_000  # as milliseconds, March 1973; as seconds, the year 5138
_WRITTEN = re.compile(
    r"(?P<year>\d{4})\s*[-/.年]\s*(?P<month>\d{1,2})\s*[-/.月]\s*(?P<day>\d{1,2})\s*日?"
    r"(?:[\sT]*(?P<hour>\d{1,2})\s*[:：时点]\s*(?P<minute>\d{1,2})\s*分?(?:\s*[:：]?\s*(?P<second>\d{1,2})(?:\.\d+)?\s*秒?)?)?"
)
_YEARS = range(1990, 2101)


def read_date(text: str, written: str, zone: ZoneInfo) -> datetime:
    """The moment, in `zone`. `written` is `auto`, `iso`, `seconds`, `milliseconds` or a strptime format; a time without a zone of its own is
    in `zone`, a day without a time is its beginning. Raises ValueError, which says nothing of the text."""
    moment = _read(text.strip(), written)
    if moment.year not in _YEARS:
        raise ValueError("not a date between 1990 and 2100")
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


def _read(text: str, written: str) -> datetime:
    try:
        if written == "seconds":
            return _since_1970(float(text))
        if written == "milliseconds":
            return _since_1970(float(text) / 1000)
        if written == "iso":
            return datetime.fromisoformat(text)
        return _auto(text) if written == "auto" else datetime.strptime(text, written)
    except (ValueError, OverflowError):
        raise ValueError("not a date as the mapping expects it") from None


def _since_1970(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except OSError:
        raise ValueError from None


def _auto(text: str) -> datetime:
    if _NUMBER.fullmatch(text):
        number = float(text)
        return _since_1970(number / 1000 if abs(number) >= _MILLISECONDS_FROM else number)
    if found := _WRITTEN.fullmatch(text):
        parts = {name: int(value or 0) for name, value in found.groupdict().items()}
        return datetime(**parts)  # type: ignore[arg-type]
    return datetime.fromisoformat(text)
