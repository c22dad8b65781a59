"""HubSpot, signature v3 (developers.hubspot.com, "Validating requests")."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from service.inbound.hook import ACCEPTED, HookAnswer, HookRequest, NotVerified, RawEvent, Reason, content_id, event_id
from service.inbound.payloads import objects_of, read_json
from service.inbound.signatures import any_equal, check_fresh, decode_base64, mac, whole_number

METHODS = frozenset({"POST"})
# HubSpot's table of what is decoded in the address before signing; all else stays as it was sent.
_DECODED = {
    "3A": ":",
    "2F": "/",
    "3F": "?",
    "40": "@",
    "21": "!",
    "24": "$",
    "27": "'",
    "28": "(",
    "29": ")",
    "2A": "*",
    "2C": ",",
    "3B": ";",
}
_ENCODED = re.compile("%(" + "|".join(_DECODED) + ")", re.IGNORECASE)
# eventId alone is "not guaranteed to be unique"; attemptNumber would make a retry a new event.
_IDENTITY = ("portalId", "subscriptionId", "eventId", "objectId", "occurredAt")


class Secrets(BaseModel):
    """The app's client secrets (two while one is being replaced), and the target address as registered with HubSpot where a proxy changes
    the one that arrives here."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    client_secrets: tuple[SecretStr, ...] = Field(min_length=1, max_length=5)
    target_url: str | None = Field(None, pattern=r"^https?://", max_length=500)


def signed_address(url: str) -> str:
    """The address as HubSpot signs it: twelve percent-encoded characters decoded."""
    return _ENCODED.sub(lambda found: _DECODED[found[1].upper()], url)


def verify(request: HookRequest, secrets: Secrets, now: datetime) -> None:
    """Raises NotVerified unless X-HubSpot-Signature-v3 is by one of the secrets and the timestamp (ms) is within five minutes."""
    given = decode_base64(request.header("x-hubspot-signature-v3"), "x-hubspot-signature-v3")
    stamp = request.header("x-hubspot-request-timestamp")
    check_fresh(whole_number(stamp, "x-hubspot-request-timestamp") / 1000, now, "x-hubspot-request-timestamp")
    address = signed_address(secrets.target_url or request.url)
    content = f"{request.method}{address}".encode("utf-8", "surrogatepass") + request.body + stamp.encode()
    if not any_equal((mac(secret.get_secret_value().encode(), content) for secret in secrets.client_secrets), [given]):
        raise NotVerified(Reason.MISMATCH, "x-hubspot-signature-v3")


def to_events(request: HookRequest, secrets: Secrets) -> list[RawEvent]:
    """The events of a subscription's batch (up to 100), or the one body of a workflow's webhook. Raises NotReadable."""
    items = objects_of(read_json(request.body))
    return [RawEvent(_id(item, number, request.body), item) for number, item in enumerate(items)]


def _id(item: dict[str, Any], number: int, body: bytes) -> str:
    if "eventId" not in item:  # a workflow's webhook has a body of the admin's own making
        return content_id(body + (b"#%d" % number if number else b""))
    return event_id(":".join(str(item.get(name, "")) for name in _IDENTITY))


def answer(request: HookRequest, secrets: Secrets) -> HookAnswer:
    """202, as any 2xx is a success."""
    return ACCEPTED
