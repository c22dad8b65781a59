"""Ids: a prefix that says what is named, then a time-ordered 128-bit number, so that later ids sort after earlier ones."""

from __future__ import annotations

import secrets
from datetime import datetime

PATTERN = r"^{prefix}_[0-9a-f]{{32}}$"
"""Form of an id, to be filled with its prefix; nothing else is ever looked up."""


def pattern(prefix: str) -> str:
    """The regular expression of ids with this prefix."""
    return PATTERN.format(prefix=prefix)


def new_id(prefix: str, now: datetime) -> str:
    """A new id: 48 bits of milliseconds since 1970, then 80 random bits (the split of UUIDv7, without its version bits)."""
    return f"{prefix}_{(int(now.timestamp() * 1000) << 80) | secrets.randbits(80):032x}"
