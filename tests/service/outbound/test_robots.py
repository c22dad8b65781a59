"""Message cards of the three vendors: payload, signature, limits, and the error number inside a 200 answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.outbound.addresses import parse_allow_list
from service.outbound.connector import Connector, Timeouts, trust
from service.outbound.outcome import Outcome
from service.outbound.robots import ROBOTS, RobotKind, dingtalk, feishu, wecom
from service.outbound.robots.card import Card
from service.outbound.schedule import Done, RetryAt, decide
from tests.service.outbound.conftest import Receiver, answer

NOW = datetime.fromtimestamp(1764144000, UTC)
CARD = Card("张伟", "华东精工", 35, date(2026, 11, 24), "王总什么时候能拍板？", "https://fupan.corp.test/notes/nt_1")
URLS: dict[RobotKind, str] = {
    "wecom": "https://robot.test/cgi-bin/webhook/send?key=693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa",
    "dingtalk": "https://robot.test/robot/send?access_token=abc123",
    "feishu": "https://robot.test/open-apis/bot/v2/hook/8f1c-22aa",
}
KINDS = list(ROBOTS)


def strings(value: Any) -> list[str]:
    """Every string in a JSON value."""
    if isinstance(value, dict):
        return [text for part in value.values() for text in strings(part)]
    if isinstance(value, list):
        return [text for part in value for text in strings(part)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("kind", KINDS)
def test_a_card_says_whose_note_customer_score_question_and_link(kind: RobotKind) -> None:
    body = json.loads(ROBOTS[kind].message(URLS[kind], None, CARD, NOW).body)
    said = "\n".join(strings(body))
    for part in ("复盘提醒：张伟的拜访记录", "华东精工", "35 分", "2026-11-24", "建议先问：王总什么时候能拍板？", CARD.link):
        assert part is not None
        assert part in said


def test_wecom_s_card() -> None:
    message = wecom.message(URLS["wecom"], None, CARD, NOW)
    card = json.loads(message.body)["template_card"]
    assert message.url == URLS["wecom"]
    assert card["card_type"] == "text_notice"
    assert card["main_title"]["title"] == "复盘提醒：张伟的拜访记录"
    assert card["card_action"] == {"type": 1, "url": CARD.link}
    assert card["horizontal_content_list"] == [{"keyname": "客户", "value": "华东精工"}, {"keyname": "拜访日期", "value": "2026-11-24"}]


def test_wecom_without_a_link_is_markdown_since_that_card_must_have_one() -> None:
    card = Card("张伟", None, 35, None, None, None)
    assert json.loads(wecom.message(URLS["wecom"], None, card, NOW).body)["msgtype"] == "markdown"


def test_dingtalk_s_signature_is_added_to_the_url() -> None:
    message = dingtalk.message(URLS["dingtalk"], "SECtest0001", CARD, NOW)
    query = parse_qs(urlsplit(message.url).query)
    # Computed by openssl: printf '1764144000000\nSECtest0001' | openssl dgst -sha256 -hmac SECtest0001 -binary | base64
    assert query == {"access_token": ["abc123"], "timestamp": ["1764144000000"], "sign": ["A8ju1+en4pqwmQPsIyi27mxZSUrbkR9f6QD6FaXwXkw="]}
    assert "sign=A8ju1%2Ben4pqw" in message.url
    body = json.loads(message.body)
    assert body["msgtype"] == "actionCard"
    assert (body["actionCard"]["singleTitle"], body["actionCard"]["singleURL"]) == ("查看记录", CARD.link)


def test_feishu_s_signature_stands_in_the_body() -> None:
    message = feishu.message(URLS["feishu"], "test-secret", CARD, NOW)
    body = json.loads(message.body)
    # Computed by openssl with the key "1764144000\ntest-secret" over no data.
    assert (body["timestamp"], body["sign"]) == ("1764144000", "z1Q8bphvS4+bIRsi42MyiBL0wZeeSvG6mhQ8mT4s/a8=")
    assert (body["msg_type"], message.url) == ("interactive", URLS["feishu"])
    assert "sign" not in json.loads(feishu.message(URLS["feishu"], None, CARD, NOW).body)


HOSTILE = st.text(max_size=2000) | st.sampled_from(
    [
        "[点我](https://evil.test)",
        "<@all>",
        "<at id=all></at>",
        '<font color="warning">',
        "# 标题\n\n> 引用",
        "💥" * 900,
        "a\u202eb",
        "\x00\x07",
    ]
)


@given(HOSTILE, HOSTILE, HOSTILE, st.booleans(), st.sampled_from(KINDS))
def test_limits_hold_and_names_are_no_markup(rep: str, customer: str, asked: str, linked: bool, kind: RobotKind) -> None:
    card = Card(rep, customer, 0, date(2026, 11, 24), asked, CARD.link if linked else None)
    sent = ROBOTS[kind].message(URLS[kind], None, card, NOW).body
    body = json.loads(sent)
    if kind == "wecom" and linked:
        notice = body["template_card"]
        assert len(notice["main_title"]["title"]) <= 26
        assert len(notice["sub_title_text"]) <= 112
        assert len(notice["horizontal_content_list"]) <= 6
        assert all(len(item["keyname"]) <= 5 and len(item["value"]) <= 26 for item in notice["horizontal_content_list"])
    elif kind == "wecom":
        assert len(body["markdown"]["content"].encode()) <= wecom.MARKDOWN_BYTES
    assert len(sent) <= min(dingtalk.MESSAGE_BYTES, feishu.MESSAGE_BYTES)
    if kind == "feishu":
        assert b"lark_md" not in sent
    elif not (kind == "wecom" and linked):
        written = body["markdown"]["content"] if kind == "wecom" else (body.get("actionCard") or body["markdown"])["text"]
        assert not any(mark in written for mark in "[]<@`_")
        assert written.count("\n") <= 8
    assert "复盘" in sent.decode()


@pytest.mark.parametrize(
    ("kind", "url", "secret"),
    [
        ("wecom", "https://robot.test/cgi-bin/webhook/send", None),
        ("wecom", "https://robot.test/send?key=1", None),
        ("wecom", URLS["wecom"], "secret"),
        ("dingtalk", "https://robot.test/robot/send?token=1", None),
        ("dingtalk", URLS["dingtalk"], "nosec"),
        ("feishu", "https://robot.test/open-apis/bot/v2/hook/", None),
        ("feishu", URLS["feishu"] + "/../x", None),
        ("feishu", URLS["feishu"], " "),
        ("feishu", "https://[robot", None),
    ],
)
def test_a_robot_s_url_of_another_form_is_refused(kind: RobotKind, url: str, secret: str | None) -> None:
    with pytest.raises(ValueError) as caught:
        ROBOTS[kind].check(url, secret)
    assert "robot.test" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_robot_s_own_url_is_accepted(kind: RobotKind) -> None:
    ROBOTS[kind].check(URLS[kind], None)


@pytest.mark.parametrize(
    ("kind", "body", "failure"),
    [
        ("wecom", b'{"errcode":0,"errmsg":"ok"}', None),
        ("wecom", b'{"errcode":45009,"errmsg":"api freq out of limit"}', "rate_limited"),
        ("wecom", b'{"errcode":93000,"errmsg":"invalid webhook url"}', "robot_gone"),
        ("wecom", b'{"errcode":12345}', "rejected"),
        ("wecom", b'{"errcode":"0"}', "rejected"),
        ("wecom", b'{"errcode":false}', "rejected"),
        ("wecom", b"{}", "rejected"),
        ("wecom", b"", "rejected"),
        ("wecom", b"[0]", "rejected"),
        ("wecom", b"<html>login</html>", "rejected"),
        ("wecom", b"\xff\xfe", "rejected"),
        ("wecom", b"[" * 60000, "rejected"),
        ("dingtalk", b'{"errcode":0}', None),
        ("dingtalk", b'{"errcode":310000,"errmsg":"sign not match"}', "rejected"),
        ("dingtalk", b'{"errcode":410100}', "rate_limited"),
        ("dingtalk", b'{"errcode":400102}', "robot_gone"),
        ("dingtalk", b'{"errcode":430102}', "message_refused"),
        ("feishu", b'{"code":0,"msg":"success","data":{}}', None),
        ("feishu", b'{"StatusCode":0,"StatusMessage":"success"}', None),
        ("feishu", b'{"code":19021,"msg":"sign match fail"}', "rejected"),
        ("feishu", b'{"code":19001,"StatusCode":0}', "robot_gone"),
        ("feishu", b'{"code":11232}', "rate_limited"),
    ],
)
def test_the_number_inside_a_200(kind: RobotKind, body: bytes, failure: str | None) -> None:
    assert ROBOTS[kind].outcome(Outcome(200, body=body)).failure == failure


@pytest.mark.parametrize("kind", KINDS)
def test_other_outcomes_stay_as_they_are(kind: RobotKind) -> None:
    for outcome in (Outcome(500, body=b'{"errcode":0,"code":0}'), Outcome(None, "timeout"), Outcome(429, retry_after="9")):
        assert ROBOTS[kind].outcome(outcome) == outcome


def test_a_robot_that_is_asked_too_often_waits_ten_minutes(receive: Callable[..., Receiver]) -> None:
    receiver = receive(answer("200 OK", body=b'{"errcode":410100,"errmsg":"send too fast"}'))
    connector = Connector(parse_allow_list(f"127.0.0.1:{receiver.port}"), Timeouts(), trust())
    message = dingtalk.message(f"http://127.0.0.1:{receiver.port}/robot/send?access_token=abc", "SECtest0001", CARD, NOW)
    outcome = dingtalk.outcome(connector.post(message.url, message.headers, message.body))
    assert outcome.code == 410100
    assert decide(outcome, 1, NOW, lambda: 0.0) == RetryAt(NOW + timedelta(minutes=10))
    assert receiver.requests[0].startswith(b"POST /robot/send?access_token=abc&timestamp=1764144000000&sign=A8ju1%2B")
    receiver.behave = answer("200 OK", body=b'{"errcode":0,"errmsg":"ok"}')
    assert decide(dingtalk.outcome(connector.post(message.url, message.headers, message.body)), 2, NOW, lambda: 0.0) == Done()


def test_nothing_personal_or_secret_in_a_repr() -> None:
    message = feishu.message(URLS["feishu"], None, CARD, NOW)
    shown = repr(CARD) + repr(message) + repr(Outcome(200, body="客户".encode()))
    assert not any(part in shown for part in ("张伟", "华东", "8f1c", "客户"))
