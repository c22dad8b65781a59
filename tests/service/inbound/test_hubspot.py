"""HubSpot's v3 signature: the vector of its own client library, and what must be refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from service.inbound.adapters import hubspot
from service.inbound.hook import HookRequest, NotReadable, Reason
from tests.service.inbound.senders import at, hmac_base64, refused, request

# HubSpot/hubspot-api-python, tests/spec/utils/test_signature.py: 15000000 ms after 1970.
SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
SIGNATURE = "HPW73RUtKmcYoEDADG0s6MmGFWUzWJKAW07r8RDgcQw="
VECTOR = request(
    b"{'example_field':'example_value'}",
    {"X-HubSpot-Signature-v3": SIGNATURE, "X-HubSpot-Request-Timestamp": "15000000"},
    url="https://www.example.com/webhook_uri",
)
SECRETS = hubspot.Secrets(client_secrets=(SECRET,))
# The body of HubSpot's webhooks document.
EVENT = {
    "eventId": 1, "subscriptionId": 12345, "portalId": 62515, "occurredAt": 1564113600000, "subscriptionType": "contact.creation",
    "attemptNumber": 0, "objectId": 123, "changeSource": "CRM", "changeFlag": "NEW", "appId": 54321,
}  # fmt: skip


def changed(name: str, value: str) -> HookRequest:
    return replace(VECTOR, headers=tuple((key, value if key.endswith(name) else old) for key, old in VECTOR.headers))


def signed(body: bytes, url: str, signed_url: str, stamp: int = 15_000_000, secret: str = SECRET) -> HookRequest:
    signature = hmac_base64(secret.encode(), f"POST{signed_url}".encode() + body + str(stamp).encode())
    return request(body, {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": str(stamp)}, url=url)


@pytest.mark.parametrize("seconds", [15_000, 15_300, 14_700])
def test_the_vector_of_the_client_library(seconds: int) -> None:
    hubspot.verify(VECTOR, SECRETS, at(seconds))


@pytest.mark.parametrize(
    ("url", "as_signed"),
    [
        ("https://h.example/a?b=%E5%BC%A0", "https://h.example/a?b=%E5%BC%A0"),
        ("https://h.example/a?u=https%3A%2F%2fx%3fy%40z", "https://h.example/a?u=https://x?y@z"),
        ("https://h.example/a?c=%21%24%27%28%29%2A%2C%3B", "https://h.example/a?c=!$'()*,;"),
        ("https://h.example/a?c=%20%26%3D%2B%25", "https://h.example/a?c=%20%26%3D%2B%25"),
        ("https://h.example/a?c=%253A", "https://h.example/a?c=%253A"),
    ],
)
def test_the_address_is_decoded_by_hubspots_table(url: str, as_signed: str) -> None:
    assert hubspot.signed_address(url) == as_signed
    hubspot.verify(signed(b"[]", url, as_signed), SECRETS, at(15_000))


def test_the_registered_address_stands_for_the_one_behind_a_proxy_and_secrets_rotate() -> None:
    sent = signed(b"{}", "http://10.0.0.5:8765/v1/hooks/in_1", "https://crm.example/hooks")
    refused(lambda: hubspot.verify(sent, SECRETS, at(15_000)), Reason.MISMATCH)
    both = hubspot.Secrets(client_secrets=("new-secret", SECRET), target_url="https://crm.example/hooks")
    hubspot.verify(sent, both, at(15_000))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda: replace(VECTOR, body=b"{}"), Reason.MISMATCH, id="changed body"),
        pytest.param(lambda: replace(VECTOR, method="PUT"), Reason.MISMATCH, id="changed method"),
        pytest.param(lambda: replace(VECTOR, url="http://www.example.com/webhook_uri"), Reason.MISMATCH, id="http for https"),
        pytest.param(lambda: replace(VECTOR, url=VECTOR.url + "?a=\ud800"), Reason.MISMATCH, id="changed address"),
        pytest.param(lambda: changed("Timestamp", "15000001"), Reason.MISMATCH, id="changed timestamp"),
        pytest.param(lambda: changed("v3", "A" * 43 + "="), Reason.MISMATCH, id="changed signature"),
        pytest.param(lambda: changed("v3", SIGNATURE[:22]), Reason.MALFORMED, id="truncated base64"),
        pytest.param(lambda: changed("v3", SIGNATURE.replace("=", "")), Reason.MALFORMED, id="no padding"),
        pytest.param(lambda: changed("Timestamp", "14699999"), Reason.STALE, id="old"),
        pytest.param(lambda: changed("Timestamp", "15300001"), Reason.FUTURE, id="future"),
        pytest.param(lambda: changed("Timestamp", "-15000000"), Reason.MALFORMED, id="negative"),
        pytest.param(lambda: changed("Timestamp", ""), Reason.MISSING, id="empty timestamp"),
        pytest.param(lambda: replace(VECTOR, headers=VECTOR.headers[:1]), Reason.MISSING, id="no timestamp"),
        pytest.param(lambda: replace(VECTOR, headers=VECTOR.headers[1:]), Reason.MISSING, id="no signature"),
        pytest.param(lambda: replace(VECTOR, headers=VECTOR.headers * 2), Reason.REPEATED, id="twice"),
    ],
)
def test_refused(make: Callable[[], HookRequest], reason: Reason) -> None:
    refused(lambda: hubspot.verify(make(), SECRETS, at(15_000)), reason)


def test_refused_with_another_secret() -> None:
    refused(lambda: hubspot.verify(VECTOR, hubspot.Secrets(client_secrets=("zzzz",)), at(15_000)), Reason.MISMATCH)


def test_a_retry_has_the_same_ids_and_a_like_event_of_another_object_has_not() -> None:
    def ids(*events: dict[str, object]) -> list[str]:
        return [event.id for event in hubspot.to_events(replace(VECTOR, body=json.dumps(events).encode()), SECRETS)]

    assert ids(EVENT) == ["62515:12345:1:123:1564113600000"]
    assert ids({**EVENT, "attemptNumber": 3}) == ids(EVENT)
    assert len(set(ids(EVENT, {**EVENT, "objectId": 124}, {**EVENT, "occurredAt": 1564113600001}))) == 3


def test_a_workflows_own_body_has_its_hash_for_id() -> None:
    [one] = hubspot.to_events(replace(VECTOR, body=b'{"text":"a"}'), SECRETS)
    two = hubspot.to_events(replace(VECTOR, body=b'[{"text":"a"},{"text":"a"}]'), SECRETS)
    assert len({one.id, two[0].id, two[1].id}) == 3
    with pytest.raises(NotReadable):
        hubspot.to_events(VECTOR, SECRETS)  # the vector's body is not JSON
