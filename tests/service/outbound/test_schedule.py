"""What follows an attempt: tables, and properties over every status."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.outbound.outcome import Failure, Outcome
from service.outbound.schedule import DELAYS, MAX_ATTEMPTS, Dead, Disable, Done, Pace, RetryAt, decide, next_slot, retry_after

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)


def none() -> float:
    return 0.0


def test_the_specification_s_schedule() -> None:
    waits = []
    for attempt in range(1, MAX_ATTEMPTS):
        decision = decide(Outcome(500), attempt, NOW, none)
        assert isinstance(decision, RetryAt)
        waits.append(decision.at - NOW)
    assert [wait.total_seconds() for wait in waits] == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert sum(waits, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)
    assert decide(Outcome(500), MAX_ATTEMPTS, NOW, none) == Dead("attempts_used_up")
    assert decide(Outcome(500), 99, NOW, none) == Dead("attempts_used_up")


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome(200), Done()),
        (Outcome(202), Done()),
        (Outcome(204), Done()),
        (Outcome(299), Done()),
        (Outcome(410), Disable("gone")),
        (Outcome(200, "robot_gone"), Disable("robot_gone")),
        (Outcome(200, "message_refused"), Dead("message_refused")),
        (Outcome(None, "url_refused"), Dead("url_refused")),
    ],
)
@pytest.mark.parametrize("attempt", [1, MAX_ATTEMPTS])
def test_what_ends_a_delivery(outcome: Outcome, expected: object, attempt: int) -> None:
    assert decide(outcome, attempt, NOW, none) == expected


@pytest.mark.parametrize(
    ("outcome", "seconds"),
    [
        (Outcome(300), 5),
        (Outcome(301), 5),
        (Outcome(308), 5),
        (Outcome(400), 5),
        (Outcome(401), 5),
        (Outcome(404), 5),
        (Outcome(500), 5),
        (Outcome(503), 5),
        (Outcome(None, "timeout"), 5),
        (Outcome(None, "address_refused"), 5),
        (Outcome(None, "name_not_found"), 5),
        (Outcome(None, "broken_answer"), 5),
        (Outcome(200, "rejected"), 5),
        (Outcome(429), 60),
        (Outcome(502), 60),
        (Outcome(504), 60),
        (Outcome(429, retry_after="120"), 120),
        (Outcome(503, retry_after="120"), 120),
        (Outcome(429, retry_after="1"), 5),
        (Outcome(429, retry_after="0"), 5),
        (Outcome(429, retry_after="soon"), 60),
        (Outcome(429, retry_after="999999999999999999999"), 86400),
        (Outcome(500, retry_after="120"), 5),
        (Outcome(404, retry_after="120"), 5),
        (Outcome(200, "rate_limited", "600"), 600),
        (Outcome(200, "rate_limited"), 60),
    ],
)
def test_the_wait_after_a_first_attempt(outcome: Outcome, seconds: int) -> None:
    assert decide(outcome, 1, NOW, none) == RetryAt(NOW + timedelta(seconds=seconds))


FAILURES: list[Failure] = [
    "address_refused",
    "name_not_found",
    "connect_failed",
    "tls_failed",
    "timeout",
    "broken_answer",
    "rejected",
    "rate_limited",
]


@given(
    st.builds(Outcome, st.integers(300, 999).filter(lambda status: status != 410), st.none(), st.none() | st.text(max_size=50))
    | st.builds(Outcome, st.none(), st.sampled_from(FAILURES)),
    st.integers(1, MAX_ATTEMPTS - 1),
    st.floats(0, 1, exclude_max=True),
)
def test_a_failure_is_tried_again_within_bounds(outcome: Outcome, attempt: int, chance: float) -> None:
    decision = decide(outcome, attempt, NOW, lambda: chance)
    assert isinstance(decision, RetryAt)
    assert DELAYS[attempt - 1] <= decision.at - NOW <= timedelta(hours=24) * 1.2


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("0", 0),
        ("86401", 86400),
        ("-5", None),
        ("1.5", None),
        ("１２", None),
        ("", None),
        ("tomorrow", None),
        (None, None),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        ("Thursday, 26-Nov-26 08:01:30 GMT", 90),
        (format_datetime(NOW + timedelta(days=9), usegmt=True), 86400),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), None),
        ("Thu, 26 Nov 2026 25:61:00 GMT", None),
        ("Thu, 26 Nov 99999 08:00:00 GMT", None),
    ],
)
def test_retry_after(value: str | None, seconds: int | None) -> None:
    assert retry_after(value, NOW) == (None if seconds is None else timedelta(seconds=seconds))


@given(st.text(max_size=60) | st.from_regex(r"(Thu|Fri), [0-9]{1,3} Nov [0-9]{1,5} [0-9:]{1,9} (GMT|[+-][0-9]{1,6})"))
def test_any_header_is_a_bounded_wait_or_nothing(value: str) -> None:
    wait = retry_after(value, NOW)
    assert wait is None or timedelta(0) <= wait <= timedelta(hours=24)


@given(st.lists(st.integers(0, 240), max_size=80))
def test_a_pace_is_kept_whatever_comes_when(arrivals: list[int]) -> None:
    pace, slots = Pace(20, timedelta(minutes=1)), list[datetime]()
    for seconds in sorted(arrivals):
        now = NOW + timedelta(seconds=seconds)
        slots.append(next_slot(slots, now, pace))
        assert slots[-1] >= now
    for slot in slots:
        assert sum(slot - pace.period < other <= slot for other in slots) <= pace.messages


def test_a_free_slot_is_now() -> None:
    pace = Pace(2, timedelta(minutes=1))
    assert next_slot([], NOW, pace) == NOW
    assert next_slot([NOW - timedelta(seconds=30)], NOW, pace) == NOW
    assert next_slot([NOW - timedelta(seconds=50), NOW - timedelta(seconds=30)], NOW, pace) == NOW + timedelta(seconds=10)
    assert next_slot([NOW - timedelta(seconds=61), NOW - timedelta(seconds=60)], NOW, pace) == NOW
