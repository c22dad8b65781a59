"""企业微信 callbacks: the examples of its documents and sample code, and what must be refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from service.inbound.adapters import wecom
from service.inbound.hook import HookRequest, NotReadable, Reason
from tests.service.inbound.senders import at, refused, request, wecom_encrypt, wecom_signature

# Token, EncodingAESKey, CorpID and the two requests of Tencent's sample code (WXBizMsgCrypt, Sample).
TOKEN = "QDG6eK"
AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
CORP = "wx5823bf96d3bd56c7"
SECRETS = wecom.Secrets.model_validate({"keys": [{"token": TOKEN, "encoding_aes_key": AES_KEY}], "receive_ids": [CORP]})
ECHO = request(
    method="GET",
    url="https://qy.example/cgi-bin/wxpush?msg_signature=5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3&timestamp=1409659589&nonce=263014780"
    "&echostr=P9nAzCzyDtyTWESHep1vC5X9xho%2FqYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp%2B4RPcs8TgAE7OaBO%2BFZXvnaqQ%3D%3D",
)
ENCRYPTED = (
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt6"
    "6wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqC"
    "KIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVK"
    "n28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q=="
)
MESSAGE_TIME = 1409659813


def envelope(encrypted: str) -> bytes:
    return (
        f"<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt><AgentID>218</AgentID></xml>".encode()
    )


MESSAGE = request(
    envelope(ENCRYPTED),
    url="https://qy.example/cgi-bin/wxpush?msg_signature=477715d11cdb4164915debcba66cb864d751f3e6&timestamp=1409659813&nonce=1372623149",
)


def sent(
    message: bytes | str, corp: str = CORP, token: str = TOKEN, encrypted: str | None = None, padding: int | None = None
) -> HookRequest:
    """A message as 企业微信 would send it now (second 1000)."""
    plain = message if isinstance(message, bytes) else message.encode()
    encrypted = encrypted if encrypted is not None else wecom_encrypt(plain, AES_KEY, corp, padding)
    query = {"msg_signature": wecom_signature(token, "1000", "n", encrypted), "timestamp": "1000", "nonce": "n"}
    return request(envelope(encrypted), url="https://qy.example/hook?" + urlencode(query))


def without(name: str) -> HookRequest:
    return replace(MESSAGE, query=tuple(pair for pair in MESSAGE.query if pair[0] != name))


def with_parameter(name: str, value: str) -> HookRequest:
    return replace(MESSAGE, query=tuple((key, value if key == name else old) for key, old in MESSAGE.query))


def test_the_published_echo() -> None:
    wecom.verify(ECHO, SECRETS, at(1409659589))
    answer = wecom.answer(ECHO, SECRETS)
    assert (answer.status, answer.media_type, answer.body) == (200, "text/plain", "1616140317555161061")
    assert wecom.to_events(ECHO, SECRETS) == []


def test_the_published_message() -> None:
    wecom.verify(MESSAGE, SECRETS, at(MESSAGE_TIME))
    [event] = wecom.to_events(MESSAGE, SECRETS)
    assert event.id == "4561255354251345929"
    assert event.payload == {
        "ToUserName": CORP, "FromUserName": "mycreate", "CreateTime": "1409659813", "MsgType": "text", "Content": "hello",
        "MsgId": "4561255354251345929", "AgentID": "218",
    }  # fmt: skip
    assert wecom.answer(MESSAGE, SECRETS).body == ""


def test_a_key_being_replaced_and_a_suite() -> None:
    other = {"token": "new", "encoding_aes_key": "a" * 43}
    both = wecom.Secrets.model_validate({"keys": [other, {"token": TOKEN, "encoding_aes_key": AES_KEY}], "receive_ids": ["other", CORP]})
    wecom.verify(MESSAGE, both, at(MESSAGE_TIME))
    suite = sent("<xml><InfoType>change_auth</InfoType></xml>")
    assert wecom.answer(suite, SECRETS).body == "success"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda: replace(MESSAGE, body=envelope("A" + ENCRYPTED[1:])), Reason.MISMATCH, id="changed body"),
        pytest.param(lambda: with_parameter("msg_signature", "0" * 40), Reason.MISMATCH, id="changed signature"),
        pytest.param(lambda: with_parameter("msg_signature", "签名\ud800"), Reason.MISMATCH, id="signature not ASCII"),
        pytest.param(lambda: with_parameter("nonce", "1"), Reason.MISMATCH, id="changed nonce"),
        pytest.param(lambda: with_parameter("timestamp", str(MESSAGE_TIME + 1)), Reason.MISMATCH, id="changed timestamp"),
        *[pytest.param(lambda name=name: without(name), Reason.MISSING, id=f"no {name}") for name, _ in MESSAGE.query],
        pytest.param(lambda: replace(MESSAGE, query=MESSAGE.query * 2), Reason.REPEATED, id="parameters twice"),
        pytest.param(lambda: replace(MESSAGE, body=b"<xml/>"), Reason.MISSING, id="nothing encrypted"),
        pytest.param(
            lambda: replace(MESSAGE, body=b"<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>"), Reason.REPEATED, id="two Encrypts"
        ),
        pytest.param(lambda: replace(MESSAGE, body=b'<!DOCTYPE x [<!ENTITY e "e">]><xml>&e;</xml>'), Reason.MALFORMED, id="entities"),
        pytest.param(lambda: replace(MESSAGE, body=b"\xff\xfe"), Reason.MALFORMED, id="not XML"),
        pytest.param(lambda: replace(ECHO, query=ECHO.query[:3]), Reason.MISSING, id="no echostr"),
    ],
)
def test_refused(make: Callable[[], HookRequest], reason: Reason) -> None:
    refused(lambda: wecom.verify(make(), SECRETS, at(MESSAGE_TIME)), reason)


@pytest.mark.parametrize(("seconds", "reason"), [(MESSAGE_TIME + 301, Reason.STALE), (MESSAGE_TIME - 301, Reason.FUTURE)])
def test_refused_at_another_time(seconds: int, reason: Reason) -> None:
    refused(lambda: wecom.verify(MESSAGE, SECRETS, at(seconds)), reason, "timestamp")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda: sent("<xml/>", corp="ww_other"), Reason.WRONG_RECEIVER, id="another company"),
        pytest.param(lambda: sent("<xml/>", corp=""), Reason.WRONG_RECEIVER, id="no receiver"),
        pytest.param(lambda: sent("<xml/>", token="wrong"), Reason.MISMATCH, id="wrong token"),
        pytest.param(lambda: sent("", encrypted=ENCRYPTED[:-1]), Reason.MALFORMED, id="truncated base64"),
        pytest.param(lambda: sent("", encrypted=ENCRYPTED[:-24]), Reason.MALFORMED, id="truncated cipher text"),
        pytest.param(lambda: sent("", encrypted="QUJD"), Reason.MALFORMED, id="not whole blocks"),
        pytest.param(lambda: sent("<xml/>", padding=33), Reason.MALFORMED, id="padding too long"),
        pytest.param(lambda: sent("<xml/>", padding=0), Reason.MALFORMED, id="no padding"),
        pytest.param(lambda: sent("<xml/>", padding=31), Reason.MALFORMED, id="padding of another length"),
    ],
)
def test_refused_though_well_signed_or_not(make: Callable[[], HookRequest], reason: Reason) -> None:
    refused(lambda: wecom.verify(make(), SECRETS, at(1000)), reason)


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc")), max_size=200))
def test_any_content_comes_through_the_cipher(content: str) -> None:
    escaped = content.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    message = sent(f"<xml><MsgType>text</MsgType><Content>{escaped}</Content></xml>")
    wecom.verify(message, SECRETS, at(1000))
    [event] = wecom.to_events(message, SECRETS)
    assert event.payload["Content"] == content.strip()


def test_an_event_without_a_number_has_its_contents_hash_whatever_the_random_bytes() -> None:
    one, two = sent("<xml><Event>enter_agent</Event></xml>"), sent("<xml><Event>click</Event></xml>")
    ids = {wecom.to_events(message, SECRETS)[0].id for message in (one, one, two)}
    assert len(ids) == 2
    assert all(number.startswith("sha256-") for number in ids)
    with pytest.raises(NotReadable):
        wecom.to_events(sent("not xml"), SECRETS)


@pytest.mark.parametrize("key", ["", "a" * 42, "a" * 44, "中" * 43, "!" * 43])
def test_an_encoding_aes_key_that_is_none(key: str) -> None:
    with pytest.raises(ValidationError) as caught:
        wecom.Key.model_validate({"token": TOKEN, "encoding_aes_key": key})
    assert not key or key not in str(caught.value)
