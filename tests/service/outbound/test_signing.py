"""Our signatures by the specification's published vector and by the package that receivers use."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from service.outbound.signing import generate_secret, secret_bytes, signed_headers

VECTOR_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_published_vector() -> None:
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", [VECTOR_SECRET], b'{"test": 2432232314}', at)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"


def test_each_secret_of_a_rotation_verifies_and_a_stranger_does_not() -> None:
    old, new = generate_secret(), generate_secret()
    body = '{"客户":"王总"}'.encode()
    headers = signed_headers("dl_1", [new, old], body, datetime.now(UTC))
    for secret in (old, new):
        Webhook(secret).verify(body, headers, json_parse=False)
    for secret, sent in ((generate_secret(), body), (new, body + b" ")):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(sent, headers, json_parse=False)
    assert headers["webhook-signature"].count("v1,") == 2


def test_an_attempt_changes_the_timestamp_and_keeps_the_id() -> None:
    at = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
    first, second = (signed_headers("dl_1", [VECTOR_SECRET], b"{}", when) for when in (at, at + timedelta(minutes=5)))
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 300
    assert first["webhook-signature"] != second["webhook-signature"]


def test_generated_secrets_have_32_bytes() -> None:
    assert secret_bytes(generate_secret()) != secret_bytes(generate_secret())
    assert len(secret_bytes(generate_secret())) == 32


@pytest.mark.parametrize("secret", ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!!", "whsec_MfKQ9r8", "whsec_" + base64.b64encode(bytes(23)).decode(), "whsec_" + base64.b64encode(bytes(65)).decode()])  # fmt: skip
def test_malformed_secrets_are_refused_without_being_repeated(secret: str) -> None:
    with pytest.raises(ValueError) as caught:
        secret_bytes(secret)
    assert "MfKQ9" not in str(caught.value)


def test_unsigned_deliveries_do_not_exist() -> None:
    with pytest.raises(ValueError):
        signed_headers("dl_1", [], b"{}", datetime.now(UTC))
