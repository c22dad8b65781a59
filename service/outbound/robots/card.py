"""What a card says, apart from how a vendor wants it laid out."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import SplitResult, urlsplit

from service.outbound.outcome import Failure, Outcome

# Characters that begin a link, a mention, a colour or a heading in one vendor's markdown or another's; none has an escape that all know.
_WIDE = str.maketrans("[]()<>*_`#!@~|&\\", "［］（）＜＞＊＿｀＃！＠～｜＆＼")


@dataclass(frozen=True, slots=True, repr=False)
class Card:
    """A note to look at together. Whoever reads the group may read these names: that is what the card is for."""

    rep: str
    customer: str | None
    score: int
    visited_at: date | None
    question: str | None
    link: str | None
    """The note's page, where the installation has a public address."""


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """A request to a robot; like a card, it has no repr that could show a key or a name in a log."""

    url: str
    headers: Mapping[str, str]
    body: bytes


def clip(text: str, limit: int) -> str:
    """One line without control characters, at most `limit` characters, its cut shown by …"""
    line = "".join(
        " " if unicodedata.category(c)[0] == "Z" or c in "\t\r\n" else c for c in text if unicodedata.category(c) not in ("Cf", "Cs", "Co")
    )
    line = re.sub(" +", " ", "".join(c for c in line if unicodedata.category(c) != "Cc")).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def plain(text: str, limit: int) -> str:
    """As `clip`, and no character of it is markdown: they are written full-width."""
    return clip(text, limit).translate(_WIDE)


def title(card: Card, limit: int) -> str:
    """The heading, with the word 复盘 in it (a robot may be set to take messages with a keyword only)."""
    return clip(f"复盘提醒：{clip(card.rep, max(limit - 10, 1))}的拜访记录", limit)


def details(card: Card) -> list[tuple[str, str]]:
    """Name and value of each line, as they are; the vendor's module clips."""
    lines = [("客户", card.customer or "未填写"), ("得分", f"{card.score} 分")]
    if card.visited_at is not None:
        lines.append(("拜访日期", card.visited_at.isoformat()))
    return lines


def question(card: Card) -> str:
    """The sentence that opens the talk with the rep."""
    return f"建议先问：{card.question}" if card.question else "这条记录没有要追问的。"


def encode(body: Mapping[str, Any]) -> bytes:
    """The JSON of a request."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


JSON_HEADERS: Mapping[str, str] = {"content-type": "application/json; charset=utf-8"}


def split_url(url: str) -> SplitResult:
    """The URL's parts. Raises ValueError with a message that repeats nothing of it."""
    try:
        return urlsplit(url)
    except ValueError:
        raise ValueError("The robot's URL cannot be read") from None


def read_code(answered: Outcome, names: tuple[str, ...], codes: Mapping[int, tuple[Failure, str | None]]) -> Outcome:
    """A robot's 200 answer by its error number: 0 is success, `codes` says what a known number means (and how many seconds to wait).

    An unknown number or an answer that is no JSON is `rejected`: it is tried again.
    """
    if answered.status is None or not 200 <= answered.status < 300:
        return answered
    try:
        given = json.loads(answered.body)
    except (ValueError, RecursionError):
        given = None
    code = next((given[name] for name in names if type(given.get(name)) is int), None) if isinstance(given, dict) else None
    if code == 0:
        return Outcome(answered.status, None, answered.retry_after, answered.seconds, 0)
    failure, wait = codes.get(code, ("rejected", None)) if code is not None else ("rejected", None)
    return Outcome(answered.status, failure, wait, answered.seconds, code)
