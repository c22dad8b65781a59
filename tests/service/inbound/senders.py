"""What the CRMs' sides do in these tests: requests, signed as their documents say."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from service.inbound.hook import HookRequest, NotVerified, Reason


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def request(
    body: bytes = b"",
    headers: Mapping[str, str] | list[tuple[str, str]] = (),
    url: str = "https://fupan.example/v1/hooks/in_1",
    method: str = "POST",
) -> HookRequest:
    pairs = tuple(headers.items()) if isinstance(headers, Mapping) else tuple(headers)
    return HookRequest(method, url, pairs, tuple(parse_qsl(urlsplit(url).query, keep_blank_values=True)), body)


def hmac_base64(secret: bytes, content: bytes) -> str:
    return base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()


def refused(call: object, reason: Reason, what: str | None = None) -> None:
    """The call refuses for that reason, and its message holds nothing but reason and name."""
    with pytest.raises(NotVerified) as caught:
        call()  # type: ignore[operator]
    assert caught.value.reason is reason
    if what is not None:
        assert caught.value.what == what
    assert str(caught.value) == f"{reason}: {caught.value.what}"


def wecom_encrypt(message: bytes, encoding_aes_key: str, receive_id: str, padding: int | None = None) -> str:
    key = base64.b64decode(encoding_aes_key + "=")
    plain = b"0123456789abcdef" + len(message).to_bytes(4, "big") + message + receive_id.encode()
    missing = 32 - len(plain) % 32
    plain += bytes([missing if padding is None else padding]) * missing
    encryptor = Cipher(AES(key), CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode()


def wecom_signature(token: str, timestamp: str, nonce: str, encrypted: str) -> str:
    return hashlib.sha1("".join(sorted([token, timestamp, nonce, encrypted])).encode()).hexdigest()
