"""企业微信 callbacks (developer.work.weixin.qq.com, 接收消息与事件, 加解密方案说明): GET proves the address, POST brings an encrypted message."""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from service.inbound.hook import HookAnswer, HookRequest, NotReadable, NotVerified, RawEvent, Reason, content_id, event_id
from service.inbound.payloads import read_xml
from service.inbound.signatures import any_equal, check_fresh, decode_base64, whole_number

METHODS = frozenset({"GET", "POST"})
_BLOCK = 32  # PKCS#7 to 32 bytes, not to AES's 16
_RANDOM = 16
_LENGTH = 4


def _aes_key(encoding_aes_key: str) -> bytes:
    return base64.b64decode(encoding_aes_key + "=", validate=True)


class Key(BaseModel):
    """Token and EncodingAESKey, as the app's 接收消息 page shows them."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    token: SecretStr = Field(min_length=1, max_length=64)
    encoding_aes_key: SecretStr

    @field_validator("encoding_aes_key")
    @classmethod
    def _of_32_bytes(cls, key: SecretStr) -> SecretStr:
        try:
            right = len(_aes_key(key.get_secret_value())) == 32
        except (binascii.Error, ValueError):
            right = False
        if not right:
            raise ValueError("an EncodingAESKey has 43 letters and digits")
        return key


class Secrets(BaseModel):
    """Keys (two while one is being replaced) and whom the messages are for: the CorpID of an own app, the SuiteID too of a suite."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    keys: tuple[Key, ...] = Field(min_length=1, max_length=2)
    receive_ids: tuple[str, ...] = Field(min_length=1, max_length=5)


def verify(request: HookRequest, secrets: Secrets, now: datetime) -> None:
    """Raises NotVerified unless msg_signature is by one of the keys, the timestamp within five minutes, and the receiver ours."""
    stamp = request.parameter("timestamp")
    key = _key_of(request, secrets)
    check_fresh(whole_number(stamp, "timestamp"), now, "timestamp")
    _decrypt(_encrypted(request), key, secrets)


def _encrypted(request: HookRequest) -> str:
    if request.method == "GET":
        return request.parameter("echostr")
    try:
        envelope = read_xml(request.body).get("xml")
    except NotReadable as error:
        raise NotVerified(Reason.MALFORMED, "xml") from error
    encrypted = envelope.get("Encrypt") if isinstance(envelope, dict) else None
    if isinstance(encrypted, list):
        raise NotVerified(Reason.REPEATED, "Encrypt")
    if not isinstance(encrypted, str) or not encrypted:
        raise NotVerified(Reason.MISSING, "Encrypt")
    return encrypted


def _key_of(request: HookRequest, secrets: Secrets) -> Key:
    """The key that signed: SHA-1 over token, timestamp, nonce and cipher text, sorted and joined."""
    given = request.parameter("msg_signature").lower().encode("utf-8", "surrogatepass")
    parts = [request.parameter("timestamp"), request.parameter("nonce"), _encrypted(request)]
    for key in secrets.keys:
        joined = "".join(sorted([key.token.get_secret_value(), *parts]))
        digest = hashlib.sha1(joined.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
        if any_equal([digest.encode()], [given]):
            return key
    raise NotVerified(Reason.MISMATCH, "msg_signature")


def _decrypt(encrypted: str, key: Key, secrets: Secrets) -> bytes:
    """The message in: 16 random bytes, its length (4, big-endian), itself, the receiver's id; AES-256-CBC, the IV is the key's beginning.
    Called for signed cipher text only, so that nobody can probe the padding."""
    cipher_text = decode_base64(encrypted, "Encrypt")
    if not cipher_text or len(cipher_text) % 16:
        raise NotVerified(Reason.MALFORMED, "Encrypt")
    aes_key = _aes_key(key.encoding_aes_key.get_secret_value())
    decryptor = Cipher(AES(aes_key), CBC(aes_key[:16])).decryptor()
    padded = decryptor.update(cipher_text) + decryptor.finalize()
    padding = padded[-1]
    plain = padded[:-padding] if 1 <= padding <= _BLOCK else b""
    start = _RANDOM + _LENGTH
    end = start + int.from_bytes(plain[_RANDOM:start], "big")
    if padded[-padding:] != bytes([padding]) * padding or len(plain) < start or end > len(plain):
        raise NotVerified(Reason.MALFORMED, "Encrypt")
    if not any_equal((one.encode() for one in secrets.receive_ids), [plain[end:]]):
        raise NotVerified(Reason.WRONG_RECEIVER, "receiveid")
    return plain[start:end]


def _message(request: HookRequest, secrets: Secrets) -> tuple[bytes, dict[str, Any]]:
    plain = _decrypt(_encrypted(request), _key_of(request, secrets), secrets)
    message = read_xml(plain).get("xml")
    if not isinstance(message, dict):
        raise NotReadable("The message is not an xml element")
    return plain, message


def to_events(request: HookRequest, secrets: Secrets) -> list[RawEvent]:
    """The decrypted message, under its MsgId, or under its content's hash where it has none (events have none). A GET brings none. Raises
    NotReadable."""
    if request.method == "GET":
        return []
    plain, message = _message(request, secrets)
    number = message.get("MsgId")
    return [RawEvent(event_id(number) if isinstance(number, str) and number else content_id(plain), message)]


def answer(request: HookRequest, secrets: Secrets) -> HookAnswer:
    """The echo to a GET; to a POST nothing, which 企业微信 takes for received, or "success" where a suite's InfoType asks for that."""
    if request.method == "GET":
        echo = _decrypt(_encrypted(request), _key_of(request, secrets), secrets)
        return HookAnswer(200, "text/plain", echo.decode("utf-8", "replace"))
    _, message = _message(request, secrets)
    return HookAnswer(200, "text/plain", "success" if "InfoType" in message else "")
