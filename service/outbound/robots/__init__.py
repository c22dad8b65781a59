"""Group robots: a message card to a 企业微信, 钉钉 or 飞书 group. One module a vendor, each with the same functions."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Protocol

from service.outbound.outcome import Outcome
from service.outbound.robots import dingtalk, feishu, wecom
from service.outbound.robots.card import Card, Message
from service.outbound.schedule import Pace

RobotKind = Literal["wecom", "dingtalk", "feishu"]


class Robot(Protocol):
    """What a vendor's module offers."""

    PACE: Pace

    def check(self, url: str, secret: str | None) -> None:
        """Raises ValueError where the URL or secret is not of this vendor's form; the message repeats neither."""

    def message(self, url: str, secret: str | None, card: Card, now: datetime) -> Message:
        """The card as this vendor's request, signed at `now` (aware)."""

    def outcome(self, answered: Outcome) -> Outcome:
        """The outcome with what the vendor says inside a 200 answer."""


ROBOTS: dict[RobotKind, Robot] = {"wecom": wecom, "dingtalk": dingtalk, "feishu": feishu}
