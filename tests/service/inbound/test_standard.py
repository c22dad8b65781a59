"""Standard Webhooks: the published vector, the package as the other side, and what must be refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from standardwebhooks.webhooks import Webhook

from service.inbound.adapters import standard
from service.inbound.hook import HookRequest, NotReadable, NotVerified, Reason
from tests.service.inbound.senders import at, refused, request

# The vector of the Standard Webhooks reference libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
STAMP = 1614265330
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
VECTOR = request(
    b'{"test": 2432232314}',
    {"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": str(STAMP), "webhook-signature": SIGNATURE},
)
SECRETS = standard.Secrets(secrets=(SECRET,))


def changed(**headers: str) -> HookRequest:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(VECTOR, headers=tuple((key, names.get(key, value)) for key, value in VECTOR.headers))


def test_the_published_vector() -> None:
    standard.verify(VECTOR, SECRETS, at(STAMP))
    [event] = standard.to_events(VECTOR, SECRETS)
    assert (event.id, event.payload) == ("msg_p5jXN8AQM9LWM0D4loKWxJek", {"test": 2432232314})
    assert standard.answer(VECTOR, SECRETS).status == 202


@pytest.mark.parametrize(
    ("signature", "secrets", "seconds"),
    [
        pytest.param(SIGNATURE, (OTHER, SECRET), 0, id="second secret, in rotation"),
        pytest.param(f"v1,{'A' * 43}= {SIGNATURE}", (SECRET,), 0, id="second signature"),
        pytest.param(f"v1a,not/checked= {SIGNATURE}", (SECRET,), 0, id="another version beside it"),
        pytest.param(SIGNATURE, (SECRET.removeprefix("whsec_"),), 0, id="secret without its prefix"),
        pytest.param(SIGNATURE, (SECRET,), 300, id="five minutes old"),
        pytest.param(SIGNATURE, (SECRET,), -300, id="five minutes ahead"),
    ],
)
def test_verified(signature: str, secrets: tuple[str, ...], seconds: int) -> None:
    standard.verify(changed(webhook_signature=signature), standard.Secrets(secrets=secrets), at(STAMP + seconds))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda: replace(VECTOR, body=VECTOR.body + b" "), Reason.MISMATCH, id="changed body"),
        pytest.param(lambda: replace(VECTOR, body=b"\xff\xfe"), Reason.MISMATCH, id="body not UTF-8"),
        pytest.param(lambda: changed(webhook_id="msg_x"), Reason.MISMATCH, id="another id"),
        pytest.param(lambda: changed(webhook_timestamp=str(STAMP + 1)), Reason.MISMATCH, id="another timestamp"),
        pytest.param(lambda: changed(webhook_signature="v1," + "A" * 43 + "="), Reason.MISMATCH, id="changed signature"),
        pytest.param(lambda: changed(webhook_signature=SIGNATURE.replace("v1,", "v2,")), Reason.MISMATCH, id="other version only"),
        pytest.param(lambda: changed(webhook_signature=SIGNATURE[:-1]), Reason.MALFORMED, id="truncated base64"),
        pytest.param(lambda: changed(webhook_signature="v1,签名"), Reason.MALFORMED, id="not ASCII"),
        pytest.param(lambda: changed(webhook_signature="v1"), Reason.MISMATCH, id="no comma"),
        pytest.param(lambda: changed(webhook_timestamp="1e9"), Reason.MALFORMED, id="timestamp not digits"),
        pytest.param(lambda: changed(webhook_timestamp=str(STAMP - 301)), Reason.STALE, id="old"),
        pytest.param(lambda: changed(webhook_timestamp=str(STAMP + 301)), Reason.FUTURE, id="future"),
        pytest.param(lambda: changed(webhook_timestamp="9" * 16), Reason.FUTURE, id="far future"),
        pytest.param(lambda: changed(webhook_id=""), Reason.MISSING, id="empty id"),
        *[
            pytest.param(
                lambda i=i: replace(VECTOR, headers=VECTOR.headers[:i] + VECTOR.headers[i + 1 :]), Reason.MISSING, id=f"without {i}"
            )
            for i in range(3)
        ],
        *[
            pytest.param(lambda i=i: replace(VECTOR, headers=(*VECTOR.headers, VECTOR.headers[i])), Reason.REPEATED, id=f"twice {i}")
            for i in range(3)
        ],
    ],
)
def test_refused(make: Callable[[], HookRequest], reason: Reason) -> None:
    refused(lambda: standard.verify(make(), SECRETS, at(STAMP)), reason)


def test_refused_with_another_secret() -> None:
    refused(lambda: standard.verify(VECTOR, standard.Secrets(secrets=(OTHER,)), at(STAMP)), Reason.MISMATCH, "webhook-signature")


@settings(max_examples=30)
@given(st.text(max_size=50), st.text(alphabet="abcXYZ019_", min_size=1, max_size=40))
def test_what_the_package_signs_is_verified(body: str, message_id: str) -> None:
    now = datetime.now(UTC)
    signature = Webhook(SECRET).sign(message_id, now, body)
    sent = request(
        body.encode(), {"Webhook-Id": message_id, "Webhook-Timestamp": str(int(now.timestamp())), "Webhook-Signature": signature}
    )
    standard.verify(sent, SECRETS, now)


@given(st.binary(max_size=60), st.text(max_size=60), st.text(max_size=30))
def test_no_other_error_than_a_refusal(body: bytes, signature: str, stamp: str) -> None:
    sent = request(body, {"webhook-id": "m", "webhook-timestamp": stamp, "webhook-signature": signature})
    with pytest.raises(NotVerified):
        standard.verify(sent, SECRETS, at(STAMP))


@pytest.mark.parametrize("secrets", [(), ("whsec_",), ("whsec_c2hvcnQ=",), ("whsec_%%%",), (SECRET,) * 6])
def test_secrets_that_are_none(secrets: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as caught:
        standard.Secrets(secrets=secrets)
    assert "c2hvcnQ" not in str(caught.value)


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"1", b"[]", b"[1]", b"{", b'{"a":NaN}', b'{"a":1e999}', b"[" * 100_000, b'{"a":' * 60 + b"1" + b"}" * 60]
)
def test_not_readable(body: bytes) -> None:
    with pytest.raises(NotReadable):
        standard.to_events(replace(VECTOR, body=body), SECRETS)


def test_a_list_is_numbered_and_unstorable_characters_replaced() -> None:
    first, second = standard.to_events(replace(VECTOR, body=b'[{"a":"\\u0000x\\ud800"},{"a":1}]'), SECRETS)
    assert first.payload == {"a": "�x�"}
    assert (first.id, second.id) == ("msg_p5jXN8AQM9LWM0D4loKWxJek:0", "msg_p5jXN8AQM9LWM0D4loKWxJek:1")


def test_an_id_that_might_be_a_name_is_hashed_and_nothing_of_a_request_is_shown() -> None:
    [event] = standard.to_events(changed(webhook_id="王总 拜访"), SECRETS)
    assert event.id.startswith("sha256-")
    assert "2432232314" not in repr(VECTOR) + repr(event)
    assert SIGNATURE not in repr(VECTOR)
    assert SECRET.removeprefix("whsec_") not in repr(SECRETS)
