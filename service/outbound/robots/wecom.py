"""企业微信 group robot (developer.work.weixin.qq.com/document/path/91770): the key stands in the URL, there is no signature."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import parse_qs

from service.outbound.outcome import Failure, Outcome
from service.outbound.robots.card import JSON_HEADERS, Card, Message, clip, details, encode, plain, question, read_code, split_url, title
from service.outbound.schedule import Pace

PACE = Pace(20, timedelta(minutes=1))
"""20 messages a minute for each robot."""

TITLE, NAME, VALUE, EMPHASIS, SUBTITLE = 26, 5, 26, 10, 112
"""Characters of a text_notice card's parts beyond which the document says they are cut."""
MARKDOWN_BYTES = 4096

CODES: Mapping[int, tuple[Failure, str | None]] = {
    45009: ("rate_limited", "60"),  # api freq out of limit
    -1: ("rate_limited", None),  # system busy
    93000: ("robot_gone", None),  # invalid webhook url: the robot was removed or its key renewed
    40008: ("message_refused", None),  # invalid message type
    40058: ("message_refused", None),  # invalid parameter
    44004: ("message_refused", None),  # empty content
    45002: ("message_refused", None),  # content too long
}


def check(url: str, secret: str | None) -> None:
    """Raises ValueError where the URL is not a robot's (`…/cgi-bin/webhook/send?key=…`) or a secret is given."""
    parts = split_url(url)
    if not parts.path.endswith("/cgi-bin/webhook/send") or not parse_qs(parts.query).get("key"):
        raise ValueError("A 企业微信 robot's URL ends in /cgi-bin/webhook/send?key=…")
    if secret is not None:
        raise ValueError("A 企业微信 robot has no secret: its key stands in the URL")


def message(url: str, secret: str | None, card: Card, now: datetime) -> Message:
    """A text_notice card; markdown where there is no link, since that card must have one. `secret` and `now` are not needed."""
    del secret, now
    return Message(url, JSON_HEADERS, encode(_notice(card, card.link) if card.link else _markdown(card)))


def _notice(card: Card, link: str) -> dict[str, object]:
    return {
        "msgtype": "template_card",
        "template_card": {
            "card_type": "text_notice",
            "source": {"desc": "复盘", "desc_color": 2},
            "main_title": {"title": title(card, TITLE)},
            "emphasis_content": {"title": clip(f"{card.score} 分", EMPHASIS), "desc": "本次得分"},
            "sub_title_text": clip(question(card), SUBTITLE),
            "horizontal_content_list": [
                {"keyname": clip(name, NAME), "value": clip(value, VALUE)} for name, value in details(card) if name != "得分"
            ],
            "jump_list": [{"type": 1, "title": "查看记录", "url": link}],
            "card_action": {"type": 1, "url": link},
        },
    }


def _markdown(card: Card) -> dict[str, object]:
    lines = [
        f"**{plain(title(card, TITLE), TITLE)}**",
        *(f">{name}：{plain(value, 60)}" for name, value in details(card)),
        plain(question(card), 500),
    ]
    return {"msgtype": "markdown", "markdown": {"content": "\n".join(lines)}}


def outcome(answered: Outcome) -> Outcome:
    """`errcode` of a 200 answer."""
    return read_code(answered, ("errcode",), CODES)
