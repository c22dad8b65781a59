"""Standard Webhooks (standardwebhooks.com): webhook-id, webhook-timestamp, webhook-signature.

The `standardwebhooks` package reads the clock itself and fails with other errors on malformed signatures, so its rules are written here by
the specification; the tests hold the two against each other.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from service.inbound.hook import ACCEPTED, HookAnswer, HookRequest, NotVerified, RawEvent, Reason, event_id
from service.inbound.payloads import objects_of, read_json
from service.inbound.signatures import any_equal, check_fresh, decode_base64, mac, whole_number

METHODS = frozenset({"POST"})
_PREFIX = "whsec_"


def _key(secret: SecretStr) -> bytes:
    text = secret.get_secret_value().removeprefix(_PREFIX)
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


class Secrets(BaseModel):
    """Signing secrets, `whsec_` and base64 of 24 to 64 bytes; several while one is being replaced."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    secrets: tuple[SecretStr, ...] = Field(min_length=1, max_length=5)

    @field_validator("secrets")
    @classmethod
    def _long_enough(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for secret in secrets:
            try:
                size = len(_key(secret))
            except (binascii.Error, ValueError):
                raise ValueError("a signing secret is whsec_ and base64") from None
            if not 24 <= size <= 64:
                raise ValueError("a signing secret has 24 to 64 bytes")
        return secrets


def verify(request: HookRequest, secrets: Secrets, now: datetime) -> None:
    """Raises NotVerified unless one v1 signature is by one of the secrets and the timestamp is within five minutes."""
    message_id = request.header("webhook-id")
    stamp = request.header("webhook-timestamp")
    given = [
        decode_base64(signature, "webhook-signature")
        for version, _, signature in (part.partition(",") for part in request.header("webhook-signature").split(" "))
        if version == "v1"  # other versions, such as v1a, are signed otherwise
    ]
    check_fresh(whole_number(stamp, "webhook-timestamp"), now, "webhook-timestamp")
    content = f"{message_id}.{stamp}.".encode("utf-8", "surrogatepass") + request.body
    if not any_equal((mac(_key(secret), content) for secret in secrets.secrets), given):
        raise NotVerified(Reason.MISMATCH, "webhook-signature")


def to_events(request: HookRequest, secrets: Secrets) -> list[RawEvent]:
    """The body's one event (or several, numbered) under the message's id. Raises NotReadable."""
    items = objects_of(read_json(request.body))
    message_id = request.header("webhook-id")
    if len(items) == 1:
        return [RawEvent(event_id(message_id), items[0])]
    return [RawEvent(event_id(f"{message_id}:{number}"), item) for number, item in enumerate(items)]


def answer(request: HookRequest, secrets: Secrets) -> HookAnswer:
    """202, as any 2xx is a success."""
    return ACCEPTED
