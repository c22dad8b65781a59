"""Plain HMAC pushes, as 纷享销客, 销售易 and others make them from a workflow or a function: what is signed, and where, is set up."""

from __future__ import annotations

import binascii
import json
import re
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from service.inbound.hook import ACCEPTED, HookAnswer, HookRequest, NotReadable, NotVerified, RawEvent, Reason, content_id, event_id
from service.inbound.paths import PathError, find, parse_path, scalar
from service.inbound.payloads import objects_of, read_json, read_xml
from service.inbound.signatures import TOLERANCE, any_equal, check_fresh, decode_base64, mac, whole_number

METHODS = frozenset({"POST"})
_HEADER = r"^[A-Za-z0-9-]{1,60}$"
_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")
_PLACES = frozenset({"body", "timestamp", "nonce", "method", "url"})
_MILLISECONDS_FROM = 100_000_000_000  # as seconds that would be the year 5138


class Secrets(BaseModel):
    """How the push is signed. `signed` is the template of the signed text: {body}, {timestamp}, {nonce}, {method}, {url} and what stands
    between them. The timestamp is in Unix seconds or milliseconds."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    secrets: tuple[SecretStr, ...] = Field(min_length=1, max_length=5)
    header: str = Field("x-signature", pattern=_HEADER)
    prefix: str = Field("", max_length=20, description='Stands before the signature, for example "sha256=".')
    algorithm: Literal["sha256", "sha1"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    signed: str = Field("{body}", max_length=200)
    timestamp_header: str | None = Field(None, pattern=_HEADER)
    nonce_header: str | None = Field(None, pattern=_HEADER)
    tolerance: float = Field(TOLERANCE, gt=0, le=3600, description="Seconds the timestamp may be away.")
    event_id_path: str | None = Field(None, description="Path to the event's id in the payload; without it, the content's hash is the id.")

    @field_validator("secrets")
    @classmethod
    def _long_enough(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(secret.get_secret_value()) < 16 for secret in secrets):
            raise ValueError("a secret has at least 16 characters")
        return secrets

    @field_validator("event_id_path")
    @classmethod
    def _a_path(cls, path: str | None) -> str | None:
        if path is not None:
            try:
                parse_path(path)
            except PathError as error:
                raise ValueError(str(error)) from None
        return path

    @model_validator(mode="after")
    def _whole(self) -> Secrets:
        used = set(_PLACEHOLDER.findall(self.signed))
        if not used <= _PLACES or "body" not in used:
            raise ValueError("signed has {body}, and besides it only {timestamp}, {nonce}, {method} and {url}")
        if ("timestamp" in used) != (self.timestamp_header is not None) or ("nonce" in used) != (self.nonce_header is not None):
            raise ValueError("a timestamp or nonce has its header and is signed")
        return self


def verify(request: HookRequest, secrets: Secrets, now: datetime) -> None:
    """Raises NotVerified unless the signature is by one of the secrets and the timestamp, where set up, within the tolerance."""
    given = _signature(request, secrets)
    parts = {"body": request.body, "method": request.method.encode(), "url": request.url.encode("utf-8", "surrogatepass")}
    if secrets.timestamp_header is not None:
        stamp = request.header(secrets.timestamp_header)
        number = whole_number(stamp, secrets.timestamp_header)
        check_fresh(number / 1000 if number >= _MILLISECONDS_FROM else number, now, secrets.timestamp_header, secrets.tolerance)
        parts["timestamp"] = stamp.encode()
    if secrets.nonce_header is not None:
        parts["nonce"] = request.header(secrets.nonce_header).encode("utf-8", "surrogatepass")
    pieces = _PLACEHOLDER.split(secrets.signed)  # text and names in turn
    content = b"".join(parts[piece] if place % 2 else piece.encode() for place, piece in enumerate(pieces))
    expected = (mac(secret.get_secret_value().encode(), content, secrets.algorithm) for secret in secrets.secrets)
    if not any_equal(expected, [given]):
        raise NotVerified(Reason.MISMATCH, secrets.header)


def _signature(request: HookRequest, secrets: Secrets) -> bytes:
    text = request.header(secrets.header)
    if not text.startswith(secrets.prefix):
        raise NotVerified(Reason.MALFORMED, secrets.header)
    text = text.removeprefix(secrets.prefix)
    if secrets.encoding == "base64":
        return decode_base64(text, secrets.header)
    try:
        return binascii.unhexlify(text.encode("ascii"))
    except (binascii.Error, UnicodeEncodeError):
        raise NotVerified(Reason.MALFORMED, secrets.header) from None


def to_events(request: HookRequest, secrets: Secrets) -> list[RawEvent]:
    """The events of a JSON object, a list of them, or an XML document. Raises NotReadable."""
    value = read_xml(request.body) if request.body.lstrip().startswith(b"<") else read_json(request.body)
    return [RawEvent(_id(item, secrets), item) for item in objects_of(value)]


def _id(item: dict[str, Any], secrets: Secrets) -> str:
    if secrets.event_id_path is None:
        return content_id(json.dumps(item, sort_keys=True).encode())
    given = scalar(find(parse_path(secrets.event_id_path), item))
    if given is None:
        raise NotReadable("The event has no id at event_id_path")
    return event_id(given)


def answer(request: HookRequest, secrets: Secrets) -> HookAnswer:
    """202, as any 2xx is a success."""
    return ACCEPTED
