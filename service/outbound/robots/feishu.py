"""飞书 custom group robot (open.feishu.cn, 自定义机器人使用指南): token in the URL, `timestamp` and `sign` in the body where 签名校验 is on."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from service.outbound.outcome import Failure, Outcome
from service.outbound.robots.card import JSON_HEADERS, Card, Message, clip, details, encode, question, read_code, split_url, title
from service.outbound.schedule import Pace

PACE = Pace(5, timedelta(seconds=15))
"""飞书 allows 100 a minute and 5 a second: this keeps to both, at the other vendors' 20 a minute."""

MESSAGE_BYTES = 20 * 1024

CODES: Mapping[int, tuple[Failure, str | None]] = {
    11232: ("rate_limited", "60"),  # frequency limited
    9499: ("message_refused", None),  # bad request: the body's form
    19001: ("robot_gone", None),  # the URL's token is not valid
    19002: ("message_refused", None),  # a parameter is not valid
}
"""19021 (signature or clock), 19022 (IP address) and 19024 (keyword) are not here: the robot's owner can mend them, so they are tried again."""


def check(url: str, secret: str | None) -> None:
    """Raises ValueError where the URL is not a robot's (`…/open-apis/bot/v2/hook/…`) or the secret is blank."""
    if not re.search(r"/open-apis/bot/v2/hook/[A-Za-z0-9-]+\Z", split_url(url).path):
        raise ValueError("A 飞书 robot's URL ends in /open-apis/bot/v2/hook/…")
    if secret is not None and not secret.strip():
        raise ValueError("A 飞书 robot's secret (签名校验) must not be blank")


def sign(secret: str, seconds: int) -> str:
    """Base64 of the HMAC-SHA256 of nothing by the key `{seconds}\\n{secret}`, as 飞书 has it."""
    return base64.b64encode(hmac.new(f"{seconds}\n{secret}".encode(), b"", hashlib.sha256).digest()).decode("ascii")


def message(url: str, secret: str | None, card: Card, now: datetime) -> Message:
    """An interactive card; all text as plain_text, so that nothing in a name is read as markdown or a mention."""
    elements: list[dict[str, Any]] = [
        {"tag": "div", "fields": [{"is_short": True, "text": _text(f"{name}：{clip(value, 60)}")} for name, value in details(card)]},
        {"tag": "div", "text": _text(clip(question(card), 500))},
    ]
    if card.link:
        elements.append({"tag": "action", "actions": [{"tag": "button", "text": _text("查看记录"), "type": "primary", "url": card.link}]})
    content: dict[str, Any] = {
        "config": {"wide_screen_mode": True},
        "header": {"template": "orange", "title": _text(title(card, 40))},
        "elements": elements,
    }
    body: dict[str, Any] = {"msg_type": "interactive", "card": content}
    if secret is not None:
        seconds = int(now.timestamp())
        body = {"timestamp": str(seconds), "sign": sign(secret, seconds), **body}
    return Message(url, JSON_HEADERS, encode(body))


def _text(content: str) -> dict[str, str]:
    return {"tag": "plain_text", "content": content}


def outcome(answered: Outcome) -> Outcome:
    """`code` of a 200 answer (`StatusCode` in older ones)."""
    return read_code(answered, ("code", "StatusCode"), CODES)
