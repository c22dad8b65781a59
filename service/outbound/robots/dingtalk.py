"""钉钉 custom group robot (open.dingtalk.com, 自定义机器人接入): access token in the URL, `timestamp` and `sign` added where 加签 is on."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlencode

from service.outbound.outcome import Failure, Outcome
from service.outbound.robots.card import JSON_HEADERS, Card, Message, details, encode, plain, question, read_code, split_url, title
from service.outbound.schedule import Pace

PACE = Pace(20, timedelta(minutes=1))
"""20 messages a minute for each robot; beyond, it takes none for ten minutes."""

MESSAGE_BYTES = 20_000

CODES: Mapping[int, tuple[Failure, str | None]] = {
    410100: ("rate_limited", "600"),  # sent too fast
    130101: ("rate_limited", "600"),  # send too fast, exceed 20 times per minute
    -1: ("rate_limited", None),  # system busy
    400013: ("robot_gone", None),  # the group was dissolved
    400101: ("robot_gone", None),  # no such access token
    300001: ("robot_gone", None),  # token does not exist
    400102: ("robot_gone", None),  # the robot was stopped
    400106: ("robot_gone", None),  # no such robot
    40035: ("message_refused", None),  # a parameter is missing
    400105: ("message_refused", None),  # message type not supported
    430101: ("message_refused", None),  # unsafe link
    430102: ("message_refused", None),  # unsuitable text
    430103: ("message_refused", None),  # unsuitable picture
    430104: ("message_refused", None),  # unsuitable content
    460101: ("message_refused", None),  # message too long
}
"""310000 (keyword, signature or IP address not accepted) is not here: the robot's owner can mend that, so it is tried again."""


def check(url: str, secret: str | None) -> None:
    """Raises ValueError where the URL is not a robot's (`…/robot/send?access_token=…`) or the secret does not begin with SEC."""
    parts = split_url(url)
    if not parts.path.endswith("/robot/send") or not parse_qs(parts.query).get("access_token"):
        raise ValueError("A 钉钉 robot's URL ends in /robot/send?access_token=…")
    if secret is not None and not secret.startswith("SEC"):
        raise ValueError("A 钉钉 robot's secret (加签) begins with SEC")


def sign(secret: str, milliseconds: int) -> str:
    """Base64 of the HMAC-SHA256, by the secret, of `{milliseconds}\\n{secret}`; not yet escaped for a URL."""
    digest = hmac.new(secret.encode(), f"{milliseconds}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii")


def message(url: str, secret: str | None, card: Card, now: datetime) -> Message:
    """An actionCard with the link as its button, or markdown where there is none."""
    if secret is not None:
        milliseconds = int(now.timestamp() * 1000)
        parts = split_url(url)
        query = f"{parts.query}&{urlencode({'timestamp': milliseconds, 'sign': sign(secret, milliseconds)})}"
        url = parts._replace(query=query).geturl()
    heading = plain(title(card, 40), 40)
    lines = [f"### {heading}", *(f"- {name}：{plain(value, 60)}" for name, value in details(card)), f"> {plain(question(card), 500)}"]
    text = "\n\n".join((lines[0], "\n".join(lines[1:-1]), lines[-1]))
    if card.link:
        body = {"msgtype": "actionCard", "actionCard": {"title": heading, "text": text, "singleTitle": "查看记录", "singleURL": card.link}}
    else:
        body = {"msgtype": "markdown", "markdown": {"title": heading, "text": text}}
    return Message(url, JSON_HEADERS, encode(body))


def outcome(answered: Outcome) -> Outcome:
    """`errcode` of a 200 answer."""
    return read_code(answered, ("errcode",), CODES)
