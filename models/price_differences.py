"""Amounts that follow from others: a difference, as a stated gap is (12.8万, 9.5万 and 3.3万), or a total, unit price times count (5400一台, 三台, 16200)."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from models.amounts import AmountMention
from models.numbers import NUMBER, parse_number

_EXACT = 1e-3
"""How far from the difference a gap may lie, as a share of the gap."""


class _Differences:
    """The pairs (high, low) of values by their difference, it being less than two thirds of either: more than `of` asks for."""

    def __init__(self, values: Sequence[float]) -> None:
        order = sorted(range(len(values)), key=values.__getitem__)
        ordered = [values[i] for i in order]
        self._values = values
        self._pairs = sorted(
            (values[high] - values[low], high, low)
            for at, high in enumerate(order)
            for low in order[bisect_left(ordered, 0.6 * values[high], 0, at) : at]
        )
        self._between = [pair[0] for pair in self._pairs]

    def of(self, gap: float) -> Iterator[tuple[int, int]]:
        """The pairs whose difference `gap` is, it being less than half of either."""
        for between, high, low in self._pairs[bisect_left(self._between, gap * (1 - 2 * _EXACT)) :]:
            if between > gap * (1 + 2 * _EXACT):
                break
            if gap < 0.5 * self._values[low] and abs(between - gap) < _EXACT * gap:
                yield high, low


def difference_parts(amounts: Sequence[AmountMention], values: Sequence[float]) -> list[set[str]]:
    """Per amount, the parts it plays in a difference of money that adds up, of figures within a factor of four: "high", "low", "gap"."""
    parts: list[set[str]] = [set() for _ in amounts]
    money = [i for i, a in enumerate(amounts) if a.form == "money"]
    if len(money) < 3:
        return parts
    own = [values[i] for i in money]
    differences = _Differences(own)
    for k, gap in enumerate(own):
        for high, low in differences.of(gap):
            if 1.003 * own[low] < own[high] < 4 * own[low]:
                parts[money[high]].add("high")
                parts[money[low]].add("low")
                parts[money[k]].add("gap")
    return parts


def stated_differences(values: Sequence[float]) -> list[bool]:
    """Per amount, whether it is the exact difference of two others and much smaller than they, as a stated gap is."""
    if len(values) < 3:
        return [False] * len(values)
    differences = _Differences(values)
    return [next(differences.of(gap), None) is not None for gap in values]


COUNTED = re.compile(
    r"\s?(?:台|套|个|件|箱|吨|桶|袋|包|瓶|盒|支|条|片|张|把|只|头|亩|户|人|家|间|层|楼|号|米|平|公斤|斤|克|升|次|天|月|年|周|小时|分钟|点|岁|名|位|门|期|届|辆|栋|本|份|杯|根|方|柜|票|趟|多|来|几)(?!到|钱)"
)
"""What stands behind a number that counts things."""
_NUMBER = re.compile(NUMBER)


def product_parts(text: str, amounts: Sequence[AmountMention], values: Sequence[float]) -> list[set[str]]:
    """Per amount, the parts it plays where a count in the text makes one of another: "each" (5400一台) or "total" (16200 of 三台)."""
    parts: list[set[str]] = [set() for _ in amounts]
    money = [
        i for i, a in enumerate(amounts) if a.form == "money" and (a.unit is not None or not COUNTED.match(text, a.end)) and values[i] >= 1
    ]
    if len(money) < 2:
        return parts
    counts: dict[float, list[tuple[int, int]]] = {}
    for m in _NUMBER.finditer(text):
        if COUNTED.match(text, m.end()) and (count := parse_number(m.group())) and count >= 2:
            counts.setdefault(count, []).append(m.span())
    order = sorted(money, key=values.__getitem__)
    ordered = [values[i] for i in order]
    for each in money:
        for count, spots in counts.items():
            product = values[each] * count
            for total in order[bisect_left(ordered, product * (1 - 2 * _EXACT)) : bisect_left(ordered, product * (1 + 2 * _EXACT))]:
                own = (amounts[each], amounts[total])
                if (
                    values[total] >= 2 * values[each]
                    and abs(product - values[total]) < _EXACT * values[total]
                    and any(all(end <= a.start or start >= a.end for a in own) for start, end in spots)
                ):
                    parts[each].add("each")
                    parts[total].add("total")
    return parts
