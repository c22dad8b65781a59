"""How many requests a key may make: one token bucket a key, in the memory of this process."""

from __future__ import annotations

import threading
from collections.abc import Callable

MOST_KEYS = 10_000
"""Buckets kept; above that the full ones, which say nothing, are dropped."""


class RateLimit:
    """Token buckets: `burst` requests at once, refilled at `per_minute`. `monotonic` is a clock in seconds."""

    def __init__(self, per_minute: int, burst: int, monotonic: Callable[[], float]) -> None:
        self._rate, self._burst, self._monotonic = per_minute / 60, float(burst), monotonic
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, key_id: str) -> float:
        """Take one request; 0 where it is allowed, else the seconds until the next one is."""
        with self._lock:
            now = self._monotonic()
            if len(self._buckets) >= MOST_KEYS and key_id not in self._buckets:
                self._buckets = {k: b for k, b in self._buckets.items() if self._filled(b, now) < self._burst}
            tokens = self._filled(self._buckets.get(key_id, (self._burst, now)), now)
            allowed = tokens >= 1 - 1e-9  # who waited the seconds told must not fail by a rounding
            self._buckets[key_id] = (max(0.0, tokens - allowed), now)
            return 0.0 if allowed else (1 - tokens) / self._rate

    def _filled(self, bucket: tuple[float, float], now: float) -> float:
        tokens, at = bucket
        return min(self._burst, tokens + (now - at) * self._rate)
