"""Checks that several adapters make: freshness, base64, and comparing in constant time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import datetime

from service.inbound.hook import NotVerified, Reason

TOLERANCE = 300.0  # seconds to either side: Standard Webhooks and HubSpot both say five minutes
_WHOLE_NUMBER = re.compile(r"[0-9]{1,16}")


def decode_base64(text: str, what: str) -> bytes:
    """Strict base64. Raises NotVerified, naming `what`, for other characters or wrong padding."""
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise NotVerified(Reason.MALFORMED, what) from None


def whole_number(text: str, what: str) -> int:
    """A non-negative whole number in ASCII digits. Raises NotVerified, naming `what`, for anything else."""
    if not _WHOLE_NUMBER.fullmatch(text):
        raise NotVerified(Reason.MALFORMED, what)
    return int(text)


def check_fresh(seconds: float, now: datetime, what: str, tolerance: float = TOLERANCE) -> None:
    """Raises NotVerified when the time (Unix seconds) is more than `tolerance` seconds away from `now`."""
    age = now.timestamp() - seconds
    if age > tolerance:
        raise NotVerified(Reason.STALE, what)
    if age < -tolerance:
        raise NotVerified(Reason.FUTURE, what)


def mac(secret: bytes, content: bytes, algorithm: str = "sha256") -> bytes:
    """HMAC of the content."""
    return hmac.new(secret, content, getattr(hashlib, algorithm)).digest()


def any_equal(expected: Iterable[bytes], given: Iterable[bytes]) -> bool:
    """Whether one of the given equals one of the expected; all pairs are compared, each in constant time."""
    candidates = list(given)
    found = False
    for one in expected:
        for other in candidates:
            found |= hmac.compare_digest(one, other)
    return found
