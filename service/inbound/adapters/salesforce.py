"""Salesforce outbound messages: SOAP, up to 100 notifications, answered by an Ack.

Salesforce signs nothing. Its "Considerations for Security" name what a listener can check: the organization id in each message, the client
certificate of its TLS connection, and its address ranges (for the proxy in front). A secret token in the endpoint's address is added here,
because an organization id is no secret.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from service.inbound.hook import HookAnswer, HookRequest, NotReadable, NotVerified, RawEvent, Reason, event_id
from service.inbound.payloads import read_xml
from service.inbound.signatures import any_equal

METHODS = frozenset({"POST"})
MAX_NOTIFICATIONS = 100  # maxOccurs in the outbound messaging WSDL
_ID_LENGTH = 15  # the three letters after it in the long form only make it case-insensitive
_ACK = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>'
    "</soapenv:Body></soapenv:Envelope>"
)


class Secrets(BaseModel):
    """The organization's id (15 or 18 characters), the tokens of the endpoint's `token` parameter (two while one is being replaced), and,
    where a proxy checks client certificates and passes the fingerprint on, that header's name and Salesforce's SHA-256 fingerprint."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    organization_id: str = Field(pattern=r"^00D[A-Za-z0-9]{12}([A-Z0-5]{3})?$")
    tokens: tuple[SecretStr, ...] = Field(min_length=1, max_length=5)
    certificate_header: str | None = Field(None, pattern=r"^[A-Za-z0-9-]{1,60}$")
    certificate_sha256: str | None = None

    @field_validator("tokens")
    @classmethod
    def _long_enough(cls, tokens: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(token.get_secret_value()) < 32 for token in tokens):
            raise ValueError("a token has at least 32 characters")
        return tokens

    @field_validator("certificate_sha256")
    @classmethod
    def _hex(cls, fingerprint: str | None) -> str | None:
        if fingerprint is not None and not re.fullmatch("[0-9a-f]{64}", _fingerprint(fingerprint)):
            raise ValueError("a SHA-256 fingerprint has 64 hexadecimal digits")
        return fingerprint

    @model_validator(mode="after")
    def _both_or_none(self) -> Secrets:
        if (self.certificate_header is None) != (self.certificate_sha256 is None):
            raise ValueError("certificate_header and certificate_sha256 go together")
        return self


def _fingerprint(text: str) -> str:
    return text.replace(":", "").strip().lower()


def verify(request: HookRequest, secrets: Secrets, now: datetime) -> None:
    """Raises NotVerified unless the token, the certificate (where set) and the organization id are the integration's. Nothing is parsed
    before the token is right. There is no timestamp: a message sent again is known by its notifications' ids."""
    token = request.parameter("token").encode("utf-8", "surrogatepass")
    if not any_equal((known.get_secret_value().encode() for known in secrets.tokens), [token]):
        raise NotVerified(Reason.MISMATCH, "token")
    if secrets.certificate_header is not None and secrets.certificate_sha256 is not None:
        given = _fingerprint(request.header(secrets.certificate_header)).encode()
        if not any_equal([_fingerprint(secrets.certificate_sha256).encode()], [given]):
            raise NotVerified(Reason.MISMATCH, secrets.certificate_header)
    try:
        organization = _notifications(request.body).get("OrganizationId")
    except NotReadable as error:
        raise NotVerified(Reason.MALFORMED, "notifications") from error
    if not isinstance(organization, str) or len(organization) not in (15, 18):
        raise NotVerified(Reason.MISSING, "OrganizationId")
    if not any_equal([secrets.organization_id[:_ID_LENGTH].encode()], [organization[:_ID_LENGTH].encode()]):
        raise NotVerified(Reason.WRONG_RECEIVER, "OrganizationId")


def _notifications(body: bytes) -> dict[str, Any]:
    value: Any = read_xml(body)
    for name in ("Envelope", "Body", "notifications"):
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, dict):
        raise NotReadable("The body is not an outbound message")
    return value


def to_events(request: HookRequest, secrets: Secrets) -> list[RawEvent]:
    """One event a notification, under the notification's id: its `Id`, `sObject`, and the message's `OrganizationId` and `ActionId`. The
    session id, which would open the organization, is not kept. Raises NotReadable."""
    message = _notifications(request.body)
    found = message.get("Notification", [])
    notifications = found if isinstance(found, list) else [found]
    if not 1 <= len(notifications) <= MAX_NOTIFICATIONS:
        raise NotReadable("An outbound message has 1 to 100 notifications")
    return [_event(message, notification) for notification in notifications]


def _event(message: dict[str, Any], notification: Any) -> RawEvent:
    number = notification.get("Id") if isinstance(notification, dict) else None
    if not isinstance(number, str) or not number:
        raise NotReadable("A notification has no Id")
    about = {name: message.get(name) for name in ("OrganizationId", "ActionId")}
    return RawEvent(event_id(number), {**about, "Id": number, "sObject": notification.get("sObject")})


def answer(request: HookRequest, secrets: Secrets) -> HookAnswer:
    """200 and the Ack envelope; without it Salesforce sends again for 24 hours."""
    return HookAnswer(200, "text/xml", _ACK)
