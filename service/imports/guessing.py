"""Which column is which field: by its header's name (headers.tsv) and by what stands in it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Literal, get_args

from service.imports.cells import Cell, shown
from service.imports.days import share_of_days
from service.imports.files import Sample

Field = Literal["text", "visited_at", "crm_id", "rep", "rep_id", "team", "customer", "customer_id"]
FIELDS: tuple[Field, ...] = get_args(Field)
FIELD_WORDS: dict[Field, str] = {
    "text": "拜访记录（正文）",
    "visited_at": "拜访日期",
    "crm_id": "记录编号",
    "rep": "销售姓名",
    "rep_id": "销售工号",
    "team": "团队",
    "customer": "客户名称",
    "customer_id": "客户编号",
}
LEAST = 0.5
_MARKS = re.compile(r"[\s_\-*:：()（）\[\]【】/.]+")


def _plain(name: str) -> str:
    return _MARKS.sub("", name).lower()


@cache
def _names() -> dict[Field, list[str]]:
    out: dict[Field, list[str]] = defaultdict(list)
    for line in (Path(__file__).parent / "headers.tsv").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            field, _, name = line.partition("\t")
            out[field].append(_plain(name))  # type: ignore[index]
    return dict(out)


def _by_name(field: Field, header: str) -> float:
    """1 for the surest name of the field, a little less for later ones, 0.6 where such a name is part of the header."""
    plain = _plain(header)
    for rank, name in enumerate(_names()[field]):
        if plain == name:
            return 1 - rank / 200
    # A part counts only at the end: 客户名称 is the customer's name, 客户拜访内容 is no customer.
    if any(len(name) >= 2 and plain.endswith(name) for name in _names()[field]):
        return 0.6
    return 0.0


def _by_values(field: Field, cells: Sequence[Cell]) -> float | None:
    """What the values say: above 0 for, 0 nothing, None: they cannot be this field."""
    if not cells:
        return 0.0
    texts = [shown(c).strip() for c in cells]
    length = fmean(map(len, texts))
    if field == "visited_at":
        share = share_of_days(cells)
        return 0.55 * share if share >= 0.6 else None
    if any(not isinstance(c, str) for c in cells):
        return None
    if field == "text":
        long = sum(len(t) >= 12 for t in texts) / len(texts)
        return None if length < 3 else 0.6 * min(1.0, length / 40) if long >= 0.3 and share_of_days(cells) < 0.5 else 0.0
    if field == "crm_id":
        return 0.0 if len(set(texts)) >= 0.5 * len(texts) and max(map(len, texts)) <= 100 else None
    if field in ("rep", "rep_id", "team"):
        return 0.0 if length <= 25 and max(map(len, texts)) <= 100 else None
    return 0.0 if max(map(len, texts)) <= 200 and length <= 60 else None


def guess(sample: Sample) -> dict[Field, int]:
    """Field → column. The likeliest pair first, each field and each column once."""
    scored = []
    for i, (header, cells) in enumerate(zip(sample.columns, sample.values, strict=True)):
        for field in FIELDS:
            by_values = _by_values(field, cells)
            if by_values is not None:
                scored.append((_by_name(field, header) + by_values, field, i))
    out: dict[Field, int] = {}
    for score, field, i in sorted(scored, key=lambda s: (-s[0], FIELDS.index(s[1]), s[2])):
        if score >= LEAST and field not in out and i not in out.values():
            out[field] = i
    return out
