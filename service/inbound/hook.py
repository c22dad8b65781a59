"""What an adapter is given and what it gives back: a request, its refusal, events, an answer."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_PLAIN_ID = re.compile(r"[A-Za-z0-9._:-]{1,120}")


class Reason(StrEnum):
    """Why a request was not verified: enough for an operator, nothing of what was sent."""

    MISSING = "missing"  # a header, parameter or element that must be there is not
    REPEATED = "repeated"  # it is there twice, so that two readers could take different ones
    MALFORMED = "malformed"  # it does not have its form (base64, number, XML)
    STALE = "stale"  # older than the tolerance
    FUTURE = "future"  # newer than the tolerance
    MISMATCH = "mismatch"  # signed by none of the secrets, or not as sent
    WRONG_RECEIVER = "wrong_receiver"  # genuine, but of another company or application


class NotVerified(Exception):  # noqa: N818 - the name says what the caller learns
    """The request cannot be shown to come from the integration's CRM. Carries a reason, never a part of the request."""

    def __init__(self, reason: Reason, what: str) -> None:
        super().__init__(f"{reason}: {what}")
        self.reason = reason
        self.what = what


class NotReadable(Exception):  # noqa: N818
    """A verified body that is not of the form its CRM documents. Carries what is wrong, never a part of the body."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@dataclass(frozen=True)
class HookRequest:
    """One request as it came. `url` is the whole address the CRM called (scheme, host, path, query, undecoded); `query` holds the decoded
    parameters in order. Only the method is shown in a traceback: the rest holds secrets and note text."""

    method: str
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    query: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """The one header of that name, in whatever case. Raises NotVerified when it is missing or there twice."""
        return _only([value for key, value in self.headers if key.lower() == name.lower()], name)

    def parameter(self, name: str) -> str:
        """The one query parameter of that name. Raises NotVerified when it is missing or there twice."""
        return _only([value for key, value in self.query if key == name], name)


def _only(values: list[str], name: str) -> str:
    if not values or not values[0]:
        raise NotVerified(Reason.MISSING, name)
    if len(values) > 1:
        raise NotVerified(Reason.REPEATED, name)
    return values[0]


@dataclass(frozen=True)
class RawEvent:
    """One thing that happened in the CRM. `id` stays the same when the CRM sends it again; `payload` is JSON-like."""

    id: str
    payload: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class HookAnswer:
    """What the CRM wants to hear once its events are stored."""

    status: int
    media_type: str
    body: str = field(repr=False)


ACCEPTED = HookAnswer(202, "application/json", '{"status":"accepted"}')


def event_id(given: str) -> str:
    """A stable id from what the CRM gave: itself if it is short and plain, else its SHA-256, so that no name or text becomes an id."""
    return given if _PLAIN_ID.fullmatch(given) else content_id(given.encode("utf-8", "surrogatepass"))


def content_id(content: bytes) -> str:
    """An id for what comes without one: the same content has the same id."""
    return "sha256-" + hashlib.sha256(content).hexdigest()
