"""What came of one attempt at a delivery."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Failure = Literal[
    "url_refused",  # the URL itself is not one we send to
    "address_refused",  # its name points into a network we do not send to
    "name_not_found",
    "connect_failed",
    "tls_failed",
    "timeout",
    "broken_answer",  # no HTTP, or an answer that ended early
    "rejected",  # a robot answered 200 with an error its owner can mend
    "rate_limited",  # a robot answered 200 with "too many messages"
    "robot_gone",  # a robot answered 200 with "no such robot"
    "message_refused",  # a robot answered 200 with "not this message"
    "secret_unreadable",  # nothing was sent: the stored secret does not open with this key
    "analysis_unreadable",  # nothing was sent: the analysis was stored in a form that this version does not read
    "note_gone",  # nothing was sent: the note was deleted meanwhile
]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt: the status answered, or the failure that came before (or, for robots, inside) it.

    `body` holds at most connector.MAX_ANSWER_BYTES, is read by robots only and is never logged or stored.
    """

    status: int | None
    failure: Failure | None = None
    retry_after: str | None = None
    """The header `Retry-After` as it was sent."""
    seconds: float = 0.0
    code: int | None = None
    """A robot's own error number."""
    body: bytes = field(default=b"", repr=False)
