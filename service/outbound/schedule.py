"""When to try a delivery again: pure, with time and chance handed in.

Delays are those of the Standard Webhooks specification ("Deliverability and reliability"), each with up to a fifth more by chance so that
receivers that failed together are not called together. Ten attempts over some three days; then the delivery is dead (and can be replayed).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

from service.outbound.outcome import Outcome

DELAYS: tuple[timedelta, ...] = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
MAX_ATTEMPTS = len(DELAYS) + 1
JITTER = 0.2
MAX_RETRY_AFTER = timedelta(hours=24)
THROTTLE = timedelta(minutes=1)
"""The least wait after an answer that says "under load" (429, 502, 504) and names no time itself."""
_THROTTLED = frozenset({429, 502, 504})
_RETRY_AFTER_HONOURED = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Done:
    """Delivered."""


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Try again at this time."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Disable:
    """Not delivered, and the receiver wants no more: its subscription is to be disabled."""

    reason: Literal["gone", "robot_gone"]


@dataclass(frozen=True, slots=True)
class Dead:
    """Not delivered, and not tried again unless somebody replays it."""

    reason: Literal["attempts_used_up", "url_refused", "message_refused", "analysis_unreadable"]


Decision = Done | RetryAt | Disable | Dead


def decide(outcome: Outcome, attempt: int, now: datetime, random: Callable[[], float]) -> Decision:
    """What follows an attempt (the first is 1) that ended at `now` (aware); `random` gives 0 to below 1.

    Only 2xx is success. A redirect, a client error or a server error is tried again: a receiver that was set up wrongly for a day loses
    nothing. Permanent are 410, a URL that is refused by its form, a robot that is gone and a message that a robot will never take.
    """
    if outcome.status is not None and 200 <= outcome.status < 300 and outcome.failure is None:
        return Done()
    if outcome.status == 410:
        return Disable("gone")
    if outcome.failure == "robot_gone":
        return Disable("robot_gone")
    if outcome.failure in ("url_refused", "message_refused", "analysis_unreadable"):
        return Dead(outcome.failure)
    if attempt >= MAX_ATTEMPTS:
        return Dead("attempts_used_up")
    delay = DELAYS[max(attempt, 1) - 1]
    limited = outcome.status in _RETRY_AFTER_HONOURED or outcome.failure == "rate_limited"
    asked = retry_after(outcome.retry_after, now) if limited else None
    if asked is not None:
        # Never sooner than asked; later where the schedule is later, since a short Retry-After must not use up ten attempts in a minute.
        delay = max(delay, asked)
    elif outcome.status in _THROTTLED or outcome.failure == "rate_limited":
        delay = max(delay, THROTTLE)
    return RetryAt(now + delay * (1 + JITTER * random()))


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """The wait in a `Retry-After` header (RFC 9110, 10.2.3): seconds or an HTTP date, at most 24 hours; None where it says nothing usable."""
    if value is None:
        return None
    text = value.strip()
    if re.fullmatch(r"[0-9]+", text):
        seconds = int(text) if len(text) <= 9 else int(MAX_RETRY_AFTER.total_seconds())
        return min(timedelta(seconds=seconds), MAX_RETRY_AFTER)
    # Python's date parser takes much that is no HTTP date; a real one has about 29 characters.
    if len(text) > 40 or not re.match(r"[A-Z][a-z]{2,8},? ", text):
        return None
    try:
        at = parsedate_to_datetime(text)
        wait = (at if at.tzinfo else at.replace(tzinfo=UTC)) - now
    except (ValueError, TypeError, OverflowError):
        return None
    return min(wait, MAX_RETRY_AFTER) if wait > timedelta(0) else None


@dataclass(frozen=True, slots=True)
class Pace:
    """At most `messages` in any stretch of `period`."""

    messages: int
    period: timedelta


def next_slot(sent: Sequence[datetime], now: datetime, pace: Pace) -> datetime:
    """The earliest time, not before `now`, at which one more message keeps the pace; `sent` are the times already taken, in any order.

    Times in the future count too: they are slots given to messages that wait.
    """
    taken = sorted(at for at in sent if at > now - pace.period)
    if len(taken) < pace.messages:
        return now
    return max(now, taken[-pace.messages] + pace.period)
