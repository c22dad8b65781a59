"""Signatures of what we send, after the Standard Webhooks specification 1.0 (symmetric, `v1`).

The signed words are `{webhook-id}.{webhook-timestamp}.{body}`; one signature a secret, apart by blanks, so that a secret can be rotated.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

PREFIX = "whsec_"
SECRET_BYTES = 32


def generate_secret(random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """A new signing secret: `whsec_` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(random_bytes(SECRET_BYTES)).decode("ascii")


def secret_bytes(secret: str) -> bytes:
    """The key in a secret as it is shown. Raises ValueError where it is none, or not of 24 to 64 bytes as the specification asks."""
    if not secret.startswith(PREFIX):
        raise ValueError(f"A signing secret begins with {PREFIX}")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("A signing secret is base64 after its prefix") from None
    if not 24 <= len(key) <= 64:
        raise ValueError("A signing secret has 24 to 64 bytes")
    return key


def signed_headers(delivery_id: str, signing_secrets: Sequence[str], body: bytes, now: datetime) -> dict[str, str]:
    """The headers of one attempt: the id stays the same over all attempts of a delivery, the timestamp is the attempt's.

    `now` is aware. Raises ValueError without a secret, or where one is malformed.
    """
    if not signing_secrets:
        raise ValueError("A delivery is signed by one secret at least")
    timestamp = str(int(now.timestamp()))
    words = f"{delivery_id}.{timestamp}.".encode() + body
    signatures = [
        "v1," + base64.b64encode(hmac.new(secret_bytes(secret), words, hashlib.sha256).digest()).decode("ascii")
        for secret in signing_secrets
    ]
    return {
        "content-type": "application/json",
        "webhook-id": delivery_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }
