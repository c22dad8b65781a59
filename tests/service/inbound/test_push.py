"""Plain HMAC pushes: what is set up is what is verified."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from service.inbound.adapters import ADAPTERS, push
from service.inbound.hook import HookRequest, NotReadable, NotVerified, Reason
from tests.service.inbound.senders import at, hmac_base64, refused, request

KEY = "0123456789abcdef"
BODY = '{"id":"v-1","text":"王总嫌贵"}'.encode()
# RFC 4231, test case 2 has a short key; this is GitHub's published webhook example: sha256=, hex, the body alone.
GITHUB_SECRET = "It's a Secret to Everybody"
GITHUB_BODY = b"Hello, World!"
GITHUB_SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def secrets(**settings: object) -> push.Secrets:
    return push.Secrets.model_validate({"secrets": [KEY], **settings})


def hexadecimal(content: bytes, algorithm: str = "sha256") -> str:
    return hmac.new(KEY.encode(), content, algorithm).hexdigest()


def test_a_published_example_of_the_kind() -> None:
    settings = secrets(secrets=[GITHUB_SECRET], header="X-Hub-Signature-256", prefix="sha256=")
    push.verify(request(GITHUB_BODY, {"x-hub-signature-256": GITHUB_SIGNATURE}), settings, at(0))


STAMPED = {"header": "sign", "timestamp_header": "ts", "nonce_header": "nonce", "signed": "{timestamp}\n{nonce}\n{method}{url}{body}"}


@pytest.mark.parametrize(
    ("settings", "headers"),
    [
        ({}, {"X-Signature": hexadecimal(BODY)}),
        ({}, {"X-Signature": hexadecimal(BODY).upper()}),
        ({"secrets": ["another-secret-of-16", KEY]}, {"x-signature": hexadecimal(BODY)}),
        ({"algorithm": "sha1"}, {"x-signature": hexadecimal(BODY, "sha1")}),
        ({"encoding": "base64"}, {"x-signature": hmac_base64(KEY.encode(), BODY)}),
        (
            {"timestamp_header": "ts", "signed": "{timestamp}.{body}"},
            {"ts": "1000", "x-signature": hexadecimal(b"1000." + BODY)},
        ),
        (
            {"timestamp_header": "ts", "signed": "{body}{timestamp}", "tolerance": 900},
            {"ts": "100", "x-signature": hexadecimal(BODY + b"100")},
        ),
        (STAMPED, {"ts": "1000", "nonce": "n", "sign": hexadecimal(b"1000\nn\nPOSThttps://fupan.example/v1/hooks/in_1" + BODY)}),
    ],
)
def test_verified(settings: dict[str, object], headers: dict[str, str]) -> None:
    push.verify(request(BODY, headers), secrets(**settings), at(1000))


def test_milliseconds_are_told_from_seconds() -> None:
    now = 1_700_000_000
    settings = secrets(timestamp_header="ts", signed="{timestamp}{body}")
    stamp = str(now * 1000)
    sent = request(BODY, {"ts": stamp, "x-signature": hexadecimal(stamp.encode() + BODY)})
    push.verify(sent, settings, at(now))
    refused(lambda: push.verify(sent, settings, at(now + 301)), Reason.STALE)
    refused(lambda: push.verify(sent, settings, at(now - 301)), Reason.FUTURE)


@pytest.mark.parametrize(
    ("settings", "make", "reason"),
    [
        ({}, lambda: request(BODY + b" ", {"x-signature": hexadecimal(BODY)}), Reason.MISMATCH),
        ({}, lambda: request(BODY, {"x-signature": hexadecimal(BODY)[:-2]}), Reason.MISMATCH),
        ({}, lambda: request(BODY, {"x-signature": hexadecimal(BODY)[:-1]}), Reason.MALFORMED),
        ({}, lambda: request(BODY, {"x-signature": "签名"}), Reason.MALFORMED),
        ({}, lambda: request(BODY, {"x-signature": hexadecimal(BODY, "sha1")}), Reason.MISMATCH),
        ({}, lambda: request(BODY), Reason.MISSING),
        ({}, lambda: request(BODY, [("x-signature", hexadecimal(BODY)), ("X-Signature", "00")]), Reason.REPEATED),
        ({"secrets": ["another-secret-of-16"]}, lambda: request(BODY, {"x-signature": hexadecimal(BODY)}), Reason.MISMATCH),
        ({"prefix": "sha256="}, lambda: request(BODY, {"x-signature": hexadecimal(BODY)}), Reason.MALFORMED),
        ({"encoding": "base64"}, lambda: request(BODY, {"x-signature": hmac_base64(KEY.encode(), BODY)[:-1]}), Reason.MALFORMED),
        (
            {"timestamp_header": "ts", "signed": "{timestamp}{body}"},
            lambda: request(BODY, {"ts": "1001", "x-signature": hexadecimal(b"1000" + BODY)}),
            Reason.MISMATCH,
        ),
        (
            {"timestamp_header": "ts", "signed": "{timestamp}{body}"},
            lambda: request(BODY, {"x-signature": hexadecimal(b"1000" + BODY)}),
            Reason.MISSING,
        ),
        (
            {"timestamp_header": "ts", "signed": "{timestamp}{body}"},
            lambda: request(BODY, {"ts": "十", "x-signature": hexadecimal(BODY)}),
            Reason.MALFORMED,
        ),
    ],
)
def test_refused(settings: dict[str, object], make: Callable[[], HookRequest], reason: Reason) -> None:
    refused(lambda: push.verify(make(), secrets(**settings), at(1000)), reason)


@given(st.binary(max_size=40), st.text(max_size=80), st.sampled_from(["hex", "base64"]))
def test_no_other_error_than_a_refusal(body: bytes, signature: str, encoding: str) -> None:
    with pytest.raises(NotVerified):
        push.verify(request(body, {"x-signature": signature}), secrets(encoding=encoding), at(0))


@pytest.mark.parametrize(
    "settings",
    [
        {"secrets": []},
        {"secrets": ["tiny-key"]},
        {"algorithm": "md5"},
        {"signed": "{timestamp}"},
        {"signed": "{body}{secret}"},
        {"signed": "{body}{timestamp}"},
        {"timestamp_header": "ts"},
        {"nonce_header": "n"},
        {"header": "a b"},
        {"event_id_path": "a["},
        {"unknown": 1},
    ],
)
def test_settings_that_are_none(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        secrets(**settings)
    assert "tiny-key" not in str(caught.value)


def test_event_ids() -> None:
    by_path = secrets(event_id_path="id | data.id")
    assert [event.id for event in push.to_events(request(b'[{"id":1},{"data":{"id":"x"}}]'), by_path)] == ["1", "x"]
    with pytest.raises(NotReadable):
        push.to_events(request(b'{"text":"a"}'), by_path)
    ids = [push.to_events(request(body), secrets())[0].id for body in (b'{"a":1,"b":2}', b'{ "b":2, "a":1 }', b'{"a":2}')]
    assert ids[0] == ids[1] != ids[2]
    assert ids[0] == "sha256-" + hashlib.sha256(b'{"a": 1, "b": 2}').hexdigest()
    [event] = push.to_events(request(b" <note><id>7</id></note>"), secrets(event_id_path="note.id"))
    assert (event.id, event.payload) == ("7", {"note": {"id": "7"}})


def test_every_kind_has_its_module() -> None:
    assert set(ADAPTERS) == {"standard", "hubspot", "wecom", "salesforce", "push"}
    for adapter in ADAPTERS.values():
        assert "POST" in adapter.METHODS
        assert adapter.Secrets.model_config["frozen"]
